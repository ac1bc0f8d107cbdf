//! Watching by WebRTC: draft-ietf-wish-whep-04, with RFC 9725 for what it shares with WHIP.

use access::{Policy, SessionOf};
use axum::{
    extract::Request,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::{OfferError, StreamName};
use utoipa_axum::routes;

use super::{
    Shared, cors,
    extract::{Stream, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
    routes::{Part, Routes},
    web::Web,
    webrtc::{self, FULL_RETRY_S, SDP, refused},
};

/// The WHEP endpoint and its sessions.
pub(super) fn router(web: &Web) -> Part {
    let of_session = Policy::Session(SessionOf::Viewer);
    let endpoint = Routes::new().described(
        routes!(offer, look, probe),
        [
            (Method::POST, Policy::Watch),
            (Method::GET, Policy::Open),
            (Method::HEAD, Policy::Open),
        ],
    );
    let session = Routes::new().described(
        routes!(trickle, leave, look_at_session),
        [
            // It makes the session last longer, so an expired token does not do.
            (Method::PATCH, Policy::Watch),
            (Method::DELETE, of_session),
            (Method::GET, of_session),
        ],
    );
    webrtc::part(endpoint, session, &cors::watching(web))
}

/// Offers to watch a stream.
///
/// The offer is `recvonly` with the stream's video codec and Opus; candidates are not needed. A data channel
/// section (`negotiated: true, id: 0`, label `cues`) brings the side channel.
#[utoipa::path(
    post, path = "/whep/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    request_body(content = String, content_type = "application/sdp", description = "The SDP offer"),
    responses(
        (status = 201, description = "The SDP answer", body = String, content_type = "application/sdp",
            headers(("Location" = String, description = "The session"), ("ETag" = String, description = "Of the ICE session"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not a usable offer"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json",
            description = "No token, or not a good one"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "Not with this token"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "Not a stream's name"),
        (status = 406, body = ProblemBody, content_type = "application/problem+json", description = "No common codec"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "Not live; see Retry-After"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "More than 64 KiB"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not application/sdp"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
            description = "Its video would have to be encoded again, which is turned off here, or nothing here decodes it"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Full, or too busy to encode the video again; see Retry-After"),
    ),
)]
async fn offer(
    state: Shared,
    Stream(stream): Stream,
    request: Request,
) -> Result<Response, Problem> {
    let sdp = webrtc::offer_of(request).await?;
    let answer = state
        .shard
        .offer(stream.clone(), sdp)
        .await?
        .map_err(refusal)?;
    Ok(webrtc::created(&state, &endpoint(&stream), answer))
}

/// There is an endpoint here.
#[utoipa::path(
    get, path = "/whep/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    responses((status = 204, description = "Nothing to see")),
)]
async fn look(_stream: Stream) -> StatusCode {
    // Section 4.1: a GET must not be an error.
    StatusCode::NO_CONTENT
}

/// A WHEP endpoint says what it takes.
#[utoipa::path(
    head, path = "/whep/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    responses((status = 200, description = "Takes application/sdp")),
)]
async fn probe(_stream: Stream) -> impl IntoResponse {
    // Section 4.2: "Content-Type: application/sdp" tells a player what it has found.
    [(header::CONTENT_TYPE, SDP)]
}

/// Takes trickled candidates, which are not needed, or restarts ICE.
#[utoipa::path(
    patch, path = "/whep/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag", description = "RFC 8840"),
    responses(
        (status = 200, description = "ICE restarts: this side's new credentials and candidates", body = String,
            content_type = "application/trickle-ice-sdpfrag", headers(("ETag" = String, description = "Of the new ICE session"))),
        (status = 204, description = "Candidates taken"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not a fragment"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such session"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json", description = "Another If-Match"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not a fragment's type"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json", description = "No If-Match"),
    ),
)]
async fn trickle(
    state: Shared,
    StreamAnd(stream, name): StreamAnd,
    request: Request,
) -> Result<Response, Problem> {
    webrtc::patch(&state, &endpoint(&stream), &name, request).await
}

/// Ends the session. An ETag does not matter.
#[utoipa::path(
    delete, path = "/whep/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    responses(
        (status = 200, description = "Ended"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such session"),
    ),
)]
async fn leave(state: Shared, StreamAnd(stream, name): StreamAnd) -> Result<StatusCode, Problem> {
    webrtc::leave(&state, &endpoint(&stream), &name).await
}

/// There is a session here, or was.
#[utoipa::path(
    get, path = "/whep/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    responses((status = 204, description = "Nothing to see")),
)]
async fn look_at_session(
    state: Shared,
    StreamAnd(stream, name): StreamAnd,
) -> Result<StatusCode, Problem> {
    webrtc::look_at_session(&state, &endpoint(&stream), &name)
}

fn endpoint(stream: &StreamName) -> String {
    format!("/whep/{stream}")
}

fn refusal(error: OfferError) -> Problem {
    match error {
        OfferError::Refused(refusal) => refused(&refusal),
        // Section 4.3.8: 409 and Retry-After while nobody publishes.
        OfferError::NotLive(_) => {
            Problem::new(Kind::NotLive, error.to_string()).retry_after(NOT_LIVE_RETRY_S)
        }
        OfferError::Interrupted(_) => {
            Problem::new(Kind::Interrupted, error.to_string()).retry_after(NOT_LIVE_RETRY_S)
        }
        OfferError::Full(_) => {
            Problem::new(Kind::Full, error.to_string()).retry_after(FULL_RETRY_S)
        }
        // What is added later is refused for now rather than for good.
        _ => Problem::new(Kind::Unavailable, error.to_string()).retry_after(FULL_RETRY_S),
    }
}

const NOT_LIVE_RETRY_S: u64 = 2;
