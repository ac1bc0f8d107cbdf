//! VP9 (VP Codec ISO Media File Format Binding, version 1.0).

use media::{Vp9Config, vp9::Subsampling};
use mp4_atom::{Visual, Vp09, VpcC};

use super::Entry;
use crate::Error;

pub(super) fn entry(config: &Vp9Config, visual: Visual) -> Result<Entry, Error> {
    let chroma_subsampling = match config.subsampling {
        // "4:2:0 colocated with luma (0,0)", the one the codec string's absence of it means.
        Subsampling::Yuv420 => 1,
        Subsampling::Yuv422 => 2,
        Subsampling::Yuv444 => 3,
        Subsampling::Yuv440 => {
            return Err(Error::DecoderConfig {
                what: "vpcC",
                reason: "it has no number for 4:4:0; encode 4:2:0".to_owned(),
            });
        }
    };
    let vpcc = VpcC {
        profile: config.profile,
        level: config.level(),
        bit_depth: config.bit_depth,
        chroma_subsampling,
        video_full_range_flag: config.colour.full_range,
        color_primaries: config.colour.primaries,
        transfer_characteristics: config.colour.transfer,
        matrix_coefficients: config.colour.matrix,
        // "For VP8 and VP9 this field must be 0."
        codec_initialization_data: Vec::new(),
    };
    let entry = Vp09 {
        visual,
        vpcc,
        ..Vp09::default()
    };
    Ok(Entry {
        codec: entry.into(),
        record: "vpcC",
        brand: None,
    })
}
