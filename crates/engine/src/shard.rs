//! One shard: its publishers, its streams, its viewers.

mod publishers;
mod removals;
mod requests;
mod sessions;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Instant,
};

use media::UnixMillis;
use sfu::{SessionId, Sfu, StreamId};

use crate::{
    Config,
    api::{ConnId, Input, Output, StreamName},
    budget::Budget,
    saved::SavedStream,
    stream::{Effects, Stream},
};

pub use requests::WebRtcAnswer;

/// Why a shard wants to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An RTMP session's time-out.
    Rtmp(rtmp::Reason),
    /// A WebRTC session's timer.
    WebRtc(sfu::Reason),
    /// A stream's heartbeat, cue burst or child.
    Stream,
    /// An interrupted stream has waited long enough.
    ResumeWindow,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One RTMP connection.
#[derive(Debug)]
struct Publisher {
    session: rtmp::Session,
    stream: Option<StreamName>,
    /// It waits for the answer to its publish.
    asking: bool,
}

/// One WebRTC session.
#[derive(Debug, PartialEq, Eq)]
struct Peer {
    stream: StreamName,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Viewer,
    Publisher,
}

/// One shard.
#[derive(Debug)]
pub struct Shard {
    config: Config,
    started: Instant,
    wall: UnixMillis,
    seed: u64,
    publishers: BTreeMap<ConnId, Publisher>,
    streams: BTreeMap<StreamName, Stream>,
    sessions: BTreeMap<SessionId, Peer>,
    /// Those that their peers ended last, and nobody has asked to end since.
    parted: VecDeque<SessionId>,
    next_stream: u64,
    next_session: u64,
    sfu: Sfu,
    budget: Budget,
    out: VecDeque<Output>,
}

impl Shard {
    /// An empty shard. `wall` is the server's UTC at `now`; `seed` feeds the random RTP offsets.
    ///
    /// # Errors
    ///
    /// When the WebRTC configuration is unusable.
    pub fn new(
        config: Config,
        now: Instant,
        wall: UnixMillis,
        seed: u64,
    ) -> Result<Self, sfu::Error> {
        Ok(Self {
            sfu: Sfu::new(config.sfu.clone(), now)?,
            budget: Budget::new(config.repair_cores, config.thumbnails_max),
            config,
            started: now,
            wall,
            seed,
            publishers: BTreeMap::new(),
            streams: BTreeMap::new(),
            sessions: BTreeMap::new(),
            parted: VecDeque::new(),
            next_stream: 0,
            next_session: 0,
            out: VecDeque::new(),
        })
    }

    /// Takes one input; drain [`poll_output`](Self::poll_output) after it.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::RtmpOpened { conn } => self.rtmp_opened(now, conn),
            Input::RtmpData { conn, data } => self.rtmp_data(now, conn, data),
            Input::RtmpClosed { conn } => self.rtmp_closed(now, conn),
            Input::PublishDecided { conn, decision } => self.publish_decided(now, conn, decision),
            Input::Datagram { tuple, contents } => {
                let contents = &contents;
                let input = sfu::Input::Datagram { tuple, contents };
                self.sfu.handle_input(now, input);
            }
            Input::DatagramsClosed { tuple } => {
                self.sfu.handle_input(now, sfu::Input::Closed { tuple });
            }
            Input::Child { child, event } => {
                let stream = self
                    .streams
                    .values_mut()
                    .find(|stream| stream.id().0 == child.stream);
                if let Some(stream) = stream {
                    stream.child(
                        &mut Effects {
                            now,
                            out: &mut self.out,
                            sfu: &mut self.sfu,
                            budget: &mut self.budget,
                        },
                        child.kind,
                        event,
                    );
                }
            }
            Input::Av1Decoded => {
                self.config.av1_decoded = true;
                for stream in self.streams.values_mut() {
                    stream.av1_is_decoded(&mut Effects {
                        now,
                        out: &mut self.out,
                        sfu: &mut self.sfu,
                        budget: &mut self.budget,
                    });
                }
            }
        }
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.sfu.handle_timeout(now);
        self.publisher_timeouts(now);
        let mut over = Vec::new();
        for (name, stream) in &mut self.streams {
            stream.handle_timeout(&mut Effects {
                now,
                out: &mut self.out,
                sfu: &mut self.sfu,
                budget: &mut self.budget,
            });
            if stream
                .over_at(self.config.resume_window)
                .is_some_and(|at| at <= now)
            {
                over.push(name.clone());
            }
        }
        for name in over {
            self.finish(now, &name);
        }
        self.settle(now);
    }

    /// The next thing to do or to be told; call until `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next, and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        let rtmp = self
            .publishers
            .values()
            .filter_map(|publisher| publisher.session.poll_timeout());
        let streams = self
            .streams
            .values()
            .map(|stream| (stream.next_deadline(), Reason::Stream));
        let over = self
            .streams
            .values()
            .filter_map(|stream| stream.over_at(self.config.resume_window));
        rtmp.map(|(at, reason)| (at, Reason::Rtmp(reason)))
            .chain(
                self.sfu
                    .poll_timeout()
                    .map(|(at, reason)| (at, Reason::WebRtc(reason))),
            )
            .chain(streams)
            .chain(over.map(|at| (at, Reason::ResumeWindow)))
            .min_by_key(|(at, _)| *at)
    }

    /// Numbers of the WebRTC side.
    pub fn webrtc_counters(&self) -> sfu::Counters {
        self.sfu.counters()
    }

    /// Takes up a stream as it was kept, before any other input: interrupted, and over if nobody publishes it within the
    /// resume window from `now`. False if it is one too many.
    pub fn restore(&mut self, now: Instant, saved: SavedStream) -> bool {
        if self.streams.len() >= self.config.streams_max {
            return false;
        }
        let (name, wall) = (saved.name.clone(), self.wall_at(now));
        let id = self.stream_id();
        let mut stream = Stream::restore(saved, id, &self.config, now, wall);
        stream.take_up(&mut Effects {
            now,
            out: &mut self.out,
            sfu: &mut self.sfu,
            budget: &mut self.budget,
        });
        self.streams.insert(name, stream);
        true
    }

    fn stream_id(&mut self) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        id
    }

    fn wall_at(&self, now: Instant) -> UnixMillis {
        let passed = now.saturating_duration_since(self.started).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        UnixMillis(self.wall.0.saturating_add(passed))
    }

    fn stream_for(&mut self, now: Instant, name: &StreamName) -> &mut Stream {
        if !self.streams.contains_key(name) {
            let (id, offsets) = (self.stream_id(), [self.random_u32(), self.random_u32()]);
            let wall = self.wall_at(now);
            let mut stream = Stream::new(name.clone(), id, offsets, &self.config, now, wall);
            stream.keep_show(&mut self.out);
            self.streams.insert(name.clone(), stream);
        }
        self.streams
            .get_mut(name)
            .expect("it was there or was put there a line above")
    }

    /// SplitMix64: RFC 3550 section 5.1 asks for a random offset, not a secret one.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the upper half of 64 bits is what is wanted"
    )]
    fn random_u32(&mut self) -> u32 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 32) as u32
    }
}
