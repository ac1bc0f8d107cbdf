//! Who watches, and sending people away: a viewer, the publisher.

use axum::{Json, http::StatusCode};
use cues::rfc3339_millis;
use engine::{RemoveError, ViewerStatus};
use serde::Serialize;
use tracing::info;
use utoipa::ToSchema;

use super::{
    Shared,
    extract::{Stream, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
};

/// Those who watch by WebRTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewerList {
    /// In the order in which they came.
    viewers: Vec<ViewerView>,
}

/// One WebRTC viewer. Nothing here says who it is or where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewerView {
    /// Never used again. Not the name in its session's address, which only the viewer knows.
    #[schema(example = "17")]
    id: String,
    /// When it connected.
    #[schema(format = DateTime)]
    joined: String,
}

impl From<ViewerStatus> for ViewerView {
    fn from(viewer: ViewerStatus) -> Self {
        Self {
            id: viewer.session.to_string(),
            joined: rfc3339_millis(viewer.joined),
        }
    }
}

/// The connected WebRTC viewers of a stream.
///
/// LL-HLS viewers have no session, so they are counted only.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/viewers", tag = "streams",
    params(("stream" = String, Path, description = "The stream's name")),
    responses(
        (status = 200, description = "In the order in which they came", body = ViewerList),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
    ),
)]
pub(crate) async fn viewers(
    state: Shared,
    Stream(stream): Stream,
) -> Result<Json<ViewerList>, Problem> {
    let viewers = state.shard.viewers(stream.clone()).await?;
    let viewers = viewers.ok_or_else(|| Problem::no_such_stream(stream.as_str()))?;
    let viewers = viewers.into_iter().map(ViewerView::from).collect();
    Ok(Json(ViewerList { viewers }))
}

/// Disconnects a WebRTC viewer.
///
/// It may come again for as long as its token is good.
#[utoipa::path(
    delete, path = "/v1/streams/{stream}/viewers/{id}", tag = "streams",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("id" = String, Path, description = "The viewer's id"),
    ),
    responses(
        (status = 204, description = "Disconnected"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream or viewer"),
    ),
)]
pub(crate) async fn remove_viewer(
    state: Shared,
    StreamAnd(stream, id): StreamAnd,
) -> Result<StatusCode, Problem> {
    let session = id.parse().map_err(|_| {
        let detail = "a viewer's id is a decimal number; take it from GET …/viewers";
        Problem::new(Kind::NoSuchViewer, detail)
    })?;
    state.shard.remove_viewer(stream.clone(), session).await??;
    info!(%stream, session, "a viewer was removed by the API");
    Ok(StatusCode::NO_CONTENT)
}

/// Disconnects the publisher.
///
/// The stream is interrupted and waits for its return, as after any lost connection. RTMP encoders are told
/// `NetStream.Publish.Denied`, at which OBS stops; whoever has a good key may come again.
#[utoipa::path(
    delete, path = "/v1/streams/{stream}/publisher", tag = "streams",
    params(("stream" = String, Path, description = "The stream's name")),
    responses(
        (status = 204, description = "Disconnected"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "No such stream, or nobody publishes it"),
    ),
)]
pub(crate) async fn remove_publisher(
    state: Shared,
    Stream(stream): Stream,
) -> Result<StatusCode, Problem> {
    state.shard.remove_publisher(stream.clone()).await??;
    info!(%stream, "the publisher was removed by the API");
    Ok(StatusCode::NO_CONTENT)
}

impl From<RemoveError> for Problem {
    fn from(error: RemoveError) -> Self {
        let kind = match error {
            RemoveError::Unpublished(_) => Kind::NoSuchPublisher,
            RemoveError::UnknownViewer { .. } => Kind::NoSuchViewer,
            // What is added later is about a stream, too.
            RemoveError::UnknownStream(_) | _ => Kind::NoSuchStream,
        };
        Self::new(kind, error.to_string())
    }
}
