//! What can go wrong apart from an offer being refused.

use crate::SessionId;

/// An input or a call this crate could not honour.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// [`Config::candidates`](crate::Config::candidates) is empty.
    #[error("no candidate address: set webrtc.listen to an address viewers can reach")]
    NoCandidates,
    /// An address of [`Config::candidates`](crate::Config::candidates) cannot be a host candidate.
    #[error("{0} cannot be an ICE candidate: name an address, not a wildcard")]
    BadCandidate(std::net::SocketAddr),
    /// The cryptography library made no certificate or no random numbers.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
    /// The access unit holds more NAL units or bytes than a picture can.
    #[error("access unit refused: {what} is {got}, the limit {limit}")]
    AccessUnit {
        /// What was counted.
        what: &'static str,
        /// How many there were.
        got: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The access unit holds no NAL unit worth sending.
    #[error("access unit without a slice")]
    EmptyAccessUnit,
    /// There is no such session, or no longer.
    #[error("session {0} is not here")]
    NoSession(SessionId),
    /// The viewer has not opened the data channel (it must create it with `negotiated: true, id:
    /// 0`).
    #[error("the data channel is not open")]
    ChannelNotOpen,
    /// The viewer does not read its data channel; the text was not queued. Send a snapshot later.
    #[error("the data channel's send buffer is full")]
    ChannelFull,
}
