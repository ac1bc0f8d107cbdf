//! Every error as RFC 9457 problem details.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::io::command::{ChangeError, Unavailable};

/// What kind of problem it is: the vocabulary of `type`. `docs/api.md` says what a caller can do about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NoSuchPath,
    NoSuchStream,
    NoSuchCue,
    NotArmed,
    NoSuchKey,
    NoSuchSession,
    NoSuchViewer,
    NoSuchPublisher,
    NoSuchMedia,
    NoSuchDelivery,
    NoThumbnail,
    DeliveryForgotten,
    Unauthorized,
    Forbidden,
    MethodNotAllowed,
    UnsupportedMediaType,
    BodyTooLarge,
    MalformedBody,
    InvalidField,
    InvalidHeader,
    InvalidQuery,
    InvalidRange,
    KeyReused,
    RevConflict,
    CardNotShown,
    CardsFull,
    CardRefused,
    CueSettled,
    KeysFull,
    RateLimited,
    NotLive,
    Interrupted,
    AlreadyPublished,
    EndpointUnavailable,
    MalformedOffer,
    OfferNotAcceptable,
    OfferNotUsable,
    StreamNotPlayable,
    PreconditionFailed,
    PreconditionRequired,
    Full,
    TimedOut,
    RequestTooSlow,
    Misdirected,
    NotKept,
    Unavailable,
    Internal,
}

impl Kind {
    /// Its name in the type's URI, and its title.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NoSuchPath => ("no-such-path", "No such path"),
            Self::NoSuchStream => ("no-such-stream", "No such stream"),
            Self::NoSuchCue => ("no-such-cue", "No such cue"),
            Self::NotArmed => ("not-armed", "Nothing is prepared"),
            Self::NoSuchKey => ("no-such-key", "No such stream key"),
            Self::NoSuchSession => ("no-such-session", "No such session"),
            Self::NoSuchViewer => ("no-such-viewer", "No such viewer"),
            Self::NoSuchPublisher => ("no-such-publisher", "No publisher"),
            Self::NoSuchMedia => ("no-such-media", "No such playlist, part or segment"),
            Self::NoSuchDelivery => ("no-such-delivery", "No such delivery"),
            Self::NoThumbnail => ("no-thumbnail", "No thumbnail of this stream"),
            Self::DeliveryForgotten => ("delivery-forgotten", "Delivery no longer known"),
            Self::Unauthorized => ("unauthorized", "A token is needed"),
            Self::Forbidden => ("forbidden", "The token does not allow this"),
            Self::MethodNotAllowed => ("method-not-allowed", "Method not allowed"),
            Self::UnsupportedMediaType => ("unsupported-media-type", "Unsupported media type"),
            Self::BodyTooLarge => ("body-too-large", "Body too large"),
            Self::MalformedBody => ("malformed-body", "Malformed body"),
            Self::InvalidField => ("invalid-field", "Invalid field"),
            Self::InvalidHeader => ("invalid-header", "Invalid header"),
            Self::InvalidQuery => ("invalid-query", "Invalid query"),
            Self::InvalidRange => ("invalid-range", "Range not satisfiable"),
            Self::KeyReused => ("idempotency-key-reused", "Idempotency key reused"),
            Self::RevConflict => ("revision-conflict", "Revision conflict"),
            Self::CardNotShown => ("card-not-shown", "Card not shown"),
            Self::CardsFull => ("cards-full", "As many cards as may show at once"),
            Self::CardRefused => ("card-refused", "Card refused"),
            Self::CueSettled => ("cue-settled", "Cue settled"),
            Self::KeysFull => ("keys-full", "As many stream keys as may be"),
            Self::RateLimited => ("rate-limited", "Rate limited"),
            Self::NotLive => ("not-live", "Not live"),
            Self::Interrupted => ("interrupted", "Interrupted"),
            Self::AlreadyPublished => ("already-published", "Already published"),
            Self::EndpointUnavailable => ("endpoint-unavailable", "Webhook endpoint unavailable"),
            Self::OfferNotUsable => ("offer-not-usable", "No codec or track to publish"),
            Self::MalformedOffer => ("malformed-offer", "Malformed offer"),
            Self::OfferNotAcceptable => ("offer-not-acceptable", "No common codec or track"),
            Self::StreamNotPlayable => ("stream-not-playable", "Not playable by this protocol"),
            Self::PreconditionFailed => ("precondition-failed", "Precondition failed"),
            Self::PreconditionRequired => ("precondition-required", "Precondition required"),
            Self::RequestTooSlow => ("request-too-slow", "The request took too long"),
            Self::Misdirected => ("misdirected", "Not this server's name"),
            Self::Full => ("full", "Full"),
            Self::TimedOut => ("timed-out", "Waited too long for media"),
            Self::NotKept => ("not-kept", "The store cannot be written"),
            Self::Unavailable => ("unavailable", "Temporarily unavailable"),
            Self::Internal => ("internal", "Internal error"),
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPath
            | Self::NoSuchStream
            | Self::NoSuchCue
            | Self::NotArmed
            | Self::NoSuchKey
            | Self::NoSuchSession
            | Self::NoSuchViewer
            | Self::NoSuchPublisher
            | Self::NoSuchMedia
            | Self::NoSuchDelivery => StatusCode::NOT_FOUND,
            Self::DeliveryForgotten => StatusCode::GONE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MalformedBody
            | Self::InvalidField
            | Self::InvalidHeader
            | Self::InvalidQuery
            | Self::MalformedOffer => StatusCode::BAD_REQUEST,
            Self::InvalidRange => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::KeyReused
            | Self::OfferNotUsable
            | Self::StreamNotPlayable
            | Self::NoThumbnail => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RevConflict
            | Self::CardNotShown
            | Self::CardsFull
            | Self::CardRefused
            | Self::CueSettled
            | Self::KeysFull
            | Self::NotLive
            | Self::Interrupted
            | Self::AlreadyPublished
            | Self::EndpointUnavailable => StatusCode::CONFLICT,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::OfferNotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::RequestTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Full | Self::TimedOut | Self::NotKept | Self::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A problem on its way to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    retry_after_s: Option<u64>,
    content_range: Option<String>,
    challenge: Option<HeaderValue>,
}

/// RFC 9457 section 3.1.
#[derive(Debug, Serialize, ToSchema)]
#[schema(
    title = "Problem",
    description = "RFC 9457 problem details: every answer that is not a success"
)]
pub(crate) struct ProblemBody {
    /// Which kind of problem, relative to the server. Stable: decide by this.
    #[schema(example = "/problems/card-not-shown")]
    r#type: String,
    /// The kind in words, the same each time.
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 409)]
    status: u16,
    /// This case: which element is at fault, and what to do.
    detail: String,
}

impl Problem {
    /// `detail` names the element at fault and the remedy.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after_s: None,
            content_range: None,
            challenge: None,
        }
    }

    /// What is at fault, and the remedy.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same request may succeed after `seconds`.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The length that a range does not fit (RFC 9110 section 15.5.17).
    pub(crate) fn content_length(mut self, len: usize) -> Self {
        self.content_range = Some(format!("bytes */{len}"));
        self
    }

    /// What would do in its place (RFC 9110 section 11.6.1).
    pub(crate) fn challenge(mut self, challenge: HeaderValue) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// It is about one of several.
    pub(crate) fn of_list(mut self, list: &str, index: usize) -> Self {
        self.detail = format!("`{list}[{index}]`: {}", self.detail);
        self
    }

    /// There is no stream of this name.
    pub(crate) fn no_such_stream(name: &str) -> Self {
        let shown: String = name.chars().take(64).collect();
        Self::new(
            Kind::NoSuchStream,
            format!("there is no stream `{shown}`; start its publisher, or ask GET /v1/streams"),
        )
    }

    #[cfg(test)]
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        Self::new(Kind::Unavailable, unavailable.to_string()).retry_after(1)
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unavailable(unavailable) => unavailable.into(),
            ChangeError::Unkept(unkept) => {
                Self::new(Kind::NotKept, unkept.to_string()).retry_after(NOT_KEPT_RETRY_S)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (slug, title) = self.kind.words();
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: format!("/problems/{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        // A part that is not there yet would otherwise be missing for as long as a cache likes.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(range) = self.content_range {
            let range = HeaderValue::try_from(range).expect("digits and a slash");
            headers.insert(header::CONTENT_RANGE, range);
        }
        response
    }
}

/// A store that fails is tried again at least that often.
const NOT_KEPT_RETRY_S: u64 = 2;

#[cfg(test)]
mod tests {
    /// Kinds are named here by their slugs as the source has them, so that none can be left out.
    #[test]
    fn every_kind_is_in_the_api_page() {
        let page = include_str!("../../../../docs/api.md");
        let source = include_str!("problem.rs");
        let table = source.split("const fn words").nth(1).unwrap();
        let table = table.split("\n    }\n").next().unwrap();
        let slugs = table
            .split("=> (")
            .skip(1)
            .filter_map(|entry| entry.split('"').nth(1));
        assert!(slugs.clone().count() >= 29);
        for slug in slugs {
            let named = [format!("/problems/{slug}`"), format!("`{slug}`")];
            assert!(
                named.iter().any(|name| page.contains(name)),
                "docs/api.md lacks {slug}"
            );
        }
    }
}
