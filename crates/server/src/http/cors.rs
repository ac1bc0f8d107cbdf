//! Who may do what from a page of another origin. Credentials (cookies) never matter here.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, Method, header},
};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use super::{State, method_not_allowed, web::Web};
use crate::config::AllowedOrigins;

/// Puts `layer` around everything `router` answers, preflights before all.
pub(super) fn around(router: Router<Arc<State>>, layer: CorsLayer) -> Router<Arc<State>> {
    // A fallback that axum sets later would take the place of the layered one, and answer preflights with 405.
    router
        .method_not_allowed_fallback(method_not_allowed)
        .layer(layer)
}

/// What anybody may read: live video is public by default, and players live on shops' own pages.
pub(super) fn reading(web: &Web) -> CorsLayer {
    let layer = CorsLayer::new().allow_origin(origins(web));
    let layer = match web.allowed_origins {
        // The answer is the same for every origin; saying otherwise would have caches keep it once for each.
        AllowedOrigins::Any => layer.vary([]),
        AllowedOrigins::These(_) => layer,
    };
    layer
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::RANGE, header::AUTHORIZATION])
        .expose_headers(READ_OUT)
        .max_age(PREFLIGHT_AGE)
}

/// What reads and writes under one path: any page that may read may write too when writing takes a token, because a
/// token is something the page must have been given. Without tokens none may: its preflight lacks `Content-Type`.
pub(super) fn writing(web: &Web) -> CorsLayer {
    if !web.changes_take_token {
        return reading(web);
    }
    let key = HeaderName::from_static("idempotency-key");
    let allowed = [
        header::RANGE,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MATCH,
        key,
    ];
    reading(web).allow_methods(METHODS).allow_headers(allowed)
}

/// Playing by WHEP.
pub(super) fn watching(web: &Web) -> CorsLayer {
    sessions().allow_origin(origins(web))
}

/// Publishing by WHIP: from pages of this server's own origin, and from others when it takes a token.
pub(super) fn publishing(web: &Web) -> CorsLayer {
    match web.publishing_takes_key {
        true => sessions().allow_origin(origins(web)),
        false => sessions().allow_origin(AllowOrigin::list([])),
    }
}

/// What the endpoints and sessions of RFC 9725 need. Section 4.2: they "MUST support OPTIONS requests for CORS".
fn sessions() -> CorsLayer {
    CorsLayer::new()
        .allow_methods(METHODS)
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
        ])
        .expose_headers([
            header::LOCATION,
            header::ETAG,
            header::LINK,
            HeaderName::from_static("accept-patch"),
            HeaderName::from_static("accept-post"),
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
        ])
        .max_age(PREFLIGHT_AGE)
}

fn origins(web: &Web) -> AllowOrigin {
    match &web.allowed_origins {
        AllowedOrigins::Any => Any.into(),
        AllowedOrigins::These(origins) => AllowOrigin::list(origins.iter().cloned()),
    }
}

const METHODS: [Method; 6] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
];

/// A player's clock reads `Date` and `Age` (hls.js derives the live edge from them), its meter the lengths.
const READ_OUT: [HeaderName; 7] = [
    header::AGE,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::DATE,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
];

/// Browsers keep an answer for two hours at most.
const PREFLIGHT_AGE: Duration = Duration::from_hours(1);
