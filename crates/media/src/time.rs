//! Time on a track's own line.
//!
//! Four notions of time exist in the product and only here are they converted:
//! [`std::time::Instant`] (monotonic, passed in as `now`), [`MediaTime`] (an instant on one track's
//! line), [`std::time::Duration`] (a span) and [`UnixMillis`] (wall clock, passed in).

use std::{fmt, num::NonZeroU32, time::Duration};

/// Ticks per second of a media timeline; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// 90 kHz: video, cues and the stream's own timeline.
    pub const VIDEO: Self = Self::new(90_000).expect("90000 is not zero");
    /// 48 kHz: Opus, always (RFC 7587 section 4.1).
    pub const OPUS: Self = Self::new(48_000).expect("48000 is not zero");

    /// A scale of `hz` ticks per second; `None` for zero.
    pub const fn new(hz: u32) -> Option<Self> {
        match NonZeroU32::new(hz) {
            Some(hz) => Some(Self(hz)),
            None => None,
        }
    }

    /// Ticks per second.
    pub const fn hz(self) -> u32 {
        self.0.get()
    }
}

/// An instant on one track's line.
///
/// Equality and ordering compare the fields, so two values of different scales are never equal even
/// when they name the same moment: [`rescale_floor`](Self::rescale_floor) one of them first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaTime {
    scale: Timescale,
    ticks: i64,
}

impl MediaTime {
    /// The instant `ticks` after the line's zero.
    pub const fn new(ticks: i64, scale: Timescale) -> Self {
        Self { scale, ticks }
    }

    /// Ticks since the line's zero.
    pub const fn ticks(self) -> i64 {
        self.ticks
    }

    /// The line's scale.
    pub const fn scale(self) -> Timescale {
        self.scale
    }

    /// The same moment on another scale, rounded towards the past.
    pub fn rescale_floor(self, scale: Timescale) -> Self {
        let wide = i128::from(self.ticks) * i128::from(scale.hz());
        Self {
            scale,
            ticks: narrow(wide.div_euclid(i128::from(self.scale.hz()))),
        }
    }

    /// The same moment on another scale, rounded to the nearest tick.
    pub fn rescale_round(self, scale: Timescale) -> Self {
        let wide = i128::from(self.ticks) * i128::from(scale.hz());
        let from = i128::from(self.scale.hz());
        Self {
            scale,
            ticks: narrow((wide * 2 + from).div_euclid(from * 2)),
        }
    }

    /// This instant moved by a number of its own ticks; saturates.
    pub const fn offset(self, ticks: i64) -> Self {
        Self {
            scale: self.scale,
            ticks: self.ticks.saturating_add(ticks),
        }
    }

    /// Ticks from `earlier` to this instant, `None` when the scales differ.
    pub fn ticks_since(self, earlier: Self) -> Option<i64> {
        (self.scale == earlier.scale).then(|| self.ticks.saturating_sub(earlier.ticks))
    }

    /// The stream-timeline instant, rounded towards the past.
    pub fn to_pts(self) -> Pts {
        Pts(self.rescale_floor(Timescale::VIDEO).ticks)
    }
}

/// An instant on the stream's own timeline: 90 kHz ticks, assigned once at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pts(pub i64);

impl Pts {
    /// The instant as a [`MediaTime`] at 90 kHz.
    pub const fn media_time(self) -> MediaTime {
        MediaTime::new(self.0, Timescale::VIDEO)
    }

    /// This instant moved by 90 kHz ticks; saturates.
    pub const fn offset(self, ticks: i64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// This instant moved later by `span`, rounded towards the past; saturates.
    pub fn after(self, span: Duration) -> Self {
        self.offset(span_to_ticks(span))
    }

    /// Ticks from `earlier` to this instant; saturates.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Pts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Wall clock in milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub i64);

/// Ties the timeline of one epoch to UTC: `utc = anchor + pts / 90000`, linear, never the wall
/// clock per frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UtcAnchor(pub UnixMillis);

impl UtcAnchor {
    /// The anchor that makes `pts` fall on `utc`.
    pub fn at(pts: Pts, utc: UnixMillis) -> Self {
        Self(UnixMillis(
            utc.0.saturating_sub(pts.0.div_euclid(TICKS_PER_MS)),
        ))
    }

    /// The UTC of `pts`, rounded towards the past to a millisecond.
    pub fn utc(self, pts: Pts) -> UnixMillis {
        UnixMillis(self.0.0.saturating_add(pts.0.div_euclid(TICKS_PER_MS)))
    }

    /// The first pts at or past `utc`.
    pub fn pts(self, utc: UnixMillis) -> Pts {
        Pts(utc.0.saturating_sub(self.0.0).saturating_mul(TICKS_PER_MS))
    }
}

/// 90 kHz ticks of a span, rounded towards zero; saturates.
pub fn span_to_ticks(span: Duration) -> i64 {
    narrow(i128::try_from(span.as_nanos()).unwrap_or(i128::MAX / 90_000) * 90_000 / 1_000_000_000)
}

/// The span of a number of 90 kHz ticks, rounded towards zero; negative numbers are no span.
pub fn ticks_to_span(ticks: i64) -> Duration {
    let ticks = u64::try_from(ticks).unwrap_or(0);
    let rest = ticks % 90_000 * 1_000_000_000 / 90_000;
    Duration::from_secs(ticks / 90_000) + Duration::from_nanos(rest)
}

const TICKS_PER_MS: i64 = 90;

fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_frames_land_on_the_video_scale_exactly_at_48_khz() {
        let aac = Timescale::new(48_000).unwrap();
        for n in 0..1_000 {
            let t = MediaTime::new(n * 1024, aac);
            assert_eq!(t.to_pts().0, n * 1920);
            assert_eq!(t.to_pts().media_time().rescale_round(aac), t);
        }
    }

    #[test]
    fn rounding_is_towards_the_past_also_before_zero() {
        let ms = Timescale::new(1000).unwrap();
        assert_eq!(
            MediaTime::new(-1, Timescale::VIDEO)
                .rescale_floor(ms)
                .ticks(),
            -1
        );
        assert_eq!(UtcAnchor::default().utc(Pts(-1)), UnixMillis(-1));
    }

    #[test]
    fn an_anchor_gives_back_the_instant_it_was_made_at() {
        let anchor = UtcAnchor::at(Pts(90_045), UnixMillis(1_700_000_000_123));
        assert_eq!(anchor.utc(Pts(90_045)), UnixMillis(1_700_000_000_123));
        assert_eq!(anchor.pts(UnixMillis(1_700_000_000_123)), Pts(90_000));
    }

    #[test]
    fn spans_survive_the_round_trip_to_a_tick() {
        for ms in [0, 1, 20, 333, 8_333, 3_600_000] {
            let span = Duration::from_millis(ms);
            assert!(span.abs_diff(ticks_to_span(span_to_ticks(span))) < Duration::from_micros(12));
        }
    }
}
