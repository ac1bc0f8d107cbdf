//! Every metric this server has, once: name, kind, labels, meaning.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution in buckets.
    Histogram,
}

impl Kind {
    /// Its name in the exposition format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with the unit last and `_total` on counters.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it means and what its labels are.
    pub help: &'static str,
}

impl Metric {
    pub(super) fn describe(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, self.help),
            Kind::Gauge => describe_gauge!(self.name, self.help),
            Kind::Histogram => describe_histogram!(self.name, self.help),
        }
    }
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        help,
    }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        help,
    }
}

/// The vocabulary.
pub const VOCABULARY: &[Metric] = &[
    gauge(
        "shopcast_streams",
        "Streams by state: starting, live or interrupted.",
    ),
    gauge(
        "shopcast_viewers",
        "Viewers by protocol: webrtc (connected sessions), hls (distinct clients in the last 10 s), events (open \
         side channels).",
    ),
    gauge(
        "shopcast_ingest_bitrate_bps",
        "Bits per second taken in over the last second, by track, over all streams.",
    ),
    gauge(
        "shopcast_http_connections",
        "Open HTTP connections, of all listeners.",
    ),
    counter(
        "shopcast_tls_handshakes_failed_total",
        "TLS connections, HTTPS or RTMPS, that came to nothing before their first byte.",
    ),
    gauge(
        "shopcast_tls_certificate_expiry_timestamp_seconds",
        "UNIX time at which the certificate in use ends; 0 without TLS.",
    ),
    counter(
        "shopcast_tls_renewals_refused_total",
        "Times the certificate's files changed to something that could not be used.",
    ),
    gauge(
        "shopcast_rtmp_connections",
        "Open RTMP connections, RTMPS among them.",
    ),
    counter(
        "shopcast_rtmp_connections_refused_total",
        "RTMP connections closed at rtmp.connections_max, or because many of their address did not publish.",
    ),
    counter(
        "shopcast_rtmp_received_bytes_total",
        "Bytes received from RTMP clients.",
    ),
    counter(
        "shopcast_rtmp_dropped_total",
        "Things left out of what RTMP clients sent, by what they were.",
    ),
    counter(
        "shopcast_encoder_cues_total",
        "Cues of encoders (onTextData, onCuePoint), by outcome: done, refused, not_allowed, no_rule, lost.",
    ),
    gauge(
        "shopcast_webrtc_tcp_connections",
        "Open TCP connections of WebRTC peers.",
    ),
    counter(
        "shopcast_webrtc_tcp_connections_refused_total",
        "TCP connections of WebRTC peers closed at webrtc.tcp_connections_max.",
    ),
    counter(
        "shopcast_access_refused_total",
        "Requests and publishers refused for their credentials, by entry (http, rtmp) and reason (missing, malformed, \
         tampered, unknown_token, unknown_key, not_taken, expired, not_yet_valid, too_long_lived, wrong_audience, \
         other_stream, not_granted, key_only_publishes, operator_only, limited).",
    ),
    counter(
        "shopcast_webrtc_datagrams_received_total",
        "Datagrams received from WebRTC peers, by UDP and TCP.",
    ),
    counter(
        "shopcast_webrtc_datagrams_sent_total",
        "Datagrams sent to WebRTC peers: taken by the kernel, or by a TCP connection's queue.",
    ),
    counter(
        "shopcast_webrtc_sent_bytes_total",
        "Their bytes, without headers of IP, UDP and TCP.",
    ),
    counter(
        "shopcast_webrtc_datagrams_dropped_total",
        "Datagrams not sent, by reason: socket_full (raise webrtc.socket_buffer; or a TCP peer reads too slowly), refused (by the kernel).",
    ),
    gauge(
        "shopcast_webrtc_sessions_connecting",
        "WebRTC sessions whose ICE and DTLS are not through yet.",
    ),
    counter(
        "shopcast_webrtc_sessions_never_connected_total",
        "WebRTC sessions given up because they did not connect in 15 s.",
    ),
    counter(
        "shopcast_webrtc_sessions_failed_total",
        "WebRTC sessions ended by an error inside them.",
    ),
    counter(
        "shopcast_webrtc_datagrams_unclaimed_total",
        "Datagrams received that belong to no session.",
    ),
    Metric {
        name: "shopcast_shard_timer_lateness_seconds",
        kind: Kind::Histogram,
        help: "How late the media thread's timer was served; past 0.02 the machine is too busy.",
    },
    Metric {
        name: "shopcast_ingest_to_egress_seconds",
        kind: Kind::Histogram,
        help: "From the read of a publisher's bytes to the last WebRTC datagram sent because of them.",
    },
    counter(
        "shopcast_hls_requests_total",
        "LL-HLS requests by kind (multivariant, media, object) and HTTP status.",
    ),
    counter(
        "shopcast_hls_sent_bytes_total",
        "Bytes of playlists (before gzip) and objects.",
    ),
    gauge(
        "shopcast_hls_waiters",
        "Playlist and part requests that wait for media.",
    ),
    counter(
        "shopcast_hls_waiters_refused_total",
        "Requests answered 503 at hls.waiters_max.",
    ),
    gauge(
        "shopcast_hls_stored_bytes",
        "Media in memory for LL-HLS, over all streams.",
    ),
    counter(
        "shopcast_hls_failed_total",
        "Frames and epochs the packager could not take.",
    ),
    counter(
        "shopcast_cues_forged_total",
        "Messages under the UUID of this server's own cues that publishers sent in the picture (SEI), and that went no further.",
    ),
    counter(
        "shopcast_cues_inserted_total",
        "Cues accepted, replays of an idempotency key not counted.",
    ),
    counter(
        "shopcast_cues_late_total",
        "Of them, those placed later than asked because the frame had passed.",
    ),
    counter(
        "shopcast_cues_refused_total",
        "Cue requests the timeline refused.",
    ),
    Metric {
        name: "shopcast_shows_commit_seconds",
        kind: Kind::Histogram,
        help: "How long what happened to shows took to reach the disk; requests that change cues wait for it.",
    },
    gauge(
        "shopcast_shows_failing",
        "1 while the store cannot be written: requests that change cues are refused.",
    ),
    counter(
        "shopcast_shows_lost_total",
        "News of shows that a restart will not know, because the store was too far behind.",
    ),
    counter(
        "shopcast_cues_sent_total",
        "Cues sent, once for each cue and session, by protocol: webrtc (written to a data channel), ll_hls (written to \
         a side channel over HTTP).",
    ),
    counter(
        "shopcast_cues_acknowledged_total",
        "Of them, those the session's transport has acknowledged, by protocol; HTTP has no such word, so ll_hls stays 0.",
    ),
    counter(
        "shopcast_cue_media_fetched_total",
        "Complete answers of LL-HLS media with a cue in it, once for each cue; behind a cache these are edges, not viewers.",
    ),
    counter(
        "shopcast_cues_painted_total",
        "Cues that players say they have rendered, once for each cue and session, by protocol.",
    ),
    counter(
        "shopcast_cue_reports_refused_total",
        "What players said of cues and was left out, by protocol and reason (malformed, too_many, not_sent, forgotten, \
         impossible).",
    ),
    Metric {
        name: "shopcast_cue_lateness_seconds",
        kind: Kind::Histogram,
        help: "For how long players say frames were shown without a cue that came late, by protocol; 0 is in time.",
    },
    Metric {
        name: "shopcast_cue_frame_error_frames",
        kind: Kind::Histogram,
        help: "Frames from the first one that should have shown a cue to the one that did, as players say, by protocol.",
    },
    counter(
        "shopcast_events_lagged_total",
        "Times a follower was too slow and got a new snapshot.",
    ),
    counter(
        "shopcast_transcoder_starts_total",
        "Transcoding children started.",
    ),
    counter(
        "shopcast_transcoder_exits_total",
        "Transcoding children that ended or could not be started.",
    ),
    counter(
        "shopcast_transcoder_deaths_total",
        "Transcoding children that ended without being asked to, by what they were for (of: sound, video) and cause: exited \
         (by itself, or it could not be started), not_ready (in 3 s), hung (frames went in and nothing came out for 3 s), \
         failed (it said why, see the log), garbled (what it wrote is no message).",
    ),
    counter(
        "shopcast_transcoder_frames_dropped_total",
        "Audio frames dropped because a child did not read.",
    ),
    counter("shopcast_thumbnails_made_total", "Thumbnails made."),
    counter(
        "shopcast_thumbnails_failed_total",
        "Thumbnails that were asked for and not made: the child ended at it, or three seconds passed.",
    ),
    counter(
        "shopcast_webhooks_attempts_total",
        "Attempts at webhooks that came to an end, by endpoint and outcome: delivered or failed.",
    ),
    counter(
        "shopcast_webhooks_given_up_total",
        "Webhooks given up, by endpoint: after the last attempt, because of 410, or at webhooks.pending_max.",
    ),
    counter(
        "shopcast_webhooks_lost_total",
        "Events that no endpoint was told of, by reason: queue_full (between media thread and database) or store (it \
         could not be written).",
    ),
    gauge(
        "shopcast_webhooks_pending",
        "Webhooks that wait or are under way, by endpoint.",
    ),
    gauge(
        "shopcast_webhooks_oldest_pending_seconds",
        "Age of the oldest of them, by endpoint; 0 without any.",
    ),
    gauge(
        "shopcast_webhooks_disabled",
        "1 for an endpoint that answered 410 and gets nothing until the next start.",
    ),
];
