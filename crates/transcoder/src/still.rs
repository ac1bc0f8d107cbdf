//! A key frame in, a JPEG out: `appsrc ! decoder ! videoscale ! videoconvert ! videoconvert ! encoder ! appsink`, a pipeline
//! for each.
//!
//! A decoder that is told of the end keeps nothing back for pictures that do not come, and the next key frame finds none of
//! what the last one left. The pipeline is made in a few milliseconds.

use std::sync::mpsc::{self, TryRecvError};

use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::AppSink;
use transcode::{Jpeg, SourcePicture, VideoToJpeg};

use crate::{elements, error::Error, video::source};

/// Makes the JPEG of one picture, decoded by itself.
pub(crate) fn jpeg(start: &VideoToJpeg, picture: SourcePicture) -> Result<Jpeg, Error> {
    let source = elements::source(&source::caps(&start.source), 1);
    let decoder = source::decoder(&start.source)?;
    // For one picture threads cost more than they bring, and each takes memory.
    decoder.set_property("max-threads", 1_i32);
    let scale = elements::make("videoscale")?;
    // Even sides are not exactly the source's shape: less than a sample, and no reason for black edges.
    scale.set_property("add-borders", false);
    // By way of red, green and blue: from one range to another of the same matrix GStreamer 1.22 converts nothing.
    let [to_rgb, to_yuv] = [
        elements::make("videoconvert")?,
        elements::make("videoconvert")?,
    ];
    let form = elements::make("capsfilter")?;
    fit(&decoder, &form, start.side_max)?;
    let jfif = elements::filter(&jfif())?;
    let encoder = encoder()?;
    let sink = elements::sink();
    let chain = [
        source.upcast_ref(),
        &decoder,
        &scale,
        &to_rgb,
        &form,
        &to_yuv,
        &jfif,
        &encoder,
        sink.upcast_ref(),
    ];
    let (failures, failed) = mpsc::channel();
    let _running = elements::run(&chain, move |error| {
        // The first one is waited for.
        let _ = failures.send(error);
    })?;
    let mut buffer = gst::Buffer::from_slice(picture.payload);
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::ZERO);
    }
    // Refused only by a pipeline that has failed, which is told.
    let _ = source.push_buffer(buffer);
    let _ = source.end_of_stream();
    Ok(Jpeg {
        pts: picture.pts,
        file: file(&sink, &failed)?,
    })
}

/// Waits for the one that comes out, or for what went wrong.
fn file(sink: &AppSink, failed: &mpsc::Receiver<Error>) -> Result<Bytes, Error> {
    for _ in 0..TURNS_MAX {
        if let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(TURN_MS)) {
            let buffer = sample
                .buffer()
                .ok_or(Error::Unexpected("a JPEG without a buffer"))?;
            return Ok(Bytes::copy_from_slice(&buffer.map_readable()?));
        }
        match failed.try_recv() {
            Ok(error) => return Err(error),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) if sink.is_eos() => {
                return Err(Error::Unexpected("the picture cannot be decoded by itself"));
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
    }
    Err(Error::Unexpected("the picture takes too long"))
}

/// What goes: about 40 kB for 640 by 360.
fn encoder() -> Result<gst::Element, Error> {
    let encoder = elements::make("avenc_mjpeg")?;
    encoder.set_property_from_str("pass", "quant");
    encoder.set_property("quantizer", QUANTIZER);
    Ok(encoder)
}

/// Tells `form` what is wanted once the decoder knows how large its picture is, before it lets go of it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "there are as many kinds of events as GStreamer has, and one is meant"
)]
fn fit(decoder: &gst::Element, form: &gst::Element, side_max: u16) -> Result<(), Error> {
    let pad = decoder
        .static_pad("src")
        .ok_or(Error::Unexpected("a decoder without an output"))?;
    let form = form.clone();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let decoded = info.event().and_then(|event| match event.view() {
            gst::EventView::Caps(decoded) => Some(decoded.caps_owned()),
            _ => None,
        });
        if let Some(decoded) = decoded {
            if let Some(caps) = wanted(&decoded, side_max) {
                form.set_property("caps", caps);
            }
            let whole = gst::event::Caps::new(&completed(decoded));
            info.data = Some(gst::PadProbeData::Event(whole));
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// What the decoder says, as those behind it need it: the encoder refuses fields, which to a tile of a list are all the
/// same; and colours of an unknown matrix would be left as they are, in their range too.
fn completed(mut decoded: gst::Caps) -> gst::Caps {
    if let Some(structure) = decoded.make_mut().structure_mut(0) {
        structure.set("interlace-mode", "progressive");
        structure.remove_field("field-order");
        let colours = structure.get::<String>("colorimetry").ok();
        let height = structure.get::<i32>("height").unwrap_or(0);
        if let Some(colours) = colours.and_then(|colours| with_matrix(&colours, height)) {
            structure.set("colorimetry", colours);
        }
    }
    decoded
}

/// The usual matrix of the picture's height, where none is named, as every player takes it.
fn with_matrix(colours: &str, height: i32) -> Option<String> {
    let parts: Vec<&str> = colours.split(':').collect();
    let [range, UNKNOWN, transfer, primaries] = parts[..] else {
        return None;
    };
    let matrix = if height > SD_HEIGHT_MAX { BT709 } else { BT601 };
    Some(format!("{range}:{matrix}:{transfer}:{primaries}"))
}

/// Its colours, in full range.
fn jfif() -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        // Range, matrix; of transfer and primaries nothing is said, so that they stay.
        .field("colorimetry", "1:4:0:0")
        .build()
}

/// The size, and square samples.
fn wanted(decoded: &gst::CapsRef, side_max: u16) -> Option<gst::Caps> {
    let decoded = decoded.structure(0)?;
    let side = |name| {
        let side = decoded.get::<i32>(name).ok()?;
        u64::try_from(side).ok()
    };
    let ratio = decoded.get::<gst::Fraction>("pixel-aspect-ratio").ok();
    let ratio = ratio.and_then(|ratio| {
        let part = |part: i32| u64::try_from(part).ok().filter(|part| *part > 0);
        Some((part(ratio.numer())?, part(ratio.denom())?))
    });
    let size = (side("width")?, side("height")?);
    let (width, height) = fitted(size, ratio.unwrap_or((1, 1)), side_max);
    Some(
        gst::Caps::builder("video/x-raw")
            .field("format", "BGRx")
            .field("width", width)
            .field("height", height)
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .build(),
    )
}

/// The largest size of square samples that a picture fits into without being enlarged in either direction.
fn fitted((width, height): (u64, u64), (wide, high): (u64, u64), side_max: u16) -> (i32, i32) {
    let (width, height) = if wide > high {
        (width, height * high / wide)
    } else {
        (width * wide / high, height)
    };
    let (longest, side_max) = (width.max(height).max(1), u64::from(side_max));
    let side = |side: u64| {
        let side = if longest > side_max {
            (side * side_max + longest / 2) / longest
        } else {
            side
        };
        i32::try_from((side & !1).max(2)).unwrap_or(2)
    };
    (side(width), side(height))
}

/// GstVideoColorMatrix.
const UNKNOWN: &str = "0";
const BT709: &str = "3";
const BT601: &str = "4";
/// PAL.
const SD_HEIGHT_MAX: i32 = 576;
/// Of 2 to 31: no blocks that anybody sees at this size.
const QUANTIZER: f32 = 3.0;
const TURN_MS: u64 = 50;
/// Two seconds. The server loses its patience a little later.
const TURNS_MAX: u32 = 40;

#[cfg(test)]
mod tests {
    use super::{fitted, with_matrix};

    #[test]
    fn a_matrix_that_is_not_named_is_the_usual_one() {
        for (colours, height, expected) in [
            ("2:0:0:0", 576, Some("2:4:0:0")),
            ("1:0:5:1", 720, Some("1:3:5:1")),
            ("2:6:0:0", 720, None),
            ("bt709", 720, None),
        ] {
            let with = with_matrix(colours, height);
            assert_eq!(with.as_deref(), expected, "{colours}");
        }
    }

    #[test]
    fn a_picture_keeps_its_shape_and_is_never_enlarged() {
        for (size, ratio, expected) in [
            ((1920, 1080), (1, 1), (640, 360)),
            ((1080, 1920), (1, 1), (360, 640)),
            ((640, 360), (1, 1), (640, 360)),
            ((64, 48), (1, 1), (64, 48)),
            ((639, 359), (1, 1), (638, 358)),
            ((854, 480), (1, 1), (640, 360)),
            // PAL, 16:9; then one whose samples are higher than wide.
            ((720, 576), (64, 45), (640, 360)),
            ((720, 576), (16, 15), (640, 480)),
            ((720, 480), (8, 9), (640, 480)),
            ((4096, 2), (1, 1), (640, 2)),
            ((1, 1), (1, 1), (2, 2)),
            ((1, 8192), (1, 1_000_000), (2, 640)),
        ] {
            assert_eq!(fitted(size, ratio, 640), expected, "{size:?}");
        }
    }
}
