//! Sequence parameter set (H.264 section 7.3.2.1.1).

use super::{
    nal::{NAL_SPS, nal_type},
    vui::Vui,
};
use crate::{Error, bits::Bits, track::FrameRate};

/// What a sequence parameter set says, as far as anything downstream asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`, the `constraint_set` flags and `level_idc`.
    pub profile_level: [u8; 3],
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits per luma sample, 8 to 14.
    pub bit_depth_luma: u8,
    /// Bits per chroma sample, 8 to 14.
    pub bit_depth_chroma: u8,
    /// Luma width after cropping, pixels.
    pub width: u16,
    /// Luma height after cropping, pixels.
    pub height: u16,
    /// False when pictures may be fields (interlaced).
    pub frame_mbs_only: bool,
    /// From the VUI's timing, if it is there, fixed, and between 1 and 240 frames a second.
    pub frame_rate: Option<FrameRate>,
    /// `max_num_reorder_frames`, written in the VUI or implied by other elements.
    pub reorder_frames: Option<u8>,
}

/// Reads a sequence parameter set, NAL header included.
///
/// A VUI (annex E) that cannot be read counts as absent, since pictures decode without it; FFmpeg
/// does the same.
///
/// # Errors
/// A NAL unit of another type, one that is cut off, elements outside their range, or a picture of
/// more than 8192 x 8192 pixels.
pub fn parse_sps(nal: &[u8]) -> Result<Sps, Error> {
    let mut bits = begin(nal)?;
    let profile_level = read_profile_level(&mut bits)?;
    read_id(&mut bits)?;
    let colour = Colour::read(&mut bits, profile_level[0])?;
    bits.ue_max(12, "log2_max_frame_num_minus4", "0 to 12")?;
    let poc_type = read_pic_order_cnt(&mut bits)?;
    bits.ue_max(16, "max_num_ref_frames", "0 to 16")?;
    bits.bit("gaps_in_frame_num_value_allowed_flag")?;
    let (width, height, frame_mbs_only) = read_size(&mut bits, &colour)?;
    let vui = if bits.bit("vui_parameters_present_flag")? {
        Vui::read(&mut bits).unwrap_or_default()
    } else {
        Vui::default()
    };
    Ok(Sps {
        profile_level,
        chroma_format_idc: colour.chroma_format_idc,
        bit_depth_luma: colour.bit_depth_luma,
        bit_depth_chroma: colour.bit_depth_chroma,
        width,
        height,
        frame_mbs_only,
        frame_rate: vui.frame_rate,
        reorder_frames: vui
            .reorder_frames
            .or_else(|| implied_reorder(profile_level, poc_type)),
    })
}

/// `seq_parameter_set_id`, 0 to 31: a set replaces an earlier one with the same.
///
/// # Errors
/// A NAL unit of another type, one that is cut off, or a larger number.
pub fn sps_id(nal: &[u8]) -> Result<u8, Error> {
    let mut bits = begin(nal)?;
    read_profile_level(&mut bits)?;
    read_id(&mut bits)
}

fn begin(nal: &[u8]) -> Result<Bits<'_>, Error> {
    if nal_type(nal) != NAL_SPS {
        return Err(Error::OutOfRange {
            element: "nal_unit_type of a sequence parameter set",
            value: u64::from(nal_type(nal)),
            allowed: "7",
        });
    }
    Ok(Bits::nal(nal.get(1..).unwrap_or_default()))
}

fn read_profile_level(bits: &mut Bits<'_>) -> Result<[u8; 3], Error> {
    Ok([
        bits.u8(8, "profile_idc")?,
        bits.u8(8, "constraint_set flags")?,
        bits.u8(8, "level_idc")?,
    ])
}

pub(super) fn read_id(bits: &mut Bits<'_>) -> Result<u8, Error> {
    bits.ue_max(31, "seq_parameter_set_id", "0 to 31")
        .map(small)
}

/// Where the VUI says nothing, two things still rule out reordering.
fn implied_reorder([profile_idc, flags, _]: [u8; 3], poc_type: u32) -> Option<u8> {
    // Section 8.2.1.3: with pic_order_cnt_type 2 the output order is the decoding order.
    let in_order = poc_type == 2;
    // Section E.2.1, max_num_reorder_frames: these profiles with constraint_set3_flag 1 are all
    // intra; inferred is 0.
    let all_intra = matches!(profile_idc, 44 | 86 | 100 | 110 | 122 | 244) && flags & 0x10 != 0;
    (in_order || all_intra).then_some(0)
}

struct Colour {
    chroma_format_idc: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
    bit_depth_chroma: u8,
}

impl Colour {
    fn read(bits: &mut Bits<'_>, profile_idc: u8) -> Result<Self, Error> {
        let mut colour = Self {
            chroma_format_idc: 1,
            separate_planes: false,
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
        };
        // The list of section 7.3.2.1.1.
        if !matches!(
            profile_idc,
            100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
        ) {
            return Ok(colour);
        }
        colour.chroma_format_idc = small(bits.ue_max(3, "chroma_format_idc", "0 to 3")?);
        if colour.chroma_format_idc == 3 {
            colour.separate_planes = bits.bit("separate_colour_plane_flag")?;
        }
        colour.bit_depth_luma = 8 + small(bits.ue_max(6, "bit_depth_luma_minus8", "0 to 6")?);
        colour.bit_depth_chroma = 8 + small(bits.ue_max(6, "bit_depth_chroma_minus8", "0 to 6")?);
        bits.bit("qpprime_y_zero_transform_bypass_flag")?;
        if bits.bit("seq_scaling_matrix_present_flag")? {
            let lists = if colour.chroma_format_idc == 3 { 12 } else { 8 };
            for list in 0..lists {
                if bits.bit("seq_scaling_list_present_flag")? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(colour)
    }

    /// `CropUnitX` and `CropUnitY` (formulas 7-19 to 7-22), in luma samples.
    const fn crop_unit(&self, frame_mbs_only: bool) -> (u32, u32) {
        let (x, y) = match (self.chroma_format_idc, self.separate_planes) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        (x, if frame_mbs_only { y } else { y * 2 })
    }
}

/// Section 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits<'_>, size: usize) -> Result<(), Error> {
    let mut last = 8_i64;
    for _ in 0..size {
        let delta = bits.se("delta_scale")?;
        if !(-128..=127).contains(&delta) {
            return Err(Error::OutOfRange {
                element: "delta_scale",
                value: delta.unsigned_abs(),
                allowed: "-128 to 127",
            });
        }
        let next = (last + delta + 256) % 256;
        if next == 0 {
            // The rest of the list repeats the last scale and is not written.
            return Ok(());
        }
        last = next;
    }
    Ok(())
}

fn read_pic_order_cnt(bits: &mut Bits<'_>) -> Result<u32, Error> {
    let poc_type = bits.ue_max(2, "pic_order_cnt_type", "0 to 2")?;
    if poc_type == 0 {
        bits.ue_max(12, "log2_max_pic_order_cnt_lsb_minus4", "0 to 12")?;
    } else if poc_type == 1 {
        bits.bit("delta_pic_order_always_zero_flag")?;
        bits.se("offset_for_non_ref_pic")?;
        bits.se("offset_for_top_to_bottom_field")?;
        let frames = bits.ue_max(255, "num_ref_frames_in_pic_order_cnt_cycle", "0 to 255")?;
        for _ in 0..frames {
            bits.se("offset_for_ref_frame")?;
        }
    }
    Ok(poc_type)
}

/// Width and height after cropping, and `frame_mbs_only_flag`.
fn read_size(bits: &mut Bits<'_>, colour: &Colour) -> Result<(u16, u16, bool), Error> {
    let width_mbs = 1 + bits.ue_max(SIDE_MBS_MAX - 1, "pic_width_in_mbs_minus1", "0 to 4094")?;
    let map_units = 1 + bits.ue_max(
        SIDE_MBS_MAX - 1,
        "pic_height_in_map_units_minus1",
        "0 to 4094",
    )?;
    let frame_mbs_only = bits.bit("frame_mbs_only_flag")?;
    if !frame_mbs_only {
        bits.bit("mb_adaptive_frame_field_flag")?;
    }
    bits.bit("direct_8x8_inference_flag")?;
    let (width, height) = (
        width_mbs * 16,
        map_units * if frame_mbs_only { 16 } else { 32 },
    );
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PIXELS_MAX {
        return Err(Error::OutOfRange {
            element: "picture size in pixels",
            value: pixels,
            allowed: "at most 8192 x 8192",
        });
    }
    let (mut crop_x, mut crop_y) = (0_u32, 0_u32);
    if bits.bit("frame_cropping_flag")? {
        let (unit_x, unit_y) = colour.crop_unit(frame_mbs_only);
        let mut side = |unit: u32| -> Result<u32, Error> {
            let allowed = "less than the picture";
            let first = bits.ue_max(u32::from(u16::MAX), "frame_crop_offset", allowed)?;
            let second = bits.ue_max(u32::from(u16::MAX), "frame_crop_offset", allowed)?;
            Ok((first + second) * unit)
        };
        crop_x = side(unit_x)?;
        crop_y = side(unit_y)?;
    }
    Ok((
        cropped(width, crop_x)?,
        cropped(height, crop_y)?,
        frame_mbs_only,
    ))
}

fn cropped(side: u32, crop: u32) -> Result<u16, Error> {
    side.checked_sub(crop)
        .filter(|left| *left > 0)
        .and_then(|left| u16::try_from(left).ok())
        .ok_or_else(|| Error::OutOfRange {
            element: "frame cropping",
            value: u64::from(crop),
            allowed: "less than the picture, which is at most 65535 a side",
        })
}

fn small(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// 65520 / 16: the most that [`Sps::width`] can say.
const SIDE_MBS_MAX: u32 = 4095;
/// A decoder allocates by these pixels, so a few forged bits must not name more. 8192 x 8192 is
/// above level 6.2.
const PIXELS_MAX: u64 = 8192 * 8192;

#[cfg(test)]
mod tests;
