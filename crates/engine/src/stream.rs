//! One stream: its clock, its tracks, its cues, and where it is in its life.

mod audio;
mod child;
mod cue;
mod decode_order;
mod delivery;
mod in_band;
pub(crate) mod judge;
mod keep;
mod media_in;
mod packaging;
mod repair;
mod repeats;
mod rtp_in;
mod status;
mod thumbnail;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use cues::{EncodedCue, Timeline, channel, sei::SeiTrack};
use hls::Packager;
use media::{Pts, UnixMillis, VideoCodec, VideoConfig};
use sfu::{Rendition, Sfu, StreamId};
use transcode::Supervisor;

use crate::{
    Config,
    api::{ChildKind, Output, PublisherId, StreamEvent, StreamName, StreamState, ViewerStatus},
    budget::Budget,
    clock::StreamClock,
    ingest::{AudioSource, Ingest},
    meter::{BitrateMeter, VideoMeter},
    saved::Keep,
    stream::{
        decode_order::DecodeOrder, delivery::Delivery, judge::Judge, packaging::Packaging,
        repair::Repair, repeats::Repeats, thumbnail::Thumbnail,
    },
};

/// Side-channel heartbeat, as docs/spec/side-channel.md promises.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Cues of one burst travel as one message: at the next frame, or after this long when none comes.
const CUE_COALESCE: Duration = Duration::from_millis(20);

/// What a stream acts on while it handles something.
pub(crate) struct Effects<'a> {
    pub(crate) now: Instant,
    pub(crate) out: &'a mut VecDeque<Output>,
    pub(crate) sfu: &'a mut Sfu,
    pub(crate) budget: &'a mut Budget,
}

/// The video track of the current epoch.
#[derive(Debug)]
struct VideoTrack {
    codec: VideoCodec,
    /// LL-HLS carries it.
    packaged: bool,
    /// WebRTC viewers are sent it: packets come as they are by WHIP, and are made of H.264.
    forwarded: bool,
    /// Pictures that refer to what was before the epoch are left out until the next key frame.
    skips_rasl: bool,
    rendition: Rendition,
    meter: VideoMeter,
    bitrate: BitrateMeter,
    order: DecodeOrder,
}

/// The audio track of the current epoch.
#[derive(Debug)]
struct AudioTrack {
    source: AudioSource,
    rendition: Rendition,
    bitrate: BitrateMeter,
    opus_packets: u64,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    name: StreamName,
    id: StreamId,
    /// Random offsets of the RTP timestamps, one per track, for the stream's whole life.
    rtp_offset: u32,
    rtp_offset_audio: u32,
    state: StreamState,
    publisher: Option<PublisherId>,
    last_media: Instant,
    encoder: Option<String>,
    clock: StreamClock,
    /// Up to where it was told how far the stream has come.
    told_pts: Pts,
    ingest: Ingest,
    /// Packets of the picture that is to begin an epoch, before its configuration is known.
    early: Vec<sfu::VideoPacket>,
    video: Option<VideoTrack>,
    audio: Option<AudioTrack>,
    packager: Packager,
    packaging: Packaging,
    supervisor: Supervisor,
    repair: Repair,
    thumbnail: Thumbnail,
    timeline: Timeline,
    sei: SeiTrack,
    /// Messages of its publisher under this server's own UUID, since it came.
    cues_forged: u64,
    unsent_cues: Vec<Arc<EncodedCue>>,
    flush_cues_at: Option<Instant>,
    /// What is to be said again, and when.
    repeats: Repeats,
    heartbeat_at: Instant,
    /// Connected by WebRTC, in the order in which they came.
    viewers: Vec<ViewerStatus>,
    delivery: Delivery,
    judge: Judge,
}

impl Stream {
    pub(crate) fn new(
        name: StreamName,
        id: StreamId,
        offsets: [u32; 2],
        config: &Config,
        now: Instant,
        wall: UnixMillis,
    ) -> Self {
        Self {
            packager: Packager::new(config.hls.clone(), name.as_str()),
            packaging: Packaging::new(now),
            timeline: Timeline::new(name.as_str(), config.timeline.clone()),
            supervisor: Supervisor::new(config.transcode, now),
            repair: Repair::new(config, now),
            thumbnail: Thumbnail::new(config, now),
            name,
            id,
            rtp_offset: offsets[0],
            rtp_offset_audio: offsets[1],
            state: StreamState::Starting,
            publisher: None,
            last_media: now,
            encoder: None,
            clock: StreamClock::new(now, wall),
            told_pts: Pts::default(),
            ingest: Ingest::default(),
            early: Vec::new(),
            video: None,
            audio: None,
            sei: SeiTrack::default(),
            cues_forged: 0,
            unsent_cues: Vec::new(),
            flush_cues_at: None,
            repeats: Repeats::default(),
            heartbeat_at: now + HEARTBEAT,
            viewers: Vec::new(),
            delivery: Delivery::default(),
            judge: Judge::new(now),
        }
    }

    pub(crate) const fn id(&self) -> StreamId {
        self.id
    }

    pub(crate) const fn state(&self) -> StreamState {
        self.state
    }

    pub(crate) const fn publisher(&self) -> Option<PublisherId> {
        self.publisher
    }

    /// The publisher sent nothing for so long that another may take its place.
    pub(crate) fn is_silent(&self, now: Instant, after: Duration) -> bool {
        now.saturating_duration_since(self.last_media) >= after
    }

    /// A publisher takes the stream; what the last one announced is forgotten.
    pub(crate) fn publish(&mut self, now: Instant, publisher: PublisherId) {
        self.publisher = Some(publisher);
        self.last_media = now;
        self.ingest = Ingest::default();
        self.judge.publisher();
        self.cues_forged = 0;
        self.early.clear();
        self.encoder = None;
    }

    /// The publisher is gone; viewers stay for its return.
    pub(crate) fn unpublish(&mut self, fx: &mut Effects<'_>) {
        self.publisher = None;
        self.last_media = fx.now;
        self.stop_audio(fx);
        self.linger(fx.now);
        if self.state == StreamState::Live {
            self.state = StreamState::Interrupted;
            self.tell(fx, StreamEvent::Interrupted);
            self.heartbeat(fx, self.channel_state());
            self.keep_show(fx.out);
        }
    }

    /// The stream is over.
    pub(crate) fn end(&mut self, fx: &mut Effects<'_>) {
        self.stop_audio(fx);
        self.packager.end();
        self.drain_packager(fx);
        // Before the sessions are closed: a player that knows the show is over does not look for it.
        self.heartbeat(fx, channel::State::Ended);
        fx.sfu.remove_stream(fx.now, self.id);
        self.viewers.clear();
        // Nobody is left to see a child through its farewell.
        self.kill_child(fx, ChildKind::Sound);
        self.kill_child(fx, ChildKind::Video);
        fx.budget.release(self.id);
        self.end_thumbnail(fx);
        self.put_keep(fx.out, Keep::Ended);
        self.tell(fx, StreamEvent::Ended);
    }

    /// When an unpublished stream has waited long enough for its publisher.
    pub(crate) fn over_at(&self, resume_window: Duration) -> Option<Instant> {
        self.publisher
            .is_none()
            .then(|| self.last_media + resume_window)
    }

    /// The first of the stream's own deadlines.
    pub(crate) fn next_deadline(&self) -> Instant {
        let child = self.supervisor.poll_timeout().map(|(at, _)| at);
        [
            self.flush_cues_at,
            self.repeats.due(),
            child,
            self.repair.next_deadline(),
            self.thumbnail.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .fold(self.heartbeat_at, Instant::min)
    }

    pub(crate) fn handle_timeout(&mut self, fx: &mut Effects<'_>) {
        if self.flush_cues_at.is_some_and(|at| at <= fx.now) {
            self.flush_cues(fx);
        }
        self.repeat_cues(fx);
        if self.heartbeat_at <= fx.now {
            self.heartbeat_at = fx.now + HEARTBEAT;
            self.heartbeat(fx, self.channel_state());
            self.judge(fx);
        }
        self.supervisor.handle_timeout(fx.now);
        self.drain_supervisor(fx);
        self.check_repair(fx);
        self.check_thumbnail(fx);
    }

    pub(crate) fn viewer_connected(&mut self, fx: &mut Effects<'_>, session: sfu::SessionId) {
        self.viewers.push(ViewerStatus {
            session: session.0,
            joined: self.clock.wall(fx.now),
        });
        self.delivery.joined(session);
        // Who took long to connect finds that nobody was waited for any more.
        self.want_repair(fx);
        self.refresh(fx);
    }

    pub(crate) fn viewer_gone(&mut self, now: Instant, session: sfu::SessionId) {
        self.viewers.retain(|viewer| viewer.session != session.0);
        self.delivery.left(session);
        self.linger(now);
    }

    pub(crate) fn viewers(&self) -> Vec<ViewerStatus> {
        self.viewers.clone()
    }

    /// What a WHEP offer can be answered with; `None` before the first epoch.
    pub(crate) fn media(&self) -> Option<sfu::MediaDescription<'_>> {
        if !self.ingest.running {
            return None;
        }
        Some(sfu::MediaDescription {
            video: self.described(),
            audio: self.audio.is_some(),
        })
    }

    /// Pictures come in another order than they are shown in, or may.
    fn has_b_frames(&self) -> bool {
        let announced = self
            .ingest
            .video
            .as_ref()
            .is_some_and(VideoConfig::reorders);
        announced
            || self
                .video
                .as_ref()
                .is_some_and(|video| video.meter.b_frames)
    }

    /// What video there is, WebRTC viewers can be sent.
    fn is_forwarded(&self) -> bool {
        self.video.as_ref().is_none_or(|video| video.forwarded)
    }

    fn tell(&self, fx: &mut Effects<'_>, event: StreamEvent) {
        fx.out.push_back(Output::Stream {
            stream: self.name.clone(),
            event,
            pts: self.clock.reached(),
        });
    }

    /// What the packager could not take is lost to LL-HLS alone, and counted.
    fn packaged(&mut self, fx: &mut Effects<'_>, result: Result<(), hls::Error>) {
        if let Err(error) = result {
            fx.out.push_back(Output::HlsFailed {
                stream: self.name.clone(),
                error,
            });
        }
        self.drain_packager(fx);
    }

    fn drain_packager(&mut self, fx: &mut Effects<'_>) {
        let mut moved = false;
        while let Some(publication) = self.packager.poll_output() {
            moved |= Self::moves_playlists(&publication);
            if let hls::Publication::Verdict(hls::Verdict::GopCut { .. }) = publication {
                self.packaging.note_cut();
            }
            fx.out.push_back(Output::Hls {
                stream: self.name.clone(),
                publication,
            });
        }
        if moved {
            self.keep_show(fx.out);
        }
    }
}
