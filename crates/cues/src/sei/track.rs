//! Which messages go into which access unit.

use std::{collections::BTreeMap, sync::Arc};

use media::{Pts, sei::Syntax};

use super::{Reference, cue, reference, snapshot};
use crate::{EncodedCue, Timeline};

/// A stream's cues on their way into its access units: each once, in the first one in decode order whose pts is at or past
/// its threshold; and the state, where decoding can start.
#[derive(Debug, Default)]
pub struct SeiTrack {
    /// In no access unit yet.
    pending: BTreeMap<(Pts, u64), Arc<EncodedCue>>,
    last_snapshot: Option<Pts>,
}

impl SeiTrack {
    /// Takes a cue, each once. What takes another one back, takes it out of here, and goes its own way like any other.
    pub fn add(&mut self, cue: Arc<EncodedCue>) {
        if let Some(target) = cue.cue.target {
            self.pending.remove(&(cue.cue.pts, target));
        }
        if self.pending.len() >= PENDING_MAX {
            // Every carrier but this one still has it, and so has the next snapshot.
            self.pending.pop_last();
        }
        self.pending.insert((cue.cue.pts, cue.cue.seq), cue);
    }

    /// The NAL units that go into the access unit of this pts, each behind a 4-byte length; most often none. Call it for
    /// every one, in decode order. `idr`: decoding can start at it.
    pub fn access_unit(
        &mut self,
        syntax: Syntax,
        pts: Pts,
        idr: bool,
        epoch: u32,
        timeline: &Timeline,
    ) -> Vec<u8> {
        let mut nals = Vec::new();
        let seq = timeline.last_seq();
        // Without any cue there never was a state to tell.
        if idr && seq > 0 && self.takes_snapshot(pts) {
            let cues = timeline.active_cues(pts);
            put(&mut nals, &snapshot(syntax, epoch, seq, pts, &cues));
        }
        for n in 0..DUE_MAX {
            let Some(due) = self.pop_until(pts) else {
                break;
            };
            let nal = if n < WHOLE_MAX {
                cue(syntax, &due)
            } else {
                reference(syntax, &Reference::to(&due))
            };
            put(&mut nals, &nal);
        }
        nals
    }

    /// Forgets what is due at `pts`: it passed in a form that carries none.
    pub fn pass(&mut self, pts: Pts) {
        while self.pop_until(pts).is_some() {}
    }

    fn pop_until(&mut self, pts: Pts) -> Option<Arc<EncodedCue>> {
        let first = self.pending.first_entry()?;
        (first.key().0 <= pts).then(|| first.remove())
    }

    /// At most one a second, whatever the key frames' distance.
    fn takes_snapshot(&mut self, pts: Pts) -> bool {
        let is_due = self
            .last_snapshot
            .is_none_or(|last| pts.since(last) >= SNAPSHOT_TICKS_MIN || pts < last);
        if is_due {
            self.last_snapshot = Some(pts);
        }
        is_due
    }
}

fn put(nals: &mut Vec<u8>, nal: &[u8]) {
    let length = u32::try_from(nal.len()).expect("a NAL unit of some 1000 bytes");
    nals.extend_from_slice(&length.to_be_bytes());
    nals.extend_from_slice(nal);
}

/// Whole cues in one access unit; what is more goes as references.
const WHOLE_MAX: usize = 4;
/// Cues in one access unit; the rest goes into the next ones. Far fewer NAL units than a picture may have.
const DUE_MAX: usize = 36;
/// Cues waiting for their frame: as many as LL-HLS keeps, four times what a timeline schedules.
const PENDING_MAX: usize = 4096;
/// 1 s.
const SNAPSHOT_TICKS_MIN: i64 = 90_000;
