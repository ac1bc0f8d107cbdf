//! The extended header (Enhanced RTMP v2, "Enhanced Video"). Encoders may use it without asking first.

use bytes::Bytes;

use super::{
    super::{Refusal, Tag, mod_ex, multitrack::first_track, take},
    Codec, FRAME_COMMAND, REMEDY, VideoFrame, WHAT, frame, take_composition,
};

/// Reads what is behind the first byte of a message.
pub(super) fn parse(first: u8, mut bytes: Bytes) -> Result<Tag<Codec, VideoFrame>, Refusal> {
    let packet_type = mod_ex::read(first & 0x0f, &mut bytes)?;
    if first >> 4 & 7 == FRAME_COMMAND && packet_type != PACKET_METADATA {
        return Ok(Tag::Nothing);
    }
    if packet_type == PACKET_MULTITRACK {
        let first = first_track(bytes, PACKET_MULTITRACK)?;
        return packet(first.packet_type, first.fourcc, first.body);
    }
    let fourcc = take(&mut bytes, WHAT)?;
    packet(packet_type, fourcc, bytes)
}

/// One track's packet.
fn packet(
    packet_type: u8,
    fourcc: [u8; 4],
    mut body: Bytes,
) -> Result<Tag<Codec, VideoFrame>, Refusal> {
    let codec = codec(fourcc)?;
    match packet_type {
        PACKET_SEQUENCE_START => Ok(Tag::Config(codec, body)),
        PACKET_CODED_FRAMES => {
            // Only where pictures are told by their slices; AV1 and VP9 have no composition time on the wire.
            let composition_ms = match codec {
                Codec::H264 | Codec::H265 => take_composition(&mut body)?,
                Codec::Vp9 | Codec::Av1 => 0,
            };
            frame(codec, composition_ms, body)
        }
        PACKET_CODED_FRAMES_X => frame(codec, 0, body),
        // OBS begins with a colour description, and ends with an empty end of sequence.
        PACKET_SEQUENCE_END | PACKET_METADATA => Ok(Tag::Nothing),
        PACKET_MPEG2TS_SEQUENCE_START => Err(Refusal::Drop("MPEG-2 TS sequence start")),
        _ => Err(Refusal::Drop("unknown video packet type")),
    }
}

fn codec(fourcc: [u8; 4]) -> Result<Codec, Refusal> {
    let taken = Codec::ALL
        .iter()
        .find(|(_, name)| name.as_bytes() == fourcc);
    if let Some((codec, _)) = taken {
        return Ok(*codec);
    }
    let name = match &fourcc {
        b"vp08" => "VP8",
        b"vvc1" => "VVC (H.266)",
        _ => return Err(Refusal::Drop("unknown video FourCC")),
    };
    Err(Refusal::Codec {
        codec: name.to_owned(),
        remedy: REMEDY,
    })
}

const PACKET_SEQUENCE_START: u8 = 0;
const PACKET_CODED_FRAMES: u8 = 1;
const PACKET_SEQUENCE_END: u8 = 2;
const PACKET_CODED_FRAMES_X: u8 = 3;
const PACKET_METADATA: u8 = 4;
const PACKET_MPEG2TS_SEQUENCE_START: u8 = 5;
const PACKET_MULTITRACK: u8 = 6;
