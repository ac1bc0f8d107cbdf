//! Rates as the API reports them.

use std::time::{Duration, Instant};

use media::Pts;

/// Bits per second over the last whole second.
#[derive(Debug)]
pub(crate) struct BitrateMeter {
    window_started: Instant,
    bytes: u64,
    last_bps: u64,
}

impl BitrateMeter {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            window_started: now,
            bytes: 0,
            last_bps: 0,
        }
    }

    pub(crate) fn count(&mut self, now: Instant, bytes: usize) {
        self.roll(now);
        self.bytes += bytes as u64;
    }

    fn roll(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.window_started);
        if passed < Duration::from_secs(1) {
            return;
        }
        // A silence of more than one window leaves nothing to report.
        self.last_bps = if passed < Duration::from_secs(2) {
            self.bytes.saturating_mul(8_000) / u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
        } else {
            0
        };
        self.bytes = 0;
        self.window_started = now;
    }

    pub(crate) fn bps(&self, now: Instant) -> u64 {
        let silent = now.saturating_duration_since(self.window_started) >= Duration::from_secs(3);
        if silent { 0 } else { self.last_bps }
    }
}

/// What the frames themselves say of a video track.
#[derive(Debug, Default)]
pub(crate) struct VideoMeter {
    pub(crate) frames: u64,
    pub(crate) b_frames: bool,
    /// Key frames are followed by pictures that refer to what was before them.
    pub(crate) open_gop: bool,
    last_key: Option<Pts>,
    gop_ticks: Option<i64>,
    first: Option<Pts>,
    newest: Option<Pts>,
}

impl VideoMeter {
    /// Takes a frame in decode order; `reordered` when its coding says B.
    pub(crate) fn count(&mut self, pts: Pts, keyframe: bool, reordered: bool) {
        self.frames += 1;
        self.b_frames |= reordered || self.newest.is_some_and(|newest| pts < newest);
        self.first.get_or_insert(pts);
        self.newest = self.newest.max(Some(pts));
        if keyframe {
            if let Some(last) = self.last_key {
                self.gop_ticks = Some(pts.since(last));
            }
            self.last_key = Some(pts);
        }
    }

    /// Length of the last whole GOP.
    pub(crate) fn gop_ms(&self) -> Option<u64> {
        self.gop_ticks
            .and_then(|ticks| u64::try_from(ticks / 90).ok())
    }

    /// Length so far of the GOP that has not ended.
    pub(crate) fn gop_so_far_ms(&self) -> Option<u64> {
        let ticks = self.newest?.since(self.last_key?);
        u64::try_from(ticks / 90).ok()
    }

    /// Measured over the epoch so far, once two seconds have been seen.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a rate for people, three digits matter"
    )]
    pub(crate) fn frame_rate(&self) -> Option<f64> {
        let span = self.newest?.since(self.first?);
        (span >= 180_000).then(|| (self.frames - 1) as f64 * 90_000.0 / span as f64)
    }
}
