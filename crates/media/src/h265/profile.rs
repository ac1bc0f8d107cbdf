//! Profile, tier and level (H.265 section 7.3.3).

use crate::{Error, bits::Bits};

/// What a decoder must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileTierLevel {
    /// `general_profile_space`, 0 to 3.
    pub space: u8,
    /// `general_tier_flag`.
    pub high_tier: bool,
    /// `general_profile_idc`, 0 to 31.
    pub idc: u8,
    /// `general_profile_compatibility_flag`s, the first in the highest bit.
    pub compatibility: u32,
    /// The 48 bits of constraint flags.
    pub constraints: [u8; 6],
    /// `general_level_idc`: 30 times the level.
    pub level: u8,
}

impl ProfileTierLevel {
    /// `profile_tier_level( 1, max_sub_layers_minus1 )`; what is said of sub-layers is passed over.
    pub(super) fn read(bits: &mut Bits<'_>, max_sub_layers_minus1: u8) -> Result<Self, Error> {
        let space = bits.u8(2, "general_profile_space")?;
        let high_tier = bits.bit("general_tier_flag")?;
        let idc = bits.u8(5, "general_profile_idc")?;
        let compatibility = bits.u(32, "general_profile_compatibility_flag")?;
        let mut constraints = [0; 6];
        for byte in &mut constraints {
            *byte = bits.u8(8, "general constraint flags")?;
        }
        let level = bits.u8(8, "general_level_idc")?;
        skip_sub_layers(bits, max_sub_layers_minus1)?;
        Ok(Self {
            space,
            high_tier,
            idc,
            compatibility,
            constraints,
            level,
        })
    }
}

fn skip_sub_layers(bits: &mut Bits<'_>, max_sub_layers_minus1: u8) -> Result<(), Error> {
    if max_sub_layers_minus1 == 0 {
        return Ok(());
    }
    // Two flags for each, and reserved_zero_2bits for those up to 8 that are not there.
    let flags = bits.u(16, "sub_layer_profile_present_flag")?;
    for i in 0..u32::from(max_sub_layers_minus1) {
        let pair = flags >> (14 - 2 * i);
        if pair & 0b10 != 0 {
            for _ in 0..11 {
                bits.u8(8, "sub_layer_profile")?;
            }
        }
        if pair & 0b01 != 0 {
            bits.u8(8, "sub_layer_level_idc")?;
        }
    }
    Ok(())
}
