//! Round trips, limits, pieces of any size, and the specification's own vectors.

use bytes::{Bytes, BytesMut};
use media::{MediaTime, Pts, Timescale};
use proptest::prelude::*;

use super::*;
use crate::{
    AacToOpus, FRAME_BYTES_MAX, JPEG_BYTES_MAX, Jpeg, OpusChannels, OpusToAac, PACKET_BYTES_MAX,
    Picture, REASON_BYTES_MAX, SourcePicture, Start, VideoSource, VideoToH264, VideoToJpeg,
};

fn aac_to_opus() -> AacToOpus {
    AacToOpus {
        asc: Bytes::from_static(&[0x12, 0x10]),
        sample_rate: Timescale::new(44_100).unwrap(),
        channels: 2,
        bitrate_bps: 96_000,
    }
}

fn opus_to_aac() -> OpusToAac {
    OpusToAac {
        channels: OpusChannels::Stereo,
        bitrate_bps: 128_000,
    }
}

fn to_h264() -> VideoToH264 {
    VideoToH264 {
        source: VideoSource::H264(Bytes::from_static(&[0x01, 0x64, 0, 0x1f, 0xff, 0xe0, 0])),
        frame_rate_milli: 30_000,
        bitrate_bps: 2_500_000,
    }
}

fn to_jpeg() -> VideoToJpeg {
    VideoToJpeg {
        source: VideoSource::Vp9,
        side_max: 640,
    }
}

fn jpeg() -> Jpeg {
    Jpeg {
        pts: Pts(6_000),
        file: Bytes::from_static(&[0xff, 0xd8, 0xff, 0xd9]),
    }
}

fn source_picture() -> SourcePicture {
    SourcePicture {
        pts: Pts(6_000),
        wanted: false,
        payload: Bytes::from_static(&[0, 0, 0, 2, 0x09, 0x10]),
    }
}

fn picture() -> Picture {
    Picture {
        pts: Pts(6_000),
        keyframe: true,
        payload: Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88]),
    }
}

fn frame(ticks: i64, payload: &[u8]) -> ToChild {
    ToChild::Frame {
        pts: MediaTime::new(ticks, Timescale::VIDEO),
        payload: Bytes::copy_from_slice(payload),
    }
}

fn packet(ticks: i64, payload: &[u8]) -> FromChild {
    FromChild::Packet {
        pts: MediaTime::new(ticks, Timescale::OPUS),
        payload: Bytes::copy_from_slice(payload),
    }
}

fn bytes<M: Message>(message: &M) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode(&mut out).unwrap();
    out
}

fn read<M: Message>(bytes: &[u8]) -> Vec<Result<M, Error>> {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    decoder.collect()
}

fn error<M: Message + std::fmt::Debug>(bytes: &[u8]) -> Error {
    let mut items = read::<M>(bytes);
    assert_eq!(items.len(), 1, "an error is the last item");
    items.remove(0).unwrap_err()
}

/// The table of `docs/spec/transcoder-protocol.md`: name in the first column, bytes in the last.
fn vector(name: &str) -> Vec<u8> {
    const PAGE: &str = include_str!("../../../../docs/spec/transcoder-protocol.md");
    let row = PAGE
        .lines()
        .find(|line| line.starts_with(&format!("| `{name}` |")))
        .unwrap_or_else(|| panic!("the specification has no vector `{name}`"));
    let hex = row.rsplit('`').nth(1).unwrap();
    hex.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

#[test]
fn the_specifications_vectors_are_what_is_written_and_read() {
    let to_child = [
        (
            "start-opus",
            ToChild::Start(Start::AacToOpus(aac_to_opus())),
        ),
        ("start-aac", ToChild::Start(Start::OpusToAac(opus_to_aac()))),
        ("start-h264", ToChild::Start(Start::VideoToH264(to_h264()))),
        ("start-jpeg", ToChild::Start(Start::VideoToJpeg(to_jpeg()))),
        ("frame", frame(900_000, &[0xde, 0xad, 0xbe, 0xef])),
        ("source-picture", ToChild::Picture(source_picture())),
        ("keyframe", ToChild::Keyframe),
        ("stop", ToChild::Stop),
    ];
    for (name, message) in to_child {
        assert_eq!(bytes(&message), vector(name), "{name}");
        assert_eq!(read::<ToChild>(&vector(name)), [Ok(message)], "{name}");
    }
    let failed = FromChild::Failed {
        message: "no such element: opusenc".to_owned(),
    };
    let configuration = Bytes::from_static(&[0x01, 0x42, 0xc0, 0x1f, 0xff, 0xe0, 0x00]);
    let configuration = FromChild::Configuration(configuration);
    let from_child = [
        ("ready", FromChild::Ready),
        ("packet", packet(-120, &[0xfc, 0xff, 0xfe])),
        ("configuration", configuration),
        ("picture", FromChild::Picture(picture())),
        ("jpeg", FromChild::Jpeg(jpeg())),
        ("failed", failed),
    ];
    for (name, message) in from_child {
        assert_eq!(bytes(&message), vector(name), "{name}");
        assert_eq!(read::<FromChild>(&vector(name)), [Ok(message)], "{name}");
    }
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_its_bytes_arrive() {
    let error = error::<ToChild>(&[0x00, 0x50, 0x00, 0x01]);
    assert!(
        matches!(
            error,
            Error::Length {
                element: "message",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_message_without_a_type_is_refused() {
    let error = error::<FromChild>(&[0; 4]);
    assert!(matches!(error, Error::Length { bytes: 0, .. }), "{error}");
}

#[test]
fn the_directions_do_not_mix() {
    assert_eq!(
        error::<FromChild>(&bytes(&ToChild::Stop)),
        Error::UnknownType(0x03)
    );
    assert_eq!(
        error::<ToChild>(&bytes(&FromChild::Ready)),
        Error::UnknownType(0x81)
    );
}

#[test]
fn bytes_too_few_or_too_many_in_a_body_are_refused() {
    let trailing = error::<ToChild>(&[0, 0, 0, 2, 0x03, 0]);
    assert!(
        matches!(trailing, Error::Trailing { bytes: 1, .. }),
        "{trailing}"
    );
    let mut longer = vector("start-aac");
    longer[3] += 1;
    longer.push(0);
    let longer = error::<ToChild>(&longer);
    assert!(matches!(longer, Error::Trailing { .. }), "{longer}");
    let cut_off = error::<ToChild>(&[0, 0, 0, 3, 0x02, 0, 0]);
    assert!(
        matches!(cut_off, Error::CutOff { element: "Frame" }),
        "{cut_off}"
    );
    let no_version = error::<ToChild>(&[0, 0, 0, 1, 0x01]);
    assert!(matches!(no_version, Error::CutOff { .. }), "{no_version}");
    let no_payload = error::<FromChild>(&[0, 0, 0, 9, 0x82, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(
        matches!(
            no_payload,
            Error::Length {
                element: "packet",
                ..
            }
        ),
        "{no_payload}"
    );
    let not_utf8 = error::<FromChild>(&[0, 0, 0, 2, 0x83, 0xff]);
    assert!(matches!(not_utf8, Error::NotUtf8 { .. }), "{not_utf8}");
}

#[test]
fn another_version_is_named() {
    let mut other = vector("start-opus");
    other[5] = 1;
    let text = error::<ToChild>(&other).to_string();
    assert!(text.contains("protocol version is 1"), "{text}");
}

#[test]
fn a_conversion_that_does_not_exist_is_named() {
    for conversion in [0, 5, 0xff] {
        let mut other = vector("start-aac");
        other[6] = conversion;
        let text = error::<ToChild>(&other).to_string();
        assert!(text.contains("conversion is"), "{text}");
    }
    let no_conversion = error::<ToChild>(&[0, 0, 0, 2, 0x01, 4]);
    assert!(
        matches!(
            no_conversion,
            Error::CutOff {
                element: "conversion"
            }
        ),
        "{no_conversion}"
    );
}

#[test]
fn each_codec_of_a_video_is_read_as_it_was_written() {
    let record = Bytes::from_static(&[1; 23]);
    for source in [
        VideoSource::H264(record.clone()),
        VideoSource::H265(record),
        VideoSource::Vp9,
        VideoSource::Vp8,
        VideoSource::Av1,
    ] {
        let to_h264 = VideoToH264 {
            source: source.clone(),
            ..to_h264()
        };
        let to_jpeg = VideoToJpeg {
            source,
            ..to_jpeg()
        };
        for start in [Start::VideoToH264(to_h264), Start::VideoToJpeg(to_jpeg)] {
            let start = ToChild::Start(start);
            assert_eq!(read::<ToChild>(&bytes(&start)), [Ok(start)]);
        }
    }
    // VP9, VP8 and AV1 have no record.
    for codec in [3, 4, 5] {
        let mut with_record = vector("start-h264");
        with_record[7] = codec;
        let text = error::<ToChild>(&with_record).to_string();
        assert!(text.contains("Start"), "{text}");
    }
}

#[test]
fn pictures_outside_the_limits_are_neither_written_nor_read() {
    let mut out = BytesMut::new();
    let early = SourcePicture {
        pts: Pts(-1),
        ..source_picture()
    };
    let empty = Picture {
        payload: Bytes::new(),
        ..picture()
    };
    assert!(ToChild::Picture(early).encode(&mut out).is_err());
    assert!(FromChild::Picture(empty).encode(&mut out).is_err());
    let mut flag = vector("picture");
    flag[5] = 2;
    let text = error::<FromChild>(&flag).to_string();
    assert!(text.contains("flag of a picture"), "{text}");
    let mut before = vector("source-picture");
    before[6] = 0xff;
    let text = error::<ToChild>(&before).to_string();
    assert!(text.contains("zero or later"), "{text}");
    for (field, byte, element) in [
        (7, 9, "video codec"),
        (8, 0xff, "frames in 1000 s"),
        (12, 0xff, "bit rate"),
    ] {
        let mut start = vector("start-h264");
        start[field] = byte;
        let text = error::<ToChild>(&start).to_string();
        assert!(text.contains(element), "{text}");
    }
}

#[test]
fn a_jpeg_outside_the_limits_is_neither_written_nor_read() {
    let file = |bytes: &[u8]| Jpeg {
        file: Bytes::copy_from_slice(bytes),
        ..jpeg()
    };
    let mut long = vec![0; JPEG_BYTES_MAX + 1];
    long[..2].copy_from_slice(&[0xff, 0xd8]);
    let end = long.len() - 2;
    long[end..].copy_from_slice(&[0xff, 0xd9]);
    assert_eq!(
        read::<FromChild>(&bytes(&FromChild::Jpeg(file(
            &[&long[..2], &long[3..]].concat()
        ))))
        .len(),
        1
    );
    for wrong in [
        &long[..],
        &[0xff, 0xd8],
        &[0xff, 0xd8, 0xff, 0xd8],
        b"<html>\xff\xd9",
    ] {
        let mut out = BytesMut::new();
        FromChild::Jpeg(file(wrong)).encode(&mut out).unwrap_err();
        assert!(out.is_empty());
    }
    for at in [13, 14, 15, 16] {
        let mut page = vector("jpeg");
        page[at] = b'<';
        assert_eq!(error::<FromChild>(&page), Error::NotJpeg);
    }
    for side_max in [15, 1_281] {
        let start = VideoToJpeg {
            side_max,
            ..to_jpeg()
        };
        let mut out = BytesMut::new();
        ToChild::Start(Start::VideoToJpeg(start))
            .encode(&mut out)
            .unwrap_err();
    }
    let mut wide = vector("start-jpeg");
    wide[8] = 0xff;
    let text = error::<ToChild>(&wide).to_string();
    assert!(text.contains("longest side"), "{text}");
    let no_side = error::<ToChild>(&[0, 0, 0, 4, 0x01, 4, 4, 3]);
    assert!(matches!(no_side, Error::CutOff { .. }), "{no_side}");
}

#[test]
fn numbers_outside_the_limits_are_neither_written_nor_read() {
    let wrong = [
        AacToOpus {
            channels: 0,
            ..aac_to_opus()
        },
        AacToOpus {
            channels: 9,
            ..aac_to_opus()
        },
        AacToOpus {
            bitrate_bps: 5_999,
            ..aac_to_opus()
        },
        AacToOpus {
            sample_rate: Timescale::new(96_001).unwrap(),
            ..aac_to_opus()
        },
        AacToOpus {
            asc: Bytes::from_static(&[1]),
            ..aac_to_opus()
        },
        AacToOpus {
            asc: Bytes::from_static(&[1; 513]),
            ..aac_to_opus()
        },
    ]
    .map(Start::AacToOpus);
    let wrong_too = [31_999, 576_001].map(|bitrate_bps| {
        Start::OpusToAac(OpusToAac {
            bitrate_bps,
            ..opus_to_aac()
        })
    });
    for start in wrong.into_iter().chain(wrong_too) {
        let mut out = BytesMut::from(&b"before"[..]);
        ToChild::Start(start).encode(&mut out).unwrap_err();
        assert_eq!(
            out, "before",
            "nothing is left of a message that cannot be written"
        );
    }
    for (name, at, bytes) in [
        // No channels; no sample rate; a bit rate far beyond.
        ("start-opus", 11, &[0][..]),
        ("start-opus", 7, &[0; 4]),
        ("start-opus", 12, &[1]),
        // No channels; surround; no bit rate.
        ("start-aac", 7, &[0]),
        ("start-aac", 7, &[3]),
        ("start-aac", 8, &[0; 4]),
        // A time before the line's beginning.
        ("frame", 9, &[0x80]),
    ] {
        let mut message = vector(name);
        message[at..at + bytes.len()].copy_from_slice(bytes);
        let error = error::<ToChild>(&message);
        assert!(matches!(error, Error::Value { .. }), "{error}");
    }
    frame(-1, &[0]).encode(&mut BytesMut::new()).unwrap_err();
}

#[test]
fn payloads_have_limits() {
    let mut out = BytesMut::new();
    frame(0, &[]).encode(&mut out).unwrap_err();
    frame(0, &vec![0; FRAME_BYTES_MAX + 1])
        .encode(&mut out)
        .unwrap_err();
    packet(0, &[0; PACKET_BYTES_MAX + 1])
        .encode(&mut out)
        .unwrap_err();
    let video_scale = FromChild::Packet {
        pts: MediaTime::new(0, Timescale::VIDEO),
        payload: Bytes::from_static(&[0]),
    };
    video_scale.encode(&mut out).unwrap_err();
    assert!(out.is_empty());
    assert_eq!(
        read::<ToChild>(&bytes(&frame(0, &vec![0; FRAME_BYTES_MAX]))).len(),
        1
    );
}

#[test]
fn a_long_failure_text_is_cut_between_characters() {
    let message = "é".repeat(REASON_BYTES_MAX);
    let items = read::<FromChild>(&bytes(&FromChild::Failed { message }));
    let Ok(FromChild::Failed { message }) = &items[0] else {
        panic!("{items:?}");
    };
    assert_eq!(message.len(), REASON_BYTES_MAX);
}

#[test]
fn after_an_error_the_stream_stays_silent() {
    let mut decoder = Decoder::<ToChild>::new();
    decoder.push(&[0, 0, 0, 1, 0x7f]);
    decoder.push(&bytes(&ToChild::Stop));
    assert!(decoder.next().unwrap().is_err());
    decoder.push(&bytes(&ToChild::Stop));
    assert_eq!(decoder.next(), None);
    assert!(!decoder.is_at_boundary());
}

#[test]
fn what_nobody_takes_out_is_bounded() {
    let mut decoder = Decoder::<ToChild>::new();
    let some = vec![0; MESSAGE_BYTES_MAX];
    for _ in 0..10 {
        decoder.push(&some);
    }
    assert!(matches!(decoder.next(), Some(Err(Error::Undrained { .. }))));
}

fn any_to_child() -> impl Strategy<Value = ToChild> {
    prop_oneof![
        Just(ToChild::Stop),
        (0..i64::MAX, prop::collection::vec(any::<u8>(), 1..300))
            .prop_map(|(ticks, payload)| frame(ticks, &payload)),
        (
            7_350..=96_000_u32,
            1..=8_u8,
            6_000..=510_000_u32,
            prop::collection::vec(any::<u8>(), 2..64)
        )
            .prop_map(|(rate, channels, bitrate_bps, asc)| {
                ToChild::Start(Start::AacToOpus(AacToOpus {
                    asc: asc.into(),
                    sample_rate: Timescale::new(rate).unwrap(),
                    channels,
                    bitrate_bps,
                }))
            }),
        (any::<bool>(), 32_000..=576_000_u32).prop_map(|(mono, bitrate_bps)| {
            let channels = if mono {
                OpusChannels::Mono
            } else {
                OpusChannels::Stereo
            };
            ToChild::Start(Start::OpusToAac(OpusToAac {
                channels,
                bitrate_bps,
            }))
        }),
    ]
}

proptest! {
    #[test]
    fn messages_survive_the_pipe_however_it_cuts_them(
        messages in prop::collection::vec(any_to_child(), 0..8),
        piece in 1..64_usize,
    ) {
        let mut stream = BytesMut::new();
        for message in &messages {
            message.encode(&mut stream).unwrap();
        }
        let mut decoder = Decoder::<ToChild>::new();
        let mut read = Vec::new();
        for piece in stream.chunks(piece) {
            decoder.push(piece);
            read.extend(decoder.by_ref().map(Result::unwrap));
        }
        prop_assert_eq!(read, messages);
        prop_assert!(decoder.is_at_boundary());
    }

    #[test]
    fn any_bytes_end_in_messages_or_one_error(
        stream in prop::collection::vec(any::<u8>(), 0..2_000),
        kind in 0x80..0x88_u8,
        length in 0..64_u8,
    ) {
        let items = read::<ToChild>(&stream);
        prop_assert!(items.iter().filter(|item| item.is_err()).count() <= 1);
        let mut framed = vec![0, 0, 0, length, kind];
        framed.extend(stream);
        for message in read::<FromChild>(&framed).into_iter().flatten() {
            prop_assert_eq!(&read::<FromChild>(&bytes(&message)), &[Ok(message)]);
        }
    }
}
