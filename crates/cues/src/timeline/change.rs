//! What a timeline accepted, told so that it can be kept; and a timeline made anew of what was kept.
//!
//! The changes of one request belong together: half of a rescheduling would be another show. So they are taken out
//! together, after each request.

use std::{collections::BTreeMap, sync::Arc, time::Duration, time::Instant};

use media::{Pts, UnixMillis};

use super::{Armed, CueRequest, Ends, LoggedCue, Receipt, Timeline, TimelineConfig};
use crate::{codec::EncodedCue, fold::Fold};

/// Something that a timeline now holds, or no longer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "two or three live from a request to the disk, and most are the large one"
)]
pub enum Change {
    /// A cue was accepted: an insertion, a cancel, or one that was fired.
    Accepted(LoggedCue),
    /// The same request under the same idempotency key gets this answer from now on.
    Answered {
        /// As it was asked; it has a key.
        request: CueRequest,
        /// The answer.
        receipt: Receipt,
    },
    /// This stands under the name, in place of what stood there.
    Armed {
        /// The name.
        name: String,
        /// What stands under it.
        armed: Armed,
    },
    /// Nothing stands under the name any more.
    Disarmed {
        /// The name.
        name: String,
    },
    /// The frame on which a cue took effect is certain.
    Settled {
        /// The cue.
        seq: u64,
        /// The frame.
        frame_pts: Pts,
    },
    /// Cues are no longer held. What is to be known of them is in `memory`, which takes the place of an earlier one.
    Forgotten {
        /// The cues' numbers.
        seqs: Vec<u64>,
        /// What stays of all cues that ever were forgotten.
        memory: Memory,
    },
}

/// What stays of cues that were forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The highest number among them, 0 without any.
    pub forgotten_seq: u64,
    /// The pts from which states are known.
    pub horizon: Option<Pts>,
    /// Newest revision by card, of all cards that are still known.
    pub revs: BTreeMap<String, u32>,
}

/// What a timeline is made of anew: all its [`Change`]s, summed up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// Cues that are held, in any order.
    pub cues: Vec<LoggedCue>,
    /// Answers under idempotency keys, oldest first.
    pub answers: Vec<SavedAnswer>,
    /// What stands under which name.
    pub armed: Vec<(String, Armed)>,
    /// Of cues that are no longer held.
    pub memory: Memory,
    /// The highest pts that any frame may have had.
    pub highest: Pts,
}

/// An answer under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAnswer {
    /// How long ago it was given.
    pub age: Duration,
    /// What was asked.
    pub request: CueRequest,
    /// What was answered.
    pub receipt: Receipt,
}

impl LoggedCue {
    /// A cue as it was kept.
    pub const fn restored(
        cue: Arc<EncodedCue>,
        utc: UnixMillis,
        late_by_ms: i64,
        ends: Option<Ends>,
        frame_pts: Option<Pts>,
    ) -> Self {
        Self {
            cue,
            utc,
            late_by_ms,
            taken_back: false,
            ends,
            frame_pts,
        }
    }
}

impl Timeline {
    /// What was accepted since it was last asked, in order; belongs together. Ask after every request and frame.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The timeline that told these changes, as far as they were kept. The rate begins with a full burst.
    pub fn restore(
        stream: impl Into<String>,
        config: TimelineConfig,
        saved: Saved,
        now: Instant,
    ) -> Self {
        let mut timeline = Self::new(stream, config);
        timeline.highest = saved.highest;
        timeline.forgotten_seq = saved.memory.forgotten_seq;
        timeline.last_seq = saved.memory.forgotten_seq;
        timeline.revs = saved.memory.revs;
        for logged in saved.cues {
            timeline.hold(logged);
        }
        if let Some(horizon) = saved.memory.horizon {
            let cues = timeline.log.values().map(|logged| Arc::clone(&logged.cue));
            timeline.fold = Fold::from_snapshot(horizon, cues);
        }
        let targets = timeline
            .log
            .values()
            .filter_map(|logged| logged.cue.cue.target);
        for target in targets.collect::<Vec<_>>() {
            if let Some(logged) = timeline.log.get_mut(&target) {
                logged.taken_back = true;
            }
        }
        for SavedAnswer {
            age,
            request,
            receipt,
        } in saved.answers
        {
            timeline.reached(&receipt);
            timeline.receipts.restore(now, age, request, &receipt);
        }
        for (name, armed) in saved.armed {
            if let Armed::Fired(receipts) = &armed {
                receipts
                    .iter()
                    .for_each(|receipt| timeline.reached(receipt));
            }
            timeline.armed.insert(name, armed);
        }
        timeline
    }

    /// Leaves out the numbers up to `seq`. Cues that were told to viewers and not kept may have had
    /// them, and no number must ever mean two cues.
    pub fn skip_numbers(&mut self, seq: u64) {
        self.last_seq = self.last_seq.max(seq);
    }

    fn hold(&mut self, logged: LoggedCue) {
        let cue = &logged.cue.cue;
        self.last_seq = self.last_seq.max(cue.seq);
        let rev = self.revs.entry(cue.card_id.clone()).or_default();
        *rev = cue.rev.max(*rev);
        if logged.frame_pts.is_none() && cue.pts > self.highest {
            self.frames.watch(cue.pts, cue.seq);
        }
        self.fold.insert(Arc::clone(&logged.cue));
        self.log.insert(cue.seq, logged);
    }

    fn reached(&mut self, receipt: &Receipt) {
        self.last_seq = self.last_seq.max(receipt.cue.cue.seq);
    }
}
