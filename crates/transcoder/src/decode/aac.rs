//! AAC: `avdec_aac`, fed one raw_data_block at a time.

use bytes::Bytes;
use gstreamer as gst;
use gstreamer_app::AppSrc;
use media::MediaTime;

use crate::{elements, error::Error};

use crate::elements::clock_time;

/// Knows where the last access unit began, to see a jump.
#[derive(Debug, Default)]
pub(super) struct Line(Option<gst::ClockTime>);

impl Line {
    pub(super) fn push(
        &mut self,
        source: &AppSrc,
        pts: MediaTime,
        payload: Bytes,
    ) -> Result<(), Error> {
        let pts = clock_time(pts)?;
        let mut buffer = gst::Buffer::from_slice(payload);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            if self.0.is_some_and(|last| last.absdiff(pts) > JUMP) {
                // The decoder forgets the half frame that it would have added to this one.
                buffer.set_flags(gst::BufferFlags::DISCONT);
            }
        }
        self.0 = Some(pts);
        // It can only refuse when the pipeline has failed, which the bus has told.
        let _ = source.push_buffer(buffer);
        Ok(())
    }
}

pub(super) fn decoder() -> Result<gst::Element, Error> {
    elements::make("avdec_aac")
}

pub(super) fn caps(asc: &Bytes) -> gst::Caps {
    gst::Caps::builder("audio/mpeg")
        .field("mpegversion", 4)
        .field("stream-format", "raw")
        .field("framed", true)
        .field("codec_data", gst::Buffer::from_slice(asc.clone()))
        .build()
}

/// With a configuration that `media` has accepted, one thing is left that caps cannot agree on.
pub(super) fn named(error: Error) -> Error {
    if let Error::Element { details, .. } = &error
        && details.contains("not-negotiated")
    {
        return Error::Layout;
    }
    error
}

/// Longer than any access unit (2048 samples at 16 kHz) and than the aligner's patches.
const JUMP: gst::ClockTime = gst::ClockTime::from_mseconds(250);
