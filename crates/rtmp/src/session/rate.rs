//! How many messages a second.

use std::time::{Duration, Instant};

use crate::Error;

/// Counts in windows of one second.
#[derive(Debug)]
pub(super) struct Rate {
    since: Instant,
    count: u32,
    limit: u32,
}

impl Rate {
    pub(super) const fn new(limit: u32, now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
            limit,
        }
    }

    /// Counts one more; an error past the limit.
    pub(super) fn count(&mut self, now: Instant) -> Result<(), Error> {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.count = 0;
        }
        self.count += 1;
        if self.count > self.limit {
            return Err(Error::Limit {
                what: "messages a second that are not audio or video",
                value: self.count.into(),
                limit: self.limit.into(),
            });
        }
        Ok(())
    }
}
