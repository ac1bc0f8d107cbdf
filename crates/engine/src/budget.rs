//! What of the machine may be spent on encoding pictures again, and on which streams it is spent.
//!
//! A new one is let in by what it is going to cost: its pixels a second, at the price that the others' children were seen to
//! pay for each. So the one that the machine cannot carry is refused before it makes the others late.

use std::{collections::BTreeMap, time::Duration};

use sfu::StreamId;

use crate::places::Places;

/// The shard's share of the processors.
#[derive(Debug)]
pub(crate) struct Budget {
    /// How many may be busy with it; 0 means that nothing is to be encoded again.
    cores: f64,
    /// Seconds of a core for each pixel.
    price: f64,
    taken: BTreeMap<StreamId, Share>,
    /// Of the children that make thumbnails.
    pub(crate) places: Places,
}

#[derive(Debug)]
struct Share {
    pixels_per_second: f64,
    /// As estimated, and then as measured.
    cores: f64,
}

impl Budget {
    pub(crate) const fn new(cores: f64, thumbnails_max: usize) -> Self {
        Self {
            cores,
            price: USUAL_PRICE,
            taken: BTreeMap::new(),
            places: Places::new(thumbnails_max),
        }
    }

    /// Whether this stream might be repaired, now or still.
    pub(crate) fn has_room(&self, stream: StreamId, pixels_per_second: f64) -> bool {
        let others = self.taken.iter().filter(|(of, _)| **of != stream);
        // A paused source takes nothing, for now.
        let costs = others.map(|(_, share)| share.cores.max(share.pixels_per_second * self.price));
        let known = self.taken.get(&stream);
        let is_in = known.is_some_and(|share| share.is_of(pixels_per_second));
        is_in || costs.sum::<f64>() + pixels_per_second * self.price <= self.cores
    }

    /// Whether this stream may be repaired, now or still.
    pub(crate) fn admit(&mut self, stream: StreamId, pixels_per_second: f64) -> bool {
        let has_room = self.has_room(stream, pixels_per_second);
        if !has_room {
            self.taken.remove(&stream);
            return false;
        }
        let known = self.taken.get(&stream);
        let same = known.is_some_and(|share| share.is_of(pixels_per_second));
        if !same {
            let share = Share {
                pixels_per_second,
                cores: pixels_per_second * self.price,
            };
            self.taken.insert(stream, share);
        }
        true
    }

    pub(crate) fn release(&mut self, stream: StreamId) {
        self.taken.remove(&stream);
    }

    /// A stream's child was busy for `used` of `span`.
    pub(crate) fn measured(&mut self, stream: StreamId, used: Duration, span: Duration) {
        let Some(share) = self.taken.get_mut(&stream) else {
            return;
        };
        let cores = used.as_secs_f64() / span.as_secs_f64().max(f64::EPSILON);
        share.cores += (cores - share.cores) * WEIGHT;
        // A paused source costs nothing, which says nothing of the price.
        let price = cores / share.pixels_per_second;
        if (USUAL_PRICE / 4.0..=USUAL_PRICE * 8.0).contains(&price) {
            self.price += (price - self.price) * WEIGHT;
        }
    }
}

impl Share {
    /// The same number, or another picture.
    fn is_of(&self, pixels_per_second: f64) -> bool {
        self.pixels_per_second.total_cmp(&pixels_per_second).is_eq()
    }
}

/// 0.6 of a core for 720p30: as measured, see docs/performance.md.
const USUAL_PRICE: f64 = 21e-9;
/// Of the newest measurement; they come every two seconds.
const WEIGHT: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    const HD: f64 = 1280.0 * 720.0 * 30.0;

    fn admitted(budget: &mut Budget, streams: std::ops::Range<u64>) -> usize {
        streams
            .filter(|stream| budget.admit(StreamId(*stream), HD))
            .count()
    }

    #[test]
    fn as_many_are_let_in_as_there_is_room_for() {
        let mut budget = Budget::new(1.5, 4);
        assert_eq!(admitted(&mut budget, 0..10), 2);
        // One that is in stays in, and one that leaves makes room.
        assert!(budget.admit(StreamId(0), HD));
        budget.release(StreamId(0));
        assert_eq!(admitted(&mut budget, 10..20), 1);
    }

    #[test]
    fn what_is_measured_is_the_price_of_the_next() {
        for (busy_ms, room) in [(500, 6), (2_000, 1)] {
            let mut budget = Budget::new(2.0, 4);
            assert!(budget.admit(StreamId(0), HD));
            for _ in 0..50 {
                let used = Duration::from_millis(busy_ms);
                budget.measured(StreamId(0), used, Duration::from_secs(2));
            }
            assert_eq!(admitted(&mut budget, 1..20), room, "{busy_ms} ms of 2 s");
        }
    }

    #[test]
    fn a_source_that_pauses_keeps_its_room() {
        let mut budget = Budget::new(1.5, 4);
        assert_eq!(admitted(&mut budget, 0..2), 2);
        for _ in 0..50 {
            budget.measured(StreamId(0), Duration::ZERO, Duration::from_secs(2));
        }
        assert_eq!(admitted(&mut budget, 2..9), 0);
        assert!(budget.has_room(StreamId(0), HD) && !budget.has_room(StreamId(9), HD));
    }

    #[test]
    fn a_stream_whose_picture_grows_asks_for_room_anew() {
        let mut budget = Budget::new(0.7, 4);
        assert!(budget.admit(StreamId(0), HD));
        assert!(!budget.admit(StreamId(0), 4.5 * HD));
        assert!(budget.admit(StreamId(1), HD), "it has left its place");
        // And what it costs is the price of what it has now.
        let mut budget = Budget::new(9.0, 4);
        assert!(budget.admit(StreamId(0), HD));
        assert!(budget.admit(StreamId(0), 4.5 * HD));
        for _ in 0..50 {
            budget.measured(
                StreamId(0),
                Duration::from_millis(5_200),
                Duration::from_secs(2),
            );
        }
        assert_eq!(admitted(&mut budget, 1..20), 11);
    }

    #[test]
    fn a_paused_source_makes_nothing_cheaper() {
        let mut budget = Budget::new(0.6, 4);
        assert!(budget.admit(StreamId(0), HD));
        for _ in 0..50 {
            budget.measured(StreamId(0), Duration::ZERO, Duration::from_secs(2));
        }
        budget.release(StreamId(0));
        assert_eq!(admitted(&mut budget, 1..20), 1);
    }

    #[test]
    fn none_is_let_in_where_there_is_to_be_none() {
        let mut budget = Budget::new(0.0, 4);
        assert_eq!(admitted(&mut budget, 0..10), 0);
    }
}
