//! Video usability information (H.264 section E.1.1), as far as timing and reordering.

use crate::{Error, bits::Bits, track::FrameRate};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Vui {
    /// Of a fixed rate between 1 and 240 frames a second.
    pub(super) frame_rate: Option<FrameRate>,
    /// `max_num_reorder_frames`.
    pub(super) reorder_frames: Option<u8>,
}

impl Vui {
    pub(super) fn read(bits: &mut Bits<'_>) -> Result<Self, Error> {
        skip_picture_description(bits)?;
        let frame_rate = read_timing(bits)?;
        let nal_hrd = bits.bit("nal_hrd_parameters_present_flag")?;
        if nal_hrd {
            skip_hrd(bits)?;
        }
        let vcl_hrd = bits.bit("vcl_hrd_parameters_present_flag")?;
        if vcl_hrd {
            skip_hrd(bits)?;
        }
        if nal_hrd || vcl_hrd {
            bits.bit("low_delay_hrd_flag")?;
        }
        bits.bit("pic_struct_present_flag")?;
        let reorder_frames = read_restriction(bits)?;
        Ok(Self {
            frame_rate,
            reorder_frames,
        })
    }
}

fn skip_picture_description(bits: &mut Bits<'_>) -> Result<(), Error> {
    if bits.bit("aspect_ratio_info_present_flag")?
        && bits.u8(8, "aspect_ratio_idc")? == EXTENDED_SAR
    {
        bits.u(32, "sar_width and sar_height")?;
    }
    if bits.bit("overscan_info_present_flag")? {
        bits.bit("overscan_appropriate_flag")?;
    }
    if bits.bit("video_signal_type_present_flag")? {
        bits.u(4, "video_format and video_full_range_flag")?;
        if bits.bit("colour_description_present_flag")? {
            bits.u(24, "colour description")?;
        }
    }
    if bits.bit("chroma_loc_info_present_flag")? {
        bits.ue_max(5, "chroma_sample_loc_type_top_field", "0 to 5")?;
        bits.ue_max(5, "chroma_sample_loc_type_bottom_field", "0 to 5")?;
    }
    Ok(())
}

fn read_timing(bits: &mut Bits<'_>) -> Result<Option<FrameRate>, Error> {
    if !bits.bit("timing_info_present_flag")? {
        return Ok(None);
    }
    let units_in_tick = bits.u(32, "num_units_in_tick")?;
    let time_scale = bits.u(32, "time_scale")?;
    let fixed = bits.bit("fixed_frame_rate_flag")?;
    // Section E.2.1: a tick is a field's time, so a frame takes two.
    let den = u64::from(units_in_tick) * 2;
    Ok(FrameRate::reduced(u64::from(time_scale), den).filter(|_| fixed))
}

/// Section E.1.2.
fn skip_hrd(bits: &mut Bits<'_>) -> Result<(), Error> {
    let buffers = 1 + bits.ue_max(31, "cpb_cnt_minus1", "0 to 31")?;
    bits.u(8, "bit_rate_scale and cpb_size_scale")?;
    for _ in 0..buffers {
        bits.ue("bit_rate_value_minus1")?;
        bits.ue("cpb_size_value_minus1")?;
        bits.bit("cbr_flag")?;
    }
    bits.u(20, "hrd delay lengths")?;
    Ok(())
}

fn read_restriction(bits: &mut Bits<'_>) -> Result<Option<u8>, Error> {
    if !bits.bit("bitstream_restriction_flag")? {
        return Ok(None);
    }
    bits.bit("motion_vectors_over_pic_boundaries_flag")?;
    bits.ue_max(16, "max_bytes_per_pic_denom", "0 to 16")?;
    bits.ue_max(16, "max_bits_per_mb_denom", "0 to 16")?;
    bits.ue_max(32, "log2_max_mv_length_horizontal", "0 to 32")?;
    bits.ue_max(32, "log2_max_mv_length_vertical", "0 to 32")?;
    let reorder = bits.ue_max(16, "max_num_reorder_frames", "0 to 16")?;
    Ok(u8::try_from(reorder).ok())
}

/// Table E-1: `Extended_SAR`.
const EXTENDED_SAR: u8 = 255;
