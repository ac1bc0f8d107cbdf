//! Real H.264 in, H.264 out: every picture once, at its time, decodable by every WebRTC receiver.
//!
//! Each picture is of one brightness that tells its number, so that FFmpeg's decoding of what comes out says which source
//! picture it is, whatever its time says.

use bytes::Bytes;
use media::{Pts, av1, h264};
use transcode::{FromChild, Picture, SourcePicture, Start, ToChild, VideoSource, VideoToH264};

use crate::{child::Transcoder, ffmpeg, ffmpeg::SHADES};

/// A coded source.
pub(crate) struct Source {
    pub(crate) avcc: Bytes,
    /// In decode order: pts, and the access unit.
    pub(crate) units: Vec<(Pts, Bytes)>,
}

/// Not zero, and on no multiple of a millisecond.
const FIRST: i64 = 900_001;
const FRAME: i64 = 3_000;
const SECONDS: usize = 5;
const FPS: usize = 30;

/// As OBS makes it untouched: three B-frames, a key frame each 250 pictures.
fn source(options: &[&str]) -> Source {
    let (avcc, tags) = ffmpeg::shades(SECONDS * FPS, options);
    let to_ticks = |ms: i64| (ms * 90 + FRAME / 2) / FRAME * FRAME;
    let first = tags.iter().map(|(ms, _)| *ms).min().unwrap();
    let units = tags
        .into_iter()
        .map(|(ms, unit)| (Pts(FIRST + to_ticks(ms - first)), unit));
    Source {
        avcc,
        units: units.collect(),
    }
}

impl Source {
    fn start(&self) -> Start {
        Start::VideoToH264(VideoToH264 {
            source: VideoSource::H264(self.avcc.clone()),
            frame_rate_milli: 30_000,
            bitrate_bps: 1_000_000,
        })
    }

    fn times(&self) -> Vec<Pts> {
        let mut times: Vec<Pts> = self.units.iter().map(|(pts, _)| *pts).collect();
        times.sort();
        times
    }
}

/// What came of it.
#[derive(Default)]
struct Repaired {
    configurations: Vec<Bytes>,
    pictures: Vec<Picture>,
}

impl Repaired {
    /// Takes what is said until the output ends.
    fn rest(mut self, transcoder: &Transcoder) -> Self {
        while let Some(message) = transcoder.hear() {
            self.take(message);
        }
        self
    }

    fn take(&mut self, message: FromChild) {
        match message {
            FromChild::Configuration(avcc) => self.configurations.push(avcc),
            FromChild::Picture(picture) => self.pictures.push(picture),
            other @ (FromChild::Ready
            | FromChild::Packet { .. }
            | FromChild::Jpeg(_)
            | FromChild::Failed { .. }) => panic!("{other:?}"),
        }
    }

    fn times(&self) -> Vec<Pts> {
        self.pictures.iter().map(|picture| picture.pts).collect()
    }

    /// The numbers that FFmpeg sees in them.
    fn numbers(&self) -> Vec<usize> {
        let config = h264::parse_avcc(&self.configurations[0]).unwrap();
        let mut stream = Vec::new();
        for set in config.config.sps.iter().chain(&config.config.pps) {
            annex_b(&mut stream, set);
        }
        for picture in &self.pictures {
            for nal in h264::nals(&picture.payload) {
                annex_b(&mut stream, &nal);
            }
        }
        ffmpeg::numbers(stream)
    }
}

fn annex_b(stream: &mut Vec<u8>, nal: &[u8]) {
    stream.extend_from_slice(&[0, 0, 0, 1]);
    stream.extend_from_slice(nal);
}

fn send(transcoder: &mut Transcoder, source: &Source, wanted: impl Fn(Pts) -> bool) {
    for (pts, payload) in &source.units {
        transcoder.send(&ToChild::Picture(SourcePicture {
            pts: *pts,
            wanted: wanted(*pts),
            payload: payload.clone(),
        }));
    }
    transcoder.send(&ToChild::Stop);
}

/// OBS 29's defaults are close to it.
const B_FRAMES: &[&str] = &["-bf", "3", "-g", "250", "-profile:v", "high"];

#[test]
fn every_picture_comes_back_once_at_its_time() {
    let source = source(B_FRAMES);
    let mut transcoder = Transcoder::started(source.start());
    send(&mut transcoder, &source, |_| true);
    let repaired = Repaired::default().rest(&transcoder);
    assert!(transcoder.exit().success());
    assert_eq!(repaired.times(), source.times());
    let numbers: Vec<usize> = (0..SECONDS * FPS).map(|number| number % SHADES).collect();
    assert_eq!(repaired.numbers(), numbers);
    // One configuration: constrained baseline (RFC 6184 section 8.1, profile-iop 0x40), nothing to reorder.
    assert_eq!(repaired.configurations.len(), 1);
    let config = h264::parse_avcc(&repaired.configurations[0])
        .unwrap()
        .config;
    assert_eq!(&config.sps[0][1..2], [66]);
    assert_eq!(config.sps[0][2] & 0x40, 0x40);
    for picture in &repaired.pictures {
        let nals: Vec<_> = h264::nals(&picture.payload).collect();
        let idr = nals.iter().any(|nal| nal[0] & 0x1f == 5);
        assert_eq!(picture.keyframe, idr);
        let b = Some(h264::SliceType::B);
        assert!(nals.iter().all(|nal| h264::slice_type(nal) != b));
    }
    let keyframes = repaired.pictures.iter().filter(|picture| picture.keyframe);
    let keyframes: Vec<Pts> = keyframes.map(|picture| picture.pts).collect();
    assert_eq!(keyframes[0], repaired.pictures[0].pts);
    let apart = keyframes.windows(2).map(|two| two[1].since(two[0]));
    assert_eq!(apart.max(), Some(90_000));
}

/// Fields, and what has more or other samples than browsers take.
#[test]
fn whatever_h264_it_is_every_picture_comes_back_whole() {
    for options in [
        &[
            "-bf",
            "2",
            "-x264-params",
            "tff=1:nal-hrd=none",
            "-flags",
            "+ildct+ilme",
        ][..],
        &["-pix_fmt", "yuv422p", "-profile:v", "high422"],
        &["-pix_fmt", "yuv444p", "-profile:v", "high444"],
        &["-pix_fmt", "yuv420p10le", "-profile:v", "high10"],
        // Odd sides, which 4:2:0 cannot have.
        &[
            "-vf",
            "scale=321:181",
            "-pix_fmt",
            "yuv444p",
            "-profile:v",
            "high444",
        ],
    ] {
        let source = source(options);
        let mut transcoder = Transcoder::started(source.start());
        send(&mut transcoder, &source, |_| true);
        let repaired = Repaired::default().rest(&transcoder);
        assert_eq!(repaired.times(), source.times(), "{options:?}");
        let numbers: Vec<usize> = (0..SECONDS * FPS).map(|number| number % SHADES).collect();
        assert_eq!(repaired.numbers(), numbers, "{options:?}");
        let sps = &h264::parse_avcc(&repaired.configurations[0])
            .unwrap()
            .config
            .sps[0];
        assert_eq!(sps[1], 66, "{options:?}");
    }
}

#[test]
fn what_is_not_wanted_is_decoded_for_the_rest_and_does_not_come_back() {
    let source = source(B_FRAMES);
    let from = Pts(FIRST + 100 * FRAME);
    let mut transcoder = Transcoder::started(source.start());
    send(&mut transcoder, &source, |pts| pts >= from);
    let repaired = Repaired::default().rest(&transcoder);
    let mut expected = source.times();
    expected.retain(|pts| *pts >= from);
    assert_eq!(repaired.times(), expected);
    assert!(repaired.pictures[0].keyframe);
    let numbers: Vec<usize> = (100..SECONDS * FPS).map(|number| number % SHADES).collect();
    assert_eq!(repaired.numbers(), numbers);
}

#[test]
fn a_key_frame_comes_when_it_is_asked_for() {
    let source = source(&["-bf", "0", "-g", "250", "-profile:v", "high"]);
    let mut transcoder = Transcoder::started(source.start());
    let mut repaired = Repaired::default();
    for (pts, payload) in &source.units[..20] {
        if *pts == Pts(FIRST + 10 * FRAME) {
            transcoder.send(&ToChild::Keyframe);
        }
        transcoder.send(&ToChild::Picture(SourcePicture {
            pts: *pts,
            wanted: true,
            payload: payload.clone(),
        }));
        // Without B-frames each picture comes before the next is sent.
        let sent = repaired.pictures.len();
        while repaired.pictures.len() == sent {
            repaired.take(transcoder.hear().unwrap());
        }
    }
    let keyframes = repaired.pictures.iter().filter(|picture| picture.keyframe);
    let numbers = keyframes.map(|picture| (picture.pts.0 - FIRST) / FRAME);
    assert_eq!(numbers.collect::<Vec<_>>(), [0, 10]);
}

/// Recorded from x265, 30 pictures a second: the configuration, then the access units.
pub(crate) fn h265() -> Source {
    let file = Bytes::from_static(include_bytes!("../../../media/tests/data/h265.hvc"));
    let mut pieces = h264::nals(&file);
    Source {
        avcc: pieces.next().unwrap(),
        units: (0..).map(|n| Pts(FIRST + n * FRAME)).zip(pieces).collect(),
    }
}

/// Recorded from libvpx.
pub(crate) fn vp9() -> Source {
    ivf(include_bytes!("../../../media/tests/data/vp9.ivf"))
}

/// Recorded from libaom, and taken to samples as the server takes it.
pub(crate) fn av1() -> Source {
    let mut source = ivf(include_bytes!("../../../media/tests/data/av1.ivf"));
    for (_, unit) in &mut source.units {
        *unit = av1::sample(unit).unwrap().payload;
    }
    source
}

/// The frames of an IVF file.
fn ivf(file: &'static [u8]) -> Source {
    let file = Bytes::from_static(file);
    let (mut rest, mut units) = (file.slice(32..), Vec::new());
    while let Some(size) = rest
        .first_chunk::<4>()
        .map(|size| u32::from_le_bytes(*size))
    {
        let frame = rest.slice(12..12 + usize::try_from(size).unwrap());
        rest = rest.slice(12 + frame.len()..);
        let number = i64::try_from(units.len()).unwrap();
        units.push((Pts(FIRST + number * FRAME), frame));
    }
    Source {
        avcc: Bytes::new(),
        units,
    }
}

#[test]
fn other_codecs_come_back_as_h264_too() {
    let (h265, vp9, av1) = (h265(), vp9(), av1());
    for (source, codec) in [
        (&h265, VideoSource::H265(h265.avcc.clone())),
        (&vp9, VideoSource::Vp9),
        (&av1, VideoSource::Av1),
    ] {
        let mut transcoder = Transcoder::started(Start::VideoToH264(VideoToH264 {
            source: codec,
            frame_rate_milli: 30_000,
            bitrate_bps: 300_000,
        }));
        send(&mut transcoder, source, |_| true);
        let repaired = Repaired::default().rest(&transcoder);
        assert!(transcoder.exit().success());
        assert!(!source.units.is_empty());
        assert_eq!(repaired.times(), source.times());
    }
}
