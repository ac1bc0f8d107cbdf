//! Watching by WebRTC: draft-ietf-wish-whep-04, with RFC 9725 for what it shares with WHIP.

mod refusal;

use std::sync::Arc;

use axum::{
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sfu::Refusal;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared, State,
    extract::{Stream, StreamAnd, body, require_type},
    problem::{Kind, Problem, ProblemBody},
};
use refusal::{no_such_session, refusal, refused};

/// The WHEP endpoint and its sessions, with the headers of a cross-origin player on every answer.
pub(super) fn router() -> OpenApiRouter<Arc<State>> {
    let always = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    OpenApiRouter::new()
        .routes(routes!(offer, look, probe, options))
        .routes(routes!(
            trickle,
            leave,
            look_at_session,
            probe_session,
            session_options
        ))
        .layer(DefaultBodyLimit::max(SDP_BYTES_MAX))
        .layer(always(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .layer(always(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
}

/// Offers to watch a stream.
///
/// The offer is `recvonly` with H.264 (packetization-mode=1) and Opus; candidates are not needed. A data channel
/// section (`negotiated: true, id: 0`, label `cues`) brings the side channel.
#[utoipa::path(
    post, path = "/whep/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    request_body(content = String, content_type = "application/sdp", description = "The SDP offer"),
    responses(
        (status = 201, description = "The SDP answer", body = String, content_type = "application/sdp",
            headers(("Location" = String, description = "The session"), ("ETag" = String, description = "Of the ICE session"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not a usable offer"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "Not a stream's name"),
        (status = 406, body = ProblemBody, content_type = "application/problem+json", description = "No common codec"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "Not live; see Retry-After"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "More than 64 KiB"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not application/sdp"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
            description = "The stream has B-frames"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Full; see Retry-After"),
    ),
)]
async fn offer(
    state: Shared,
    Stream(stream): Stream,
    request: Request,
) -> Result<Response, Problem> {
    require_type(request.headers(), &[SDP])?;
    let sdp = text(&body(request, &()).await?)?;
    let answer = state
        .shard
        .offer(stream.clone(), sdp)
        .await?
        .map_err(refusal)?;
    let name = state.sessions.name(answer.session);
    let location = format!("/whep/{stream}/{name}");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(SDP)),
        (
            header::LOCATION,
            HeaderValue::try_from(location).expect("names are plain ASCII"),
        ),
        (header::ETAG, etag(&name)),
    ];
    Ok((StatusCode::CREATED, headers, answer.sdp).into_response())
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

/// What is allowed here, for CORS and for whoever asks.
#[utoipa::path(
    options, path = "/whep/{stream}", tag = "webrtc",
    params(("stream" = String, Path, description = "The stream's name")),
    responses((status = 204, description = "See the headers")),
)]
async fn options(_stream: Stream) -> impl IntoResponse {
    // Section 4.4: "SHOULD include Accept-Post".
    allowed(
        "GET, HEAD, OPTIONS, POST",
        HeaderName::from_static("accept-post"),
        SDP,
    )
}

/// Takes trickled candidates; they are not needed.
#[utoipa::path(
    patch, path = "/whep/{stream}/{session}", tag = "webrtc",
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
    let session = state.sessions.session(&name).ok_or_else(no_such_session)?;
    require_type(request.headers(), &[FRAGMENT])?;
    match request
        .headers()
        .get(header::IF_MATCH)
        .map(HeaderValue::as_bytes)
    {
        // RFC 9725 section 4.3.3: "*" is how an ICE restart is asked for.
        Some(b"*") => return Err(refused(&Refusal::IceRestart)),
        Some(given) if given != etag(&name).as_bytes() => {
            let detail = "`If-Match` is not the session's ETag; make a new session";
            return Err(Problem::new(Kind::PreconditionFailed, detail));
        }
        Some(_) | None => {}
    }
    let fragment = text(&body(request, &()).await?)?;
    state
        .shard
        .trickle(session, fragment)
        .await?
        .map_err(|error| refused(&error))?;
    Ok(StatusCode::NO_CONTENT)
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
async fn leave(state: Shared, StreamAnd(_stream, name): StreamAnd) -> Result<StatusCode, Problem> {
    let session = state.sessions.session(&name).ok_or_else(no_such_session)?;
    // RFC 9725 section 4.2: 200, which is what OBS looks for.
    if state.shard.leave(session).await? {
        Ok(StatusCode::OK)
    } else {
        Err(no_such_session())
    }
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
    StreamAnd(_stream, name): StreamAnd,
) -> Result<StatusCode, Problem> {
    state
        .sessions
        .session(&name)
        .map(|_| StatusCode::NO_CONTENT)
        .ok_or_else(no_such_session)
}

/// As GET.
#[utoipa::path(
    head, path = "/whep/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    responses((status = 204, description = "Nothing to see")),
)]
async fn probe_session(state: Shared, path: StreamAnd) -> Result<StatusCode, Problem> {
    look_at_session(state, path).await
}

/// What is allowed here, for CORS and for whoever asks.
#[utoipa::path(
    options, path = "/whep/{stream}/{session}", tag = "webrtc",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "The session's name"),
    ),
    responses((status = 204, description = "See the headers")),
)]
async fn session_options(_session: StreamAnd) -> impl IntoResponse {
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

/// Of the one ICE session that a session ever has: strong, and as unguessable as the name it is made of.
fn etag(name: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{name}\"")).expect("names are base64url")
}

fn text(body: &[u8]) -> Result<String, Problem> {
    match std::str::from_utf8(body) {
        Ok("") => Err(Problem::new(
            Kind::MalformedOffer,
            "the body is empty; send the player's SDP offer",
        )),
        Ok(text) => Ok(text.into()),
        Err(_) => Err(Problem::new(
            Kind::MalformedOffer,
            "the body is not UTF-8; SDP is (RFC 8866 section 5)",
        )),
    }
}

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// A browser's offer is 5 to 10 KiB.
const SDP_BYTES_MAX: usize = 64 << 10;
const EXPOSED: &str =
    "Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After, WWW-Authenticate";
