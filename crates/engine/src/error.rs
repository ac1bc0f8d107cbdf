//! What a request to the engine can be answered with instead of a result.

/// A viewer's offer was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// No such stream, or it has no media yet; a later try may succeed.
    #[error("stream `{0}` is not live; start the publisher, or try again in a moment")]
    NotLive(String),
    /// The stream goes on after a restart of the server, once its publisher is back.
    #[error("stream `{0}` is interrupted; it goes on when its publisher returns")]
    Interrupted(String),
    /// The node serves as many viewers as it may.
    #[error("this node serves {0} WebRTC viewers already; try again later")]
    Full(usize),
    /// The offer, or what the stream is made of, forbids it.
    #[error(transparent)]
    Refused(#[from] sfu::Refusal),
}

/// There is no thumbnail of a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThumbnailError {
    /// No such stream.
    #[error("there is no stream `{0}`; it may be over already")]
    NoStream(String),
    /// It has no key frame yet; a later try may succeed.
    #[error("stream `{0}` has shown nothing yet; try again in a moment")]
    NotLive(String),
    /// The stream goes on after a restart of the server, once its publisher is back.
    #[error("stream `{0}` is interrupted; what it showed before this server's start is not known")]
    Interrupted(String),
    /// It has sound alone.
    #[error("stream `{0}` has no video")]
    NoVideo(String),
    /// Nothing decodes its video here.
    #[error("stream `{stream}` is {}, which is not decoded for thumbnails; publish H.264", .codec.name())]
    NotDecoded {
        /// The stream's name.
        stream: String,
        /// What it is made of.
        codec: media::VideoCodec,
    },
    /// They are not to be made.
    #[error("this server is to make no thumbnails (`transcoder.thumbnails_max` is 0)")]
    Off,
    /// The newest key frame could not be decoded.
    #[error(
        "the newest key frame of stream `{0}` could not be made a thumbnail of; the next one may be"
    )]
    Failed(String),
    /// It was not made in time.
    #[error("no thumbnail of stream `{0}` was made in time; others may be before it")]
    Late(String),
}

/// A publisher's offer was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Somebody else publishes the stream and has sent something lately.
    #[error(
        "stream `{0}` is being published already; stop the other publisher, or try again when it \
         has been silent for two seconds"
    )]
    Taken(String),
    /// The node carries as many streams as it may.
    #[error("this node carries {0} streams already; try again later")]
    Full(usize),
    /// The offer forbids it.
    #[error(transparent)]
    Refused(#[from] sfu::Refusal),
}

/// A cue request was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CueError {
    /// No such stream.
    #[error("there is no stream `{0}`; cues need a stream that is live or was a moment ago")]
    NoStream(String),
    /// The timeline refuses it.
    #[error(transparent)]
    Refused(#[from] cues::InsertError),
    /// The cue is not taken back, or not moved.
    #[error(transparent)]
    NotTakenBack(#[from] cues::CancelError),
    /// Cues are not prepared, or not fired.
    #[error(transparent)]
    NotFired(#[from] cues::ArmError),
}

/// Somebody could not be removed, or a stream not ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// No such stream.
    #[error("there is no stream `{0}`; it may be over already")]
    UnknownStream(String),
    /// Nobody publishes it now.
    #[error("nobody publishes stream `{0}` now; it waits for its publisher's return")]
    Unpublished(String),
    /// No such viewer of it.
    #[error("stream `{stream}` has no viewer {session}, who may have left; list its viewers again")]
    UnknownViewer {
        /// The stream's name.
        stream: String,
        /// The session's number.
        session: u64,
    },
}
