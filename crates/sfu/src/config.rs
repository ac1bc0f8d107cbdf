//! What an operator may set, and the limits that are not his to set.

use std::{net::SocketAddr, time::Duration};

/// Settings of one [`Sfu`](crate::Sfu).
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses peers can reach this shard's UDP socket at, written into every answer as host
    /// candidates. They need not be this machine's own: a NAT may stand before it.
    pub candidates: Vec<SocketAddr>,
    /// Addresses where TCP connections are taken, written into every answer as passive candidates
    /// (RFC 6544). With those of UDP at least one.
    pub tcp_candidates: Vec<SocketAddr>,
    /// Prefix of every ICE user name fragment this shard hands out, so that shards behind one
    /// address can tell whose a binding request is.
    pub shard: u16,
    /// Viewers at most; past it their offers are refused with [`Refusal::Full`](crate::Refusal::Full).
    pub sessions_max: usize,
    /// Viewers that have not connected yet at most; past it their offers are refused with
    /// [`Refusal::TooManyHalfOpen`](crate::Refusal::TooManyHalfOpen).
    pub half_open_max: usize,
    /// How long a session may take to connect before it is closed. RFC 9725 section 5 asks for a
    /// bound.
    pub half_open_timeout: Duration,
    /// How long a connected viewer may send no authenticated connectivity check. RFC 7675 section
    /// 5.1: consent expires after 30 seconds.
    pub consent_timeout: Duration,
    /// At most one answer from the cache per viewer in this time, however often it asks for a key
    /// frame.
    pub keyframe_interval: Duration,
    /// Packets a viewer can still ask for again: at 300 a second (2.8 Mbit/s) 256 are 0.85 s. Each
    /// takes 0.4 KiB of every viewer's memory, and memory is time: with 500 viewers a packet costs
    /// half as much again with 512 (docs/adr/0002).
    pub retransmit_packets: usize,
}

impl Config {
    /// The defaults, for a shard reachable at `candidates`.
    pub fn new(candidates: Vec<SocketAddr>) -> Self {
        Self {
            candidates,
            tcp_candidates: Vec::new(),
            shard: 0,
            sessions_max: 4_000,
            half_open_max: 256,
            half_open_timeout: Duration::from_secs(15),
            consent_timeout: Duration::from_secs(30),
            keyframe_interval: Duration::from_millis(500),
            retransmit_packets: 256,
        }
    }
}
