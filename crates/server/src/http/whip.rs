//! Publishing by WebRTC: WHIP, RFC 9725.

use access::{Grant, Policy, SessionOf};
use axum::{
    Extension,
    extract::Request,
    http::{Method, StatusCode},
    response::Response,
};
use engine::{PublishError, StreamName};
use utoipa_axum::routes;

use super::{
    Shared, cors,
    extract::{Stream, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
    routes::{Part, Routes},
    web::Web,
    webrtc::{self, FULL_RETRY_S, refused},
};

/// The WHIP endpoint and its sessions.
pub(super) fn router(web: &Web) -> Part {
    let of_session = Policy::Session(SessionOf::Publisher);
    let endpoint = Routes::new().described(
        routes!(publish, look),
        [(Method::POST, Policy::Publish), (Method::GET, Policy::Open)],
    );
    let session = Routes::new().described(
        routes!(trickle, stop, look_at_session),
        [
            // It makes the session last longer, so an expired token does not do.
            (Method::PATCH, Policy::Publish),
            (Method::DELETE, of_session),
            (Method::GET, of_session),
        ],
    );
    webrtc::part(endpoint, session, &cors::publishing(web))
}

/// Offers to publish a stream.
///
/// The offer is `sendonly` with H.264 (packetization-mode=1), Opus or both; candidates are not needed. Without H.264 the
/// first of VP8, VP9 (profile-id 0 or 2) and AV1 (profile 0) in it is taken. A publisher that returns within the resume
/// window continues its stream.
#[utoipa::path(
    post, path = "/whip/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    request_body(content = String, content_type = "application/sdp", description = "The SDP offer"),
    responses(
        (status = 201, description = "The SDP answer", body = String, content_type = "application/sdp",
            headers(("Location" = String, description = "The session"), ("ETag" = String, description = "Of the ICE session"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not a usable offer"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json",
            description = "No stream key or token, or not a good one"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "Not with this key or token"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "Not a stream's name"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "Somebody else publishes the stream; see Retry-After"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "More than 64 KiB"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not application/sdp"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "No codec this server takes"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Full; see Retry-After"),
    ),
)]
async fn publish(
    state: Shared,
    Stream(stream): Stream,
    Extension(grant): Extension<Grant>,
    request: Request,
) -> Result<Response, Problem> {
    let sdp = webrtc::offer_of(request).await?;
    let answer = state
        .shard
        .publish(stream.clone(), sdp, grant)
        .await?
        .map_err(refusal)?;
    Ok(webrtc::created(&state, &endpoint(&stream), answer))
}

/// There is an endpoint here.
#[utoipa::path(
    get, path = "/whip/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    responses((status = 204, description = "Nothing to see")),
)]
async fn look(_stream: Stream) -> StatusCode {
    // Section 4.1: a GET must not be an error.
    StatusCode::NO_CONTENT
}

/// Takes trickled candidates, which are not needed, or restarts ICE.
#[utoipa::path(
    patch, path = "/whip/{stream}/{session}", tag = "webrtc",
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

/// Stops publishing. The stream waits for its publisher's return, as after a lost connection.
#[utoipa::path(
    delete, path = "/whip/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    responses(
        (status = 200, description = "Stopped"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such session"),
    ),
)]
async fn stop(state: Shared, StreamAnd(stream, name): StreamAnd) -> Result<StatusCode, Problem> {
    webrtc::leave(&state, &endpoint(&stream), &name).await
}

/// There is a session here, or was.
#[utoipa::path(
    get, path = "/whip/{stream}/{session}", tag = "webrtc",
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
    format!("/whip/{stream}")
}

fn refusal(error: PublishError) -> Problem {
    match error {
        PublishError::Refused(refusal) => refused(&refusal),
        PublishError::Taken(_) => {
            Problem::new(Kind::AlreadyPublished, error.to_string()).retry_after(TAKEN_RETRY_S)
        }
        PublishError::Full(_) => {
            Problem::new(Kind::Full, error.to_string()).retry_after(FULL_RETRY_S)
        }
        // What is added later is refused for now rather than for good.
        _ => Problem::new(Kind::Unavailable, error.to_string()).retry_after(FULL_RETRY_S),
    }
}

/// How long the other publisher must be silent to lose the stream.
const TAKEN_RETRY_S: u64 = 2;
