//! Whether a child keeps up with its source, and how long none is tried after one that did not.

use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Lag {
    /// Its pictures came too late since then.
    late_since: Option<Instant>,
    /// They came in time since then.
    well_since: Option<Instant>,
    rest: Duration,
}

impl Lag {
    pub(super) const fn new() -> Self {
        Self {
            late_since: None,
            well_since: None,
            rest: REST_MIN,
        }
    }

    /// Another child, or another source.
    pub(super) const fn begin(&mut self) {
        (self.late_since, self.well_since) = (None, None);
    }

    /// A picture has come from the child, so far behind the newest that it was given. Whether it is too slow: what a source
    /// sends in one burst, after its line was down, a child has not coded at once, and still keeps up.
    pub(super) fn is_too_slow(&mut self, now: Instant, behind: i64) -> bool {
        let lasts = |since: &mut Option<Instant>, span| {
            now.saturating_duration_since(*since.get_or_insert(now)) >= span
        };
        if behind > LAG_MAX_TICKS {
            self.well_since = None;
            return lasts(&mut self.late_since, LATE_FOR);
        }
        self.late_since = None;
        if lasts(&mut self.well_since, WELL_FOR) {
            self.rest = REST_MIN;
        }
        false
    }

    /// How long none is to be tried now: longer each time.
    pub(super) fn rest(&mut self) -> Duration {
        let rest = self.rest;
        self.rest = (rest * 2).min(REST_MAX);
        rest
    }
}

/// Further behind than anybody accepts.
const LAG_MAX_TICKS: i64 = 2 * 90_000;
/// And for longer than a busy second explains.
const LATE_FOR: Duration = Duration::from_secs(2);
/// The machine can do it after all.
const WELL_FOR: Duration = Duration::from_secs(60);
/// Other work may have been in the way, at first.
pub(super) const REST_MIN: Duration = Duration::from_secs(10);
const REST_MAX: Duration = Duration::from_secs(300);
