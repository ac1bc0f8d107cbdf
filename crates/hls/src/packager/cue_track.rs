//! Cues on their way into parts: each once, in the part whose interval holds its threshold, and a
//! snapshot of the state wherever a player may start.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use cues::{EncodedCue, Fold, InBandSnapshot, emsg};
use media::Pts;

/// The cues of a stream that are still of use in band.
#[derive(Debug)]
pub(super) struct CueTrack {
    stream: String,
    epoch: u32,
    fold: Fold,
    /// Not yet in any part.
    pending: BTreeMap<(Pts, u64), Arc<EncodedCue>>,
}

/// What a cue was to the track.
#[derive(Debug)]
pub(super) enum Added {
    /// Nothing new.
    Known,
    /// It is to be told.
    New,
    /// This one is no longer to be told.
    TakenBack(Arc<EncodedCue>),
}

impl CueTrack {
    pub(super) fn new(stream: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            epoch: 0,
            fold: Fold::new(),
            pending: BTreeMap::new(),
        }
    }

    /// The frames from now on belong to this publish session.
    pub(super) fn start_epoch(&mut self, epoch: u32) {
        self.epoch = epoch;
    }

    /// Takes a cue.
    pub(super) fn add(&mut self, cue: Arc<EncodedCue>) -> Added {
        if !self.fold.insert(Arc::clone(&cue)) {
            return Added::Known;
        }
        if let Some(target) = cue.cue.target {
            // No part has it yet, so none needs either.
            let taken_back = self.pending.remove(&(cue.cue.pts, target));
            return taken_back.map_or(Added::Known, Added::TakenBack);
        }
        if self.pending.len() >= PENDING_MAX {
            // Every carrier but this one still has it, and so has the next snapshot.
            self.pending.pop_last();
        }
        self.pending.insert((cue.cue.pts, cue.cue.seq), cue);
        Added::New
    }

    /// The `emsg` boxes of a part that presents `start..end`.
    ///
    /// AOM ID3 in CMAF section 2.2: an event's presentation time lies within its fragment. A cue
    /// that came too late for its own part therefore goes as a snapshot of the state at the start
    /// of this one.
    pub(super) fn events(&mut self, start: Pts, end: Pts, segment_start: bool) -> Vec<Bytes> {
        let due = self.take_before(end);
        let late = due.iter().any(|cue| cue.cue.pts < start);
        let mut events = Vec::new();
        if segment_start || late {
            events.extend(self.snapshot(start));
        }
        events.extend(
            due.iter()
                .filter(|cue| cue.cue.pts >= start)
                .map(|cue| emsg::cue(cue)),
        );
        if segment_start {
            self.fold.trim(start.offset(-LATE_TICKS_MAX));
        }
        events
    }

    fn take_before(&mut self, end: Pts) -> Vec<Arc<EncodedCue>> {
        let later = self.pending.split_off(&(end, 0));
        std::mem::replace(&mut self.pending, later)
            .into_values()
            .collect()
    }

    fn snapshot(&self, pts: Pts) -> Option<Bytes> {
        let cues = self.fold.active_cues(pts);
        let snapshot = InBandSnapshot {
            stream: self.stream.clone(),
            epoch: self.epoch,
            pts,
            cues,
        };
        // More cards on screen than a tag holds: the side channel has them all.
        emsg::snapshot(&snapshot).ok()
    }
}

/// Cues waiting for their part: over 6 minutes of the 10 a second that a timeline accepts for long.
const PENDING_MAX: usize = 4096;
/// How late a cue may come and still be folded into snapshots: the listed window by default.
const LATE_TICKS_MAX: i64 = 60 * 90_000;
