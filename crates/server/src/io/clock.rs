//! The only place that reads clocks.
//!
//! Everything else is told the time, so that the same code runs in virtual time in a test.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use media::UnixMillis;

/// The monotonic clock. Read once per turn of a loop.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the place where the monotonic clock is read"
)]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// The wall clock. Read once, when a machine that ties its timeline to UTC is made.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the place where the wall clock is read"
)]
pub(crate) fn wall() -> UnixMillis {
    // A clock before 1970 is a machine without one; zero keeps everything relative to it in order.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
