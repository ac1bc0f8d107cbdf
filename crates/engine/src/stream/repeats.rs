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
    due: VecDeque<(Instant, Arc<str>)>,
}

impl Repeats {
    /// A text was said now.
    pub(crate) fn add(&mut self, now: Instant, text: Arc<str>) {
        for after in AFTER {
            let at = now + after;
            let place = self.due.partition_point(|(other, _)| *other <= at);
            self.due.insert(place, (at, Arc::clone(&text)));
        }
        // The newest go without: they can be asked for like any other cue.
        self.due.truncate(DUE_MAX);
    }

    /// When the next is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    /// The next text that is due now.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Arc<str>> {
        let (_, text) = self.due.pop_front_if(|(at, _)| *at <= now)?;
        Some(text)
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

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn each_is_said_three_times_more_in_the_order_of_their_times() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut repeats = Repeats::default();
        repeats.add(start, "a".into());
        repeats.add(start + ms(50), "b".into());
        assert_eq!(repeats.take(start + ms(39)), None);
        let mut said = Vec::new();
        while let Some(at) = repeats.due() {
            said.push((at - start, repeats.take(at).unwrap()));
        }
        let said: Vec<_> = said.iter().map(|(at, text)| (*at, &**text)).collect();
        let expected = [
            (40, "a"),
            (90, "b"),
            (100, "a"),
            (150, "b"),
            (200, "a"),
            (250, "b"),
        ];
        assert_eq!(said, expected.map(|(at, text)| (ms(at), text)));
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
            repeats.add(start, "a".into());
        }
        assert_eq!(repeats.due.len(), DUE_MAX);
    }
}
