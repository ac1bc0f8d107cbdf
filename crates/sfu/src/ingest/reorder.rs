//! Packets in their order: a gap is waited for, then given up (RFC 3550 appendix A.1).

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Puts one sender's packets into order. The first packet to come begins it.
#[derive(Debug)]
pub(crate) struct Reorder<T> {
    /// What came and was not given yet; all at or past `next`.
    held: BTreeMap<u64, Held<T>>,
    /// The number to give next; `None` before the first packet.
    next: Option<u64>,
    newest: u64,
    /// A packet from nowhere near; a second one after it makes a new beginning.
    stray: Option<(u64, T)>,
    restarted: bool,
    wait: Duration,
    held_max: usize,
    counters: ReorderCounters,
}

#[derive(Debug)]
struct Held<T> {
    /// When the gap before it, if there is one, could first be seen.
    noticed: Instant,
    item: T,
}

/// What comes out, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Popped<T> {
    /// The next packet.
    Packet {
        /// Its extended sequence number.
        seq: u64,
        /// What was pushed with it.
        item: T,
    },
    /// Packets that did not come in time; the one after them is next.
    Gap {
        /// How many.
        missing: u64,
    },
    /// The sender began anew at another number. What was held of the old run is gone, and what the
    /// new one lost before its first packet nobody knows: treat it as a gap.
    Restart,
}

/// What happened to packets that were not given, since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReorderCounters {
    /// Came while the same number was held.
    pub(crate) duplicates: u64,
    /// Came after their number was given or given up.
    pub(crate) late: u64,
    /// Given up.
    pub(crate) missing: u64,
    /// Dropped because their number made no sense, or with the old run at a restart.
    pub(crate) strays: u64,
    /// New beginnings.
    pub(crate) restarts: u64,
}

impl<T> Reorder<T> {
    /// Waits `wait` for a missing packet, and holds at most `held_max` packets meanwhile: past that
    /// the oldest gap is given up.
    pub(crate) fn new(wait: Duration, held_max: usize) -> Self {
        Self {
            held: BTreeMap::new(),
            next: None,
            newest: 0,
            stray: None,
            restarted: false,
            wait,
            held_max,
            counters: ReorderCounters::default(),
        }
    }

    /// How long a gap is waited for from now on, those already seen included. A packet asked for
    /// again takes a round trip and the time until it was missed.
    pub(crate) const fn set_wait(&mut self, wait: Duration) {
        self.wait = wait;
    }

    /// What was dropped so far.
    pub(crate) const fn counters(&self) -> ReorderCounters {
        self.counters
    }

    /// Takes a packet by its extended sequence number. Pop afterwards until nothing comes.
    pub(crate) fn push(&mut self, now: Instant, seq: u64, item: T) {
        let next = *self.next.get_or_insert_with(|| {
            self.newest = seq;
            seq
        });
        let is_ahead = seq > self.newest.saturating_add(JUMP_MAX);
        let is_behind = seq.saturating_add(JUMP_MAX) < next;
        if is_ahead || is_behind {
            self.push_stray(now, seq, item);
        } else if seq < next {
            self.counters.late += 1;
        } else {
            self.hold(now, seq, item);
        }
    }

    /// Appendix A.1: "Two sequential packets -- assume that the other side restarted without
    /// telling us so just re-sync". One alone is a packet of somebody else's, or damaged.
    fn push_stray(&mut self, now: Instant, seq: u64, item: T) {
        let Some((before, earlier)) = self.stray.take() else {
            self.stray = Some((seq, item));
            return;
        };
        if before.checked_add(1) != Some(seq) {
            self.counters.strays += 1;
            self.stray = Some((seq, item));
            return;
        }
        self.counters.restarts += 1;
        self.counters.strays += self.held.len() as u64;
        self.held.clear();
        self.restarted = true;
        self.next = Some(before);
        self.newest = before;
        self.hold(now, before, earlier);
        self.hold(now, seq, item);
    }

    fn hold(&mut self, now: Instant, seq: u64, item: T) {
        if self.held.contains_key(&seq) {
            self.counters.duplicates += 1;
            return;
        }
        if self.held.len() > self.held_max {
            // Only when nobody pops.
            self.counters.strays += 1;
            return;
        }
        // A packet that fills a part of a gap leaves the rest of it as old as it is.
        let after = self.held.range(seq..).next();
        let noticed = after.map_or(now, |(_, after)| after.noticed);
        self.newest = self.newest.max(seq);
        self.held.insert(seq, Held { noticed, item });
    }

    /// The next packet, or the gap that is given up before it.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Popped<T>> {
        if std::mem::take(&mut self.restarted) {
            return Some(Popped::Restart);
        }
        let is_full = self.held.len() > self.held_max;
        let deadline = self.deadline();
        let first = self.held.first_entry()?;
        let seq = *first.key();
        let missing = seq - self.next.unwrap_or(seq);
        if missing == 0 {
            self.next = Some(seq.saturating_add(1));
            let item = first.remove().item;
            return Some(Popped::Packet { seq, item });
        }
        if is_full || deadline.is_some_and(|deadline| deadline <= now) {
            self.next = Some(seq);
            self.counters.missing += missing;
            return Some(Popped::Gap { missing });
        }
        None
    }

    /// When the gap in front of what is held is given up: pop then. `None` when nothing is held
    /// back.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let (seq, first) = self.held.first_key_value()?;
        if self.next == Some(*seq) {
            return Some(first.noticed);
        }
        first.noticed.checked_add(self.wait)
    }
}

/// Appendix A.1, `MAX_DROPOUT`: "a maximum dropout of 3000" is a minute of loss at 50 packets a
/// second, and ten seconds at 300. Its `MAX_MISORDER` of 100 would take a repaired packet of a
/// second ago for a restart.
const JUMP_MAX: u64 = 3_000;

#[cfg(test)]
mod tests;
