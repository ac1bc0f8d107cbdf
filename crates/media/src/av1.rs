//! AV1: open bitstream units, sequence headers, and which frames decoding can start at (AV1
//! Bitstream & Decoding Process Specification, version 1.0.0 with errata 1, section 5).

mod colour;
mod obu;
mod record;
mod sample;
mod sequence;

use bytes::Bytes;

use crate::{Error, bits::Bits, video::Colour, vp9::Subsampling};

pub use obu::{
    OBU_FRAME, OBU_FRAME_HEADER, OBU_PADDING, OBU_REDUNDANT_FRAME_HEADER, OBU_SEQUENCE_HEADER,
    OBU_TEMPORAL_DELIMITER, OBU_TILE_LIST, Obu, Obus, leb128, obus, put_obu, read_obu,
};
pub use record::parse_av1c;
pub use sample::{Sample, SampleBuilder, sample};
pub use sequence::parse_sequence_header;

/// An AV1 track's configuration: what its sequence header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Av1Config {
    /// `seq_profile`, 0 to 2.
    pub profile: u8,
    /// `seq_level_idx[0]`, 0 to 31.
    pub level: u8,
    /// `seq_tier[0]`: the High tier.
    pub high_tier: bool,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Luma alone.
    pub monochrome: bool,
    /// How much of the colour there is.
    pub subsampling: Subsampling,
    /// `chroma_sample_position`.
    pub chroma_sample_position: u8,
    /// What the numbers mean.
    pub colour: Colour,
    /// The largest picture's pixels.
    pub width: u16,
    /// The largest picture's pixels.
    pub height: u16,
    /// The sequence header itself, an OBU with its size: `configOBUs` of an `av1C` record.
    pub sequence_header: Bytes,
}

/// Whether a frame (header) OBU's payload begins a key frame that is shown: with a sequence header
/// in front of it decoding can start there (section 7.6.1). One byte is enough.
///
/// # Errors
/// No bytes at all.
pub fn starts_keyframe(payload: &[u8]) -> Result<bool, Error> {
    // Section 5.9.2. A still picture alone has no such bits, and its sequence header is refused.
    let mut bits = Bits::plain(payload);
    let shows_existing = bits.bit("show_existing_frame")?;
    let frame_type = bits.u8(2, "frame_type")?;
    let shown = bits.bit("show_frame")?;
    Ok(!shows_existing && frame_type == KEY_FRAME && shown)
}

/// `av01.P.LLT.DD`, with the rest where it differs from what its absence means (AV1 Codec ISO Media
/// File Format Binding section 5).
pub(crate) fn codecs(config: &Av1Config) -> String {
    let tier = if config.high_tier { 'H' } else { 'M' };
    let head = format!(
        "av01.{}.{:02}{tier}.{:02}",
        config.profile, config.level, config.bit_depth
    );
    let is_usual = !config.monochrome
        && config.subsampling == Subsampling::Yuv420
        && matches!(config.colour, Colour::UNSPECIFIED | Colour::BT709);
    if is_usual {
        return head;
    }
    let (x, y) = config.subsampling_flags();
    let position = if (x, y) == (1, 1) {
        config.chroma_sample_position
    } else {
        0
    };
    let Colour {
        primaries,
        transfer,
        matrix,
        full_range,
    } = config.colour;
    format!(
        "{head}.{}.{x}{y}{position}.{primaries:02}.{transfer:02}.{matrix:02}.{}",
        u8::from(config.monochrome),
        u8::from(full_range)
    )
}

pub(crate) const fn profile(config: &Av1Config) -> &'static str {
    match config.profile {
        0 => "Main",
        1 => "High",
        _ => "Professional",
    }
}

impl Av1Config {
    /// `subsampling_x` and `subsampling_y`.
    pub const fn subsampling_flags(&self) -> (u8, u8) {
        match self.subsampling {
            Subsampling::Yuv420 => (1, 1),
            Subsampling::Yuv422 => (1, 0),
            Subsampling::Yuv440 => (0, 1),
            Subsampling::Yuv444 => (0, 0),
        }
    }
}

const KEY_FRAME: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_are_told_apart_by_their_first_byte() {
        assert_eq!(starts_keyframe(&[0x10]), Ok(true));
        assert_eq!(starts_keyframe(&[0x00]), Ok(false), "not shown");
        assert_eq!(starts_keyframe(&[0x30]), Ok(false), "an inter frame");
        assert_eq!(starts_keyframe(&[0x90]), Ok(false), "one of before");
        assert!(starts_keyframe(&[]).is_err());
    }
}
