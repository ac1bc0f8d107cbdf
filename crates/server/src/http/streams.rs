//! What is live.

use axum::Json;
use engine::StreamStatus;

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
