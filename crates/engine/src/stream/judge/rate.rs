//! Bit rate by the media's own time: a stall of the network and the burst after it change nothing.

use crate::stream::judge::{
    recent::{Finding, Recent},
    texts,
};

/// Over so much a rate is taken: a GOP as it should be, so that a key frame's weight is spread.
const WINDOW: i64 = 2 * 90_000;

/// There is one rendition, which every viewer must take whole. Apple's HLS authoring specification ends its ladder for H.264
/// at 1080p with 7.8 Mbit/s; Twitch takes 6, Amazon IVS 8.5.
const HIGH_BPS: u64 = 8_000_000;

/// An encoder without a bound overshoots at its start and in movement; three times over is a wrong setting.
const OVERSHOOT: u64 = 3;
/// Below this, overshooting harms nobody.
const OVERSHOOT_BPS: u64 = 2_000_000;

/// Bits of a video track.
#[derive(Debug)]
pub(super) struct Rate {
    from: Option<i64>,
    bytes: u64,
    last: Recent<u64, 3>,
}

impl Rate {
    pub(super) const fn new() -> Self {
        Self {
            from: None,
            bytes: 0,
            last: Recent::new(),
        }
    }

    pub(super) fn count(&mut self, stamp: i64, bytes: usize) {
        let passed = stamp - *self.from.get_or_insert(stamp);
        if let Ok(ticks @ WINDOW_TICKS..) = u64::try_from(passed) {
            self.last
                .push(self.bytes.saturating_mul(8 * 90_000) / ticks);
            self.from = Some(stamp);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    pub(super) fn high(&self) -> Finding {
        self.over(HIGH_BPS, texts::high_bitrate)
    }

    pub(super) fn over_announced(&self, announced_kbps: Option<u32>) -> Finding {
        let Some(kbps) = announced_kbps.filter(|kbps| *kbps > 0) else {
            return Finding::Fine;
        };
        let limit = (u64::from(kbps) * 1_000 * OVERSHOOT).max(OVERSHOOT_BPS);
        self.over(limit, |bps| texts::over_announced_bitrate(bps, kbps))
    }

    /// Two windows over it are no accident, three within it are no luck.
    fn over(&self, limit: u64, verdict: impl Fn(u64) -> crate::api::Verdict) -> Finding {
        match self.last.newest() {
            Some(bps) if self.last.last_are(2, |bps| bps > limit) => Finding::Wrong(verdict(bps)),
            Some(_) if self.last.all_are(|bps| bps <= limit) => Finding::Fine,
            _ => Finding::Open,
        }
    }
}

const WINDOW_TICKS: u64 = WINDOW.unsigned_abs();

#[cfg(test)]
mod tests {
    use super::*;

    /// So many seconds of 30 frames each, of `bps`.
    fn run(rate: &mut Rate, from: i64, seconds: i64, bps: usize) {
        for n in from * 30..(from + seconds) * 30 {
            rate.count(n * 3_000, bps / 8 / 30);
        }
    }

    #[test]
    fn more_than_most_viewers_bear_is_told_within_five_seconds_and_taken_back_after_six() {
        let mut rate = Rate::new();
        run(&mut rate, 0, 4, 12_000_000);
        assert_eq!(rate.high(), Finding::Open);
        run(&mut rate, 4, 1, 12_000_000);
        assert_eq!(rate.high(), Finding::Wrong(texts::high_bitrate(12_000_000)));
        run(&mut rate, 5, 4, 4_500_000);
        assert_eq!(rate.high(), Finding::Open);
        run(&mut rate, 9, 4, 4_500_000);
        assert_eq!(rate.high(), Finding::Fine);
    }

    #[test]
    fn one_heavy_key_frame_is_no_high_rate() {
        let mut rate = Rate::new();
        for n in 0..900 {
            // 2 MB in one picture, and 4 Mbit/s.
            let heavy = if n == 300 { 2_000_000 } else { 0 };
            rate.count(n * 3_000, heavy + 4_000_000 / 8 / 30);
            assert!(!matches!(rate.high(), Finding::Wrong(_)), "{n}");
        }
    }

    #[test]
    fn three_times_what_was_announced_is_told_and_twice_is_not() {
        let mut rate = Rate::new();
        run(&mut rate, 0, 10, 5_000_000);
        let found = Finding::Wrong(texts::over_announced_bitrate(5_000_000, 1_500));
        assert_eq!(rate.over_announced(Some(1_500)), found);
        assert_eq!(rate.over_announced(Some(2_500)), Finding::Fine);
        assert_eq!(rate.over_announced(None), Finding::Fine);
        assert_eq!(
            rate.over_announced(Some(0)),
            Finding::Fine,
            "FFmpeg's word for not known"
        );
        let mut rate = Rate::new();
        run(&mut rate, 0, 10, 1_500_000);
        assert_eq!(
            rate.over_announced(Some(200)),
            Finding::Fine,
            "little all the same"
        );
    }
}
