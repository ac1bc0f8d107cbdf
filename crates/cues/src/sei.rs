//! Cues in access units of H.264 and H.265: `user_data_unregistered` messages under our own UUID.
//!
//! Normative text: `docs/spec/sei.md`. The messages themselves (sizes, escapes, NAL units) are [`media::sei`]'s; here is
//! what stands behind the UUID.
//!
//! ```text
//! 11  the cue's bytes
//! 12  seq(8) pts(8) hash(8)
//! 13  epoch(4) seq(8) pts(8) count(1)  { length(2) the cue's bytes }*
//! 14  epoch(4) seq(8) pts(8) count(1)  { seq(8) hash(8) }*
//! ```

mod read;
mod track;

use std::sync::Arc;

use bytes::BufMut as _;
use media::{
    Pts,
    sei::{OWN_UUID, Syntax, user_data},
};

pub use read::{nal_units, read};
pub use track::SeiTrack;

use crate::{EncodedCue, daterange::hash_bytes};

/// Longest NAL unit with whole cues in it, bytes. It goes as one packet, whatever is put around it on the way.
pub const NAL_LEN_MAX: usize = 900;

/// Bytes of a cue's hash: the first of its SHA-256, as in [`daterange`](crate::daterange).
pub const HASH_LEN: usize = 8;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A cue.
    Cue(Arc<EncodedCue>),
    /// That there is a cue, where it would be too much.
    Reference(Reference),
    /// The state at this access unit.
    Snapshot(Snapshot),
}

/// A cue that the side channel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Its number.
    pub seq: u64,
    /// Its threshold.
    pub pts: Pts,
    /// Of its bytes.
    pub hash: [u8; HASH_LEN],
}

/// The state at an access unit where decoding can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The publish session.
    pub epoch: u32,
    /// The number of the stream's newest cue.
    pub seq: u64,
    /// The access unit's own pts, exactly.
    pub pts: Pts,
    /// What folds to `state(pts)`.
    pub cues: SnapshotCues,
}

/// The cues of a snapshot, in the order of (pts, seq).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotCues {
    /// All of them.
    Whole(Vec<Arc<EncodedCue>>),
    /// Where they would be too much, their numbers and hashes.
    References(Vec<(u64, [u8; HASH_LEN])>),
}

impl Reference {
    /// What refers to `cue`.
    pub fn to(cue: &EncodedCue) -> Self {
        Self {
            seq: cue.cue.seq,
            pts: cue.cue.pts,
            hash: hash_bytes(cue),
        }
    }
}

/// A NAL unit with a cue; with a reference to it if it would be longer than [`NAL_LEN_MAX`].
pub fn cue(syntax: Syntax, cue: &EncodedCue) -> Vec<u8> {
    let whole = user_data(syntax, &OWN_UUID, &[&[CUE][..], &cue.bytes].concat());
    if whole.len() <= NAL_LEN_MAX {
        whole
    } else {
        reference(syntax, &Reference::to(cue))
    }
}

/// A NAL unit with a reference.
pub fn reference(syntax: Syntax, reference: &Reference) -> Vec<u8> {
    let mut body = vec![REFERENCE];
    body.put_u64(reference.seq);
    body.put_i64(reference.pts.0);
    body.put_slice(&reference.hash);
    user_data(syntax, &OWN_UUID, &body)
}

/// A NAL unit with a snapshot of `cues`; of references to them if it would be longer than [`NAL_LEN_MAX`], or has more than
/// a snapshot counts. What [`Timeline::active_cues`](crate::Timeline::active_cues) gives is far fewer: 48.
pub fn snapshot(
    syntax: Syntax,
    epoch: u32,
    seq: u64,
    pts: Pts,
    cues: &[Arc<EncodedCue>],
) -> Vec<u8> {
    let cues = cues.get(..SNAPSHOT_CUES_MAX).unwrap_or(cues);
    let head = |kind| {
        let mut body = vec![kind];
        body.put_u32(epoch);
        body.put_u64(seq);
        body.put_i64(pts.0);
        body.put_u8(u8::try_from(cues.len()).expect("cut to SNAPSHOT_CUES_MAX"));
        body
    };
    let mut body = head(SNAPSHOT);
    for cue in cues {
        body.put_u16(u16::try_from(cue.bytes.len()).expect("a cue is at most 1024 bytes"));
        body.put_slice(&cue.bytes);
    }
    let whole = user_data(syntax, &OWN_UUID, &body);
    if whole.len() <= NAL_LEN_MAX {
        return whole;
    }
    let mut body = head(SNAPSHOT_OF_REFERENCES);
    for cue in cues {
        body.put_u64(cue.cue.seq);
        body.put_slice(&hash_bytes(cue));
    }
    user_data(syntax, &OWN_UUID, &body)
}

/// Version 1 in the upper four bits, which message in the lower.
const CUE: u8 = 0x11;
const REFERENCE: u8 = 0x12;
const SNAPSHOT: u8 = 0x13;
const SNAPSHOT_OF_REFERENCES: u8 = 0x14;
/// Cues in a snapshot: 8 cards on screen of 6 cues each (`docs/spec/cue.md`, "Limits"). References to them take 768 bytes,
/// and so with their escapes still one packet.
const SNAPSHOT_CUES_MAX: usize = 48;

#[cfg(test)]
mod tests;
