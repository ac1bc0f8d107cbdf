//! What goes: H.264 in the constrained baseline profile, by `x264enc`.

use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};
use transcode::VideoToH264;

use crate::{elements, error::Error};

/// Every WebRTC receiver decodes this profile (RFC 7742 section 6.2).
pub(super) fn caps() -> gst::Caps {
    gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("profile", "constrained-baseline")
        .build()
}

/// Of 4:2:0 x264 takes no odd side (ITU-T H.264 section 7.4.2.1.1 has none either); what comes in VP9, AV1 or 4:4:4 may.
pub(super) fn sizes() -> gst::Caps {
    let even = gst::IntRange::with_step(SIDE_MIN, SIDE_MAX, 2);
    gst::Caps::builder("video/x-raw")
        .field("width", even)
        .field("height", even)
        .build()
}

pub(super) fn encoder(start: &VideoToH264) -> Result<gst::Element, Error> {
    let x264 = elements::make("x264enc")?;
    // Each picture comes out before the next goes in.
    x264.set_property_from_str("tune", "zerolatency");
    x264.set_property_from_str("speed-preset", "veryfast");
    // As many bits as the picture needs and the bit rate allows: a slide costs nothing.
    x264.set_property_from_str("pass", "qual");
    x264.set_property("quantizer", QUALITY);
    x264.set_property("bitrate", start.bitrate_bps.div_ceil(1000));
    // A key frame is several pictures long; half a second evens that out, and delays a viewer by no more.
    x264.set_property("vbv-buf-capacity", 500_u32);
    x264.set_property("key-int-max", frames_a_second(start));
    x264.set_property("bframes", 0_u32);
    x264.set_property("b-adapt", false);
    // A cut costs what its pictures cost, and the next key frame is never far: another one would be paid by every viewer.
    x264.set_property("option-string", "scenecut=0");
    Ok(x264)
}

/// Each second, whatever the rate.
fn frames_a_second(start: &VideoToH264) -> u32 {
    (start.frame_rate_milli.saturating_add(500) / 1000).max(1)
}

/// The AVCDecoderConfigurationRecord in the caps.
pub(super) fn configuration(caps: Option<&gst::CapsRef>) -> Result<Bytes, Error> {
    let buffer = caps
        .and_then(|caps| caps.structure(0)?.get::<gst::Buffer>("codec_data").ok())
        .ok_or(Error::Unexpected("H.264 without a configuration"))?;
    let map = buffer.map_readable()?;
    Ok(Bytes::copy_from_slice(&map))
}

/// What x264enc takes.
const SIDE_MIN: i32 = 16;
const SIDE_MAX: i32 = 16_384;
/// x264's own default is 23; what comes has been coded once already.
const QUALITY: u32 = 22;
