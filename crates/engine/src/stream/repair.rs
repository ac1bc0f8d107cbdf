//! The rendition for WebRTC viewers of a source that they cannot be sent as it is: decoded and encoded again by a child
//! of its own, which runs while anybody watches.
//!
//! ```text
//! source pictures --> group since the last key frame --> child --> rendition --> viewers
//!        '--> LL-HLS, as they are
//! ```
//!
//! Every picture keeps its pts, so that a card holds on the same frame whichever way it was seen. A child that begins in
//! the middle of a group decodes it from its key frame on, and encodes what is new.

mod group;
mod lag;
mod need;

use std::time::{Duration, Instant};

use bytes::Bytes;
use cues::sei::SeiTrack;
use media::{
    Frame, Pts, TrackKind, VideoCodec, VideoConfig, h264,
    sei::{Syntax, insert},
};
use transcode::{
    Cause, Event, Input, Output as Child, Picture, SourcePicture, Start, Status, Supervisor,
    VideoSource, VideoToH264,
};

use crate::{
    Config,
    api::{ChildKind, RepairState, RepairStatus},
    stream::{Effects, Stream},
};
use group::Group;
use lag::{Lag, REST_MIN};
pub(crate) use need::Need;

/// What makes pictures that every viewer decodes.
#[derive(Debug)]
pub(super) struct Repair {
    supervisor: Supervisor,
    /// It is not to be done here.
    is_off: bool,
    /// What decodes AV1 is installed.
    av1_decoded: bool,
    /// Why, once something was found in this epoch.
    need: Option<Need>,
    /// What the child is told, the same for the whole epoch, so that it lives through it; and its pixels a second.
    start: Option<(Start, f64)>,
    group: Group,
    /// The running child has had every picture since a key frame.
    fed: bool,
    /// Watched until then, though nobody is connected.
    keep_until: Option<Instant>,
    /// The source's own pictures go to the viewers.
    passing: bool,
    /// The newest of those that went.
    passed: Option<Pts>,
    /// The first picture that is to come back, and the newest.
    asked: Option<(Pts, Pts)>,
    /// When the newest key frame of its own came.
    keyframe_at: Option<Instant>,
    /// The child was too slow: none before this.
    rests_until: Option<Instant>,
    lag: Lag,
    /// What the deaths of children come to since one made a picture.
    fruitless: u32,
    /// Until pictures come again.
    trouble: Option<Trouble>,
    sei: SeiTrack,
}

/// Why a needed repair is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Others take what the machine has for it.
    NoRoom,
    /// It fell behind.
    TooSlow,
    /// Its children die before they have made a picture.
    Fails,
}

impl Repair {
    pub(super) fn new(config: &Config, now: Instant) -> Self {
        Self {
            supervisor: Supervisor::new(config.transcode, now),
            is_off: config.repair_cores <= 0.0,
            av1_decoded: config.av1_decoded,
            need: None,
            start: None,
            group: Group::default(),
            fed: false,
            keep_until: None,
            passing: true,
            passed: None,
            asked: None,
            keyframe_at: None,
            rests_until: None,
            lag: Lag::new(),
            fruitless: 0,
            trouble: None,
            sei: SeiTrack::default(),
        }
    }

    /// Its pictures are coming.
    pub(super) fn is_running(&self) -> bool {
        self.supervisor.status() == Status::Running
    }

    /// No picture is encoded again here.
    pub(super) const fn is_off(&self) -> bool {
        self.is_off
    }

    /// A child could decode the source.
    pub(super) const fn is_possible(&self) -> bool {
        !self.is_off && self.start.is_some()
    }

    /// The machine cannot, for now.
    pub(super) const fn rests(&self) -> bool {
        self.rests_until.is_some()
    }

    pub(super) const fn need(&self) -> Option<Need> {
        self.need
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let child = self.supervisor.poll_timeout().map(|(at, _)| at);
        [child, self.keep_until, self.rests_until]
            .into_iter()
            .flatten()
            .min()
    }

    /// Why viewers are sent nothing of a video that is to be repaired.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let withheld = self.need.is_some_and(|need| !need.may_pass());
        self.trouble.filter(|_| withheld)
    }

    /// What viewers are sent of a source that does not go to them as it is.
    pub(super) fn makes_of(&self, config: &VideoConfig) -> Option<VideoCodec> {
        let repaired = !self.is_off && self.source(config, false).is_some();
        repaired.then_some(VideoCodec::H264)
    }

    /// What a child decodes of a source. A WHIP publisher's browser knows which codecs other browsers take.
    pub(super) fn source(&self, config: &VideoConfig, forwarded: bool) -> Option<VideoSource> {
        match config {
            VideoConfig::H264(config) => Some(VideoSource::H264(config.avcc.clone())),
            VideoConfig::H265(config) => Some(VideoSource::H265(config.hvcc.clone())),
            VideoConfig::Vp9(_) if !forwarded => Some(VideoSource::Vp9),
            VideoConfig::Av1(_) if !forwarded && self.av1_decoded => Some(VideoSource::Av1),
            VideoConfig::Vp8(_) | VideoConfig::Vp9(_) | VideoConfig::Av1(_) => None,
        }
    }

    /// What keeps a needed repair from being had.
    fn not_repaired(&self) -> Option<sfu::NotRepaired> {
        if self.is_off {
            Some(sfu::NotRepaired::Off)
        } else if self.start.is_none() {
            Some(sfu::NotRepaired::NotDecoded)
        } else {
            self.rests_until.map(|_| match self.trouble {
                Some(Trouble::Fails) => sfu::NotRepaired::Fails,
                Some(Trouble::NoRoom | Trouble::TooSlow) | None => sfu::NotRepaired::Busy,
            })
        }
    }

    pub(super) fn status(&self, ll_hls: bool) -> Option<RepairStatus> {
        let state = match self.supervisor.status() {
            _ if self.is_off || self.start.is_none() => RepairState::Off,
            _ if self.rests_until.is_some() => RepairState::Resting,
            Status::Idle | Status::Stopping => RepairState::Idle,
            Status::Starting | Status::BackingOff => RepairState::Starting,
            Status::Running => RepairState::Running,
        };
        let why = self.need?.code();
        Some(RepairStatus { why, state, ll_hls })
    }
}

impl Stream {
    /// What viewers are to be sent of the video, before they have been sent any.
    pub(super) fn described(&self) -> Option<sfu::VideoDescription<'_>> {
        let config = self.ingest.video.as_ref()?;
        Some(match self.repair.need {
            Some(need) if !need.may_pass() => match self.repair.not_repaired() {
                Some(why) => {
                    let has = need.name();
                    sfu::VideoDescription::Withheld(sfu::Withheld { has, why })
                }
                None => sfu::VideoDescription::Repaired,
            },
            Some(_) | None => sfu::VideoDescription::Source(config),
        })
    }

    /// An epoch begins with this configuration.
    pub(super) fn start_repair(&mut self, fx: &mut Effects<'_>) {
        let rate = self.ingest.frame_rate();
        let forwarded = self.is_forwarded();
        let config = self.ingest.video.as_ref();
        let source = config.and_then(|config| self.repair.source(config, forwarded));
        let repair = &mut self.repair;
        repair.need = config.and_then(|config| {
            if forwarded {
                Need::of(config)
            } else {
                Some(Need::Codec(config.codec()))
            }
        });
        repair.start = source
            .zip(config)
            .map(|(source, config)| start(source, config, rate));
        repair.passing = repair.need.is_none_or(Need::may_pass);
        repair.group.clear();
        repair.fed = false;
        repair.lag.begin();
        (repair.passed, repair.asked) = (None, None);
        // What made them die may have been in the pictures.
        repair.fruitless = 0;
        if repair.trouble == Some(Trouble::Fails) {
            repair.rests_until = None;
        }
        if !repair.rests() {
            repair.trouble = None;
        }
        // Whoever waits for the stream comes now; and what repairing it costs is known before the first does.
        repair.keep_until = Some(fx.now + LINGER);
        self.want_repair(fx);
        self.go_on_with_child();
    }

    /// A child that lives through the epoch does not say again what its pictures are decoded with.
    fn go_on_with_child(&mut self) {
        let goes_on = !self.repair.passing && self.repair.is_running();
        if let (true, Some(track), Some(config)) =
            (goes_on, &mut self.video, self.packaging.repaired_config())
        {
            track.rendition.set_video_config(config);
        }
    }

    /// AV1 can be repaired from now on; it may be there already, of a publisher who was quicker than this news.
    pub(crate) fn av1_is_decoded(&mut self, fx: &mut Effects<'_>) {
        self.repair.av1_decoded = true;
        let is_av1 = |config: &&VideoConfig| config.codec() == VideoCodec::Av1;
        if let Some(config) = self.ingest.video.as_ref().filter(is_av1)
            && !self.is_forwarded()
        {
            let sent = self.repair.makes_of(config);
            fx.sfu.set_video_codec(fx.now, self.id, sent);
            self.start_repair(fx);
        }
    }

    /// A viewer is about to be promised the video: it is not, where the machine has no room to repair it.
    pub(crate) fn look_for_room(&mut self, fx: &Effects<'_>) {
        let repair = &mut self.repair;
        let withheld = !repair.is_off && repair.need.is_some_and(|need| !need.may_pass());
        let Some((_, pixels_per_second)) = &repair.start else {
            return;
        };
        if withheld && !repair.rests() && !fx.budget.has_room(self.id, *pixels_per_second) {
            repair.rests_until = Some(fx.now + REST_MIN);
            repair.trouble = Some(Trouble::NoRoom);
        }
    }

    /// A viewer has been promised the video.
    pub(crate) fn asked_for(&mut self, fx: &mut Effects<'_>) {
        self.repair.keep_until = Some(fx.now + LINGER);
        self.want_repair(fx);
    }

    /// Some time has passed.
    pub(super) fn check_repair(&mut self, fx: &mut Effects<'_>) {
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= fx.now).is_some();
        let rested = due(&mut self.repair.rests_until);
        if due(&mut self.repair.keep_until) || rested {
            self.want_repair(fx);
        }
        self.repair.supervisor.handle_timeout(fx.now);
        self.drain_repair(fx);
    }

    /// The last viewer may have gone, or the publisher.
    pub(super) fn linger(&mut self, now: Instant) {
        if self.viewers.is_empty() {
            self.repair.keep_until = Some(now + LINGER);
        }
    }

    /// Starts the child if it is needed and anybody watches, and ends it otherwise.
    pub(super) fn want_repair(&mut self, fx: &mut Effects<'_>) {
        let repair = &self.repair;
        let packaged = self.packaging.wants_repaired() && self.publisher.is_some();
        let watched = packaged || !self.viewers.is_empty() || repair.keep_until.is_some();
        let wanted =
            repair.need.is_some() && watched && repair.rests_until.is_none() && !repair.is_off;
        let Some((start, pixels_per_second)) = repair.start.clone().filter(|_| wanted) else {
            fx.budget.release(self.id);
            // What was in the way is over, or of no account: the next who comes will know.
            if self.repair.rests_until.is_none() {
                self.repair.trouble = None;
            }
            self.tell_repair(fx, Input::Unwant);
            return;
        };
        if fx.budget.admit(self.id, pixels_per_second) {
            self.tell_repair(fx, Input::Want(start));
        } else {
            self.repair.rests_until = Some(fx.now + REST_MIN);
            self.repair.trouble = Some(Trouble::NoRoom);
            self.tell_repair(fx, Input::Unwant);
        }
    }

    /// A source that cannot be sent as it is, from here on.
    pub(super) fn needs_repair(&mut self, fx: &mut Effects<'_>, need: Need) {
        let graver = match self.repair.need {
            None => true,
            Some(known) => known.may_pass() && !need.may_pass(),
        };
        if graver && self.repair.start.is_some() {
            self.repair.need = Some(need);
            self.repair.passing &= need.may_pass();
            self.want_repair(fx);
        }
    }

    /// Whether the source's own pictures go to the viewers.
    pub(super) const fn passes(&self) -> bool {
        self.repair.passing
    }

    /// One picture of the source, in decode order, before WebRTC viewers are sent it.
    pub(super) fn repair(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        if self.repair.start.is_none() {
            return;
        }
        // The configuration does not always tell.
        if self.has_b_frames() {
            self.needs_repair(fx, Need::BFrames);
        }
        let pts = frame.stream_pts();
        let running = self.repair.is_running();
        let repair = &mut self.repair;
        // A decoder goes on from the child's pictures to the source's only with a key frame.
        if frame.keyframe && !running && repair.need.is_none_or(Need::may_pass) && !repair.passing {
            repair.passing = true;
            self.source_config();
        }
        let repair = &mut self.repair;
        if running && frame.keyframe {
            repair.fed = true;
            repair.passing = false;
        }
        if repair.passing {
            repair.passed = repair.passed.max(Some(pts));
        }
        // For the child that will take this one's place.
        repair.group.push(pts, frame.keyframe, &frame.payload);
        if running && repair.fed {
            self.feed(fx, pts, frame.payload.clone(), None);
        }
    }

    fn source_config(&mut self) {
        if let (Some(track), Some(config)) = (&mut self.video, &self.ingest.video) {
            track.rendition.set_video_config(config);
        }
    }

    /// Sends the child a picture; it comes back unless the viewers have had it, or later ones than `from` are wanted.
    fn feed(&mut self, fx: &mut Effects<'_>, pts: Pts, payload: Bytes, from: Option<Pts>) {
        let wanted = Some(pts) > self.repair.passed && Some(pts) >= from;
        if wanted {
            let (first, newest) = self.repair.asked.unwrap_or((pts, pts));
            self.repair.asked = Some((first.min(pts), newest.max(pts)));
        }
        let picture = SourcePicture {
            pts,
            wanted,
            payload,
        };
        self.tell_repair(fx, Input::Picture(picture));
    }

    /// A child is ready: it decodes the group so far, and encodes its last pictures: the source may have stopped, and who has
    /// come meanwhile is to see where. Without its beginning it waits for
    /// the next one, and viewers have what they had.
    fn catch_up(&mut self, fx: &mut Effects<'_>) {
        self.repair.fed = !self.repair.group.pictures().is_empty();
        self.repair.passing &= !self.repair.fed;
        self.repair.asked = None;
        self.repair.lag.begin();
        let from = self.repair.group.to_be_seen();
        let group = self.repair.group.pictures().to_vec();
        for (pts, payload) in group {
            self.feed(fx, pts, payload, from);
        }
    }

    /// The machine cannot do it in real time: viewers would be ever further behind. Or not at all.
    fn give_up(&mut self, fx: &mut Effects<'_>, why: Trouble) {
        self.repair.rests_until = Some(fx.now + self.repair.lag.rest());
        self.want_repair(fx);
        self.repair.trouble = Some(why);
    }

    /// A child has died that was still wanted.
    fn child_died(&mut self, fx: &mut Effects<'_>, weight: u32) {
        self.repair.fruitless += weight;
        if self.repair.fruitless >= FRUITLESS_MAX {
            // The next has one life to show that it can.
            self.repair.fruitless = FRUITLESS_MAX - BY_ITSELF;
            self.give_up(fx, Trouble::Fails);
        }
    }

    /// Viewers who join, or lost something, start with the next picture.
    pub(super) fn refresh(&mut self, fx: &mut Effects<'_>) {
        let is_fresh = |at: Instant| fx.now.saturating_duration_since(at) < FRESH;
        if self.repair.is_running() && !self.repair.keyframe_at.is_some_and(is_fresh) {
            self.tell_repair(fx, Input::Keyframe);
        }
    }

    pub(super) fn tell_repair(&mut self, fx: &mut Effects<'_>, input: Input) {
        // As for the sound's child.
        let _ignored = self.repair.supervisor.handle_input(fx.now, input);
        self.drain_repair(fx);
    }

    fn drain_repair(&mut self, fx: &mut Effects<'_>) {
        while let Some(output) = self.repair.supervisor.poll_output() {
            match output {
                Child::Spawn => self.spawn_child(fx, ChildKind::Video),
                Child::Send(message) => self.send_child(fx, ChildKind::Video, message),
                Child::Kill(_) => self.kill_child(fx, ChildKind::Video),
                Child::Configuration(avcc) => self.repaired_config(fx, &avcc),
                Child::Picture(picture) => self.repaired(fx, picture),
                // No conversion of video makes any.
                Child::Packet { .. } | Child::Jpeg(_) => {}
                Child::Event(event) => {
                    let up = matches!(event, Event::Up { .. });
                    let died = match &event {
                        Event::Down { cause, .. } => weight(cause),
                        Event::Up { .. } => 0,
                    };
                    self.child_life(fx, ChildKind::Video, event);
                    if up {
                        self.catch_up(fx);
                        continue;
                    }
                    self.repair.fed = false;
                    if !self.repair.passing {
                        fx.sfu.pause_video(self.id);
                    }
                    if died > 0 {
                        self.child_died(fx, died);
                    }
                }
            }
        }
    }

    fn repaired_config(&mut self, fx: &Effects<'_>, avcc: &[u8]) {
        // Made by an encoder of ours; what cannot be read would be a fault there, and the pictures bring their sets.
        if let (Some(track), Ok(avcc)) = (&mut self.video, h264::parse_avcc(avcc)) {
            let config = avcc.config.into();
            track.rendition.set_video_config(&config);
            self.repaired_is(fx.now, config);
        }
    }

    fn repaired(&mut self, fx: &mut Effects<'_>, picture: Picture) {
        let Picture {
            pts,
            keyframe,
            payload,
        } = picture;
        // What the decoder had kept back of an epoch before says nothing of this one.
        let asked = self.repair.asked.filter(|(first, _)| pts >= *first);
        if asked.is_some() {
            self.repair.trouble = None;
            self.repair.fruitless = 0;
        }
        if keyframe {
            self.repair.keyframe_at = Some(fx.now);
        }
        let epoch = self.clock.epoch();
        let sei = &mut self.repair.sei;
        let nals = sei.access_unit(Syntax::H264, pts, keyframe, epoch, &self.timeline);
        let frame = Frame {
            track: TrackKind::Video,
            dts: pts.media_time(),
            pts: pts.media_time(),
            keyframe,
            payload: insert(Syntax::H264, payload, &nals),
        };
        if asked.is_some() {
            self.package_repaired(fx, &frame);
        }
        self.push_video(fx, &frame);
        // Looked at when one comes: a child from which none does has hung, which its supervisor notices.
        if let Some((_, newest)) = asked
            && self.repair.lag.is_too_slow(fx.now, newest.since(pts))
        {
            self.give_up(fx, Trouble::TooSlow);
        }
    }
}

fn start(
    source: VideoSource,
    config: &VideoConfig,
    rate: Option<media::FrameRate>,
) -> (Start, f64) {
    let milli = |rate: media::FrameRate| u64::from(rate.num) * 1_000 / u64::from(rate.den);
    let milli = rate.map_or(USUAL_RATE_MILLI, milli);
    let milli = u32::try_from(milli).unwrap_or(u32::MAX).clamp(1, 240_000);
    let (width, height) = config.size();
    let pixels = u64::from(width) * u64::from(height) * u64::from(milli) / 1_000;
    // At most 8192 x 8192 pixels, 240 times.
    let pixels = u32::try_from(pixels).unwrap_or(u32::MAX);
    let start = Start::VideoToH264(VideoToH264 {
        source,
        frame_rate_milli: milli,
        bitrate_bps: (pixels / PIXELS_PER_BIT).clamp(BITRATE_MIN_BPS, BITRATE_MAX_BPS),
    });
    (start, f64::from(pixels))
}

/// Nobody has said; the encoder's rate control alone depends on it.
const USUAL_RATE_MILLI: u64 = 30_000;
/// 3.5 Mbit/s for 720p30, 7.8 for 1080p30, at most: what platforms advise for live H.264 of these sizes, and a fifth more for
/// what the constrained baseline profile cannot do.
const PIXELS_PER_BIT: u32 = 8;
const BITRATE_MIN_BPS: u32 = 300_000;
const BITRATE_MAX_BPS: u32 = 20_000_000;
/// How much a death says of the next child: one that was killed, or crashed, may have met with what the next does not.
const fn weight(cause: &Cause) -> u32 {
    match cause {
        Cause::Asked => 0,
        Cause::Exited => 1,
        Cause::Failed(_) | Cause::Garbled | Cause::Hung | Cause::NotReady => BY_ITSELF,
    }
}

const BY_ITSELF: u32 = 4;
/// One may fail at a fault in a picture, and the next at the same in the group that it is given.
const FRUITLESS_MAX: u32 = 3 * BY_ITSELF;
/// A viewer who reloads the page finds the child running.
const LINGER: Duration = Duration::from_secs(10);
/// One who joins so soon after a key frame is shown the few pictures since it.
const FRESH: Duration = Duration::from_millis(300);
