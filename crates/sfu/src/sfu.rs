//! All viewers of one shard.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Instant,
};

use media::{TrackKind, VideoCodec};

use crate::{
    Answer, ClosedReason, Config, Counters, Error, Event, FiveTuple, Input, Offer, Output, Patched,
    Precondition, Protocol, PublishAnswer, PublishOffer, Reason, Refusal, RenditionPacket,
    SessionId, SessionStats, StreamId, TextMark,
    accept::{Accepted, Acceptor},
    publisher::Publisher,
    routes::{Check, Ice, Kind, Route, Routes},
    sdp,
    session::{Session, Signals},
    stream::{Burst, Stream},
    timers::Timers,
    transport::Transport,
};

/// All viewers of one shard.
pub struct Sfu {
    config: Config,
    acceptor: Acceptor,
    sessions: BTreeMap<SessionId, Session>,
    publishers: BTreeMap<SessionId, Publisher>,
    streams: BTreeMap<StreamId, Stream>,
    routes: Routes,
    timers: Timers,
    outputs: VecDeque<Output>,
    bursts: VecDeque<Burst>,
    /// Bursts whose time has not come, by their time and in the order they were made.
    held: BTreeMap<(Instant, u64), Burst>,
    held_count: u64,
    /// The latest `now` there was.
    now: Instant,
    /// Viewers that have not connected yet.
    half_open: usize,
    counters: Counters,
}

impl Sfu {
    /// A shard without viewers.
    ///
    /// # Errors
    ///
    /// When the configuration names no usable candidate.
    pub fn new(config: Config, now: Instant) -> Result<Self, Error> {
        Ok(Self {
            acceptor: Acceptor::new(&config)?,
            config,
            sessions: BTreeMap::new(),
            publishers: BTreeMap::new(),
            streams: BTreeMap::new(),
            routes: Routes::default(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            bursts: VecDeque::new(),
            held: BTreeMap::new(),
            held_count: 0,
            now,
            half_open: 0,
            counters: Counters::default(),
        })
    }

    /// Makes a session of an offer, or says why not.
    ///
    /// # Errors
    ///
    /// The refusal; nothing is kept of the offer then.
    pub fn accept_offer(&mut self, now: Instant, offer: Offer<'_>) -> Result<Answer, Refusal> {
        self.refuse_taken(offer.session)?;
        // Of publishers there are as many as streams: a crowd of viewers, or of those who only
        // pretend to be some, keeps no seller from his show.
        if self.sessions.len() >= self.config.sessions_max {
            return Err(Refusal::Full);
        }
        if self.half_open >= self.config.half_open_max {
            return Err(Refusal::TooManyHalfOpen);
        }
        let Accepted {
            session,
            answer,
            ice,
        } = self.acceptor.accept(now, &offer)?;
        self.routes.add(offer.session, ice);
        self.streams
            .entry(offer.stream)
            .or_default()
            .viewers
            .insert(offer.session);
        self.sessions.insert(offer.session, session);
        self.half_open += 1;
        self.drive(now, offer.session);
        Ok(answer)
    }

    /// Makes a publisher's session of an offer, or says why not. What comes of its packets follows
    /// as [`Event::Ingest`].
    ///
    /// # Errors
    ///
    /// The refusal; nothing is kept of the offer then.
    pub fn accept_publisher(
        &mut self,
        now: Instant,
        offer: PublishOffer<'_>,
    ) -> Result<PublishAnswer, Refusal> {
        self.refuse_taken(offer.session)?;
        let Accepted {
            session,
            answer: Answer { sdp },
            ice,
        } = self.acceptor.accept_publisher(now, &offer)?;
        let (video, audio) = session.tracks();
        self.routes.add(offer.session, ice);
        self.publishers.insert(offer.session, session);
        self.drive_publisher(now, offer.session);
        Ok(PublishAnswer { sdp, video, audio })
    }

    fn refuse_taken(&self, session: SessionId) -> Result<(), Refusal> {
        if self.sessions.contains_key(&session) || self.publishers.contains_key(&session) {
            return Err(Refusal::DuplicateSession);
        }
        Ok(())
    }

    /// Takes a fragment (RFC 8840): candidates, which are not needed since this side never sends a
    /// check first, or new credentials, which restart ICE (RFC 9725 section 4.3.3). Media then goes
    /// on as it did until the new ICE session has a path, and for ever if it never gets one.
    ///
    /// # Errors
    ///
    /// When the session is not here, its ICE session is not as demanded, or the fragment is none.
    pub fn patch(
        &mut self,
        session: SessionId,
        precondition: Precondition,
        fragment: &str,
    ) -> Result<Patched, Refusal> {
        let fragment = sdp::parse_fragment(fragment)?;
        let latest = self.routes.ice(session).next_back();
        let latest = latest.ok_or(Refusal::NoSession)?.generation;
        let known = |ufrag: &str| {
            let mut ice = self.routes.ice(session);
            ice.find(|ice| ice.remote_ufrag == ufrag)
                .map(|ice| ice.generation)
        };
        let of = fragment.credentials.map(|(ufrag, _)| known(ufrag));
        match precondition {
            Precondition::Unknown => return Err(Refusal::PreconditionFailed),
            Precondition::Generation(given) if given != latest => {
                return Err(Refusal::PreconditionFailed);
            }
            Precondition::Missing => return Err(Refusal::PreconditionMissing),
            Precondition::Waived if of == Some(None) => return Err(Refusal::PreconditionMissing),
            Precondition::Generation(_) | Precondition::Waived | Precondition::Any => {}
        }
        match (of, fragment.credentials) {
            (Some(None), Some((ufrag, Some(_)))) => self.restart(session, latest + 1, ufrag),
            (Some(None), _) => Err(Refusal::Malformed("a=ice-ufrag without a=ice-pwd")),
            // Candidates that a restart has overtaken.
            (Some(Some(of)), _) if of < latest => Err(Refusal::PreconditionFailed),
            _ => Ok(Patched::Trickled),
        }
    }

    fn restart(
        &mut self,
        session: SessionId,
        generation: u32,
        remote_ufrag: &str,
    ) -> Result<Patched, Refusal> {
        let (ufrag, pwd) = self.acceptor.credentials()?;
        let viewer = self.sessions.get(&session).map(|it| &it.transport);
        let publisher = self.publishers.get(&session).map(|it| &it.transport);
        let transport = viewer.or(publisher).ok_or(Refusal::NoSession)?;
        let fragment = sdp::write_fragment(&transport.fragment, &ufrag, &pwd);
        let ice = Ice {
            generation,
            ufrag,
            pwd,
            remote_ufrag: remote_ufrag.to_owned(),
        };
        self.routes.restart(session, ice);
        Ok(Patched::Restarted {
            fragment,
            generation,
        })
    }

    /// Ends a session; tells the viewer. A [`Closed`](Event::Closed) follows if there was one.
    pub fn remove(&mut self, now: Instant, session: SessionId) {
        self.end(now, session, ClosedReason::Removed);
    }

    /// Ends every session of a stream and forgets its packets.
    pub fn remove_stream(&mut self, now: Instant, stream: StreamId) {
        let Some(removed) = self.streams.remove(&stream) else {
            return;
        };
        for session in removed.viewers {
            self.end(now, session, ClosedReason::StreamEnded);
        }
    }

    /// A stream's video is sent as `codec` from now on, or not at all: forgets its packets of another, and ends the sessions
    /// that were answered with another.
    pub fn set_video_codec(&mut self, now: Instant, stream: StreamId, codec: Option<VideoCodec>) {
        let Some(entry) = self.streams.get_mut(&stream) else {
            return;
        };
        entry.cache.clear();
        let is_other = |id: &SessionId| {
            let agreed = self.sessions.get(id).and_then(Session::video_codec);
            agreed.is_some() && agreed != codec
        };
        let others: Vec<_> = entry.viewers.iter().copied().filter(is_other).collect();
        for session in others {
            self.end(now, session, ClosedReason::CodecChanged);
        }
    }

    /// A stream's video pauses: who joins before it goes on is not shown what was.
    pub fn pause_video(&mut self, stream: StreamId) {
        if let Some(entry) = self.streams.get_mut(&stream) {
            entry.cache.clear();
        }
    }

    /// Takes a datagram, or the end of a connection. A datagram that belongs to no session is counted
    /// and dropped.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Datagram { tuple, contents } => self.receive(now, tuple, contents),
            Input::Closed { tuple } => {
                let session = self.routes.closed(tuple);
                if let Some(transport) = session.and_then(|id| self.transport(id)) {
                    transport.closed(tuple);
                }
            }
        }
    }

    fn receive(&mut self, now: Instant, tuple: FiveTuple, contents: &[u8]) {
        let hmac = self.acceptor.crypto.sha1_hmac_provider;
        let Some(Route { session: id, kind }) = self.routes.find(now, tuple, contents, hmac) else {
            self.counters.datagrams_dropped += 1;
            return;
        };
        match kind {
            Kind::Conflict { reply } => return self.transmit(tuple, reply),
            Kind::Check(check) => self.checked(now, id, tuple, check),
            Kind::Other => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.receive(now, contents);
                } else if let Some(publisher) = self.publishers.get_mut(&id) {
                    publisher.receive(now, contents);
                }
            }
        }
        if self.sessions.contains_key(&id) {
            self.drive(now, id);
        } else {
            self.drive_publisher(now, id);
        }
    }

    fn checked(&mut self, now: Instant, id: SessionId, tuple: FiveTuple, mut check: Check) {
        if check.is_first && tuple.protocol == Protocol::Tcp {
            self.outputs.push_back(Output::Admit { tuple });
        }
        self.close_released();
        self.transmit(tuple, std::mem::take(&mut check.reply));
        let hmac = self.acceptor.crypto.sha1_hmac_provider;
        let Some(transport) = self.transport(id) else {
            return;
        };
        if transport.heard(now, tuple, &check, hmac) {
            self.routes.retire(id, check.generation);
        }
    }

    fn transmit(&mut self, tuple: FiveTuple, contents: Vec<u8>) {
        self.outputs.push_back(Output::Transmit { tuple, contents });
    }

    fn close_released(&mut self) {
        while let Some((id, tuple)) = self.routes.poll_released() {
            if let Some(transport) = self.transport(id) {
                transport.closed(tuple);
            }
            if tuple.protocol == Protocol::Tcp {
                self.outputs.push_back(Output::Close { tuple });
            }
        }
    }

    fn transport(&mut self, id: SessionId) -> Option<&mut Transport> {
        let publishers = &mut self.publishers;
        let viewer = self.sessions.get_mut(&id).map(|it| &mut it.transport);
        viewer.or_else(|| publishers.get_mut(&id).map(|it| &mut it.transport))
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(burst) = self.held.first_entry().filter(|held| held.key().0 <= now) {
            let burst = Burst {
                now,
                ..burst.remove()
            };
            self.bursts.push_back(burst);
        }
        while let Some(id) = self.timers.pop_due(now) {
            if self.sessions.contains_key(&id) {
                self.viewer_timeout(now, id);
            } else {
                self.publisher_timeout(now, id);
            }
        }
    }

    fn viewer_timeout(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if let Some(reason) = session.transport.expired(now, &self.config) {
            return self.expire(now, id, reason);
        }
        match session.transport.advance(now) {
            Ok(()) => self.drive(now, id),
            Err(error) => self.fail(now, id, &error),
        }
    }

    fn publisher_timeout(&mut self, now: Instant, id: SessionId) {
        let Some(publisher) = self.publishers.get_mut(&id) else {
            return;
        };
        if let Some(reason) = publisher.transport.expired(now, &self.config) {
            return self.expire(now, id, reason);
        }
        match publisher.advance(now) {
            Ok(()) => self.drive_publisher(now, id),
            Err(error) => self.fail(now, id, &error),
        }
    }

    fn expire(&mut self, now: Instant, id: SessionId, reason: ClosedReason) {
        let is_half_open = !matches!(reason, ClosedReason::ConsentLost);
        self.counters.half_open_reaped += u64::from(is_half_open);
        self.end(now, id, reason);
    }

    /// The next thing to do; call until `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            if !self.serve_next_viewer() {
                return None;
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next, and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        let held = self.held.first_key_value();
        let held = held.map(|((at, _), _)| (*at, Reason::Dejitter));
        self.timers.next().into_iter().chain(held).min()
    }

    /// Sends one frame's packets to all of a stream's viewers and keeps them for those who come
    /// later.
    pub fn forward(
        &mut self,
        now: Instant,
        stream: StreamId,
        track: TrackKind,
        packets: &[RenditionPacket],
    ) {
        let entry = self.streams.entry(stream).or_default();
        let at = entry.keep(now, track, packets);
        if entry.viewers.is_empty() {
            return;
        }
        let burst = Burst {
            now: at,
            stream,
            track,
            packets: packets.to_vec(),
            after: None,
        };
        if at <= now {
            self.bursts.push_back(burst);
        } else {
            self.held.insert((at, self.held_count), burst);
            self.held_count += 1;
        }
    }

    /// Sends a text on a session's data channel.
    ///
    /// # Errors
    ///
    /// When there is no such session, its channel is not open or its buffer is full.
    pub fn send_text(&mut self, now: Instant, id: SessionId, text: &str) -> Result<(), Error> {
        self.send(now, id, text, None)
    }

    /// The same, of which [`Event::TextAcknowledged`] tells when it has arrived.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_marked(
        &mut self,
        now: Instant,
        id: SessionId,
        text: &str,
        mark: TextMark,
    ) -> Result<(), Error> {
        self.send(now, id, text, Some(mark))
    }

    /// Whether packets to a session have got lost in the last seconds, by its own reports.
    pub fn is_lossy(&self, now: Instant, id: SessionId) -> bool {
        let session = self.sessions.get(&id);
        session.is_some_and(|session| session.is_lossy(now))
    }

    /// Says a text again on the channel `repeats` of a session that has opened it: unordered, and not repaired. SCTP
    /// repairs the other channel after a second at the earliest (RFC 9260 section 16, `RTO.Min`), unless what follows a
    /// lost text shows that it is missing.
    pub fn repeat_text(&mut self, now: Instant, id: SessionId, text: &str) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.repeat_text(text) {
            match session.transport.advance(now) {
                Ok(()) => self.drive(now, id),
                Err(error) => self.fail(now, id, &error),
            }
        }
    }

    fn send(
        &mut self,
        now: Instant,
        id: SessionId,
        text: &str,
        mark: Option<TextMark>,
    ) -> Result<(), Error> {
        let session = self.sessions.get_mut(&id).ok_or(Error::NoSession(id))?;
        session.send_text(text, mark)?;
        match session.transport.advance(now) {
            Ok(()) => self.drive(now, id),
            Err(error) => self.fail(now, id, &error),
        }
        Ok(())
    }

    /// A session's numbers.
    pub fn stats(&self, session: SessionId) -> Option<SessionStats> {
        self.sessions.get(&session).map(Session::stats)
    }

    /// The shard's numbers.
    pub fn counters(&self) -> Counters {
        let publishers = self.publishers.values();
        let connecting = publishers.filter(|publisher| !publisher.transport.is_connected());
        Counters {
            sessions: self.sessions.len() + self.publishers.len(),
            half_open: self.half_open + connecting.count(),
            addresses: self.routes.addresses(),
            ..self.counters
        }
    }

    /// Serves one viewer of the oldest burst; false when there is none.
    fn serve_next_viewer(&mut self) -> bool {
        let Some(burst) = self.bursts.front_mut() else {
            return false;
        };
        let stream = self.streams.get(&burst.stream);
        let viewer = stream
            .and_then(|stream| Some((stream.viewer_after(burst.after)?, stream.clock.as_ref()?)));
        let Some((id, clock)) = viewer else {
            self.bursts.pop_front();
            return true;
        };
        burst.after = Some(id);
        // A transport does nothing at a time before its last.
        let now = burst.now.max(self.now);
        let Some(session) = self.sessions.get_mut(&id) else {
            return true;
        };
        if session.send(burst.track, &burst.packets, clock) {
            match session.transport.advance(now) {
                Ok(()) => self.drive(now, id),
                Err(error) => self.fail(now, id, &error),
            }
        }
        true
    }

    /// Drains a session's transport, does what it asks for and sets its deadline. Follows every
    /// input to it.
    fn drive(&mut self, now: Instant, id: SessionId) {
        self.now = self.now.max(now);
        loop {
            let Some(session) = self.sessions.get_mut(&id) else {
                return;
            };
            let signals = match session.drain(now, &mut self.outputs) {
                Ok(signals) => signals,
                Err(error) => return self.fail(now, id, &error),
            };
            while let Some(event) = session.poll_text() {
                self.outputs.push_back(Output::Event(id, event));
            }
            if signals.closed {
                return self.end(now, id, ClosedReason::Peer);
            }
            self.report(id, signals);
            match self.catch_up(now, id, signals) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return self.fail(now, id, &error),
            }
        }
        if let Some(session) = self.sessions.get(&id) {
            let (at, reason) = session.deadline(&self.config);
            self.timers.set(id, at, reason);
        }
    }

    /// Drains a publisher's transport, tells what has come of its packets and sets its deadline.
    /// Follows every input to it.
    fn drive_publisher(&mut self, now: Instant, id: SessionId) {
        self.now = self.now.max(now);
        let Some(publisher) = self.publishers.get_mut(&id) else {
            return;
        };
        let signals = match publisher.drain(now, &mut self.outputs) {
            Ok(signals) => signals,
            Err(error) => return self.fail(now, id, &error),
        };
        while let Some(ingest) = publisher.poll() {
            let event = Event::Ingest(ingest);
            self.outputs.push_back(Output::Event(id, event));
        }
        if signals.closed {
            return self.end(now, id, ClosedReason::Peer);
        }
        let (at, reason) = publisher.deadline(&self.config);
        self.timers.set(id, at, reason);
        self.report(id, signals);
    }

    fn report(&mut self, id: SessionId, signals: Signals) {
        if signals.connected {
            if self.sessions.contains_key(&id) {
                self.half_open = self.half_open.saturating_sub(1);
            }
            self.outputs.push_back(Output::Event(id, Event::Connected));
        }
        if signals.channel_open {
            self.outputs
                .push_back(Output::Event(id, Event::ChannelOpen));
        }
        if signals.repeats_open {
            self.outputs
                .push_back(Output::Event(id, Event::RepeatsOpen));
        }
    }

    /// Sends of the cached group what is due to a viewer who has just come or asked for a key
    /// frame. True if anything was sent.
    fn catch_up(
        &mut self,
        now: Instant,
        id: SessionId,
        signals: Signals,
    ) -> Result<bool, str0m::RtcError> {
        let Some(session) = self.sessions.get_mut(&id) else {
            return Ok(false);
        };
        if signals.connected {
            session.note_connected(now);
        }
        let Some(stream) = self.streams.get(&session.stream) else {
            return Ok(false);
        };
        let Some(clock) = &stream.clock else {
            return Ok(false);
        };
        let cached = stream.cache.packets();
        if let Some(report) = signals.link {
            session.judge_link(now, report, stream.video_bytes);
        }
        let asks = signals.keyframe_wanted && session.needs_keyframe(now, stream.video_at);
        let wanted = signals.connected || asks;
        let begun = wanted && session.begin_catch_up(now, cached, &self.config);
        if begun && !signals.connected {
            session.note_answer();
        }
        if !session.catch_up(now, cached, clock) {
            return Ok(false);
        }
        session.transport.advance(now)?;
        Ok(true)
    }

    fn fail(&mut self, now: Instant, id: SessionId, error: &dyn fmt::Display) {
        self.counters.sessions_failed += 1;
        self.end(now, id, ClosedReason::Failed(error.to_string()));
    }

    fn end(&mut self, now: Instant, id: SessionId, reason: ClosedReason) {
        if let Some(mut session) = self.sessions.remove(&id) {
            session.transport.close(now, &mut self.outputs);
            if !session.transport.is_connected() {
                self.half_open = self.half_open.saturating_sub(1);
            }
            if let Some(stream) = self.streams.get_mut(&session.stream) {
                stream.viewers.remove(&id);
                if stream.viewers.is_empty() && stream.clock.is_none() {
                    self.streams.remove(&session.stream);
                }
            }
        } else if let Some(mut publisher) = self.publishers.remove(&id) {
            publisher.transport.close(now, &mut self.outputs);
        } else {
            return;
        }
        self.routes.remove(id);
        self.close_released();
        self.timers.remove(id);
        self.outputs
            .push_back(Output::Event(id, Event::Closed { reason }));
    }
}

impl fmt::Debug for Sfu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sfu")
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
