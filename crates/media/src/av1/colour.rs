//! `color_config` (section 5.5.2).

use crate::{Error, bits::Bits, video::Colour, vp9::Subsampling};

/// What it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    pub(super) bit_depth: u8,
    pub(super) monochrome: bool,
    pub(super) subsampling: Subsampling,
    pub(super) chroma_sample_position: u8,
    pub(super) colour: Colour,
}

pub(super) fn read(bits: &mut Bits<'_>, profile: u8) -> Result<Read, Error> {
    let bit_depth = match bits.bit("high_bitdepth")? {
        true if profile == 2 && bits.bit("twelve_bit")? => 12,
        true => 10,
        false => 8,
    };
    let monochrome = profile != 1 && bits.bit("mono_chrome")?;
    let mut colour = Colour::UNSPECIFIED;
    if bits.bit("color_description_present_flag")? {
        colour.primaries = bits.u8(8, "color_primaries")?;
        colour.transfer = bits.u8(8, "transfer_characteristics")?;
        colour.matrix = bits.u8(8, "matrix_coefficients")?;
    }
    let mut read = Read {
        bit_depth,
        monochrome,
        subsampling: Subsampling::Yuv420,
        chroma_sample_position: 0,
        colour,
    };
    if monochrome {
        read.colour.full_range = bits.bit("color_range")?;
        return Ok(read);
    }
    // CP_BT_709, TC_SRGB, MC_IDENTITY.
    if (colour.primaries, colour.transfer, colour.matrix) == (1, 13, 0) {
        read.colour.full_range = true;
        read.subsampling = Subsampling::Yuv444;
    } else {
        read.colour.full_range = bits.bit("color_range")?;
        read.subsampling = match profile {
            0 => Subsampling::Yuv420,
            1 => Subsampling::Yuv444,
            _ if bit_depth == 12 => {
                let x = bits.bit("subsampling_x")?;
                Subsampling::of((x, x && bits.bit("subsampling_y")?))
            }
            _ => Subsampling::Yuv422,
        };
        if read.subsampling == Subsampling::Yuv420 {
            read.chroma_sample_position = bits.u8(2, "chroma_sample_position")?;
        }
    }
    bits.bit("separate_uv_delta_q")?;
    Ok(read)
}
