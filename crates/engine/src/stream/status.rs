//! A stream as the API reports it.

use std::time::Instant;

use media::aac;
use transcode::Status;

use crate::{
    api::{AudioStatus, StreamStatus, VideoStatus},
    ingest::AudioSource,
    stream::Stream,
};

impl Stream {
    pub(crate) fn status(&self, now: Instant) -> StreamStatus {
        let newest_pts = self.clock.highest();
        StreamStatus {
            name: self.name.clone(),
            state: self.state,
            epoch: self.clock.epoch(),
            rtp_offset: self.rtp_offset,
            video: self.video_status(now),
            audio: self.audio_status(now),
            whep_viewers: self.viewers.len(),
            newest_pts,
            newest_utc: self.clock.anchor().utc(newest_pts),
            encoder: self.encoder.clone(),
            cues_forged: self.cues_forged,
            verdicts: self.judge.verdicts(),
        }
    }

    fn video_status(&self, now: Instant) -> Option<VideoStatus> {
        let (config, track) = (self.ingest.video.as_ref()?, self.video.as_ref()?);
        let announced = self
            .ingest
            .frame_rate()
            .map(|rate| f64::from(rate.num) / f64::from(rate.den));
        let (width, height) = config.size();
        Some(VideoStatus {
            codec: config.codec(),
            codecs: config.codecs(),
            profile: config.profile(),
            width,
            height,
            frame_rate: announced.or_else(|| track.meter.frame_rate()),
            b_frames: self.has_b_frames(),
            repair: self.repair.status(self.packaging.is_repaired()),
            gop_ms: track.meter.gop_ms(),
            bitrate_bps: track.bitrate.bps(now),
            frames: track.meter.frames,
        })
    }

    fn audio_status(&self, now: Instant) -> Option<AudioStatus> {
        let (source, track) = (self.ingest.audio.as_ref()?, self.audio.as_ref()?);
        let (codecs, sample_rate, channels) = match source {
            AudioSource::Aac(config) => (
                aac::codecs(config),
                config.sample_rate.hz(),
                config.channels,
            ),
            // RFC 7587 section 4.1: the clock is 48 kHz, and a decoder makes two channels of it.
            AudioSource::Opus => ("opus".to_owned(), 48_000, 2),
        };
        Some(AudioStatus {
            codecs,
            sample_rate,
            channels,
            bitrate_bps: track.bitrate.bps(now),
            opus_packets: track.opus_packets,
            transcoding: self.supervisor.status() == Status::Running,
        })
    }
}
