//! The first two elements of a slice header (H.264 section 7.3.3): enough to see B-frames.

use super::nal::{NAL_IDR, NAL_SLICE, nal_type};
use crate::bits::Bits;

/// `slice_type` (H.264 table 7-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SliceType {
    /// Predicted from one picture at a time.
    P,
    /// Predicted from two: comes with picture reordering in practice.
    B,
    /// Intra.
    I,
    /// Switching P (Extended profile).
    SP,
    /// Switching I (Extended profile).
    SI,
}

/// The type of a coded slice; `None` for any other NAL unit and for a header that makes no sense.
/// Reads a few bytes.
pub fn slice_type(nal: &[u8]) -> Option<SliceType> {
    let (_, body) = nal.split_first()?;
    if !matches!(nal_type(nal), NAL_SLICE | NAL_PARTITION_A | NAL_IDR) {
        return None;
    }
    let mut bits = Bits::nal(body);
    let _first_mb_in_slice = bits.ue("first_mb_in_slice").ok()?;
    match bits.ue_max(9, "slice_type", "0 to 9").ok()? % 5 {
        0 => Some(SliceType::P),
        1 => Some(SliceType::B),
        2 => Some(SliceType::I),
        3 => Some(SliceType::SP),
        _ => Some(SliceType::SI),
    }
}

/// Coded slice data partition A: has the slice header.
const NAL_PARTITION_A: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_above_four_say_that_all_slices_are_alike() {
        // first_mb 0 = "1", then slice_type 5 = "00110", 6 = "00111", 7 = "0001000".
        assert_eq!(slice_type(&[0x41, 0b1001_1000]), Some(SliceType::P));
        assert_eq!(slice_type(&[0x01, 0b1001_1100]), Some(SliceType::B));
        assert_eq!(slice_type(&[0x65, 0b1000_1000]), Some(SliceType::I));
        assert_eq!(slice_type(&[0x01, 0b1010_0000]), Some(SliceType::B));
    }

    #[test]
    fn other_units_have_no_slice_type() {
        for nal in [
            &[][..],
            &[0x65],
            &[0x67, 0x88],
            &[0x06, 0x88],
            &[0x41, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(slice_type(nal), None, "{nal:?}");
        }
        // slice_type 10 = "0001011".
        assert_eq!(slice_type(&[0x41, 0b1000_1011]), None);
    }
}
