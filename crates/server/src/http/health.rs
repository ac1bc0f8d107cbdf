//! Whether the process lives, and whether it can serve.

use axum::http::StatusCode;

use super::{
    Shared,
    problem::{Kind, Problem, ProblemBody},
};

/// The process answers.
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain")),
)]
pub(crate) async fn live() -> (StatusCode, &'static str) {
    (StatusCode::OK, "live\n")
}

/// The media thread answers and the server is not ending.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, description = "It serves", body = String, content_type = "text/plain"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "It is ending, or its media thread is stuck"),
    ),
)]
pub(crate) async fn ready(state: Shared) -> Result<&'static str, Problem> {
    if *state.draining.borrow() {
        let detail = "the server is ending; use another one";
        return Err(Problem::new(Kind::Unavailable, detail).retry_after(5));
    }
    state.shard.streams().await?;
    Ok("ready\n")
}
