//! When media come against when their stamps say: a network that does not keep up, a file that is pushed too fast, and a
//! clock that runs at another speed than this server's.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use media::time::span_to_ticks;

use crate::stream::judge::{recent::Finding, texts};

/// What LL-HLS players hold back with the default part target: whoever is at the live edge runs dry. Once it may happen to
/// any network; what grows second by second will not stop there.
const LATE: i64 = 90_000;
const GROWS: i64 = 50 * 90;
/// Too much also when it happens once.
const VERY_LATE: i64 = 2 * LATE;
/// So well it must go to be well again, and for so long.
const WELL: i64 = LATE / 2;
const WELL_FOR: usize = 10;
/// The best time of arrival is looked for this far back, so that a clock that drifts is not late.
const SLOTS_MAX: usize = 60;

/// Encoders send what they gathered while they connected. Until this long after the first frame, none counts as early.
const START: Duration = Duration::from_secs(5);
/// More is no such burst, but a file.
const AHEAD: i64 = 10 * 90_000;
/// It shows at once; later it is what was held up and comes now.
const AHEAD_WITHIN: Duration = Duration::from_secs(30);

/// Quartz is within 100 ppm. 29.97 frames a second stamped as 30 are 1000 ppm.
const DRIFT_PPM: i64 = 500;
const NO_DRIFT_PPM: i64 = DRIFT_PPM / 2;
/// The earliest arrival in so long has waited nowhere.
const DRIFT_WINDOW: Duration = Duration::from_secs(30);
/// Windows: five minutes and a point to begin at. Over a half of it 500 ppm are 75 ms.
const DRIFT_POINTS: usize = 11;

/// Of one second: how much later than the first frame promised the earliest and the latest one came; negative is early.
#[derive(Debug, Clone, Copy)]
struct Slot {
    least: i64,
    most: i64,
}

/// Arrivals of the track that leads.
#[derive(Debug)]
pub(super) struct Arrival {
    first: Option<(Instant, i64)>,
    has_started: bool,
    slot_began: Option<Instant>,
    slot: Option<Slot>,
    slots: VecDeque<Slot>,
    ahead: Option<i64>,
    drift: VecDeque<Point>,
}

/// The earliest arrival of a window.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// When the window began, since the first frame.
    began: Duration,
    least: i64,
}

impl Point {
    /// Ticks gained since, in millionths.
    fn ppm(self, earlier: Self) -> i64 {
        let span = span_to_ticks(self.began.saturating_sub(earlier.began)).max(1);
        (self.least - earlier.least) * 1_000_000 / span
    }
}

impl Arrival {
    pub(super) const fn new() -> Self {
        Self {
            first: None,
            has_started: false,
            slot_began: None,
            slot: None,
            slots: VecDeque::new(),
            ahead: None,
            drift: VecDeque::new(),
        }
    }

    pub(super) fn count(&mut self, now: Instant, stamp: i64) {
        let (first, first_stamp) = *self.first.get_or_insert((now, stamp));
        let passed = now.saturating_duration_since(first);
        let late = span_to_ticks(passed) - (stamp - first_stamp);
        if passed < AHEAD_WITHIN && late < -AHEAD {
            self.ahead = self.ahead.max(Some(-late));
        }
        let began = *self.slot_began.get_or_insert(now);
        if now.saturating_duration_since(began) >= Duration::from_secs(1) {
            self.end_slot(passed);
            self.slot_began = Some(now);
        }
        let late = if passed < START {
            late.max(0)
        } else {
            self.end_start(late);
            late
        };
        let Slot { least, most } = self.slot.unwrap_or(Slot {
            least: late,
            most: late,
        });
        self.slot = Some(Slot {
            least: least.min(late),
            most: most.max(late),
        });
    }

    /// What stays ahead after the start is on time there from now on.
    fn end_start(&mut self, late: i64) {
        if !self.has_started {
            self.has_started = true;
            if late < 0 {
                self.slots.clear();
                self.slot = None;
            }
        }
    }

    fn end_slot(&mut self, passed: Duration) {
        let Some(slot) = self.slot.take() else { return };
        if self.slots.len() == SLOTS_MAX {
            self.slots.pop_front();
        }
        self.slots.push_back(slot);
        if passed < 2 * START {
            return;
        }
        match self.drift.back_mut() {
            Some(point) if passed.saturating_sub(point.began) < DRIFT_WINDOW => {
                point.least = point.least.min(slot.least);
            }
            _ => {
                // One more than is judged: the newest is not whole yet.
                if self.drift.len() > DRIFT_POINTS {
                    self.drift.pop_front();
                }
                self.drift.push_back(Point {
                    began: passed,
                    least: slot.least,
                });
            }
        }
    }

    pub(super) fn slow(&self) -> Finding {
        let slots = self.slots.iter().chain(&self.slot);
        let Some(best) = slots.map(|slot| slot.least).min() else {
            return Finding::Open;
        };
        let newest = self.slots.iter().rev().take(WELL_FOR);
        // What was held up comes in one burst, whose last frame is not late any more.
        let now = self.slots.back().into_iter().chain(&self.slot);
        let worst = now.map(|slot| slot.most).max().unwrap_or(best) - best;
        if worst > VERY_LATE || worst > LATE && self.grows() {
            Finding::Wrong(texts::slow_uplink(worst))
        } else if newest.clone().count() == WELL_FOR
            && newest
                .chain(&self.slot)
                .all(|slot| slot.most - best <= WELL)
        {
            Finding::Fine
        } else {
            Finding::Open
        }
    }

    /// In each of the last seconds even the earliest frame came later than in the one before.
    fn grows(&self) -> bool {
        let last = self.slots.range(self.slots.len().saturating_sub(4)..);
        let steps = last.clone().zip(last.skip(1));
        let growing = steps.filter(|(before, after)| after.least - before.least > GROWS);
        growing.count() == 3
    }

    /// Nothing takes this back: the timeline is ahead of the world for good.
    pub(super) fn fast(&self) -> Finding {
        self.ahead.map_or(Finding::Open, |ahead| {
            Finding::Wrong(texts::faster_than_real_time(ahead))
        })
    }

    pub(super) fn drifts(&self) -> Finding {
        if self.drift.len() <= DRIFT_POINTS || self.ahead.is_some() {
            return Finding::Open;
        }
        let (first, middle, last) = (
            self.drift[0],
            self.drift[DRIFT_POINTS / 2],
            self.drift[DRIFT_POINTS - 1],
        );
        let (a, b) = (middle.ppm(first), last.ppm(middle));
        let whole = last.ppm(first);
        // Both halves agree: one change of the network's way is no drift.
        let lasts = a.signum() == b.signum() && a.abs().min(b.abs()) > DRIFT_PPM;
        if lasts {
            Finding::Wrong(texts::clock_drift(whole))
        } else if whole.abs() < NO_DRIFT_PPM {
            Finding::Fine
        } else {
            Finding::Open
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "an Instant has no other constructor; the test moves it itself"
)]
mod tests {
    use super::*;

    /// 25 frames a second, the n-th at `at(n)` milliseconds; the first moment at which each verdict was there.
    fn told(
        frames: i64,
        find: fn(&Arrival) -> Finding,
        at: impl Fn(i64) -> i64,
    ) -> (Option<i64>, Finding) {
        let (mut arrival, start) = (Arrival::new(), Instant::now());
        let mut first = None;
        for n in 0..frames {
            let ms = at(n);
            arrival.count(start + Duration::from_millis(ms.unsigned_abs()), n * 3_600);
            if first.is_none() && matches!(find(&arrival), Finding::Wrong(_)) {
                first = Some(ms);
            }
        }
        (first, find(&arrival))
    }

    #[test]
    fn a_line_that_carries_three_quarters_is_told_within_five_seconds() {
        let (first, _) = told(200, Arrival::slow, |n| n * 40 * 4 / 3);
        assert!(first.is_some_and(|ms| ms < 5_000), "{first:?}");
    }

    #[test]
    fn a_stall_is_told_when_its_media_come_and_taken_back_when_it_goes_well_again() {
        // From 20 s on nothing for 3 s; then all of it at once.
        let at = |n: i64| {
            if (500..575).contains(&n) {
                23_000
            } else {
                n * 40
            }
        };
        let (first, _) = told(590, Arrival::slow, at);
        assert_eq!(first, Some(23_000));
        assert_eq!(told(640, Arrival::slow, at).1, Finding::Open);
        assert_eq!(told(900, Arrival::slow, at).1, Finding::Fine);
    }

    #[test]
    fn once_a_second_and_a_half_is_borne() {
        let at = |n: i64| {
            if (500..538).contains(&n) {
                21_520
            } else {
                n * 40
            }
        };
        assert_eq!(told(900, Arrival::slow, at), (None, Finding::Fine));
        // Nor does a longer way from now on grow.
        let longer = |n: i64| n * 40 + if n > 500 { 1_500 } else { 0 };
        assert_eq!(told(900, Arrival::slow, longer).0, None);
    }

    #[test]
    fn jitter_a_burst_at_the_start_and_a_pause_after_it_are_not_slow() {
        // Up to 400 ms of jitter.
        assert_eq!(
            told(2_000, Arrival::slow, |n| n * 40 + n * 37 % 400).0,
            None
        );
        // Three seconds at once, evened out by a pause; and kept ahead for ever.
        let burst = |n: i64| if n < 75 { 0 } else { n * 40 };
        assert_eq!(told(2_000, Arrival::slow, burst), (None, Finding::Fine));
        let ahead = |n: i64| if n < 75 { 0 } else { n * 40 - 3_000 };
        assert_eq!(told(2_000, Arrival::slow, ahead), (None, Finding::Fine));
        for find in [Arrival::fast, Arrival::drifts] {
            assert_eq!(told(12_000, find, burst).0, None);
            assert_eq!(told(12_000, find, ahead).0, None);
        }
    }

    #[test]
    fn a_file_pushed_at_ten_times_its_speed_is_told_and_a_stall_made_good_is_not() {
        let (first, last) = told(1_000, Arrival::fast, |n| n * 4);
        assert!(first.is_some_and(|ms| ms < 2_000), "{first:?}");
        assert!(matches!(last, Finding::Wrong(_)));
        let stall = |n: i64| {
            if (500..875).contains(&n) {
                35_000
            } else {
                n * 40
            }
        };
        assert_eq!(told(2_000, Arrival::fast, stall).0, None);
    }

    #[test]
    fn a_thousandth_is_a_drift_and_what_quartz_does_is_none() {
        // Ten minutes; jitter of up to 60 ms on all of it.
        let at = |ppm: i64| move |n: i64| n * 40 + n * 40 * ppm / 1_000_000 + n * 37 % 60;
        for ppm in [1_000, -1_000] {
            let (first, last) = told(15_000, Arrival::drifts, at(ppm));
            assert!(first.is_some_and(|ms| ms < 360_000), "{first:?}");
            let Finding::Wrong(verdict) = last else {
                panic!("{ppm}");
            };
            assert!(
                verdict.found.contains("60 ms a minute") || verdict.found.contains("59 ms"),
                "{}",
                verdict.found
            );
        }
        for ppm in [0, 100, -100] {
            assert_eq!(
                told(15_000, Arrival::drifts, at(ppm)),
                (None, Finding::Fine),
                "{ppm}"
            );
        }
        // Hours of it are not slow either.
        assert_eq!(told(300_000, Arrival::slow, at(200)).0, None);
    }

    #[test]
    fn another_way_through_the_network_is_no_drift() {
        let step = |n: i64| n * 40 + if n > 5_000 { 300 } else { 0 };
        assert_eq!(told(15_000, Arrival::drifts, step).0, None);
    }
}
