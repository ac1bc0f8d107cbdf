//! One clock per stream: publisher milliseconds become the stream's own timeline, once.
//!
//! Everything downstream derives its times from what is assigned here by a constant, so nothing is ever re-timed.

use std::time::Instant;

use media::{FrameGrid, FrameRate, MediaTime, Pts, Timescale, UnixMillis, UtcAnchor, time};

/// The first frame of a stream, so that no timestamp of it is ever negative, audio that began earlier included.
const FIRST_PTS: Pts = Pts(10 * 90_000);
const _: () = assert!(rtmp::COMPOSITION_MS_MAX as i64 * 90 < FIRST_PTS.0);

/// How much of the distance to a new arrival the live map follows: slow enough for network jitter, fast enough for a
/// drifting encoder clock.
const LIVE_SMOOTHING: i64 = 32;

/// A stream's clock. It outlives publish sessions; each one is an epoch.
#[derive(Debug)]
pub(crate) struct StreamClock {
    started: Instant,
    started_wall: UnixMillis,
    epoch: Option<Epoch>,
    epochs: u32,
    highest: Pts,
    /// Smoothed `pts - time since start` of arrivals, 90 kHz ticks.
    live_offset: Option<i64>,
}

/// One publish session on the timeline.
#[derive(Debug)]
struct Epoch {
    anchor: UtcAnchor,
    /// The publisher's millisecond stamp that falls on `base`.
    first_ms: i64,
    base: Pts,
    rate: FrameRate,
    video: FrameGrid,
    audio: Option<(FrameGrid, MediaTime)>,
}

/// A rate at which every millisecond is a frame: the grid of a publisher that names no frame rate.
const EVERY_MILLISECOND: FrameRate = FrameRate { num: 1000, den: 1 };

impl StreamClock {
    pub(crate) fn new(now: Instant, wall: UnixMillis) -> Self {
        Self {
            started: now,
            started_wall: wall,
            epoch: None,
            epochs: 0,
            highest: FIRST_PTS,
            live_offset: None,
        }
    }

    /// Begins a publish session whose first frame bears `first_ms`. The timeline goes on: the first pts is one frame past
    /// the last, or the wall-clock gap later, whichever is more.
    pub(crate) fn start_epoch(
        &mut self,
        now: Instant,
        first_ms: i64,
        rate: Option<FrameRate>,
        audio: Option<Timescale>,
    ) -> UtcAnchor {
        let rate = rate.unwrap_or(EVERY_MILLISECOND);
        let wall = self.wall(now);
        let base = match &self.epoch {
            None => FIRST_PTS,
            Some(last) => {
                let frame =
                    i64::from(90_000 / last.rate.num.max(1)).max(1) * i64::from(last.rate.den);
                last.anchor
                    .pts(wall)
                    .max(self.highest.offset(frame.max(90)))
            }
        };
        let anchor = UtcAnchor::at(base, wall);
        let audio = audio.map(|scale| {
            let samples = FrameRate {
                num: scale.hz(),
                den: media::AacConfig::SAMPLES_PER_FRAME,
            };
            (
                FrameGrid::new(samples, scale),
                base.media_time().rescale_round(scale),
            )
        });
        let video = FrameGrid::new(rate, Timescale::VIDEO);
        self.epoch = Some(Epoch {
            anchor,
            first_ms,
            base,
            rate,
            video,
            audio,
        });
        self.epochs += 1;
        self.live_offset = None;
        anchor
    }

    /// Publish session, from 1; 0 before the first.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epochs
    }

    /// The anchor of the current epoch.
    pub(crate) fn anchor(&self) -> UtcAnchor {
        self.epoch
            .as_ref()
            .map_or_else(|| UtcAnchor::at(FIRST_PTS, self.started_wall), |e| e.anchor)
    }

    /// Places a video frame: its decode and presentation times. `None` before an epoch.
    pub(crate) fn video(
        &mut self,
        now: Instant,
        dts_ms: i64,
        composition_ms: i32,
    ) -> Option<(MediaTime, MediaTime)> {
        let epoch = self.epoch.as_mut()?;
        let dts = epoch
            .video
            .place(dts_ms - epoch.first_ms)
            .offset(epoch.base.0);
        let pts = epoch.video.present(composition_ms).offset(epoch.base.0);
        self.arrived(now, pts.to_pts());
        Some((dts, pts))
    }

    /// Places an audio frame on its own scale. `None` before an epoch, for a track the epoch lacks, or before zero.
    pub(crate) fn audio(&mut self, now: Instant, pts_ms: i64, leads: bool) -> Option<MediaTime> {
        let epoch = self.epoch.as_mut()?;
        let first_ms = epoch.first_ms;
        let (grid, base) = epoch.audio.as_mut()?;
        let pts = grid.place(pts_ms - first_ms).offset(base.ticks());
        if leads {
            self.arrived(now, pts.to_pts());
        }
        Some(pts)
    }

    fn arrived(&mut self, now: Instant, pts: Pts) {
        self.highest = self.highest.max(pts);
        let offset = pts.0 - self.since_start(now);
        self.live_offset = Some(match self.live_offset {
            None => offset,
            Some(old) => old + (offset - old) / LIVE_SMOOTHING,
        });
    }

    /// The largest pts taken in.
    pub(crate) const fn highest(&self) -> Pts {
        self.highest
    }

    /// The pts that arrives about now, by the smoothed pace of arrivals.
    pub(crate) fn live(&self, now: Instant) -> Pts {
        self.live_offset.map_or(self.highest, |offset| {
            Pts(offset.saturating_add(self.since_start(now)))
        })
    }

    /// Server UTC.
    pub(crate) fn wall(&self, now: Instant) -> UnixMillis {
        let passed = i64::try_from(now.saturating_duration_since(self.started).as_millis())
            .unwrap_or(i64::MAX);
        UnixMillis(self.started_wall.0.saturating_add(passed))
    }

    fn since_start(&self, now: Instant) -> i64 {
        time::span_to_ticks(now.saturating_duration_since(self.started))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FPS_30: FrameRate = FrameRate { num: 30, den: 1 };

    fn clock(now: Instant) -> StreamClock {
        StreamClock::new(now, UnixMillis(1_700_000_000_000))
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn milliseconds_of_a_30_fps_encoder_become_exact_frames() {
        let now = Instant::now();
        let mut clock = clock(now);
        clock.start_epoch(now, 500, Some(FPS_30), None);
        for n in 0..300_i64 {
            let (dts, pts) = clock.video(now, 500 + n * 1000 / 30, 67).unwrap();
            assert_eq!(dts.ticks(), FIRST_PTS.0 + n * 3000);
            assert_eq!(pts.ticks(), dts.ticks() + 6000);
        }
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn the_timeline_goes_on_by_the_wall_clock_gap() {
        let now = Instant::now();
        let mut clock = clock(now);
        clock.start_epoch(now, 0, Some(FPS_30), None);
        clock.video(now, 0, 0).unwrap();
        let later = now + Duration::from_secs(7);
        let anchor = clock.start_epoch(later, 90_000, Some(FPS_30), None);
        let (_, pts) = clock.video(later, 90_000, 0).unwrap();
        assert_eq!(pts.ticks(), FIRST_PTS.0 + 7 * 90_000);
        assert_eq!(anchor.utc(pts.to_pts()), UnixMillis(1_700_000_007_000));
        assert_eq!(clock.epoch(), 2);
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn a_publisher_that_ran_ahead_never_goes_back() {
        let now = Instant::now();
        let mut clock = clock(now);
        clock.start_epoch(now, 0, Some(FPS_30), None);
        clock.video(now, 60_000, 0).unwrap();
        let highest = clock.highest();
        clock.start_epoch(now + Duration::from_secs(1), 0, Some(FPS_30), None);
        let (_, pts) = clock.video(now, 0, 0).unwrap();
        assert!(pts.to_pts() > highest);
    }
}
