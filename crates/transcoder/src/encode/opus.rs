//! Opus: `opusenc`, packets of 20 ms with little look-ahead.

use gstreamer::{self as gst, prelude::*};

use crate::{elements, error::Error};

/// The samples the encoder takes.
pub(super) const FORMAT: &str = "S16LE";

/// 20 ms at 48 kHz.
pub(super) const PACKET_SAMPLES: i64 = 960;

pub(super) fn encoder(bitrate_bps: u32) -> Result<gst::Element, Error> {
    let opus = elements::make("opusenc")?;
    opus.set_property("bitrate", i32::try_from(bitrate_bps).unwrap_or(i32::MAX));
    opus.set_property_from_str("bitrate-type", "constrained-vbr");
    opus.set_property_from_str("frame-size", "20");
    // 2.5 ms of look-ahead instead of 6.5 ms; what it gives up, speech coding below 40 kbit/s, is not
    // what a stereo show is coded with.
    opus.set_property_from_str("audio-type", "restricted-lowdelay");
    opus.set_property("max-payload-size", PACKET_BYTES_MAX);
    Ok(opus)
}

/// What RFC 7845 section 4.2 calls pre-skip.
pub(super) fn look_ahead(caps: Option<&gst::CapsRef>) -> Result<i64, Error> {
    caps.and_then(pre_skip)
        .map(i64::from)
        .ok_or(Error::Unexpected("opusenc's header is no OpusHead"))
}

/// RFC 7845 section 5.1: "Pre-skip (16 bits, unsigned, little endian)" at octet 10 of the OpusHead that
/// opusenc announces in its caps.
fn pre_skip(caps: &gst::CapsRef) -> Option<u16> {
    let headers = caps.structure(0)?.get::<gst::Array>("streamheader").ok()?;
    let head = headers.first()?.get::<gst::Buffer>().ok()?;
    let head = head.map_readable().ok()?;
    if head.get(..8)? != b"OpusHead" {
        return None;
    }
    Some(u16::from_le_bytes([*head.get(10)?, *head.get(11)?]))
}

/// RFC 6716 sections 3.1 and 3.2.1: one table-of-contents byte and one frame of at most 1275 bytes.
const PACKET_BYTES_MAX: u32 = 1276;
