//! What a refused offer is answered with.

use engine::OfferError;
use sfu::Refusal;

use super::super::problem::{Kind, Problem};

pub(super) fn no_such_session() -> Problem {
    let detail = "there is no such session, or it is over; POST a new offer to the endpoint";
    Problem::new(Kind::NoSuchSession, detail)
}

pub(super) fn refusal(error: OfferError) -> Problem {
    match error {
        OfferError::Refused(refusal) => refused(&refusal),
        // Section 4.3.8: 409 and Retry-After while nobody publishes.
        OfferError::NotLive(_) => {
            Problem::new(Kind::NotLive, error.to_string()).retry_after(NOT_LIVE_RETRY_S)
        }
        OfferError::Full(_) => {
            Problem::new(Kind::Full, error.to_string()).retry_after(FULL_RETRY_S)
        }
        // What is added later is refused for now rather than for good.
        _ => Problem::new(Kind::Unavailable, error.to_string()).retry_after(FULL_RETRY_S),
    }
}

pub(super) fn refused(refusal: &Refusal) -> Problem {
    let (kind, retry_after) = match refusal {
        Refusal::Malformed(_) | Refusal::Direction { .. } | Refusal::Transport(_) => {
            (Kind::MalformedOffer, None)
        }
        Refusal::TooLarge { .. } | Refusal::TooManyTracks(_) => (Kind::MalformedOffer, None),
        Refusal::NoCommonVideoCodec | Refusal::NoCommonAudioCodec | Refusal::NothingToSend => {
            (Kind::OfferNotAcceptable, None)
        }
        Refusal::BFrames => (Kind::StreamNotPlayable, None),
        Refusal::NotReady => (Kind::NotLive, Some(1)),
        Refusal::Full => (Kind::Full, Some(FULL_RETRY_S)),
        Refusal::TooManyHalfOpen => (Kind::Full, Some(1)),
        Refusal::IceRestart => (Kind::IceRestartUnsupported, None),
        Refusal::NoSession => (Kind::NoSuchSession, None),
        Refusal::DuplicateSession => (Kind::Internal, None),
        _ => (Kind::OfferNotAcceptable, None),
    };
    let problem = Problem::new(kind, refusal.to_string());
    match retry_after {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

const NOT_LIVE_RETRY_S: u64 = 2;
const FULL_RETRY_S: u64 = 10;
