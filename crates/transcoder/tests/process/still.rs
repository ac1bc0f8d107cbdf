//! Real key frames in, JPEG out: one for one, at once, of the right size and in the source's colours.

use bytes::Bytes;
use media::Pts;
use transcode::{Config, FromChild, Jpeg, SourcePicture, Start, ToChild, VideoSource, VideoToJpeg};

use crate::{
    child::Transcoder,
    ffmpeg::{self, Still, bars},
};

type Size = (u16, u16);

/// One kind of source: how it is made, and what is to come of it.
struct Kind {
    name: &'static str,
    source: fn(Bytes) -> VideoSource,
    still: Still,
    size: Size,
}

fn h264(name: &'static str, size: &str, filter: &str, options: &[&str], expected: Size) -> Kind {
    let options = [&["-c:v", "libx264"], options].concat();
    Kind {
        name,
        source: VideoSource::H264,
        still: bars(size, filter, Some("avcC"), &options),
        size: expected,
    }
}

fn other(
    name: &'static str,
    source: fn(Bytes) -> VideoSource,
    size: &str,
    record: Option<&str>,
    options: &[&str],
    expected: Size,
) -> Kind {
    Kind {
        name,
        source,
        still: bars(size, "format=yuv420p", record, options),
        size: expected,
    }
}

/// What FFmpeg and a browser make of HD without being told otherwise.
const BT709: [&str; 8] = [
    "-colorspace",
    "bt709",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
    "-color_range",
    "tv",
];
const TO_BT709: &str = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p";

fn kinds() -> Vec<Kind> {
    let mut kinds = of_h264();
    kinds.extend(of_other_codecs());
    kinds
}

fn of_h264() -> Vec<Kind> {
    let b_frames = [&["-bf", "3", "-profile:v", "high"][..], &BT709].concat();
    let interlaced = [
        &["-flags", "+ildct", "-x264-params", "interlaced=1"][..],
        &BT709,
    ]
    .concat();
    let full = ["-color_range", "pc", "-colorspace", "bt709"];
    let deep = [&["-profile:v", "high10"][..], &BT709].concat();
    vec![
        h264(
            "720p with B-frames",
            "1280x720",
            TO_BT709,
            &b_frames,
            (640, 360),
        ),
        h264("upright", "360x640", TO_BT709, &b_frames, (360, 640)),
        h264("small", "98x50", TO_BT709, &b_frames, (98, 50)),
        h264("fields", "1280x720", TO_BT709, &interlaced, (640, 360)),
        h264(
            "full range",
            "640x360",
            "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p",
            &full,
            (640, 360),
        ),
        h264(
            "10 bits",
            "640x360",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p10",
            &deep,
            (640, 360),
        ),
        h264(
            "4:4:4, odd",
            "333x187",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p",
            &BT709,
            (332, 186),
        ),
        h264(
            "wide samples",
            "720x576",
            &format!("{TO_BT709},setsar=64/45"),
            &b_frames,
            (640, 360),
        ),
        // The same matrix, another range.
        h264("of SD", "640x360", "format=yuv420p", &[], (640, 360)),
    ]
}

fn of_other_codecs() -> [Kind; 3] {
    let vp8 = ["-c:v", "libvpx", "-b:v", "2M"];
    let vp9 = ["-c:v", "libvpx-vp9", "-b:v", "2M"];
    let h265 = [
        &["-c:v", "libx265", "-x265-params", "log-level=none"][..],
        &BT709,
    ]
    .concat();
    [
        Kind {
            still: bars("1280x720", TO_BT709, Some("hvcC"), &h265),
            ..other("H.265", VideoSource::H265, "64x64", None, &vp8, (640, 360))
        },
        other(
            "VP9, odd",
            |_| VideoSource::Vp9,
            "333x187",
            None,
            &vp9,
            (332, 186),
        ),
        other(
            "VP8",
            |_| VideoSource::Vp8,
            "640x360",
            None,
            &vp8,
            (640, 360),
        ),
    ]
}

impl Kind {
    fn start(&self) -> Start {
        Start::VideoToJpeg(VideoToJpeg {
            source: (self.source)(self.still.record.clone()),
            side_max: 640,
        })
    }
}

fn show(transcoder: &mut Transcoder, pts: i64, payload: &Bytes) {
    transcoder.send(&ToChild::Picture(SourcePicture {
        pts: Pts(pts),
        wanted: true,
        payload: payload.clone(),
    }));
}

fn hear(transcoder: &Transcoder) -> Jpeg {
    match transcoder.hear() {
        Some(FromChild::Jpeg(jpeg)) => jpeg,
        other => panic!("{other:?}"),
    }
}

/// Height and width in the frame header of a baseline JPEG (ITU-T T.81 section B.2.2).
fn size(jpeg: &[u8]) -> Size {
    let at = jpeg.windows(4).position(|four| four == [0xff, 0xc0, 0, 17]);
    let header = &jpeg[at.expect("a frame header")..];
    let side = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    (side(7), side(5))
}

/// Mean difference of each channel, in steps of 255.
fn difference(ours: &[u8], theirs: &[u8]) -> [f64; 3] {
    assert_eq!(ours.len(), theirs.len());
    let mut sums = [0_u32; 3];
    for (n, (a, b)) in ours.iter().zip(theirs).enumerate() {
        sums[n % 3] += u32::from(a.abs_diff(*b));
    }
    sums.map(|sum| f64::from(sum) * 3.0 / f64::from(u32::try_from(ours.len()).unwrap()))
}

#[test]
fn a_key_frame_comes_back_at_once_in_its_size_and_colours() {
    for kind in kinds() {
        let mut transcoder = Transcoder::started(kind.start());
        // Twice: nothing of the first is in the way of the second. Nothing follows that could push it out.
        show(&mut transcoder, 900_001, &kind.still.unit);
        let first = hear(&transcoder);
        show(&mut transcoder, 1_080_001, &kind.still.unit);
        let second = hear(&transcoder);
        assert_eq!((first.pts, second.pts), (Pts(900_001), Pts(1_080_001)));
        assert_eq!(first.file, second.file, "{}", kind.name);
        assert_eq!(size(&first.file), kind.size, "{}", kind.name);
        let ours = ffmpeg::rgb(first.file.to_vec(), kind.size, "");
        let theirs = ffmpeg::rgb(kind.still.file.clone(), kind.size, "");
        let difference = difference(&ours, &theirs);
        println!(
            "{}: {difference:.2?}, {} bytes",
            kind.name,
            first.file.len()
        );
        assert!(
            difference.iter().all(|channel| *channel < 4.0),
            "{}: {difference:?}",
            kind.name
        );
        transcoder.send(&ToChild::Stop);
        assert_eq!(transcoder.hear(), None);
        assert!(transcoder.exit().success());
    }
}

/// The bound above says something: bars of HD taken for those of SD are outside it.
#[test]
fn another_matrix_would_be_noticed() {
    let bars = bars("1280x720", TO_BT709, Some("avcC"), &BT709);
    let matrix = |name: &str| format!(":in_color_matrix={name}");
    let decoded =
        ["bt709", "bt601"].map(|name| ffmpeg::rgb(bars.file.clone(), (640, 360), &matrix(name)));
    let difference = difference(&decoded[0], &decoded[1]);
    println!("{difference:.2?}");
    assert!(
        difference.iter().any(|channel| *channel > 4.5),
        "{difference:?}"
    );
}

#[test]
fn what_is_not_wanted_is_not_made() {
    let kind = h264("bars", "640x360", TO_BT709, &[], (640, 360));
    let mut transcoder = Transcoder::started(kind.start());
    transcoder.send(&ToChild::Picture(SourcePicture {
        pts: Pts(1),
        wanted: false,
        payload: kind.still.unit.clone(),
    }));
    show(&mut transcoder, 2, &kind.still.unit);
    assert_eq!(hear(&transcoder).pts, Pts(2));
}

#[test]
fn what_cannot_be_decoded_is_said_at_once() {
    let kind = h264("bars", "640x360", TO_BT709, &[], (640, 360));
    let noise: Vec<u8> = (0..20_000_u32).map(|n| (n * n % 251) as u8).collect();
    let unit = [&[0, 0, 78, 28, 0x65], &noise[..19_995]].concat();
    let no_nal = [0, 0, 0, 2, 9, 16];
    for (start, unit) in [
        (kind.start(), &unit[..]),
        (kind.start(), &no_nal),
        (kind.start(), &[0xff; 9]),
        (
            Start::VideoToJpeg(VideoToJpeg {
                source: VideoSource::Vp9,
                side_max: 640,
            }),
            &noise[..],
        ),
        (
            Start::VideoToJpeg(VideoToJpeg {
                source: VideoSource::H265(Bytes::from_static(&[1; 23])),
                side_max: 640,
            }),
            &noise[..],
        ),
    ] {
        let mut transcoder = Transcoder::started(start);
        show(&mut transcoder, 1, &Bytes::copy_from_slice(unit));
        match transcoder.hear() {
            // Concealment may make grey of the noise: that is a picture, too.
            Some(FromChild::Jpeg(_)) => {}
            Some(FromChild::Failed { message }) => {
                println!("{message}");
                assert_eq!(transcoder.exit().code(), Some(1));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Whatever a publisher sends: a picture, or the child's end, and neither is waited for as long as for one that hangs.
#[test]
fn broken_key_frames_are_answered() {
    let silence_max = Config::default().silence_max;
    for kind in kinds() {
        let mut transcoder = Transcoder::started(kind.start());
        let (mut pictures, mut ends) = (0, 0);
        for seed in 0..BROKEN {
            show(&mut transcoder, 1, &broken(&kind.still.unit, seed));
            match transcoder.hear_within(silence_max) {
                Some(FromChild::Jpeg(_)) => pictures += 1,
                Some(FromChild::Failed { .. }) | None => {
                    ends += 1;
                    transcoder = Transcoder::started(kind.start());
                }
                other => panic!("{}, seed {seed}: {other:?}", kind.name),
            }
        }
        println!("{}: {pictures} pictures, {ends} ends", kind.name);
        show(&mut transcoder, 2, &kind.still.unit);
        assert_eq!(hear(&transcoder).pts, Pts(2), "{}", kind.name);
    }
}

const BROKEN: u64 = 12;

/// Some bits are others, and of every third the end is missing.
fn broken(unit: &Bytes, seed: u64) -> Bytes {
    let mut unit = unit.to_vec();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for _ in 0..1 + seed % 5 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (at, bit) = (state >> 8, state % 8);
        let length = u64::try_from(unit.len()).unwrap();
        unit[usize::try_from(at % length).unwrap()] ^= 1 << bit;
    }
    if seed.is_multiple_of(3) {
        unit.truncate(unit.len() / 2 + 1);
    }
    unit.into()
}

#[test]
fn what_belongs_to_another_conversion_ends_it() {
    let kind = h264("bars", "640x360", TO_BT709, &[], (640, 360));
    let mut transcoder = Transcoder::started(kind.start());
    transcoder.send(&ToChild::Keyframe);
    let failed = transcoder.hear();
    assert!(
        matches!(failed, Some(FromChild::Failed { .. })),
        "{failed:?}"
    );
    assert_eq!(transcoder.exit().code(), Some(2));
}
