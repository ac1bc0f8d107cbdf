//! Tags of both headers.

use super::*;

fn read(bytes: &'static [u8]) -> Result<Tag<Codec, VideoFrame>, Refusal> {
    parse(Bytes::from_static(bytes))
}

fn config(codec: Codec, record: &'static [u8]) -> Result<Tag<Codec, VideoFrame>, Refusal> {
    Ok(Tag::Config(codec, Bytes::from_static(record)))
}

fn frame(
    codec: Codec,
    composition_ms: i32,
    payload: &'static [u8],
) -> Result<Tag<Codec, VideoFrame>, Refusal> {
    let payload = Bytes::from_static(payload);
    Ok(Tag::Frame(
        codec,
        VideoFrame {
            composition_ms,
            payload,
        },
    ))
}

#[test]
fn avc_packets() {
    assert_eq!(read(&[0x17, 0, 0, 0, 0, 1]), config(Codec::H264, &[1]));
    assert_eq!(read(&[0x27, 1, 0, 0, 67, 9]), frame(Codec::H264, 67, &[9]));
    assert_eq!(
        read(&[0x27, 1, 0xff, 0xff, 0xdf, 9]),
        frame(Codec::H264, -33, &[9])
    );
    assert_eq!(read(&[0x17, 2, 0, 0, 0]), Ok(Tag::Nothing));
    assert_eq!(read(&[0x57, 0]), Ok(Tag::Nothing));
}

#[test]
fn extended_packets_of_the_same_codec() {
    assert_eq!(read(b"\x90avc1\x01"), config(Codec::H264, &[1]));
    assert_eq!(read(b"\xa1avc1\0\0\x21\x09"), frame(Codec::H264, 33, &[9]));
    assert_eq!(read(b"\xa3avc1\x09"), frame(Codec::H264, 0, &[9]));
    assert_eq!(
        read(b"\xa7\x02\0\0\x09\x03avc1\x09"),
        frame(Codec::H264, 0, &[9])
    );
    assert_eq!(read(b"\x92avc1"), Ok(Tag::Nothing));
    assert_eq!(read(b"\xd1\0"), Ok(Tag::Nothing));
}

#[test]
fn composition_times_stand_before_slices_only() {
    let negative = read(b"\xa1hvc1\xff\xff\xdf\x09");
    assert_eq!(negative, frame(Codec::H265, -33, &[9]));
    assert_eq!(read(b"\xa3hvc1\x09"), frame(Codec::H265, 0, &[9]));
    assert_eq!(
        read(b"\xa1av01\xff\xff\xdf\x09"),
        frame(Codec::Av1, 0, &[0xff, 0xff, 0xdf, 9])
    );
    assert_eq!(read(b"\xa3av01\x09"), frame(Codec::Av1, 0, &[9]));
    assert_eq!(read(b"\x91vp09\x82"), frame(Codec::Vp9, 0, &[0x82]));
}

#[test]
fn configurations_may_be_empty_and_ends_and_colours_are_nothing() {
    for (codec, name) in Codec::ALL {
        let message =
            |first: u8, body: &[u8]| parse([&[first][..], name.as_bytes(), body].concat().into());
        assert_eq!(message(0x90, &[]), Ok(Tag::Config(codec, Bytes::new())));
        assert_eq!(message(0x92, &[]), Ok(Tag::Nothing));
        // FFmpeg marks a colour description as a command.
        for first in [0x94, 0xd4] {
            assert_eq!(message(first, b"\x02\0\x09colorInfo"), Ok(Tag::Nothing));
        }
    }
}

#[test]
fn the_first_of_several_tracks_is_read_as_if_it_were_alone() {
    assert_eq!(read(b"\x96\x00hvc1\0\x01"), config(Codec::H265, &[1]));
    assert_eq!(
        read(b"\xa6\x01avc1\0\0\0\x21\x09"),
        frame(Codec::H264, 33, &[9])
    );
    assert_eq!(
        read(b"\xa6\x23vp09\x01\0\0\x01xav01\0\0\0\x01y"),
        frame(Codec::Av1, 0, b"y")
    );
    assert_eq!(
        read(b"\xa6\x01avc1\x01\0\0\x21\x09"),
        Err(Refusal::OtherTrack)
    );
}

#[test]
fn other_codecs_are_refused_by_name() {
    for (bytes, name) in [
        (&b"\x90vp08"[..], "VP8"),
        (b"\x93vvc1", "VVC (H.266)"),
        (b"\x1c\x00\x00\x00\x00", "HEVC (H.265) by the old header"),
        (b"\x1d", "AV1 by the old header"),
        (b"\x12", "Sorenson H.263"),
    ] {
        let Err(Refusal::Codec { codec, remedy }) = read(bytes) else {
            panic!("{bytes:?}")
        };
        assert_eq!(codec, name);
        assert!(remedy.contains("H.264"));
    }
}

#[test]
fn what_makes_no_sense_is_dropped() {
    for bytes in [
        &b""[..],
        b"\x17",
        b"\x17\x00\x00\x00",
        b"\x17\x03\x00\x00\x00",
        b"\x90avc",
        b"\x90zzzz",
        b"\xa1hvc1\0",
        b"\x95av01",
        b"\x96\x06avc1\x00",
        b"\x96",
        b"\x9eavc1",
        b"\x97\xff\xff\xff",
    ] {
        assert!(matches!(read(bytes), Err(Refusal::Drop(_))), "{bytes:?}");
    }
}
