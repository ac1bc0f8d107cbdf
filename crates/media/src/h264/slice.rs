//! The first three elements of a slice header (H.264 section 7.3.3): enough to see where a picture
//! begins, B-frames, and which parameter sets it needs.

use super::{
    nal::{NAL_IDR, NAL_SLICE, nal_type},
    pps::read_pps_id,
};
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
    let mut bits = header(nal)?;
    read_first_mb(&mut bits)?;
    read_type(&mut bits)
}

/// `first_mb_in_slice`: 0 begins a picture, unless its slices come in arbitrary order, which only
/// the Baseline and Extended profiles allow and no encoder does. `None` as for [`slice_type`].
pub fn first_mb_in_slice(nal: &[u8]) -> Option<u32> {
    read_first_mb(&mut header(nal)?)
}

/// `pic_parameter_set_id` of a coded slice: the parameter sets it needs. `None` as for
/// [`slice_type`].
pub fn slice_pps_id(nal: &[u8]) -> Option<u8> {
    let mut bits = header(nal)?;
    read_first_mb(&mut bits)?;
    read_type(&mut bits)?;
    read_pps_id(&mut bits).ok()
}

fn header(nal: &[u8]) -> Option<Bits<'_>> {
    let (_, body) = nal.split_first()?;
    matches!(nal_type(nal), NAL_SLICE | NAL_PARTITION_A | NAL_IDR).then(|| Bits::nal(body))
}

fn read_first_mb(bits: &mut Bits<'_>) -> Option<u32> {
    bits.ue("first_mb_in_slice").ok()
}

fn read_type(bits: &mut Bits<'_>) -> Option<SliceType> {
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

    #[test]
    fn a_picture_begins_at_its_first_macroblock() {
        // x264's IDR slices begin 0x65 0x88 0x84: first_mb 0, type 7, parameter set 0.
        assert_eq!(first_mb_in_slice(&[0x65, 0x88, 0x84]), Some(0));
        assert_eq!(slice_pps_id(&[0x65, 0x88, 0x84]), Some(0));
        // first_mb 1200 = 0000000000_1_0010110001, slice_type 5, parameter set 3 = 00100.
        let later = [0x41, 0x00, 0x25, 0b1000_1001, 0b1000_1000];
        assert_eq!(first_mb_in_slice(&later), Some(1200));
        assert_eq!(slice_type(&later), Some(SliceType::P));
        assert_eq!(slice_pps_id(&later), Some(3));
        assert_eq!(slice_pps_id(&later[..4]), None, "cut off");
        for nal in [&[][..], &[0x65], &[0x67, 0x88, 0x84], &[0x43, 0x88, 0x84]] {
            assert_eq!(first_mb_in_slice(nal), None, "{nal:?}");
            assert_eq!(slice_pps_id(nal), None, "{nal:?}");
        }
    }
}
