//! Who may read what from another origin.

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{Any, CorsLayer};

/// Anything may be read from anywhere: live video is public, and players live on shops' own pages. What changes
/// something needs a JSON body, whose `Content-Type` a browser sends only after a preflight that is not granted here.
pub(crate) fn read_only() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::AUTHORIZATION, header::RANGE])
        .expose_headers(EXPOSED)
        // The answer is the same for every origin; saying otherwise would have caches keep it once for each.
        .vary([])
}

/// A player's clock reads `Date` and `Age` (hls.js derives the live edge from them), its meter the lengths.
const EXPOSED: [HeaderName; 6] = [
    header::AGE,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::DATE,
    header::LOCATION,
    header::RETRY_AFTER,
];
