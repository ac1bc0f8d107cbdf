//! When a publisher is asked for a key frame.
//!
//! A browser sends one when it is asked and else never again; OBS sends its own and hears nothing.
//! So one is asked for when pictures were lost, and when the last is so old that viewers who join
//! would load too much and LL-HLS could begin no segment.

use std::time::{Duration, Instant};

/// A publisher's key frames.
#[derive(Debug)]
pub(crate) struct Keyframes {
    /// When the last came, or the session began.
    last: Instant,
    wanted: bool,
    asked: Option<Instant>,
}

impl Keyframes {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            last: now,
            wanted: true,
            asked: None,
        }
    }

    /// One is needed, the sooner the better.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// One has come.
    pub(crate) fn came(&mut self, now: Instant) {
        self.last = now;
        self.wanted = false;
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.deadline() <= now
    }

    /// When to ask next.
    pub(crate) fn deadline(&self) -> Instant {
        let wanted = if self.wanted {
            self.last
        } else {
            self.last + INTERVAL
        };
        let again = self.asked.map(|asked| asked + AGAIN);
        again.map_or(wanted, |again| again.max(wanted))
    }

    pub(crate) fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
    }
}

/// What is recommended to OBS: viewers join quickly, and two seconds of video are a good segment.
const INTERVAL: Duration = Duration::from_secs(2);
/// An encoder needs a moment; what it is asked meanwhile would cost a second key frame.
const AGAIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "where virtual time begins does not matter"
    )]
    fn asked_at_once_and_then_twice_a_second_until_one_comes() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut keyframes = Keyframes::new(start);
        assert!(keyframes.is_due(start));
        keyframes.asked(start);
        assert!(!keyframes.is_due(at(499)) && keyframes.is_due(at(500)));
        keyframes.asked(at(500));
        keyframes.came(at(600));
        assert!(!keyframes.is_due(at(2_599)) && keyframes.is_due(at(2_600)));
        keyframes.came(at(2_000));
        keyframes.want();
        assert!(keyframes.is_due(at(2_000)), "a loss does not wait");
        keyframes.asked(at(2_000));
        keyframes.want();
        assert!(
            !keyframes.is_due(at(2_400)),
            "nor is it said again and again"
        );
    }
}
