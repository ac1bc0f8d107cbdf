//! Who watches what: the same arguments for every way of watching.

use std::time::Duration;

/// Viewers of one stream.
#[derive(Debug, clap::Args)]
pub(crate) struct Audience {
    /// The server, for example `http://127.0.0.1:8080`.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) server: String,
    /// The stream to watch.
    #[arg(long)]
    pub(crate) stream: String,
    /// WebRTC viewers.
    #[arg(long, default_value_t = 0)]
    pub(crate) whep: usize,
    /// LL-HLS viewers.
    #[arg(long, default_value_t = 0)]
    pub(crate) hls: usize,
    /// Joins per second.
    #[arg(long, default_value_t = 20)]
    joins_per_second: u32,
}

impl Audience {
    /// From one join to the next.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_secs(1) / self.joins_per_second.max(1)
    }
}
