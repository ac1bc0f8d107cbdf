//! What the operator set, in the engine's own terms.

use super::Config;
use crate::io::ice::Candidates;

impl Config {
    /// The engine's configuration for a shard reachable at `candidates`.
    pub(crate) fn engine(&self, candidates: Candidates) -> engine::Config {
        let webrtc = sfu::Config {
            sessions_max: self.webrtc.viewers_max,
            half_open_max: self.webrtc.connecting_max,
            tcp_candidates: candidates.tcp,
            ..sfu::Config::new(candidates.udp)
        };
        engine::Config {
            hls: self.packager(),
            timeline: cues::TimelineConfig {
                lead: self.cues.lead.0,
                cards_max: self.cues.cards_max,
                cues_per_second: self.cues.per_second_max,
                burst: self.cues.burst_max,
                ..cues::TimelineConfig::default()
            },
            repair_cores: self.transcoder.repair_cores(),
            thumbnails_max: self.transcoder.thumbnails_max,
            app: self.rtmp.app.clone(),
            resume_window: self.streams.resume_window.0,
            takeover_after: self.streams.takeover_after.0,
            streams_max: self.streams.streams_max,
            publishers_max: self.rtmp.connections_max,
            ..engine::Config::new(webrtc)
        }
    }

    /// The packager's configuration, which its origin shares.
    pub(crate) fn packager(&self) -> hls::Config {
        hls::Config {
            part_target: self.hls.part_target.0,
            segment_target: self.hls.segment_target.0,
            target_duration_min: self.hls.target_duration_min.0,
            target_duration_max: self.hls.target_duration_max.0,
            window: self.hls.window.0,
            store_bytes_max: self.hls.store_max.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_crates_they_set() {
        let config = Config::default();
        assert_eq!(config.packager(), hls::Config::default());
        let candidates = Candidates {
            udp: vec![config.webrtc.listen],
            tcp: Vec::new(),
        };
        let (ours, theirs) = (
            config.engine(candidates.clone()),
            engine::Config::new(sfu::Config::new(candidates.udp)),
        );
        assert_eq!(ours.timeline, theirs.timeline);
        assert_eq!(
            (ours.app, ours.resume_window),
            (theirs.app, theirs.resume_window)
        );
        assert_eq!(
            (ours.takeover_after, ours.streams_max),
            (theirs.takeover_after, theirs.streams_max)
        );
        assert_eq!(ours.thumbnails_max, theirs.thumbnails_max);
        assert_eq!(ours.sfu.half_open_max, theirs.sfu.half_open_max);
    }
}
