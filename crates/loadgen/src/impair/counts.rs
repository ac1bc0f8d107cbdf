//! What became of the packets of one direction.

use std::time::Duration;

use serde_json::{Value, json};

use super::link::Why;

/// Delays are counted by the millisecond; longer ones as this many.
const DELAY_MS_MAX: usize = 10_000;

/// Counters of one direction, of one client or of all.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// What came in.
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) blocked: u64,
    pub(crate) lost: u64,
    pub(crate) queue_full: u64,
    /// No room to keep what is under way.
    pub(crate) overflowed: u64,
    /// The socket refused it.
    pub(crate) unsent: u64,
    /// What went out, copies included.
    pub(crate) delivered: u64,
    pub(crate) duplicated: u64,
    /// Delivered behind one that came in later.
    pub(crate) reordered: u64,
    /// How many were delivered after so many ms.
    delays: Vec<u64>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            packets: 0,
            bytes: 0,
            blocked: 0,
            lost: 0,
            queue_full: 0,
            overflowed: 0,
            unsent: 0,
            delivered: 0,
            duplicated: 0,
            reordered: 0,
            delays: vec![0; DELAY_MS_MAX + 1],
        }
    }
}

impl Counts {
    pub(crate) fn drop(&mut self, why: Why) {
        match why {
            Why::Blocked => self.blocked += 1,
            Why::Loss => self.lost += 1,
            Why::Queue => self.queue_full += 1,
        }
    }

    pub(crate) fn deliver(&mut self, after: Duration) {
        self.delivered += 1;
        let ms = usize::try_from(after.as_millis()).unwrap_or(DELAY_MS_MAX);
        self.delays[ms.min(DELAY_MS_MAX)] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.blocked += other.blocked;
        self.lost += other.lost;
        self.queue_full += other.queue_full;
        self.overflowed += other.overflowed;
        self.unsent += other.unsent;
        self.delivered += other.delivered;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        for (mine, theirs) in self.delays.iter_mut().zip(&other.delays) {
            *mine += theirs;
        }
    }

    fn dropped(&self) -> u64 {
        self.blocked + self.lost + self.queue_full + self.overflowed
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "packets": self.packets, "bytes": self.bytes, "delivered": self.delivered,
            "dropped": self.dropped(),
            "dropped_by": {
                "loss": self.lost, "queue": self.queue_full, "block": self.blocked, "overflow": self.overflowed,
            },
            "unsent": self.unsent, "duplicated": self.duplicated, "reordered": self.reordered,
            "delay_ms": { "p50": self.delay_ms(50), "p99": self.delay_ms(99), "max": self.delay_ms(100) },
        })
    }

    /// The delay that `percent` of what was delivered did not pass, by nearest rank.
    fn delay_ms(&self, percent: u64) -> Option<usize> {
        let rank = (self.delivered * percent).div_ceil(100).max(1);
        let mut passed = 0;
        self.delays.iter().position(|count| {
            passed += count;
            passed >= rank
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_told_by_nearest_rank() {
        let mut counts = Counts::default();
        assert_eq!(counts.to_json()["delay_ms"]["p50"], Value::Null);
        for ms in 1..=200 {
            counts.deliver(Duration::from_millis(ms));
        }
        counts.deliver(Duration::from_secs(60));
        let told = counts.to_json();
        assert_eq!(told["delay_ms"]["p50"], 101);
        assert_eq!(told["delay_ms"]["p99"], 199);
        assert_eq!(told["delay_ms"]["max"], DELAY_MS_MAX);
    }

    #[test]
    fn what_is_dropped_is_the_sum_of_its_reasons() {
        let mut one = Counts::default();
        one.drop(Why::Loss);
        one.drop(Why::Queue);
        let mut all = one.clone();
        all.drop(Why::Blocked);
        all.add(&one);
        let told = all.to_json();
        assert_eq!(told["dropped"], 5);
        assert_eq!(told["dropped_by"]["loss"], 2);
    }
}
