//! The second pipeline: one run of samples to packets.
//!
//! `appsrc ! audioresample ! audioconvert ! encoder ! appsink`, at 48 kHz from the resampler on. A run has
//! no breaks, so packet times are counted, not asked for: the n-th packet decodes to the samples that end
//! up `n` packets after the run's start, less what the encoder puts before the first sample. The resampler
//! adds nothing to that: it starts in the middle of its filter.

mod aac;
mod opus;

use std::thread::{self, JoinHandle};

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

/// One run's encoder. Its packets come on a thread of its own.
#[derive(Debug)]
pub(crate) struct Encoder {
    source: AppSrc,
    packets: JoinHandle<()>,
    _pipeline: Running,
}

/// What an encoder needs of its surroundings.
pub(crate) trait Listener: Clone + Send + Sync + 'static {
    /// A packet, and where its first decoded sample plays.
    fn packet(&self, pts: MediaTime, payload: Bytes) -> Result<(), Error>;
    /// Nothing more will come of it.
    fn failed(&self, error: Error);
}

/// Where a run begins, counted in its own rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunStart {
    pub(crate) at: i64,
    /// Samples per second.
    pub(crate) rate: Timescale,
}

/// What runs become.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Codec {
    Opus { bitrate_bps: u32 },
    Aac { bitrate_bps: u32 },
}

impl Codec {
    pub(crate) const fn of(sound: Sound<'_>) -> Self {
        match sound {
            Sound::AacToOpus(opus) => Self::Opus {
                bitrate_bps: opus.bitrate_bps,
            },
            Sound::OpusToAac(aac) => Self::Aac {
                bitrate_bps: aac.bitrate_bps,
            },
        }
    }

    fn encoder(self) -> Result<gst::Element, Error> {
        match self {
            Self::Opus { bitrate_bps } => opus::encoder(bitrate_bps),
            Self::Aac { bitrate_bps } => aac::encoder(bitrate_bps),
        }
    }

    /// The samples it takes, by GStreamer's name.
    const fn format(self) -> &'static str {
        match self {
            Self::Opus { .. } => opus::FORMAT,
            Self::Aac { .. } => FORMAT,
        }
    }

    /// Samples of 48 kHz in a packet.
    const fn packet_samples(self) -> i64 {
        match self {
            Self::Opus { .. } => opus::PACKET_SAMPLES,
            Self::Aac { .. } => aac::PACKET_SAMPLES,
        }
    }

    /// How many samples of 48 kHz it puts before a run's first, as far as the caps of its packets tell.
    fn delay(self, caps: Option<&gst::CapsRef>) -> Result<i64, Error> {
        match self {
            Self::Opus { .. } => opus::look_ahead(caps),
            Self::Aac { .. } => aac::priming(caps),
        }
    }
}

impl Encoder {
    pub(crate) fn new(
        start: RunStart,
        codec: Codec,
        listener: &impl Listener,
    ) -> Result<Self, Error> {
        let source = elements::source(&raw_caps(FORMAT, start.rate), SOURCE_BUFFERS_MAX);
        let resample = elements::make("audioresample")?;
        let convert = elements::make("audioconvert")?;
        // Opus hides rounding to 16 bits; dither would make silence cost as much as music.
        convert.set_property_from_str("dithering", "none");
        let input = elements::filter(&raw_caps(codec.format(), Timescale::OPUS))?;
        let encoder = codec.encoder()?;
        let sink = elements::sink();
        let chain = [
            source.upcast_ref(),
            &resample,
            &convert,
            &input,
            &encoder,
            sink.upcast_ref(),
        ];
        let failed = listener.clone();
        let pipeline = elements::run(&chain, move |error| failed.failed(error))?;
        let listener = listener.clone();
        let packets = thread::spawn(move || {
            if let Err(error) = hand_on(&sink, start, codec, &listener) {
                listener.failed(error);
            }
        });
        Ok(Self {
            source,
            packets,
            _pipeline: pipeline,
        })
    }

    /// Encodes the run's next samples; waits while too many are in line.
    pub(crate) fn push(&self, samples: &Samples) {
        if samples.count() > 0 {
            // It can only refuse when the pipeline has failed, which the bus has told.
            let _ = self
                .source
                .push_buffer(gst::Buffer::from_slice(samples.to_bytes()));
        }
    }

    /// Completes the last packet with silence and returns when all are handed on.
    pub(crate) fn finish(self) {
        let _ = self.source.end_of_stream();
        // A panic in there has ended the process.
        let _ = self.packets.join();
    }
}

/// Pulls packets to the end of the run.
fn hand_on(
    sink: &AppSink,
    start: RunStart,
    codec: Codec,
    listener: &impl Listener,
) -> Result<(), Error> {
    let mut next = None;
    while let Ok(sample) = sink.pull_sample() {
        let first = match next {
            Some(next) => next,
            None => {
                let start = MediaTime::new(start.at, start.rate).rescale_round(Timescale::OPUS);
                start.offset(-codec.delay(sample.caps())?)
            }
        };
        next = Some(first.offset(codec.packet_samples()));
        let buffer = sample
            .buffer()
            .ok_or(Error::Unexpected("a packet without a buffer"))?;
        let payload = Bytes::copy_from_slice(&buffer.map_readable()?);
        listener.packet(first, payload)?;
    }
    Ok(())
}

fn raw_caps(format: &str, rate: Timescale) -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", format)
        .field("layout", "interleaved")
        .field("rate", i32::try_from(rate.hz()).unwrap_or(i32::MAX))
        .field("channels", i32::try_from(CHANNELS).expect("two"))
        .field("channel-mask", gst::Bitmask::new(LEFT_AND_RIGHT))
        .build()
}

/// A sixth of a second; the decoder's queue before it is the one that matters.
const SOURCE_BUFFERS_MAX: u64 = 8;

const LEFT_AND_RIGHT: u64 = 0b11;
