//! Why a session ended.

use crate::session::Reason;

/// What ended a session. All but [`Error::Closed`], [`Error::NothingAsked`] and [`Error::Dismissed`]
/// are the publisher's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first byte is not that of plain RTMP; perhaps HTTP, TLS or RTMPE was tried on this port.
    #[error("RTMP version {version} instead of 3; connect with rtmp:// and no encryption")]
    Version {
        /// C0 as received.
        version: u8,
    },
    /// A deadline passed.
    #[error("timed out waiting for the {0}")]
    Timeout(Reason),
    /// Chunks that break section 5.3 or 5.4 of RTMP 1.0.
    #[error("{problem} (chunk stream {csid})")]
    Chunk {
        /// The chunk stream.
        csid: u32,
        /// What is wrong.
        problem: &'static str,
    },
    /// More memory, messages or streams than one publisher may have.
    #[error("{what} {value} exceeds the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there was.
        value: u64,
        /// How much there may be.
        limit: u64,
    },
    /// An AMF0 value that cannot be read or is larger than any client's.
    #[error("AMF0 at byte {offset}: {problem}")]
    Amf {
        /// From the start of the message.
        offset: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A command out of order, or without what it needs.
    #[error("{command}: {problem}")]
    Command {
        /// Its name.
        command: &'static str,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A codec this server does not take; the publisher was told so.
    #[error("{codec} is not supported; {remedy}")]
    Codec {
        /// Its name, as encoders show it.
        codec: String,
        /// What to set at the encoder.
        remedy: &'static str,
    },
    /// The caller answered the publish with a rejection; the publisher was told so, if it is not to try again.
    #[error("publish rejected: {description}")]
    Rejected {
        /// The caller's words.
        description: String,
    },
    /// The caller sent the publisher away, who was told so.
    #[error("{description}")]
    Dismissed {
        /// The caller's words.
        description: String,
    },
    /// Input after the session closed.
    #[error("the session is closed")]
    Closed,
    /// Accept or reject without a publish to answer.
    #[error("no publish waits for an answer")]
    NothingAsked,
}

/// Whose doing an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The publisher's. It may connect again, but the same bytes will end the same way.
    Peer,
    /// The code that drives the session.
    Local,
}

impl Error {
    /// Whose doing it is.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Closed | Self::NothingAsked | Self::Dismissed { .. } => Fault::Local,
            Self::Version { .. }
            | Self::Timeout(_)
            | Self::Chunk { .. }
            | Self::Limit { .. }
            | Self::Amf { .. }
            | Self::Command { .. }
            | Self::Codec { .. }
            | Self::Rejected { .. } => Fault::Peer,
        }
    }
}
