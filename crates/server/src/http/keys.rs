//! Stream keys: made, listed, replaced and revoked. A key's text is in the answer that makes it, and nowhere else.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cues::rfc3339_millis;
use engine::StreamName;
use media::UnixMillis;
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;

use super::{
    Shared,
    extract::{JsonBody, Stream, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
};
use crate::{
    io::clock,
    keys::{KeysError, Listed, Made},
};

/// A stream key as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// Its public name.
    #[schema(example = "8c1f0a52b7d3e964")]
    id: String,
    /// The one stream it publishes.
    stream: String,
    #[schema(format = DateTime)]
    created: String,
    /// When it ends, after it was replaced.
    #[schema(format = DateTime)]
    expires: Option<String>,
}

/// A stream key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyView {
    #[serde(flatten)]
    listed: KeyView,
    /// What to type into the encoder as stream key. Not shown again.
    #[schema(example = "sk_fXx0Vd2e3q1zJr8mC4TtB7yKQ9uWn5aGhLpEoRiS6Yk")]
    key: String,
}

/// The keys of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// Oldest first.
    keys: Vec<KeyView>,
}

/// What a new key is to be. Nothing can be chosen; an object is asked for, because a page on another origin can send
/// none without being allowed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {}

/// How a key is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateBody {
    /// How long the old key still works, milliseconds, up to 30 days; without it, not at all.
    #[serde(default)]
    grace_ms: u64,
}

/// Makes a key for a stream, which need not exist yet.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/keys", tag = "keys",
    params(("stream" = String, Path, description = "The stream's name")),
    request_body = CreateBody,
    responses(
        (status = 201, description = "The key, shown once", body = NewKeyView,
            headers(("Location" = String, description = "The key"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not the body it should be"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "No API token"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "Not the API token"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "Not a stream's name"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "As many keys as may be"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not JSON"),
    ),
)]
pub(crate) async fn create(
    state: Shared,
    Stream(stream): Stream,
    JsonBody(CreateBody {}): JsonBody<CreateBody, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let made = state.gate.keys.create(&stream, clock::wall()).await;
    let made = made.map_err(|error| problem(&error))?;
    info!(%stream, key = made.listed.id, "stream key made");
    Ok(created(&stream, made))
}

/// The keys of a stream that have not ended; never the keys themselves.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/keys", tag = "keys",
    params(("stream" = String, Path, description = "The stream's name")),
    responses(
        (status = 200, description = "Oldest first", body = KeyList),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "No API token"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "Not the API token"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "Not a stream's name"),
    ),
)]
pub(crate) async fn list(state: Shared, Stream(stream): Stream) -> Result<Json<KeyList>, Problem> {
    let keys = state.gate.keys.list(&stream, clock::wall()).await;
    let keys = keys.map_err(|error| problem(&error))?;
    let keys = keys.into_iter().map(KeyView::from).collect();
    Ok(Json(KeyList { keys }))
}

/// Makes a key in the place of another, which ends at once or after a while.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/keys/{id}/rotate", tag = "keys",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("id" = String, Path, description = "The old key's public name"),
    ),
    request_body = RotateBody,
    responses(
        (status = 201, description = "The new key, shown once", body = NewKeyView,
            headers(("Location" = String, description = "The key"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not the body it should be"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "No API token"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "Not the API token"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such key"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "As many keys as may be"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not JSON"),
    ),
)]
pub(crate) async fn rotate(
    state: Shared,
    StreamAnd(stream, id): StreamAnd,
    JsonBody(RotateBody { grace_ms }): JsonBody<RotateBody, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let grace = Duration::from_millis(grace_ms);
    if grace > GRACE_MAX {
        let detail = "`grace_ms` must be at most 2592000000, which is 30 days";
        return Err(Problem::new(Kind::InvalidField, detail));
    }
    let gate = Arc::clone(&state.gate);
    let made = to_the_end(async move {
        let now = clock::wall();
        let ends = UnixMillis(now.0 + i64::try_from(grace_ms).unwrap_or(0));
        let made = gate.keys.rotate(&stream, &id, ends, now).await;
        gate.publishing.look(&stream, &id, grace);
        let made = made?;
        info!(%stream, old = id, new = made.listed.id, ?grace, "stream key replaced");
        Ok(created(&stream, made))
    });
    made.await
}

/// Ends a key for good, and disconnects whoever publishes with it.
#[utoipa::path(
    delete, path = "/v1/streams/{stream}/keys/{id}", tag = "keys",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("id" = String, Path, description = "The key's public name"),
    ),
    responses(
        (status = 204, description = "Revoked"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "No API token"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "Not the API token"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such key"),
    ),
)]
pub(crate) async fn revoke(
    state: Shared,
    StreamAnd(stream, id): StreamAnd,
) -> Result<StatusCode, Problem> {
    let gate = Arc::clone(&state.gate);
    let revoked = to_the_end(async move {
        let revoked = gate.keys.revoke(&stream, &id).await;
        // Who asks again because the first answer was lost gets 404, and nobody publishes with the key all the same.
        gate.publishing.look(&stream, &id, Duration::ZERO);
        revoked?;
        info!(%stream, key = id, "stream key revoked");
        Ok(StatusCode::NO_CONTENT)
    });
    revoked.await
}

/// Makes a change of keys and what has to follow it, also when whoever asked for it hangs up meanwhile.
async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, KeysError>> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::spawn(change).await {
        Ok(changed) => changed.map_err(|error| problem(&error)),
        Err(_) => Err(Problem::new(
            Kind::Internal,
            "the change of keys failed; report it",
        )),
    }
}

fn created(stream: &StreamName, made: Made) -> Response {
    let location = format!("/v1/streams/{stream}/keys/{}", made.listed.id);
    let location = HeaderValue::try_from(location).expect("stream names and ids are plain ASCII");
    let view = NewKeyView {
        key: made.key.text().into(),
        listed: made.listed.into(),
    };
    (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(view),
    )
        .into_response()
}

impl From<Listed> for KeyView {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            stream: listed.stream,
            created: rfc3339_millis(listed.created),
            expires: listed.expires.map(rfc3339_millis),
        }
    }
}

fn problem(error: &KeysError) -> Problem {
    let kind = match error {
        KeysError::Full { .. } => Kind::KeysFull,
        KeysError::NoKey { .. } => Kind::NoSuchKey,
        KeysError::Store(_) => {
            return Problem::new(Kind::Unavailable, error.to_string()).retry_after(1);
        }
    };
    Problem::new(kind, error.to_string())
}

const BODY_BYTES_MAX: usize = 1 << 10;
const GRACE_MAX: Duration = Duration::from_secs(30 * 86_400);
