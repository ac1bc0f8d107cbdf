//! What an operator can turn.

use std::time::Duration;

/// Settings of one stream's packager and origin; give both the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Duration of a part, default 334 ms; fitted to the frame grid, so that 10 frames at 30 fps
    /// give 333.3 ms. Lower: less latency, more requests (about 2 / part target per viewer and
    /// rendition).
    pub part_target: Duration,
    /// Duration a segment aims at, default 2 s. A segment ends at the first IDR at or past it, so a
    /// longer GOP makes longer segments. Raising it makes playlists shorter; latency stays.
    pub segment_target: Duration,
    /// Floor of the target duration, default 2 s. Raise it (to at most `target_duration_max`) for
    /// encoders whose first GOP is shorter than the later ones: the first GOP fixes the target
    /// duration for good.
    pub target_duration_min: Duration,
    /// Ceiling of the target duration, default 10 s. GOPs longer than this are cut, with a verdict.
    pub target_duration_max: Duration,
    /// Media listed in a playlist, default 60 s; never less than six target durations, so that
    /// delta updates work.
    pub window: Duration,
    /// Media kept in memory per stream, default 256 MiB. Past it the oldest goes first, down to the
    /// three target durations a live playlist must list.
    pub store_bytes_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            part_target: Duration::from_millis(334),
            segment_target: Duration::from_secs(2),
            target_duration_min: Duration::from_secs(2),
            target_duration_max: Duration::from_secs(10),
            window: Duration::from_secs(60),
            store_bytes_max: 256 << 20,
        }
    }
}
