//! One RTP payload, shared by every viewer.

use std::sync::Arc;

use media::Pts;

/// One RTP packet of a rendition, without what differs between viewers (payload type, SSRC,
/// sequence number). Cloning shares the payload.
#[derive(Debug, Clone)]
pub struct RenditionPacket {
    /// Counts a rendition's packets from 0, without gaps.
    pub index: u64,
    /// Presentation time of the frame it carries a piece of.
    pub pts: Pts,
    /// `(pts + K) mod 2^32` at the track's RTP clock; the same for every viewer.
    pub rtp_time: u32,
    /// Last packet of its frame (RFC 6184 section 5.1); never set for audio.
    pub marker: bool,
    /// First packet of a frame that decoding can start at.
    pub starts_keyframe: bool,
    /// The RTP payload.
    pub payload: Arc<[u8]>,
}
