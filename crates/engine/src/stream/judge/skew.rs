//! Sound against picture: whether what has come of both bears the same stamps.

use std::time::{Duration, Instant};

use crate::stream::judge::{
    recent::{Finding, Recent},
    texts,
};

/// Half of what LL-HLS players hold back with the default part target. Muxers that interleave stay within a tenth of it.
const FAR: i64 = 500 * 90;
/// As long as this all sound must be apart from the picture.
const WINDOW: Duration = Duration::from_secs(2);
const SOUNDS_MIN: u32 = 20;

/// The least and the most by which sound was ahead in a window.
#[derive(Debug, Clone, Copy)]
struct Range {
    least: i64,
    most: i64,
}

impl Range {
    /// How far apart both were throughout; 0 when they met.
    const fn apart(self) -> i64 {
        if self.least > 0 {
            self.least
        } else if self.most < 0 {
            self.most
        } else {
            0
        }
    }
}

/// Stamps of both tracks as they come.
#[derive(Debug)]
pub(super) struct Skew {
    picture: Option<i64>,
    pictures: u32,
    sounds: u32,
    began: Option<Instant>,
    range: Option<Range>,
    windows: Recent<Range, 2>,
}

impl Skew {
    pub(super) const fn new() -> Self {
        Self {
            picture: None,
            pictures: 0,
            sounds: 0,
            began: None,
            range: None,
            windows: Recent::new(),
        }
    }

    pub(super) fn picture(&mut self, stamp: i64) {
        self.picture = Some(stamp);
        self.pictures += 1;
    }

    /// Only sound is compared: a picture without any sound beside it is another matter.
    pub(super) fn sound(&mut self, now: Instant, stamp: i64) {
        let Some(picture) = self.picture else { return };
        let ahead = stamp - picture;
        let began = *self.began.get_or_insert(now);
        if now.saturating_duration_since(began) >= WINDOW {
            let flows = self.pictures > 1 && self.sounds >= SOUNDS_MIN;
            if let Some(range) = self.range.take().filter(|_| flows) {
                self.windows.push(range);
            }
            (self.pictures, self.sounds, self.began) = (0, 0, Some(now));
        }
        self.sounds += 1;
        let Range { least, most } = self.range.unwrap_or(Range {
            least: ahead,
            most: ahead,
        });
        self.range = Some(Range {
            least: least.min(ahead),
            most: most.max(ahead),
        });
    }

    /// Two windows are lasting: four seconds.
    pub(super) fn skewed(&self) -> Finding {
        let far = |range: Range| range.apart().abs() > FAR;
        match self.windows.newest() {
            Some(range) if self.windows.all_are(far) => {
                Finding::Wrong(texts::av_skew(range.apart()))
            }
            Some(_) if self.windows.all_are(|range| !far(range)) => Finding::Fine,
            _ => Finding::Open,
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

    /// Ten milliseconds at a time: a picture each 40, a sound each 20, `ahead` ticks ahead of the picture.
    fn run(
        skew: &mut Skew,
        start: Instant,
        millis: std::ops::Range<u32>,
        ahead: impl Fn(i64) -> i64,
    ) {
        for ms in millis.step_by(10) {
            let now = start + Duration::from_millis(ms.into());
            let stamp = i64::from(ms) * 90;
            if ms % 40 == 0 {
                skew.picture(stamp);
            }
            if ms % 20 == 0 {
                skew.sound(now, stamp + ahead(i64::from(ms)));
            }
        }
    }

    #[test]
    fn sound_that_stays_far_off_is_told_within_five_seconds_and_taken_back() {
        for ahead in [-54_000, 54_000] {
            let (mut skew, start) = (Skew::new(), Instant::now());
            run(&mut skew, start, 0..4_500, |_| ahead);
            let Finding::Wrong(verdict) = skew.skewed() else {
                panic!("{ahead}");
            };
            assert_eq!(verdict.code, texts::AV_SKEW);
            run(&mut skew, start, 4_500..12_000, |_| 1_000);
            assert_eq!(skew.skewed(), Finding::Fine);
        }
    }

    #[test]
    fn what_interleaving_does_is_no_skew() {
        // Sound in bunches of 300 ms, and once a second of it late.
        let (mut skew, start) = (Skew::new(), Instant::now());
        run(&mut skew, start, 0..20_000, |ms| {
            let late = if (8_000..9_000).contains(&ms) {
                90_000
            } else {
                0
            };
            -(ms % 300) * 90 - late
        });
        assert_eq!(skew.skewed(), Finding::Fine);
    }

    #[test]
    fn without_pictures_nothing_is_skewed() {
        let (mut skew, start) = (Skew::new(), Instant::now());
        skew.picture(0);
        skew.picture(3_000);
        for n in 0..1_000 {
            skew.sound(
                start + Duration::from_millis(n * 20),
                i64::try_from(n).unwrap() * 1_800,
            );
            assert!(!matches!(skew.skewed(), Finding::Wrong(_)), "{n}");
        }
    }
}
