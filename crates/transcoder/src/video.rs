//! Pictures in, pictures out: `appsrc ! decoder ! videoscale ! videoconvert ! encoder ! appsink`, in one pipeline.
//!
//! A picture keeps its time through all of it: GStreamer's codecs carry it with the frame, in nanoseconds, and those
//! round back to the tick they came from. Nothing here drops, doubles or moves one, but for those of a broken source that
//! its decoder shows out of their turn: they are left out.

mod encoder;
pub(crate) mod source;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::{AppSink, AppSrc};
use media::{MediaTime, Pts, Timescale};
use transcode::{Picture, SourcePicture, VideoToH264};

use crate::{
    elements::{self, Running},
    error::Error,
};

/// What becomes of pictures; called from a thread of its own.
pub(crate) trait Viewer: Clone + Send + Sync + 'static {
    /// The pictures after it are decoded with this.
    fn configuration(&self, avcc: Bytes) -> Result<(), Error>;
    /// The next picture.
    fn picture(&self, picture: Picture) -> Result<(), Error>;
    /// All that came in has gone out.
    fn drained(&self);
    /// Nothing more will come.
    fn failed(&self, error: Error);
}

/// The pipeline's entrance.
#[derive(Debug)]
pub(crate) struct Video {
    source: AppSrc,
    unwanted: Unwanted,
}

/// Times of pictures that are decoded and go no further.
type Unwanted = Arc<Mutex<BTreeSet<u64>>>;

impl Video {
    /// Builds it and sets it in motion.
    pub(crate) fn new(start: &VideoToH264, viewer: &impl Viewer) -> Result<Self, Error> {
        let unwanted = Unwanted::default();
        let mut caps = source::caps(&start.source);
        // The decoder hands it on to the encoder, whose rate control counts by it.
        let rate = i32::try_from(start.frame_rate_milli).unwrap_or(i32::MAX);
        let rate = gst::Fraction::new(rate, 1000);
        caps.make_mut().set("framerate", rate);
        let source = elements::source(&caps, SOURCE_BUFFERS_MAX);
        let decoder = source::decoder(&start.source)?;
        leave_out(&decoder, &unwanted)?;
        take_as_whole(&decoder)?;
        let scale = elements::make("videoscale")?;
        let even = elements::filter(&encoder::sizes())?;
        let convert = elements::make("videoconvert")?;
        let encoder = encoder::encoder(start)?;
        let form = elements::filter(&encoder::caps())?;
        let sink = elements::sink();
        let chain = [
            source.upcast_ref(),
            &decoder,
            &scale,
            &even,
            &convert,
            &encoder,
            &form,
            sink.upcast_ref(),
        ];
        let failed = viewer.clone();
        let pipeline = elements::run(&chain, move |error| failed.failed(error))?;
        let viewer = viewer.clone();
        thread::spawn(move || match pull_all(&sink, &pipeline, &viewer) {
            Ok(()) => viewer.drained(),
            Err(error) => viewer.failed(error),
        });
        Ok(Self { source, unwanted })
    }

    /// Decodes one picture; waits while too many are in line.
    pub(crate) fn push(&self, picture: SourcePicture) -> Result<(), Error> {
        let pts = elements::clock_time(picture.pts.media_time())?;
        if !picture.wanted {
            lock(&self.unwanted).insert(pts.nseconds());
        }
        let mut buffer = gst::Buffer::from_slice(picture.payload);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
        }
        // It can only refuse when the pipeline has failed, which the bus has told.
        let _ = self.source.push_buffer(buffer);
        Ok(())
    }

    /// The next picture that comes out is an IDR.
    pub(crate) fn keyframe(&self) {
        // In line with the pictures, so that it is about the next of them ("GstForceKeyUnit" of GStreamer's design
        // documents). Refused only by a pipeline that has failed.
        let structure = gst::Structure::builder("GstForceKeyUnit")
            .field("all-headers", true)
            .field("count", 0_u32)
            .build();
        let _ = self
            .source
            .send_event(gst::event::CustomDownstream::new(structure));
    }

    /// Nothing more comes; what is left comes out.
    pub(crate) fn finish(&self) {
        // As above.
        let _ = self.source.end_of_stream();
    }
}

/// Two fields go on as the one picture that they are woven into: x264enc takes no others in the baseline profile.
fn take_as_whole(decoder: &gst::Element) -> Result<(), Error> {
    let pad = decoder.static_pad("src").ok_or(NO_OUTPUT)?;
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let gst::EventView::Caps(caps) = event.view()
        {
            let mut caps = caps.caps_owned();
            let form = caps.make_mut();
            form.set("interlace-mode", "progressive");
            form.iter_mut()
                .for_each(|it| it.remove_field("field-order"));
            *event = gst::event::Caps::new(&caps);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Keeps from the encoder what is not wanted, and what comes out of its turn.
fn leave_out(decoder: &gst::Element, unwanted: &Unwanted) -> Result<(), Error> {
    let pad = decoder.static_pad("src").ok_or(NO_OUTPUT)?;
    let unwanted = Arc::clone(unwanted);
    let last = Mutex::new(None);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(pts) = info.buffer().and_then(|buffer| buffer.pts()) else {
            return gst::PadProbeReturn::Ok;
        };
        // `GstVideoDecoder` gives one that is shown too late the time of the one before it: there would be two of that time.
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| pts <= last) {
            return gst::PadProbeReturn::Drop;
        }
        *last = Some(pts);
        let mut unwanted = lock(&unwanted);
        let is_unwanted = unwanted.remove(&pts.nseconds());
        // Pictures come in the order of their times: of those before it none comes any more.
        *unwanted = unwanted.split_off(&pts.nseconds());
        if is_unwanted {
            gst::PadProbeReturn::Drop
        } else {
            gst::PadProbeReturn::Ok
        }
    });
    Ok(())
}

/// Hands on what comes out, to the end.
fn pull_all(sink: &AppSink, _running: &Running, viewer: &impl Viewer) -> Result<(), Error> {
    let mut told = None;
    while let Ok(sample) = sink.pull_sample() {
        let caps = sample.caps();
        let configuration = encoder::configuration(caps)?;
        if told.as_ref() != Some(&configuration) {
            viewer.configuration(configuration.clone())?;
            told = Some(configuration);
        }
        viewer.picture(picture(&sample)?)?;
    }
    Ok(())
}

fn picture(sample: &gst::Sample) -> Result<Picture, Error> {
    let buffer = sample
        .buffer()
        .ok_or(Error::Unexpected("a picture without a buffer"))?;
    // x264enc moves its times by a thousand hours, and its segment with them, so that none is before zero.
    let segment = sample
        .segment()
        .and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
    let pts = segment.and_then(|segment| segment.to_running_time(buffer.pts()?));
    let pts = pts.ok_or(Error::Unexpected("a picture without a time"))?;
    let nanos = i64::try_from(pts.nseconds()).unwrap_or(i64::MAX);
    let ticks = MediaTime::new(nanos, elements::NANOSECONDS)
        .rescale_round(Timescale::VIDEO)
        .ticks();
    Ok(Picture {
        pts: Pts(ticks),
        keyframe: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
        payload: Bytes::copy_from_slice(&buffer.map_readable()?),
    })
}

fn lock(unwanted: &Unwanted) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
    unwanted.lock().unwrap_or_else(PoisonError::into_inner)
}

const NO_OUTPUT: Error = Error::Unexpected("a decoder without an output");
/// A second at 30 per second: a whole group comes at once when a child begins in its middle.
const SOURCE_BUFFERS_MAX: u64 = 32;
