//! What the shard is told and what it says.

use std::{fmt, net::SocketAddr};

use media::H264Config;

use crate::{Refusal, sdp};

/// Names one viewer's session; the caller numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one stream; the caller numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// What a viewer asks for.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The new session's name.
    pub session: SessionId,
    /// The stream it wants to see.
    pub stream: StreamId,
    /// The request's body.
    pub sdp: &'a str,
    /// What the stream has.
    pub media: MediaDescription<'a>,
}

impl Offer<'_> {
    /// Judges the offer without making a session of it.
    ///
    /// # Errors
    ///
    /// The refusal, if it is the offer's or the stream's fault.
    pub fn check(&self) -> Result<(), Refusal> {
        let offered = sdp::parse(self.sdp)?;
        sdp::plan(&offered, &self.media).map(|_| ())
    }
}

/// What a stream has to send.
#[derive(Debug, Clone, Copy)]
pub struct MediaDescription<'a> {
    /// The video track, once its configuration is known.
    pub video: Option<&'a H264Config>,
    /// There is an audio track, or will be (an Opus rendition of it).
    pub audio: bool,
    /// The video has B-frames: every offer is refused with [`Refusal::BFrames`].
    pub b_frames: bool,
}

/// What to answer the viewer's request with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer; all candidates are in it.
    pub sdp: String,
}

/// Something from outside.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A UDP datagram.
    Datagram {
        /// Who sent it.
        source: SocketAddr,
        /// Which of [`Config::candidates`](crate::Config::candidates) it came to.
        destination: SocketAddr,
        /// Its bytes.
        contents: &'a [u8],
    },
}

/// Something for outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a UDP datagram. Those of one viewer's burst follow one another.
    Transmit {
        /// To whom.
        destination: SocketAddr,
        /// Its bytes.
        contents: Vec<u8>,
    },
    /// Something happened to a session.
    Event(SessionId, Event),
}

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// ICE and DTLS are through; the cached pictures are on their way.
    Connected,
    /// The data channel `cues` can be written to.
    ChannelOpen,
    /// The session is gone; its number may be used again.
    Closed {
        /// Why.
        reason: ClosedReason,
    },
}

/// Why a session is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosedReason {
    /// [`Sfu::remove`](crate::Sfu::remove) was called.
    Removed,
    /// [`Sfu::remove_stream`](crate::Sfu::remove_stream) was called.
    StreamEnded,
    /// It did not connect in time.
    HalfOpen,
    /// No authenticated connectivity check for too long (RFC 7675).
    ConsentLost,
    /// The viewer closed DTLS.
    Peer,
    /// The transport failed.
    Failed(String),
}

/// Why [`Sfu::handle_timeout`](crate::Sfu::handle_timeout) wants to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A session that has not connected is to be reaped.
    HalfOpen,
    /// A viewer's consent runs out.
    Consent,
    /// Sound that came early is to be sent.
    Dejitter,
    /// A viewer who has come late is to be sent more of the past.
    CatchUp,
    /// A transport timer: retransmission, report, keep-alive.
    Transport,
}
