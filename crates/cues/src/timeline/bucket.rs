//! The stream's rate of cues: a token bucket kept as one instant.

use std::time::{Duration, Instant};

use crate::error::InsertError;

/// Generic cell rate algorithm (ITU-T I.371 annex A): `full_at` is when the bucket would be full
/// again, so the tokens missing now are `(full_at - now) / interval`.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    interval: Duration,
    /// How far `full_at` may lie ahead for a token to be left.
    slack: Duration,
    full_at: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            interval,
            slack: interval * (burst.max(1) - 1),
            full_at: None,
        }
    }

    /// Whether a token is there; if not, when the next one will be.
    pub(super) fn check(&self, now: Instant) -> Result<(), InsertError> {
        let ahead = self
            .full_at
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        match ahead.checked_sub(self.slack) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(retry_after) => Err(InsertError::RateLimited { retry_after }),
        }
    }

    /// Takes a token that [`check`](Self::check) found.
    pub(super) fn take(&mut self, now: Instant) {
        let from = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = from.checked_add(self.interval);
    }
}
