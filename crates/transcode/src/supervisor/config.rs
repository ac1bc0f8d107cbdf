//! The supervisor's times and limits.

use std::time::Duration;

/// Times and limits; the defaults fit a live stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// From asking for the process to its `Ready`; then it is killed. Default 3 s: ten times what a start
    /// with an unread GStreamer registry takes.
    pub start_up_max: Duration,
    /// Frames sent and no packet back for so long; then it is killed. Default 3 s.
    pub silence_max: Duration,
    /// How many frames must be unanswered before silence means anything. Default 24: a publisher that pauses
    /// must not look like a hang, and of Opus frames of 2.5 ms the AAC encoder's first packet takes 18.
    pub silent_frames_min: u32,
    /// Unanswered frames, beyond which further ones are dropped. Default 256, which is 5 s of the usual
    /// 20 ms and so more than `silence_max`: it only counts when the driver forgets the time.
    pub unanswered_frames_max: u32,
    /// From asking it to finish until it is killed. Default 1 s.
    pub stop_grace: Duration,
    /// The wait after the first failure; each further one doubles it. Default 100 ms.
    pub back_off_first: Duration,
    /// The longest wait. Default 5 s.
    pub back_off_max: Duration,
    /// A child that still yields packets so long after `Ready` has wiped out the failures before it.
    /// Default 10 s.
    pub healthy_after: Duration,
    /// Frames kept while no child runs; the oldest is dropped. Default 10, about 200 ms: what is older
    /// would reach viewers after the time to play it.
    pub pending_frames_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            start_up_max: Duration::from_secs(3),
            silence_max: Duration::from_secs(3),
            silent_frames_min: 24,
            unanswered_frames_max: 256,
            stop_grace: Duration::from_secs(1),
            back_off_first: Duration::from_millis(100),
            back_off_max: Duration::from_secs(5),
            healthy_after: Duration::from_secs(10),
            pending_frames_max: 10,
        }
    }
}

impl Config {
    /// The wait after `failures` earlier ones.
    pub(super) fn back_off(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures);
        self.back_off_first
            .saturating_mul(doubled)
            .min(self.back_off_max)
    }
}
