//! What a broadcaster is told of its own stream: what was found, what it costs, and the setting to change.
//!
//! Each measure looks at one thing and says of it, whenever it is asked, whether it is wrong, fine, or not known
//! ([`Finding`]). What is wrong stands until its measure says that it is fine, the publisher leaves, or an epoch begins. It is told
//! (webhook, log) when it begins to stand; not again to a publisher whom it was told, nor to one who returns with it.

mod arrival;
mod format;
mod gop;
mod pace;
mod rate;
mod recent;
mod skew;
pub(crate) mod texts;

use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{TrackKind, VideoCodec, VideoConfig, h264};

use self::{arrival::Arrival, gop::Gops, pace::Pace, rate::Rate, recent::Finding, skew::Skew};
use crate::{
    api::{StreamEvent, StreamState, Verdict},
    stream::{Effects, Stream, repair::Trouble},
};

/// A picture as it came.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// Time of decoding by the publisher's clock, 90 kHz.
    pub(super) stamp: i64,
    pub(super) keyframe: bool,
    pub(super) codec: VideoCodec,
    pub(super) payload: &'a Bytes,
    /// Its publisher has promised an even rate. Browsers send as many frames as they can.
    pub(super) paced: bool,
}

/// The measures of one epoch.
#[derive(Debug)]
struct Measures {
    since: Instant,
    gops: Gops,
    rate: Rate,
    pace: Pace,
    skew: Skew,
    arrival: Arrival,
}

impl Measures {
    const fn new(now: Instant) -> Self {
        Self {
            since: now,
            gops: Gops::new(),
            rate: Rate::new(),
            pace: Pace::new(),
            skew: Skew::new(),
            arrival: Arrival::new(),
        }
    }
}

/// What is known against a stream.
#[derive(Debug)]
pub(super) struct Judge {
    measures: Measures,
    /// The publisher has sent sound.
    has_sound: bool,
    announced_kbps: Option<u32>,
    /// Of video, and of sound, there are several tracks, of which the first is taken.
    several: (bool, bool),
    /// In the order in which they were found; at most one for each of [`texts::CODES`].
    standing: Vec<Verdict>,
    told: Vec<&'static str>,
    due: Instant,
}

impl Judge {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            measures: Measures::new(now),
            has_sound: false,
            announced_kbps: None,
            several: (false, false),
            standing: Vec::new(),
            told: Vec::new(),
            due: now,
        }
    }

    /// A publisher comes. What stood against the last one it need not be told again.
    pub(super) fn publisher(&mut self) {
        let standing = &self.standing;
        self.told
            .retain(|told| standing.iter().any(|verdict| verdict.code == *told));
        self.standing.clear();
        self.has_sound = false;
        self.announced_kbps = None;
        self.several = (false, false);
    }

    /// The bit rate that the publisher promises.
    pub(super) fn announce(&mut self, video_kbps: Option<u32>) {
        self.announced_kbps = video_kbps;
    }

    /// There are others of this kind.
    pub(super) fn other_tracks(&mut self, kind: TrackKind) {
        match kind {
            TrackKind::Video => self.several.0 = true,
            TrackKind::Audio => self.several.1 = true,
        }
    }

    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        self.standing.clone()
    }

    pub(super) fn picture(&mut self, now: Instant, picture: &Picture<'_>) {
        let Measures {
            gops,
            rate,
            pace,
            skew,
            arrival,
            ..
        } = &mut self.measures;
        let &Picture {
            stamp,
            keyframe,
            codec,
            payload,
            paced,
        } = picture;
        let recovers = !keyframe
            && codec == VideoCodec::H264
            && h264::nals(payload).any(|nal| h264::is_recovery_point(&nal));
        gops.count(stamp, keyframe, recovers);
        rate.count(stamp, payload.len());
        skew.picture(stamp);
        arrival.count(now, stamp);
        if paced {
            pace.count(stamp / 90);
        }
    }

    /// `stamp` is of the same clock as the pictures', 90 kHz; `leads` without any.
    pub(super) fn sound(&mut self, now: Instant, stamp: i64, leads: bool) {
        self.measures.skew.sound(now, stamp);
        if leads {
            self.measures.arrival.count(now, stamp);
        }
    }

    fn take_back(&mut self, code: &'static str) {
        self.standing.retain(|verdict| verdict.code != code);
    }

    /// Lets a verdict stand; says whether to tell it.
    fn stand(&mut self, verdict: Verdict) -> bool {
        match self
            .standing
            .iter_mut()
            .find(|old| old.code == verdict.code)
        {
            // What was measured may have become more.
            Some(old) => {
                *old = verdict;
                false
            }
            None => {
                let is_new = !self.told.contains(&verdict.code);
                if is_new {
                    self.told.push(verdict.code);
                }
                self.standing.push(verdict);
                is_new
            }
        }
    }
}

impl Stream {
    /// Sound has come: what was said of its absence no longer holds.
    pub(super) fn sounds(&mut self) {
        if !self.judge.has_sound {
            self.judge.has_sound = true;
            self.judge.take_back(texts::NO_SOUND);
        }
    }

    /// An epoch begins: everything is measured anew, and what its configuration says is judged at once.
    pub(super) fn judge_epoch(&mut self, fx: &mut Effects<'_>) {
        self.judge.measures = Measures::new(fx.now);
        self.judge.standing.clear();
        self.judge.due = fx.now;
        self.judge(fx);
    }

    /// Judges a live stream, if it is time to.
    pub(super) fn judge(&mut self, fx: &mut Effects<'_>) {
        if self.state != StreamState::Live || fx.now < self.judge.due {
            return;
        }
        self.judge.due = fx.now + EVERY;
        for (code, finding) in self.findings(fx.now) {
            match finding {
                Finding::Open => {}
                Finding::Fine => self.judge.take_back(code),
                Finding::Wrong(verdict) => {
                    if self.judge.stand(verdict.clone()) {
                        self.tell(fx, StreamEvent::Verdict(verdict));
                    }
                }
            }
        }
    }

    /// One for each code.
    fn findings(&self, now: Instant) -> [(&'static str, Finding); texts::CODES.len()] {
        let Measures {
            since,
            gops,
            rate,
            pace,
            skew,
            arrival,
        } = &self.judge.measures;
        let (video, audio) = (self.ingest.video.as_ref(), self.ingest.audio.as_ref());
        [
            (texts::AUDIO_CHANNELS, format::audio_channels(audio)),
            (texts::AV_SKEW, skew.skewed()),
            (texts::B_FRAMES, self.as_repaired(self.b_frames())),
            (texts::CLOCK_DRIFT, arrival.drifts()),
            (texts::CODEC, self.other_codec(true)),
            (texts::FASTER_THAN_REAL_TIME, arrival.fast()),
            (texts::HIGH_BITRATE, rate.high()),
            (
                texts::INTERLACED,
                self.as_repaired(format::interlaced(video)),
            ),
            (texts::LONG_GOP, self.as_repaired(gops.long())),
            (texts::MULTITRACK, self.several_tracks()),
            (texts::NO_SOUND, self.no_sound(now, *since)),
            (texts::NO_WEBRTC, self.other_codec(false)),
            (texts::OPEN_GOP, self.as_repaired(self.open_gop(gops))),
            (
                texts::OVER_ANNOUNCED_BITRATE,
                rate.over_announced(self.judge.announced_kbps),
            ),
            (texts::PROFILE, self.as_repaired(format::profile(video))),
            (
                texts::REPAIR_FAILS,
                self.not_repaired(Trouble::Fails, texts::repair_fails),
            ),
            (
                texts::REPAIR_REFUSED,
                self.not_repaired(Trouble::NoRoom, texts::repair_refused),
            ),
            (
                texts::REPAIR_TOO_SLOW,
                self.not_repaired(Trouble::TooSlow, texts::repair_too_slow),
            ),
            (texts::SAMPLE_RATE, format::sample_rate(audio)),
            (texts::SLOW_UPLINK, arrival.slow()),
            (texts::UNSTABLE_FRAME_RATE, pace.unstable()),
            (texts::VP8_NO_HLS, self.not_carried()),
        ]
    }

    /// Verdicts say that the server encodes the picture again; whether it does is a setting.
    fn as_repaired(&self, finding: Finding) -> Finding {
        match finding {
            Finding::Wrong(verdict) if self.repair.is_off() => {
                Finding::Wrong(texts::not_encoded_again(verdict))
            }
            finding @ (Finding::Wrong(_) | Finding::Open | Finding::Fine) => finding,
        }
    }

    fn no_sound(&self, now: Instant, since: Instant) -> Finding {
        if !self.judge.has_sound && now.saturating_duration_since(since) >= SOUND_WAIT {
            Finding::Wrong(texts::no_sound())
        } else {
            Finding::Open
        }
    }

    /// Nothing but another epoch makes a stream without them of one that has them.
    fn b_frames(&self) -> Finding {
        let announced = self
            .ingest
            .video
            .as_ref()
            .map_or(0, VideoConfig::reorder_frames);
        let seen = self
            .video
            .as_ref()
            .is_some_and(|track| track.meter.b_frames);
        // In a codec that is encoded again anyway they cost nothing more.
        if (announced > 0 || seen) && self.is_forwarded() {
            Finding::Wrong(texts::b_frames((announced > 0).then_some(announced)))
        } else {
            Finding::Open
        }
    }

    fn open_gop(&self, gops: &Gops) -> Finding {
        if self
            .video
            .as_ref()
            .is_some_and(|video| video.meter.open_gop)
        {
            Finding::Wrong(texts::open_key_frames())
        } else {
            gops.open()
        }
    }

    /// Whether WebRTC viewers are not sent it as it is: but another encoding of it, or nothing.
    fn other_codec(&self, repaired: bool) -> Finding {
        let Some(config) = self.ingest.video.as_ref().filter(|_| !self.is_forwarded()) else {
            return Finding::Open;
        };
        match (self.repair.makes_of(config).is_some(), repaired) {
            (true, true) => Finding::Wrong(texts::codec(config.codec())),
            (false, false) => {
                Finding::Wrong(texts::no_webrtc(config.codec(), self.repair.is_off()))
            }
            // It may have been the other way before: what decodes AV1 is found out while the stream runs.
            (true, false) | (false, true) => Finding::Fine,
        }
    }

    fn several_tracks(&self) -> Finding {
        let (video, audio) = self.judge.several;
        texts::multitrack(video, audio).map_or(Finding::Open, Finding::Wrong)
    }

    /// Fine once pictures come again.
    fn not_repaired(&self, which: Trouble, verdict: fn() -> Verdict) -> Finding {
        match self.repair.trouble() {
            Some(trouble) if trouble == which => Finding::Wrong(verdict()),
            Some(_) | None => Finding::Fine,
        }
    }

    fn not_carried(&self) -> Finding {
        if self.video.as_ref().is_some_and(|video| !video.packaged) {
            Finding::Wrong(texts::vp8_no_hls())
        } else {
            Finding::Open
        }
    }
}

/// Often enough for what must be told within five seconds.
const EVERY: Duration = Duration::from_millis(250);

/// Every source sends its first sound within a second of its first picture; slow phones within three.
const SOUND_WAIT: Duration = Duration::from_secs(4);
