//! The log of webhook deliveries, and the description of what is sent.

use axum::{Json, http::StatusCode};
use cues::rfc3339_millis;
use media::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        self, Content, HttpMethod, ObjectBuilder, PathItem, Paths, PathsBuilder, RefOr, Required,
        Response, Schema, Type,
        path::{OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::SchemaFormat,
    },
};
use webhooks::EventType;

use super::{
    Shared,
    extract::{JsonBody, Params},
    problem::{Kind, Problem, ProblemBody},
};
use crate::io::webhooks::{EndedData, Filter, ReplayError, Row, StreamData, VERSION, VerdictData};

/// Deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    deliveries: Vec<DeliveryView>,
    /// Ask with `before` set to this for the next, older ones; null: there are no more.
    next_before: Option<i64>,
}

/// One message on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// Its number: later ones are larger.
    id: i64,
    /// The endpoint's name in the configuration.
    #[schema(example = "shop")]
    endpoint: String,
    /// The `webhook-id`, the same at every attempt.
    message_id: String,
    /// The message's type.
    #[schema(example = "stream.live")]
    r#type: String,
    /// What it tells of.
    stream: String,
    /// `pending` (it waits or is under way), `delivered` or `failed` (it is given up).
    #[schema(example = "delivered")]
    state: String,
    /// Attempts made since it began or was last replayed.
    attempts: u32,
    #[schema(format = DateTime)]
    created_at: String,
    /// Null unless it is pending.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    #[schema(format = DateTime)]
    last_attempt_at: Option<String>,
    /// What the receiver answered to the last attempt; null: nothing.
    last_status: Option<u16>,
    /// What went wrong last.
    last_error: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only those in this state.
    state: Option<StateName>,
    /// Only those to this endpoint.
    endpoint: Option<String>,
    /// Only those that tell of this stream.
    stream: Option<String>,
    /// Only those with a smaller number.
    before: Option<i64>,
    /// At most so many, 1 to 500.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StateName {
    /// It waits or is under way.
    Pending,
    /// It has arrived.
    Delivered,
    /// It is given up.
    Failed,
}

/// Nothing yet: an empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {}

/// The deliveries of webhooks, newest first.
#[utoipa::path(
    get, path = "/v1/webhooks/deliveries", tag = "webhooks",
    params(Which),
    responses(
        (status = 200, description = "Newest first", body = DeliveryList),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Invalid query"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "The store fails"),
    ),
)]
pub(crate) async fn list(
    state: Shared,
    Params(which): Params<Which>,
) -> Result<Json<DeliveryList>, Problem> {
    let limit = which.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("`limit` is not 1 to {LIMIT_MAX}");
        return Err(Problem::new(Kind::InvalidQuery, detail));
    }
    let filter = Filter {
        state: which.state.map(StateName::as_str),
        endpoint: which.endpoint,
        stream: which.stream,
        before: which.before,
        limit,
    };
    let rows = state.webhooks.deliveries(&filter).await.map_err(|error| {
        tracing::error!(%error, "the log of webhooks cannot be read");
        store_fails()
    })?;
    let whole = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next_before = rows.last().filter(|_| whole).map(|row| row.id);
    Ok(Json(DeliveryList {
        deliveries: rows.into_iter().map(DeliveryView::from).collect(),
        next_before,
    }))
}

/// Makes a delivery again.
///
/// At once, from the first attempt of the schedule on, with the same id and the same body. One that is pending is brought
/// forward; one that is under way stays as it is.
#[utoipa::path(
    post, path = "/v1/webhooks/deliveries/{id}/replay", tag = "webhooks",
    params(("id" = i64, Path, description = "The delivery's number")),
    request_body = ReplayBody,
    responses(
        (status = 202, description = "It is queued", body = DeliveryView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Not an empty object"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such delivery"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "Its endpoint is no longer configured, or answered 410"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json", description = "Not JSON"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "The store fails"),
    ),
)]
pub(crate) async fn replay(
    state: Shared,
    axum::extract::Path(id): axum::extract::Path<String>,
    // A body of this type, so that a page of another origin cannot ask without a preflight.
    JsonBody(ReplayBody {}): JsonBody<ReplayBody, BODY_BYTES_MAX>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let missing = || {
        let shown: String = id.chars().take(20).collect();
        let detail = format!("there is no delivery {shown}; ask GET /v1/webhooks/deliveries");
        Problem::new(Kind::NoSuchDelivery, detail)
    };
    let number: i64 = id.parse().map_err(|_| missing())?;
    let row = state.webhooks.replay(number).await;
    let row = row.map_err(|error| match error {
        ReplayError::NoSuchDelivery => missing(),
        ReplayError::NotConfigured(name) => Problem::new(
            Kind::EndpointUnavailable,
            format!("the configuration has no endpoint `{name}`; add it again and restart"),
        ),
        ReplayError::Disabled(name) => Problem::new(
            Kind::EndpointUnavailable,
            format!("endpoint `{name}` answered 410 Gone; correct it and restart the server"),
        ),
        ReplayError::Unavailable => store_fails(),
    })?;
    Ok((StatusCode::ACCEPTED, Json(row.into())))
}

fn store_fails() -> Problem {
    Problem::new(Kind::Unavailable, "the store does not answer; see the log").retry_after(5)
}

impl StateName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

impl From<Row> for DeliveryView {
    fn from(row: Row) -> Self {
        let time = |ms| rfc3339_millis(UnixMillis(ms));
        Self {
            id: row.id,
            endpoint: row.endpoint,
            message_id: row.message,
            r#type: row.kind,
            stream: row.stream,
            next_attempt_at: (row.state == "pending").then(|| time(row.due_ms)),
            state: row.state,
            attempts: row.attempts,
            created_at: time(row.created_ms),
            last_attempt_at: row.attempted_ms.map(time),
            last_status: row.status,
            last_error: row.error,
        }
    }
}

/// The `webhooks` section of the description: what receivers are sent.
pub(super) fn described() -> Paths {
    let add = |paths: PathsBuilder, event: EventType| paths.path(event.as_str(), item(event));
    EventType::ALL
        .into_iter()
        .fold(PathsBuilder::new(), add)
        .build()
}

fn item(event: EventType) -> PathItem {
    let (summary, data) = match event {
        EventType::StreamLive => (
            "A stream began: its first media has come",
            StreamData::schema(),
        ),
        EventType::StreamInterrupted => ("The publisher left and may return", StreamData::schema()),
        EventType::StreamResumed => ("The publisher has returned", StreamData::schema()),
        EventType::StreamEnded => ("The stream is over", EndedData::schema()),
        EventType::StreamVerdict => (
            "The broadcaster should change something",
            VerdictData::schema(),
        ),
    };
    let body = RequestBodyBuilder::new()
        .content(
            "application/json",
            Content::new(Some(envelope(event, data))),
        )
        .required(Some(Required::True));
    let header = |name: &str, description: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
    };
    let operation = OperationBuilder::new()
        .tag("webhooks")
        .summary(Some(summary))
        .parameter(header(
            "webhook-id",
            "The message, the same at every attempt: ignore one that came before",
        ))
        .parameter(header(
            "webhook-timestamp",
            "Unix time of the attempt, in seconds",
        ))
        .parameter(header(
            "webhook-signature",
            "Standard Webhooks 1.0.0, separated by spaces",
        ))
        .request_body(Some(body.build()))
        .response("2XX", Response::new("Taken; anything else is tried again"))
        .response(
            "410",
            Response::new("No more, please: the endpoint gets nothing until the server restarts"),
        );
    PathItem::new(HttpMethod::Post, operation)
}

fn envelope(event: EventType, data: RefOr<Schema>) -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let name = text().enum_values(Some([event.as_str()]));
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some(
            "Raised when a member changes its meaning or goes; new ones may come at any time",
        ))
        .enum_values(Some([VERSION]));
    let timestamp = text()
        .format(Some(SchemaFormat::KnownFormat(
            openapi::KnownFormat::DateTime,
        )))
        .description(Some("When it happened"));
    let members = ["type", "version", "timestamp", "data"];
    let object = ObjectBuilder::new()
        .property(members[0], name)
        .property(members[1], version)
        .property(members[2], timestamp)
        .property(members[3], data);
    members
        .into_iter()
        .fold(object, ObjectBuilder::required)
        .into()
}

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 500;
/// An empty object, and what white space people put into it.
const BODY_BYTES_MAX: usize = 256;
