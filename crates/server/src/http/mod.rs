//! The HTTP surface: one file per resource, one problem type for every error.
//!
//! | file | paths | source |
//! |---|---|---|
//! | `whep` | `/whep/{stream}` | draft-ietf-wish-whep-04, RFC 9725 |
//! | `whip` | `/whip/{stream}` | RFC 9725 |
//! | `hls` | `/hls/{stream}/…` | draft-pantos-hls-rfc8216bis-22 sections 6.2.5 and 6.2.6, appendix B |
//! | `streams`, `thumbnail`, `people`, `cues`, `delivery`, `events`, `keys` | `/v1/streams/…` | `docs/api.md`, `/openapi.json` |
//! | `webhooks` | `/v1/webhooks/…` | `docs/webhooks.md` |
//! | `health`, `metrics` | `/healthz`, `/readyz`, `/metrics` | Prometheus text format |
//! | `watch` | `/`, `/watch/{stream}`, `/golive/{stream}`, `/player/…` | |
//! | `problem` | errors | RFC 9457 |
//! | `routes` | what each route needs | RFC 6750, RFC 9725 section 4.7 |
//! | `web`, `cors` | what every answer tells browsers | Fetch, CSP, RFC 6797 |
//!
//! Below it, `listener`, `connection` and `activity` make requests of TCP connections (RFC 9112, RFC 9113).

mod activity;
mod armed;
mod at;
mod connection;
mod cors;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod cue_payload;
mod cue_request;
mod cue_view;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod cues;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod delivery;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod events;
mod extract;
mod health;
mod hls;
mod image_hosts;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod keys;
mod listener;
mod metrics;
mod openapi;
mod patient;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod people;
mod problem;
mod range;
mod routes;
mod stream_view;
mod streams;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod thumbnail;
mod token;
mod watch;
mod web;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod webhooks;
mod webrtc;
mod whep;
mod whip;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, OriginalUri, Request},
    http::{HeaderValue, Method},
    middleware::map_request_with_state,
};
use tokio::sync::watch as latest;
use utoipa::openapi::OpenApi as Description;

pub(crate) use cue_request::CueBody;
pub(crate) use image_hosts::ImageHosts;
pub(crate) use listener::{Listener, Peer};
pub(crate) use token::SessionNames;
pub(crate) use web::Web;
pub(crate) use webrtc::ice_servers;

use crate::{
    gate::Gate,
    io::{
        command::ShardHandle, hls::Origins, side::SideChannels, thumbnails::Thumbnails,
        webhooks::Desk,
    },
    proxies::Proxies,
    telemetry::Meters,
};
use problem::{Kind, Problem};
use routes::{Part, Rule};
use web::embeddable;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) shard: ShardHandle,
    pub(crate) origins: Arc<Origins>,
    pub(crate) side: Arc<SideChannels>,
    pub(crate) thumbnails: Arc<Thumbnails>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) sessions: SessionNames,
    pub(crate) webhooks: Desk,
    pub(crate) gate: Arc<Gate>,
    pub(crate) proxies: Proxies,
    pub(crate) event_followers_max: usize,
    pub(crate) web: Web,
    /// `Link` headers for whoever makes a WebRTC session.
    pub(crate) ice_servers: Vec<HeaderValue>,
    /// Candidates are taken without `If-Match`.
    pub(crate) lenient_patch: bool,
    /// Where the pictures of cards may come from.
    pub(crate) image_hosts: ImageHosts,
    /// Turns true once, when the server begins to end.
    pub(crate) draining: latest::Receiver<bool>,
}

type Shared = axum::extract::State<Arc<State>>;

/// Who a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Everyone,
    Viewers,
    /// With `admin.listen`, only there.
    Operators,
}

/// Which of it a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// There is one listener.
    Whole,
    /// There is another one for operators.
    Viewers,
    Operators,
}

impl Surface {
    fn has(self, audience: Audience) -> bool {
        match (self, audience) {
            (Self::Whole, _) | (_, Audience::Everyone) => true,
            (Self::Viewers, other) => other == Audience::Viewers,
            (Self::Operators, other) => other == Audience::Operators,
        }
    }
}

/// Everything there is, its description, and the policy of each route. What is added here says whom it is for.
fn everything(web: &Web) -> (Vec<Part>, Description, Vec<Rule>) {
    let mut parts = openapi::api(web);
    parts.extend([
        hls::router(web),
        watch::router(web),
        Part::new(Audience::Operators, metrics::router()),
    ]);
    let mut description = openapi::head();
    for part in &parts {
        description.merge(part.description.clone());
    }
    parts.push(openapi::router(&description, web));
    let table = parts.iter().flat_map(|part| part.table.clone()).collect();
    (parts, description, table)
}

/// What is served at `address`.
pub(crate) fn router(state: Arc<State>, surface: Surface, address: SocketAddr) -> Router {
    let web = state.web.clone();
    routed(state, &web, surface, address)
}

fn routed(state: Arc<State>, web: &Web, surface: Surface, address: SocketAddr) -> Router {
    let gate = routes::with_gate(&state);
    let served = everything(web)
        .0
        .into_iter()
        .filter(|part| surface.has(part.audience))
        .fold(Router::new(), |all, part| all.merge(part.router))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(gate)
        .layer(map_request_with_state(Arc::clone(&state), from_client))
        .with_state(state);
    web.guard(served, address)
}

async fn no_such_path(OriginalUri(uri): OriginalUri) -> Problem {
    let shown: String = uri.path().chars().take(PATH_SHOWN_MAX).collect();
    Problem::new(
        Kind::NoSuchPath,
        format!("there is nothing at {shown}; see /openapi.json"),
    )
}

async fn method_not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> Problem {
    let shown: String = uri.path().chars().take(PATH_SHOWN_MAX).collect();
    let detail = format!("{method} does nothing at {shown}; the Allow header lists what does");
    Problem::new(Kind::MethodNotAllowed, detail)
}

/// From here on a request that came by a trusted proxy has the address of whom it came for.
async fn from_client(state: Shared, mut request: Request) -> Request {
    if let Some(ConnectInfo(Peer(peer))) = request.extensions().get().copied() {
        let client = state.proxies.client(peer.ip(), request.headers());
        let client = SocketAddr::new(client, peer.port());
        request.extensions_mut().insert(ConnectInfo(Peer(client)));
    }
    request
}

/// The client's address, where it is known: not in tests without a socket.
type Client = Option<axum::Extension<ConnectInfo<Peer>>>;

fn address(client: &Client) -> std::net::IpAddr {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    client.as_ref().map_or(unknown, |client| client.0.0.0).ip()
}

const PATH_SHOWN_MAX: usize = 128;

#[cfg(test)]
mod tests;
