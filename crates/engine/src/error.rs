//! What a request to the engine can be answered with instead of a result.

/// A viewer's offer was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// No such stream, or it has no media yet; a later try may succeed.
    #[error("stream `{0}` is not live; start the publisher, or try again in a moment")]
    NotLive(String),
    /// The node serves as many viewers as it may.
    #[error("this node serves {0} WebRTC viewers already; try again later")]
    Full(usize),
    /// The offer, or what the stream is made of, forbids it.
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
}
