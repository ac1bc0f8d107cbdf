//! Which moment of the sound belongs to which of the picture, by the publisher's sender reports.

use str0m::rtp::rtcp::SenderInfo;

use crate::ingest::Timestamp;

/// The newest report of each track, and whether it has been told.
#[derive(Debug, Default)]
pub(crate) struct Sync {
    video: Option<SenderInfo>,
    audio: Option<SenderInfo>,
    told: bool,
}

impl Sync {
    pub(crate) fn video_report(&mut self, report: Option<SenderInfo>) {
        if report.is_some() && report != self.video {
            self.video = report;
            self.told = false;
        }
    }

    /// Video goes on with another stream: what was reported of the last says nothing of it.
    pub(crate) fn video_changed(&mut self) {
        self.video = None;
    }

    pub(crate) fn audio_report(&mut self, report: Option<SenderInfo>) {
        if report.is_some() && report != self.audio {
            self.audio = report;
            self.told = false;
        }
    }

    /// The times of video and audio that belong together. Told once for each pair of reports (RFC 3550 section 6.4.1: both clocks are the sender's).
    pub(crate) fn together(
        &mut self,
        mut video: Timestamp,
        mut audio: Timestamp,
    ) -> Option<(i64, i64)> {
        let (of_video, of_audio) = (self.video.as_ref()?, self.audio.as_ref()?);
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        let low = |info: &SenderInfo| u32::try_from(info.rtp_time.numer() & 0xffff_ffff).ok();
        let video_time = video.extend(low(of_video)?);
        let audio_time = audio.extend(low(of_audio)?);
        // How much later than the video's the audio's report was made, at 90 kHz.
        let later = match of_audio.ntp_time.duration_since(of_video.ntp_time) {
            Ok(span) => media::time::span_to_ticks(span),
            Err(error) => -media::time::span_to_ticks(error.duration()),
        };
        (later.abs() < APART_MAX).then_some((video_time + later, audio_time))
    }
}

/// Reports come every few seconds; two a minute apart are of different clocks.
const APART_MAX: i64 = 60 * 90_000;
