//! H.264: the configuration record, parameter sets, NAL units and slice types.
//!
//! The canonical access unit of this product is a run of NAL units, each behind a 4-byte big-endian
//! length ([`to_four_byte_lengths`] makes it, [`nals`] walks it).

mod avcc;
mod nal;
mod pps;
mod slice;
mod sps;
mod vui;

pub use avcc::{Avcc, configure, parse_avcc};
pub use nal::{
    NAL_AUD, NAL_FILLER, NAL_IDR, NAL_PPS, NAL_SEI, NAL_SLICE, NAL_SPS, is_recovery_point, nal_type,
};
pub use pps::{Pps, parse_pps};
pub use slice::{SliceType, first_mb_in_slice, slice_pps_id, slice_type};
pub use sps::{Sps, parse_sps, sps_id};

pub use crate::nal::{Nals, nals, to_four_byte_lengths};

use crate::H264Config;

/// The RFC 6381 name, for example `avc1.64001f`.
pub fn codecs(config: &H264Config) -> String {
    let [profile, constraints, level] = config.profile_level;
    format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
}

/// The profile in words.
pub(crate) fn profile(config: &H264Config) -> &'static str {
    // ITU-T H.264 annex A.2: `profile_idc` and the constraint flags name the profile.
    let [profile_idc, constraints, _] = config.profile_level;
    match profile_idc {
        66 if constraints & 0x40 != 0 => "Constrained Baseline",
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4 Predictive",
        _ => "unknown",
    }
}
