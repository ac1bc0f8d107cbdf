//! Sequence parameter set (H.265 section 7.3.2.2.1).

use super::{
    nal::NAL_SPS, pps::begin, profile::ProfileTierLevel, ref_pics::skip_st_ref_pic_sets,
    scaling::skip_scaling_list_data, vui::Vui,
};
use crate::{
    Error,
    bits::Bits,
    track::FrameRate,
    video::{Colour, checked_size},
};

/// What a sequence parameter set says, as far as anything downstream asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// What decoding needs.
    pub profile: ProfileTierLevel,
    /// `sps_max_sub_layers_minus1 + 1`, 1 to 7.
    pub temporal_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub temporal_id_nested: bool,
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits per luma sample, 8 to 16.
    pub bit_depth_luma: u8,
    /// Bits per chroma sample, 8 to 16.
    pub bit_depth_chroma: u8,
    /// Luma width inside the conformance window, pixels.
    pub width: u16,
    /// Luma height inside the conformance window, pixels.
    pub height: u16,
    /// `sps_max_num_reorder_pics` of all temporal layers, 0 to 15.
    pub reorder_pics: u8,
    /// From the VUI's timing, if it is there and between 1 and 240 frames a second.
    pub frame_rate: Option<FrameRate>,
    /// From the VUI.
    pub colour: Colour,
}

/// Reads a sequence parameter set, NAL header included.
///
/// What stands behind the coding block sizes serves only to find the VUI; if it cannot be read, the VUI counts as
/// absent, since pictures decode without it.
///
/// # Errors
/// A NAL unit of another type or layer, one that is cut off, elements outside their range, or a picture of more than
/// 8192 x 8192 pixels.
pub fn parse_sps(nal: &[u8]) -> Result<Sps, Error> {
    let mut bits = begin(nal, NAL_SPS)?;
    let (layers_minus1, temporal_id_nested, profile) = read_layers(&mut bits)?;
    read_id(&mut bits)?;
    let chroma = small(bits.ue_max(3, "chroma_format_idc", "0 to 3")?);
    let separate_planes = chroma == 3 && bits.bit("separate_colour_plane_flag")?;
    let sub = match (chroma, separate_planes) {
        (1, _) => (2, 2),
        (2, _) => (2, 1),
        _ => (1, 1),
    };
    let (width, height) = read_size(&mut bits, sub)?;
    let bit_depth_luma = 8 + small(bits.ue_max(8, "bit_depth_luma_minus8", "0 to 8")?);
    let bit_depth_chroma = 8 + small(bits.ue_max(8, "bit_depth_chroma_minus8", "0 to 8")?);
    let lsb_bits = 4 + bits.ue_max(12, "log2_max_pic_order_cnt_lsb_minus4", "0 to 12")?;
    let reorder_pics = read_ordering(&mut bits, layers_minus1)?;
    for element in BLOCK_SIZES {
        bits.ue_max(8, element, "0 to 8")?;
    }
    let vui = read_vui(&mut bits, lsb_bits).unwrap_or_default();
    Ok(Sps {
        profile,
        temporal_layers: layers_minus1 + 1,
        temporal_id_nested,
        chroma_format_idc: chroma,
        bit_depth_luma,
        bit_depth_chroma,
        width,
        height,
        reorder_pics,
        frame_rate: vui.frame_rate,
        colour: vui.colour,
    })
}

/// `sps_seq_parameter_set_id`, 0 to 15: a set replaces an earlier one with the same.
///
/// # Errors
/// A NAL unit of another type or layer, one that is cut off, or a larger number.
pub fn sps_id(nal: &[u8]) -> Result<u8, Error> {
    let mut bits = begin(nal, NAL_SPS)?;
    read_layers(&mut bits)?;
    read_id(&mut bits)
}

pub(super) fn read_id(bits: &mut Bits<'_>) -> Result<u8, Error> {
    bits.ue_max(15, "seq_parameter_set_id", "0 to 15")
        .map(small)
}

fn read_layers(bits: &mut Bits<'_>) -> Result<(u8, bool, ProfileTierLevel), Error> {
    bits.u8(4, "sps_video_parameter_set_id")?;
    let layers_minus1 = bits.u8(3, "sps_max_sub_layers_minus1")?;
    if layers_minus1 > 6 {
        return Err(Error::OutOfRange {
            element: "sps_max_sub_layers_minus1",
            value: layers_minus1.into(),
            allowed: "0 to 6",
        });
    }
    let nested = bits.bit("sps_temporal_id_nesting_flag")?;
    let profile = ProfileTierLevel::read(bits, layers_minus1)?;
    Ok((layers_minus1, nested, profile))
}

/// Width and height inside the conformance window, whose offsets count in `sub` luma samples (table 6-1).
fn read_size(bits: &mut Bits<'_>, sub: (u32, u32)) -> Result<(u16, u16), Error> {
    let width = bits.ue("pic_width_in_luma_samples")?;
    let height = bits.ue("pic_height_in_luma_samples")?;
    // What is allocated is the whole picture.
    checked_size(width, height)?;
    let mut offsets = [0; 4];
    if bits.bit("conformance_window_flag")? {
        for offset in &mut offsets {
            let allowed = "less than the picture";
            *offset = bits.ue_max(u32::from(u16::MAX), "conf_win_offset", allowed)?;
        }
    }
    let [left, right, top, bottom] = offsets;
    let inside = |side: u32, cut: u32| {
        let left = side.checked_sub(cut).filter(|left| *left > 0);
        left.ok_or_else(|| Error::OutOfRange {
            element: "conformance window",
            value: cut.into(),
            allowed: "less than the picture",
        })
    };
    checked_size(
        inside(width, (left + right) * sub.0)?,
        inside(height, (top + bottom) * sub.1)?,
    )
}

/// `sps_max_num_reorder_pics` of the highest sub-layer, which is that of all of them together.
fn read_ordering(bits: &mut Bits<'_>, layers_minus1: u8) -> Result<u8, Error> {
    let each = bits.bit("sps_sub_layer_ordering_info_present_flag")?;
    let mut reorder = 0;
    for _ in if each { 0 } else { layers_minus1 }..=layers_minus1 {
        let buffering = bits.ue_max(15, "sps_max_dec_pic_buffering_minus1", "0 to 15")?;
        let allowed = "at most sps_max_dec_pic_buffering_minus1";
        reorder = bits.ue_max(buffering, "sps_max_num_reorder_pics", allowed)?;
        bits.ue("sps_max_latency_increase_plus1")?;
    }
    Ok(small(reorder))
}

/// All from the scaling lists on.
fn read_vui(bits: &mut Bits<'_>, lsb_bits: u32) -> Result<Vui, Error> {
    if bits.bit("scaling_list_enabled_flag")? && bits.bit("sps_scaling_list_data_present_flag")? {
        skip_scaling_list_data(bits)?;
    }
    bits.u8(
        2,
        "amp_enabled_flag and sample_adaptive_offset_enabled_flag",
    )?;
    if bits.bit("pcm_enabled_flag")? {
        bits.u8(8, "pcm_sample_bit_depth")?;
        bits.ue("log2_min_pcm_luma_coding_block_size_minus3")?;
        bits.ue("log2_diff_max_min_pcm_luma_coding_block_size")?;
        bits.bit("pcm_loop_filter_disabled_flag")?;
    }
    skip_st_ref_pic_sets(bits)?;
    if bits.bit("long_term_ref_pics_present_flag")? {
        for _ in 0..bits.ue_max(32, "num_long_term_ref_pics_sps", "0 to 32")? {
            bits.u(lsb_bits, "lt_ref_pic_poc_lsb_sps")?;
            bits.bit("used_by_curr_pic_lt_sps_flag")?;
        }
    }
    bits.u8(
        2,
        "sps_temporal_mvp_enabled_flag and strong_intra_smoothing_enabled_flag",
    )?;
    if bits.bit("vui_parameters_present_flag")? {
        Vui::read(bits)
    } else {
        Ok(Vui::default())
    }
}

fn small(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// Sizes as logarithms, and depths of trees: none is above 5.
const BLOCK_SIZES: [&str; 6] = [
    "log2_min_luma_coding_block_size_minus3",
    "log2_diff_max_min_luma_coding_block_size",
    "log2_min_luma_transform_block_size_minus2",
    "log2_diff_max_min_luma_transform_block_size",
    "max_transform_hierarchy_depth_inter",
    "max_transform_hierarchy_depth_intra",
];

#[cfg(test)]
mod tests;
