//! The ID3v2.4 tag around a cue: one `TXXX` frame, UTF-8.
//!
//! Players hand `TXXX` frames to their page as they are (hls.js, Safari, ExoPlayer), which is why
//! the value is readable JSON.
//!
//! ```text
//! "ID3" 04 00  flags 00  size(4)     ID3v2.4.0 main structure, section 3.1
//!   "TXXX" size(4)  flags 00 00      section 4
//!     03                             encoding UTF-8, section 4 "text encoding"
//!     description 00 value           native frames, section 4.2.6
//! ```
//! Both sizes are synchsafe: four bytes of seven bits (main structure, section 6.2).

use crate::error::Error;

/// Description of a frame whose value is one cue.
pub const CUE: &str = "dev.shopcast.cue";

/// Description of a frame whose value is an [`InBandSnapshot`](crate::InBandSnapshot).
pub const SNAPSHOT: &str = "dev.shopcast.snapshot";

/// Longest tag that is read, bytes: the longest snapshot (`docs/spec/cue.md`, "Limits") and room.
pub const TAG_LEN_MAX: usize = 80 * 1024;

const HEADER_LEN: usize = 10;
const ENCODING_UTF8: u8 = 3;

/// A user-defined text frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserText {
    /// Who defines the value.
    pub description: String,
    /// The value.
    pub value: String,
}

/// A tag with one user-defined text frame. Neither text holds a NUL, which would end it.
///
/// # Errors
/// [`Error::Carrier`] past [`TAG_LEN_MAX`] bytes.
pub fn tag(description: &str, value: &str) -> Result<Vec<u8>, Error> {
    let content = 1 + description.len() + 1 + value.len();
    let len = HEADER_LEN + HEADER_LEN + content;
    if len > TAG_LEN_MAX {
        return Err(wrong("tag size", 6, "is past the limit: carry fewer cues"));
    }
    let mut tag = Vec::with_capacity(len);
    tag.extend_from_slice(b"ID3\x04\x00\x00");
    tag.extend_from_slice(&synchsafe(HEADER_LEN + content));
    tag.extend_from_slice(b"TXXX");
    tag.extend_from_slice(&synchsafe(content));
    tag.extend_from_slice(&[0, 0, ENCODING_UTF8]);
    tag.extend_from_slice(description.as_bytes());
    tag.push(0);
    tag.extend_from_slice(value.as_bytes());
    Ok(tag)
}

/// Reads a tag that [`tag`] could have written: the first frame counts, and must be `TXXX` in
/// UTF-8.
///
/// # Errors
/// [`Error::Carrier`] naming the element of the ID3v2.4 structure that does not fit.
pub fn parse(bytes: &[u8]) -> Result<UserText, Error> {
    if bytes.len() > TAG_LEN_MAX {
        return Err(wrong("tag size", 6, "is past the limit"));
    }
    let Some((b"ID3\x04\x00\x00", rest)) = bytes.split_first_chunk() else {
        return Err(wrong("tag header", 0, "is not ID3v2.4 without flags"));
    };
    if size(rest, 6)? != bytes.len().saturating_sub(HEADER_LEN) {
        return Err(wrong(
            "tag size",
            6,
            "is not the number of bytes that follow",
        ));
    }
    let Some((b"TXXX", rest)) = rest[4..].split_first_chunk() else {
        return Err(wrong("frame id", 10, "is not TXXX"));
    };
    let len = size(rest, 14)?;
    let Some(([0, 0, ENCODING_UTF8], rest)) = rest[4..].split_first_chunk() else {
        return Err(wrong("frame flags and encoding", 18, "are not plain UTF-8"));
    };
    let text = len.checked_sub(1).and_then(|len| rest.get(..len));
    let text = text.ok_or_else(|| wrong("frame size", 14, "is past the end of the tag"))?;
    let text = str::from_utf8(text).map_err(|_| wrong("frame text", 21, "is not UTF-8"))?;
    let (description, value) = text
        .split_once('\0')
        .ok_or_else(|| wrong("frame description", 21, "has no terminating zero"))?;
    Ok(UserText {
        description: description.to_owned(),
        value: value.to_owned(),
    })
}

/// `len` in four bytes of seven bits; every length here is under [`TAG_LEN_MAX`], far below 2^28.
fn synchsafe(len: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| u8::try_from(len >> shift & 0x7f).expect("seven bits fit"))
}

fn size(bytes: &[u8], offset: usize) -> Result<usize, Error> {
    match bytes.first_chunk::<4>() {
        Some(size) if size.iter().all(u8::is_ascii) => Ok(size
            .iter()
            .fold(0, |value, byte| value << 7 | usize::from(*byte))),
        Some(_) => Err(wrong("size", offset, "is not synchsafe")),
        None => Err(wrong("size", offset, "is cut off")),
    }
}

const fn wrong(element: &'static str, offset: usize, problem: &'static str) -> Error {
    Error::Carrier {
        element,
        offset,
        problem,
    }
}
