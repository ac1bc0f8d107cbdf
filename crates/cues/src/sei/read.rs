//! The reader: strict with what is ours, blind to everything else.

use std::sync::Arc;

use media::{
    Pts,
    sei::{OWN_UUID, Syntax, mentions_own, messages},
};

use super::{
    CUE, Message, REFERENCE, Reference, SNAPSHOT, SNAPSHOT_CUES_MAX, SNAPSHOT_OF_REFERENCES,
    Snapshot, SnapshotCues,
};
use crate::{codec::decode, error::Error};

/// The messages of an access unit, in their order, of the units before its first coded picture. A message that breaks a
/// rule hides no other. Units without our UUID are not read at all.
pub fn read<'a>(
    syntax: Syntax,
    nals: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Result<Message, Error>> {
    let before = nals.into_iter().take_while(|nal| !syntax.is_vcl(nal));
    let mut found = Vec::new();
    for nal in before.filter(|nal| syntax.is_sei(nal) && mentions_own(nal)) {
        match messages(syntax, nal) {
            Ok(messages) => {
                let ours = messages.iter().filter_map(|it| it.user_data(&OWN_UUID));
                found.extend(ours.map(|body| message(&body)));
            }
            Err(_) => found.push(Err(wrong("SEI NAL unit", 0, "breaks its syntax"))),
        }
        found.truncate(MESSAGES_MAX);
    }
    found
}

/// The NAL units of an access unit, each behind a 4-byte length. Stops at the first that does not fit.
pub fn nal_units(access_unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = access_unit;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (nal, after) = after.split_at_checked(length)?;
        rest = after;
        Some(nal)
    })
}

/// What stands behind the UUID.
fn message(body: &[u8]) -> Result<Message, Error> {
    let mut reader = Reader { body, at: 0 };
    let [kind] = reader.array("type")?;
    let message = match kind {
        CUE => Message::Cue(Arc::new(decode(reader.rest())?)),
        REFERENCE => Message::Reference(Reference {
            seq: reader.seq()?,
            pts: reader.pts()?,
            hash: reader.array("hash")?,
        }),
        SNAPSHOT | SNAPSHOT_OF_REFERENCES => Message::Snapshot(reader.snapshot(kind)?),
        _ => return Err(wrong("type", 0, "is not a message of version 1")),
    };
    if reader.at < body.len() {
        return Err(wrong("end", reader.at, "has bytes after it"));
    }
    Ok(message)
}

struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn snapshot(&mut self, kind: u8) -> Result<Snapshot, Error> {
        let epoch = u32::from_be_bytes(self.array("epoch")?);
        if epoch == 0 {
            return Err(wrong("epoch", 1, "is 0"));
        }
        let (seq, pts) = (self.number("seq")?, self.pts()?);
        let [count] = self.array("count")?;
        if usize::from(count) > SNAPSHOT_CUES_MAX {
            return Err(wrong("count", self.at - 1, "is past 48"));
        }
        let cues = if kind == SNAPSHOT {
            SnapshotCues::Whole((0..count).map(|_| self.cue()).collect::<Result<_, _>>()?)
        } else {
            let reference = |_| Ok((self.seq()?, self.array("hash")?));
            SnapshotCues::References((0..count).map(reference).collect::<Result<_, Error>>()?)
        };
        Ok(Snapshot {
            epoch,
            seq,
            pts,
            cues,
        })
    }

    fn cue(&mut self) -> Result<Arc<crate::EncodedCue>, Error> {
        let length = usize::from(u16::from_be_bytes(self.array("cue length")?));
        let bytes = self.take(length, "cue")?;
        decode(bytes).map(Arc::new)
    }

    fn rest(&mut self) -> &'a [u8] {
        let rest = self.body.get(self.at..).unwrap_or_default();
        self.at = self.body.len();
        rest
    }

    /// A cue's number.
    fn seq(&mut self) -> Result<u64, Error> {
        let at = self.at;
        match self.number("seq")? {
            0 => Err(wrong("seq", at, "is 0")),
            seq => Ok(seq),
        }
    }

    /// `docs/spec/cue.md`: what JSON readers everywhere can count.
    fn number(&mut self, element: &'static str) -> Result<u64, Error> {
        let at = self.at;
        let number = u64::from_be_bytes(self.array(element)?);
        if number > NUMBER_MAX {
            return Err(wrong(element, at, "is past 2^53 - 1"));
        }
        Ok(number)
    }

    fn pts(&mut self) -> Result<Pts, Error> {
        let at = self.at;
        let number = self.number("pts")?;
        let ticks = i64::try_from(number).map_err(|_| wrong("pts", at, "is past 2^53 - 1"))?;
        Ok(Pts(ticks))
    }

    fn array<const N: usize>(&mut self, element: &'static str) -> Result<[u8; N], Error> {
        let at = self.at;
        let taken = self.take(N, element)?.first_chunk();
        taken
            .copied()
            .ok_or_else(|| wrong(element, at, "is cut off"))
    }

    fn take(&mut self, length: usize, element: &'static str) -> Result<&'a [u8], Error> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length);
        let taken = taken.ok_or_else(|| wrong(element, self.at, "is cut off"))?;
        self.at += length;
        Ok(taken)
    }
}

const fn wrong(element: &'static str, offset: usize, problem: &'static str) -> Error {
    Error::Carrier {
        element,
        offset,
        problem,
    }
}

const NUMBER_MAX: u64 = (1 << 53) - 1;

/// An origin writes at most 37: [`SeiTrack`](super::SeiTrack).
const MESSAGES_MAX: usize = 64;
