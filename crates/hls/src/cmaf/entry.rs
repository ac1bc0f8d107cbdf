//! Sample entries of video, one file each.

mod av01;
mod avc1;
mod hvc1;
mod vp09;

use media::{VideoCodec, VideoConfig};
use mp4_atom::{Codec, FourCC, Visual};

use crate::Error;

/// A sample entry, and what is said of it elsewhere.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) codec: Codec,
    /// The box with the decoder's configuration, for errors.
    pub(super) record: &'static str,
    /// What its specification adds to `ftyp`.
    pub(super) brand: Option<FourCC>,
}

/// Whether LL-HLS can carry such video at all. VP8 has a sample entry, but no browser plays it from
/// one.
pub fn carries(video: &VideoConfig) -> bool {
    match video.codec() {
        VideoCodec::H264 | VideoCodec::H265 | VideoCodec::Vp9 | VideoCodec::Av1 => true,
        VideoCodec::Vp8 => false,
    }
}

/// The sample entry of a track.
pub(super) fn of(config: &VideoConfig) -> Result<Entry, Error> {
    match config {
        VideoConfig::H264(h264) => avc1::entry(h264, visual(config)),
        VideoConfig::H265(h265) => hvc1::entry(h265, visual(config)),
        VideoConfig::Vp9(vp9) => vp09::entry(vp9, visual(config)),
        VideoConfig::Av1(av1) => Ok(av01::entry(av1, visual(config))),
        VideoConfig::Vp8(_) => Err(Error::NotCarried(config.codec().name())),
    }
}

fn visual(config: &VideoConfig) -> Visual {
    let (width, height) = config.size();
    Visual {
        data_reference_index: 1,
        width,
        height,
        ..Visual::default()
    }
}
