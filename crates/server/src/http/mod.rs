//! The HTTP surface: one file per resource, one problem type for every error.
//!
//! | file | paths | source |
//! |---|---|---|
//! | `whep` | `/whep/{stream}` | draft-ietf-wish-whep-04, RFC 9725 |
//! | `whip` | `/whip/{stream}` | RFC 9725 |
//! | `hls` | `/hls/{stream}/…` | draft-pantos-hls-rfc8216bis-22 sections 6.2.5 and 6.2.6, appendix B |
//! | `streams`, `cues`, `events`, `keys` | `/v1/streams/…` | `docs/api.md`, `/openapi.json` |
//! | `health`, `metrics` | `/healthz`, `/readyz`, `/metrics` | Prometheus text format |
//! | `watch` | `/`, `/watch/{stream}`, `/golive/{stream}`, `/player/…` | |
//! | `problem` | errors | RFC 9457 |
//! | `routes` | what each route needs | RFC 6750, RFC 9725 section 4.7 |

mod at;
mod cors;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
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
mod events;
mod extract;
mod health;
mod hls;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod keys;
mod listener;
mod metrics;
mod openapi;
mod problem;
mod range;
mod routes;
mod stream_view;
mod streams;
mod token;
mod watch;
mod webrtc;
mod whep;
mod whip;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::OriginalUri, http::Method};
use tokio::sync::watch as latest;
use utoipa::openapi::OpenApi as Description;

pub(crate) use listener::{Capped, Peer};
pub(crate) use token::SessionNames;

use crate::{
    gate::Gate,
    io::{command::ShardHandle, hls::Origins, side::SideChannels},
    telemetry::Meters,
};
use problem::{Kind, Problem};
use routes::Rule;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) shard: ShardHandle,
    pub(crate) origins: Arc<Origins>,
    pub(crate) side: Arc<SideChannels>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) sessions: SessionNames,
    pub(crate) gate: Arc<Gate>,
    pub(crate) event_followers_max: usize,
    /// Turns true once, when the server begins to end.
    pub(crate) draining: latest::Receiver<bool>,
}

type Shared = axum::extract::State<Arc<State>>;

/// Everything under one roof.
pub(crate) fn router(state: Arc<State>) -> Router {
    let gate = routes::with_gate(&state);
    let (router, ..) = everything();
    router
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(gate)
        .with_state(state)
}

/// All routes, their description, and the policy of each.
fn everything() -> (Router<Arc<State>>, Description, Vec<Rule>) {
    let routes = openapi::api()
        .merge(hls::router())
        .merge(watch::router())
        .merge(metrics::router());
    let (router, described, mut table) = routes.finish();
    let mut description = openapi::head();
    description.merge(described);
    let (own, _, rules) = openapi::router(description.clone()).finish();
    table.extend(rules);
    (router.merge(own), description, table)
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

/// The client's address, where it is known: not in tests without a socket.
type Client = Option<axum::Extension<axum::extract::ConnectInfo<Peer>>>;

fn address(client: &Client) -> std::net::IpAddr {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    client.as_ref().map_or(unknown, |client| client.0.0.0).ip()
}

const PATH_SHOWN_MAX: usize = 128;

#[cfg(test)]
mod tests;
