//! A publisher's frames: placed on the clock, then to every output.

use std::time::Duration;

use bytes::Bytes;
use media::{AacConfig, Frame, H264Config, TrackKind, UtcAnchor, h264};

use crate::{
    api::{StreamEvent, StreamState},
    ingest::AudioSource,
    meter::{BitrateMeter, VideoMeter},
    stream::{AudioTrack, Effects, Stream, VideoTrack, decode_order::DecodeOrder},
};

/// GOPs longer than this make WebRTC viewers wait for repair and joins heavy.
const GOP_LONG_MS: u64 = 4_000;

/// Every source sends its first sound within a second of its first picture; slow phones within three.
const SOUND_WAIT: Duration = Duration::from_secs(5);
const NO_SOUND: &str = "no_sound";

/// Audio this far from the newest video is no audio of it.
pub(super) const ADRIFT_TICKS: i64 = 10 * 90_000;

impl Stream {
    pub(crate) fn metadata(&mut self, metadata: &rtmp::Metadata) {
        self.ingest.announce_rate(metadata.frame_rate);
        self.encoder.clone_from(&metadata.encoder);
    }

    pub(crate) fn video_config(&mut self, config: H264Config) {
        self.ingest.set_video(config.into());
    }

    pub(crate) fn audio_config(&mut self, config: AacConfig) {
        self.ingest.set_audio(AudioSource::Aac(config));
    }

    pub(crate) fn video(
        &mut self,
        fx: &mut Effects<'_>,
        dts_ms: i64,
        composition_ms: i32,
        keyframe: bool,
        payload: Bytes,
    ) {
        self.last_media = fx.now;
        let payload = self.without_forged(fx, payload);
        if payload.is_empty() {
            return;
        }
        let adrift = self.ingest.is_adrift(TrackKind::Video, dts_ms);
        if self.ingest.begins_with_video(keyframe) {
            self.begin_rtmp_epoch(fx, dts_ms);
        } else if adrift {
            return;
        }
        let Some(track) = &mut self.video else { return };
        let Some((dts, pts)) = self.clock.video(fx.now, dts_ms, composition_ms) else {
            return;
        };
        let reordered =
            h264::nals(&payload).any(|nal| h264::slice_type(&nal) == Some(h264::SliceType::B));
        track.meter.count(pts.to_pts(), keyframe, reordered);
        track.bitrate.count(fx.now, payload.len());
        let payload = self.with_cues(pts.to_pts(), keyframe, payload);
        let frame = Frame {
            track: TrackKind::Video,
            dts,
            pts,
            keyframe,
            payload,
        };
        self.timeline.observe_frame(frame.stream_pts());
        self.flush_cues(fx);
        let packaged = self.packager.frame(&frame);
        self.packaged(fx, packaged);
        self.forward_video(fx, &frame);
        if keyframe {
            self.judge_video(fx);
        }
    }

    /// WebRTC decoders show frames in the order they come, so a stream with B-frames is not sent to them at all.
    fn forward_video(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        let b_frames = self.media().is_some_and(|media| media.b_frames);
        let Some(track) = &mut self.video else { return };
        if b_frames {
            return;
        }
        // A frame that breaks a limit of the packetiser is lost to WebRTC alone; the next key frame mends it.
        if let Ok(packets) = track.rendition.push(frame) {
            fx.sfu.forward(fx.now, self.id, TrackKind::Video, packets);
        }
    }

    pub(crate) fn audio(&mut self, fx: &mut Effects<'_>, pts_ms: i64, payload: Bytes) {
        self.last_media = fx.now;
        self.sounds();
        let leads = self.ingest.video.is_none();
        let adrift = leads && self.ingest.is_adrift(TrackKind::Audio, pts_ms);
        if self.ingest.begins_with_audio(fx.now) {
            self.begin_rtmp_epoch(fx, pts_ms);
        } else if adrift {
            return;
        }
        let Some(track) = &mut self.audio else { return };
        let Some(pts) = self.clock.audio(fx.now, pts_ms, leads) else {
            return;
        };
        // After a jump of the publisher's clock audio has no place either, until the next key frame begins an epoch.
        if pts.to_pts().since(self.clock.highest()).abs() > ADRIFT_TICKS {
            return;
        }
        track.bitrate.count(fx.now, payload.len());
        let frame = Frame {
            track: TrackKind::Audio,
            dts: pts,
            pts,
            keyframe: true,
            payload,
        };
        if leads {
            self.timeline.observe_frame(frame.stream_pts());
            self.sei.pass(frame.stream_pts());
            self.flush_cues(fx);
        }
        let packaged = self.packager.frame(&frame);
        self.packaged(fx, packaged);
        self.transcode(fx, &frame);
    }

    fn begin_rtmp_epoch(&mut self, fx: &mut Effects<'_>, first_ms: i64) {
        let scale = self
            .ingest
            .audio
            .as_ref()
            .map(|audio| audio.aac().sample_rate);
        let rate = self.ingest.frame_rate();
        let anchor = self.clock.start_epoch(fx.now, first_ms, rate, scale);
        self.begin_epoch(fx, anchor);
    }

    /// Begins an epoch: a new publish session, or a changed configuration within one.
    pub(super) fn begin_epoch(&mut self, fx: &mut Effects<'_>, anchor: UtcAnchor) {
        let packaged = self.package_epoch(anchor);
        self.start_video(fx);
        let audio = self.ingest.audio.clone();
        self.start_audio(fx, audio);
        self.ingest.began();
        self.live_since = fx.now;
        self.state = StreamState::Live;
        self.tell(
            fx,
            StreamEvent::Live {
                epoch: self.clock.epoch(),
            },
        );
        // The anchor has moved: whoever follows the side channel starts afresh from it.
        self.broadcast_snapshot(fx);
        self.keep_show(fx.out);
        self.packaged(fx, packaged);
        self.judge_codec(fx);
    }

    /// Tells LL-HLS of the tracks it can carry, if there are any.
    fn package_epoch(&mut self, anchor: UtcAnchor) -> Result<(), hls::Error> {
        let ingest = &self.ingest;
        let video = ingest.video.clone().filter(hls::carries);
        let audio = ingest.audio.as_ref().map(AudioSource::aac);
        if let (None, None, Some(config)) = (&video, &audio, &ingest.video) {
            self.packager.start_nothing(config.codec());
            return Ok(());
        }
        self.packager.start_epoch(hls::Epoch {
            number: self.clock.epoch(),
            video,
            video_rate: ingest.frame_rate(),
            audio,
            anchor,
        })
    }

    /// A rendition outlives epochs: viewers stay, so its packet numbers and its timestamps go on.
    fn start_video(&mut self, fx: &mut Effects<'_>) {
        let Some(config) = &self.ingest.video else {
            self.video = None;
            return;
        };
        let (codec, old) = (config.codec(), self.video.take());
        if old.as_ref().is_none_or(|old| old.codec != codec) {
            fx.sfu.set_video_codec(fx.now, self.id, codec);
        }
        let old = old.map(|track| track.rendition);
        let mut rendition = old.unwrap_or_else(|| sfu::Rendition::video(self.rtp_offset));
        rendition.set_video_config(config);
        let reordered = config.reorder_frames();
        self.video = Some(VideoTrack {
            codec,
            packaged: hls::carries(config),
            rendition,
            meter: VideoMeter::default(),
            bitrate: BitrateMeter::new(fx.now),
            order: DecodeOrder::new(reordered),
        });
    }

    fn start_audio(&mut self, fx: &mut Effects<'_>, source: Option<AudioSource>) {
        let Some(source) = source else {
            self.audio = None;
            self.stop_audio(fx);
            return;
        };
        let old = self.audio.take().map(|track| track.rendition);
        let rendition = old.unwrap_or_else(|| sfu::Rendition::audio(self.rtp_offset_audio));
        self.audio = Some(AudioTrack {
            rendition,
            bitrate: BitrateMeter::new(fx.now),
            opus_packets: 0,
        });
        self.want_transcoder(fx, &source);
    }

    /// Sound has come: what was said of its absence no longer holds.
    pub(super) fn sounds(&mut self) {
        if !self.has_sound {
            self.has_sound = true;
            self.verdicts.retain(|(code, _)| *code != NO_SOUND);
        }
    }

    fn judge_sound(&mut self, fx: &mut Effects<'_>) {
        let waited = fx.now.saturating_duration_since(self.live_since);
        if !self.has_sound && waited >= SOUND_WAIT {
            let detail = "No sound comes with the picture: viewers hear nothing. On the page to go live choose a \
                          microphone; in OBS see that a level moves in the Audio Mixer.";
            self.verdict(fx, NO_SOUND, detail.to_owned());
        }
    }

    /// What LL-HLS cannot carry, its viewers do not see.
    fn judge_codec(&mut self, fx: &mut Effects<'_>) {
        if self.video.as_ref().is_some_and(|video| !video.packaged) {
            let detail = "The video is VP8, which no LL-HLS player takes: WebRTC viewers see it, LL-HLS viewers get the \
                          sound alone. Publish H.264, or VP9 or AV1: in a browser, offer it before VP8 \
                          (`setCodecPreferences`).";
            self.verdict(fx, "vp8_no_hls", detail.to_owned());
        }
    }

    /// Tells the broadcaster what costs viewers something, and the setting to change.
    pub(super) fn judge_video(&mut self, fx: &mut Effects<'_>) {
        self.judge_sound(fx);
        if self.media().is_some_and(|media| media.b_frames) {
            let detail = "The video has B-frames, which no browser plays over WebRTC: WebRTC viewers are refused, \
                          LL-HLS viewers are served. In OBS, Settings > Output > x264 Options: add `bframes=0`.";
            self.verdict(fx, "b_frames", detail.to_owned());
        }
        let gop_ms = self.video.as_ref().and_then(|video| video.meter.gop_ms());
        if let Some(gop_ms) = gop_ms.filter(|gop_ms| *gop_ms > GOP_LONG_MS) {
            let detail = format!(
                "Key frames are {gop_ms} ms apart: viewers who join or lose a picture wait longer and load more. In OBS, \
                 Settings > Output > Keyframe Interval: 2 s."
            );
            self.verdict(fx, "long_gop", detail);
        }
    }
}
