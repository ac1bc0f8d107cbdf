//! FFmpeg as the encoder in front of the transcoder and as the judge behind it.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
};

use bytes::Bytes;

/// An AAC stream, cut into access units.
pub(crate) struct Aac {
    /// As it came: the body of an RTMP session.
    pub(crate) flv: Vec<u8>,
    pub(crate) asc: Bytes,
    pub(crate) rate: u32,
    pub(crate) channels: u8,
    pub(crate) units: Vec<Bytes>,
}

/// What to encode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) rate: u32,
    /// FFmpeg's name and the number of channels.
    pub(crate) channels: (&'static str, u8),
}

pub(crate) const MONO: (&str, u8) = ("mono", 1);
pub(crate) const STEREO: (&str, u8) = ("stereo", 2);
pub(crate) const SURROUND: (&str, u8) = ("5.1", 6);

/// Encodes one mono signal, sounding in the channels that `sounds` names, the others silent.
pub(crate) fn aac(layout: Layout, signal: &[f32], sounds: impl Fn(u8) -> bool) -> Aac {
    let (name, channels) = layout.channels;
    let samples = signal.iter().flat_map(|sample| {
        (0..channels)
            .flat_map(|channel| {
                let sample = if sounds(channel) { *sample } else { 0.0 };
                sample.to_le_bytes()
            })
            .collect::<Vec<_>>()
    });
    let (rate, channels) = (layout.rate.to_string(), channels.to_string());
    #[rustfmt::skip]
    let arguments = [
        "-f", "f32le", "-ar", &rate, "-ac", &channels, "-channel_layout", name, "-i", "pipe:0",
        "-c:a", "aac", "-b:a", "160k", "-f", "flv", "pipe:1",
    ];
    Aac::parse(ffmpeg(&arguments, samples.collect()), layout)
}

/// FFmpeg's own decoding, at 48 kHz in stereo: sample 0 is the first access unit's first.
pub(crate) fn decode_aac(aac: &Aac) -> Vec<[f32; 2]> {
    let sound = decode("flv", aac.flv.clone());
    let expected = aac.units.len() * 1024 * 48_000 / usize::try_from(aac.rate).unwrap();
    assert!(
        sound.len().abs_diff(expected) <= 48,
        "{} instead of {expected}",
        sound.len()
    );
    sound
}

/// FFmpeg's decoding of an Ogg file, at 48 kHz in stereo.
pub(crate) fn decode_ogg(ogg: Vec<u8>) -> Vec<[f32; 2]> {
    decode("ogg", ogg)
}

/// FFmpeg's decoding of an ADTS file, at 48 kHz in stereo.
pub(crate) fn decode_adts(adts: Vec<u8>) -> Vec<[f32; 2]> {
    decode("aac", adts)
}

/// Encodes one mono signal of 48 kHz, the same in every channel, to an Ogg file.
pub(crate) fn encode_opus(channels: u8, signal: &[f32], options: &[&str]) -> Vec<u8> {
    let channels = usize::from(channels);
    let samples = signal
        .iter()
        .flat_map(|sample| std::iter::repeat_n(sample.to_le_bytes(), channels))
        .flatten();
    let count = channels.to_string();
    #[rustfmt::skip]
    let input = [
        "-f", "f32le", "-ar", "48000", "-ac", &count, "-i", "pipe:0", "-c:a", "libopus",
    ];
    let arguments = [&input, options, &["-f", "ogg", "pipe:1"]].concat();
    ffmpeg(&arguments, samples.collect())
}

/// So many pictures of 320x180 at 30 a second, H.264 by x264, each of the shade of its number: the configuration, and each
/// access unit in decode order with the time at which it is shown, ms.
pub(crate) fn shades(count: usize, options: &[&str]) -> (Bytes, Vec<(i64, Bytes)>) {
    let size = SHADE_BYTES;
    let pictures = (0..count).flat_map(|number| {
        let luma = std::iter::repeat_n(shade(number), size);
        luma.chain(std::iter::repeat_n(128, size / 2))
    });
    #[rustfmt::skip]
    let input = [
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x180", "-r", "30", "-i", "pipe:0",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p",
    ];
    let arguments = [&input, options, &["-f", "flv", "pipe:1"]].concat();
    let (avcc, units) = h264(&ffmpeg(&arguments, pictures.collect()));
    assert_eq!(units.len(), count);
    (avcc, units)
}

/// So many test pictures of this size, like [`shades`].
pub(crate) fn test_pictures(size: &str, count: usize) -> (Bytes, Vec<(i64, Bytes)>) {
    let (input, count) = (format!("testsrc2=size={size}:rate=30"), count.to_string());
    #[rustfmt::skip]
    let arguments = [
        "-f", "lavfi", "-i", &input, "-frames:v", &count, "-c:v", "libx264", "-preset", "veryfast", "-bf", "2",
        "-profile:v", "high", "-pix_fmt", "yuv420p", "-f", "flv", "pipe:1",
    ];
    h264(&ffmpeg(&arguments, Vec::new()))
}

/// The H.264 of an FLV file: its configuration, and each access unit with the time at which it is shown, ms.
fn h264(flv: &[u8]) -> (Bytes, Vec<(i64, Bytes)>) {
    let (mut avcc, mut units) = (Bytes::new(), Vec::new());
    for (kind, ms, body) in tags(flv) {
        match (kind, body) {
            (VIDEO, [_, 0, _, _, _, config @ ..]) => avcc = Bytes::copy_from_slice(config),
            (VIDEO, [_, 1, a, b, c, unit @ ..]) => {
                let composition = i32::from_be_bytes([*a, *b, *c, 0]) >> 8;
                units.push((ms + i64::from(composition), Bytes::copy_from_slice(unit)));
            }
            _ => {}
        }
    }
    (avcc, units)
}

/// The numbers that the shades of an Annex B stream's pictures tell, modulo [`SHADES`], in the order in which they are
/// shown.
pub(crate) fn numbers(annex_b: Vec<u8>) -> Vec<usize> {
    #[rustfmt::skip]
    let arguments = [
        "-f", "h264", "-i", "pipe:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1",
    ];
    let pictures = ffmpeg(&arguments, annex_b);
    let number = |picture: &[u8]| {
        let luma = &picture[..SHADE_BYTES];
        let mean = luma.iter().copied().map(usize::from).sum::<usize>() / SHADE_BYTES;
        (0..SHADES)
            .min_by_key(|number| usize::from(shade(*number)).abs_diff(mean))
            .unwrap()
    };
    pictures
        .chunks_exact(SHADE_BYTES * 3 / 2)
        .map(number)
        .collect()
}

/// One picture of SMPTE's bars, encoded.
pub(crate) struct Still {
    /// The file it came in.
    pub(crate) file: Vec<u8>,
    /// The configuration record, if the codec has one.
    pub(crate) record: Bytes,
    /// The access unit.
    pub(crate) unit: Bytes,
}

/// Bars of `size` without sharp edges, of which JPEG keeps a quarter of the colours, put through `filter`, encoded by `options`: into MP4 where the codec has a record, which is the box of
/// that name, and else into IVF.
pub(crate) fn bars(size: &str, filter: &str, record: Option<&str>, options: &[&str]) -> Still {
    let input = format!("smptehdbars=size={size}:rate=30,gblur=sigma=4");
    #[rustfmt::skip]
    let input = ["-f", "lavfi", "-i", &input, "-vf", filter, "-frames:v", "1"];
    let fragmented = ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4"];
    let container = match record {
        Some(_) => &fragmented[..],
        None => &["-f", "ivf"],
    };
    let file = ffmpeg(
        &[&input, options, container, &["pipe:1"]].concat(),
        Vec::new(),
    );
    let (record, unit) = match record {
        Some(record) => (content(&file, record), content(&file, "mdat")),
        None => {
            let size = u32::from_le_bytes(*file[32..].first_chunk().unwrap());
            let unit = &file[44..44 + usize::try_from(size).unwrap()];
            (Bytes::new(), Bytes::copy_from_slice(unit))
        }
    };
    Still { file, record, unit }
}

/// What is in the box of this name, wherever it is.
fn content(file: &[u8], name: &str) -> Bytes {
    let at = file.windows(4).position(|four| four == name.as_bytes());
    let at = at.expect("the file has such a box");
    let size = u32::from_be_bytes(*file[at - 4..].first_chunk().unwrap());
    let end = at - 4 + usize::try_from(size).unwrap();
    Bytes::copy_from_slice(&file[at + 4..end])
}

/// FFmpeg's decoding of the first picture of a file, scaled to `size`: red, green and blue of each sample. `matrix` is
/// an option of the scaler, or nothing.
pub(crate) fn rgb(file: Vec<u8>, size: (u16, u16), matrix: &str) -> Vec<u8> {
    let (width, height) = size;
    let scale = format!("scale={width}:{height}:flags=accurate_rnd{matrix}");
    #[rustfmt::skip]
    let arguments = [
        "-i", "pipe:0", "-vf", &scale, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1",
    ];
    ffmpeg(&arguments, file)
}

/// Three steps from one number to the next: more than coding changes.
fn shade(number: usize) -> u8 {
    u8::try_from(20 + number % SHADES * 3).unwrap()
}

pub(crate) const SHADES: usize = 70;
const SHADE_BYTES: usize = 320 * 180;

fn decode(format: &str, input: Vec<u8>) -> Vec<[f32; 2]> {
    let arguments = [
        "-f", format, "-i", "pipe:0", "-f", "f32le", "-ac", "2", "-ar", "48000", "pipe:1",
    ];
    let bytes = ffmpeg(&arguments, input);
    let (values, _) = bytes.as_chunks::<4>();
    let (pairs, _) = values.as_chunks::<2>();
    pairs
        .iter()
        .map(|pair| pair.map(f32::from_le_bytes))
        .collect()
}

fn ffmpeg(arguments: &[&str], input: Vec<u8>) -> Vec<u8> {
    let mut process = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests need FFmpeg: apt install ffmpeg");
    let mut stdin = process.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

impl Aac {
    /// Adobe Flash Video File Format 10.1, sections E.3 and E.4.2.
    fn parse(flv: Vec<u8>, layout: Layout) -> Self {
        let mut asc = Bytes::new();
        let mut units = Vec::new();
        for (kind, _, body) in tags(&flv) {
            match (kind, body) {
                (AUDIO, [0xaf, 0, config @ ..]) => asc = Bytes::copy_from_slice(config),
                (AUDIO, [0xaf, 1, unit @ ..]) => units.push(Bytes::copy_from_slice(unit)),
                (AUDIO, _) => panic!("no AAC: {:x?}", &body[..2]),
                _ => {}
            }
        }
        // Some muxers repeat the configuration, or send an empty unit at the end.
        units.retain(|unit| !unit.is_empty());
        assert!(!asc.is_empty() && units.len() > 1);
        let (rate, (_, channels)) = (layout.rate, layout.channels);
        Self {
            flv,
            asc,
            rate,
            channels,
            units,
        }
    }
}

/// Kind, time in ms and body of each tag of an FLV file (Adobe Flash Video File Format 10.1, section E.4.1).
fn tags(flv: &[u8]) -> Vec<(u8, i64, &[u8])> {
    let mut tags = Vec::new();
    let mut rest = &flv[FLV_HEADER_BYTES..];
    while let [kind, a, b, c, d, e, f, g, _, _, _, ..] = *rest {
        let size = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let body = &rest[TAG_HEADER_BYTES..TAG_HEADER_BYTES + size];
        rest = &rest[TAG_HEADER_BYTES + size + PREVIOUS_TAG_SIZE_BYTES..];
        tags.push((kind, i64::from(u32::from_be_bytes([g, d, e, f])), body));
    }
    assert!(rest.is_empty());
    tags
}

/// The file's header and the size of the tag before the first.
const FLV_HEADER_BYTES: usize = 9 + PREVIOUS_TAG_SIZE_BYTES;
const TAG_HEADER_BYTES: usize = 11;
const PREVIOUS_TAG_SIZE_BYTES: usize = 4;
const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
