//! Picture parameter set (H.265 section 7.3.2.3), as far as its numbers.

use super::{
    nal::{HEADER, NAL_PPS, layer_id, nal_type},
    sps::read_id,
};
use crate::{Error, bits::Bits};

/// Which picture parameter set it is, and which sequence parameter set it builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pps {
    /// `pps_pic_parameter_set_id`, 0 to 63: a set replaces an earlier one with the same.
    pub id: u8,
    /// `pps_seq_parameter_set_id`, 0 to 15.
    pub sps_id: u8,
}

/// Reads the beginning of a picture parameter set, NAL header included.
///
/// # Errors
/// A NAL unit of another type or layer, one that is cut off, or numbers outside their range.
pub fn parse_pps(nal: &[u8]) -> Result<Pps, Error> {
    let mut bits = begin(nal, NAL_PPS)?;
    let id = bits.ue_max(63, "pps_pic_parameter_set_id", "0 to 63")?;
    Ok(Pps {
        id: u8::try_from(id).unwrap_or(u8::MAX),
        sps_id: read_id(&mut bits)?,
    })
}

/// `vps_video_parameter_set_id` (section 7.3.2.1), 0 to 15.
pub(super) fn vps_id(nal: &[u8]) -> Result<u8, Error> {
    begin(nal, super::NAL_VPS)?.u8(4, "vps_video_parameter_set_id")
}

/// What is behind the header of a parameter set of the base layer.
pub(super) fn begin(nal: &[u8], kind: u8) -> Result<Bits<'_>, Error> {
    if nal_type(nal) != kind {
        return Err(Error::OutOfRange {
            element: "nal_unit_type of a parameter set",
            value: nal_type(nal).into(),
            allowed: "32 (video), 33 (sequence), 34 (picture), each in its place",
        });
    }
    if layer_id(nal) != 0 {
        return Err(Error::OutOfRange {
            element: "nuh_layer_id of a parameter set",
            value: layer_id(nal).into(),
            allowed: "0",
        });
    }
    Ok(Bits::nal(nal.get(HEADER..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_parameter_sets_are_told_apart() {
        let x265 = parse_pps(&[0x44, 1, 0xc1, 0x72, 0xb4, 0x62, 0x40]);
        assert_eq!(x265, Ok(Pps { id: 0, sps_id: 0 }));
        // 63 is 0000_0010_0000_0 as a code, 15 is 000_0100_00.
        let last = parse_pps(&[0x44, 1, 0b0000_0010, 0b0000_0000, 0b0100_0000]);
        assert_eq!(last, Ok(Pps { id: 63, sps_id: 15 }));
    }

    #[test]
    fn other_units_and_numbers_out_of_range_are_refused() {
        for nal in [
            &[][..],
            &[0x44, 1],
            &[0x42, 1, 0xc1, 0x72],
            &[0x44, 9, 0xc1, 0x72],
            // 64, and 0 with a sequence parameter set 16.
            &[0x44, 1, 0b0000_0010, 0b0000_1000],
            &[0x44, 1, 0b1000_0100, 0b0100_0000],
        ] {
            assert!(parse_pps(nal).is_err(), "{nal:?}");
        }
        assert_eq!(vps_id(&[0x40, 1, 0x7c]), Ok(7));
        assert!(vps_id(&[0x42, 1, 0x7c]).is_err());
    }
}
