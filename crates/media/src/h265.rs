//! H.265: the configuration record, parameter sets and picture types.
//!
//! | element | source |
//! |---|---|
//! | NAL unit header and types | ITU-T H.265 sections 7.3.1.2 and 7.4.2.2 |
//! | parameter sets | ITU-T H.265 sections 7.3.2.1 to 7.3.2.3, 7.3.3, 7.3.4, 7.3.7 and E.2.1 |
//! | `hvcC` | ISO/IEC 14496-15 section 8.3.3.1.2 |
//! | `hvc1.…` | ISO/IEC 14496-15 section E.3 |
//!
//! The canonical access unit is that of H.264: a run of NAL units, each behind a 4-byte length.
//! Parameter sets travel beside it, in [`H265Config`].

mod hvcc;
mod nal;
mod pps;
mod profile;
mod ref_pics;
mod scaling;
mod sets;
mod sps;
mod vui;

pub use hvcc::{Hvcc, configure, parse_hvcc};
pub use nal::{NAL_PPS, NAL_SPS, NAL_VPS, Picture, nal_type, picture};
pub use pps::{Pps, parse_pps};
pub use profile::ProfileTierLevel;
pub use sets::{Sets, sets_of, without};
pub use sps::{Sps, parse_sps, sps_id};

pub use crate::nal::{Nals, nals, to_four_byte_lengths};

use std::fmt::Write as _;

use crate::H265Config;

/// The RFC 6381 name, for example `hvc1.1.6.L93.B0`.
pub fn codecs(config: &H265Config) -> String {
    let ProfileTierLevel {
        space,
        high_tier,
        idc,
        compatibility,
        constraints,
        level,
    } = config.profile;
    let space = ["", "A", "B", "C"][usize::from(space & 3)];
    let tier = if high_tier { 'H' } else { 'L' };
    // "in reverse bit order, i.e. with general_profile_compatibility_flag[ 31 ] as the most significant bit"
    let compatibility = compatibility.reverse_bits();
    let mut name = format!("hvc1.{space}{idc}.{compatibility:X}.{tier}{level}");
    // "each trailing byte that is zero may be omitted"
    let said = constraints
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    for byte in &constraints[..said] {
        let _ = write!(name, ".{byte:X}");
    }
    name
}

/// The profile in words (annex A.3).
pub(crate) const fn profile(config: &H265Config) -> &'static str {
    match config.profile.idc {
        1 => "Main",
        2 => "Main 10",
        3 => "Main Still Picture",
        4 => "Range Extensions",
        _ => "unknown",
    }
}

#[cfg(test)]
mod vectors;
