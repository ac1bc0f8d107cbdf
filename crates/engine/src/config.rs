//! What an operator may set of a shard, and its defaults.

use std::time::Duration;

/// What a shard is made with.
#[derive(Debug, Clone)]
pub struct Config {
    /// WebRTC: candidates and limits.
    pub sfu: sfu::Config,
    /// LL-HLS: part and segment targets, window.
    pub hls: hls::Config,
    /// Cues: lead and limits.
    pub timeline: cues::TimelineConfig,
    /// RTMP: limits and time-outs.
    pub rtmp: rtmp::Config,
    /// The transcoding child: time-outs and back-off.
    pub transcode: transcode::Config,
    /// How many processors may be busy encoding pictures again for WebRTC viewers; 0 turns that off.
    pub repair_cores: f64,
    /// Whether children decode AV1; [`Input::Av1Decoded`](crate::Input::Av1Decoded) tells it later.
    pub av1_decoded: bool,
    /// How many children may make thumbnails at once; 0 turns them off.
    pub thumbnails_max: usize,
    /// The RTMP application a publisher must name.
    pub app: String,
    /// How long an interrupted stream waits for its publisher before it ends.
    pub resume_window: Duration,
    /// A publisher that sent nothing for this long gives way to another of the same name.
    pub takeover_after: Duration,
    /// Streams at most; a publisher past it is refused.
    pub streams_max: usize,
    /// Publisher connections at most; past it a new one is closed.
    pub publishers_max: usize,
}

impl Config {
    /// The defaults, with WebRTC as given.
    pub fn new(sfu: sfu::Config) -> Self {
        Self {
            sfu,
            hls: hls::Config::default(),
            timeline: cues::TimelineConfig::default(),
            rtmp: rtmp::Config::default(),
            transcode: transcode::Config::default(),
            repair_cores: 1.0,
            av1_decoded: false,
            thumbnails_max: 4,
            app: "live".to_owned(),
            resume_window: Duration::from_secs(20),
            takeover_after: Duration::from_secs(2),
            streams_max: 64,
            publishers_max: 256,
        }
    }
}
