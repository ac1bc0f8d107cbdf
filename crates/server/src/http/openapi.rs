//! The API's description, made from the handlers themselves.

use std::sync::Arc;

use axum::{
    Json, Router,
    http::{HeaderValue, header},
    routing::get,
};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{OpenApi, openapi::OpenApi as Description};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{State, cors, cues, events, health, people, streams, whep, whip};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shopcast",
        description = "Live video with product cards on the same frame for every viewer.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "streams", description = "What is live, who watches, and sending people away"),
        (name = "cues", description = "Cards: inserted once, on the same frame for every viewer"),
        (name = "webrtc", description = "Watching by WebRTC (WHEP)"),
        (name = "operations", description = "Health"),
    ),
)]
struct Api;

/// The described routes and their description.
pub(super) fn api() -> (Router<Arc<State>>, Description) {
    let fresh = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    let (v1, mut description) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(streams::list))
        .routes(routes!(streams::one, people::end))
        .routes(routes!(people::viewers))
        .routes(routes!(people::remove_viewer))
        .routes(routes!(people::remove_publisher))
        .routes(routes!(cues::insert, cues::list))
        .routes(routes!(cues::one))
        .routes(routes!(cues::state_at))
        .routes(routes!(events::follow))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .split_for_parts();
    let v1 = v1.layer(fresh).layer(cors::read_only());
    let (whep, more) = whep::router().split_for_parts();
    description.merge(more);
    let (whip, more) = whip::router().split_for_parts();
    description.merge(more);
    (v1.merge(whep).merge(whip), description)
}

/// `GET /openapi.json`.
pub(super) fn router(description: Description) -> Router<Arc<State>> {
    let description = Arc::new(description);
    let answer = move || {
        let description = Arc::clone(&description);
        async move { Json(description.as_ref().clone()) }
    };
    Router::new()
        .route("/openapi.json", get(answer))
        .layer(cors::read_only())
}
