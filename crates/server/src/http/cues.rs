//! Inserting cues and asking for them.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cues::{ArmError, CancelError, CueRequest, InsertError, LoggedCue};
use engine::{CueError, StreamName};
use media::Pts;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    Shared,
    at::At,
    cue_request::CueBody,
    cue_view::{CueList, CueView, ReceiptBody, StateBody},
    extract::{JsonBody, Params, Stream, StreamAnd},
    problem::{Kind, Problem, ProblemBody},
};

/// Largest body of a cue request, bytes: sixteen encoded cues.
pub(super) const BODY_BYTES_MAX: usize = 16 << 10;

/// Inserts a cue.
///
/// The answer is final: the threshold never moves. The same `Idempotency-Key` with the same request gives the same
/// answer for 24 h and inserts nothing.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/cues", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("Idempotency-Key" = Option<String>, Header, description = "Printable ASCII, unique to this request"),
    ),
    request_body = CueBody,
    responses(
        (status = 201, description = "Accepted", body = ReceiptBody,
            headers(("Location" = String, description = "The cue"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "The body or the key is not what it should be"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "The state on screen, or another operator, forbids it"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "More than 16 KiB"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not JSON"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
            description = "The key was used for another request"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many cues; see Retry-After"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The store cannot be written; see Retry-After"),
    ),
)]
pub(crate) async fn insert(
    state: Shared,
    Stream(stream): Stream,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CueBody, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let request: CueRequest = body.into_request(idempotency_key(&headers)?, &state.image_hosts)?;
    let receipt = match state.shard.insert_cue(stream.clone(), request).await? {
        Ok(receipt) => receipt,
        Err(error) => {
            state.meters.cues_refused.increment(1);
            return Err(refusal(&error));
        }
    };
    if !receipt.replayed {
        state.meters.cues_inserted.increment(1);
        if receipt.late_by_ms > 0 {
            state.meters.cues_late.increment(1);
        }
    }
    let location = format!("/v1/streams/{stream}/cues/{}", receipt.cue.cue.seq);
    let replayed = HeaderValue::from_static(if receipt.replayed { "true" } else { "false" });
    let headers = [
        (
            header::LOCATION,
            HeaderValue::try_from(location).expect("stream names are plain ASCII"),
        ),
        (IDEMPOTENT_REPLAYED, replayed),
    ];
    Ok((
        StatusCode::CREATED,
        headers,
        Json(ReceiptBody::from(&receipt)),
    )
        .into_response())
}

/// Which cues.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct After {
    /// The number of the last cue that is known already; 0, the default, asks for all.
    #[serde(default)]
    after: u64,
}

/// The cues after a number, as every carrier has them.
///
/// Closes a gap in the side channel. Cues that no longer have any effect may be missing.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/cues", tag = "cues",
    params(("stream" = String, Path, description = "The stream's name"), After),
    responses(
        (status = 200, description = "In the order of their numbers", body = CueList),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Invalid query"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
    ),
)]
pub(crate) async fn list(
    state: Shared,
    Stream(stream): Stream,
    Params(After { after }): Params<After>,
) -> Result<Json<CueList>, Problem> {
    let cues = state.shard.cues_after(stream.clone(), after).await?;
    let cues = cues.ok_or_else(|| Problem::no_such_stream(stream.as_str()))?;
    let encoded = |logged: &LoggedCue| logged.cue.to_base64url();
    Ok(Json(CueList {
        cues: cues.iter().map(encoded).collect(),
    }))
}

/// One cue, with the frame it took effect on.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/cues/{seq}", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("seq" = u64, Path, description = "The cue's number"),
    ),
    responses(
        (status = 200, description = "The cue", body = CueView),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "No such stream or cue"),
    ),
)]
pub(crate) async fn one(
    state: Shared,
    StreamAnd(stream, seq): StreamAnd,
) -> Result<Json<CueView>, Problem> {
    match state
        .shard
        .cue(stream.clone(), number(&stream, &seq)?)
        .await?
    {
        Some(cue) => Ok(Json(CueView::from(&cue))),
        None if state.shard.stream(stream.clone()).await?.is_some() => {
            Err(no_such_cue(&stream, &seq))
        }
        None => Err(Problem::no_such_stream(stream.as_str())),
    }
}

/// When a cue is to hold from instead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveBody {
    /// When; never before the newest frame and the lead.
    at: At,
}

/// Moves a cue that has not happened yet to another time.
///
/// It is taken back and inserted anew with another number, or neither is done. An `ends` that was asked for as
/// `after_ms` moves with it.
#[utoipa::path(
    patch, path = "/v1/streams/{stream}/cues/{seq}", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("seq" = u64, Path, description = "The cue's number"),
    ),
    request_body = MoveBody,
    responses(
        (status = 200, description = "The cue in its place", body = ReceiptBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "The body is not what it should be"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "No such stream or cue"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "It has happened, or was taken back; or the state on screen forbids the other time"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many cues; see Retry-After"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The store cannot be written; see Retry-After"),
    ),
)]
pub(crate) async fn reschedule(
    state: Shared,
    StreamAnd(stream, seq): StreamAnd,
    JsonBody(body): JsonBody<MoveBody, BODY_BYTES_MAX>,
) -> Result<Json<ReceiptBody>, Problem> {
    let (number, at) = (number(&stream, &seq)?, body.at.into_at()?);
    let moved = state.shard.reschedule_cue(stream, number, at).await?;
    let moved = moved.map_err(|error| refusal(&error))?;
    state.meters.cues_inserted.increment(2);
    Ok(Json(ReceiptBody::from(&moved)))
}

/// Takes back a cue that has not happened yet: no viewer ever shows it.
///
/// Doing it twice is once. The answer is of the cue that takes it back.
#[utoipa::path(
    delete, path = "/v1/streams/{stream}/cues/{seq}", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("seq" = u64, Path, description = "The cue's number"),
    ),
    responses(
        (status = 200, description = "It is taken back", body = ReceiptBody),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "No such stream or cue"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "It has happened: hide its card; or the state on screen forbids it"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many cues; see Retry-After"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The store cannot be written; see Retry-After"),
    ),
)]
pub(crate) async fn cancel(
    state: Shared,
    StreamAnd(stream, seq): StreamAnd,
) -> Result<Json<ReceiptBody>, Problem> {
    let number = number(&stream, &seq)?;
    let receipt = state.shard.cancel_cue(stream, number).await?;
    let receipt = receipt.map_err(|error| refusal(&error))?;
    if !receipt.replayed {
        state.meters.cues_inserted.increment(1);
    }
    Ok(Json(ReceiptBody::from(&receipt)))
}

pub(super) fn number(stream: &StreamName, seq: &str) -> Result<u64, Problem> {
    seq.parse().map_err(|_| no_such_cue(stream, seq))
}

pub(super) fn no_such_cue(stream: &StreamName, seq: &str) -> Problem {
    let shown: String = seq.chars().take(20).collect();
    let detail = format!("stream `{stream}` remembers no cue {shown}; ask for GET …/cues");
    Problem::new(Kind::NoSuchCue, detail)
}

/// Which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moment {
    /// 90 kHz; without it the newest frame.
    pts: Option<i64>,
}

/// The cards on screen at a pts: the fold of every cue at or before it.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/state", tag = "cues",
    params(("stream" = String, Path, description = "The stream's name"), Moment),
    responses(
        (status = 200, description = "The state", body = StateBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Invalid query"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
    ),
)]
pub(crate) async fn state_at(
    state: Shared,
    Stream(stream): Stream,
    Params(Moment { pts }): Params<Moment>,
) -> Result<Json<StateBody>, Problem> {
    let found = state.shard.state(stream.clone(), pts.map(Pts)).await?;
    let (pts, cards) = found.ok_or_else(|| Problem::no_such_stream(stream.as_str()))?;
    Ok(Json(StateBody::new(pts, &cards)))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let invalid = |what: &str| {
        let detail =
            format!("`Idempotency-Key` {what}; send 1 to 255 visible ASCII characters once");
        Problem::new(Kind::InvalidHeader, detail)
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(invalid("is given twice"));
    }
    if value.is_empty()
        || value.len() > KEY_LEN_MAX
        || !value.as_bytes().iter().all(u8::is_ascii_graphic)
    {
        return Err(invalid("is not a key"));
    }
    Ok(value.to_str().ok().map(String::from))
}

/// The answer for a request that the engine refuses.
pub(super) fn refusal(error: &CueError) -> Problem {
    let said = error.to_string();
    match error {
        CueError::Refused(refused) | CueError::NotTakenBack(CancelError::Refused(refused)) => {
            inserted_not(refused)
        }
        CueError::NotTakenBack(CancelError::NoSuchCue { .. }) => {
            Problem::new(Kind::NoSuchCue, said)
        }
        CueError::NotTakenBack(_) => Problem::new(Kind::CueSettled, said),
        CueError::NotFired(ArmError::Refused { index, error }) => {
            inserted_not(error).of_list("cues", *index)
        }
        CueError::NotFired(ArmError::NotArmed { .. }) => Problem::new(Kind::NotArmed, said),
        CueError::NotFired(ArmError::Full { .. }) => Problem::new(Kind::CardRefused, said),
        CueError::NotFired(_) => Problem::new(Kind::InvalidField, said),
        CueError::NoStream(_) | _ => Problem::new(Kind::NoSuchStream, said),
    }
}

fn inserted_not(refused: &InsertError) -> Problem {
    let kind = match refused {
        InsertError::Invalid(_) | InsertError::TooFarAhead { .. } => Kind::InvalidField,
        InsertError::KeyReused => Kind::KeyReused,
        InsertError::RevConflict { .. } => Kind::RevConflict,
        InsertError::NotOnScreen { .. } => Kind::CardNotShown,
        InsertError::CardsFull { .. } => Kind::CardsFull,
        InsertError::RateLimited { .. } | InsertError::TooManyScheduled { .. } => Kind::RateLimited,
        // What is added later is a refusal by the state on screen until it has a name here.
        InsertError::ProlongedTooOften { .. } | _ => Kind::CardRefused,
    };
    let problem = Problem::new(kind, refused.to_string());
    match refused.retry_after() {
        // Whole seconds (RFC 9110 section 10.2.3), never earlier than asked.
        Some(span) => problem.retry_after(
            span.as_millis()
                .div_ceil(1000)
                .try_into()
                .unwrap_or(1)
                .max(1),
        ),
        None => problem,
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const KEY_LEN_MAX: usize = 255;
