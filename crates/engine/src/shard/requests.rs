//! What the HTTP surface asks: each answered at once, effects out of `poll_output`.

use std::time::Instant;

use cues::{ActiveCard, Armed, At, CueRequest, LoggedCue, Receipt, channel::Told, delivery::Tally};
use media::Pts;
use sfu::{Offer, Patched, Precondition, PublishOffer, SessionId};

use crate::{
    api::{ConnId, PublisherId, StreamName, StreamState, StreamStatus, Thumbnail},
    error::{CueError, OfferError, PublishError, ThumbnailError},
    shard::{Peer, Role, Shard},
    stream::{Effects, Stream},
};

/// A viewer's or a publisher's offer, answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebRtcAnswer {
    /// The session's number, never used again.
    pub session: u64,
    /// The SDP answer.
    pub sdp: String,
}

impl Shard {
    /// Answers a WHEP offer.
    ///
    /// # Errors
    ///
    /// When the stream is not live, or the offer or the stream's media forbid it.
    pub fn offer(
        &mut self,
        now: Instant,
        name: &StreamName,
        sdp: &str,
    ) -> Result<WebRtcAnswer, OfferError> {
        let not_live = || OfferError::NotLive(name.to_string());
        let (stream, fx) = self.of_stream(now, name).map_err(|_| not_live())?;
        stream.look_for_room(&fx);
        let stream = self.streams.get(name).ok_or_else(not_live)?;
        let media = stream.media().ok_or_else(|| match stream.state() {
            StreamState::Interrupted => OfferError::Interrupted(name.to_string()),
            StreamState::Starting | StreamState::Live => not_live(),
        })?;
        let session = SessionId(self.next_session);
        let answer = self.sfu.accept_offer(
            now,
            Offer {
                session,
                stream: stream.id(),
                sdp,
                media,
            },
        )?;
        self.next_session += 1;
        let peer = Peer {
            stream: name.clone(),
            role: Role::Viewer,
        };
        self.sessions.insert(session, peer);
        let (stream, mut fx) = self.of_stream(now, name).map_err(|_| not_live())?;
        stream.asked_for(&mut fx);
        self.settle(now);
        Ok(WebRtcAnswer {
            session: session.0,
            sdp: answer.sdp,
        })
    }

    /// Whether an RTMP connection has a stream.
    pub fn is_publishing(&self, conn: ConnId) -> bool {
        let publisher = self.publishers.get(&conn);
        publisher.is_some_and(|publisher| publisher.stream.is_some())
    }

    /// Answers a WHIP offer.
    ///
    /// # Errors
    ///
    /// When somebody else publishes the stream, or the offer forbids it.
    pub fn publish_offer(
        &mut self,
        now: Instant,
        name: &StreamName,
        sdp: &str,
    ) -> Result<WebRtcAnswer, PublishError> {
        self.may_take(now, name)?;
        let session = SessionId(self.next_session);
        let answer = self
            .sfu
            .accept_publisher(now, PublishOffer { session, sdp })?;
        self.next_session += 1;
        let peer = Peer {
            stream: name.clone(),
            role: Role::Publisher,
        };
        self.sessions.insert(session, peer);
        self.take(now, name, PublisherId::Whip(session));
        self.stream_for(now, name)
            .expect_rtp(answer.video, answer.audio);
        self.settle(now);
        Ok(WebRtcAnswer {
            session: session.0,
            sdp: answer.sdp,
        })
    }

    /// Takes a fragment: trickled candidates, or the credentials of an ICE restart.
    ///
    /// # Errors
    ///
    /// When there is no such session, its ICE session is not as demanded, or the fragment is none.
    pub fn patch(
        &mut self,
        session: u64,
        precondition: Precondition,
        fragment: &str,
    ) -> Result<Patched, sfu::Refusal> {
        self.sfu.patch(SessionId(session), precondition, fragment)
    }

    /// Ends a session, a viewer's or a publisher's; `false` when there is none, nor was one that its peer has just ended.
    pub fn leave(&mut self, now: Instant, session: u64) -> bool {
        let session = SessionId(session);
        let known = self.sessions.contains_key(&session);
        self.sfu.remove(now, session);
        self.settle(now);
        known || self.has_parted(session)
    }

    /// Its peer has ended it by itself, as OBS does before it asks for the end, and has not been told so before.
    fn has_parted(&mut self, session: SessionId) -> bool {
        let at = self.parted.iter().position(|parted| *parted == session);
        at.and_then(|at| self.parted.remove(at)).is_some()
    }

    /// Inserts a cue.
    ///
    /// # Errors
    ///
    /// When there is no such stream or the timeline refuses the request.
    pub fn insert_cue(
        &mut self,
        now: Instant,
        name: &StreamName,
        request: CueRequest,
    ) -> Result<Receipt, CueError> {
        let (stream, mut fx) = self.of_stream(now, name)?;
        Ok(stream.insert_cue(&mut fx, request)?)
    }

    /// Takes back a cue that has not happened yet.
    ///
    /// # Errors
    ///
    /// When there is no such stream or cue, or it is too late.
    pub fn cancel_cue(
        &mut self,
        now: Instant,
        name: &StreamName,
        seq: u64,
    ) -> Result<Receipt, CueError> {
        let (stream, mut fx) = self.of_stream(now, name)?;
        Ok(stream.cancel_cue(&mut fx, seq)?)
    }

    /// Moves a cue that has not happened yet; the receipt is of the one in its place.
    ///
    /// # Errors
    ///
    /// When there is no such stream or cue, it is too late, or the other time forbids it.
    pub fn reschedule_cue(
        &mut self,
        now: Instant,
        name: &StreamName,
        seq: u64,
        at: At,
    ) -> Result<Receipt, CueError> {
        let (stream, mut fx) = self.of_stream(now, name)?;
        Ok(stream.reschedule_cue(&mut fx, seq, at)?)
    }

    /// Prepares cues under a name, in place of what stood there.
    ///
    /// # Errors
    ///
    /// When there is no such stream, or a cue can never be taken.
    pub fn arm(
        &mut self,
        name: &StreamName,
        armed: &str,
        requests: Vec<CueRequest>,
    ) -> Result<(), CueError> {
        let none = || CueError::NoStream(name.to_string());
        let stream = self.streams.get_mut(name).ok_or_else(none)?;
        Ok(stream.arm(&mut self.out, armed, requests)?)
    }

    /// Forgets prepared cues; false if there are none of this name, `None` without such a stream.
    pub fn disarm(&mut self, name: &StreamName, armed: &str) -> Option<bool> {
        let stream = self.streams.get_mut(name)?;
        Some(stream.disarm(&mut self.out, armed))
    }

    /// A stream's prepared cues, and those fired of late; `None` without such a stream.
    pub fn armed(&self, name: &StreamName) -> Option<Vec<(String, Armed)>> {
        Some(self.streams.get(name)?.armed())
    }

    /// Inserts prepared cues, all with one threshold.
    ///
    /// # Errors
    ///
    /// When there is no such stream, nothing is prepared, or the state on screen forbids one of them.
    pub fn fire(
        &mut self,
        now: Instant,
        name: &StreamName,
        armed: &str,
        at: At,
    ) -> Result<Vec<Receipt>, CueError> {
        let (stream, mut fx) = self.of_stream(now, name)?;
        Ok(stream.fire(&mut fx, armed, at)?)
    }

    fn of_stream(
        &mut self,
        now: Instant,
        name: &StreamName,
    ) -> Result<(&mut Stream, Effects<'_>), CueError> {
        let none = || CueError::NoStream(name.to_string());
        let stream = self.streams.get_mut(name).ok_or_else(none)?;
        let fx = Effects {
            now,
            out: &mut self.out,
            sfu: &mut self.sfu,
            budget: &mut self.budget,
        };
        Ok((stream, fx))
    }

    /// The cues numbered past `seq`; `None` without such a stream.
    pub fn cues_after(&self, name: &StreamName, seq: u64) -> Option<Vec<LoggedCue>> {
        Some(self.streams.get(name)?.cues_after(seq))
    }

    /// One cue of a stream; `None` without such a stream or cue.
    pub fn cue(&self, name: &StreamName, seq: u64) -> Option<LoggedCue> {
        self.streams.get(name)?.cue(seq)
    }

    /// What became of a cue on its way to the WebRTC viewers; `None` without such a stream or when the cue is not
    /// remembered (any more).
    pub fn cue_delivery(&self, name: &StreamName, seq: u64) -> Option<Tally> {
        self.streams.get(name)?.delivery(seq)
    }

    /// The cards on screen at `pts`, or at the newest frame; `None` without such a stream.
    pub fn state(&self, name: &StreamName, pts: Option<Pts>) -> Option<(Pts, Vec<ActiveCard>)> {
        Some(self.streams.get(name)?.cards(pts))
    }

    /// The side channel's first messages for a new follower; `None` without such a stream.
    pub fn snapshot(&self, now: Instant, name: &StreamName) -> Option<Vec<Told>> {
        Some(self.streams.get(name)?.snapshot(now))
    }

    /// What a stream shows. `None`: it is being made, and comes as [`Output::Thumbnail`](crate::Output::Thumbnail) within
    /// three seconds.
    pub fn thumbnail(
        &mut self,
        now: Instant,
        name: &StreamName,
    ) -> Option<Result<Thumbnail, ThumbnailError>> {
        match self.of_stream(now, name) {
            Ok((stream, mut fx)) => stream.ask_thumbnail(&mut fx),
            Err(_) => Some(Err(ThumbnailError::NoStream(name.to_string()))),
        }
    }

    /// All streams, by name.
    pub fn streams(&self, now: Instant) -> Vec<StreamStatus> {
        self.streams
            .values()
            .map(|stream| stream.status(now))
            .collect()
    }

    /// One stream.
    pub fn stream(&self, now: Instant, name: &StreamName) -> Option<StreamStatus> {
        Some(self.streams.get(name)?.status(now))
    }
}
