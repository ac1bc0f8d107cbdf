//! A stream as the API shows it.

use cues::rfc3339_millis;
use engine::{
    AudioStatus, RepairState, RepairStatus, StreamState, StreamStatus, Verdict, VideoStatus,
};
use media::VideoCodec;
use serde::Serialize;
use utoipa::ToSchema;

/// All streams.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamList {
    /// By name.
    pub(super) streams: Vec<StreamView>,
}

/// One stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamView {
    name: String,
    state: StateName,
    /// Publish session, from 1.
    epoch: u32,
    /// WebRTC video: `rtp = (pts + k) mod 2^32`.
    k: u32,
    video: Option<VideoView>,
    audio: Option<AudioView>,
    viewers: Viewers,
    /// Newest video pts taken in (audio without video). 90 kHz.
    newest_pts: i64,
    /// Its UTC on the epoch's linear map.
    #[schema(format = DateTime)]
    newest_utc: String,
    /// What the publisher says it is.
    encoder: Option<String>,
    /// Cues that the publisher forged in the picture, in this publish session: taken out.
    cues_forged: u64,
    /// What the broadcaster should change: what holds against the stream now, newest last.
    verdicts: Vec<VerdictView>,
}

/// Where a stream is in its life.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StateName {
    /// A publisher is connected, its first key frame has not come.
    Starting,
    /// Media flows.
    Live,
    /// The publisher left and may return.
    Interrupted,
}

/// The video track.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VideoView {
    #[schema(example = "h264")]
    codec: &'static str,
    /// RFC 6381.
    #[schema(example = "avc1.64001f")]
    codecs: String,
    profile: &'static str,
    width: u16,
    height: u16,
    /// Frames per second: announced, else measured.
    frame_rate: Option<f64>,
    /// Pictures are reordered, which WebRTC cannot show.
    b_frames: bool,
    /// WebRTC viewers, or all, are sent another encoding of it.
    repair: Option<RepairView>,
    /// Length of the last whole GOP.
    gop_ms: Option<u64>,
    /// Over the last whole second.
    bitrate_bps: u64,
    /// Frames taken in during this epoch.
    frames: u64,
}

/// The encoding made for WebRTC viewers of a video that they cannot be sent as it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepairView {
    /// What they cannot be sent: `b_frames`, `long_gop`, `interlaced`, `chroma` (other than 4:2:0), `bit_depth` (more than 8),
    /// `codec` (H.265, or AV1 or VP9 by RTMP).
    #[schema(example = "b_frames")]
    why: &'static str,
    state: RepairStateView,
    /// LL-HLS has it too, in place of the source.
    ll_hls: bool,
}

/// How it is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RepairStateView {
    /// It is not to be done (`transcoder.repair_percent` is 0), or nothing here decodes the source: those viewers have no
    /// picture.
    Off,
    /// Nobody watches by WebRTC.
    Idle,
    /// It begins within a second or two.
    Starting,
    /// Pictures are made.
    Running,
    /// The machine was too slow, or failed, or others take what it has for that; it is tried again after some seconds.
    Resting,
}

/// The audio track.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AudioView {
    #[schema(example = "aac")]
    codec: &'static str,
    /// RFC 6381.
    #[schema(example = "mp4a.40.2")]
    codecs: String,
    sample_rate_hz: u32,
    channels: u8,
    /// Over the last whole second.
    bitrate_bps: u64,
    /// Opus packets made for WebRTC during this epoch.
    opus_packets: u64,
    /// The transcoding child runs and is ready: WebRTC viewers have sound.
    transcoding: bool,
}

/// Viewers by protocol.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Viewers {
    /// Connected WebRTC sessions.
    pub(super) webrtc: usize,
    /// Distinct clients (address and User-Agent) that fetched a playlist in the last 10 s.
    pub(super) hls: usize,
    /// Open side channels over HTTP; a part of the HLS viewers, as a rule.
    pub(super) events: usize,
}

/// Something the broadcaster should change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerdictView {
    #[schema(example = "long_gop")]
    code: &'static str,
    /// What was found, with the numbers that were measured.
    #[schema(example = "Key frames are 8.3 s apart.")]
    found: String,
    /// What it costs viewers or the operator.
    cost: &'static str,
    /// The setting to change.
    remedy: &'static str,
    /// `found`, `cost` and `remedy` in one text.
    detail: String,
}

impl From<Verdict> for VerdictView {
    fn from(verdict: Verdict) -> Self {
        Self {
            code: verdict.code,
            detail: verdict.detail(),
            found: verdict.found,
            cost: verdict.cost,
            remedy: verdict.remedy,
        }
    }
}

impl StreamView {
    pub(super) fn new(status: StreamStatus, viewers: Viewers) -> Self {
        Self {
            name: status.name.to_string(),
            state: status.state.into(),
            epoch: status.epoch,
            k: status.rtp_offset,
            video: status.video.map(VideoView::from),
            audio: status.audio.map(AudioView::from),
            viewers,
            newest_pts: status.newest_pts.0,
            newest_utc: rfc3339_millis(status.newest_utc),
            encoder: status.encoder,
            cues_forged: status.cues_forged,
            verdicts: status.verdicts.into_iter().map(VerdictView::from).collect(),
        }
    }
}

impl StateName {
    /// Its name in JSON and in labels.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<StreamState> for StateName {
    fn from(state: StreamState) -> Self {
        match state {
            StreamState::Starting => Self::Starting,
            StreamState::Live => Self::Live,
            StreamState::Interrupted => Self::Interrupted,
        }
    }
}

impl From<VideoStatus> for VideoView {
    fn from(video: VideoStatus) -> Self {
        Self {
            codec: match video.codec {
                VideoCodec::H264 => "h264",
                VideoCodec::H265 => "h265",
                VideoCodec::Vp8 => "vp8",
                VideoCodec::Vp9 => "vp9",
                VideoCodec::Av1 => "av1",
            },
            codecs: video.codecs,
            profile: video.profile,
            width: video.width,
            height: video.height,
            frame_rate: video.frame_rate,
            b_frames: video.b_frames,
            repair: video.repair.map(RepairView::from),
            gop_ms: video.gop_ms,
            bitrate_bps: video.bitrate_bps,
            frames: video.frames,
        }
    }
}

impl From<RepairStatus> for RepairView {
    fn from(repair: RepairStatus) -> Self {
        Self {
            why: repair.why,
            state: match repair.state {
                RepairState::Off => RepairStateView::Off,
                RepairState::Idle => RepairStateView::Idle,
                RepairState::Starting => RepairStateView::Starting,
                RepairState::Running => RepairStateView::Running,
                RepairState::Resting => RepairStateView::Resting,
            },
            ll_hls: repair.ll_hls,
        }
    }
}

impl From<AudioStatus> for AudioView {
    fn from(audio: AudioStatus) -> Self {
        Self {
            codec: if audio.codecs == "opus" {
                "opus"
            } else {
                "aac"
            },
            codecs: audio.codecs,
            sample_rate_hz: audio.sample_rate,
            channels: audio.channels,
            bitrate_bps: audio.bitrate_bps,
            opus_packets: audio.opus_packets,
            transcoding: audio.transcoding,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_says_of_every_verdict_what_to_do() {
        let page = include_str!("../../../../docs/api.md");
        let rows: Vec<&str> = page
            .lines()
            .skip_while(|line| *line != "## Verdicts")
            .take_while(|line| !line.starts_with("## ") || *line == "## Verdicts")
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(code, _)| code)
            .collect();
        assert_eq!(rows, engine::VERDICT_CODES);
    }
}
