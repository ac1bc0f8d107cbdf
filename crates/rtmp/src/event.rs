//! What goes into a session and what comes out.

use std::fmt;

use bytes::Bytes;
use media::{AudioConfig, FrameRate, TrackKind, VideoConfig};

/// What a session is told.
#[derive(Debug, Clone)]
pub enum Input {
    /// Bytes from the publisher, in any portions.
    Data(Bytes),
    /// The publish last announced may go on.
    Accept,
    /// The publish last announced may not. The publisher is told and the session closes.
    Reject {
        /// Chooses the status code the publisher sees.
        reason: RejectReason,
        /// For the person at the encoder; shown by OBS. Cut at 256 bytes.
        description: String,
    },
    /// The publisher is sent away. It is told `NetStream.Publish.Denied` if it publishes, and the session closes.
    Dismiss {
        /// For the person at the encoder; shown by OBS. Cut at 256 bytes.
        description: String,
    },
}

/// Why a publish is rejected. An encoder takes a status code as final, and one whose connection just
/// closes tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// `NetStream.Publish.BadName`: the name is in use or not valid.
    BadName,
    /// `NetStream.Publish.Denied`: the key does not allow it.
    Denied,
    /// `NetStream.Publish.Rejected`: this server cannot take such a stream.
    Unsupported,
    /// What stands in the way passes by itself: the connection is closed without a status.
    Passing,
}

/// What a session wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes to the publisher.
    Send(Bytes),
    /// Something happened.
    Event(Event),
    /// Send what is left and close the connection. The last output.
    Close,
}

/// What a publisher did. After an accepted [`Event::Publish`] exactly one [`Event::Unpublish`]
/// comes, unless the caller drops the session first.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// It asks to publish; answer with [`Input::Accept`] or [`Input::Reject`]. Until then nothing
    /// more is read.
    Publish {
        /// The application, percent-decoded, without slashes around it: `live`.
        app: String,
        /// The publish name, percent-decoded, without its query. A secret: never log it.
        stream_key: String,
        /// The query behind the name, else the one behind the application, not decoded. Holds
        /// secrets.
        query: Option<String>,
    },
    /// What the encoder says of itself; may be wrong, may be repeated.
    Metadata(Metadata),
    /// It says something at a moment of its stream. To be trusted as far as whoever publishes.
    Cue(EncoderCue),
    /// A new video configuration, valid for the frames after it. Repetitions are left out.
    VideoConfig(VideoConfig),
    /// A new audio configuration, valid for the frames after it. Repetitions are left out.
    AudioConfig(AudioConfig),
    /// One picture, of the codec last told.
    Video {
        /// Decode time in ms, unwrapped, otherwise as sent: may jump, may stand still.
        dts_ms: i64,
        /// Presentation time less decode time, ms; may be negative.
        composition_ms: i32,
        /// Decoding can start here.
        keyframe: bool,
        /// As a [`media::Frame`] has it.
        payload: Bytes,
    },
    /// One AAC frame or Opus packet, as last told.
    Audio {
        /// Presentation time in ms, unwrapped, otherwise as sent.
        pts_ms: i64,
        /// One raw_data_block, or one packet.
        payload: Bytes,
    },
    /// There are more tracks of a kind than the one that is taken. Told once.
    OtherTracks(TrackKind),
    /// One message was left out; the session goes on.
    Dropped {
        /// Why, from a fixed set of words that can label a counter.
        what: &'static str,
    },
    /// The publisher ended the stream, or the session ended while publishing.
    Unpublish,
}

/// Secrets are not printed.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish { app, .. } => f
                .debug_struct("Publish")
                .field("app", app)
                .finish_non_exhaustive(),
            Self::Metadata(metadata) => metadata.fmt(f),
            Self::Cue(cue) => cue.fmt(f),
            Self::VideoConfig(config) => f.debug_tuple("VideoConfig").field(config).finish(),
            Self::AudioConfig(config) => f.debug_tuple("AudioConfig").field(config).finish(),
            Self::Video {
                dts_ms,
                composition_ms,
                keyframe,
                payload,
            } => f
                .debug_struct("Video")
                .field("dts_ms", dts_ms)
                .field("composition_ms", composition_ms)
                .field("keyframe", keyframe)
                .field("bytes", &payload.len())
                .finish(),
            Self::Audio { pts_ms, payload } => f
                .debug_struct("Audio")
                .field("pts_ms", pts_ms)
                .field("bytes", &payload.len())
                .finish(),
            Self::OtherTracks(kind) => f.debug_tuple("OtherTracks").field(kind).finish(),
            Self::Dropped { what } => f.debug_struct("Dropped").field("what", what).finish(),
            Self::Unpublish => f.write_str("Unpublish"),
        }
    }
}

/// `onMetaData`, as far as it is of use. All of it is the encoder's claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// `framerate`, as the ratio it stands for.
    pub frame_rate: Option<FrameRate>,
    /// `encoder`: printable characters, at most 128.
    pub encoder: Option<String>,
    /// `videodatarate`, kbit/s.
    pub video_kbps: Option<u32>,
    /// `audiodatarate`, kbit/s.
    pub audio_kbps: Option<u32>,
}

/// Which data message of an encoder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncoderMessage {
    /// `onTextData`.
    TextData,
    /// `onCuePoint`.
    CuePoint,
}

impl EncoderMessage {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::TextData, Self::CuePoint];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TextData => "onTextData",
            Self::CuePoint => "onCuePoint",
        }
    }

    /// The message of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|message| message.as_str() == name)
    }
}

/// What an encoder says at a moment of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderCue {
    /// How it says it.
    pub message: EncoderMessage,
    /// When, in ms, unwrapped, otherwise as sent.
    pub at_ms: i64,
    /// Its properties as texts, by their paths: `parameters.stock`.
    pub fields: Vec<(String, String)>,
}

impl EncoderCue {
    /// The property at a path, the first of that name.
    pub fn field(&self, path: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(at, _)| at == path);
        found.map(|(_, text)| text.as_str())
    }
}
