//! Thumbnails over HTTP, as far as no child is needed. What is shown is tested end to end.

use engine::{StreamName, Thumbnail, ThumbnailError};
use media::{Pts, VideoCodec};

use super::*;

const PATH: &str = "/v1/streams/show/thumbnail.jpg";

/// A server whose media thread is asked by this test alone, and says what it is told to.
async fn answered(answer: Result<Thumbnail, ThumbnailError>) -> Server {
    let server = server().await;
    let show = StreamName::parse("show").unwrap();
    server.state().thumbnails.answer_next(&show, Ok(answer));
    server
}

fn made() -> Thumbnail {
    Thumbnail {
        pts: Pts(90_000),
        jpeg: vec![0xff, 0xd8, 0xff, 0xd9].into(),
    }
}

async fn ask_with(server: &Server, method: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(PATH);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(server, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_stream_that_is_not_there_shows_nothing() {
    let server = server().await;
    get(&server, PATH).await.problem(404, "no-such-stream");
    get(&server, "/v1/streams/a.b/thumbnail.jpg")
        .await
        .problem(404, "no-such-stream");
    let answer = ask_with(&server, "POST", &[]).await;
    answer.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn a_picture_is_sent_once_to_who_keeps_it() {
    let server = answered(Ok(made())).await;
    let first = get(&server, PATH).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.header("content-type"), "image/jpeg");
    assert_eq!(first.header("cache-control"), "public, max-age=2");
    assert_eq!(first.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(first.body, made().jpeg);
    let etag = first.header("etag").to_owned();
    let again = ask_with(&server, "GET", &[("if-none-match", &etag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert_eq!(again.header("etag"), etag);
    assert_eq!(again.header("cache-control"), "public, max-age=2");
    assert!(again.body.is_empty());
    let other = ask_with(&server, "GET", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status, StatusCode::OK);
    let head = ask_with(&server, "HEAD", &[]).await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (StatusCode::OK, "4")
    );
    assert!(head.body.is_empty());
    // What one was authorised to have is no other's.
    let guarded = ask_with(&server, "GET", &[("authorization", "Bearer x")]).await;
    assert_eq!(guarded.header("cache-control"), "private, max-age=2");
}

#[tokio::test]
async fn why_there_is_no_picture_is_said() {
    let name = || "show".to_owned();
    let codec = VideoCodec::Av1;
    for (error, status, kind, said) in [
        (
            ThumbnailError::NoStream(name()),
            404,
            "no-such-stream",
            "show",
        ),
        (ThumbnailError::NotLive(name()), 409, "not-live", "moment"),
        (
            ThumbnailError::Interrupted(name()),
            409,
            "interrupted",
            "start",
        ),
        (
            ThumbnailError::NoVideo(name()),
            422,
            "no-thumbnail",
            "no video",
        ),
        (
            ThumbnailError::NotDecoded {
                stream: name(),
                codec,
            },
            422,
            "no-thumbnail",
            "AV1",
        ),
        (ThumbnailError::Off, 422, "no-thumbnail", "thumbnails_max"),
        (
            ThumbnailError::Failed(name()),
            503,
            "timed-out",
            "key frame",
        ),
        (ThumbnailError::Late(name()), 503, "timed-out", "in time"),
    ] {
        let retry = matches!(
            error,
            ThumbnailError::NotLive(_) | ThumbnailError::Failed(_) | ThumbnailError::Late(_)
        );
        let server = answered(Err(error)).await;
        let answer = get(&server, PATH).await;
        let detail = answer.problem(status, kind);
        assert!(detail.contains(said), "{detail}");
        assert_eq!(!answer.header("retry-after").is_empty(), retry, "{detail}");
    }
}
