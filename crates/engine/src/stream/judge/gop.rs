//! How long GOPs are, told by time: one that goes on for too long is too long already.

use crate::stream::judge::{
    recent::{Finding, Recent},
    texts,
};

/// Apple's HLS authoring specification has a key frame every two seconds; twice that is too long. A viewer by WebRTC is
/// sent the GOP so far at once, LL-HLS players join at its begin, and whoever lost a picture waits for its end.
const LONG: i64 = 4 * 90_000;

/// GOPs of a video track.
#[derive(Debug)]
pub(super) struct Gops {
    /// The last key frame, and the newest frame.
    began: Option<i64>,
    newest: i64,
    /// Lengths.
    last: Recent<i64, 3>,
    /// Pictures to begin at that are no IDR pictures, since the last IDR.
    recovery_points: u32,
}

impl Gops {
    pub(super) const fn new() -> Self {
        Self {
            began: None,
            newest: 0,
            last: Recent::new(),
            recovery_points: 0,
        }
    }

    pub(super) fn count(&mut self, stamp: i64, keyframe: bool, recovery_point: bool) {
        if keyframe {
            if let Some(began) = self.began {
                self.last.push(stamp - began);
            }
            self.began = Some(stamp);
            self.recovery_points = 0;
        } else if recovery_point {
            self.recovery_points += 1;
        }
        self.newest = stamp;
    }

    fn so_far(&self) -> i64 {
        self.began.map_or(0, |began| self.newest - began)
    }

    pub(super) fn open(&self) -> Finding {
        if self.so_far() > LONG && self.recovery_points > 0 {
            return Finding::Wrong(texts::open_gop(self.recovery_points, self.so_far()));
        }
        self.fine()
    }

    pub(super) fn long(&self) -> Finding {
        match self.last.newest() {
            _ if self.recovery_points > 0 => Finding::Open,
            Some(whole) if whole > LONG => Finding::Wrong(texts::long_gop(Some(whole))),
            _ if self.so_far() > LONG => Finding::Wrong(texts::long_gop(None)),
            _ => self.fine(),
        }
    }

    fn fine(&self) -> Finding {
        if self.so_far() <= LONG && self.last.all_are(|length| length <= LONG) {
            Finding::Fine
        } else {
            Finding::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 3_000;

    fn code(finding: &Finding) -> &'static str {
        match finding {
            Finding::Open => "open",
            Finding::Fine => "fine",
            Finding::Wrong(verdict) => verdict.code,
        }
    }

    #[test]
    fn a_gop_that_does_not_end_is_long_after_four_seconds() {
        let mut gops = Gops::new();
        for n in 0..=120 {
            gops.count(n * FRAME, n == 0, false);
            assert_eq!(gops.long(), Finding::Open, "{n}");
        }
        gops.count(121 * FRAME, false, false);
        assert_eq!(gops.long(), Finding::Wrong(texts::long_gop(None)));
        // OBS's own 250 frames.
        gops.count(250 * FRAME, true, false);
        assert_eq!(gops.long(), Finding::Wrong(texts::long_gop(Some(750_000))));
        assert_eq!(code(&gops.open()), "open");
    }

    #[test]
    fn it_is_taken_back_after_three_that_are_not_long() {
        let mut gops = Gops::new();
        gops.count(0, true, false);
        let mut at = 250 * FRAME;
        for expected in [texts::LONG_GOP, "open", "open", "fine"] {
            gops.count(at, true, false);
            assert_eq!(code(&gops.long()), expected);
            at += 60 * FRAME;
        }
    }

    #[test]
    fn four_seconds_exactly_are_not_long() {
        let mut gops = Gops::new();
        for n in 0..6 {
            gops.count(n * 120 * FRAME, true, false);
            assert_ne!(code(&gops.long()), texts::LONG_GOP);
        }
    }

    #[test]
    fn recovery_points_without_idr_are_open_gops_and_between_idrs_nothing() {
        let mut gops = Gops::new();
        for n in 0..180 {
            gops.count(n * FRAME, n == 0, n % 60 == 0 && n > 0);
        }
        let found = Finding::Wrong(texts::open_gop(2, 179 * FRAME));
        assert_eq!((gops.open(), code(&gops.long())), (found, "open"));
        let mut gops = Gops::new();
        for n in 0..360 {
            gops.count(n * FRAME, n % 90 == 0, n % 30 == 0);
            assert_ne!(code(&gops.open()), texts::OPEN_GOP);
        }
        assert_eq!(gops.open(), Finding::Fine);
    }
}
