//! FLV tag bodies: what audio and video messages hold (Video File Format 10.1 annex E.4, Enhanced
//! RTMP v2).

pub(crate) mod audio;
pub(crate) mod cue_point;
pub(crate) mod metadata;
mod mod_ex;
mod multitrack;
pub(crate) mod video;

use bytes::Bytes;

/// What a tag says; `C` is a codec and `F` a frame of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tag<C, F> {
    /// A decoder configuration, not yet read; may be empty.
    Config(C, Bytes),
    /// One frame.
    Frame(C, F),
    /// Valid and of no consequence: end of sequence, colour description, seek marks, silence.
    Nothing,
}

/// Why a tag is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// This tag is left out; the words label a counter.
    Drop(&'static str),
    /// It is of another track than the first of several.
    OtherTrack,
    /// The publisher has to be told.
    Codec {
        /// As encoders name it.
        codec: String,
        /// What to do instead.
        remedy: &'static str,
    },
}

/// The fixed-size start of a tag body, cut off `bytes`.
fn take<const N: usize>(bytes: &mut Bytes, what: &'static str) -> Result<[u8; N], Refusal> {
    let taken = *bytes.first_chunk().ok_or(Refusal::Drop(what))?;
    let _ = bytes.split_to(N);
    Ok(taken)
}
