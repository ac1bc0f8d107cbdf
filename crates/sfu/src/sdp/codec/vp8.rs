//! VP8 payload types (RFC 7741 section 6).

use super::{Payload, VideoFormat};

pub(super) fn read(payload: &Payload<'_>) -> Option<VideoFormat> {
    let is_vp8 = payload.name.eq_ignore_ascii_case("vp8");
    is_vp8.then_some(VideoFormat::Vp8)
}
