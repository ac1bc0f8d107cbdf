//! Puts decoded samples on the source's timeline.
//!
//! An encoder counts samples, a source stamps access units, and the two part: by a lost frame, an audio
//! device's clock, a publisher that comes back. The aligner makes *runs* out of what comes: within a run
//! the n-th sample plays at `start + n`, so whoever encodes it may count. The limits are those of
//! `docs/spec/transcoder-protocol.md`, section "Time".

use crate::samples::Samples;

/// Knows where the next sample of the current run plays.
#[derive(Debug)]
pub(crate) struct Aligner {
    rate: i64,
    /// `None` before the first samples.
    next: Option<i64>,
}

/// Samples with their place.
#[derive(Debug, PartialEq)]
pub(crate) enum Placed {
    /// The current run goes on with these, perhaps none.
    Continued(Samples),
    /// A new run begins with these, the first of which plays at `start`.
    Begun { start: i64, samples: Samples },
}

impl Aligner {
    /// An aligner for samples at `rate` Hz; all its times are counted in that rate.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            rate: i64::from(rate),
            next: None,
        }
    }

    /// Places samples whose stamp says that the first of them plays at `at`.
    pub(crate) fn place(&mut self, at: i64, mut samples: Samples) -> Placed {
        let late_by = match self.next {
            Some(next) => at.saturating_sub(next),
            None => i64::MAX,
        };
        let count = samples.count();
        match self.judge(late_by) {
            Judgement::Elsewhere => {
                self.next = Some(at.saturating_add(count));
                return Placed::Begun { start: at, samples };
            }
            Judgement::InPlace => {}
            Judgement::Drifted => samples = samples.stretched(drift_step(late_by, count)),
            Judgement::Gap => samples.prepend_silence(late_by),
            Judgement::Overlap => samples.drop_front(-late_by),
        }
        self.next = self.next.map(|next| next.saturating_add(samples.count()));
        Placed::Continued(samples)
    }

    fn judge(&self, late_by: i64) -> Judgement {
        match late_by.saturating_abs() {
            off if off > self.rate / PATCHES_PER_SECOND => Judgement::Elsewhere,
            off if off < self.rate / IN_PLACE_PER_SECOND => Judgement::InPlace,
            off if off <= self.rate / DRIFTS_PER_SECOND => Judgement::Drifted,
            _ if late_by > 0 => Judgement::Gap,
            _ => Judgement::Overlap,
        }
    }
}

enum Judgement {
    /// Stamps are whole milliseconds or grid points: so small a difference is rounding.
    InPlace,
    /// The clocks part slowly.
    Drifted,
    /// A frame or a few are missing.
    Gap,
    /// A few frames came twice.
    Overlap,
    /// Another place altogether.
    Elsewhere,
}

/// How many samples to add (or, negative, to leave out) of `count` to follow a drift: at most 2 %, a third
/// of a semitone, and over in a quarter of a second.
fn drift_step(late_by: i64, count: i64) -> i64 {
    let most = count / 50;
    late_by.clamp(-most, most)
}

/// Below 0.5 ms the sample count is believed.
const IN_PLACE_PER_SECOND: i64 = 2_000;
/// Up to 5 ms is stretched away: silence of that length would click, and a receiver conceals less.
const DRIFTS_PER_SECOND: i64 = 200;
/// Up to 100 ms is patched within the run: five packets, which cost less than a new encoder and keep
/// receivers' 20 ms grid.
const PATCHES_PER_SECOND: i64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    fn ramp(count: u16) -> Samples {
        Samples::new((0..count).map(|n| [f32::from(n); 2]).collect())
    }

    fn started(at: i64) -> Aligner {
        let mut aligner = Aligner::new(RATE);
        let placed = aligner.place(at, ramp(1024));
        assert!(matches!(placed, Placed::Begun { start, .. } if start == at));
        aligner
    }

    fn continued(placed: Placed) -> Samples {
        match placed {
            Placed::Continued(samples) => samples,
            Placed::Begun { start, .. } => panic!("a new run at {start}"),
        }
    }

    #[test]
    fn stamps_that_follow_the_count_change_nothing() {
        let mut aligner = started(480_000);
        for n in 1..1_000 {
            // Rounded to 90 kHz and back: up to half a sample off.
            let samples = continued(aligner.place(480_000 + n * 1024 + n % 2, ramp(1024)));
            assert_eq!(samples, ramp(1024));
        }
    }

    #[test]
    fn a_lost_frame_is_silence_of_its_length() {
        let mut aligner = started(0);
        let samples = continued(aligner.place(2048, ramp(1024)));
        assert_eq!(samples.count(), 2048);
        assert!(
            samples.frames()[..1024]
                .iter()
                .all(|frame| *frame == [0.0; 2])
        );
        assert_eq!(samples.frames()[1025], [1.0; 2]);
        assert_eq!(continued(aligner.place(3072, ramp(1024))), ramp(1024));
    }

    #[test]
    fn what_came_already_is_left_out_over_several_frames() {
        let mut aligner = started(0);
        assert_eq!(continued(aligner.place(-1024, ramp(1024))).count(), 0);
        let rest = continued(aligner.place(24, ramp(1024)));
        assert_eq!(rest.count(), 24, "1000 of its samples were there");
        assert_eq!(rest.frames()[0], [1000.0; 2]);
        assert_eq!(continued(aligner.place(1048, ramp(1024))), ramp(1024));
    }

    #[test]
    fn a_small_drift_is_stretched_away_in_either_direction() {
        for off in [-96, 96, -240, 240] {
            let mut aligner = started(0);
            let mut at = 1024 + off;
            let mut emitted = 1024;
            for _ in 0..20 {
                let samples = continued(aligner.place(at, ramp(1024)));
                assert!(
                    (1004..=1044).contains(&samples.count()),
                    "{}",
                    samples.count()
                );
                emitted += samples.count();
                at += 1024;
            }
            assert!(
                (emitted - at).abs() < i64::from(RATE) / 2_000,
                "{}",
                emitted - at
            );
        }
    }

    #[test]
    fn a_jump_begins_a_new_run_exactly_where_the_stamp_says() {
        for jump in [4_801, 48_000 * 3_600, -4_801, -9_000] {
            let mut aligner = started(100_000);
            let at = 101_024 + jump;
            let placed = aligner.place(at, ramp(1024));
            assert_eq!(
                placed,
                Placed::Begun {
                    start: at,
                    samples: ramp(1024)
                }
            );
            assert_eq!(continued(aligner.place(at + 1024, ramp(1024))), ramp(1024));
        }
    }

    #[test]
    fn the_ends_of_the_line_are_places_too() {
        let mut aligner = started(0);
        aligner.place(i64::MAX, ramp(1024));
        aligner.place(i64::MIN, ramp(1024));
        aligner.place(i64::MAX, ramp(1024));
    }
}
