//! AV1 (AV1 Codec ISO Media File Format Binding, version 1.2.0).

use media::Av1Config;
use mp4_atom::{Av01, Av1c, FourCC, Visual};

use super::Entry;

pub(super) fn entry(config: &Av1Config, visual: Visual) -> Entry {
    let (x, y) = config.subsampling_flags();
    let av1c = Av1c {
        seq_profile: config.profile,
        seq_level_idx_0: config.level,
        seq_tier_0: config.high_tier,
        high_bitdepth: config.bit_depth > 8,
        twelve_bit: config.bit_depth == 12,
        monochrome: config.monochrome,
        chroma_subsampling_x: x == 1,
        chroma_subsampling_y: y == 1,
        chroma_sample_position: config.chroma_sample_position,
        initial_presentation_delay: None,
        config_obus: config.sequence_header.to_vec(),
    };
    let entry = Av01 {
        visual,
        av1c,
        ..Av01::default()
    };
    Entry {
        codec: entry.into(),
        record: "av1C",
        // Section 2.1: files that conform to it "SHOULD" say so.
        brand: Some(FourCC::new(b"av01")),
    }
}
