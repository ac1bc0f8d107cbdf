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
    pub video: Option<&'a VideoConfig>,
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

/// What has come of a publisher's packets, in the order they were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ingest {
    /// A packet of video, to be forwarded before its frame is complete.
    VideoPacket(VideoPacket),
    /// A whole picture, of packets that were all told before.
    VideoUnit(AccessUnit),
    /// A picture has been lost, and those after it until the next key frame; none of them is told.
    VideoDamaged,
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
    /// The payload, as it came.
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

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// ICE and DTLS are through; the cached pictures are on their way.
    Connected,
    /// The data channel `cues` can be written to.
    ChannelOpen,
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
