//! What a stream shows now, as a JPEG for whoever chooses what to watch: the newest key frame, made by a child that runs
//! while somebody asks.
//!
//! ```text
//! key frames --> the newest is kept --> asked for --> child --> JPEG, kept for the next who asks
//! ```
//!
//! Nobody but who asks ever notices that child: it takes no part in what viewers are sent. A key frame at which it died is
//! not given to another one.

use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{Frame, Pts, VideoConfig};
use transcode::{
    Event, Input, Jpeg, Output as Child, SourcePicture, Start, Status, Supervisor, VideoSource,
    VideoToJpeg,
};

use crate::{
    Config,
    api::{ChildKind, Output, StreamState, Thumbnail as Made, ThumbnailStep},
    error::ThumbnailError,
    stream::{Effects, Stream},
};

/// What makes them.
#[derive(Debug)]
pub(super) struct Thumbnail {
    supervisor: Supervisor,
    /// It is not to be done here.
    is_off: bool,
    keyframe: Option<Keyframe>,
    /// The newest that was made, and when.
    made: Option<(Made, Instant)>,
    /// A newer one has been asked for and not been made.
    is_wanted: bool,
    /// Somebody waits for it, at most until then.
    answer_by: Option<Instant>,
    /// Asked for lately: the child stays until then.
    keep_until: Option<Instant>,
    /// It stands in line for a place, and looks again then.
    look_at: Option<Instant>,
    /// The child is ready.
    is_up: bool,
    /// The picture that the child has been given.
    making: Option<Pts>,
    /// The child did not survive this one.
    refused: Option<Pts>,
    /// Something went wrong: none before this.
    rests_until: Option<Instant>,
    rest: Duration,
}

/// One picture, and all it is decoded by.
#[derive(Debug)]
struct Keyframe {
    source: VideoSource,
    pts: Pts,
    payload: Bytes,
}

impl Thumbnail {
    pub(super) fn new(config: &Config, now: Instant) -> Self {
        let supervisor = transcode::Config {
            // One question, one answer.
            silent_frames_min: 1,
            ..config.transcode
        };
        Self {
            supervisor: Supervisor::new(supervisor, now),
            is_off: config.thumbnails_max == 0,
            keyframe: None,
            made: None,
            is_wanted: false,
            answer_by: None,
            keep_until: None,
            look_at: None,
            is_up: false,
            making: None,
            refused: None,
            rests_until: None,
            rest: REST_MIN,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let child = self.supervisor.poll_timeout().map(|(at, _)| at);
        [child, self.answer_by, self.keep_until, self.look_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn older(&self) -> Option<Made> {
        self.made.as_ref().map(|(made, _)| made.clone())
    }

    /// The one that was made, if it is not older than `age` or there is no newer key frame.
    fn made_within(&self, now: Instant, age: Duration) -> Option<Made> {
        let (made, at) = self.made.as_ref()?;
        let newest = self.keyframe.as_ref().map(|keyframe| keyframe.pts);
        let is_newest = newest == Some(made.pts);
        (is_newest || now.saturating_duration_since(*at) < age).then(|| made.clone())
    }

    /// The newest key frame is not to be tried, or nothing is for now.
    fn is_barred(&self, now: Instant) -> bool {
        let newest = self.keyframe.as_ref().map(|keyframe| keyframe.pts);
        let refused = self.refused.is_some() && self.refused == newest;
        refused || self.rests_until.is_some_and(|at| now < at)
    }
}

impl Stream {
    /// An epoch begins: what it shows is not known before its first key frame, and may not be at all.
    pub(super) fn start_thumbnail(&mut self) {
        self.thumbnail.keyframe = None;
        if self.still_source().is_none() {
            self.thumbnail.made = None;
        }
    }

    /// One picture of the source.
    pub(super) fn keep_keyframe(&mut self, frame: &Frame) {
        let keeps = frame.keyframe && !self.thumbnail.is_off;
        // What the child cannot be sent is left out: the one before it is shown on.
        if !keeps || frame.payload.len() > transcode::PICTURE_BYTES_MAX {
            return;
        }
        if let Some(source) = self.still_source() {
            self.thumbnail.keyframe = Some(Keyframe {
                source,
                pts: frame.stream_pts(),
                payload: frame.payload.clone(),
            });
        }
    }

    /// Somebody wants to see what it shows. `None`: the answer comes as [`Output::Thumbnail`].
    pub(crate) fn ask_thumbnail(
        &mut self,
        fx: &mut Effects<'_>,
    ) -> Option<Result<Made, ThumbnailError>> {
        let thumbnail = &mut self.thumbnail;
        if thumbnail.is_off {
            return Some(Err(ThumbnailError::Off));
        }
        if thumbnail.keyframe.is_none() {
            let older = thumbnail.older();
            return Some(older.ok_or_else(|| self.shows_nothing()));
        }
        // Who still asks keeps the child.
        thumbnail.keep_until = Some(fx.now + LINGER);
        if let Some(made) = thumbnail.made_within(fx.now, FRESH) {
            return Some(Ok(made));
        }
        if thumbnail.is_barred(fx.now) {
            let older = thumbnail.older();
            return Some(older.ok_or_else(|| ThumbnailError::Failed(self.name.to_string())));
        }
        thumbnail.is_wanted = true;
        thumbnail.answer_by.get_or_insert(fx.now + PATIENCE);
        if self.want_thumbnail(fx) {
            return None;
        }
        // Others have the places: an older picture now is better than a newer one perhaps. It stays in line.
        self.thumbnail.made_within(fx.now, STALE).map(Ok)
    }

    /// Why there is no key frame.
    fn shows_nothing(&self) -> ThumbnailError {
        let name = self.name.to_string();
        match &self.ingest.video {
            Some(config) if self.still_source().is_none() => ThumbnailError::NotDecoded {
                stream: name,
                codec: config.codec(),
            },
            None if self.ingest.running => ThumbnailError::NoVideo(name),
            Some(_) | None => match self.state {
                StreamState::Interrupted => ThumbnailError::Interrupted(name),
                StreamState::Starting | StreamState::Live => ThumbnailError::NotLive(name),
            },
        }
    }

    /// What a child decodes of the source, however it came.
    fn still_source(&self) -> Option<VideoSource> {
        let config = self.ingest.video.as_ref()?;
        if matches!(config, VideoConfig::Vp8(_)) {
            return Some(VideoSource::Vp8);
        }
        self.repair.source(config, false)
    }

    /// Has the child work on the newest key frame, if there is a place for it.
    fn want_thumbnail(&mut self, fx: &mut Effects<'_>) -> bool {
        let Some(keyframe) = &self.thumbnail.keyframe else {
            return false;
        };
        if !fx.budget.places.take(self.id) {
            self.thumbnail.look_at = Some(fx.now + LOOK_EVERY);
            return false;
        }
        self.thumbnail.look_at = None;
        let start = Start::VideoToJpeg(VideoToJpeg {
            source: keyframe.source.clone(),
            side_max: VideoToJpeg::SIDE_MAX_DEFAULT,
        });
        self.tell_thumbnail(fx, Input::Want(start));
        self.make_thumbnail(fx);
        true
    }

    /// Gives a child that is ready what it is there for.
    fn make_thumbnail(&mut self, fx: &mut Effects<'_>) {
        let thumbnail = &mut self.thumbnail;
        if thumbnail.supervisor.status() != Status::Running || thumbnail.making.is_some() {
            return;
        }
        match &thumbnail.keyframe {
            Some(keyframe) if thumbnail.is_wanted => {
                let picture = SourcePicture {
                    pts: keyframe.pts,
                    wanted: true,
                    payload: keyframe.payload.clone(),
                };
                thumbnail.making = Some(keyframe.pts);
                fx.budget.places.busy(self.id);
                self.tell_thumbnail(fx, Input::Picture(picture));
            }
            Some(_) | None => fx.budget.places.idle(self.id, fx.now),
        }
    }

    /// Some time has passed.
    pub(super) fn check_thumbnail(&mut self, fx: &mut Effects<'_>) {
        let now = fx.now;
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        // It keeps its turn: who was told so asks again.
        if due(&mut self.thumbnail.answer_by) {
            self.tell_step(fx, ThumbnailStep::Failed);
            self.answer(fx, ThumbnailError::Late(self.name.to_string()));
        }
        if due(&mut self.thumbnail.look_at) {
            self.want_thumbnail(fx);
        }
        let forgotten = due(&mut self.thumbnail.keep_until);
        if forgotten || fx.budget.places.is_wanted_back(self.id, fx.now) {
            self.unwant_thumbnail(fx);
        }
        self.thumbnail.supervisor.handle_timeout(fx.now);
        self.drain_thumbnail(fx);
    }

    /// The stream is over.
    pub(super) fn end_thumbnail(&mut self, fx: &mut Effects<'_>) {
        self.kill_child(fx, ChildKind::Thumbnail);
        fx.budget.places.step_out(self.id);
        fx.budget.places.leave(self.id);
        self.thumbnail.made = None;
        if self.thumbnail.answer_by.take().is_some() {
            self.answer(fx, ThumbnailError::NoStream(self.name.to_string()));
        }
    }

    /// Answers those who wait with the last that was made, or says why there is none.
    fn answer(&self, fx: &mut Effects<'_>, otherwise: ThumbnailError) {
        fx.out.push_back(Output::Thumbnail {
            stream: self.name.clone(),
            answer: self.thumbnail.older().ok_or(otherwise),
        });
    }

    fn tell_step(&self, fx: &mut Effects<'_>, step: ThumbnailStep) {
        fx.out.push_back(Output::ThumbnailStep(step));
    }

    fn unwant_thumbnail(&mut self, fx: &mut Effects<'_>) {
        (self.thumbnail.is_wanted, self.thumbnail.look_at) = (false, None);
        fx.budget.places.step_out(self.id);
        fx.budget.places.leaving(self.id);
        self.tell_thumbnail(fx, Input::Unwant);
    }

    pub(super) fn tell_thumbnail(&mut self, fx: &mut Effects<'_>, input: Input) {
        // As for the sound's child.
        let _ignored = self.thumbnail.supervisor.handle_input(fx.now, input);
        self.drain_thumbnail(fx);
    }

    fn drain_thumbnail(&mut self, fx: &mut Effects<'_>) {
        while let Some(output) = self.thumbnail.supervisor.poll_output() {
            match output {
                Child::Spawn => self.spawn_child(fx, ChildKind::Thumbnail),
                Child::Send(message) => self.send_child(fx, ChildKind::Thumbnail, message),
                Child::Kill(_) => self.kill_child(fx, ChildKind::Thumbnail),
                Child::Jpeg(jpeg) => self.thumbnail_made(fx, jpeg),
                Child::Event(event) => {
                    self.child_life(fx, ChildKind::Thumbnail, event.clone());
                    match event {
                        Event::Up { .. } => {
                            self.thumbnail.is_up = true;
                            self.make_thumbnail(fx);
                        }
                        Event::Down { cause, .. } => {
                            self.thumbnail_child_gone(fx, cause == transcode::Cause::Asked);
                        }
                    }
                }
                // No conversion to JPEG makes any.
                Child::Configuration(_) | Child::Picture(_) | Child::Packet { .. } => {}
            }
        }
        if self.thumbnail.supervisor.status() == Status::Idle {
            fx.budget.places.leave(self.id);
        }
    }

    fn thumbnail_made(&mut self, fx: &mut Effects<'_>, jpeg: Jpeg) {
        let thumbnail = &mut self.thumbnail;
        // Only what was asked for.
        if thumbnail.making.take_if(|pts| *pts == jpeg.pts).is_none() {
            return;
        }
        let Jpeg { pts, file } = jpeg;
        thumbnail.made = Some((Made { pts, jpeg: file }, fx.now));
        (thumbnail.rests_until, thumbnail.rest) = (None, REST_MIN);
        thumbnail.is_wanted = false;
        let waited_for = thumbnail.answer_by.take().is_some();
        fx.budget.places.idle(self.id, fx.now);
        self.tell_step(fx, ThumbnailStep::Made);
        if waited_for {
            self.answer(fx, ThumbnailError::Failed(self.name.to_string()));
        }
    }

    /// It has ended, as it was asked to or by itself.
    fn thumbnail_child_gone(&mut self, fx: &mut Effects<'_>, asked: bool) {
        let thumbnail = &mut self.thumbnail;
        let was_up = std::mem::take(&mut thumbnail.is_up);
        let making = thumbnail.making.take();
        if asked {
            return;
        }
        thumbnail.refused = making.or(thumbnail.refused);
        // One that had nothing to do died of something else, and the next one may start at once.
        let had_work = making.is_some() || !was_up;
        if had_work {
            thumbnail.is_wanted = false;
            thumbnail.rests_until = Some(fx.now + thumbnail.rest);
            thumbnail.rest = (thumbnail.rest * 2).min(REST_MAX);
        }
        let waited_for = had_work && thumbnail.answer_by.take().is_some();
        // The supervisor would start another one for the same.
        self.tell_thumbnail(fx, Input::Unwant);
        if had_work {
            self.tell_step(fx, ThumbnailStep::Failed);
        }
        if waited_for {
            self.answer(fx, ThumbnailError::Failed(self.name.to_string()));
        }
    }
}

/// Who asks so soon after a picture was made is given that one.
const FRESH: Duration = Duration::from_secs(2);
/// Who asks while others have the places is given one of this age.
const STALE: Duration = Duration::from_secs(30);
/// Who waits for one waits no longer: a browser shows nothing meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);
/// A list that is looked at asks again.
const LINGER: Duration = Duration::from_secs(10);
/// How often who stands in line looks whether it is its turn.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Other work may have been in the way, at first.
const REST_MIN: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(60);
