//! Round trips, limits, pieces of any size, and the specification's own vectors.

use bytes::{Bytes, BytesMut};
use media::{MediaTime, Timescale};
use proptest::prelude::*;

use super::*;
use crate::{FRAME_BYTES_MAX, PACKET_BYTES_MAX, REASON_BYTES_MAX, Start};

fn start() -> Start {
    Start {
        asc: Bytes::from_static(&[0x12, 0x10]),
        sample_rate: Timescale::new(44_100).unwrap(),
        channels: 2,
        bitrate_bps: 96_000,
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
        ("start", ToChild::Start(start())),
        ("frame", frame(900_000, &[0xde, 0xad, 0xbe, 0xef])),
        ("stop", ToChild::Stop),
    ];
    for (name, message) in to_child {
        assert_eq!(bytes(&message), vector(name), "{name}");
        assert_eq!(read::<ToChild>(&vector(name)), [Ok(message)], "{name}");
    }
    let failed = FromChild::Failed {
        message: "no such element: opusenc".to_owned(),
    };
    let from_child = [
        ("ready", FromChild::Ready),
        ("packet", packet(-120, &[0xfc, 0xff, 0xfe])),
        ("failed", failed),
    ];
    for (name, message) in from_child {
        assert_eq!(bytes(&message), vector(name), "{name}");
        assert_eq!(read::<FromChild>(&vector(name)), [Ok(message)], "{name}");
    }
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_its_bytes_arrive() {
    let error = error::<ToChild>(&[0x00, 0x10, 0x00, 0x01]);
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
    let mut other = vector("start");
    other[5] = 2;
    let text = error::<ToChild>(&other).to_string();
    assert!(text.contains("protocol version is 2"), "{text}");
}

#[test]
fn numbers_outside_the_limits_are_neither_written_nor_read() {
    let wrong = [
        Start {
            channels: 0,
            ..start()
        },
        Start {
            channels: 9,
            ..start()
        },
        Start {
            bitrate_bps: 5_999,
            ..start()
        },
        Start {
            sample_rate: Timescale::new(96_001).unwrap(),
            ..start()
        },
        Start {
            asc: Bytes::from_static(&[1]),
            ..start()
        },
        Start {
            asc: Bytes::from_static(&[1; 513]),
            ..start()
        },
    ];
    for start in wrong {
        let mut out = BytesMut::from(&b"before"[..]);
        ToChild::Start(start).encode(&mut out).unwrap_err();
        assert_eq!(
            out, "before",
            "nothing is left of a message that cannot be written"
        );
    }
    let mut no_channels = vector("start");
    no_channels[10] = 0;
    error::<ToChild>(&no_channels);
    let mut no_rate = vector("start");
    no_rate[6..10].fill(0);
    error::<ToChild>(&no_rate);
    let mut negative = vector("frame");
    negative[9] = 0x80;
    error::<ToChild>(&negative);
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
                ToChild::Start(Start {
                    asc: asc.into(),
                    sample_rate: Timescale::new(rate).unwrap(),
                    channels,
                    bitrate_bps,
                })
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
        kind in 0x80..0x85_u8,
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
