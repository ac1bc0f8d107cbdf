//! NAL unit types (H.265 section 7.3.1.2, table 7-1).

use bytes::Bytes;

use crate::nal::nals;

/// Video parameter set.
pub const NAL_VPS: u8 = 32;
/// Sequence parameter set.
pub const NAL_SPS: u8 = 33;
/// Picture parameter set.
pub const NAL_PPS: u8 = 34;

/// `RASL_N` and `RASL_R`: pictures that refer to what was before the IRAP picture they lead.
const RASL: std::ops::RangeInclusive<u8> = 8..=9;
/// `BLA_W_LP` to `CRA_NUT`; 22 and 23 are reserved.
const IRAP: std::ops::RangeInclusive<u8> = 16..=21;
/// `IDR_W_RADL` and `IDR_N_LP`.
const IDR: std::ops::RangeInclusive<u8> = 19..=20;
/// Coded pictures.
const VCL: std::ops::RangeInclusive<u8> = 0..=31;
/// What a unit shorter than its header is taken for: unspecified.
const NAL_NONE: u8 = 63;

/// `nal_unit_type` of a NAL unit, 63 (unspecified) for one shorter than its header.
pub fn nal_type(nal: &[u8]) -> u8 {
    if nal.len() < HEADER {
        return NAL_NONE;
    }
    nal.first().map_or(NAL_NONE, |first| first >> 1 & 0x3f)
}

/// `nuh_layer_id`: 0 for the base layer, which is the only one that is carried on.
pub(super) fn layer_id(nal: &[u8]) -> u8 {
    match nal {
        [first, second, ..] => (first & 1) << 5 | second >> 3,
        _ => 0,
    }
}

/// What kind of picture an access unit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Decoding can start here (intra random access point): IDR, CRA or BLA.
    pub irap: bool,
    /// An IDR picture: nothing behind it refers to anything before it.
    pub idr: bool,
    /// A random access skipped leading picture: not decodable where decoding started at the IRAP picture it follows.
    pub rasl: bool,
}

/// The picture of an access unit, by its first unit of coded picture. `None` if it has none.
pub fn picture(access_unit: &Bytes) -> Option<Picture> {
    // Section 7.4.2.2: all of a picture's units have one type.
    nals(access_unit)
        .filter(|nal| layer_id(nal) == 0)
        .map(|nal| nal_type(&nal))
        .find(|kind| VCL.contains(kind))
        .map(|kind| Picture {
            irap: IRAP.contains(&kind),
            idr: IDR.contains(&kind),
            rasl: RASL.contains(&kind),
        })
}

/// Bytes of `nal_unit_header()`.
pub(super) const HEADER: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(units: &[&[u8]]) -> Option<Picture> {
        let mut access_unit = Vec::new();
        for unit in units {
            access_unit.extend(u32::try_from(unit.len()).unwrap().to_be_bytes());
            access_unit.extend_from_slice(unit);
        }
        picture(&access_unit.into())
    }

    #[test]
    fn pictures_are_told_apart_by_their_first_coded_unit() {
        let kind = |kind: u8| of(&[&[0x46, 1, 0x50], &[kind << 1, 1, 0x80]]).unwrap();
        for (nal, irap, idr, rasl) in [
            (0, false, false, false),
            (1, false, false, false),
            (7, false, false, false),
            (8, false, false, true),
            (9, false, false, true),
            (16, true, false, false),
            (19, true, true, false),
            (20, true, true, false),
            (21, true, false, false),
            (22, false, false, false),
        ] {
            assert_eq!(kind(nal), Picture { irap, idr, rasl }, "{nal}");
        }
    }

    #[test]
    fn what_is_no_picture_of_the_base_layer_is_none() {
        assert_eq!(of(&[&[0x4e, 1, 5], &[0x26]]), None, "shorter than a header");
        assert_eq!(of(&[&[0x26, 9, 0x80]]), None, "layer 1");
        assert_eq!((nal_type(&[]), nal_type(&[0x40, 1])), (63, NAL_VPS));
        assert_eq!((layer_id(&[0x41, 1]), layer_id(&[0x40, 9])), (32, 1));
    }
}
