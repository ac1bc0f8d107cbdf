//! Two RTP clocks on one timeline.
//!
//! Video leads: its first packet falls on the epoch's base and the distance never changes. Sound is
//! placed by its arrival until the publisher's sender reports say which moments of both clocks are
//! one (RFC 3550 section 6.4.1); then it moves there, once, and later follows the reports too
//! slowly to be heard.

use media::{MediaTime, Pts, Timescale};

/// The lines `pts = rtp + offset` of an epoch's tracks.
#[derive(Debug)]
pub(crate) struct RtpLines {
    base: Pts,
    /// At 90 kHz.
    video: Option<i64>,
    /// At 48 kHz.
    audio: Option<i64>,
    /// Where the reports want the sound's line.
    wanted: Option<i64>,
    /// The reports were heeded once.
    settled: bool,
    /// The sound's last timestamp.
    last_audio: Option<i64>,
}

impl RtpLines {
    pub(crate) fn new(base: Pts, first_video: Option<i64>) -> Self {
        Self {
            base,
            video: first_video.map(|first| base.0.saturating_sub(first)),
            audio: None,
            wanted: None,
            settled: false,
            last_audio: None,
        }
    }

    /// `None` in an epoch of sound alone.
    pub(crate) fn video(&self, rtp_time: i64) -> Option<Pts> {
        Some(Pts(rtp_time.saturating_add(self.video?)))
    }

    /// Where a packet of sound belongs; the first one at `live`, or at the epoch's base.
    pub(crate) fn audio(&mut self, rtp_time: i64, live: Option<Pts>) -> MediaTime {
        let at = live.unwrap_or(self.base).media_time();
        let arrival = at.rescale_round(Timescale::OPUS).ticks();
        let placed = *self
            .audio
            .get_or_insert_with(|| arrival.saturating_sub(rtp_time));
        let is_near = |wanted: &i64| wanted.abs_diff(placed) <= APART_MAX;
        let offset = match self.wanted.filter(is_near) {
            None => placed,
            Some(wanted) if !self.settled => {
                self.settled = true;
                wanted
            }
            Some(wanted) => {
                let passed = rtp_time.saturating_sub(self.last_audio.unwrap_or(rtp_time));
                let step = (passed.saturating_add(SLEW - 1) / SLEW).clamp(0, STEP_MAX);
                placed + (wanted.saturating_sub(placed)).clamp(-step, step)
            }
        };
        self.audio = Some(offset);
        self.last_audio = Some(rtp_time);
        MediaTime::new(rtp_time.saturating_add(offset), Timescale::OPUS)
    }

    /// `audio_time` and `video_time` were captured together.
    pub(crate) fn together(&mut self, audio_time: i64, video_time: i64) {
        let Some(pts) = self.video(video_time) else {
            return;
        };
        let at = pts.media_time().rescale_round(Timescale::OPUS).ticks();
        self.wanted = Some(at.saturating_sub(audio_time));
    }
}

/// One tick in so many, begun ones counted: about a millisecond a second.
const SLEW: i64 = 1_000;
/// Reports that want the sound further from where it came, 2 s, are wrong: at most a sender's pacing and a network's queue lie
/// between.
const APART_MAX: u64 = 96_000;
/// Of one packet, however long the pause before it.
const STEP_MAX: i64 = 48;

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Pts = Pts(900_000);

    #[test]
    fn video_keeps_its_distance() {
        let lines = RtpLines::new(BASE, Some(1_000));
        assert_eq!(lines.video(1_000), Some(BASE));
        assert_eq!(lines.video(4_003), Some(Pts(903_003)));
    }

    #[test]
    fn sound_moves_once_to_where_the_reports_want_it_and_then_too_slowly_to_hear() {
        let mut lines = RtpLines::new(BASE, Some(0));
        let at = |n: i64| 5_000 + n * 960;
        // It comes 100 ms late: 48 kHz 484 800.
        let first = lines.audio(at(0), Some(Pts(909_000)));
        assert_eq!(first.ticks(), 484_800);
        assert_eq!(lines.audio(at(1), Some(Pts(0))).ticks(), 485_760);
        // Captured with the first picture.
        lines.together(at(0), 0);
        assert_eq!(lines.audio(at(2), None).ticks(), 480_000 + 1_920);
        // The clocks drift apart by 10 ms.
        lines.together(at(0), 900);
        let mut last = 480_000 + 1_920;
        for n in 3..700 {
            let next = lines.audio(at(n), None).ticks();
            assert!((960..=961).contains(&(next - last)), "{n}");
            last = next;
        }
        assert_eq!(last, 480_480 + 699 * 960);
    }

    #[test]
    fn reports_that_cannot_be_true_move_nothing() {
        let mut lines = RtpLines::new(BASE, Some(0));
        assert_eq!(lines.audio(0, Some(BASE)).ticks(), 480_000);
        for seconds in [-60, -3, 3, 60] {
            lines.together(0, seconds * 90_000);
            assert_eq!(lines.audio(960, None).ticks(), 480_960, "{seconds}");
        }
        lines.together(0, 9_000);
        assert_eq!(lines.audio(960, None).ticks(), 480_960 + 4_800);
    }

    #[test]
    fn sound_alone_begins_at_the_base() {
        let mut lines = RtpLines::new(BASE, None);
        assert_eq!(lines.audio(77, None).ticks(), 480_000);
        lines.together(77, 0);
        assert_eq!(lines.audio(1_037, None).ticks(), 480_960);
    }
}
