//! Why an offer was not answered.

use crate::{NotRepaired, Withheld};

/// Why an offer was not answered. The text names the element at fault and the remedy; nothing was
/// allocated.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The body is no SDP offer this server can read (400).
    #[error("malformed offer: {0}")]
    Malformed(&'static str),
    /// A limit of the parser (413 or 400).
    #[error("offer refused: more than {limit} {what}")]
    TooLarge {
        /// What there was too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
    /// A viewer does not ask to receive (draft-ietf-wish-whep-04 section 4.4.1), or a publisher not
    /// to send (RFC 9725 section 4.4.1) (400).
    #[error("m-line {mid} is {direction}: it must be {wanted} or sendrecv")]
    Direction {
        /// The media section's `a=mid`.
        mid: String,
        /// What it says.
        direction: &'static str,
        /// What it should say.
        wanted: &'static str,
    },
    /// More than one section of a kind (draft-ietf-wish-whep-04 section 4.4.2, RFC 9725 section
    /// 4.4.2) (422).
    #[error("more than one {0} m-line: a session carries one audio and one video track")]
    TooManyTracks(&'static str),
    /// A publisher offers no video codec this server takes; it gets no partial answer (RFC 9725
    /// section 4.4.3) (422).
    #[error(
        "no video codec this server takes: offer H.264 with packetization-mode=1, VP8, VP9 with \
         profile-id 0 or 2, or AV1 with profile 0"
    )]
    NoIngestVideoCodec,
    /// As above, for audio (422).
    #[error("no audio codec this server takes: offer opus/48000/2")]
    NoIngestAudioCodec,
    /// A publisher's offer has neither audio nor video (422).
    #[error("the offer has no audio and no video m-line to receive")]
    NothingToReceive,
    /// The codec of the stream's video was not offered (406).
    #[error("no common video codec: the stream is {codec}, offer it{parameter}")]
    NoCommonVideoCodec {
        /// The stream's.
        codec: &'static str,
        /// What the payload type's parameters must say, if anything: ` with profile-id=0`.
        parameter: String,
    },
    /// The stream's audio is sent as Opus and it was not offered (406).
    #[error("no common audio codec: the stream's audio is Opus, offer opus/48000/2")]
    NoCommonAudioCodec,
    /// What the offer asks for, the stream does not have (406).
    #[error("the stream has none of the tracks the offer asks for")]
    NothingToSend,
    /// The stream's video can neither be sent as it is nor repaired (422; 503 where it may be later).
    #[error("the stream has {}, which cannot be sent over WebRTC as it is, and {}", .0.has, remedy(.0.why))]
    Withheld(Withheld),
    /// The publisher has not said enough about the stream yet (409, retry).
    #[error("the stream's codec is not known yet, try again in a moment")]
    NotReady,
    /// All sessions are taken (503, retry later).
    #[error("no free session on this server, try again later")]
    Full,
    /// Too many viewers are connecting at once (503, retry later).
    #[error("too many sessions are still connecting, try again in a moment")]
    TooManyHalfOpen,
    /// The session identifier is in use already (a bug of the caller's numbering) (500).
    #[error("session identifier in use")]
    DuplicateSession,
    /// A PATCH that does not say which ICE session it is for (RFC 9725 section 4.3.1) (428).
    #[error("no `If-Match`: send the session's ETag with candidates, or \"*\" to restart ICE")]
    PreconditionMissing,
    /// A PATCH for an ICE session that has been replaced, or never was (412).
    #[error("the ICE session is another by now: send its latest ETag, or restart ICE with \"*\"")]
    PreconditionFailed,
    /// There is no such session (404).
    #[error("no such session")]
    NoSession,
    /// The transport library could not use the offer (400).
    #[error("offer not usable: {0}")]
    Transport(String),
}

const fn remedy(why: NotRepaired) -> &'static str {
    match why {
        NotRepaired::Busy => {
            "this server has no power left to encode it again: try again later, or watch by LL-HLS"
        }
        NotRepaired::Fails => {
            "what encodes it again has failed on this server several times: try again later, or watch by LL-HLS"
        }
        NotRepaired::Off => {
            "this server is not to encode it again (`transcoder.repair_percent` is 0): in OBS choose the encoder H.264, Tune \
             zerolatency or the x264 option bframes=0 (NVENC: Max B-frames 0) and a profile other than High 4:2:2 or 4:4:4; \
             or watch by LL-HLS"
        }
        NotRepaired::NotDecoded => {
            "this server does not decode it to encode it again (the Debian package gstreamer1.0-plugins-bad is missing there): \
             publish H.264, or watch by LL-HLS"
        }
    }
}
