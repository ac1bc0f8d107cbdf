//! What is counted.

use std::time::Duration;

/// The protection DTLS agreed on for a session's media (RFC 5764 section 4.1.2, RFC 7714 section
/// 14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    /// `SRTP_AES128_CM_HMAC_SHA1_80`, costs two to three times an AEAD profile.
    Aes128CmSha1_80,
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
}

/// One session's numbers since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionStats {
    /// Media packets handed to the transport, retransmissions not counted.
    pub packets_sent: u64,
    /// Payload bytes of those packets.
    pub bytes_sent: u64,
    /// Packets sent again because the viewer asked (RTX).
    pub retransmitted: u64,
    /// NACK messages received, up to two seconds ago.
    pub nacks: u64,
    /// PLI and FIR messages received.
    pub keyframe_requests: u64,
    /// Of those, how many were answered from the cache.
    pub keyframe_answers: u64,
    /// Round trip time by the viewer's last receiver report.
    pub rtt: Option<Duration>,
    /// Datagrams from the viewer's address that its transport could not read.
    pub datagrams_rejected: u64,
    /// What protects the media; `None` until DTLS has agreed.
    pub srtp_profile: Option<SrtpProfile>,
    /// ICE and DTLS are through.
    pub connected: bool,
    /// The viewer opened the data channel.
    pub channel_open: bool,
    /// Its link does not carry the stream: it is sent as much as the link bears.
    pub narrow: bool,
    /// How often its link was found to be so.
    pub narrowed: u64,
}

/// Numbers of the whole shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Sessions there are.
    pub sessions: usize,
    /// Of those, how many have not connected yet.
    pub half_open: usize,
    /// Source addresses that have proved whose they are.
    pub addresses: usize,
    /// Datagrams that belonged to no session: unknown source, unknown or unauthenticated binding
    /// request.
    pub datagrams_dropped: u64,
    /// Sessions closed because they never connected.
    pub half_open_reaped: u64,
    /// Sessions ended by an error inside them.
    pub sessions_failed: u64,
}
