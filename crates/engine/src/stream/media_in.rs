//! A publisher's frames: placed on the clock, then to every output.

use bytes::Bytes;
use media::{AacConfig, AudioConfig, Frame, TrackKind, VideoCodec, VideoConfig, h264, h265, opus};

use crate::{
    api::{PublisherId, StreamEvent, StreamState},
    ingest::AudioSource,
    meter::{BitrateMeter, VideoMeter},
    stream::{
        AudioTrack, Effects, Stream, VideoTrack, decode_order::DecodeOrder, judge::Picture,
        repair::Need,
    },
};

/// Whoever joins, or loses a picture, waits for the next key frame: no longer than this.
pub(super) const GOP_LONG_MS: u64 = 4_000;

/// Packets of 20 ms: what encoders send unless told otherwise.
const OPUS_SAMPLES: u16 = 960;

/// Audio this far from the newest video is no audio of it.
pub(super) const ADRIFT_TICKS: i64 = 10 * 90_000;

impl Stream {
    pub(crate) fn metadata(&mut self, metadata: &rtmp::Metadata) {
        self.ingest.announce_rate(metadata.frame_rate);
        self.encoder.clone_from(&metadata.encoder);
        self.judge.announce(metadata.video_kbps);
    }

    pub(crate) fn video_config(&mut self, config: VideoConfig) {
        self.ingest.set_video(config);
    }

    pub(crate) fn audio_config(&mut self, config: AudioConfig) {
        self.ingest.set_audio(config.into());
    }

    pub(crate) fn other_tracks(&mut self, kind: TrackKind) {
        self.judge.other_tracks(kind);
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
        let announced = self.ingest.video.as_ref().map(VideoConfig::codec);
        let payload = self.without_forged(fx, announced, payload);
        if payload.is_empty() {
            return;
        }
        let adrift = self.ingest.is_adrift(TrackKind::Video, dts_ms);
        let begins = self.ingest.begins_with_video(keyframe);
        if begins {
            self.begin_rtmp_epoch(fx, dts_ms);
        } else if adrift {
            return;
        }
        let Some(track) = &mut self.video else { return };
        let codec = track.codec;
        // Another codec begins with its first key frame.
        if announced != Some(codec) || !track.decodes(begins, &payload) {
            return;
        }
        let Some((dts, pts)) = self.clock.video(fx.now, dts_ms, composition_ms) else {
            return;
        };
        let is_b = |nal: Bytes| h264::slice_type(&nal) == Some(h264::SliceType::B);
        let reordered = codec == VideoCodec::H264 && h264::nals(&payload).any(is_b);
        track.meter.count(pts.to_pts(), keyframe, reordered);
        track.bitrate.count(fx.now, payload.len());
        self.judge.picture(
            fx.now,
            &Picture {
                stamp: dts_ms * 90,
                keyframe,
                codec,
                payload: &payload,
                paced: true,
            },
        );
        let payload = self.with_cues(codec, pts.to_pts(), keyframe, payload);
        let frame = Frame {
            track: TrackKind::Video,
            dts,
            pts,
            keyframe,
            payload,
        };
        self.keep_keyframe(&frame);
        self.timeline.observe_frame(frame.stream_pts());
        self.flush_cues(fx);
        self.package_picture(fx, &frame);
        self.forward_video(fx, &frame);
        self.judge(fx);
    }

    /// To WebRTC viewers: as it is, or to be repaired for them.
    fn forward_video(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        let gop_ms = self
            .video
            .as_ref()
            .and_then(|video| video.meter.gop_so_far_ms());
        if gop_ms.is_some_and(|gop_ms| gop_ms > GOP_LONG_MS) {
            self.needs_repair(fx, Need::LongGop);
        }
        if gop_ms.is_some_and(|gop_ms| self.packaging.is_hard_to_join(gop_ms)) {
            self.is_hard_to_join(fx);
        }
        self.repair(fx, frame);
        if self.passes() {
            self.push_video(fx, frame);
        }
    }

    pub(super) fn push_video(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        let Some(track) = &mut self.video else { return };
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
        self.judge.sound(fx.now, pts_ms * 90, leads);
        // Another codec begins with the next key frame.
        if self.ingest.audio.as_ref() != Some(&track.source) {
            return;
        }
        let samples = match track.source {
            AudioSource::Aac(_) => AacConfig::SAMPLES_PER_FRAME,
            AudioSource::Opus => opus::packet_samples(&payload)
                .unwrap_or(OPUS_SAMPLES)
                .into(),
        };
        let Some(pts) = self.clock.audio(fx.now, pts_ms, samples, leads) else {
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
        self.deliver_sound(fx, &frame);
    }

    fn begin_rtmp_epoch(&mut self, fx: &mut Effects<'_>, first_ms: i64) {
        let scale = self
            .ingest
            .audio
            .as_ref()
            .map(|audio| audio.aac().sample_rate);
        let rate = self.ingest.frame_rate();
        self.clock.start_epoch(fx.now, first_ms, rate, scale);
        self.begin_epoch(fx);
    }

    /// Begins an epoch: a new publish session, or a changed configuration within one.
    pub(super) fn begin_epoch(&mut self, fx: &mut Effects<'_>) {
        self.start_video(fx);
        self.start_repair(fx);
        self.start_thumbnail();
        let packaged = self.package_epoch(fx.now);
        let audio = self.ingest.audio.clone();
        self.start_audio(fx, audio);
        self.ingest.began();
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
        self.judge_epoch(fx);
    }

    /// A rendition outlives epochs: viewers stay, so its packet numbers and its timestamps go on.
    fn start_video(&mut self, fx: &mut Effects<'_>) {
        let Some(config) = &self.ingest.video else {
            self.video = None;
            return;
        };
        let (codec, old) = (config.codec(), self.video.take());
        let by_rtmp = matches!(self.publisher, Some(PublisherId::Rtmp(_)));
        let forwarded = codec == VideoCodec::H264 || !by_rtmp;
        let same = |old: &VideoTrack| (old.codec, old.forwarded) == (codec, forwarded);
        if !old.as_ref().is_some_and(same) {
            let sent = if forwarded {
                Some(codec)
            } else {
                self.repair.makes_of(config)
            };
            fx.sfu.set_video_codec(fx.now, self.id, sent);
        }
        let old = old.map(|track| track.rendition);
        let mut rendition = old.unwrap_or_else(|| sfu::Rendition::video(self.rtp_offset));
        rendition.set_video_config(config);
        let reordered = config.reorder_frames();
        self.video = Some(VideoTrack {
            codec,
            packaged: hls::carries(config),
            forwarded,
            skips_rasl: false,
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
            source: source.clone(),
            rendition,
            bitrate: BitrateMeter::new(fx.now),
            opus_packets: 0,
        });
        self.want_transcoder(fx, &source);
    }
}

impl VideoTrack {
    /// Whether decoders can make anything of a picture here. Those of H.265 that lead an open key frame refer to what was
    /// before it, which is not there when an epoch begins with it.
    fn decodes(&mut self, begins: bool, payload: &Bytes) -> bool {
        let picture = (self.codec == VideoCodec::H265).then(|| h265::picture(payload));
        let Some(picture) = picture.flatten() else {
            return true;
        };
        if picture.irap {
            self.skips_rasl = begins && !picture.idr;
        }
        self.meter.open_gop |= picture.rasl;
        !(picture.rasl && self.skips_rasl)
    }
}
