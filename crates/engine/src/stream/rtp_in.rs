//! A WHIP publisher's media: video packets go to WebRTC viewers as they come, whole pictures to LL-HLS; Opus goes to
//! WebRTC viewers as it is, and to the child to become AAC.

use bytes::Bytes;
use media::{Frame, Pts, TrackKind, VideoCodec};
use sfu::{AccessUnit, Ingest, VideoPacket};

use crate::{
    ingest::AudioSource,
    stream::{Effects, Stream, audio::sound, judge::Picture, media_in::ADRIFT_TICKS},
};

/// Packets of one picture; a key frame at 20 Mbit/s has fewer.
const EARLY_MAX: usize = 4_096;
const TICKS_PER_MS: i64 = 90;
const SAMPLES_PER_MS: i64 = 48;

impl Stream {
    /// A WHIP publisher's answer has promised to take these tracks.
    pub(crate) fn expect_rtp(&mut self, video: bool, audio: bool) {
        self.ingest
            .expect(video, audio.then_some(AudioSource::Opus));
    }

    pub(crate) fn rtp(&mut self, fx: &mut Effects<'_>, ingest: Ingest) {
        self.last_media = fx.now;
        match ingest {
            Ingest::VideoPacket(packet) => self.video_packet(fx, packet),
            Ingest::VideoUnit(unit) => self.video_unit(fx, unit),
            Ingest::VideoDamaged => self.early.clear(),
            Ingest::Forged { count } => self.forged(fx, count),
            Ingest::Audio { rtp_time, payload } => {
                self.sounds();
                self.opus(fx, rtp_time, Bytes::from_owner(payload));
            }
            Ingest::Together {
                audio_time,
                video_time,
            } => self.clock.rtp_together(audio_time, video_time),
        }
    }

    fn video_packet(&mut self, fx: &mut Effects<'_>, packet: VideoPacket) {
        // Sound leads until a picture is whole.
        let is_known = self.ingest.video.is_some();
        let ms = packet.rtp_time / TICKS_PER_MS;
        let jumped = is_known && self.ingest.is_adrift(TrackKind::Video, ms);
        if jumped || !self.ingest.running || !is_known {
            self.hold(packet);
            return;
        }
        let before = self.clock.highest();
        let Some(pts) = self.clock.rtp_video(fx.now, packet.rtp_time) else {
            return;
        };
        if pts > before {
            // Cues must not be bound to a picture that is partly on its way.
            self.timeline.observe_frame(pts);
            self.flush_cues(fx);
        }
        self.forward_packet(fx, pts, packet);
    }

    /// Keeps the packets of a key frame until it is whole: an epoch begins with its configuration.
    fn hold(&mut self, packet: VideoPacket) {
        if packet.starts_keyframe || self.early.len() >= EARLY_MAX {
            self.early.clear();
        }
        if packet.starts_keyframe || !self.early.is_empty() {
            self.early.push(packet);
        }
    }

    fn forward_packet(&mut self, fx: &mut Effects<'_>, pts: Pts, packet: VideoPacket) {
        let passes = self.passes();
        let Some(track) = self.video.as_mut().filter(|_| passes) else {
            return;
        };
        let packets = track.rendition.pass(pts, packet);
        fx.sfu.forward(fx.now, self.id, TrackKind::Video, packets);
    }

    fn video_unit(&mut self, fx: &mut Effects<'_>, unit: AccessUnit) {
        if let Some(config) = unit.config {
            // Browsers send as many frames as they can, whatever the parameter set promises.
            self.ingest.set_video(config.without_frame_rate());
        }
        if self.ingest.begins_with_video(unit.keyframe) {
            self.begin_rtp_clock(fx, unit.rtp_time);
            self.begin_epoch(fx);
            let early = std::mem::take(&mut self.early);
            for packet in early {
                self.video_packet(fx, packet);
            }
        } else if self.ingest.has_jumped() {
            return;
        }
        let Some(pts) = self.clock.rtp_pts(unit.rtp_time) else {
            return;
        };
        let Some(track) = &mut self.video else { return };
        // The first of an epoch was not new when its packets came.
        self.timeline.observe_frame(pts);
        track.meter.count(pts, unit.keyframe, false);
        track.bitrate.count(fx.now, unit.payload.len());
        let codec = track.codec;
        self.judge.picture(
            fx.now,
            &Picture {
                stamp: pts.0,
                keyframe: unit.keyframe,
                codec,
                payload: &unit.payload,
                paced: false,
            },
        );
        let dts = track.packaged.then(|| track.order.time(pts));
        let payload = self.with_cues(codec, pts, unit.keyframe, unit.payload);
        let frame = Frame {
            track: TrackKind::Video,
            dts: dts.unwrap_or(pts).media_time(),
            pts: pts.media_time(),
            keyframe: unit.keyframe,
            payload,
        };
        self.keep_keyframe(&frame);
        if dts.is_some() {
            self.package_picture(fx, &frame);
        }
        if codec == VideoCodec::H264 {
            self.repair(fx, &frame);
        }
        self.judge(fx);
    }

    /// A new picture size within a session leaves the clock as it is, unless the publisher's own has jumped.
    fn begin_rtp_clock(&mut self, fx: &Effects<'_>, first_video: i64) {
        let goes_on = self.ingest.running && !self.ingest.has_jumped();
        if goes_on && self.clock.rtp_pts(first_video).is_some() {
            self.clock.go_on();
        } else {
            self.clock.start_rtp_epoch(fx.now, Some(first_video));
        }
    }

    fn opus(&mut self, fx: &mut Effects<'_>, rtp_time: i64, payload: Bytes) {
        let leads = self.ingest.video.is_none();
        let jumped = leads
            && self
                .ingest
                .is_adrift(TrackKind::Audio, rtp_time / SAMPLES_PER_MS);
        if self.ingest.begins_with_audio(fx.now) {
            self.clock.start_rtp_epoch(fx.now, None);
            self.begin_epoch(fx);
        } else if jumped {
            return;
        }
        if !self.ingest.running {
            return;
        }
        let Some(pts) = self.clock.rtp_audio(fx.now, rtp_time, leads) else {
            return;
        };
        self.judge.sound(fx.now, pts.to_pts().0, leads);
        // After a jump of the publisher's clock sound has no place either, until a key frame begins an epoch.
        if !leads && pts.to_pts().since(self.clock.highest()).abs() > ADRIFT_TICKS {
            return;
        }
        let Some(track) = &mut self.audio else { return };
        track.bitrate.count(fx.now, payload.len());
        let frame = sound(pts, payload);
        if leads {
            self.timeline.observe_frame(frame.stream_pts());
            self.sei.pass(frame.stream_pts());
            self.flush_cues(fx);
        }
        self.deliver_sound(fx, &frame);
    }
}

#[cfg(test)]
mod tests;
