//! The second pipeline: one run of samples to Opus packets.
//!
//! `appsrc ! audioresample ! audioconvert ! opusenc ! appsink`, at 48 kHz from the resampler on. A run has
//! no breaks, so packet times are counted, not asked for: the n-th packet decodes to the 960 samples that
//! end up `960 n - look-ahead` after the run's start (RFC 7845 section 4.2 calls the look-ahead pre-skip).
//! The resampler adds nothing to that: it starts in the middle of its filter.

use std::thread::{self, JoinHandle};

use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::{AppSink, AppSrc};
use media::{MediaTime, Timescale};

use crate::{
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

impl Encoder {
    pub(crate) fn new(
        start: RunStart,
        bitrate_bps: u32,
        listener: &impl Listener,
    ) -> Result<Self, Error> {
        let source = elements::source(&raw_caps(FORMAT, start.rate), SOURCE_BUFFERS_MAX);
        let resample = elements::make("audioresample")?;
        let convert = elements::make("audioconvert")?;
        // Opus hides rounding to 16 bits; dither would make silence cost as much as music.
        convert.set_property_from_str("dithering", "none");
        let opus_input = elements::filter(&raw_caps("S16LE", Timescale::OPUS))?;
        let opus = opus_encoder(bitrate_bps)?;
        let sink = elements::sink();
        let chain = [
            source.upcast_ref(),
            &resample,
            &convert,
            &opus_input,
            &opus,
            sink.upcast_ref(),
        ];
        let failed = listener.clone();
        let pipeline = elements::run(&chain, move |error| failed.failed(error))?;
        let listener = listener.clone();
        let packets = thread::spawn(move || {
            if let Err(error) = hand_on(&sink, start, &listener) {
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
fn hand_on(sink: &AppSink, start: RunStart, listener: &impl Listener) -> Result<(), Error> {
    let mut next = None;
    while let Ok(sample) = sink.pull_sample() {
        let first = match next {
            Some(next) => next,
            None => {
                let look_ahead = sample.caps().and_then(pre_skip);
                let look_ahead =
                    look_ahead.ok_or(Error::Unexpected("opusenc's header is no OpusHead"))?;
                let start = MediaTime::new(start.at, start.rate).rescale_round(Timescale::OPUS);
                start.offset(-i64::from(look_ahead))
            }
        };
        next = Some(first.offset(PACKET_SAMPLES));
        let buffer = sample
            .buffer()
            .ok_or(Error::Unexpected("a packet without a buffer"))?;
        let payload = Bytes::copy_from_slice(&buffer.map_readable()?);
        listener.packet(first, payload)?;
    }
    Ok(())
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

fn opus_encoder(bitrate_bps: u32) -> Result<gst::Element, Error> {
    let opus = elements::make("opusenc")?;
    opus.set_property("bitrate", i32::try_from(bitrate_bps).unwrap_or(i32::MAX));
    opus.set_property_from_str("bitrate-type", "constrained-vbr");
    opus.set_property_from_str("frame-size", "20");
    // 2.5 ms of look-ahead instead of 6.5 ms; what it gives up, speech coding below 40 kbit/s, is not
    // what a stereo show is coded with.
    opus.set_property_from_str("audio-type", "restricted-lowdelay");
    opus.set_property(
        "max-payload-size",
        u32::try_from(transcode::PACKET_BYTES_MAX).unwrap_or(u32::MAX),
    );
    Ok(opus)
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

/// 20 ms at 48 kHz.
const PACKET_SAMPLES: i64 = 960;

/// A sixth of a second; the decoder's queue before it is the one that matters.
const SOURCE_BUFFERS_MAX: u64 = 8;

const LEFT_AND_RIGHT: u64 = 0b11;
