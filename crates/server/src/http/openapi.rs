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

use super::{State, cors, cues, events, health, streams, webhooks, whep, whip};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shopcast",
        description = "Live video with product cards on the same frame for every viewer.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "streams", description = "What is live"),
        (name = "cues", description = "Cards: inserted once, on the same frame for every viewer"),
        (name = "webrtc", description = "Watching by WebRTC (WHEP)"),
        (name = "webhooks", description = "What receivers are sent, and what became of it"),
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
        .routes(routes!(streams::one))
        .routes(routes!(cues::insert, cues::list))
        .routes(routes!(cues::one))
        .routes(routes!(cues::state_at))
        .routes(routes!(events::follow))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .split_for_parts();
    let v1 = v1.layer(fresh.clone()).layer(cors::read_only());
    // The log of deliveries is the operator's, and no page's of another origin.
    let (own, more) = OpenApiRouter::new()
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::replay))
        .split_for_parts();
    description.merge(more);
    description.webhooks = Some(webhooks::described());
    let (whep, more) = whep::router().split_for_parts();
    description.merge(more);
    let (whip, more) = whip::router().split_for_parts();
    description.merge(more);
    let own = own.layer(fresh);
    (v1.merge(own).merge(whep).merge(whip), description)
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
