//! What comes: its caps and its decoder.

use gstreamer::{self as gst, prelude::*};
use transcode::VideoSource;

use crate::{elements, error::Error};

/// As the access units come.
pub(crate) fn caps(source: &VideoSource) -> gst::Caps {
    let caps = match source {
        VideoSource::H264(avcc) => gst::Caps::builder("video/x-h264")
            .field("stream-format", "avc")
            .field("alignment", "au")
            .field("codec_data", gst::Buffer::from_slice(avcc.clone())),
        VideoSource::H265(hvcc) => gst::Caps::builder("video/x-h265")
            .field("stream-format", "hvc1")
            .field("alignment", "au")
            .field("codec_data", gst::Buffer::from_slice(hvcc.clone())),
        VideoSource::Vp9 => gst::Caps::builder("video/x-vp9").field("alignment", "super-frame"),
        VideoSource::Av1 => gst::Caps::builder("video/x-av1")
            .field("stream-format", "obu-stream")
            .field("alignment", "tu"),
        VideoSource::Vp8 => gst::Caps::builder("video/x-vp8"),
    };
    caps.build()
}

pub(crate) fn decoder(source: &VideoSource) -> Result<gst::Element, Error> {
    let decoder = elements::make(match source {
        VideoSource::H264(_) => "avdec_h264",
        VideoSource::H265(_) => "avdec_h265",
        VideoSource::Vp9 => "avdec_vp9",
        VideoSource::Vp8 => "avdec_vp8",
        // Each picture comes before the next goes in; there is nothing to set.
        VideoSource::Av1 => return elements::make("av1dec"),
    })?;
    // A thread for each frame is a frame of delay for each thread.
    decoder.set_property_from_str("thread-type", "slice");
    // A frame with faults is shown with them; the next key frame mends it.
    decoder.set_property("output-corrupt", true);
    Ok(decoder)
}
