//! One clock per stream: a publisher's stamps become the stream's own timeline, once.
//!
//! Everything downstream derives its times from what is assigned here by a constant, so nothing is ever re-timed.

mod audio;
mod rtp;

use std::time::Instant;

use media::{FrameGrid, FrameRate, MediaTime, Pts, Timescale, UnixMillis, UtcAnchor, time};

use self::{audio::AudioLine, rtp::RtpLines};
use crate::saved::Show;

/// The first frame of a stream, so that no timestamp of it is ever negative, audio that began earlier included.
const FIRST_PTS: Pts = Pts(10 * 90_000);
const _: () = assert!(rtmp::COMPOSITION_MS_MAX as i64 * 90 < FIRST_PTS.0);

/// How much of the distance to a new arrival the live map follows: slow enough for network jitter, fast enough for a
/// drifting encoder clock.
const LIVE_SMOOTHING: i64 = 32;

/// How far frames may have come since that was last written down: to the next news of it, and while the disk took that in.
const UNTOLD_TICKS: i64 = 2 * 90_000;

/// A stream's clock. It outlives publish sessions; each one is an epoch.
#[derive(Debug)]
pub(crate) struct StreamClock {
    started: Instant,
    started_wall: UnixMillis,
    epoch: Option<Epoch>,
    epochs: u32,
    highest: Pts,
    /// Smoothed `pts - time since start` of arrivals, 90 kHz ticks.
    live_offset: Option<i64>,
}

/// One publish session on the timeline.
#[derive(Debug)]
struct Epoch {
    anchor: UtcAnchor,
    base: Pts,
    /// Ticks between frames, as far as it is known.
    frame: i64,
    stamps: Stamps,
}

/// How a publisher stamps its frames.
#[derive(Debug)]
enum Stamps {
    /// RTMP: whole milliseconds, of both tracks from one zero.
    Millis(Millis),
    /// RTP: a clock for each track.
    Rtp(RtpLines),
    /// Not at all: it went with the process that heard it.
    Gone,
}

#[derive(Debug)]
struct Millis {
    /// The stamp that falls on the epoch's base.
    first: i64,
    video: FrameGrid,
    audio: Option<AudioLine>,
}

/// A rate at which every millisecond is a frame: the grid of a publisher that names no frame rate.
const EVERY_MILLISECOND: FrameRate = FrameRate { num: 1000, den: 1 };
/// 30 frames a second, where nobody says.
const RTP_FRAME: i64 = 3_000;

impl StreamClock {
    pub(crate) fn new(now: Instant, wall: UnixMillis) -> Self {
        Self {
            started: now,
            started_wall: wall,
            epoch: None,
            epochs: 0,
            highest: FIRST_PTS,
            live_offset: None,
        }
    }

    /// The clock of a stream whose process is gone. Nothing is given out twice, also when the wall clock was set back
    /// meanwhile: what was given out last lies at most [`UNTOLD_TICKS`] past what was written down.
    pub(crate) fn restore(now: Instant, wall: UnixMillis, show: &Show) -> Self {
        let mut clock = Self::new(now, wall);
        if show.epoch == 0 {
            return clock;
        }
        clock.epochs = show.epoch;
        clock.highest = show.highest.offset(UNTOLD_TICKS);
        clock.epoch = Some(Epoch {
            anchor: show.anchor,
            base: clock.highest,
            frame: RTP_FRAME,
            stamps: Stamps::Gone,
        });
        // What is live went on meanwhile, by the wall clock.
        clock.live_offset = Some(show.anchor.pts(wall).max(clock.highest).0);
        clock
    }

    /// Begins a publish session whose first frame bears `first_ms`. The timeline goes on: the first pts is one frame past
    /// the last, or the wall-clock gap later, whichever is more.
    pub(crate) fn start_epoch(
        &mut self,
        now: Instant,
        first_ms: i64,
        rate: Option<FrameRate>,
        audio: Option<Timescale>,
    ) {
        let rate = rate.unwrap_or(EVERY_MILLISECOND);
        let base = self.next_base(now);
        let audio = audio.map(|scale| AudioLine::new(base, scale));
        let frame = i64::from(90_000 / rate.num.max(1)).max(1) * i64::from(rate.den);
        let video = FrameGrid::new(rate, Timescale::VIDEO);
        let stamps = Stamps::Millis(Millis {
            first: first_ms,
            video,
            audio,
        });
        self.begin(now, base, frame, stamps);
    }

    /// The same for a publisher by RTP whose first video packet bears `first_video`. Sound alone
    /// has none.
    pub(crate) fn start_rtp_epoch(&mut self, now: Instant, first_video: Option<i64>) {
        let base = self.next_base(now);
        let stamps = Stamps::Rtp(RtpLines::new(base, first_video));
        self.begin(now, base, RTP_FRAME, stamps);
    }

    /// A new epoch whose stamps go on as they were: a track's configuration has changed.
    pub(crate) const fn go_on(&mut self) {
        self.epochs += 1;
    }

    /// One frame past the last, or the wall-clock gap later, whichever is more.
    fn next_base(&self, now: Instant) -> Pts {
        match &self.epoch {
            None => FIRST_PTS,
            Some(last) => {
                let next = self.highest.offset(last.frame.max(90));
                last.anchor.pts(self.wall(now)).max(next)
            }
        }
    }

    fn begin(&mut self, now: Instant, base: Pts, frame: i64, stamps: Stamps) {
        self.epoch = Some(Epoch {
            anchor: UtcAnchor::at(base, self.wall(now)),
            base,
            frame,
            stamps,
        });
        self.epochs += 1;
        self.live_offset = None;
    }

    /// Publish session, from 1; 0 before the first.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epochs
    }

    /// Where the timeline has come to: the epoch's first pts until a frame is past it.
    pub(crate) fn reached(&self) -> Pts {
        let base = self.epoch.as_ref().map_or(FIRST_PTS, |epoch| epoch.base);
        base.max(self.highest)
    }

    /// The anchor of the current epoch.
    pub(crate) fn anchor(&self) -> UtcAnchor {
        self.epoch
            .as_ref()
            .map_or_else(|| UtcAnchor::at(FIRST_PTS, self.started_wall), |e| e.anchor)
    }

    /// Places a video frame: its decode and presentation times. `None` before an epoch.
    pub(crate) fn video(
        &mut self,
        now: Instant,
        dts_ms: i64,
        composition_ms: i32,
    ) -> Option<(MediaTime, MediaTime)> {
        let epoch = self.epoch.as_mut()?;
        let Stamps::Millis(millis) = &mut epoch.stamps else {
            return None;
        };
        let dts = millis
            .video
            .place(dts_ms - millis.first)
            .offset(epoch.base.0);
        let pts = millis.video.present(composition_ms).offset(epoch.base.0);
        self.arrived(now, pts.to_pts());
        Some((dts, pts))
    }

    /// Where a stamp of an RTMP publisher lies. `None` before an epoch by RTMP.
    pub(crate) fn rtmp_pts(&self, ms: i64) -> Option<Pts> {
        let epoch = self.epoch.as_ref()?;
        match &epoch.stamps {
            Stamps::Millis(millis) => Some(epoch.base.offset((ms - millis.first) * 90)),
            Stamps::Rtp(_) | Stamps::Gone => None,
        }
    }

    /// Places an audio frame of that many samples on its own scale. `None` before an epoch, for a track the epoch lacks, or before zero.
    pub(crate) fn audio(
        &mut self,
        now: Instant,
        pts_ms: i64,
        samples: u32,
        leads: bool,
    ) -> Option<MediaTime> {
        let Stamps::Millis(millis) = &mut self.epoch.as_mut()?.stamps else {
            return None;
        };
        let pts = millis.audio.as_mut()?.place(pts_ms - millis.first, samples);
        if leads {
            self.arrived(now, pts.to_pts());
        }
        Some(pts)
    }

    /// Places a picture by its RTP timestamp, at 90 kHz. `None` before an epoch by RTP.
    pub(crate) fn rtp_video(&mut self, now: Instant, rtp_time: i64) -> Option<Pts> {
        let pts = self.rtp_pts(rtp_time)?;
        self.arrived(now, pts);
        Some(pts)
    }

    /// Where a picture belongs. `None` before an epoch by RTP, or in one of sound alone.
    pub(crate) fn rtp_pts(&self, rtp_time: i64) -> Option<Pts> {
        match &self.epoch.as_ref()?.stamps {
            Stamps::Rtp(lines) => lines.video(rtp_time),
            Stamps::Millis(_) | Stamps::Gone => None,
        }
    }

    /// Places an Opus packet by its RTP timestamp, at 48 kHz. `None` before an epoch by RTP.
    pub(crate) fn rtp_audio(
        &mut self,
        now: Instant,
        rtp_time: i64,
        leads: bool,
    ) -> Option<MediaTime> {
        let live = if leads { None } else { Some(self.live(now)) };
        let pts = self.rtp_lines()?.audio(rtp_time, live);
        if leads {
            self.arrived(now, pts.to_pts());
        }
        Some(pts)
    }

    /// The publisher says which moments of its two RTP clocks are one.
    pub(crate) fn rtp_together(&mut self, audio_time: i64, video_time: i64) {
        if let Some(lines) = self.rtp_lines() {
            lines.together(audio_time, video_time);
        }
    }

    fn rtp_lines(&mut self) -> Option<&mut RtpLines> {
        match &mut self.epoch.as_mut()?.stamps {
            Stamps::Rtp(lines) => Some(lines),
            Stamps::Millis(_) | Stamps::Gone => None,
        }
    }

    fn arrived(&mut self, now: Instant, pts: Pts) {
        self.highest = self.highest.max(pts);
        let offset = pts.0 - self.since_start(now);
        self.live_offset = Some(match self.live_offset {
            None => offset,
            Some(old) => old + (offset - old) / LIVE_SMOOTHING,
        });
    }

    /// The largest pts taken in.
    pub(crate) const fn highest(&self) -> Pts {
        self.highest
    }

    /// The pts that arrives about now, by the smoothed pace of arrivals.
    pub(crate) fn live(&self, now: Instant) -> Pts {
        self.live_offset.map_or(self.highest, |offset| {
            Pts(offset.saturating_add(self.since_start(now)))
        })
    }

    /// Server UTC.
    pub(crate) fn wall(&self, now: Instant) -> UnixMillis {
        let passed = i64::try_from(now.saturating_duration_since(self.started).as_millis())
            .unwrap_or(i64::MAX);
        UnixMillis(self.started_wall.0.saturating_add(passed))
    }

    fn since_start(&self, now: Instant) -> i64 {
        time::span_to_ticks(now.saturating_duration_since(self.started))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FPS_30: FrameRate = FrameRate { num: 30, den: 1 };

    fn clock(now: Instant) -> StreamClock {
        StreamClock::new(now, UnixMillis(1_700_000_000_000))
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn milliseconds_of_a_30_fps_encoder_become_exact_frames() {
        let now = Instant::now();
        let mut clock = clock(now);
        clock.start_epoch(now, 500, Some(FPS_30), None);
        for n in 0..300_i64 {
            let (dts, pts) = clock.video(now, 500 + n * 1000 / 30, 67).unwrap();
            assert_eq!(dts.ticks(), FIRST_PTS.0 + n * 3000);
            assert_eq!(pts.ticks(), dts.ticks() + 6000);
        }
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn the_timeline_goes_on_by_the_wall_clock_gap() {
        let now = Instant::now();
        let mut clock = clock(now);
        clock.start_epoch(now, 0, Some(FPS_30), None);
        clock.video(now, 0, 0).unwrap();
        let later = now + Duration::from_secs(7);
        clock.start_epoch(later, 90_000, Some(FPS_30), None);
        let anchor = clock.anchor();
        let (_, pts) = clock.video(later, 90_000, 0).unwrap();
        assert_eq!(pts.ticks(), FIRST_PTS.0 + 7 * 90_000);
        assert_eq!(anchor.utc(pts.to_pts()), UnixMillis(1_700_000_007_000));
        assert_eq!(clock.epoch(), 2);
    }

    fn show(epoch: u32, highest: i64) -> Show {
        Show {
            rtp_offsets: [1, 2],
            epoch,
            anchor: UtcAnchor(UnixMillis(1_700_000_000_000)),
            highest: Pts(highest),
            hls: hls::Continuity::default(),
        }
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn after_a_restart_the_timeline_goes_on_by_the_wall_clock_gap() {
        let now = Instant::now();
        // 100 s were written down; the server is back 20 s later, and its publisher 5 s after that.
        let back = UnixMillis(1_700_000_120_000);
        let mut clock = StreamClock::restore(now, back, &show(3, 100 * 90_000));
        assert_eq!((clock.epoch(), clock.highest()), (3, Pts(102 * 90_000)));
        assert_eq!(clock.live(now), Pts(120 * 90_000));
        assert_eq!(clock.video(now, 0, 0), None, "nobody publishes");
        let later = now + Duration::from_secs(5);
        clock.start_epoch(later, 0, Some(FPS_30), None);
        let anchor = clock.anchor();
        let (_, pts) = clock.video(later, 0, 0).unwrap();
        assert_eq!((clock.epoch(), pts.to_pts()), (4, Pts(125 * 90_000)));
        assert_eq!(anchor.utc(pts.to_pts()), UnixMillis(1_700_000_125_000));
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn a_wall_clock_that_was_set_back_gives_no_pts_twice() {
        let now = Instant::now();
        for wall in [0, 1_600_000_000_000, 1_700_000_100_500] {
            let mut clock = StreamClock::restore(now, UnixMillis(wall), &show(1, 100 * 90_000));
            clock.start_epoch(now, 0, Some(FPS_30), None);
            let (_, pts) = clock.video(now, 0, 0).unwrap();
            assert!(pts.ticks() > 102 * 90_000, "{wall}");
            assert!(pts.ticks() < 103 * 90_000, "{wall}");
        }
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn a_publisher_that_ran_ahead_never_goes_back() {
        let now = Instant::now();
        let mut clock = clock(now);
        clock.start_epoch(now, 0, Some(FPS_30), None);
        clock.video(now, 60_000, 0).unwrap();
        let highest = clock.highest();
        clock.start_epoch(now + Duration::from_secs(1), 0, Some(FPS_30), None);
        let (_, pts) = clock.video(now, 0, 0).unwrap();
        assert!(pts.to_pts() > highest);
    }
}
