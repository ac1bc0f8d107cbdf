//! The first pipeline: AAC access units to stereo samples at the source's own rate.
//!
//! `appsrc ! avdec_aac ! audioconvert ! appsink`. No aacparse: the server hands in whole access units, and
//! a parser would hold one back to see where it ends. No resampler: GStreamer's believes its own sample
//! count over small jumps of the stamps, and those are the aligner's to see.

use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::{AppSink, AppSrc};
use media::{MediaTime, Timescale};
use transcode::Start;

use crate::{
    elements::{self, Running},
    error::Error,
    samples::{CHANNELS, FORMAT, Samples},
};

/// The pipeline's entrance.
#[derive(Debug)]
pub(crate) struct Decoder {
    source: AppSrc,
    /// Where the last access unit began, to see a jump.
    last: Option<gst::ClockTime>,
}

/// Its exit, for another thread, which keeps the whole running.
#[derive(Debug)]
pub(crate) struct Decoded {
    sink: AppSink,
    _pipeline: Running,
}

/// What one access unit became.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Where its first sample plays, counted in `rate`.
    pub(crate) at: i64,
    /// Samples per second.
    pub(crate) rate: u32,
    pub(crate) samples: Samples,
}

impl Decoder {
    pub(crate) fn new(
        start: &Start,
        failed: impl Fn(Error) + Send + Sync + 'static,
    ) -> Result<(Self, Decoded), Error> {
        let source = elements::source(&aac_caps(start), SOURCE_BUFFERS_MAX);
        let decoder = elements::make("avdec_aac")?;
        let convert = elements::make("audioconvert")?;
        let stereo = elements::filter(&stereo_caps())?;
        let sink = elements::sink();
        let chain = [
            source.upcast_ref(),
            &decoder,
            &convert,
            &stereo,
            sink.upcast_ref(),
        ];
        let pipeline = elements::run(&chain, move |error| failed(named(error)))?;
        let entrance = Self { source, last: None };
        let exit = Decoded {
            sink,
            _pipeline: pipeline,
        };
        Ok((entrance, exit))
    }

    /// Decodes one access unit; waits while too many are in line.
    pub(crate) fn push(&mut self, pts: MediaTime, payload: Bytes) -> Result<(), Error> {
        let nanos = pts.rescale_round(NANOSECONDS).ticks();
        let nanos = u64::try_from(nanos).map_err(|_| Error::Order("a frame before time 0"))?;
        let pts = gst::ClockTime::from_nseconds(nanos);
        let mut buffer = gst::Buffer::from_slice(payload);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            if self.last.is_some_and(|last| last.absdiff(pts) > JUMP) {
                // The decoder forgets the half frame that it would have added to this one.
                buffer.set_flags(gst::BufferFlags::DISCONT);
            }
        }
        self.last = Some(pts);
        // It can only refuse when the pipeline has failed, which the bus has told.
        let _ = self.source.push_buffer(buffer);
        Ok(())
    }

    /// Nothing more comes; [`Decoded::pull`] yields what is left, then `None`.
    pub(crate) fn finish(&self) {
        // It can only refuse when the pipeline has failed, which the bus has told.
        let _ = self.source.end_of_stream();
    }
}

impl Decoded {
    /// Waits for the next samples; `None` at the end.
    pub(crate) fn pull(&self) -> Result<Option<Chunk>, Error> {
        let Ok(sample) = self.sink.pull_sample() else {
            return Ok(None);
        };
        let rate = sample.caps().and_then(|caps| {
            let rate = caps.structure(0)?.get::<i32>("rate").ok()?;
            Timescale::new(u32::try_from(rate).ok()?)
        });
        let rate = rate.ok_or(Error::Unexpected("decoded samples without a rate"))?;
        let buffer = sample
            .buffer()
            .ok_or(Error::Unexpected("a sample without a buffer"))?;
        let pts = buffer
            .pts()
            .ok_or(Error::Unexpected("decoded samples without a time"))?;
        let nanos = i64::try_from(pts.nseconds()).unwrap_or(i64::MAX);
        let map = buffer.map_readable()?;
        Ok(Some(Chunk {
            at: MediaTime::new(nanos, NANOSECONDS)
                .rescale_round(rate)
                .ticks(),
            rate: rate.hz(),
            samples: Samples::from_bytes(&map),
        }))
    }
}

/// With a configuration that `media` has accepted, one thing is left that caps cannot agree on.
fn named(error: Error) -> Error {
    if let Error::Element { details, .. } = &error
        && details.contains("not-negotiated")
    {
        return Error::Layout;
    }
    error
}

fn aac_caps(start: &Start) -> gst::Caps {
    gst::Caps::builder("audio/mpeg")
        .field("mpegversion", 4)
        .field("stream-format", "raw")
        .field("framed", true)
        .field("codec_data", gst::Buffer::from_slice(start.asc.clone()))
        .build()
}

fn stereo_caps() -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", FORMAT)
        .field("layout", "interleaved")
        .field("channels", i32::try_from(CHANNELS).expect("two"))
        .field("channel-mask", gst::Bitmask::new(LEFT_AND_RIGHT))
        .build()
}

/// GStreamer's time.
const NANOSECONDS: Timescale = Timescale::new(1_000_000_000).expect("not zero");

/// Three quarters of a second of AAC at 48 kHz. More than a server sends at once after a start.
const SOURCE_BUFFERS_MAX: u64 = 32;

/// Longer than any access unit (2048 samples at 16 kHz) and than the aligner's patches.
const JUMP: gst::ClockTime = gst::ClockTime::from_mseconds(250);

const LEFT_AND_RIGHT: u64 = 0b11;
