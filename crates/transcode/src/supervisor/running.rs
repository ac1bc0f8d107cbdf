//! A child that is ready: is it still answering?

use std::time::Instant;

use super::Config;

/// What is known of a running child.
#[derive(Debug)]
pub(super) struct Running {
    ready_at: Instant,
    /// Frames since the last packet.
    unanswered: u32,
    /// When the first of them was sent.
    unanswered_since: Option<Instant>,
}

impl Running {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ready_at: now,
            unanswered: 0,
            unanswered_since: None,
        }
    }

    /// Counts a frame; `false` when too many are unanswered to send yet another.
    pub(super) fn frame_sent(&mut self, now: Instant, config: &Config) -> bool {
        if self.unanswered >= config.unanswered_frames_max {
            return false;
        }
        self.unanswered += 1;
        self.unanswered_since.get_or_insert(now);
        true
    }

    /// Counts a packet; `true` when the child has lived long enough to be called healthy.
    pub(super) fn packet_came(&mut self, now: Instant, config: &Config) -> bool {
        self.unanswered = 0;
        self.unanswered_since = None;
        now.saturating_duration_since(self.ready_at) >= config.healthy_after
    }

    /// When the silence is to be called a hang.
    pub(super) fn hang_deadline(&self, config: &Config) -> Option<Instant> {
        let since = self.unanswered_since?;
        (self.unanswered >= config.silent_frames_min).then(|| since + config.silence_max)
    }
}
