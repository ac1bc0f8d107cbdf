//! Publishing by WebRTC: WHIP, RFC 9725.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::PublishError;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared, State,
    extract::{Stream, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
    webrtc::{self, FULL_RETRY_S, refused},
};

/// The WHIP endpoint and its sessions. Pages of other origins may not publish: this version has no tokens.
pub(super) fn router() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(publish, look, options))
        .routes(routes!(trickle, stop, look_at_session, session_options))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
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
    request: Request,
) -> Result<Response, Problem> {
    let sdp = webrtc::offer_of(request).await?;
    let answer = state
        .shard
        .publish(stream.clone(), sdp)
        .await?
        .map_err(refusal)?;
    Ok(webrtc::created(&state, &format!("/whip/{stream}"), answer))
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

/// What is allowed here, for whoever asks.
#[utoipa::path(
    options, path = "/whip/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    responses((status = 204, description = "See the headers")),
)]
async fn options(_stream: Stream) -> impl IntoResponse {
    webrtc::endpoint_options()
}

/// Takes trickled candidates; they are not needed.
#[utoipa::path(
    patch, path = "/whip/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag", description = "RFC 8840"),
    responses(
        (status = 204, description = "Taken"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not a fragment"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such session"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json", description = "Another If-Match"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not a fragment's type"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "An ICE restart"),
    ),
)]
async fn trickle(
    state: Shared,
    StreamAnd(_stream, name): StreamAnd,
    request: Request,
) -> Result<StatusCode, Problem> {
    webrtc::trickle(&state, &name, request).await
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
async fn stop(state: Shared, StreamAnd(_stream, name): StreamAnd) -> Result<StatusCode, Problem> {
    webrtc::leave(&state, &name).await
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
    StreamAnd(_stream, name): StreamAnd,
) -> Result<StatusCode, Problem> {
    webrtc::look_at_session(&state, &name)
}

/// What is allowed here, for whoever asks.
#[utoipa::path(
    options, path = "/whip/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    responses((status = 204, description = "See the headers")),
)]
async fn session_options(_session: StreamAnd) -> impl IntoResponse {
    webrtc::session_options()
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
