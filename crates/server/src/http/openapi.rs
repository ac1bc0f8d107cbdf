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

use super::{
    Audience, Part, State, Web, cors, cues, embeddable, events, health, people, streams, webhooks, whep, whip,
};

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
        (name = "webhooks", description = "What receivers are sent, and what became of it"),
        (name = "operations", description = "Health"),
    ),
)]
struct Api;

/// The described routes and their description.
pub(super) fn api(web: &Web) -> (Vec<Part>, Description) {
    let reading = OpenApiRouter::new()
        .routes(routes!(streams::list))
        .routes(routes!(cues::one))
        .routes(routes!(cues::state_at))
        .routes(routes!(events::follow))
        .split_for_parts();
    let writing = OpenApiRouter::new()
        .routes(routes!(cues::insert, cues::list))
        .routes(routes!(streams::one, people::end))
        .routes(routes!(people::viewers))
        .routes(routes!(people::remove_viewer))
        .routes(routes!(people::remove_publisher))
        .split_for_parts();
    let health = OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .split_for_parts();
    let fresh = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    let own = OpenApiRouter::new()
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::replay))
        .split_for_parts();
    let with = |router, layer| cors::around(router, layer).layer(fresh.clone());
    let described = [
        (
            Audience::Viewers,
            with(reading.0, cors::reading(web)).layer(embeddable()),
            reading.1,
        ),
        (
            Audience::Viewers,
            with(writing.0, cors::writing(web)).layer(embeddable()),
            writing.1,
        ),
        (
            Audience::Everyone,
            with(health.0, cors::reading(web)),
            health.1,
        ),
        // The log of deliveries is the operator's, and no page's of another origin.
        (Audience::Operators, own.0.layer(fresh.clone()), own.1),
    ];
    let (whep, whip) = (whep::router(web), whip::router(web));
    let webrtc = [whep, whip].map(|(router, more)| (Audience::Viewers, router, more));
    let mut description = Api::openapi();
    description.webhooks = Some(webhooks::described());
    let mut parts = Vec::new();
    for (audience, router, more) in described.into_iter().chain(webrtc) {
        description.merge(more);
        parts.push((audience, router));
    }
    (parts, description)
}

/// `GET /openapi.json`.
pub(super) fn router(description: Description, web: &Web) -> Router<Arc<State>> {
    let description = Arc::new(description);
    let answer = move || {
        let description = Arc::clone(&description);
        async move { Json(description.as_ref().clone()) }
    };
    cors::around(
        Router::new().route("/openapi.json", get(answer)),
        cors::reading(web),
    )
}
