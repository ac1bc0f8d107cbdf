//! `GET /v1/streams/{stream}/thumbnail.jpg`: what a stream shows, for a page that lists streams.

use std::hash::{DefaultHasher, Hasher as _};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use engine::{Thumbnail, ThumbnailError};
use utoipa::ToSchema;

use super::{
    Shared,
    extract::Stream,
    hls::keep_private,
    problem::{Kind, Problem, ProblemBody},
};

/// What the stream shows: its newest key frame, or the last one, as a JPEG.
///
/// Neither side is longer than 640 samples. It is made when it is asked for, and shown for two seconds to who else asks. An
/// interrupted stream shows its last picture. `ETag` is that of the picture: `If-None-Match` is answered with `304` while it
/// is the same.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/thumbnail.jpg", tag = "streams",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the picture that is there already"),
    ),
    responses(
        (status = 200, description = "The picture", content_type = "image/jpeg", body = JpegFile,
         headers(("ETag" = String, description = "Of the picture"))),
        (status = 304, description = "It is still the same"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
         description = "It has shown nothing yet, or nothing since the server's start"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
         description = "It has no video, or one that is not decoded here; or thumbnails are turned off"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
         description = "It was not made within three seconds; Retry-After says when to try again"),
    ),
)]
pub(crate) async fn show(
    state: Shared,
    Stream(stream): Stream,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut draining = state.draining.clone();
    let answer = tokio::select! {
        biased;
        answer = state.thumbnails.ask(&state.shard, &stream) => answer??,
        _ = draining.wait_for(|draining| *draining) => {
            return Err(Problem::new(Kind::Unavailable, "the server is ending; use another one").retry_after(1));
        }
    };
    let mut response = respond(answer, &headers);
    if headers.contains_key(header::AUTHORIZATION) {
        keep_private(response.headers_mut());
    }
    Ok(response)
}

/// The file, as `/openapi.json` has it.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(crate) struct JpegFile(#[expect(dead_code, reason = "it is described only")] Vec<u8>);

fn respond(Thumbnail { jpeg, .. }: Thumbnail, headers: &HeaderMap) -> Response {
    let mut hasher = DefaultHasher::new();
    hasher.write(&jpeg);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| names(value, &etag)));
    let etag = HeaderValue::try_from(etag).expect("hexadecimal digits");
    let about = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, HeaderValue::from_static(CACHE)),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"))];
    (kind, about, Body::from(jpeg)).into_response()
}

/// RFC 9110 section 13.1.2: a list, compared weakly, or any.
fn names(if_none_match: &str, etag: &str) -> bool {
    let mut named = if_none_match.split(',').map(str::trim);
    named.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

impl From<ThumbnailError> for Problem {
    fn from(error: ThumbnailError) -> Self {
        let said = error.to_string();
        match error {
            ThumbnailError::NoStream(name) => Self::no_such_stream(&name),
            ThumbnailError::NotLive(_) => Self::new(Kind::NotLive, said).retry_after(1),
            ThumbnailError::Interrupted(_) => Self::new(Kind::Interrupted, said),
            ThumbnailError::NoVideo(_)
            | ThumbnailError::NotDecoded { .. }
            | ThumbnailError::Off => Self::new(Kind::NoThumbnail, said),
            ThumbnailError::Failed(_) | ThumbnailError::Late(_) => {
                Self::new(Kind::TimedOut, said).retry_after(RETRY_S)
            }
            // What is added later is refused for now rather than for good.
            _ => Self::new(Kind::Unavailable, said).retry_after(RETRY_S),
        }
    }
}

/// As long as the next one would be the same.
const CACHE: &str = "public, max-age=2";
/// A key frame comes every two seconds or so.
const RETRY_S: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_found_in_a_list() {
        for (value, known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(names(value, "\"a\""), known, "{value}");
        }
    }
}
