//! What the shard is told and what it says.

use std::{fmt, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use media::VideoConfig;

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

/// What a publisher offers to send.
#[derive(Debug, Clone, Copy)]
pub struct PublishOffer<'a> {
    /// The new session's name; viewers' and publishers' are of one kind.
    pub session: SessionId,
    /// The request's body.
    pub sdp: &'a str,
}

/// What a stream has to send.
#[derive(Debug, Clone, Copy)]
pub struct MediaDescription<'a> {
    /// The video track, once its configuration is known.
    pub video: Option<VideoDescription<'a>>,
    /// There is an audio track, or will be (an Opus rendition of it).
    pub audio: bool,
}

/// What viewers are sent of a stream's video.
#[derive(Debug, Clone, Copy)]
pub enum VideoDescription<'a> {
    /// What the publisher sends, of this configuration.
    Source(&'a VideoConfig),
    /// H.264 in the constrained baseline profile that is made of it.
    Repaired,
    /// Nothing: every offer of video is refused with [`Refusal::Withheld`].
    Withheld(Withheld),
}

/// Why viewers are sent nothing of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld {
    /// What keeps it from being sent as it is, as in "the stream has ...".
    pub has: &'static str,
    /// Why it is not repaired.
    pub why: NotRepaired,
}

/// Why a video that cannot be sent as it is is not encoded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRepaired {
    /// It is not to be done on this machine.
    Off,
    /// The machine is too slow or too busy; later it may not be.
    Busy,
    /// What was to do it has failed again and again; later it may not.
    Fails,
    /// Nothing here decodes it.
    NotDecoded,
}

/// What to answer the viewer's request with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer; all candidates are in it.
    pub sdp: String,
}

/// What to answer a publisher's request with, and what it will send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishAnswer {
    /// The answer; all candidates are in it.
    pub sdp: String,
    /// There will be video.
    pub video: bool,
    /// There will be sound.
    pub audio: bool,
}

/// What carries datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// As they are.
    Udp,
    /// Framed (RFC 4571), over a connection the peer opened (RFC 6544).
    Tcp,
}

/// A way between this side and somebody: the addresses as this machine's sockets see them, whatever
/// was advertised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// What carries it.
    pub protocol: Protocol,
    /// The address datagrams come to and answers leave from.
    pub local: SocketAddr,
    /// The other side's.
    pub remote: SocketAddr,
}

/// What a PATCH demands the ICE session to be (RFC 9725 section 4.3.1), from its `If-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing, and the server insists on something.
    Missing,
    /// Nothing, and the server does without for candidates.
    Waived,
    /// Whatever there is: `*`.
    Any,
    /// The one of this number.
    Generation(u32),
    /// One there never was.
    Unknown,
}

/// What became of a PATCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patched {
    /// Its candidates have been looked at.
    Trickled,
    /// ICE restarts (RFC 9725 section 4.3.3).
    Restarted {
        /// This side's new credentials and its candidates, as a fragment (RFC 8840 section 9).
        fragment: String,
        /// The number of the new ICE session; the first is 0.
        generation: u32,
    },
}

/// Something from outside.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A datagram, by UDP or out of a TCP connection's frames.
    Datagram {
        /// Which way it came.
        tuple: FiveTuple,
        /// Its bytes.
        contents: &'a [u8],
    },
    /// A TCP connection is gone.
    Closed {
        /// Which.
        tuple: FiveTuple,
    },
}

/// Something for outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a datagram. Those of one viewer's burst follow one another.
    Transmit {
        /// Which way.
        tuple: FiveTuple,
        /// Its bytes.
        contents: Vec<u8>,
    },
    /// A TCP connection has proved that it is a session's; one that never does is to be closed.
    Admit {
        /// Which.
        tuple: FiveTuple,
    },
    /// A TCP connection is no longer needed: close it once what was sent is flushed.
    Close {
        /// Which.
        tuple: FiveTuple,
    },
    /// Something happened to a session.
    Event(SessionId, Event),
}

/// What has come of a publisher's packets, in the order they were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ingest {
    /// A packet of video, to be forwarded before its frame is complete.
    VideoPacket(VideoPacket),
    /// A whole picture, of packets that were all told before.
    VideoUnit(AccessUnit),
    /// A picture has been lost, and those after it until the next key frame; none of them is told.
    VideoDamaged,
    /// A packet held this server's own messages ([`media::sei::OWN_UUID`]), which were made unreadable. Told before that
    /// packet.
    Forged {
        /// How many.
        count: u32,
    },
    /// One Opus packet.
    Audio {
        /// RTP timestamp at 48 kHz, extended to 64 bits.
        rtp_time: i64,
        /// The packet.
        payload: Arc<[u8]>,
    },
    /// The publisher's clock on both tracks (RFC 3550 section 6.4.1): `audio_time` of the audio and
    /// `video_time` of the video were captured together.
    Together {
        /// RTP timestamp at 48 kHz.
        audio_time: i64,
        /// RTP timestamp at 90 kHz.
        video_time: i64,
    },
}

/// One RTP packet of a publisher's video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoPacket {
    /// RTP timestamp at 90 kHz, extended to 64 bits.
    pub rtp_time: i64,
    /// The last of its picture.
    pub marker: bool,
    /// The first of a picture that decoding can start at.
    pub starts_keyframe: bool,
    /// The payload, as it came but for forged messages in it.
    pub payload: Arc<[u8]>,
}

/// One picture of a publisher's video with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// RTP timestamp at 90 kHz, extended to 64 bits.
    pub rtp_time: i64,
    /// An IDR picture or a key frame: decoding can start here.
    pub keyframe: bool,
    /// What is in force from this unit on, when it is another than before; only with key frames, and
    /// with the first.
    pub config: Option<VideoConfig>,
    /// What [`media::Frame::payload`] says of the codec. H.264 without delimiters and filler; a
    /// picture parameter set that first comes between key frames stays in the unit it came with.
    pub payload: Bytes,
}

/// What the caller knows a text by: the numbers of what is in it. One copy for all viewers.
pub type TextMark = Arc<[u64]>;

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// ICE and DTLS are through; the cached pictures are on their way.
    Connected,
    /// The data channel `cues` can be written to.
    ChannelOpen,
    /// The viewer has opened the channel `repeats`.
    RepeatsOpen,
    /// A text sent with this mark has arrived: the viewer's SCTP has acknowledged all of it. Never told
    /// before that is certain, and not at all of a session that ends first.
    TextAcknowledged(TextMark),
    /// A viewer has said something on its data channel: UTF-8 as a rule, and empty if it was no text or
    /// longer than 8 KiB.
    Said(Vec<u8>),
    /// A publisher has sent something.
    Ingest(Ingest),
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
    /// The stream goes on in a video codec that was not agreed on with this viewer.
    CodecChanged,
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
    /// A publisher's packet is given up, or a key frame is to be asked for again.
    Ingest,
    /// Sound that came early is to be sent.
    Dejitter,
    /// A viewer who has come late is to be sent more of the past.
    CatchUp,
    /// A transport timer: retransmission, report, keep-alive.
    Transport,
}
