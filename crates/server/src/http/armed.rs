//! Prepared cues: put under a name, and fired by one call.

use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use cues::{Armed, CueRequest, Receipt};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Shared,
    at::At,
    cue_request::CueBody,
    cue_view::ReceiptBody,
    cues::{BODY_BYTES_MAX, IDEMPOTENT_REPLAYED, refusal},
    extract::{JsonBody, Stream, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
};

/// Cues to prepare.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmBody {
    /// 1 to 8, in the order in which they are numbered; without `at`.
    #[schema(min_items = 1, max_items = 8)]
    cues: Vec<CueBody>,
}

/// When to fire.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FireBody {
    /// The threshold of all of them; never before the newest frame and the lead.
    #[serde(default)]
    at: At,
}

/// What stands under a name.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ArmedView {
    name: String,
    /// Whether it was fired; then firing again gives the same answer.
    fired: bool,
    /// How many cues it has.
    cues: usize,
    /// Their numbers, once it was fired.
    seqs: Vec<u64>,
}

/// What stands under all names.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ArmedList {
    /// By name.
    armed: Vec<ArmedView>,
}

/// The cues that were fired.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FiredBody {
    /// In the order in which they were prepared, all of one threshold.
    cues: Vec<ReceiptBody>,
}

/// Prepares cues under a name, in place of what stood there.
///
/// Each is judged as far as that can be done without knowing the moment.
#[utoipa::path(
    put, path = "/v1/streams/{stream}/armed/{name}", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("name" = String, Path, description = "1 to 64 of A-Z a-z 0-9 . _ -"),
    ),
    request_body = ArmBody,
    responses(
        (status = 204, description = "They wait"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "The body or the name is not what it should be"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "64 names are prepared already"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The store cannot be written; see Retry-After"),
    ),
)]
pub(crate) async fn put(
    state: Shared,
    StreamAnd(stream, name): StreamAnd,
    JsonBody(ArmBody { cues }): JsonBody<ArmBody, BODY_BYTES_MAX>,
) -> Result<StatusCode, Problem> {
    let prepare = |(index, cue): (usize, CueBody)| {
        let request = cue.into_request(None, &state.image_hosts);
        let request = request.map_err(|problem| problem.of_list("cues", index))?;
        if request.at == cues::At::Now {
            return Ok(request);
        }
        let detail = format!("`cues[{index}].at` is set; say when to hold as the cues are fired");
        Err(Problem::new(Kind::InvalidField, detail))
    };
    let requests: Result<Vec<CueRequest>, Problem> =
        cues.into_iter().enumerate().map(prepare).collect();
    let armed = state.shard.arm(stream, name, requests?).await?;
    armed.map_err(|error| refusal(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets prepared cues. What was fired stays.
#[utoipa::path(
    delete, path = "/v1/streams/{stream}/armed/{name}", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("name" = String, Path, description = "The name they were prepared under"),
    ),
    responses(
        (status = 204, description = "Nothing stands under the name"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "No such stream, or nothing is prepared"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The store cannot be written; see Retry-After"),
    ),
)]
pub(crate) async fn remove(
    state: Shared,
    StreamAnd(stream, name): StreamAnd,
) -> Result<StatusCode, Problem> {
    match state.shard.disarm(stream.clone(), name.clone()).await? {
        Some(true) => Ok(StatusCode::NO_CONTENT),
        Some(false) => {
            let shown: String = name.chars().take(64).collect();
            let detail = format!("nothing is prepared as `{shown}`; ask GET …/armed");
            Err(Problem::new(Kind::NotArmed, detail))
        }
        None => Err(Problem::no_such_stream(stream.as_str())),
    }
}

/// What is prepared, and what was fired of late.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/armed", tag = "cues",
    params(("stream" = String, Path, description = "The stream's name")),
    responses(
        (status = 200, description = "By name", body = ArmedList),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
    ),
)]
pub(crate) async fn list(
    state: Shared,
    Stream(stream): Stream,
) -> Result<Json<ArmedList>, Problem> {
    let armed = state.shard.armed(stream.clone()).await?;
    let armed = armed.ok_or_else(|| Problem::no_such_stream(stream.as_str()))?;
    let armed = armed.into_iter().map(ArmedView::from).collect();
    Ok(Json(ArmedList { armed }))
}

/// Inserts prepared cues, all with one threshold, or none of them.
///
/// Firing again gives the same answer, marked `Idempotent-Replayed: true`.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/armed/{name}/fire", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("name" = String, Path, description = "The name they were prepared under"),
    ),
    request_body = FireBody,
    responses(
        (status = 200, description = "They are inserted", body = FiredBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "The body is not what it should be"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "No such stream, or nothing is prepared"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "The state on screen, or another operator, forbids one of them"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many cues; see Retry-After"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The store cannot be written; see Retry-After"),
    ),
)]
pub(crate) async fn fire(
    state: Shared,
    StreamAnd(stream, name): StreamAnd,
    JsonBody(FireBody { at }): JsonBody<FireBody, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let fired = state.shard.fire(stream, name, at.into_at()?).await?;
    let receipts = fired.map_err(|error| {
        state.meters.cues_refused.increment(1);
        refusal(&error)
    })?;
    let is_new = |receipt: &&Receipt| !receipt.replayed;
    let inserted = receipts.iter().filter(is_new).count();
    state.meters.cues_inserted.increment(inserted as u64);
    let replayed = HeaderValue::from_static(if inserted == 0 { "true" } else { "false" });
    let cues = receipts.iter().map(ReceiptBody::from).collect();
    Ok(([(IDEMPOTENT_REPLAYED, replayed)], Json(FiredBody { cues })).into_response())
}

impl From<(String, Armed)> for ArmedView {
    fn from((name, armed): (String, Armed)) -> Self {
        let seqs: Vec<u64> = match &armed {
            Armed::Waiting(_) => Vec::new(),
            Armed::Fired(receipts) => receipts.iter().map(|it| it.cue.cue.seq).collect(),
        };
        let cues = match &armed {
            Armed::Waiting(requests) => requests.len(),
            Armed::Fired(receipts) => receipts.len(),
        };
        Self {
            name,
            fired: matches!(armed, Armed::Fired(_)),
            cues,
            seqs,
        }
    }
}
