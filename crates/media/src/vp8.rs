//! VP8: what a frame's tag and a key frame's header say (RFC 6386 section 9.1).

use crate::{Error, video::checked_size};

/// A VP8 track's configuration, read from a key frame: VP8 has none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8Config {
    /// `version`, 0 to 3: which reconstruction and loop filters are used.
    pub version: u8,
    /// Pixels, before any scaling the header recommends.
    pub width: u16,
    /// Pixels, before any scaling the header recommends.
    pub height: u16,
}

/// What `CODECS` of a WebM file says; VP8 has no parameters there.
pub(crate) const CODECS: &str = "vp8";

/// Whether a frame is a key frame; `None` for no bytes at all. Its first bytes are enough.
pub fn is_keyframe(frame: &[u8]) -> Option<bool> {
    // "A 1-bit frame type (0 for key frames, 1 for interframes)."
    frame.first().map(|tag| tag & 1 == 0)
}

/// Reads the beginning of a key frame.
///
/// # Errors
/// Another frame, one that is cut off, without its start code, of a version nobody defined or of a
/// size decoders cannot be asked for.
pub fn parse_key_frame(frame: &[u8]) -> Result<Vp8Config, Error> {
    let head: &[u8; 10] = frame.first_chunk().ok_or(Error::Truncated {
        element: "VP8 key frame header",
    })?;
    let refused = |element, value: u8, allowed| Error::OutOfRange {
        element,
        value: value.into(),
        allowed,
    };
    if head[0] & 1 != 0 {
        return Err(refused("VP8 frame type", 1, "0, a key frame"));
    }
    let version = head[0] >> 1 & 0b111;
    if version > 3 {
        return Err(refused("VP8 version", version, "0 to 3"));
    }
    if head[3..6] != START_CODE {
        return Err(refused("VP8 start code", head[3], "0x9d 0x01 0x2a"));
    }
    // "Horizontal Scale (2 bits) and Width (14 bits)", least significant byte first.
    let dimension = |low: u8, high: u8| u32::from(high & 0x3f) << 8 | u32::from(low);
    let (width, height) = checked_size(dimension(head[6], head[7]), dimension(head[8], head[9]))?;
    Ok(Vp8Config {
        version,
        width,
        height,
    })
}

pub(crate) const fn profile(config: &Vp8Config) -> &'static str {
    match config.version {
        0 => "Version 0",
        1 => "Version 1",
        2 => "Version 2",
        _ => "Version 3",
    }
}

const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 10] = [0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0xa0, 0x40, 0x5a, 0x00];

    #[test]
    fn a_key_frame_says_its_size() {
        let config = parse_key_frame(&KEY).unwrap();
        // The two bits of scaling above the width are no part of it.
        assert_eq!((config.version, config.width, config.height), (0, 160, 90));
    }

    #[test]
    fn other_frames_are_told_apart() {
        assert_eq!(is_keyframe(&KEY), Some(true));
        assert_eq!(is_keyframe(&[0x51]), Some(false));
        assert_eq!(is_keyframe(&[]), None);
    }

    #[test]
    fn what_is_no_key_frame_is_refused() {
        let with = |at: usize, byte: u8| {
            let mut head = KEY;
            head[at] = byte;
            parse_key_frame(&head)
        };
        assert!(parse_key_frame(&KEY[..9]).is_err(), "cut off");
        assert!(with(0, 0x51).is_err(), "an interframe");
        assert!(with(0, 0x58).is_err(), "version 4");
        assert!(with(4, 0x02).is_err(), "another start code");
        assert!(with(8, 0).is_err(), "no height");
    }
}
