//! Whether frames lie on an even grid, by their stamps alone: what the network does to them is another measure's.

use crate::stream::judge::{
    recent::{Finding, Recent},
    texts,
};

const WINDOW_MS: i64 = 4_000;
/// 4 s of the highest rate there is.
const STEPS_MAX: usize = 960;
/// With fewer frames there is nothing to tell a rate by.
const STEPS_MIN: usize = 20;

/// Frames of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frames {
    pub(super) came: u32,
    /// Places on the grid where none came.
    pub(super) missing: u32,
    /// Off the grid.
    pub(super) irregular: u32,
    pub(super) shortest_ms: i64,
    pub(super) longest_ms: i64,
}

impl Frames {
    /// More than one in twenty: where OBS's own statistics turn red.
    pub(super) const fn are_missing(self) -> bool {
        self.missing * 20 > self.missing + self.came
    }

    /// More than one in ten. Encoders at a constant rate have none.
    const fn are_irregular(self) -> bool {
        self.irregular * 10 > self.came
    }

    const fn are_uneven(self) -> bool {
        self.are_missing() || self.are_irregular()
    }
}

/// Steps from frame to frame of a publisher that stamps by the millisecond.
#[derive(Debug)]
pub(super) struct Pace {
    last_ms: Option<i64>,
    began_ms: i64,
    steps: Vec<i64>,
    windows: Recent<Frames, 3>,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            last_ms: None,
            began_ms: 0,
            steps: Vec::new(),
            windows: Recent::new(),
        }
    }

    /// A frame's time of decoding, which rises also where frames are reordered.
    pub(super) fn count(&mut self, ms: i64) {
        let Some(last) = self.last_ms.replace(ms) else {
            self.began_ms = ms;
            return;
        };
        if self.steps.len() < STEPS_MAX && ms > last {
            self.steps.push(ms - last);
        }
        if ms - self.began_ms >= WINDOW_MS {
            if let Some(frames) = frames(&mut self.steps) {
                self.windows.push(frames);
            }
            self.steps.clear();
            self.began_ms = ms;
        }
    }

    /// One window is enough, four seconds long; three even ones take it back.
    pub(super) fn unstable(&self) -> Finding {
        match self.windows.newest() {
            Some(frames) if frames.are_uneven() => {
                Finding::Wrong(texts::unstable_frame_rate(frames))
            }
            Some(_) if self.windows.all_are(|frames| !frames.are_uneven()) => Finding::Fine,
            _ => Finding::Open,
        }
    }
}

/// The rate is what most steps have: what was announced may be a bound, and a stream at half of it is even.
fn frames(steps: &mut [i64]) -> Option<Frames> {
    if steps.len() < STEPS_MIN {
        return None;
    }
    steps.sort_unstable();
    let median = steps[steps.len() / 2];
    // Stamps are rounded to the millisecond; the mean of the steps about the median is the true one.
    let slack = (median / 10).max(1);
    let near = steps.iter().filter(|step| (*step - median).abs() <= slack);
    let (sum, count) = near.fold((0, 0), |(sum, count), step| (sum + step, count + 1));
    let mut frames = Frames {
        came: u32::try_from(steps.len()).unwrap_or(u32::MAX),
        missing: 0,
        irregular: 0,
        shortest_ms: *steps.first()?,
        longest_ms: *steps.last()?,
    };
    for step in steps.iter() {
        let places = (2 * step * count + sum) / (2 * sum);
        let missing = u32::try_from(places - 1).unwrap_or(0);
        frames.missing = frames.missing.saturating_add(missing);
        // Of a long gap it cannot be told.
        let off = (step * count - places.max(1) * sum).abs();
        let allowed = (RESIDUE_MS * count).max(sum * 3 / 20);
        frames.irregular += u32::from(places <= 3 && off > allowed);
    }
    Some(frames)
}

/// Rounding to milliseconds at both ends, and as much again for encoders that stamp when a frame is ready.
const RESIDUE_MS: i64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(stamps: impl IntoIterator<Item = i64>) -> Finding {
        let mut pace = Pace::new();
        stamps.into_iter().for_each(|ms| pace.count(ms));
        pace.unstable()
    }

    #[test]
    fn whole_milliseconds_of_every_usual_rate_are_even() {
        for (num, den) in [
            (24_000, 1001),
            (25, 1),
            (30_000, 1001),
            (30, 1),
            (50, 1),
            (60, 1),
            (120, 1),
        ] {
            let stamps = (0..num * 20 / den).map(|n| n * 1000 * den / num);
            assert_eq!(judged(stamps), Finding::Fine, "{num}/{den}");
        }
    }

    #[test]
    fn frames_that_are_missing_are_told_within_five_seconds() {
        // One in ten, as OBS leaves them out when it cannot encode or send them.
        let stamps = (0..126).filter(|n| n % 10 != 5).map(|n| n * 1000 / 30);
        let Finding::Wrong(verdict) = judged(stamps) else {
            panic!("one in ten is missing");
        };
        assert_eq!(
            verdict.found,
            "12 of 120 frames are missing: their time stamps leave gaps."
        );
    }

    #[test]
    fn one_in_thirty_is_borne_and_so_is_a_constant_half_of_the_rate() {
        let few = (0..600).filter(|n| n % 30 != 5).map(|n| n * 1000 / 30);
        assert_eq!(judged(few), Finding::Fine);
        let half = (0..600).map(|n| n * 2000 / 30);
        assert_eq!(judged(half), Finding::Fine);
    }

    #[test]
    fn a_rate_that_varies_is_told() {
        // A camera that exposes longer in the dark: 25 to 60 ms.
        let stamps = (0..300).scan(0, |at, n| {
            *at += 25 + n * 17 % 36;
            Some(*at)
        });
        let Finding::Wrong(verdict) = judged(stamps) else {
            panic!("the rate varies");
        };
        assert!(
            verdict.found.starts_with("Frames come at no even rate"),
            "{}",
            verdict.found
        );
        // 24 frames a second on a grid of 60: film's pulldown.
        let pulldown = (0..300).map(|n| (n * 5 / 2) * 1000 / 60);
        assert!(matches!(judged(pulldown), Finding::Wrong(_)));
    }

    #[test]
    fn it_is_taken_back_after_three_even_windows() {
        let mut pace = Pace::new();
        let mut told = Vec::new();
        for n in (0..700).filter(|n| *n > 120 || n % 5 != 1) {
            pace.count(n * 1000 / 30);
            told.push((
                n,
                matches!(pace.unstable(), Finding::Wrong(_)),
                pace.unstable() == Finding::Fine,
            ));
        }
        let first_fine = told.iter().find(|(_, _, fine)| *fine).map(|(n, ..)| *n);
        assert!(told.iter().any(|(_, wrong, _)| *wrong));
        assert!(
            first_fine.is_some_and(|n| (480..=500).contains(&n)),
            "{first_fine:?}"
        );
    }

    #[test]
    fn slides_at_one_frame_a_second_have_no_rate_to_judge() {
        assert_eq!(judged((0..60).map(|n| n * 1000)), Finding::Open);
    }
}
