//! Picture parameter set (H.264 section 7.3.2.2), as far as its numbers.

use super::{
    nal::{NAL_PPS, nal_type},
    sps::read_id,
};
use crate::{Error, bits::Bits};

/// Which picture parameter set it is, and which sequence parameter set it builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pps {
    /// `pic_parameter_set_id`: a set replaces an earlier one with the same.
    pub id: u8,
    /// `seq_parameter_set_id`, 0 to 31.
    pub sps_id: u8,
}

/// Reads the beginning of a picture parameter set, NAL header included.
///
/// # Errors
/// A NAL unit of another type, one that is cut off, or numbers outside their range.
pub fn parse_pps(nal: &[u8]) -> Result<Pps, Error> {
    if nal_type(nal) != NAL_PPS {
        return Err(Error::OutOfRange {
            element: "nal_unit_type of a picture parameter set",
            value: u64::from(nal_type(nal)),
            allowed: "8",
        });
    }
    let mut bits = Bits::nal(nal.get(1..).unwrap_or_default());
    let id = read_pps_id(&mut bits)?;
    let sps_id = read_id(&mut bits)?;
    Ok(Pps { id, sps_id })
}

pub(super) fn read_pps_id(bits: &mut Bits<'_>) -> Result<u8, Error> {
    let id = bits.ue_max(255, "pic_parameter_set_id", "0 to 255")?;
    Ok(u8::try_from(id).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_picture_parameter_sets_are_told_apart() {
        let x264 = parse_pps(&[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0]);
        assert_eq!(x264, Ok(Pps { id: 0, sps_id: 0 }));
        let openh264 = parse_pps(&[0x68, 0xce, 0x3c, 0x80]);
        assert_eq!(openh264, Ok(Pps { id: 0, sps_id: 0 }));
        // 255 is 0000_0000_1_0000_0000 as a code; 1 is 010.
        let last = parse_pps(&[0x28, 0x00, 0x80, 0x20]);
        assert_eq!(last, Ok(Pps { id: 255, sps_id: 1 }));
    }

    #[test]
    fn other_units_and_numbers_out_of_range_are_refused() {
        for nal in [
            &[][..],
            &[0x68],
            &[0x67, 0xce, 0x3c, 0x80],
            // pic_parameter_set_id 256.
            &[0x68, 0x00, 0x80, 0x90],
            // seq_parameter_set_id 32.
            &[0x68, 0x82, 0x10],
            &[0x68, 0, 0, 0, 0],
        ] {
            assert!(parse_pps(nal).is_err(), "{nal:?}");
        }
    }
}
