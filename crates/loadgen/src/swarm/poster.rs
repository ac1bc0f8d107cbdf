//! Cues that the swarm itself inserts, as a platform's back end does.

use std::time::Duration;

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Args, Swarm, outcome::Posted};
use crate::{clock, http::Http};

/// What the server answers.
#[derive(Debug, Deserialize)]
struct Receipt {
    seq: u64,
    pts: i64,
    late_by_ms: u64,
}

/// Inserts all of them, one every so often.
pub(super) async fn post(swarm: &Swarm, args: &Args) {
    let http = swarm.place.http.with_token(args.token.as_deref());
    let path = format!("/v1/streams/{}/cues", args.audience.stream);
    let mut pace = tokio::time::interval(Duration::from_millis(args.every.max(1)));
    for n in 1..=args.cues {
        pace.tick().await;
        let at = clock::now() - swarm.place.started;
        match insert(&http, &path, &cue(n, args.ahead)).await {
            Ok(Receipt {
                seq,
                pts,
                late_by_ms,
            }) => swarm.remember(
                seq,
                Posted {
                    pts,
                    at,
                    late_by_ms,
                },
            ),
            Err(error) => swarm.fail(format!("cue {n}: {error:#}")),
        }
    }
}

async fn insert(http: &Http, path: &str, cue: &Value) -> anyhow::Result<Receipt> {
    let answer = http.post(path, cue).await?;
    if answer.status != 201 {
        bail!(
            "{}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(serde_json::from_slice(&answer.body)?)
}

/// A product card; always the same one, so that the screen is never full.
fn cue(n: u32, ahead_ms: u64) -> Value {
    let at = match ahead_ms {
        0 => json!("now"),
        ahead => json!({ "after_ms": ahead }),
    };
    json!({
        "card_id": "swarm", "kind": "product", "op": "show", "at": at, "duration_ms": 2000,
        "payload": {
            "sku": format!("SWARM-{n}"), "title": format!("Swarm {n}"), "price": { "minor": n, "currency": "EUR" },
            "prior_price": null, "image": null, "stock": null,
        },
    })
}
