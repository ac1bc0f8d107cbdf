//! What a publisher has announced, and when that is enough to begin an epoch.

use std::time::{Duration, Instant};

use media::{AacConfig, AudioConfig, FrameRate, TrackKind, VideoConfig};
use transcode::OpusToAac;

/// Stamps that go back, or ahead, by more than this are a new clock of the publisher's, not jitter or a stall.
const JUMP_BACK_MS: i64 = 1_000;
const JUMP_AHEAD_MS: i64 = 10_000;

/// How long audio waits for a video configuration before the stream is taken for audio only: where it is not known
/// whether there will be any, and where it was promised.
const VIDEO_WAIT: Duration = Duration::from_secs(1);
const PROMISED_VIDEO_WAIT: Duration = Duration::from_secs(5);

/// What a publisher's sound is coded with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AudioSource {
    /// By RTMP; WebRTC viewers need it as Opus.
    Aac(AacConfig),
    /// By WHIP or RTMP; LL-HLS viewers need it as AAC.
    Opus,
}

impl From<AudioConfig> for AudioSource {
    fn from(config: AudioConfig) -> Self {
        match config {
            AudioConfig::Aac(config) => Self::Aac(config),
            AudioConfig::Opus => Self::Opus,
        }
    }
}

impl AudioSource {
    /// The track LL-HLS has of it.
    pub(crate) fn aac(&self) -> AacConfig {
        match self {
            Self::Aac(config) => config.clone(),
            Self::Opus => OpusToAac::output(),
        }
    }
}

/// The configurations a publisher sent, gathered until its first frame can be placed.
#[derive(Debug)]
pub(crate) struct Ingest {
    pub(crate) video: Option<VideoConfig>,
    pub(crate) audio: Option<AudioSource>,
    /// From metadata; the sequence parameter set's own timing is used without it.
    announced_rate: Option<FrameRate>,
    first_audio: Option<Instant>,
    video_wait: Duration,
    /// A configuration changed since the epoch began: the next key frame begins with a discontinuity.
    pub(crate) changed: bool,
    pub(crate) running: bool,
    /// The publisher's clock jumped since the epoch began.
    adrift: bool,
    /// The leading track's last stamp.
    last_ms: Option<(TrackKind, i64)>,
}

impl Default for Ingest {
    fn default() -> Self {
        Self {
            video: None,
            audio: None,
            announced_rate: None,
            first_audio: None,
            video_wait: VIDEO_WAIT,
            changed: false,
            running: false,
            adrift: false,
            last_ms: None,
        }
    }
}

impl Ingest {
    /// A publisher has promised these tracks before it sent any.
    pub(crate) fn expect(&mut self, video: bool, audio: Option<AudioSource>) {
        self.audio = audio;
        self.video_wait = if video {
            PROMISED_VIDEO_WAIT
        } else {
            Duration::ZERO
        };
    }

    pub(crate) fn announce_rate(&mut self, rate: Option<FrameRate>) {
        self.announced_rate = rate;
    }

    /// Takes a video configuration; encoders repeat the one in force, which changes nothing.
    pub(crate) fn set_video(&mut self, config: VideoConfig) {
        if self.video.as_ref() == Some(&config) {
            return;
        }
        // Only LL-HLS depends on more than the codec: decoders read the rest from the key frame.
        let same_codec = |old: &VideoConfig| old.codec() == config.codec();
        let goes_on = self.video.as_ref().is_some_and(same_codec) && !hls::carries(&config);
        self.changed |= self.running && !goes_on;
        self.video = Some(config);
    }

    /// Takes an audio configuration; encoders repeat the one in force, which changes nothing.
    pub(crate) fn set_audio(&mut self, source: AudioSource) {
        if self.audio.as_ref() != Some(&source) {
            self.changed |= self.running;
            self.audio = Some(source);
        }
    }

    /// The grid video frames lie on.
    pub(crate) fn frame_rate(&self) -> Option<FrameRate> {
        self.announced_rate
            .or_else(|| self.video.as_ref().and_then(VideoConfig::frame_rate))
    }

    /// Whether this video frame begins an epoch: the first key frame, or the first after a change.
    pub(crate) fn begins_with_video(&self, keyframe: bool) -> bool {
        self.video.is_some() && keyframe && (!self.running || self.changed)
    }

    /// Whether this audio frame begins an epoch of audio alone.
    pub(crate) fn begins_with_audio(&mut self, now: Instant) -> bool {
        let first = *self.first_audio.get_or_insert(now);
        let alone = self.video.is_none() && self.audio.is_some();
        alone
            && if self.running {
                self.changed
            } else {
                now.saturating_duration_since(first) >= self.video_wait
            }
    }

    /// Notes a stamp of the track that leads. After a jump the next frame that can begins a new epoch; until then the
    /// frames have no place on the timeline, and this says so.
    pub(crate) fn is_adrift(&mut self, leads: TrackKind, ms: i64) -> bool {
        // The tracks' stamps have no common zero: where the other one led before, nothing has jumped.
        if let Some((_, last)) = self
            .last_ms
            .replace((leads, ms))
            .filter(|(led, _)| *led == leads)
        {
            let jumped = ms < last - JUMP_BACK_MS || ms > last + JUMP_AHEAD_MS;
            self.adrift |= jumped && self.running;
            self.changed |= self.adrift;
        }
        self.adrift
    }

    /// The publisher's clock has jumped, and no epoch has begun since.
    pub(crate) const fn has_jumped(&self) -> bool {
        self.adrift
    }

    pub(crate) fn began(&mut self) {
        self.adrift = false;
        self.running = true;
        self.changed = false;
    }
}
