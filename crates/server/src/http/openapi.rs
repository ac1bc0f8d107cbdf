//! The API's description, made from the handlers themselves.

use std::sync::Arc;

use access::Policy;
use axum::{
    Json,
    http::{HeaderValue, Method, header},
    routing::get,
};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Description,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::routes;

use super::{cors, cues, events, health, keys, routes::Routes, streams, whep, whip};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shopcast",
        description = "Live video with product cards on the same frame for every viewer.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&Bearer),
    security((), ("bearer" = [])),
    tags(
        (name = "streams", description = "What is live"),
        (name = "cues", description = "Cards: inserted once, on the same frame for every viewer"),
        (name = "webrtc", description = "Watching (WHEP) and publishing (WHIP) by WebRTC"),
        (name = "keys", description = "Stream keys: who may publish"),
        (name = "operations", description = "Health"),
    ),
)]
struct Api;

/// How a token is sent: an API token, a signed token or, to publish, a stream key. `docs/access.md` says where which.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut Description) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The described routes and their description.
pub(super) fn api() -> Routes {
    let fresh = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    let read = |policy| [(Method::GET, policy)];
    let v1 = Routes::new()
        .described(routes!(streams::list), read(Policy::Api))
        .described(routes!(streams::one), read(Policy::Status))
        .described(
            routes!(cues::insert, cues::list),
            [(Method::POST, Policy::Cues), (Method::GET, Policy::Watch)],
        )
        .described(routes!(cues::one), read(Policy::Watch))
        .described(routes!(cues::state_at), read(Policy::Watch))
        .described(routes!(events::follow), read(Policy::Watch))
        .described(
            routes!(keys::create, keys::list),
            [(Method::POST, Policy::Api), (Method::GET, Policy::Api)],
        )
        .described(routes!(keys::rotate), [(Method::POST, Policy::Api)])
        .described(routes!(keys::revoke), [(Method::DELETE, Policy::Api)])
        .described(routes!(health::live), read(Policy::Open))
        .described(routes!(health::ready), read(Policy::Open));
    v1.layer(fresh)
        .layer(cors::read_only())
        .merge(whep::router())
        .merge(whip::router())
}

/// What is said of the whole.
pub(super) fn head() -> Description {
    Api::openapi()
}

/// `GET /openapi.json`.
pub(super) fn router(description: Description) -> Routes {
    let description = Arc::new(description);
    let answer = move || {
        let description = Arc::clone(&description);
        async move { Json(description.as_ref().clone()) }
    };
    Routes::new()
        .plain("/openapi.json", get(answer), [(Method::GET, Policy::Open)])
        .layer(cors::read_only())
}
