//! AV1 payload types (RTP Payload Format for AV1 section 7.2).

use super::{Payload, VideoFormat};

pub(super) fn read(payload: &Payload<'_>) -> Option<VideoFormat> {
    let is_av1 = payload.name.eq_ignore_ascii_case("av1");
    is_av1.then(|| VideoFormat::Av1 {
        // What their absence means: Main profile, level 3.1, Main tier.
        profile: payload.profile.unwrap_or(0),
        level_idx: payload.level_idx.unwrap_or(5),
        tier: payload.tier.unwrap_or(0),
    })
}

/// How far beyond the stream's a decoder's profile goes; each decodes those below. Levels do not
/// matter, as for H.264: browsers name one and decode what they can.
pub(super) fn distance(stream: u8, offered: u8) -> Option<u8> {
    offered.checked_sub(stream)
}
