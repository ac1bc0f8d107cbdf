//! Frames in, parts out.
//!
//! ```text
//!     video frames              audio frames (wait until video has come as far)
//!          |                          |
//!       [Lead] ---- boundaries --> [Follower]
//!          |                          |
//!       [Track] <- [CueTrack]      [Track]
//!          |                          |
//!          +------ Publication -------+
//! ```

mod continuity;
mod cue_track;
mod fit;
mod follower;
mod lead;
mod session;
mod track;

use std::{collections::VecDeque, sync::Arc};

use cues::{Cue, EncodedCue, Op, daterange};
use media::{
    AacConfig, Frame, FrameRate, Timescale, TrackKind, UtcAnchor, VideoCodec, VideoConfig,
};

pub use self::continuity::Continuity;
use self::{
    cue_track::{Added, CueTrack},
    lead::{Slots, Step},
    session::{Constants, Env, Member, Plan, Session},
    track::{Context, Held, composition},
};
use crate::{
    Config, Error, FRAME_BYTES_MAX, cmaf, names,
    publication::{DateRange, Init, Picture, Publication, Rendition, Verdict},
};

/// What is known when a publisher starts, comes back, or changes a track's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// The publish session, from 1.
    pub number: u32,
    /// The video track, if there is one.
    pub video: Option<VideoConfig>,
    /// Its frame rate if the publisher said it; measured from the first frames otherwise.
    pub video_rate: Option<FrameRate>,
    /// The audio track, if there is one.
    pub audio: Option<AacConfig>,
    /// Ties the timeline to UTC for this epoch.
    pub anchor: UtcAnchor,
}

/// Turns the frames of one stream into CMAF parts, segments and their initialisation segments.
#[derive(Debug)]
pub struct Packager {
    config: Config,
    output: VecDeque<Publication>,
    cues: CueTrack,
    slots: Slots,
    constants: Constants,
    tag: Option<Arc<str>>,
    /// The newest initialisation segment of each rendition that ever was.
    inits: [Option<Init>; 2],
    init_count: u32,
    epoch: Option<Epoch>,
    session: Option<Session>,
    last_dts: [Option<i64>; 2],
    /// Cues that came before the first epoch: their UTC is not known yet.
    undated: Vec<Arc<EncodedCue>>,
    ended: bool,
}

impl Packager {
    /// A packager for the stream of that name; it publishes nothing before its first epoch.
    pub fn new(config: Config, stream: &str) -> Self {
        Self {
            config,
            output: VecDeque::new(),
            cues: CueTrack::new(stream),
            slots: Slots::default(),
            constants: Constants::default(),
            tag: None,
            inits: [None, None],
            init_count: 0,
            epoch: None,
            session: None,
            last_dts: [None; 2],
            undated: Vec::new(),
            ended: false,
        }
    }

    /// Starts an epoch, or goes on within one with other tracks or another configuration: what is
    /// open is completed, and the next segments follow a discontinuity. Frames are left out until
    /// the first IDR.
    ///
    /// # Errors
    /// When there is no track, a configuration cannot be written, or the stream has ended. The
    /// epoch before goes on.
    pub fn start_epoch(&mut self, epoch: Epoch) -> Result<(), Error> {
        if self.ended {
            return Err(Error::Ended);
        }
        if epoch.video.is_none() && epoch.audio.is_none() {
            return Err(Error::NoTrack);
        }
        let video = epoch.video.as_ref().map(cmaf::video).transpose()?;
        let audio = epoch.audio.as_ref().map(cmaf::audio).transpose()?;
        self.finish_session();
        let tag = self
            .tag
            .get_or_insert_with(|| names::tag(epoch.number, epoch.anchor).into())
            .clone();
        let bodies = [(Rendition::Video, video), (Rendition::Audio, audio)];
        for (rendition, body) in bodies
            .into_iter()
            .filter_map(|(rendition, body)| Some((rendition, body?)))
        {
            let known = &mut self.inits[slot(rendition)];
            // The same bytes keep their name, so that players need not fetch them again.
            let name = match known {
                Some(init) if init.body == body => Arc::clone(&init.name),
                Some(_) | None => {
                    self.init_count += 1;
                    names::init(rendition, &tag, self.init_count).into()
                }
            };
            *known = Some(describe(rendition, name, body, &epoch));
        }
        self.cues.start_epoch(epoch.number);
        for cue in std::mem::take(&mut self.undated) {
            self.output.push_back(date_range(&cue, epoch.anchor));
        }
        self.epoch = Some(epoch);
        self.last_dts = [None; 2];
        self.start_session();
        Ok(())
    }

    /// What the publisher has from here on is video of this codec alone, which cannot be carried: what
    /// is open is completed, and nothing follows until the next epoch.
    pub fn start_nothing(&mut self, codec: VideoCodec) {
        self.pause();
        if !self.ended {
            self.output.push_back(Publication::NotCarried(codec.name()));
        }
    }

    /// What the next pictures will be is not known yet: what is open is completed, and nothing follows until the next epoch.
    pub fn pause(&mut self) {
        if !self.ended {
            self.finish_session();
            self.epoch = None;
        }
    }

    /// One frame, in decode order within its track. It completes the frame before it, which may
    /// complete a part.
    ///
    /// # Errors
    /// When the frame does not fit its track. It is left out, and the packager goes on.
    pub fn frame(&mut self, frame: &Frame) -> Result<(), Error> {
        let held = self.check(frame)?;
        if self.feed(frame.track, held.clone()) == Some(Step::Jump) {
            self.output
                .push_back(Publication::Verdict(Verdict::TimestampJump {
                    rendition: rendition(frame.track),
                    pts: frame.stream_pts(),
                }));
            self.finish_session();
            self.start_session();
            self.feed(frame.track, held);
        }
        Ok(())
    }

    /// An accepted cue: an `emsg` in the part that holds its pts, and a date range for the
    /// playlists. A cue that came before is not taken twice, and what a cancel takes back is told no
    /// more.
    pub fn cue(&mut self, cue: Arc<EncodedCue>) {
        if self.ended {
            return;
        }
        match (self.cues.add(Arc::clone(&cue)), &self.epoch) {
            (Added::Known, _) => {}
            (Added::New, Some(epoch)) => self.output.push_back(date_range(&cue, epoch.anchor)),
            (Added::New, None) if self.undated.len() < UNDATED_MAX => self.undated.push(cue),
            (Added::New, None) => {}
            (Added::TakenBack(taken_back), _) => {
                let Cue { epoch, seq, .. } = taken_back.cue;
                self.undated.retain(|undated| undated.cue.seq != seq);
                let id = daterange::id(epoch, seq);
                self.output.push_back(Publication::DateRangeTakenBack(id));
            }
        }
    }

    /// The stream is over: completes what is open and ends the playlists.
    pub fn end(&mut self) {
        if !self.ended {
            self.finish_session();
            self.ended = true;
            self.output.push_back(Publication::Ended);
        }
    }

    /// The next publication; `None` when drained.
    pub fn poll_output(&mut self) -> Option<Publication> {
        self.output.pop_front()
    }

    fn check(&mut self, frame: &Frame) -> Result<Held, Error> {
        let track = frame.track;
        if self.ended {
            return Err(Error::Ended);
        }
        let scale = self
            .epoch
            .as_ref()
            .and_then(|epoch| scale(epoch, track))
            .ok_or(Error::UnknownTrack(track))?;
        for found in [frame.dts.scale(), frame.pts.scale()] {
            if found != scale {
                return Err(Error::Timescale {
                    track,
                    expected: scale.hz(),
                    found: found.hz(),
                });
            }
        }
        let (dts, pts) = (frame.dts.ticks(), frame.pts.ticks());
        let held = Held::of(frame).filter(|held| pts <= TICKS_MAX && composition(held).is_some());
        let held = held.ok_or(Error::TimeRange { track, dts, pts })?;
        let bytes = frame.payload.len();
        if bytes == 0 || bytes > FRAME_BYTES_MAX {
            return Err(Error::FrameSize { track, bytes });
        }
        let last = &mut self.last_dts[slot(rendition(track))];
        if let Some(previous) = last.filter(|previous| dts <= *previous) {
            return Err(Error::DecodeOrder {
                track,
                dts,
                previous,
            });
        }
        *last = Some(dts);
        Ok(held)
    }

    fn feed(&mut self, kind: TrackKind, frame: Held) -> Option<Step> {
        let mut session = self.session.take()?;
        let step = session.frame(kind, frame, &mut self.env());
        self.session = Some(session);
        Some(step)
    }

    fn start_session(&mut self) {
        let Some(plan) = self.plan() else { return };
        self.session = Some(Session::new(plan, &mut self.env()));
    }

    /// Whatever comes next does not join what was.
    fn finish_session(&mut self) {
        if let Some(session) = self.session.take() {
            session.finish(&mut self.env());
        }
        self.slots.interrupt();
    }

    fn plan(&self) -> Option<Plan> {
        let (epoch, tag) = (self.epoch.as_ref()?, self.tag.as_ref()?);
        let mut members = Rendition::ALL.into_iter().filter_map(|rendition| {
            let init = self.inits[slot(rendition)].as_ref()?;
            let context = Context {
                rendition,
                epoch: epoch.number,
                anchor: epoch.anchor,
                tag: Arc::clone(tag),
                init: Arc::clone(&init.name),
            };
            Some(Member {
                context,
                scale: scale(epoch, kind(rendition)),
            })
        });
        let (first, second) = (members.next()?, members.next());
        // Video leads where there is any.
        let (lead, follower) = match second {
            Some(second) if first.scale.is_none() => (second, Some(first)),
            second => (first, second),
        };
        let rate = epoch
            .video_rate
            .or_else(|| epoch.video.as_ref().and_then(VideoConfig::frame_rate));
        let live = |init: &&Init| scale(epoch, kind(init.rendition)).is_some();
        let inits = self.inits.iter().flatten().filter(live).cloned().collect();
        Some(Plan {
            lead,
            follower,
            rate: rate.filter(|rate| fit::plausible(*rate)),
            inits,
        })
    }

    fn env(&mut self) -> Env<'_> {
        Env {
            config: &self.config,
            constants: &mut self.constants,
            slots: &mut self.slots,
            cues: &mut self.cues,
            output: &mut self.output,
        }
    }
}

fn describe(rendition: Rendition, name: Arc<str>, body: bytes::Bytes, epoch: &Epoch) -> Init {
    let (video, audio) = match rendition {
        Rendition::Video => (epoch.video.as_ref(), None),
        Rendition::Audio => (None, epoch.audio.as_ref()),
    };
    let codecs = video
        .map(VideoConfig::codecs)
        .or_else(|| audio.map(media::aac::codecs))
        .unwrap_or_default();
    Init {
        rendition,
        name,
        body,
        codecs,
        picture: video.map(VideoConfig::size).map(|(width, height)| Picture {
            width,
            height,
            frame_rate_milli: None,
        }),
        channels: audio.map(|audio| audio.channels),
    }
}

fn date_range(cue: &EncodedCue, anchor: UtcAnchor) -> Publication {
    let it = &cue.cue;
    let instant = matches!(it.op, Op::Hide | Op::Clear).then_some(it.pts);
    Publication::DateRange(DateRange {
        id: daterange::id(it.epoch, it.seq),
        card_id: it.card_id.clone(),
        start: it.pts,
        end: it.end().or(instant),
        line: daterange::line(cue, anchor),
    })
}

fn scale(epoch: &Epoch, track: TrackKind) -> Option<Timescale> {
    match track {
        TrackKind::Video => epoch.video.as_ref().map(|_| Timescale::VIDEO),
        TrackKind::Audio => epoch.audio.as_ref().map(|audio| audio.sample_rate),
    }
}

const fn rendition(track: TrackKind) -> Rendition {
    match track {
        TrackKind::Video => Rendition::Video,
        TrackKind::Audio => Rendition::Audio,
    }
}

const fn kind(rendition: Rendition) -> TrackKind {
    match rendition {
        Rendition::Video => TrackKind::Video,
        Rendition::Audio => TrackKind::Audio,
    }
}

const fn slot(rendition: Rendition) -> usize {
    match rendition {
        Rendition::Video => 0,
        Rendition::Audio => 1,
    }
}

/// Times beyond it are refused, so that no sum of a few of them overflows: over 3000 years at 90
/// kHz.
const TICKS_MAX: i64 = 1 << 53;
/// Cues kept until the first epoch gives them a date.
const UNDATED_MAX: usize = 64;
