//! When a packet of sound goes on its way: evenly, as it was made, and not in the bunches it came in.
//!
//! Publishers send sound between their pictures, and AAC's 21.3 ms do not fit into Opus's 20: a
//! packet comes up to 30 ms later than the one before would have it. Every browser buffers sound
//! against that jitter and then holds the picture back to match, so it costs all viewers two to
//! three times what it costs to even it out here, once.

use std::time::{Duration, Instant};

/// The recent lateness of one track's packets.
#[derive(Debug)]
pub(crate) struct Dejitter {
    /// Least and most lateness since `window_start`, and in the window before.
    seen: [(Duration, Duration); 2],
    window_start: Instant,
    /// When the last packet was let go.
    last: Instant,
}

impl Dejitter {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            seen: [NOTHING; 2],
            window_start: now,
            last: now,
        }
    }

    /// When to send a packet that was captured at `capture` and has come now: as late as the
    /// latest of late, but no later than [`HOLD_MAX`] after the most punctual. One that comes
    /// later than that goes at once.
    pub(crate) fn release(&mut self, now: Instant, capture: Instant) -> Instant {
        let lateness = now.saturating_duration_since(capture);
        if now.saturating_duration_since(self.window_start) >= WINDOW {
            self.seen = [NOTHING, self.seen[0]];
            self.window_start = now;
        }
        let (least, most) = &mut self.seen[0];
        *least = lateness.min(*least);
        *most = lateness.max(*most);
        let least = self.seen[0].0.min(self.seen[1].0);
        let most = self.seen[0].1.max(self.seen[1].1);
        let release = capture + most.min(least + HOLD_MAX);
        self.last = release.max(now).max(self.last);
        self.last
    }
}

/// How long a packet is held at most.
const HOLD_MAX: Duration = Duration::from_millis(40);
/// A publisher's pattern of sound between pictures repeats within a second.
const WINDOW: Duration = Duration::from_secs(5);
const NOTHING: (Duration, Duration) = (Duration::MAX, Duration::ZERO);

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_millis(400);

    #[expect(
        clippy::disallowed_methods,
        reason = "where virtual time begins does not matter"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    /// Packets of 20 ms, each as many milliseconds late as `late` says: when each goes, in
    /// milliseconds after its capture and [`LAG`].
    fn sent(late: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let start = start();
        let mut dejitter = Dejitter::new(start);
        let mut last = start;
        let went = late.into_iter().zip(0..).map(|(late, n)| {
            let capture = start + Duration::from_millis(20 * n);
            let now = capture + LAG + Duration::from_millis(late);
            let at = dejitter.release(now, capture);
            assert!(at >= now && at >= last, "never early, never out of order");
            last = at;
            u64::try_from((at - capture - LAG).as_millis()).unwrap()
        });
        went.collect()
    }

    #[test]
    fn sound_that_comes_in_bunches_goes_evenly() {
        // Ten seconds of AAC between pictures.
        let went = sent((0..500).map(|n| n * 7 % 31));
        assert_eq!(went[40..], [30; 460]);
        assert!(went.iter().all(|late| *late <= 30));
    }

    #[test]
    fn even_sound_is_not_held() {
        assert_eq!(sent([7; 500]), [7; 500]);
    }

    #[test]
    fn one_late_packet_costs_the_others_a_bounded_hold_for_a_bounded_time() {
        let late = |n| if n == 100 { 900 } else { 5 };
        let went = sent((0..1_000).map(late));
        assert_eq!(went[..100], [5; 100]);
        assert_eq!(went[100], 900);
        // Those behind it came in time but cannot overtake it.
        assert_eq!(went[145], 45, "{:?}", &went[100..150]);
        assert!(went[145..].iter().all(|late| *late <= 45));
        assert_eq!(went[650..], [5; 350]);
    }

    #[test]
    fn sound_that_comes_later_for_good_is_held_no_longer_than_the_bound() {
        let went = sent((0..1_000).map(|n| if n < 500 { 5 } else { 205 }));
        assert_eq!(went[500..], [205; 500]);
    }
}
