//! Part targets fitted to the frame grid, and the target duration fitted to the GOP.
//!
//! A part must last at most PART-TARGET and at least 85 % of it (section 4.4.4.9). With constant
//! frames that holds when the target is a whole number of frames: 10 at 30 fps are 333.3 ms,
//! declared as 0.334.

use std::time::Duration;

use media::{FrameRate, Timescale, time::span_to_ticks};

/// Declared PART-TARGET in milliseconds for `count` frames of `num / den` seconds each, rounded up.
fn declared_ms(count: u64, num: u64, den: u64) -> u32 {
    let ms = (u128::from(count) * u128::from(num) * 1000).div_ceil(u128::from(den).max(1));
    u32::try_from(ms).unwrap_or(u32::MAX)
}

/// PART-TARGET of video whose rate is known: the whole number of frames nearest to `target`.
pub(super) fn known_rate(rate: FrameRate, target: Duration) -> u32 {
    // frames = target * num / den, rounded to the nearest, at least one.
    let den = u128::from(rate.den.max(1)) * 1_000_000;
    let frames = (target.as_micros() * u128::from(rate.num) * 2 + den) / (den * 2);
    let frames = u64::try_from(frames)
        .unwrap_or(u64::MAX)
        .clamp(1, FRAMES_MAX);
    declared_ms(frames, rate.den.into(), rate.num.into())
}

/// Whether a declared rate can be believed: one frame in 10 s to 1000 frames a second.
pub(super) fn plausible(rate: FrameRate) -> bool {
    let (num, den) = (u64::from(rate.num), u64::from(rate.den));
    num > 0 && den > 0 && num <= den * 1000 && num * 10 >= den
}

/// What the first frames of a track without a declared rate tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    /// PART-TARGET in milliseconds.
    pub(super) part_ms: u32,
    /// Mean ticks between frames.
    pub(super) nominal: u32,
    /// Frames per 1000 seconds.
    pub(super) rate_milli: u32,
}

/// PART-TARGET of video whose rate is measured: `deltas` are the ticks (90 kHz) between its first
/// frames.
pub(super) fn measured(deltas: &[u64], target: Duration) -> Measured {
    let hz = u64::from(Timescale::VIDEO.hz());
    let (min, max) = (
        deltas.iter().min().copied().unwrap_or(hz / 30),
        deltas.iter().max().copied().unwrap_or(hz / 30),
    );
    let sum: u64 = deltas.iter().sum();
    let count = u64::try_from(deltas.len()).unwrap_or(u64::MAX);
    let mean = sum.checked_div(count).unwrap_or(hz / 30).max(1);
    let target_ticks = u64::try_from(span_to_ticks(target)).unwrap_or(0).max(1);
    let uneven = (max - min) * 5 > mean;
    let ticks = if uneven {
        // Parts filled greedily last at least the target less one frame: the longest frame may be
        // 15 % of the target.
        target_ticks.max(max * 100 / 15).min(hz)
    } else {
        let frames = ((target_ticks * 2 + mean) / (mean * 2)).max(1);
        // Milliseconds stamped by an encoder wobble by one: leave room for it.
        frames * mean + (max - min)
    };
    Measured {
        part_ms: declared_ms(1, ticks, hz),
        nominal: u32::try_from(mean).unwrap_or(u32::MAX),
        rate_milli: u32::try_from(hz * 1000 / mean).unwrap_or(u32::MAX),
    }
}

/// PART-TARGET of audio: the largest whole number of frames within `limit_ms`, so that it never
/// raises the hold-back.
pub(super) fn audio(frame: u32, scale: Timescale, limit_ms: u32) -> u32 {
    let (frame, hz) = (u64::from(frame.max(1)), u64::from(scale.hz()));
    let frames = (u64::from(limit_ms) * hz / 1000 / frame).max(1);
    declared_ms(frames, frame, hz)
}

/// Ticks of a declared PART-TARGET, rounded down: no part may be longer.
pub(super) fn part_ticks(part_ms: u32, scale: Timescale) -> u64 {
    u64::from(part_ms) * u64::from(scale.hz()) / 1000
}

/// EXT-X-TARGETDURATION for segments made of GOPs of `gop` ticks.
pub(super) fn target_duration(gop: u64, segment: u64, hz: u64, bounds_s: (u32, u32)) -> u32 {
    // Segments end at the first IDR at or past the segment target.
    let gops = segment.saturating_sub(hz / 100).div_ceil(gop.max(1)).max(1);
    let longest = gops.saturating_mul(gop);
    // A GOP of 60 frames at 29.97 fps lasts 2.002 s: that rounds to 2, which is what section
    // 4.4.3.1 asks for.
    let seconds = longest.saturating_sub(hz / 10).div_ceil(hz);
    let (min, max) = bounds_s;
    u32::try_from(seconds).unwrap_or(u32::MAX).clamp(min, max)
}

/// The longest a segment may get under a target duration. Section 6.2.1: its duration "(when
/// rounded to a whole second) is less than or equal to the Target Duration"; 0.1 s is left for
/// audio, whose segments end up to two frames later.
pub(super) fn segment_ticks_max(target_duration_s: u32, hz: u64) -> u64 {
    u64::from(target_duration_s) * hz + hz * 4 / 10
}

/// Frames in a part: more than 1000 fps for the longest sensible part.
const FRAMES_MAX: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_millis(334);

    #[test]
    fn known_rates_give_whole_frames() {
        for (num, den, part_ms) in [
            (24, 1, 334),
            (24_000, 1001, 334),
            (25, 1, 320),
            (30, 1, 334),
            (30_000, 1001, 334),
            (50, 1, 340),
            (60_000, 1001, 334),
            (60, 1, 334),
            (10, 1, 300),
            (1, 1, 1000),
        ] {
            assert_eq!(
                known_rate(FrameRate { num, den }, TARGET),
                part_ms,
                "{num}/{den}"
            );
        }
    }

    #[test]
    fn audio_stays_within_the_video_target() {
        assert_eq!(audio(1024, Timescale::OPUS, 334), 320);
        assert_eq!(audio(1024, Timescale::new(44_100).unwrap(), 334), 326);
        assert_eq!(
            audio(1024, Timescale::new(8_000).unwrap(), 100),
            128,
            "one frame at least"
        );
    }

    #[test]
    fn a_measured_constant_rate_is_the_declared_one() {
        assert_eq!(
            measured(&[3000; 20], TARGET),
            Measured {
                part_ms: 334,
                nominal: 3000,
                rate_milli: 30_000
            }
        );
        let milliseconds = [2970, 3060, 2970, 2970, 3060, 2970];
        assert_eq!(measured(&milliseconds, TARGET).part_ms, 335);
        assert_eq!(measured(&[], TARGET).nominal, 3000, "nothing to measure");
    }

    #[test]
    fn uneven_frames_get_a_target_that_holds_seven_of_the_longest() {
        assert_eq!(measured(&[3000, 6000, 3000], TARGET).part_ms, 445);
        assert_eq!(measured(&[1500, 3000, 1500], TARGET).part_ms, 334);
        assert_eq!(
            measured(&[3000, 60_000], TARGET).part_ms,
            1000,
            "a second at most"
        );
    }

    #[test]
    fn the_target_duration_follows_the_gop() {
        let td = |seconds: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small and positive"
            )]
            let gop = (seconds * 90_000.0) as u64;
            target_duration(gop, 180_000, 90_000, (2, 10))
        };
        assert_eq!(
            [td(0.5), td(1.0), td(1.5), td(2.0), td(2.002), td(2.2)],
            [2, 2, 3, 2, 2, 3]
        );
        assert_eq!([td(8.333), td(10.0), td(30.0)], [9, 10, 10]);
    }

    #[test]
    fn implausible_rates_are_not_believed() {
        for (num, den) in [(0, 1), (1, 0), (90_000, 1), (1, 1000)] {
            assert!(!plausible(FrameRate { num, den }), "{num}/{den}");
        }
        assert!(plausible(FrameRate {
            num: 30_000,
            den: 1001
        }));
    }
}
