//! Which streams may have a child for their thumbnails: so many at once, first come, first served.
//!
//! A child that has nothing to do gives its place up when others stand in line, but not at once: to start one costs more
//! than to make a picture.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use sfu::StreamId;

/// The shard's places.
#[derive(Debug)]
pub(crate) struct Places {
    places_max: usize,
    taken: BTreeMap<StreamId, Place>,
    /// In the order in which they came.
    line: VecDeque<StreamId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Busy,
    IdleSince(Instant),
    /// Its child is on its way out.
    Leaving,
}

impl Places {
    pub(crate) const fn new(places_max: usize) -> Self {
        Self {
            places_max,
            taken: BTreeMap::new(),
            line: VecDeque::new(),
        }
    }

    /// Whether `stream` has a place, or has one now; else it stands in line for one.
    pub(crate) fn take(&mut self, stream: StreamId) -> bool {
        match self.taken.get(&stream) {
            Some(Place::Busy | Place::IdleSince(_)) => return true,
            Some(Place::Leaving) | None => {}
        }
        if !self.line.contains(&stream) {
            self.line.push_back(stream);
        }
        let fits = self.line.front() == Some(&stream) && self.taken.len() < self.places_max;
        if fits {
            self.line.pop_front();
            self.taken.insert(stream, Place::Busy);
        }
        fits
    }

    /// It does not stand in line any more.
    pub(crate) fn step_out(&mut self, stream: StreamId) {
        self.line.retain(|other| *other != stream);
    }

    pub(crate) fn busy(&mut self, stream: StreamId) {
        self.change(stream, Place::Busy);
    }

    pub(crate) fn idle(&mut self, stream: StreamId, now: Instant) {
        self.change(stream, Place::IdleSince(now));
    }

    /// Its child has been told to go.
    pub(crate) fn leaving(&mut self, stream: StreamId) {
        self.change(stream, Place::Leaving);
    }

    /// Its child is gone.
    pub(crate) fn leave(&mut self, stream: StreamId) {
        self.taken.remove(&stream);
    }

    /// Whether `stream` is to give its place to somebody in line.
    pub(crate) fn is_wanted_back(&self, stream: StreamId, now: Instant) -> bool {
        let idle_since = |place: &Place| match place {
            Place::IdleSince(at) => Some(*at),
            Place::Busy | Place::Leaving => None,
        };
        let Some(since) = self.taken.get(&stream).and_then(idle_since) else {
            return false;
        };
        let leaving = self.taken.values().filter(|it| **it == Place::Leaving);
        let free = self.places_max.saturating_sub(self.taken.len());
        let lacking = self.line.len().saturating_sub(free + leaving.count());
        let others = self.taken.iter();
        let before = others
            .filter(|(id, place)| idle_since(place).is_some_and(|at| (at, **id) < (since, stream)))
            .count();
        before < lacking && now.saturating_duration_since(since) >= IDLE_MIN
    }

    fn change(&mut self, stream: StreamId, to: Place) {
        if let Some(place) = self.taken.get_mut(&stream) {
            *place = to;
        }
    }
}

/// To start one and have its first picture takes 0.15 to 0.25 s of a core: so at most a tenth of a core for each place.
const IDLE_MIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    const A: StreamId = StreamId(1);
    const B: StreamId = StreamId(2);
    const C: StreamId = StreamId(3);
    const D: StreamId = StreamId(4);

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
    fn zero() -> Instant {
        Instant::now()
    }

    #[test]
    fn who_came_first_is_served_first() {
        let mut places = Places::new(2);
        assert!(places.take(A) && places.take(B) && places.take(A));
        assert!(!places.take(C) && !places.take(D));
        places.leave(A);
        assert!(!places.take(D), "it is C's turn");
        assert!(places.take(C));
        places.leave(B);
        places.step_out(D);
        assert!(places.take(A), "who has stepped out is not waited for");
    }

    #[test]
    fn a_place_that_is_not_used_goes_to_who_waits_for_it() {
        let (mut places, now) = (Places::new(2), zero());
        assert!(places.take(A) && places.take(B));
        places.idle(A, now + Duration::from_millis(1));
        places.idle(B, now);
        let later = now + IDLE_MIN * 2;
        assert!(!places.is_wanted_back(B, later), "nobody waits");
        assert!(!places.take(C));
        assert!(!places.is_wanted_back(B, now + IDLE_MIN / 2), "not at once");
        assert!(places.is_wanted_back(B, later));
        assert!(!places.is_wanted_back(A, later), "one is enough");
        places.leaving(B);
        assert!(!places.is_wanted_back(A, later), "and is on its way");
        assert!(!places.take(B), "who leaves stands in line again");
        assert!(places.is_wanted_back(A, later), "now two wait");
        places.busy(A);
        assert!(!places.is_wanted_back(A, later), "it has work");
        places.leave(B);
        assert!(places.take(C));
    }

    #[test]
    fn where_there_are_to_be_none_there_are_none() {
        let mut places = Places::new(0);
        assert!(!places.take(A));
    }
}
