//! Cues are said again within their lead: a text that is lost on a data channel comes a second late, and its cue with it.
//!
//! Of a path that loses one datagram in twenty all four go astray once in 160,000 times. Whoever has them already takes
//! no notice (the fold knows each cue by its number); and each shows the other channel that something is missing there.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a stream is to say again.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// In the order of their times.
    due: VecDeque<(Instant, Repeat)>,
}

/// What is said again, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Cues: to everyone.
    Cues(Arc<str>),
    /// A heartbeat: to those who lose packets. What follows a text shows SCTP that it was lost; while nothing does, it
    /// waits for a second and more, and holds back all that comes meanwhile, cues too.
    Heartbeat(Arc<str>),
}

impl Repeats {
    /// It was said now for the first time.
    pub(crate) fn add(&mut self, now: Instant, repeat: &Repeat) {
        // One that another has followed is not true any more.
        if matches!(repeat, Repeat::Heartbeat(_)) {
            self.due.retain(|(_, it)| matches!(it, Repeat::Cues(_)));
        }
        for after in AFTER {
            let at = now + after;
            let place = self.due.partition_point(|(other, _)| *other <= at);
            self.due.insert(place, (at, repeat.clone()));
        }
        // The newest go without: they can be asked for like any other cue.
        self.due.truncate(DUE_MAX);
    }

    /// When the next is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    /// The next that is due now.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Repeat> {
        let (_, repeat) = self.due.pop_front_if(|(at, _)| *at <= now)?;
        Some(repeat)
    }
}

/// Apart, since losses come in bursts; the last so that it arrives within the lead of 300 ms.
const AFTER: [Duration; 3] = [
    Duration::from_millis(40),
    Duration::from_millis(100),
    Duration::from_millis(200),
];
/// A burst of 50 cues is a handful of texts.
const DUE_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(text: &str) -> Repeat {
        Repeat::Cues(text.into())
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn each_is_said_three_times_more_in_the_order_of_their_times() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut repeats = Repeats::default();
        repeats.add(start, &cues("a"));
        repeats.add(start + ms(50), &cues("b"));
        assert_eq!(repeats.take(start + ms(39)), None);
        let mut said = Vec::new();
        while let Some(at) = repeats.due() {
            said.push((at - start, repeats.take(at).unwrap()));
        }
        let expected = [
            (40, "a"),
            (90, "b"),
            (100, "a"),
            (150, "b"),
            (200, "a"),
            (250, "b"),
        ];
        assert_eq!(said, expected.map(|(at, text)| (ms(at), cues(text))));
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn of_heartbeats_only_the_newest_is_said_again() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let heartbeat = |text: &str| Repeat::Heartbeat(text.into());
        let mut repeats = Repeats::default();
        repeats.add(start, &heartbeat("live"));
        repeats.add(start, &cues("a"));
        repeats.add(start + ms(50), &heartbeat("interrupted"));
        let mut said = Vec::new();
        while let Some(repeat) = repeats.take(start + ms(1_000)) {
            said.push(repeat);
        }
        said.retain(|repeat| *repeat != cues("a"));
        assert_eq!(said, [(); 3].map(|()| heartbeat("interrupted")));
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn of_too_many_some_are_said_once() {
        let start = Instant::now();
        let mut repeats = Repeats::default();
        for _ in 0..1_000 {
            repeats.add(start, &cues("a"));
        }
        assert_eq!(repeats.due.len(), DUE_MAX);
    }
}
