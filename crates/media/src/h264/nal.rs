//! NAL unit types (H.264 section 7.3.1, table 7-1).

/// Coded slice of a non-IDR picture.
pub const NAL_SLICE: u8 = 1;
/// Coded slice of an IDR picture: decoding can start here.
pub const NAL_IDR: u8 = 5;
/// Supplemental enhancement information.
pub const NAL_SEI: u8 = 6;
/// Sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// Picture parameter set.
pub const NAL_PPS: u8 = 8;
/// Access unit delimiter.
pub const NAL_AUD: u8 = 9;
/// Filler data.
pub const NAL_FILLER: u8 = 12;

/// `nal_unit_type` of a NAL unit, 0 (unspecified) for an empty one.
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |header| header & 0x1f)
}

/// A NAL unit of SEI whose first message says that decoding may begin at this picture, or soon after it (section D.1.8,
/// `payloadType` 6): a picture to begin at that is no IDR picture.
pub fn is_recovery_point(nal: &[u8]) -> bool {
    nal_type(nal) == NAL_SEI && nal.get(1) == Some(&6)
}
