//! VP9 payload types (RFC 9628 section 6).

use super::{Payload, VideoFormat};

pub(super) fn read(payload: &Payload<'_>) -> Option<VideoFormat> {
    let is_vp9 = payload.name.eq_ignore_ascii_case("vp9");
    is_vp9.then(|| VideoFormat::Vp9 {
        // "If profile-id is not present, Profile 0 MUST be inferred."
        profile_id: payload.profile_id.unwrap_or(0),
    })
}
