//! When a frame was captured, for sender reports.
//!
//! A browser plays audio and video in sync by their sender reports (RFC 3550 section 6.4.1), each
//! of which ties an RTP timestamp to a wall clock. str0m extrapolates them from the instant given
//! with the last packet, so both tracks of a stream must take that instant from one line: capture =
//! zero + pts, whenever the packet was really sent. A packet out of the cache, seconds old, then
//! says the same as a live one.

use std::time::{Duration, Instant};

use media::{
    Pts,
    time::{span_to_ticks, ticks_to_span},
};

/// The line `capture = zero + pts` of one stream.
#[derive(Debug)]
pub(crate) struct CaptureClock {
    /// A frame with this pts was captured at this instant.
    at: Instant,
    pts: Pts,
    /// The least that frames lagged behind their capture since `window_start`.
    lag_min: Duration,
    window_start: Instant,
}

impl CaptureClock {
    /// A line through the stream's first frame, here since `now`.
    pub(crate) fn new(now: Instant, pts: Pts) -> Self {
        Self {
            at: before(now, LAG),
            pts,
            lag_min: LAG,
            window_start: now,
        }
    }

    /// A live frame has arrived. Moves the line when the publisher's clock has drifted out of
    /// bounds: str0m takes no capture in the future, and GStreamer no report more than a second
    /// ahead of the media.
    pub(crate) fn observe(&mut self, now: Instant, pts: Pts) {
        let Some(lag) = now.checked_duration_since(self.capture(pts)) else {
            *self = Self::new(now, pts);
            return;
        };
        self.lag_min = self.lag_min.min(lag);
        if now.saturating_duration_since(self.window_start) < WINDOW {
            return;
        }
        if !(LAG_MIN..=LAG_MAX).contains(&self.lag_min) {
            // The frame with the least lag was captured LAG before it came.
            let excess = span_to_ticks(self.lag_min).saturating_sub(span_to_ticks(LAG));
            self.pts = self.pts.offset(excess.saturating_neg());
        }
        self.lag_min = lag;
        self.window_start = now;
    }

    /// When the frame was captured.
    pub(crate) fn capture(&self, pts: Pts) -> Instant {
        let ticks = pts.since(self.pts);
        if ticks < 0 {
            return before(self.at, ticks_to_span(ticks.saturating_neg()));
        }
        self.at.checked_add(ticks_to_span(ticks)).unwrap_or(self.at)
    }
}

/// `instant` itself where the clock cannot reach back so far.
fn before(instant: Instant, span: Duration) -> Instant {
    instant.checked_sub(span).unwrap_or(instant)
}

/// What a frame is taken to have needed from the camera to here. Room for frames that later come
/// sooner.
const LAG: Duration = Duration::from_millis(400);
const LAG_MIN: Duration = Duration::from_millis(100);
const LAG_MAX: Duration = Duration::from_millis(700);
/// Long enough that a publisher's stall is not taken for drift: only the least lag counts.
const WINDOW: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "where virtual time begins does not matter"
    )]
    fn start() -> Instant {
        Instant::now() + Duration::from_secs(3_600)
    }

    /// A publisher whose clock runs `ppm` fast, its frames up to `jitter_ms` late: the lags seen,
    /// in milliseconds.
    fn lags(ppm: i64, jitter_ms: u64, minutes: i64) -> Vec<u128> {
        let start = start();
        let mut clock = CaptureClock::new(start, Pts(900_000));
        (0..minutes * 60 * 30)
            .map(|n| {
                let pts = Pts(900_000 + n * 3_000 + n * 3_000 * ppm / 1_000_000);
                let late = Duration::from_millis(u64::try_from(n).unwrap() * 7 % (jitter_ms + 1));
                let now = start + ticks_to_span(n * 3_000) + late;
                clock.observe(now, pts);
                now.duration_since(clock.capture(pts)).as_millis()
            })
            .collect()
    }

    #[test]
    fn a_true_clock_keeps_one_line_for_ever() {
        let seen = lags(0, 0, 60);
        assert!(seen.iter().all(|lag| *lag == 400), "{:?}", &seen[..10]);
    }

    #[test]
    fn drift_either_way_stays_within_bounds_also_with_jitter() {
        for ppm in [-5_000, -300, 300, 5_000] {
            let seen = lags(ppm, 150, 60);
            let (min, max) = (seen.iter().min().unwrap(), seen.iter().max().unwrap());
            assert!(*max < 1_000, "{ppm} ppm: {max} ms");
            assert!(*min < 600, "{ppm} ppm: {min} ms");
        }
    }

    #[test]
    fn frames_of_the_past_and_of_a_reconnected_publisher_have_their_place() {
        let start = start();
        let mut clock = CaptureClock::new(start, Pts(900_000));
        assert_eq!(clock.capture(Pts(0)), start - LAG - Duration::from_secs(10));
        assert_eq!(
            clock.capture(Pts(i64::MIN)),
            clock.capture(Pts(i64::MIN)),
            "no panic"
        );
        let jump = Pts(900_000 + 90_000 * 3_600);
        clock.observe(start, jump);
        assert_eq!(
            clock.capture(jump),
            start - LAG,
            "a future is never claimed"
        );
    }
}
