//! The identification header (RFC 7845 section 5.1), which RTMP publishers send before their packets.

use crate::Error;

/// What of it matters: a packet says the rest itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// 1 or 2.
    pub channels: u8,
    /// Samples at 48 kHz to leave out at the beginning.
    pub pre_skip: u16,
}

/// Reads the header; `None` if there is none, or a comment header in its place.
///
/// # Errors
/// One that is cut off or of another version, or more than two channels.
pub fn parse_head(bytes: &[u8]) -> Result<Option<Head>, Error> {
    if bytes.is_empty() || bytes.starts_with(b"OpusTags") {
        return Ok(None);
    }
    if !bytes.starts_with(b"OpusHead") {
        return Err(Error::OutOfRange {
            element: "magic signature of an Opus header",
            value: bytes[0].into(),
            allowed: "OpusHead",
        });
    }
    let &[version, channels, low, high, _, _, _, _, _, _, family] =
        bytes[8..].first_chunk().ok_or(Error::Truncated {
            element: "OpusHead",
        })?;
    // "Implementations SHOULD treat streams where the upper four bits ... do not match ... as incompatible."
    if version >> 4 != 0 {
        return Err(Error::OutOfRange {
            element: "version of OpusHead",
            value: version.into(),
            allowed: "0 to 15",
        });
    }
    // Family 0 is mono and stereo; all others have a table that says which stream is which channel.
    if family != 0 || !matches!(channels, 1 | 2) {
        return Err(Error::Unsupported {
            element: "Opus with a channel count of",
            value: channels.into(),
            remedy: "send Opus in mono or stereo",
        });
    }
    Ok(Some(Head {
        channels,
        pre_skip: u16::from_le_bytes([low, high]),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As FFmpeg 9 sends it.
    const HEAD: &[u8] = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";

    #[test]
    fn a_header_is_read() {
        let head = |channels| Head {
            channels,
            pre_skip: 312,
        };
        assert_eq!(parse_head(HEAD), Ok(Some(head(1))));
        let mut stereo = HEAD.to_vec();
        stereo[9] = 2;
        assert_eq!(parse_head(&stereo), Ok(Some(head(2))));
        assert_eq!(parse_head(&[]), Ok(None));
        assert_eq!(parse_head(b"OpusTags\x04\0\0\0"), Ok(None));
    }

    #[test]
    fn other_headers_are_refused() {
        for (at, value) in [(0, b'P'), (8, 0x10), (9, 0), (9, 3), (18, 1), (18, 255)] {
            let mut other = HEAD.to_vec();
            other[at] = value;
            parse_head(&other).unwrap_err();
        }
        for length in 1..HEAD.len() {
            parse_head(&HEAD[..length]).unwrap_err();
        }
        let mut surround = HEAD.to_vec();
        (surround[9], surround[18]) = (6, 1);
        let refused = parse_head(&surround).unwrap_err().to_string();
        assert!(refused.contains("mono or stereo"), "{refused}");
    }
}
