//! The first pipeline: access units to stereo samples at the source's own rate.
//!
//! `appsrc ! decoder ! audioconvert ! appsink`. No parser: the server hands in whole access units, and a
//! parser would hold one back to see where it ends. No resampler: GStreamer's believes its own sample
//! count over small jumps of the stamps, and those are the aligner's to see.

mod aac;
mod opus;

use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::{AppSink, AppSrc};
use media::{MediaTime, Timescale};

use crate::{
    conversion::Sound,
    elements::{self, Running},
    error::Error,
    samples::{CHANNELS, FORMAT, Samples},
};

/// The pipeline's entrance.
#[derive(Debug)]
pub(crate) struct Decoder {
    source: AppSrc,
    line: Line,
}

/// What a codec's decoder has to be told beside the access units.
#[derive(Debug)]
enum Line {
    Aac(aac::Line),
    Opus(opus::Line),
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
        sound: Sound<'_>,
        failed: impl Fn(Error) + Send + Sync + 'static,
    ) -> Result<(Self, Decoded), Error> {
        let (caps, decoder, line) = match sound {
            Sound::AacToOpus(aac) => {
                let line = Line::Aac(aac::Line::default());
                (aac::caps(&aac.asc), aac::decoder()?, line)
            }
            Sound::OpusToAac(_) => {
                let line = Line::Opus(opus::Line::default());
                (opus::caps(), opus::decoder()?, line)
            }
        };
        let named: fn(Error) -> Error = match line {
            Line::Aac(_) => aac::named,
            Line::Opus(_) => std::convert::identity,
        };
        let source = elements::source(&caps, SOURCE_BUFFERS_MAX);
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
        let exit = Decoded {
            sink,
            _pipeline: pipeline,
        };
        Ok((Self { source, line }, exit))
    }

    /// Decodes one access unit; waits while too many are in line.
    pub(crate) fn push(&mut self, pts: MediaTime, payload: Bytes) -> Result<(), Error> {
        match &mut self.line {
            Line::Aac(line) => line.push(&self.source, pts, payload),
            Line::Opus(line) => line.push(&self.source, pts, payload),
        }
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
            at: MediaTime::new(nanos, elements::NANOSECONDS)
                .rescale_round(rate)
                .ticks(),
            rate: rate.hz(),
            samples: Samples::from_bytes(&map),
        }))
    }
}

fn stereo_caps() -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", FORMAT)
        .field("layout", "interleaved")
        .field("channels", i32::try_from(CHANNELS).expect("two"))
        .field("channel-mask", gst::Bitmask::new(LEFT_AND_RIGHT))
        .build()
}

/// Three quarters of a second of AAC or of Opus as it is usually sent. More than a server sends at once
/// after a start.
const SOURCE_BUFFERS_MAX: u64 = 32;

const LEFT_AND_RIGHT: u64 = 0b11;
