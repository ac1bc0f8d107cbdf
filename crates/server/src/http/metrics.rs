//! `/metrics`: what is counted, and what is measured when asked.

use std::collections::BTreeMap;

use access::Policy;
use axum::{
    http::{Method, header},
    response::IntoResponse,
    routing::get,
};
use metrics::{counter, gauge};

use super::{Shared, State, problem::Problem, routes::Routes, stream_view::StateName, streams};
use crate::{io::clock, telemetry};

pub(super) fn router() -> Routes {
    Routes::new().plain("/metrics", get(render), [(Method::GET, Policy::Api)])
}

async fn render(state: Shared) -> Result<impl IntoResponse, Problem> {
    measure(&state).await?;
    let text = telemetry::recorder().render();
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    ))
}

/// Gauges that are read off rather than kept.
async fn measure(state: &State) -> Result<(), Problem> {
    let mut by_state = BTreeMap::from([("starting", 0), ("live", 0), ("interrupted", 0)]);
    let (mut webrtc, mut hls, mut events) = (0, 0, 0);
    let (mut video_bps, mut audio_bps) = (0, 0);
    for status in state.shard.streams().await? {
        *by_state
            .entry(StateName::from(status.state).as_str())
            .or_default() += 1;
        let viewers = streams::viewers(state, &status);
        webrtc += viewers.webrtc;
        hls += viewers.hls;
        events += viewers.events;
        video_bps += status.video.map_or(0, |video| video.bitrate_bps);
        audio_bps += status.audio.map_or(0, |audio| audio.bitrate_bps);
    }
    for (name, count) in by_state {
        gauge!("shopcast_streams", "state" => name).set(f64::from(count));
    }
    for (protocol, count) in [("webrtc", webrtc), ("hls", hls), ("events", events)] {
        gauge!("shopcast_viewers", "protocol" => protocol).set(count as f64);
    }
    for (track, bps) in [("video", video_bps), ("audio", audio_bps)] {
        gauge!("shopcast_ingest_bitrate_bps", "track" => track).set(bps as f64);
    }
    webhooks(state).await;
    let webrtc = state.shard.counters().await?;
    gauge!("shopcast_webrtc_sessions_connecting").set(webrtc.half_open as f64);
    counter!("shopcast_webrtc_sessions_never_connected_total").absolute(webrtc.half_open_reaped);
    counter!("shopcast_webrtc_sessions_failed_total").absolute(webrtc.sessions_failed);
    counter!("shopcast_webrtc_datagrams_unclaimed_total").absolute(webrtc.datagrams_dropped);
    let stored: u64 = state
        .origins
        .all()
        .iter()
        .map(|(_, origin)| origin.stored_bytes())
        .sum();
    gauge!("shopcast_hls_stored_bytes").set(stored as f64);
    Ok(())
}

/// A store that fails leaves its gauges as they were; the rest is still worth reading.
async fn webhooks(state: &State) {
    let standings = match state.webhooks.standings().await {
        Ok(standings) => standings,
        Err(error) => {
            tracing::error!(%error, "the state of webhooks cannot be read");
            return;
        }
    };
    let now = clock::wall().0;
    for (endpoint, standing) in standings {
        let age_ms = standing.oldest_ms.map_or(0, |ms| now.saturating_sub(ms));
        gauge!("shopcast_webhooks_pending", "endpoint" => endpoint.to_string())
            .set(f64::from(standing.pending));
        gauge!("shopcast_webhooks_oldest_pending_seconds", "endpoint" => endpoint.to_string())
            .set(age_ms.max(0) as f64 / 1000.0);
    }
}
