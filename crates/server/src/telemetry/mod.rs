//! Metrics: one vocabulary, one recorder a process, handles made once.
//!
//! The media thread counts through handles it keeps, so that a packet costs an addition and no look-up.

mod delivery;
mod vocabulary;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub(crate) use delivery::CueMeters;
pub use vocabulary::{Kind, Metric, VOCABULARY};

/// The instruments that are used often enough to be kept.
pub(crate) struct Meters {
    pub(crate) http_connections: Gauge,
    pub(crate) tls_handshakes_failed: Counter,
    pub(crate) tls_not_after: Gauge,
    pub(crate) tls_renewals_refused: Counter,
    pub(crate) rtmp_connections: Gauge,
    pub(crate) rtmp_refused: Counter,
    pub(crate) rtmp_bytes_in: Counter,
    pub(crate) ice_tcp_connections: Gauge,
    pub(crate) ice_tcp_refused: Counter,
    pub(crate) datagrams_in: Counter,
    pub(crate) datagrams_out: Counter,
    pub(crate) datagram_bytes_out: Counter,
    pub(crate) datagrams_full: Counter,
    pub(crate) datagrams_refused: Counter,
    pub(crate) timer_lateness: Histogram,
    pub(crate) ingest_to_egress: Histogram,
    pub(crate) hls_waiters: Gauge,
    pub(crate) hls_waiters_refused: Counter,
    pub(crate) hls_bytes_out: Counter,
    pub(crate) hls_failed: Counter,
    pub(crate) cues_forged: Counter,
    pub(crate) cues_inserted: Counter,
    pub(crate) cues_late: Counter,
    pub(crate) cues_refused: Counter,
    /// Of the data channels.
    pub(crate) webrtc_cues: CueMeters,
    /// Of the side channels over HTTP.
    pub(crate) hls_cues: CueMeters,
    pub(crate) cue_media_fetched: Counter,
    pub(crate) side_lagged: Counter,
    pub(crate) transcoder_starts: Counter,
    pub(crate) transcoder_exits: Counter,
    pub(crate) transcoder_frames_dropped: Counter,
    pub(crate) thumbnails_made: Counter,
    pub(crate) thumbnails_failed: Counter,
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

/// The instruments, on this process's recorder.
pub(crate) fn meters() -> Arc<Meters> {
    recorder();
    let dropped = |reason| counter!("shopcast_webrtc_datagrams_dropped_total", "reason" => reason);
    Arc::new(Meters {
        http_connections: gauge!("shopcast_http_connections"),
        tls_handshakes_failed: counter!("shopcast_tls_handshakes_failed_total"),
        tls_not_after: gauge!("shopcast_tls_certificate_expiry_timestamp_seconds"),
        tls_renewals_refused: counter!("shopcast_tls_renewals_refused_total"),
        rtmp_connections: gauge!("shopcast_rtmp_connections"),
        rtmp_refused: counter!("shopcast_rtmp_connections_refused_total"),
        rtmp_bytes_in: counter!("shopcast_rtmp_received_bytes_total"),
        ice_tcp_connections: gauge!("shopcast_webrtc_tcp_connections"),
        ice_tcp_refused: counter!("shopcast_webrtc_tcp_connections_refused_total"),
        datagrams_in: counter!("shopcast_webrtc_datagrams_received_total"),
        datagrams_out: counter!("shopcast_webrtc_datagrams_sent_total"),
        datagram_bytes_out: counter!("shopcast_webrtc_sent_bytes_total"),
        datagrams_full: dropped("socket_full"),
        datagrams_refused: dropped("refused"),
        timer_lateness: histogram!("shopcast_shard_timer_lateness_seconds"),
        ingest_to_egress: histogram!("shopcast_ingest_to_egress_seconds"),
        hls_waiters: gauge!("shopcast_hls_waiters"),
        hls_waiters_refused: counter!("shopcast_hls_waiters_refused_total"),
        hls_bytes_out: counter!("shopcast_hls_sent_bytes_total"),
        hls_failed: counter!("shopcast_hls_failed_total"),
        cues_forged: counter!("shopcast_cues_forged_total"),
        cues_inserted: counter!("shopcast_cues_inserted_total"),
        cues_late: counter!("shopcast_cues_late_total"),
        cues_refused: counter!("shopcast_cues_refused_total"),
        webrtc_cues: CueMeters::new("webrtc"),
        hls_cues: CueMeters::new("ll_hls"),
        cue_media_fetched: counter!("shopcast_cue_media_fetched_total"),
        side_lagged: counter!("shopcast_events_lagged_total"),
        transcoder_starts: counter!("shopcast_transcoder_starts_total"),
        transcoder_exits: counter!("shopcast_transcoder_exits_total"),
        transcoder_frames_dropped: counter!("shopcast_transcoder_frames_dropped_total"),
        thumbnails_made: counter!("shopcast_thumbnails_made_total"),
        thumbnails_failed: counter!("shopcast_thumbnails_failed_total"),
    })
}

/// This process's recorder; the first call installs it.
pub(crate) fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let lateness = Matcher::Full("shopcast_shard_timer_lateness_seconds".into());
        let egress = Matcher::Full("shopcast_ingest_to_egress_seconds".into());
        let cue_lateness = Matcher::Full("shopcast_cue_lateness_seconds".into());
        let frame_error = Matcher::Full("shopcast_cue_frame_error_frames".into());
        let commit = Matcher::Full("shopcast_shows_commit_seconds".into());
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(lateness, &LATENESS_BUCKETS)
            .and_then(|builder| builder.set_buckets_for_metric(egress, &EGRESS_BUCKETS))
            .and_then(|it| it.set_buckets_for_metric(cue_lateness, &CUE_LATENESS_BUCKETS))
            .and_then(|it| it.set_buckets_for_metric(frame_error, &FRAME_ERROR_BUCKETS))
            .and_then(|it| it.set_buckets_for_metric(commit, &COMMIT_BUCKETS))
            .expect("the buckets are not empty")
            .install_recorder()
            .expect("nobody else in this process installs a recorder");
        for metric in VOCABULARY {
            metric.describe();
        }
        handle
    })
}

/// Seconds: a runtime timer is good to a millisecond; past 20 ms a viewer's jitter buffer notices.
const LATENESS_BUCKETS: [f64; 7] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2];

/// Seconds: from one viewer on an idle core to more than a core can serve.
const EGRESS_BUCKETS: [f64; 9] = [
    0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.1,
];

/// Seconds, the bounds of `cues::delivery`: 0 is in time.
const CUE_LATENESS_BUCKETS: [f64; 8] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];

/// Frames, the bounds of `cues::delivery`: 0 is the promise.
const FRAME_ERROR_BUCKETS: [f64; 6] = [0.0, 1.0, 2.0, 5.0, 10.0, 30.0];

/// Seconds: from a fast disk to one that makes whoever inserts a cue wait.
const COMMIT_BUCKETS: [f64; 8] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_of_cues_are_those_of_the_ledger() {
        use cues::delivery::{FRAME_ERROR_BOUNDS, LATENESS_BOUNDS_MS};
        let seconds = LATENESS_BOUNDS_MS.map(|ms| ms as f64 / 1000.0);
        assert_eq!(seconds, CUE_LATENESS_BUCKETS);
        assert_eq!(
            FRAME_ERROR_BOUNDS.map(|frames| frames as f64),
            FRAME_ERROR_BUCKETS
        );
    }

    #[test]
    fn what_is_counted_is_in_the_vocabulary_and_rendered_with_its_help() {
        let meters = meters();
        meters.datagrams_full.increment(3);
        meters.timer_lateness.record(0.003);
        let text = recorder().render();
        assert!(
            text.contains("shopcast_webrtc_datagrams_dropped_total{reason=\"socket_full\"} "),
            "{text}"
        );
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').unwrap();
            let metric = VOCABULARY.iter().find(|metric| metric.name == name);
            assert_eq!(
                metric.map(|metric| metric.kind.as_str()),
                Some(kind),
                "{name}"
            );
        }
    }

    #[test]
    fn names_say_their_unit_and_their_kind() {
        for metric in VOCABULARY {
            let counts = metric.name.ends_with("_total");
            assert_eq!(counts, metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.name.starts_with("shopcast_") && !metric.help.is_empty());
        }
    }
}
