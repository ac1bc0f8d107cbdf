//! Making GStreamer's elements, and saying what to install when one is not there.

use gstreamer::{self as gst, prelude::*};
use gstreamer_app::{AppSink, AppSrc};
use media::{MediaTime, Timescale};

use crate::{
    error::Error,
    fence::{self, Fence, Memory},
    log, warm,
};

/// Every element the pipelines are made of, and the Debian 12 package that holds it.
const PACKAGES: [(&str, &str); 17] = [
    ("appsrc", "gstreamer1.0-plugins-base"),
    ("appsink", "gstreamer1.0-plugins-base"),
    ("capsfilter", "libgstreamer1.0-0"),
    ("audioconvert", "gstreamer1.0-plugins-base"),
    ("audioresample", "gstreamer1.0-plugins-base"),
    ("opusdec", "gstreamer1.0-plugins-base"),
    ("opusenc", "gstreamer1.0-plugins-base"),
    ("avdec_aac", "gstreamer1.0-libav"),
    ("avenc_aac", "gstreamer1.0-libav"),
    ("avdec_h264", "gstreamer1.0-libav"),
    ("avdec_h265", "gstreamer1.0-libav"),
    ("avdec_vp9", "gstreamer1.0-libav"),
    ("avdec_vp8", "gstreamer1.0-libav"),
    ("avenc_mjpeg", "gstreamer1.0-libav"),
    ("videoconvert", "gstreamer1.0-plugins-base"),
    ("videoscale", "gstreamer1.0-plugins-base"),
    ("x264enc", "gstreamer1.0-plugins-ugly"),
];

/// What a machine may lack: other packages come with it by the dozen, and only AV1 by RTMP needs it.
const OPTIONAL: (&str, &str) = ("av1dec", "gstreamer1.0-plugins-bad");

/// Whether this machine has what transcoding needs: makes every element, runs every conversion, puts the fence up.
/// Names the versions, and what it decodes. Fills GStreamer's registry by the way, for which it is not fenced before.
pub(crate) fn check(mode: fence::Mode) -> Result<(String, i32), Error> {
    gst::init()?;
    for (element, _) in PACKAGES {
        make(element)?;
    }
    warm::all()?;
    let fence = Fence::enter_late(mode)?;
    let versions = format!(
        "shopcast-transcoder {}, protocol {}, {}\n{fence}\n{}",
        env!("CARGO_PKG_VERSION"),
        transcode::PROTOCOL_VERSION,
        gst::version_string(),
        if decodes_av1() {
            "decodes: H.264, H.265, VP9, AV1"
        } else {
            "decodes: H.264, H.265, VP9; with the Debian package gstreamer1.0-plugins-bad AV1, too"
        }
    );
    fence.close(Memory::of_all())?;
    Ok((versions, 0))
}

/// Whether there is a decoder for AV1.
pub(crate) fn decodes_av1() -> bool {
    gst::ElementFactory::find(OPTIONAL.0).is_some()
}

/// One element by its factory's name.
pub(crate) fn make(element: &'static str) -> Result<gst::Element, Error> {
    gst::ElementFactory::make(element)
        .build()
        .map_err(|_| Error::Missing {
            element,
            package: PACKAGES
                .iter()
                .chain([&OPTIONAL])
                .find_map(|(name, package)| (*name == element).then_some(*package))
                .unwrap_or("gstreamer1.0-plugins-base"),
        })
}

/// A capsfilter.
pub(crate) fn filter(caps: &gst::Caps) -> Result<gst::Element, Error> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// Where a pipeline's input goes: a push waits while `buffers` are in line, so that whoever writes to this
/// process feels how fast it is.
pub(crate) fn source(caps: &gst::Caps, buffers: u64) -> AppSrc {
    AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .block(true)
        .max_buffers(buffers)
        .max_bytes(0)
        .max_time(gst::ClockTime::ZERO)
        .build()
}

/// Where a pipeline's output is pulled from, as fast as it comes.
pub(crate) fn sink() -> AppSink {
    AppSink::builder()
        .sync(false)
        .max_buffers(SINK_BUFFERS_MAX)
        .build()
}

/// Puts `elements` one behind the other into a pipeline that tells `failed` of the first thing that goes
/// wrong, and sets it in motion.
pub(crate) fn run(
    elements: &[&gst::Element],
    failed: impl Fn(Error) + Send + Sync + 'static,
) -> Result<Running, Error> {
    let pipeline = gst::Pipeline::new();
    pipeline.add_many(elements)?;
    gst::Element::link_many(elements)?;
    let bus = pipeline
        .bus()
        .ok_or(Error::Unexpected("a pipeline without a bus"))?;
    bus.set_sync_handler(move |_, message| {
        report(message, &failed);
        gst::BusSyncReply::Drop
    });
    let pipeline = Running(pipeline);
    let started = pipeline.0.set_state(gst::State::Playing);
    started.map_err(|_| Error::Unexpected("the pipeline does not start"))?;
    Ok(pipeline)
}

/// The same moment as GStreamer counts it; it has none before zero.
pub(crate) fn clock_time(at: MediaTime) -> Result<gst::ClockTime, Error> {
    let nanos = at.rescale_round(NANOSECONDS).ticks();
    let nanos = u64::try_from(nanos).map_err(|_| Error::Order("a frame before time 0"))?;
    Ok(gst::ClockTime::from_nseconds(nanos))
}

/// GStreamer's time.
pub(crate) const NANOSECONDS: Timescale = Timescale::new(1_000_000_000).expect("not zero");

/// A pipeline in motion; stops it when dropped, as GStreamer demands before it is freed.
#[derive(Debug)]
pub(crate) struct Running(gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

fn report(message: &gst::MessageRef, failed: &impl Fn(Error)) {
    let element = message
        .src()
        .map_or_else(String::new, |source| source.name().into());
    if let gst::MessageView::Error(error) = message.view() {
        failed(Error::Element {
            element,
            message: error.error().to_string(),
            details: error.debug().map_or_else(String::new, Into::into),
        });
    } else if let gst::MessageView::Warning(warning) = message.view() {
        log::warning(format_args!("{element}: {}", warning.error()));
    }
}

/// About 20 ms each; a pull waits for every one, so this only bounds a writer that has stopped.
const SINK_BUFFERS_MAX: u32 = 16;
