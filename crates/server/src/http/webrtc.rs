//! What WHEP and WHIP share: an offer is answered with a session, which takes candidates and is deleted (RFC 9725
//! sections 4.2 and 4.3, draft-ietf-wish-whep-04 sections 4.3 and 4.5).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::WebRtcAnswer;
use sfu::Refusal;

use super::{
    State,
    extract::{body, require_type},
    problem::{Kind, Problem},
};

/// The body of a request that must be an SDP offer.
pub(super) async fn offer_of(request: Request) -> Result<String, Problem> {
    require_type(request.headers(), &[SDP])?;
    text(&body(request, SDP_BYTES_MAX).await?)
}

/// 201 with the answer and the session's address below `endpoint`.
pub(super) fn created(state: &State, endpoint: &str, answer: WebRtcAnswer) -> Response {
    let name = state.sessions.name(answer.session);
    let location = format!("{endpoint}/{name}");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(SDP)),
        (
            header::LOCATION,
            HeaderValue::try_from(location).expect("names are plain ASCII"),
        ),
        (header::ETAG, etag(&name)),
    ];
    (StatusCode::CREATED, headers, answer.sdp).into_response()
}

/// Takes trickled candidates; they are not needed.
pub(super) async fn trickle(
    state: &State,
    name: &str,
    request: Request,
) -> Result<StatusCode, Problem> {
    let session = state.sessions.session(name).ok_or_else(no_such_session)?;
    require_type(request.headers(), &[FRAGMENT])?;
    match request
        .headers()
        .get(header::IF_MATCH)
        .map(HeaderValue::as_bytes)
    {
        // RFC 9725 section 4.3.3: "*" is how an ICE restart is asked for.
        Some(b"*") => return Err(refused(&Refusal::IceRestart)),
        Some(given) if given != etag(name).as_bytes() => {
            let detail = "`If-Match` is not the session's ETag; make a new session";
            return Err(Problem::new(Kind::PreconditionFailed, detail));
        }
        Some(_) | None => {}
    }
    let fragment = text(&body(request, SDP_BYTES_MAX).await?)?;
    state
        .shard
        .trickle(session, fragment)
        .await?
        .map_err(|error| refused(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session. An ETag does not matter.
pub(super) async fn leave(state: &State, name: &str) -> Result<StatusCode, Problem> {
    let session = state.sessions.session(name).ok_or_else(no_such_session)?;
    // RFC 9725 section 4.2: 200, which is what OBS looks for.
    if state.shard.leave(session).await? {
        Ok(StatusCode::OK)
    } else {
        Err(no_such_session())
    }
}

/// There is a session here, or was: a GET must not be an error.
pub(super) fn look_at_session(state: &State, name: &str) -> Result<StatusCode, Problem> {
    state
        .sessions
        .session(name)
        .map(|_| StatusCode::NO_CONTENT)
        .ok_or_else(no_such_session)
}

/// An endpoint's answer to OPTIONS: it takes offers.
pub(super) fn endpoint_options() -> (StatusCode, HeaderMap) {
    // draft-ietf-wish-whep-04 section 4.4: "SHOULD include Accept-Post".
    allowed(
        "GET, HEAD, OPTIONS, POST",
        HeaderName::from_static("accept-post"),
        SDP,
    )
}

/// A session's answer to OPTIONS.
pub(super) fn session_options() -> (StatusCode, HeaderMap) {
    allowed(
        "DELETE, GET, HEAD, OPTIONS, PATCH",
        HeaderName::from_static("accept-patch"),
        FRAGMENT,
    )
}

fn allowed(
    methods: &'static str,
    accept: HeaderName,
    types: &'static str,
) -> (StatusCode, HeaderMap) {
    let headers = [
        (accept, types),
        (header::ALLOW, methods),
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, If-Match",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (StatusCode::NO_CONTENT, HeaderMap::from_iter(headers))
}

/// What a refusal of the WebRTC side is answered with.
pub(super) fn refused(refusal: &Refusal) -> Problem {
    let (kind, retry_after) = match refusal {
        Refusal::Malformed(_)
        | Refusal::Direction { .. }
        | Refusal::Transport(_)
        | Refusal::TooLarge { .. }
        | Refusal::TooManyTracks(_) => (Kind::MalformedOffer, None),
        Refusal::NoIngestVideoCodec | Refusal::NoIngestAudioCodec | Refusal::NothingToReceive => {
            (Kind::OfferNotUsable, None)
        }
        Refusal::BFrames => (Kind::StreamNotPlayable, None),
        Refusal::NotReady => (Kind::NotLive, Some(1)),
        Refusal::Full => (Kind::Full, Some(FULL_RETRY_S)),
        Refusal::TooManyHalfOpen => (Kind::Full, Some(1)),
        Refusal::IceRestart => (Kind::IceRestartUnsupported, None),
        Refusal::NoSession => (Kind::NoSuchSession, None),
        Refusal::DuplicateSession => (Kind::Internal, None),
        Refusal::NoCommonVideoCodec { .. }
        | Refusal::NoCommonAudioCodec
        | Refusal::NothingToSend => (Kind::OfferNotAcceptable, None),
        // What is added later.
        _ => (Kind::OfferNotAcceptable, None),
    };
    let problem = Problem::new(kind, refusal.to_string());
    match retry_after {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

fn no_such_session() -> Problem {
    let detail = "there is no such session, or it is over; POST a new offer to the endpoint";
    Problem::new(Kind::NoSuchSession, detail)
}

/// Of the one ICE session that a session ever has: strong, and as unguessable as the name it is made of.
fn etag(name: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{name}\"")).expect("names are base64url")
}

fn text(body: &[u8]) -> Result<String, Problem> {
    match std::str::from_utf8(body) {
        Ok("") => Err(Problem::new(
            Kind::MalformedOffer,
            "the body is empty; send an SDP offer",
        )),
        Ok(text) => Ok(text.into()),
        Err(_) => Err(Problem::new(
            Kind::MalformedOffer,
            "the body is not UTF-8; SDP is (RFC 8866 section 5)",
        )),
    }
}

/// The type of offers and answers.
pub(super) const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// A browser's offer is 5 to 10 KiB.
const SDP_BYTES_MAX: usize = 64 << 10;
/// When to ask a full server again.
pub(super) const FULL_RETRY_S: u64 = 10;
