//! VIDEODATA (Video File Format 10.1 section E.4.3) and the extended video header of Enhanced
//! RTMP v2.

use bytes::Bytes;

use super::{Refusal, Tag, mod_ex, take};

/// One access unit as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoFrame {
    /// Presentation time less decode time, ms.
    pub(crate) composition_ms: i32,
    /// NAL units behind lengths of the size that the configuration names.
    pub(crate) units: Bytes,
}

/// Reads a video message.
pub(crate) fn parse(mut bytes: Bytes) -> Result<Tag<VideoFrame>, Refusal> {
    let [first] = take(&mut bytes, "empty video message")?;
    if first & EXTENDED != 0 {
        return parse_extended(first, bytes);
    }
    if first >> 4 == FRAME_COMMAND {
        return Ok(Tag::Nothing);
    }
    if first & 0x0f != CODEC_AVC {
        return Err(refuse(legacy_name(first & 0x0f)));
    }
    // AVCVIDEOPACKET, section E.4.3.2.
    let [packet_type] = take(&mut bytes, "cut-off video message")?;
    let composition_ms = take_composition(&mut bytes)?;
    match packet_type {
        0 => Ok(Tag::Config(bytes)),
        1 => frame(composition_ms, bytes),
        2 => Ok(Tag::Nothing),
        _ => Err(Refusal::Drop("unknown AVC packet type")),
    }
}

/// Enhanced RTMP v2, "Enhanced Video". Encoders may use it without asking first.
fn parse_extended(first: u8, mut bytes: Bytes) -> Result<Tag<VideoFrame>, Refusal> {
    let packet_type = mod_ex::skip(first & 0x0f, &mut bytes)?;
    if first >> 4 & 7 == FRAME_COMMAND && packet_type != PACKET_METADATA {
        return Ok(Tag::Nothing);
    }
    if packet_type == PACKET_MULTITRACK {
        // OBS sends its first track without this wrapper, so the show goes on with that one.
        return Err(Refusal::Drop("multitrack video"));
    }
    let fourcc = take::<4>(&mut bytes, "cut-off video message")?;
    if &fourcc != b"avc1" {
        return Err(fourcc_name(fourcc).map_or(Refusal::Drop("unknown video FourCC"), refuse));
    }
    match packet_type {
        PACKET_SEQUENCE_START => Ok(Tag::Config(bytes)),
        PACKET_CODED_FRAMES => {
            let composition_ms = take_composition(&mut bytes)?;
            frame(composition_ms, bytes)
        }
        PACKET_CODED_FRAMES_X => frame(0, bytes),
        PACKET_SEQUENCE_END | PACKET_METADATA => Ok(Tag::Nothing),
        _ => Err(Refusal::Drop("unknown video packet type")),
    }
}

/// A presentation time hours from the decode time would move the stream's clock there, or before its zero.
fn frame(composition_ms: i32, units: Bytes) -> Result<Tag<VideoFrame>, Refusal> {
    if composition_ms.abs() > COMPOSITION_MS_MAX {
        return Err(Refusal::Drop("composition time beyond 8 s"));
    }
    Ok(Tag::Frame(VideoFrame {
        composition_ms,
        units,
    }))
}

/// SI24, big-endian.
fn take_composition(bytes: &mut Bytes) -> Result<i32, Refusal> {
    let [high, middle, low] = take(bytes, "cut-off video message")?;
    Ok(i32::from_be_bytes([high, middle, low, 0]) >> 8)
}

fn refuse(codec: &str) -> Refusal {
    Refusal::Codec {
        codec: codec.to_owned(),
        remedy: "send H.264 (OBS: Output, Encoder)",
    }
}

/// Table E.4.3.1, and what some encoders put there for want of a standard.
const fn legacy_name(codec: u8) -> &'static str {
    match codec {
        2 => "Sorenson H.263",
        3 | 6 => "Screen video",
        4 | 5 => "On2 VP6",
        12 => "HEVC (H.265)",
        13 => "AV1",
        _ => "this video codec",
    }
}

const fn fourcc_name(fourcc: [u8; 4]) -> Option<&'static str> {
    match &fourcc {
        b"hvc1" => Some("HEVC (H.265)"),
        b"av01" => Some("AV1"),
        b"vp09" => Some("VP9"),
        b"vp08" => Some("VP8"),
        b"vvc1" => Some("VVC (H.266)"),
        _ => None,
    }
}

/// How far a frame's presentation may lie from its decoding, either way, in milliseconds.
///
/// H.264 annex A.3.1: at most 16 frames (`MaxDpbFrames`) are reordered; 8 s of them at 2 frames/s.
pub const COMPOSITION_MS_MAX: i32 = 8_000;
const EXTENDED: u8 = 0x80;
/// Video info or command frame: a seek mark for players.
const FRAME_COMMAND: u8 = 5;
const CODEC_AVC: u8 = 7;
const PACKET_SEQUENCE_START: u8 = 0;
const PACKET_CODED_FRAMES: u8 = 1;
const PACKET_SEQUENCE_END: u8 = 2;
const PACKET_CODED_FRAMES_X: u8 = 3;
const PACKET_METADATA: u8 = 4;
const PACKET_MULTITRACK: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &'static [u8]) -> Result<Tag<VideoFrame>, Refusal> {
        parse(Bytes::from_static(bytes))
    }

    fn frame(composition_ms: i32, units: &'static [u8]) -> Result<Tag<VideoFrame>, Refusal> {
        Ok(Tag::Frame(VideoFrame {
            composition_ms,
            units: Bytes::from_static(units),
        }))
    }

    #[test]
    fn avc_packets() {
        assert_eq!(
            read(&[0x17, 0, 0, 0, 0, 1]),
            Ok(Tag::Config(Bytes::from_static(&[1])))
        );
        assert_eq!(read(&[0x27, 1, 0, 0, 67, 9]), frame(67, &[9]));
        assert_eq!(read(&[0x27, 1, 0xff, 0xff, 0xdf, 9]), frame(-33, &[9]));
        assert_eq!(read(&[0x17, 2, 0, 0, 0]), Ok(Tag::Nothing));
        assert_eq!(read(&[0x57, 0]), Ok(Tag::Nothing));
    }

    #[test]
    fn extended_packets_of_the_same_codec() {
        assert_eq!(
            read(b"\x90avc1\x01"),
            Ok(Tag::Config(Bytes::from_static(&[1])))
        );
        assert_eq!(read(b"\xa1avc1\0\0\x21\x09"), frame(33, &[9]));
        assert_eq!(read(b"\xa3avc1\x09"), frame(0, &[9]));
        assert_eq!(read(b"\xa7\x02\0\0\x09\x03avc1\x09"), frame(0, &[9]));
        assert_eq!(read(b"\x92avc1"), Ok(Tag::Nothing));
        assert_eq!(read(b"\xd1\0"), Ok(Tag::Nothing));
    }

    #[test]
    fn other_codecs_are_refused_by_name() {
        for (bytes, name) in [
            (&b"\x90hvc1"[..], "HEVC (H.265)"),
            (b"\x91av01", "AV1"),
            (b"\x93vp09", "VP9"),
            (b"\x1c\x00\x00\x00\x00", "HEVC (H.265)"),
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
            b"\x96\x00avc1\x00",
            b"\x96",
            b"\x9eavc1",
            b"\x97\xff\xff\xff",
        ] {
            assert!(matches!(read(bytes), Err(Refusal::Drop(_))), "{bytes:?}");
        }
    }
}
