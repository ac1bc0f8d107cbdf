//! Proof of delivery: how many viewers a cue was sent to, acknowledged by, and painted by.
//!
//! One [`Ledger`] for each stream and way to its viewers, one [`Viewer`] for each session on it. What
//! is counted is counted once for a cue and session; memory is fixed: the newest [`CUES_MAX`] cues,
//! and three bitmaps a session. What players say of themselves is judged by what can be true and
//! otherwise left out: nobody can count for a cue that was not sent to them, or twice.
//!
//! It does not know what sends, and holds no clock.

mod window;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use media::{Pts, time};

use crate::painted::Painted;
use window::Window;

/// Cues that are remembered, the newest ones: at one every seven seconds half an hour.
pub const CUES_MAX: u64 = 256;

/// Upper bounds of the buckets of lateness, milliseconds; one more bucket holds what is past them.
pub const LATENESS_BOUNDS_MS: [u64; 8] = [0, 20, 50, 100, 200, 500, 1_000, 5_000];

/// Upper bounds of the buckets of frame errors, frames; one more bucket holds what is past them.
pub const FRAME_ERROR_BOUNDS: [u64; 6] = [0, 1, 2, 5, 10, 30];

/// How far past the newest frame known here a presented frame can lie: what is known of it may be a
/// heartbeat old.
const AHEAD_MAX: Duration = Duration::from_secs(3);

/// Reports: one a second, and as many at once as may wait for a player that was cut off.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const REPORT_BURST: u32 = 5;

/// The numbers of one cue on one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Sessions there were when the cue was accepted.
    pub sessions: u64,
    /// Sessions it was sent to, later ones too.
    pub sent: u64,
    /// Sessions whose transport acknowledged it.
    pub acknowledged: u64,
    /// Complete fetches of media that carries it.
    pub fetched: u64,
    /// Sessions whose player says it has rendered it.
    pub painted: u64,
    /// Of those, how many had it too late for its frame.
    pub late: u64,
    /// Painted, by how late, in buckets of [`LATENESS_BOUNDS_MS`].
    pub lateness: [u64; LATENESS_BOUNDS_MS.len() + 1],
    /// Painted, by how many frames after the first one that should have shown it, in buckets of
    /// [`FRAME_ERROR_BOUNDS`].
    pub frame_error: [u64; FRAME_ERROR_BOUNDS.len() + 1],
}

/// What one player's word on one cue was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Counted {
        /// Frames between the first one that should have shown the cue and the one that did.
        frame_error: u64,
        /// How late the cue was known.
        late: Duration,
    },
    /// It has been said before.
    Repeated,
    /// It cannot be true, or not be checked.
    Refused(Refused),
}

/// Why a player's word is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is no report.
    Malformed,
    /// Reports come faster than one a second.
    TooMany,
    /// The cue was not sent to this session.
    NotSent,
    /// The cue is older than what is remembered, or there never was one.
    Forgotten,
    /// No player can have presented such frames: before the threshold, ahead of the stream, or in
    /// another order.
    Impossible,
}

impl Refused {
    /// Its name in the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooMany => "too_many",
            Self::NotSent => "not_sent",
            Self::Forgotten => "forgotten",
            Self::Impossible => "impossible",
        }
    }
}

/// What one session was sent and has said.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    sent: Window,
    acknowledged: Window,
    painted: Window,
    /// When the session may again say as much at once as is allowed.
    quiet_at: Option<Instant>,
}

impl Viewer {
    /// Whether the session may report now; takes it into account if so.
    pub fn may_report(&mut self, now: Instant) -> bool {
        let from = self.quiet_at.map_or(now, |at| at.max(now));
        let may = from.saturating_duration_since(now) <= REPORT_INTERVAL * (REPORT_BURST - 1);
        if may {
            self.quiet_at = from.checked_add(REPORT_INTERVAL);
        }
        may
    }
}

/// The newest cues of one stream on one way.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// In the order of their numbers.
    cues: VecDeque<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    seq: u64,
    threshold: Pts,
    frame_ticks: i64,
    tally: Tally,
}

impl Ledger {
    /// A cue was accepted while there were `sessions`; a frame lasts `frame_ticks`.
    pub fn accept(&mut self, seq: u64, threshold: Pts, frame_ticks: i64, sessions: usize) {
        if self.cues.back().is_some_and(|newest| newest.seq >= seq) {
            return;
        }
        if self.cues.len() as u64 == CUES_MAX {
            self.cues.pop_front();
        }
        self.cues.push_back(Entry {
            seq,
            threshold,
            frame_ticks: frame_ticks.max(1),
            tally: Tally {
                sessions: sessions as u64,
                ..Tally::default()
            },
        });
    }

    /// Cues were sent to a session; how many of them for the first time.
    pub fn sent(&mut self, viewer: &mut Viewer, seqs: &[u64]) -> u64 {
        self.count(seqs, |seq| viewer.sent.insert(seq), |tally| &mut tally.sent)
    }

    /// A session's transport has acknowledged cues; how many of them for the first time.
    pub fn acknowledged(&mut self, viewer: &mut Viewer, seqs: &[u64]) -> u64 {
        let is_new = |seq| viewer.acknowledged.insert(seq);
        self.count(seqs, is_new, |tally| &mut tally.acknowledged)
    }

    /// Media that carries cues was fetched as a whole; `ids` are the low 32 bits of their numbers, as
    /// [`emsg`](crate::emsg) has them. How many of them are remembered.
    pub fn fetched(&mut self, ids: &[u32]) -> u64 {
        let newest = self.cues.back().map_or(0, |entry| entry.seq);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the low bits are what is wanted"
        )]
        let back = |id: u32| u64::from((newest as u32).wrapping_sub(id));
        let mut count = 0;
        for id in ids {
            let seq = newest.checked_sub(back(*id));
            if let Some(entry) = seq.and_then(|seq| self.entry(seq)) {
                entry.tally.fetched += 1;
                count += 1;
            }
        }
        count
    }

    /// A player says that it has rendered a cue. `live` is the newest frame known.
    pub fn painted(&mut self, viewer: &mut Viewer, live: Pts, said: Painted) -> Verdict {
        let Some(entry) = self.entry(said.seq) else {
            return Verdict::Refused(Refused::Forgotten);
        };
        if !viewer.sent.contains(said.seq) {
            return Verdict::Refused(Refused::NotSent);
        }
        if !is_possible(entry.threshold, live, &said) {
            return Verdict::Refused(Refused::Impossible);
        }
        if !viewer.painted.insert(said.seq) {
            return Verdict::Repeated;
        }
        let ticks = said.pts.since(said.first);
        let frame_error = ticks.saturating_add(entry.frame_ticks / 2) / entry.frame_ticks;
        let frame_error = u64::try_from(frame_error).unwrap_or(0);
        let tally = &mut entry.tally;
        tally.painted += 1;
        tally.late += u64::from(said.late_ms > 0);
        tally.lateness[bucket(&LATENESS_BOUNDS_MS, said.late_ms)] += 1;
        tally.frame_error[bucket(&FRAME_ERROR_BOUNDS, frame_error)] += 1;
        Verdict::Counted {
            frame_error,
            late: Duration::from_millis(said.late_ms),
        }
    }

    /// The numbers of a cue; `None` when it is not remembered.
    pub fn tally(&self, seq: u64) -> Option<Tally> {
        let at = self.place(seq)?;
        self.cues.get(at).map(|entry| entry.tally)
    }

    fn count(
        &mut self,
        seqs: &[u64],
        mut is_new: impl FnMut(u64) -> bool,
        count: impl Fn(&mut Tally) -> &mut u64,
    ) -> u64 {
        let mut counted = 0;
        for seq in seqs {
            if let Some(entry) = self.entry(*seq).filter(|_| is_new(*seq)) {
                *count(&mut entry.tally) += 1;
                counted += 1;
            }
        }
        counted
    }

    fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        let at = self.place(seq)?;
        self.cues.get_mut(at)
    }

    fn place(&self, seq: u64) -> Option<usize> {
        self.cues.binary_search_by_key(&seq, |entry| entry.seq).ok()
    }
}

/// Frames at or past the threshold, in order, that the stream has reached; and a lateness that fits
/// between them.
fn is_possible(threshold: Pts, live: Pts, said: &Painted) -> bool {
    let order = threshold <= said.first && said.first <= said.pts;
    let reached = said.pts <= live.after(AHEAD_MAX);
    // Frames went without it from the first one on, at most until the one that has it.
    let span = time::ticks_to_span(said.pts.since(threshold));
    order && reached && Duration::from_millis(said.late_ms) <= span + Duration::from_millis(1)
}

fn bucket(bounds: &[u64], value: u64) -> usize {
    bounds.partition_point(|bound| *bound < value)
}

#[cfg(test)]
mod tests;
