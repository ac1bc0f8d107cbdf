//! What an operator can tune, and the defaults.

use std::time::Duration;

/// Limits and deadlines of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// From the connection to the end of the handshake. Default 5 s; 3 KiB pass in one round trip.
    pub handshake_timeout: Duration,
    /// From the handshake (or the last unpublish) to the publish being accepted. Default 10 s.
    pub publish_timeout: Duration,
    /// Bytes taken in that time. Default 64 KiB: OBS and FFmpeg need less than 2 KiB.
    pub publish_bytes_max: usize,
    /// Without a whole audio or video message for this long the publisher is gone. Default 20 s.
    pub idle_timeout: Duration,
    /// A publisher that sends nothing for this long is pinged, so that a dead connection shows.
    /// Default 5 s.
    pub ping_interval: Duration,
    /// Largest video message. Default 8 MiB: a key frame of 250 Mbit/s is a quarter of it.
    pub video_message_bytes_max: usize,
    /// Largest message of any other type. Default 256 KiB.
    pub message_bytes_max: usize,
    /// Memory of all messages not yet whole. Default 16 MiB: two largest video messages.
    pub unfinished_bytes_max: usize,
    /// Chunk streams a publisher may use. Default 64; OBS uses 3, FFmpeg 5.
    pub chunk_streams_max: usize,
    /// Messages a second that are neither audio nor video. Default 100; a publisher's start takes
    /// ten.
    pub messages_per_second_max: u32,
    /// How many bytes we send or receive before an acknowledgement is due. Default 2.5 MB, as other
    /// servers ask for.
    pub window_bytes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            publish_timeout: Duration::from_secs(10),
            publish_bytes_max: 64 * 1024,
            idle_timeout: Duration::from_secs(20),
            ping_interval: Duration::from_secs(5),
            video_message_bytes_max: 8 * 1024 * 1024,
            message_bytes_max: 256 * 1024,
            unfinished_bytes_max: 16 * 1024 * 1024,
            chunk_streams_max: 64,
            messages_per_second_max: 100,
            window_bytes: 2_500_000,
        }
    }
}
