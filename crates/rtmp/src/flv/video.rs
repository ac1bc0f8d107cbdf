//! VIDEODATA (Video File Format 10.1 section E.4.3) and the extended video header of Enhanced
//! RTMP v2.

mod extended;

use bytes::Bytes;

use super::{Refusal, Tag, take};

/// What video is coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    H264,
    H265,
    Vp9,
    Av1,
}

impl Codec {
    /// All that are taken by the extended header, and what they are called there. A publisher is told the same.
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::H264, "avc1"),
        (Self::H265, "hvc1"),
        (Self::Av1, "av01"),
        (Self::Vp9, "vp09"),
    ];
}

/// One access unit as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoFrame {
    /// Presentation time less decode time, ms.
    pub(crate) composition_ms: i32,
    /// H.264 and H.265: NAL units behind lengths of the size that the configuration names. VP9: a frame or superframe. AV1:
    /// a temporal unit.
    pub(crate) payload: Bytes,
}

/// Reads a video message.
pub(crate) fn parse(mut bytes: Bytes) -> Result<Tag<Codec, VideoFrame>, Refusal> {
    let [first] = take(&mut bytes, WHAT)?;
    if first & EXTENDED != 0 {
        return extended::parse(first, bytes);
    }
    if first >> 4 == FRAME_COMMAND {
        return Ok(Tag::Nothing);
    }
    if first & 0x0f != CODEC_AVC {
        return Err(refuse_legacy(first & 0x0f));
    }
    // AVCVIDEOPACKET, section E.4.3.2.
    let [packet_type] = take(&mut bytes, WHAT)?;
    let composition_ms = take_composition(&mut bytes)?;
    match packet_type {
        0 => Ok(Tag::Config(Codec::H264, bytes)),
        1 => frame(Codec::H264, composition_ms, bytes),
        2 => Ok(Tag::Nothing),
        _ => Err(Refusal::Drop("unknown AVC packet type")),
    }
}

/// A presentation time hours from the decode time would move the stream's clock there, or before its zero.
fn frame(
    codec: Codec,
    composition_ms: i32,
    payload: Bytes,
) -> Result<Tag<Codec, VideoFrame>, Refusal> {
    if composition_ms.abs() > COMPOSITION_MS_MAX {
        return Err(Refusal::Drop("composition time beyond 8 s"));
    }
    let frame = VideoFrame {
        composition_ms,
        payload,
    };
    Ok(Tag::Frame(codec, frame))
}

/// SI24, big-endian.
fn take_composition(bytes: &mut Bytes) -> Result<i32, Refusal> {
    let [high, middle, low] = take(bytes, WHAT)?;
    Ok(i32::from_be_bytes([high, middle, low, 0]) >> 8)
}

/// Table E.4.3.1, and what some encoders put there for want of a standard.
fn refuse_legacy(codec: u8) -> Refusal {
    let (name, remedy) = match codec {
        2 => ("Sorenson H.263", REMEDY),
        3 | 6 => ("Screen video", REMEDY),
        4 | 5 => ("On2 VP6", REMEDY),
        12 => ("HEVC (H.265) by the old header", REMEDY_ENHANCED),
        13 => ("AV1 by the old header", REMEDY_ENHANCED),
        _ => ("this video codec", REMEDY),
    };
    Refusal::Codec {
        codec: name.to_owned(),
        remedy,
    }
}

/// How far a frame's presentation may lie from its decoding, either way, in milliseconds.
///
/// H.264 annex A.3.1, H.265 annex A.4.2: at most 16 frames (`MaxDpbFrames`) are reordered; 8 s of them at 2 frames/s.
pub const COMPOSITION_MS_MAX: i32 = 8_000;
const WHAT: &str = "cut-off video message";
const REMEDY: &str = "send H.264, H.265, AV1 or VP9 (OBS: Output, Encoder)";
const REMEDY_ENHANCED: &str =
    "send it by Enhanced RTMP (OBS 29.1, FFmpeg 6.1 and newer), or send H.264";
const EXTENDED: u8 = 0x80;
/// Video info or command frame: a seek mark for players.
const FRAME_COMMAND: u8 = 5;
const CODEC_AVC: u8 = 7;

#[cfg(test)]
mod tests;
