//! Pages: the list of what is live, the page to watch, the page to go live, and their files.

use access::Policy;
use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};
use tower_http::set_header::SetResponseHeaderLayer;

use super::{
    Audience, Shared, cors,
    extract::Stream,
    problem::{Kind, Problem},
    routes::{Part, Routes},
    stream_view::StateName,
    web::{Web, embeddable},
};
use crate::config::FrameAncestors;

/// What `npm run build` in `web/` makes; a build of the server without it works and says what is missing.
#[derive(Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

pub(super) fn router(web: &Web) -> Part {
    // A page holds no secret: what its script asks for is where the token counts.
    let page = |path, handler| {
        let routes = Routes::new().plain(path, handler, [(Method::GET, Policy::Open)]);
        Part::new(Audience::Viewers, routes)
    };
    let own = FrameAncestors::default();
    // A player on a shop's own page loads its script from here.
    let player = page("/player/{*path}", get(file))
        .cors(cors::reading(web))
        .map(|router| router.layer(embeddable()));
    let others = page("/", get(index)).merge(player);
    guard(
        page("/watch/{stream}", get(watch)),
        &web.frame_ancestors,
        NO_DEVICES,
    )
    .merge(guard(
        page("/golive/{stream}", get(golive)),
        &own,
        OWN_DEVICES,
    ))
    .merge(guard(others, &own, NO_DEVICES))
}

/// A page may do what it needs: scripts and styles are files of this server, and a script's text is never made of data.
fn guard(pages: Part, ancestors: &FrameAncestors, devices: &'static str) -> Part {
    let policy = format!("{POLICY}; frame-ancestors {}", ancestors.as_str());
    let policy = HeaderValue::try_from(policy).expect("ancestors are plain ASCII");
    let devices = HeaderValue::from_static(devices);
    let always = SetResponseHeaderLayer::<HeaderValue>::overriding;
    pages.map(|router| {
        router
            .layer(always(header::CONTENT_SECURITY_POLICY, policy))
            .layer(always(
                HeaderName::from_static("permissions-policy"),
                devices,
            ))
    })
}

/// `GET /`: what is live, each a link. Where only the API token lists streams, so it is here.
async fn index(state: Shared) -> Result<Html<String>, Problem> {
    if state.gate.settings().is_guarded(Policy::Api) {
        let how = "<h1>Shopcast</h1>\n<p>Streams are listed for operators: <code>GET /v1/streams</code> with the API \
                   token.</p>\n<p><a href=\"/openapi.json\">API</a></p>";
        return Ok(Html(page("Shopcast", how)));
    }
    let mut items = String::new();
    for status in state.shard.streams().await? {
        // Names are plain (`StreamName`), so nothing here needs escaping.
        let (name, state) = (&status.name, StateName::from(status.state).as_str());
        items.push_str(&format!(
            "<li><a href=\"/watch/{name}\">{name}</a> ({state})</li>\n"
        ));
    }
    if items.is_empty() {
        items.push_str("<li>nothing yet</li>\n");
    }
    Ok(Html(page(
        "Shopcast",
        &format!("<h1>Live</h1>\n<ul>\n{items}</ul>\n<p><a href=\"/openapi.json\">API</a></p>"),
    )))
}

/// The watch page. It reads the stream's name from its own address; the stream need not be live yet.
async fn watch(Stream(_): Stream, headers: HeaderMap) -> Response {
    built("watch.html", &headers)
}

/// The page to go live from, by WHIP to `/whip/{stream}`. Whether the seller may is decided there.
async fn golive(Stream(_): Stream, headers: HeaderMap) -> Response {
    built("golive.html", &headers)
}

fn built(page: &str, headers: &HeaderMap) -> Response {
    match Files::get(page) {
        Some(file) => respond(page, &file, headers),
        None => missing().into_response(),
    }
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match Files::get(&path) {
        Some(file) => respond(&path, &file, &headers),
        None if Files::get("watch.html").is_none() => missing().into_response(),
        None => {
            let shown: String = path.chars().take(128).collect();
            Problem::new(Kind::NoSuchPath, format!("the player has no file {shown}"))
                .into_response()
        }
    }
}

fn missing() -> (StatusCode, Html<String>) {
    let how = "<h1>The player is not built</h1>\n<p>Run <code>npm ci &amp;&amp; npm run build</code> in \
               <code>web/</code>, then build the server again; <code>scripts/serve</code> does both.</p>";
    (
        StatusCode::NOT_FOUND,
        Html(page("The player is not built", how)),
    )
}

/// Names stay and contents change with the build, so caches ask each time and are told by the digest.
fn respond(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let digest = file.metadata.sha256_hash();
    let hex: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let etag = HeaderValue::try_from(format!("\"{hex}\"")).expect("hexadecimal digits");
    let cache = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag), cache]).into_response();
    }
    let kind = HeaderValue::from_static(content_type(path));
    let body = Body::from(file.data.clone().into_owned());
    (
        [(header::CONTENT_TYPE, kind), (header::ETAG, etag), cache],
        body,
    )
        .into_response()
}

/// The few types there are, so that a guess never makes a page out of something else.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("jpg") => "image/jpeg",
        Some("json" | "map") => "application/json",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"/player/products/mug.svg\"></head>\n<body>\n{body}\n</body>\n</html>\n"
    )
}

/// No inline script or style, and no HTML or script from a string. Pictures come from the shop's own hosts, media from
/// `MediaSource` (blob:). The one address of a script that is made by a script is that of the player's worker.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; media-src \
                      'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
                      worker-src 'self'; require-trusted-types-for 'script'; trusted-types \
                      shopcast-player";
const NO_DEVICES: &str =
    "camera=(), microphone=(), display-capture=(), geolocation=(), payment=(), usb=()";
const OWN_DEVICES: &str =
    "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()";
