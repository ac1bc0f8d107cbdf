//! What is live, and ending it.

use axum::{Json, http::StatusCode};
use engine::StreamStatus;
use tracing::info;

use super::{
    Shared, State,
    extract::Stream,
    problem::{Problem, ProblemBody},
    stream_view::{StreamList, StreamView, Viewers},
};
use crate::io::clock;

/// All streams with their state, tracks and viewers.
#[utoipa::path(
    get, path = "/v1/streams", tag = "streams",
    responses((status = 200, description = "By name", body = StreamList)),
)]
pub(crate) async fn list(state: Shared) -> Result<Json<StreamList>, Problem> {
    let streams = state.shard.streams().await?;
    let streams = streams
        .into_iter()
        .map(|status| view(&state, status))
        .collect();
    Ok(Json(StreamList { streams }))
}

/// One stream.
#[utoipa::path(
    get, path = "/v1/streams/{stream}", tag = "streams",
    params(("stream" = String, Path, description = "The stream's name")),
    responses(
        (status = 200, description = "The stream", body = StreamView),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
    ),
)]
pub(crate) async fn one(
    state: Shared,
    Stream(stream): Stream,
) -> Result<Json<StreamView>, Problem> {
    let status = state.shard.stream(stream.clone()).await?;
    let status = status.ok_or_else(|| Problem::no_such_stream(stream.as_str()))?;
    Ok(Json(view(&state, status)))
}

/// Ends a stream now.
///
/// Its publisher and its WebRTC viewers are disconnected, its playlists get `EXT-X-ENDLIST`, and its side channels say
/// `ended` and end. A publisher of the same name begins a new stream.
#[utoipa::path(
    delete, path = "/v1/streams/{stream}", tag = "streams",
    params(("stream" = String, Path, description = "The stream's name")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
    ),
)]
pub(crate) async fn end(state: Shared, Stream(stream): Stream) -> Result<StatusCode, Problem> {
    state.shard.end_stream(stream.clone()).await??;
    info!(%stream, "the stream was ended by the API");
    Ok(StatusCode::NO_CONTENT)
}

fn view(state: &State, status: StreamStatus) -> StreamView {
    let viewers = viewers(state, &status);
    StreamView::new(status, viewers)
}

/// Who watches a stream, by protocol.
pub(super) fn viewers(state: &State, status: &StreamStatus) -> Viewers {
    let origin = state.origins.get(&status.name);
    Viewers {
        webrtc: status.whep_viewers,
        hls: origin.map_or(0, |origin| origin.viewers(clock::monotonic())),
        events: state.side.followers(&status.name),
    }
}
