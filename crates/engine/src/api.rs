//! What the engine is told and what it asks for: closed enums, plain values.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use media::{Pts, UnixMillis, VideoCodec};
use sfu::{FiveTuple, SessionId};

use crate::{error::ThumbnailError, saved::Keep};

/// One RTMP connection, numbered by whoever accepts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Who publishes a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PublisherId {
    Rtmp(ConnId),
    Whip(SessionId),
}

/// One of a stream's transcoding children. Never used again for another stream, so that late news of an old child reach
/// nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildId {
    /// The stream's number.
    pub stream: u64,
    /// What it converts.
    pub kind: ChildKind,
}

/// What a transcoding child converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChildKind {
    /// Sound.
    Sound,
    /// Pictures, into what every WebRTC viewer decodes.
    Video,
    /// Key frames, into what a list of streams shows.
    Thumbnail,
}

/// A stream's name: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// Longest name, characters.
    pub const LEN_MAX: usize = 64;

    /// The name, if it is one.
    pub fn parse(name: &str) -> Option<Self> {
        let fits = (1..=Self::LEN_MAX).contains(&name.len());
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        (fits && name.bytes().all(plain)).then(|| Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something happened outside.
#[derive(Debug)]
pub enum Input {
    /// An RTMP client connected.
    RtmpOpened {
        /// The number its other inputs carry.
        conn: ConnId,
    },
    /// Bytes from an RTMP client.
    RtmpData {
        /// Whose.
        conn: ConnId,
        /// In order, any split.
        data: Bytes,
    },
    /// The RTMP client's connection is gone.
    RtmpClosed {
        /// Whose.
        conn: ConnId,
    },
    /// The answer to [`Output::PublishAsked`].
    PublishDecided {
        /// Whose.
        conn: ConnId,
        /// The stream it may publish, or why it may not.
        decision: Result<StreamName, PublishRefused>,
    },
    /// A datagram came in on a WebRTC socket.
    Datagram {
        /// Which way it came.
        tuple: FiveTuple,
        /// Its bytes.
        contents: Bytes,
    },
    /// A TCP connection that carried WebRTC datagrams is gone.
    DatagramsClosed {
        /// Which.
        tuple: FiveTuple,
    },
    /// News of a stream's transcoding child.
    Child {
        /// Which.
        child: ChildId,
        /// What happened.
        event: ChildEvent,
    },
    /// The children of this machine decode AV1, too, for which not every one has what it takes.
    Av1Decoded,
}

/// What an RTMP client asks to publish.
#[derive(Clone, PartialEq, Eq)]
pub struct PublishRequest {
    /// The publish name: a stream's name or a secret.
    pub stream_key: String,
    /// The query behind it, or else behind the application, not decoded.
    pub query: Option<String>,
}

/// Both parts hold secrets.
impl fmt::Debug for PublishRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublishRequest(***)")
    }
}

/// An RTMP client may not publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRefused {
    /// Chooses the status code it sees.
    pub reason: rtmp::RejectReason,
    /// For the person at the encoder.
    pub description: String,
}

/// News of a transcoding child.
#[derive(Debug)]
pub enum ChildEvent {
    /// It runs; messages can be sent.
    Spawned,
    /// It said something.
    Message(transcode::FromChild),
    /// It said something that is no message.
    Garbled,
    /// Its processor time since it was last told.
    Busy {
        /// So much of it,
        used: Duration,
        /// in this span.
        span: Duration,
    },
    /// It is gone, or could not be started.
    Exited {
        /// Exit status or error, for the log.
        description: String,
    },
}

/// Something to be done outside, or to be told.
#[derive(Debug)]
pub enum Output {
    /// Send to an RTMP client.
    RtmpSend {
        /// Whose.
        conn: ConnId,
        /// In order after what was sent before.
        data: Bytes,
    },
    /// Close an RTMP client's connection once what was sent is flushed.
    RtmpClose {
        /// Whose.
        conn: ConnId,
    },
    /// An RTMP client asks to publish; answer with [`Input::PublishDecided`]. Until then nothing more is read of it.
    PublishAsked {
        /// Whose.
        conn: ConnId,
        /// What it was given to publish with.
        request: PublishRequest,
    },
    /// An RTMP client broke the protocol; its connection is being closed.
    RtmpFailed {
        /// Whose.
        conn: ConnId,
        /// What it did.
        error: rtmp::Error,
    },
    /// Something an RTMP client sent was left out, for the counters.
    RtmpDropped {
        /// Whose.
        conn: ConnId,
        /// What it was.
        what: &'static str,
    },
    /// An RTMP publisher says something at a moment of its stream. Whether anything comes of it is decided outside.
    EncoderCue(EncoderCue),
    /// A WebRTC session is over, a viewer's or a publisher's.
    SessionClosed {
        /// Its number.
        session: u64,
        /// Why.
        reason: sfu::ClosedReason,
    },
    /// Send a datagram from a WebRTC socket.
    Transmit {
        /// Which way.
        tuple: FiveTuple,
        /// Its bytes.
        contents: Vec<u8>,
    },
    /// A TCP connection has proved that a WebRTC session's datagrams come by it.
    DatagramsAdmit {
        /// Which.
        tuple: FiveTuple,
    },
    /// Close a TCP connection of WebRTC datagrams once what was sent is flushed.
    DatagramsClose {
        /// Which.
        tuple: FiveTuple,
    },
    /// Start the stream's transcoding child.
    ChildSpawn {
        /// Its name from now on.
        child: ChildId,
        /// The stream it works for, for the log.
        stream: StreamName,
    },
    /// Send to the stream's transcoding child.
    ChildSend {
        /// Which.
        child: ChildId,
        /// The message.
        message: transcode::ToChild,
    },
    /// Kill the stream's transcoding child.
    ChildKill {
        /// Which.
        child: ChildId,
    },
    /// The life of the stream's transcoding child, for logs and metrics.
    ChildLife {
        /// The stream it works for.
        stream: StreamName,
        /// What it converts.
        kind: ChildKind,
        /// What happened.
        event: transcode::Event,
    },
    /// What [`Shard::thumbnail`](crate::Shard::thumbnail) had no answer to yet. Nobody need wait any more.
    Thumbnail {
        /// The stream.
        stream: StreamName,
        /// The answer.
        answer: Result<Thumbnail, ThumbnailError>,
    },
    /// A thumbnail was made or was not, for the counters.
    ThumbnailStep(ThumbnailStep),
    /// For the stream's LL-HLS origin, in order.
    Hls {
        /// The stream.
        stream: StreamName,
        /// What its packager made.
        publication: hls::Publication,
    },
    /// The stream's packager could not take a frame or an epoch, for the log and the counters.
    HlsFailed {
        /// The stream.
        stream: StreamName,
        /// Why.
        error: hls::Error,
    },
    /// The publisher sent messages under this server's own UUID, for the log and the counters.
    CuesForged(CuesForged),
    /// A side-channel message for everyone who follows the stream's cues over HTTP.
    SideChannel {
        /// The stream.
        stream: StreamName,
        /// Its JSON text.
        message: Arc<str>,
        /// The numbers of the cues in it.
        cues: Arc<[u64]>,
        /// The newest frame.
        live_pts: Pts,
    },
    /// A cue is accepted, for whoever counts how it is delivered over HTTP. Comes before any message with it.
    CueAccepted(CueAccepted),
    /// Cues went on on their way to a WebRTC viewer, for the counters.
    CueStep(CueStep),
    /// Write down what is to outlive the process, in order; give it back to [`Shard::restore`](crate::Shard::restore).
    Keep {
        /// The stream.
        stream: StreamName,
        /// What.
        keep: Keep,
    },
    /// A stream's life.
    Stream {
        /// The stream.
        stream: StreamName,
        /// What happened.
        event: StreamEvent,
        /// Where on the stream's timeline: the first frame of an epoch that began, else the newest one.
        pts: Pts,
    },
}

/// What a stream shows, or showed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The key frame's place on the stream's timeline.
    pub pts: Pts,
    /// A JPEG file.
    pub jpeg: Bytes,
}

/// What became of a thumbnail that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThumbnailStep {
    /// It was made.
    Made,
    /// Its child did not survive it, or did not make it in time.
    Failed,
}

/// What a publisher sent under the UUID of this server's own messages (`media::sei`); it went no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CuesForged {
    /// The stream.
    pub stream: StreamName,
    /// How many messages.
    pub count: u32,
    /// None came before in this publish session.
    pub first: bool,
}

/// An RTMP publisher said something at a moment of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderCue {
    /// Whose connection.
    pub conn: ConnId,
    /// The stream it publishes.
    pub stream: StreamName,
    /// Where on the stream's timeline.
    pub pts: Pts,
    /// What.
    pub cue: rtmp::EncoderCue,
}

/// A cue was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CueAccepted {
    /// The stream.
    pub stream: StreamName,
    /// Its number.
    pub seq: u64,
    /// Where it holds from.
    pub threshold: Pts,
    /// How long a frame of the stream lasts, 90 kHz.
    pub frame_ticks: i64,
}

/// A step of cues on their way to viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CueStep {
    /// So many cues were written, each counted for each session.
    Sent(u64),
    /// So many of them were acknowledged by the sessions' transports.
    Acknowledged(u64),
    /// A player has said that it painted one.
    Said(cues::delivery::Verdict),
}

/// A stream's life, told once each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// A publisher's media arrives; a new epoch has begun.
    Live {
        /// Publish session, from 1.
        epoch: u32,
    },
    /// The publisher left; the stream waits for its return.
    Interrupted,
    /// The stream is over; its HLS playlists end, its WebRTC sessions are closed.
    Ended,
    /// Something the broadcaster should change.
    Verdict(Verdict),
}

/// Something the broadcaster should change, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Stable machine-readable name, one of [`VERDICT_CODES`](crate::VERDICT_CODES).
    pub code: &'static str,
    /// What was found, with the numbers that were measured.
    pub found: String,
    /// What it costs viewers or the operator.
    pub cost: &'static str,
    /// The setting to change.
    pub remedy: &'static str,
}

impl Verdict {
    /// All of it in one text.
    pub fn detail(&self) -> String {
        format!("{} {} {}", self.found, self.cost, self.remedy)
    }
}

/// A stream as the API reports it.
#[derive(Debug, Clone)]
pub struct StreamStatus {
    /// Its name.
    pub name: StreamName,
    /// Where it is in its life.
    pub state: StreamState,
    /// Publish session, from 1.
    pub epoch: u32,
    /// The random offset of its RTP video timestamps.
    pub rtp_offset: u32,
    /// Video, if it has any.
    pub video: Option<VideoStatus>,
    /// Audio, if it has any.
    pub audio: Option<AudioStatus>,
    /// WebRTC viewers that are connected.
    pub whep_viewers: usize,
    /// Newest video pts taken in (audio pts without video).
    pub newest_pts: Pts,
    /// That pts on the epoch's linear anchor.
    pub newest_utc: UnixMillis,
    /// What the publisher says it is, for example `obs-output module`.
    pub encoder: Option<String>,
    /// Messages that its publisher forged, in this publish session.
    pub cues_forged: u64,
    /// What holds against it now, newest last.
    pub verdicts: Vec<Verdict>,
}

/// A connected WebRTC viewer, as the API reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewerStatus {
    /// Its session's number, never used again.
    pub session: u64,
    /// When it connected, by the server's UTC.
    pub joined: UnixMillis,
}

/// Where a stream is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamState {
    /// A publisher is connected, its first key frame has not come.
    Starting,
    /// Media flows.
    Live,
    /// The publisher left and may return.
    Interrupted,
}

/// What is known of a video track.
#[derive(Debug, Clone)]
pub struct VideoStatus {
    /// Which codec it is.
    pub codec: VideoCodec,
    /// RFC 6381, for example `avc1.42c01f`.
    pub codecs: String,
    /// Profile in words, for example `Constrained Baseline`.
    pub profile: &'static str,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Frames per second: announced, else measured.
    pub frame_rate: Option<f64>,
    /// Pictures are reordered (B-frames seen or announced).
    pub b_frames: bool,
    /// Why WebRTC viewers, or all, are sent another encoding of it, and how that is.
    pub repair: Option<RepairStatus>,
    /// Length of the last whole GOP in milliseconds.
    pub gop_ms: Option<u64>,
    /// Over the last whole second.
    pub bitrate_bps: u64,
    /// Frames taken in during this epoch.
    pub frames: u64,
}

/// The rendition that is made for WebRTC viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairStatus {
    /// Why, as a stable machine-readable name: `b_frames`, `long_gop`, `interlaced`, `chroma`, `bit_depth`, `codec`.
    pub why: &'static str,
    /// How it is.
    pub state: RepairState,
    /// LL-HLS has it too, in place of the source.
    pub ll_hls: bool,
}

/// How a repair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairState {
    /// It is not to be done: those viewers have no picture.
    Off,
    /// Nobody watches by WebRTC.
    Idle,
    /// Its child is being started.
    Starting,
    /// Pictures are made.
    Running,
    /// The machine was too slow; it is tried again.
    Resting,
}

/// What is known of an audio track.
#[derive(Debug, Clone)]
pub struct AudioStatus {
    /// RFC 6381, for example `mp4a.40.2`.
    pub codecs: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u8,
    /// Over the last whole second.
    pub bitrate_bps: u64,
    /// Opus packets made for WebRTC during this epoch.
    pub opus_packets: u64,
    /// The transcoding child runs and is ready.
    pub transcoding: bool,
}
