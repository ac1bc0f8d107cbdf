//! Requests taken apart, every mistake answered as a problem.

use std::time::Duration;

use axum::{
    body::BodyDataStream,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use engine::StreamName;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::problem::{Kind, Problem};

/// The `{stream}` of a path with no other parameter.
#[derive(Debug)]
pub(crate) struct Stream(pub(crate) StreamName);

/// The `{stream}` of a path and the parameter after it.
#[derive(Debug)]
pub(crate) struct StreamAnd(pub(crate) StreamName, pub(crate) String);

/// A JSON body of at most `MAX` bytes.
#[derive(Debug)]
pub(crate) struct JsonBody<T, const MAX: usize>(pub(crate) T);

/// The query.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync> FromRequestParts<S> for Stream {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|wrong| Problem::new(Kind::NoSuchPath, wrong.body_text()))?;
        stream_name(&name).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StreamAnd {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((name, other)) =
            path.map_err(|wrong| Problem::new(Kind::NoSuchPath, wrong.body_text()))?;
        Ok(Self(stream_name(&name)?, other))
    }
}

/// A name that no stream can have is the name of no stream.
fn stream_name(name: &str) -> Result<StreamName, Problem> {
    StreamName::parse(name).ok_or_else(|| Problem::no_such_stream(name))
}

impl<S: Send + Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for JsonBody<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        require_type(request.headers(), &["application/json"])?;
        let body = body(request, MAX).await?;
        parse_json(&body).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // The token is the guard's, not the handler's.
        let query = parts.uri.query().unwrap_or("").split('&');
        let own: Vec<_> = query.filter(|pair| !pair.starts_with("token=")).collect();
        let invalid = |wrong: String| Problem::new(Kind::InvalidQuery, wrong);
        let uri = format!("/?{}", own.join("&"))
            .parse()
            .map_err(|_| invalid("the query is not one".into()))?;
        let query = Query::try_from_uri(&uri);
        let Query(params) = query.map_err(|wrong| invalid(wrong.body_text()))?;
        Ok(Self(params))
    }
}

/// The whole body, which may have `max` bytes.
pub(crate) async fn body(request: Request, max: usize) -> Result<Bytes, Problem> {
    timeout(READ_TIME_MAX, read(request, max))
        .await
        .unwrap_or_else(|_| {
            let detail = format!("the body was not through in {} s", READ_TIME_MAX.as_secs());
            Err(Problem::new(Kind::RequestTooSlow, detail))
        })
}

async fn read(request: Request, max: usize) -> Result<Bytes, Problem> {
    let mut chunks = request.into_body().into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Problem::new(Kind::MalformedBody, error.to_string()))?;
        if bytes.len() + chunk.len() > max {
            read_out(chunks).await;
            let detail = format!("the body has more than {max} bytes; send less");
            return Err(Problem::new(Kind::BodyTooLarge, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Reads on for a while what nobody wants: a client that is still sending when the connection is closed may see a broken
/// connection in place of the answer (RFC 9112 section 9.6).
async fn read_out(mut chunks: BodyDataStream) {
    let mut left = READ_OUT_BYTES_MAX;
    let reading = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // Who is slower than that has to live with it.
    let _in_time = timeout(READ_OUT_TIME, reading).await;
}

/// Bodies are 64 KiB at most: 50 kbit/s is enough.
const READ_TIME_MAX: Duration = Duration::from_secs(10);
const READ_OUT_BYTES_MAX: usize = 8 << 20;
const READ_OUT_TIME: Duration = Duration::from_secs(2);

/// Refuses a body of another media type than `allowed`; parameters such as `charset` do not matter.
pub(crate) fn require_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if allowed
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(essence))
    {
        return Ok(());
    }
    let found = if essence.is_empty() {
        "no Content-Type"
    } else {
        "another Content-Type"
    };
    let detail = format!(
        "the body has {found}; send `Content-Type: {}`",
        allowed.join("` or `")
    );
    Err(Problem::new(Kind::UnsupportedMediaType, detail))
}

pub(super) fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let kind = match inner.classify() {
            serde_json::error::Category::Data => Kind::InvalidField,
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => Kind::MalformedBody,
        };
        let place = if path == "." {
            String::new()
        } else {
            format!("`{path}`: ")
        };
        Problem::new(kind, format!("{place}{inner}"))
    })?;
    json.end()
        .map_err(|error| Problem::new(Kind::MalformedBody, error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its errors are looked at")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its errors are looked at")]
        number: u8,
    }

    fn wrong(body: &str) -> (Kind, String) {
        let problem = parse_json::<Outer>(body.as_bytes()).unwrap_err();
        (problem.kind(), format!("{problem:?}"))
    }

    #[test]
    fn a_field_is_named_by_its_path() {
        let (kind, said) = wrong(r#"{"inner":{"number":"x"}}"#);
        assert_eq!(kind, Kind::InvalidField);
        assert!(said.contains("`inner.number`"), "{said}");
        let (kind, said) = wrong(r#"{"outer":1}"#);
        assert_eq!(kind, Kind::InvalidField);
        assert!(said.contains("outer"), "{said}");
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for body in [
            "",
            "{",
            "nonsense",
            "\u{feff}{}",
            r#"{"inner":{"number":1}} {}"#,
        ] {
            assert_eq!(wrong(body).0, Kind::MalformedBody, "{body}");
        }
    }

    #[test]
    fn the_type_matters_and_its_parameters_do_not() {
        let with =
            |value: &str| HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
        let allowed = ["application/json"];
        assert!(require_type(&with("application/json; charset=utf-8"), &allowed).is_ok());
        assert!(require_type(&with("Application/JSON"), &allowed).is_ok());
        assert!(require_type(&with("text/plain"), &allowed).is_err());
        assert!(require_type(&HeaderMap::new(), &allowed).is_err());
    }
}
