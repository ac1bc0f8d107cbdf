//! Video usability information (H.265 section E.2.1), as far as colour and timing.

use crate::{Error, bits::Bits, track::FrameRate, video::Colour};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vui {
    /// Between 1 and 240 frames a second.
    pub(super) frame_rate: Option<FrameRate>,
    pub(super) colour: Colour,
}

impl Default for Vui {
    fn default() -> Self {
        Self {
            frame_rate: None,
            colour: Colour::UNSPECIFIED,
        }
    }
}

impl Vui {
    pub(super) fn read(bits: &mut Bits<'_>) -> Result<Self, Error> {
        if bits.bit("aspect_ratio_info_present_flag")?
            && bits.u8(8, "aspect_ratio_idc")? == EXTENDED_SAR
        {
            bits.u(32, "sar_width and sar_height")?;
        }
        if bits.bit("overscan_info_present_flag")? {
            bits.bit("overscan_appropriate_flag")?;
        }
        let colour = read_colour(bits)?;
        if bits.bit("chroma_loc_info_present_flag")? {
            bits.ue_max(5, "chroma_sample_loc_type_top_field", "0 to 5")?;
            bits.ue_max(5, "chroma_sample_loc_type_bottom_field", "0 to 5")?;
        }
        bits.u8(
            3,
            "neutral_chroma_indication_flag to frame_field_info_present_flag",
        )?;
        if bits.bit("default_display_window_flag")? {
            for _ in 0..4 {
                bits.ue("def_disp_win_offset")?;
            }
        }
        Ok(Self {
            // What could not be read of the timing leaves what was read of the colour.
            frame_rate: read_timing(bits).unwrap_or_default(),
            colour,
        })
    }
}

fn read_colour(bits: &mut Bits<'_>) -> Result<Colour, Error> {
    let mut colour = Colour::UNSPECIFIED;
    if bits.bit("video_signal_type_present_flag")? {
        bits.u8(3, "video_format")?;
        colour.full_range = bits.bit("video_full_range_flag")?;
        if bits.bit("colour_description_present_flag")? {
            colour.primaries = bits.u8(8, "colour_primaries")?;
            colour.transfer = bits.u8(8, "transfer_characteristics")?;
            colour.matrix = bits.u8(8, "matrix_coeffs")?;
        }
    }
    Ok(colour)
}

fn read_timing(bits: &mut Bits<'_>) -> Result<Option<FrameRate>, Error> {
    if !bits.bit("vui_timing_info_present_flag")? {
        return Ok(None);
    }
    let units_in_tick = bits.u(32, "vui_num_units_in_tick")?;
    let time_scale = bits.u(32, "vui_time_scale")?;
    // Section E.3.1: a tick is a picture's time here, not a field's as in H.264.
    Ok(FrameRate::reduced(time_scale.into(), units_in_tick.into()))
}

/// Table E.1: `EXTENDED_SAR`.
const EXTENDED_SAR: u8 = 255;
