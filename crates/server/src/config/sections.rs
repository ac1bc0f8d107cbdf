//! The sections of the configuration, each with its defaults.
//!
//! What a key means in full, and the effect of raising and lowering it, is said once, in `config/shopcast.toml`.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{
    cue_rule::CueRule,
    listen::Listen,
    network::{Advertised, IceServer, TcpListen},
    units::{Size, Span},
    web::{AllowedOrigins, FrameAncestors, Hosts},
};

/// The HTTP surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and TCP port.
    pub listen: SocketAddr,
    /// Open connections at once; more wait in the kernel's backlog.
    pub connections_max: usize,
    /// Followers of `/v1/streams/{stream}/events` at once, per stream.
    pub event_followers_max: usize,
    /// PEM file of the certificate and its chain; empty means no TLS.
    pub tls_certificate: String,
    /// PEM file of the certificate's key.
    pub tls_key: String,
    /// How long browsers insist on https once they came by it.
    pub hsts_max_age: Span,
    /// Names the server answers to beside its own addresses.
    pub hosts: Hosts,
    /// Origins whose pages may read what anybody may read.
    pub allowed_origins: AllowedOrigins,
    /// Who may show the watch page in a frame.
    pub frame_ancestors: FrameAncestors,
}

/// What operators look at, kept apart from viewers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and TCP port; none serves it beside the rest.
    pub listen: Listen,
}

/// Publishers by RTMP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rtmp {
    /// Address and TCP port.
    pub listen: SocketAddr,
    /// Address and TCP port of RTMP inside TLS; none means no RTMPS.
    pub tls_listen: Listen,
    /// Open connections at once; more are closed at once.
    pub connections_max: usize,
    /// The application part of the publishing address.
    pub app: String,
    /// What comes of what encoders say.
    pub cue_rules: Vec<CueRule>,
}

/// Viewers by WebRTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webrtc {
    /// Address and UDP port.
    pub listen: SocketAddr,
    /// Where TCP connections are taken.
    pub tcp_listen: TcpListen,
    /// Addresses peers are told; none means the local ones.
    pub advertised_addresses: Vec<Advertised>,
    /// STUN and TURN servers peers are told.
    pub ice_servers: Vec<IceServer>,
    /// Takes candidates from clients that send no `If-Match`.
    pub lenient_patch: bool,
    /// TCP connections at once.
    pub tcp_connections_max: usize,
    /// Viewers at once.
    pub viewers_max: usize,
    /// Of them, how many may still be connecting.
    pub connecting_max: usize,
    /// The kernel's send and receive buffer of the socket, each.
    pub socket_buffer: Size,
}

/// Viewers by LL-HLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hls {
    /// Length of a part; fitted to the frame grid.
    pub part_target: Span,
    /// Shortest length of a segment; it ends at the first key frame past it.
    pub segment_target: Span,
    /// Floor of the target duration, which the first GOP fixes for good.
    pub target_duration_min: Span,
    /// Ceiling of the target duration; longer GOPs are cut, with a verdict.
    pub target_duration_max: Span,
    /// Media listed in a playlist.
    pub window: Span,
    /// Media kept in memory, per stream.
    pub store_max: Size,
    /// Playlist and part requests that may wait at once, per stream.
    pub waiters_max: usize,
    /// How long an ended stream's playlists and segments stay.
    pub linger: Span,
}

/// The cue timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cues {
    /// How far ahead of the newest frame a cue is placed at least.
    pub lead: Span,
    /// Product cards that may show at once; the in-band snapshot has room for eight.
    pub cards_max: usize,
    /// Sustained rate of a stream's cues.
    pub per_second_max: u32,
    /// Cues a stream takes at once after a quiet time.
    pub burst_max: u32,
    /// Hosts that cards may show pictures of.
    pub image_hosts: Vec<String>,
}

/// Streams in general.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Streams {
    /// Streams at once; a publisher past it is refused.
    pub streams_max: usize,
    /// How long a stream waits for its publisher's return.
    pub resume_window: Span,
    /// A publisher silent for this long gives way to another of the same name.
    pub takeover_after: Span,
    /// How old a show may be that a start goes on with.
    pub keep: Span,
}

/// The child process that makes Opus from AAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Transcoder {
    /// The program; empty means `shopcast-transcoder` beside this one.
    pub path: String,
    /// How much of the machine's processors may be busy encoding pictures again, percent.
    pub repair_percent: u32,
    /// How many children may make thumbnails at once.
    pub thumbnails_max: usize,
    /// Whether a child may work without its fence.
    pub fence: Fence,
}

impl Transcoder {
    /// That share of the processors which this process may use.
    pub(super) fn repair_cores(&self) -> f64 {
        // Not known: then as if there were one.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = u32::try_from(cores).unwrap_or(u32::MAX);
        f64::from(cores) * f64::from(self.repair_percent) / 100.0
    }
}

impl Default for Transcoder {
    fn default() -> Self {
        Self {
            path: String::new(),
            repair_percent: 75,
            thumbnails_max: 4,
            fence: Fence::default(),
        }
    }
}

/// What holds the child.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fence {
    /// No file, no network, no program, a limit of memory; or it ends.
    #[default]
    Required,
    /// Nothing.
    Off,
}

/// What outlives the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// The SQLite file; empty means in memory, and nothing outlives the process.
    pub path: String,
}

/// What is written to standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Levels, in the syntax of `tracing`'s `EnvFilter`.
    pub filter: String,
}

/// How the server ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// Longest wait for open requests after a signal.
    pub drain: Span,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: local(8080),
            connections_max: 4096,
            event_followers_max: 2000,
            tls_certificate: String::new(),
            tls_key: String::new(),
            hsts_max_age: Span::seconds(180 * 86_400),
            hosts: Hosts::default(),
            allowed_origins: AllowedOrigins::Any,
            frame_ancestors: FrameAncestors::default(),
        }
    }
}

impl Default for Rtmp {
    fn default() -> Self {
        Self {
            listen: local(1935),
            tls_listen: Listen(None),
            connections_max: 64,
            app: "live".into(),
            cue_rules: Vec::new(),
        }
    }
}

impl Default for Webrtc {
    fn default() -> Self {
        Self {
            listen: local(8189),
            tcp_listen: TcpListen::Same,
            advertised_addresses: Vec::new(),
            ice_servers: Vec::new(),
            lenient_patch: true,
            tcp_connections_max: 1000,
            viewers_max: 1000,
            connecting_max: 256,
            socket_buffer: Size::mib(4),
        }
    }
}

impl Default for Hls {
    fn default() -> Self {
        Self {
            part_target: Span::millis(334),
            segment_target: Span::seconds(2),
            target_duration_min: Span::seconds(2),
            target_duration_max: Span::seconds(10),
            window: Span::seconds(60),
            store_max: Size::mib(256),
            waiters_max: 5000,
            linger: Span::seconds(60),
        }
    }
}

impl Default for Cues {
    fn default() -> Self {
        Self {
            lead: Span::millis(300),
            cards_max: 3,
            per_second_max: 10,
            burst_max: 50,
            image_hosts: Vec::new(),
        }
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            streams_max: 64,
            resume_window: Span::seconds(20),
            takeover_after: Span::seconds(2),
            keep: Span::seconds(86_400),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: "shopcast.db".into(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".into(),
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            drain: Span::seconds(3),
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
