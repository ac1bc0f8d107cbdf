//! The HTTP surface: one file per resource, one problem type for every error.
//!
//! | file | paths | source |
//! |---|---|---|
//! | `whep` | `/whep/{stream}` | draft-ietf-wish-whep-04, RFC 9725 |
//! | `whip` | `/whip/{stream}` | RFC 9725 |
//! | `hls` | `/hls/{stream}/…` | draft-pantos-hls-rfc8216bis-22 sections 6.2.5 and 6.2.6, appendix B |
//! | `streams`, `people`, `cues`, `events` | `/v1/streams/…` | `docs/api.md`, `/openapi.json` |
//! | `health`, `metrics` | `/healthz`, `/readyz`, `/metrics` | Prometheus text format |
//! | `watch` | `/`, `/watch/{stream}`, `/golive/{stream}`, `/player/…` | |
//! | `problem` | errors | RFC 9457 |

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
mod listener;
mod metrics;
mod openapi;
#[allow(
    unused_qualifications,
    reason = "what utoipa generates qualifies names"
)]
mod people;
mod problem;
mod range;
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

pub(crate) use listener::{Capped, Peer};
pub(crate) use token::SessionNames;

use crate::{
    io::{command::ShardHandle, hls::Origins, side::SideChannels},
    telemetry::Meters,
};
use problem::{Kind, Problem};

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) shard: ShardHandle,
    pub(crate) origins: Arc<Origins>,
    pub(crate) side: Arc<SideChannels>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) sessions: SessionNames,
    pub(crate) event_followers_max: usize,
    /// Turns true once, when the server begins to end.
    pub(crate) draining: latest::Receiver<bool>,
}

type Shared = axum::extract::State<Arc<State>>;

/// Everything under one roof.
pub(crate) fn router(state: Arc<State>) -> Router {
    let (api, description) = openapi::api();
    api.merge(hls::router())
        .merge(watch::router())
        .merge(metrics::router())
        .merge(openapi::router(description))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state)
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
