//! Proof of delivery: what became of a cue, and what players report.

use std::sync::Arc;

use axum::{Json, extract::State as Extract};
use cues::{
    delivery::{CUES_MAX, FRAME_ERROR_BOUNDS, LATENESS_BOUNDS_MS, Tally, Verdict},
    painted::{Painted, REPORT_CUES_MAX, REPORT_LEN_MAX},
};
use media::Pts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Shared, State,
    cues::{no_such_cue, number},
    events::endpoint,
    extract::{JsonBody, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
};
use crate::io::{clock, delivery::NotTaken};

/// What became of a cue.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// The cue's number.
    seq: u64,
    webrtc: WebRtcDelivery,
    ll_hls: HlsDelivery,
}

/// By WebRTC data channel.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct WebRtcDelivery {
    /// Connected sessions when the cue was accepted, with a data channel or without.
    sessions: u64,
    /// Sessions whose data channel it was written to, at once or in a later session's snapshot.
    sent: u64,
    /// Of those, how many have received it: their SCTP acknowledged all its bytes.
    acknowledged: u64,
    reported_by_players: Reported,
}

/// By LL-HLS and the side channel over HTTP that its players follow.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HlsDelivery {
    /// Open side channels over HTTP when the cue was accepted.
    sessions: u64,
    /// Side channels whose connection took an event with it, at once or in a later one's snapshot.
    sent: u64,
    /// Parts and segments with the cue in band that were answered as a whole by this server. A player may fetch both,
    /// and behind a cache these are the cache's fetches, not viewers.
    media_fetches: u64,
    reported_by_players: Reported,
}

/// What players say of themselves; each session counts once, and only after it was sent the cue.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Reported {
    /// Sessions that have rendered the cue.
    painted: u64,
    /// Of those, how many had it only after frames that should have shown it.
    late: u64,
    /// For how long frames were shown without it, milliseconds; 0 is in time.
    lateness_ms: Vec<Bucket>,
    /// Frames from the first one presented at or past the threshold to the one that showed the cue; 0 is as promised.
    frame_error: Vec<Bucket>,
}

/// How many lie past the bucket before and up to this one's bound.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Bucket {
    /// The bound, itself in the bucket; null in the last one, which has none.
    up_to: Option<u64>,
    count: u64,
}

impl From<&Tally> for Reported {
    fn from(tally: &Tally) -> Self {
        Self {
            painted: tally.painted,
            late: tally.late,
            lateness_ms: buckets(&LATENESS_BOUNDS_MS, &tally.lateness),
            frame_error: buckets(&FRAME_ERROR_BOUNDS, &tally.frame_error),
        }
    }
}

fn buckets(bounds: &[u64], counts: &[u64]) -> Vec<Bucket> {
    let bounds = bounds.iter().copied().map(Some).chain([None]);
    let bucket = |(up_to, count): (_, &u64)| Bucket {
        up_to,
        count: *count,
    };
    bounds.zip(counts).map(bucket).collect()
}

/// What became of a cue: how many sessions it was sent to, acknowledged by and painted by.
///
/// Of the newest 256 cues of a stream. `reported_by_players` is what players say; the rest this server has seen itself.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/cues/{seq}/delivery", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("seq" = u64, Path, description = "The cue's number"),
    ),
    responses(
        (status = 200, description = "The numbers by now", body = DeliveryView),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "No such stream or cue"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json",
            description = "The cue is none of the newest 256"),
    ),
)]
pub(crate) async fn of_cue(
    state: Shared,
    StreamAnd(stream, seq): StreamAnd,
) -> Result<Json<DeliveryView>, Problem> {
    let number = number(&stream, &seq)?;
    let Some(webrtc) = state.shard.cue_delivery(stream.clone(), number).await? else {
        if state.shard.cue(stream.clone(), number).await?.is_some() {
            let detail = format!(
                "deliveries are counted for the newest {CUES_MAX} cues of a stream since the server started, and cue \
                 {number} is none of them; ask sooner, and keep the answer"
            );
            return Err(Problem::new(Kind::DeliveryForgotten, detail));
        }
        return Err(match state.shard.stream(stream.clone()).await? {
            Some(_) => no_such_cue(&stream, &seq),
            None => Problem::no_such_stream(stream.as_str()),
        });
    };
    let hls = state.side.deliveries.tally(&stream, number);
    Ok(Json(DeliveryView {
        seq: number,
        webrtc: WebRtcDelivery {
            sessions: webrtc.sessions,
            sent: webrtc.sent,
            acknowledged: webrtc.acknowledged,
            reported_by_players: Reported::from(&webrtc),
        },
        ll_hls: HlsDelivery {
            sessions: hls.sessions,
            sent: hls.sent,
            media_fetches: hls.fetched,
            reported_by_players: Reported::from(&hls),
        },
    }))
}

/// What a player has painted, as it says it on the data channel too.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PaintedBody {
    r#type: PaintedType,
    /// At most 50.
    #[schema(max_items = 50)]
    cues: Vec<PaintedCue>,
}

/// The side channel's name for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PaintedType {
    Painted,
}

/// One cue as it was first rendered.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PaintedCue {
    /// The cue's number.
    seq: u64,
    /// The frame in whose callback it was rendered, 90 kHz.
    pts: i64,
    /// The first presented frame at or past the threshold, if it is another.
    first_pts: Option<i64>,
    /// For how long frames were presented without it; 0 when it was known in time.
    late_ms: u64,
}

/// What the words of a report were worth.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PaintedCounts {
    /// Counted.
    counted: u64,
    /// Said before by this session.
    repeated: u64,
    /// Not sent to this session, forgotten, or impossible.
    refused: u64,
}

/// Reports what a player that follows the events has painted.
///
/// `session` is what the snapshot of its events says; it is good until half a minute after they end. At most one report
/// a second, a few at once.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/events/{session}/painted", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("session" = String, Path, description = "`session` of the snapshot"),
    ),
    request_body = PaintedBody,
    responses(
        (status = 200, description = "What it was worth", body = PaintedCounts),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "The body is not what it should be"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such session"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "More than 8 KiB"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not JSON"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many reports; see Retry-After"),
    ),
)]
pub(crate) async fn painted(
    Extract(state): Extract<Arc<State>>,
    StreamAnd(stream, session): StreamAnd,
    JsonBody(body): JsonBody<PaintedBody, REPORT_LEN_MAX>,
) -> Result<Json<PaintedCounts>, Problem> {
    let PaintedType::Painted = body.r#type;
    if body.cues.len() > REPORT_CUES_MAX {
        let detail =
            format!("`cues` has more than {REPORT_CUES_MAX}; send the rest a second later");
        return Err(Problem::new(Kind::InvalidField, detail));
    }
    let unknown = || {
        let detail =
            "there is no such session of this stream's events; take `session` from a new snapshot";
        Problem::new(Kind::NoSuchSession, detail)
    };
    let number = state.sessions.session(&endpoint(&stream), &session);
    let number = number.ok_or_else(unknown)?;
    let said: Vec<_> = body.cues.iter().map(Painted::from).collect();
    let now = clock::monotonic();
    let verdicts = state.side.deliveries.painted(&stream, number, now, &said);
    let verdicts = verdicts.map_err(|not_taken| match not_taken {
        NotTaken::NoSession => unknown(),
        NotTaken::TooMany => {
            let refused = cues::delivery::Refused::TooMany;
            state.meters.hls_cues.said(Verdict::Refused(refused));
            let detail = "a player reports once a second; put its cues together";
            Problem::new(Kind::RateLimited, detail).retry_after(1)
        }
    })?;
    let mut counts = PaintedCounts::default();
    for verdict in verdicts {
        state.meters.hls_cues.said(verdict);
        match verdict {
            Verdict::Counted { .. } => counts.counted += 1,
            Verdict::Repeated => counts.repeated += 1,
            Verdict::Refused(_) => counts.refused += 1,
        }
    }
    Ok(Json(counts))
}

impl From<&PaintedCue> for Painted {
    fn from(cue: &PaintedCue) -> Self {
        Self {
            seq: cue.seq,
            pts: Pts(cue.pts),
            first: Pts(cue.first_pts.unwrap_or(cue.pts)),
            late_ms: cue.late_ms,
        }
    }
}
