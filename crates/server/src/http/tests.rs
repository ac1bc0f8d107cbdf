//! The surface over a real shard, without sockets for HTTP: every answer's status, headers and problem.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode},
};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{Server, config::Config};

/// A server on ports of the system's choice, whose media thread runs.
async fn server() -> Server {
    server_with(Config::default()).await
}

async fn server_with(mut config: Config) -> Server {
    config.store.path.clear();
    for listen in [
        &mut config.http.listen,
        &mut config.rtmp.listen,
        &mut config.webrtc.listen,
    ] {
        listen.set_port(0);
    }
    Server::build(&config).await.unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that it is a problem of `kind`, and gives its detail.
    fn problem(&self, status: u16, kind: &str) -> String {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        let body = self.json();
        assert_eq!(body["type"], format!("/problems/{kind}"));
        assert_eq!(body["status"], status);
        assert!(!body["title"].as_str().unwrap().is_empty());
        body["detail"].as_str().unwrap().into()
    }
}

async fn ask(server: &Server, mut request: Request<Body>) -> Answer {
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().entry("host").or_insert(host);
    let router = super::router(server.state(), super::Surface::Whole, server.http_address());
    let response = router.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}

async fn get(server: &Server, path: &str) -> Answer {
    ask(server, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(server: &Server, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    ask(
        server,
        Request::post(path)
            .header("content-type", kind)
            .body(body.into())
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn a_path_that_is_not_there_and_a_method_that_is_not_allowed_are_problems() {
    let server = server().await;
    for path in [
        "/nothing",
        "/v1/",
        "/v1/streams/a/b/c",
        "/hls/a",
        "/v2/streams",
    ] {
        get(&server, path).await.problem(404, "no-such-path");
    }
    for (method, path) in [
        ("DELETE", "/v1/streams"),
        ("PUT", "/v1/streams/show/cues"),
        ("POST", "/hls/show/index.m3u8"),
        ("POST", "/metrics"),
        ("PUT", "/whep/show"),
        ("POST", "/watch/show"),
        ("POST", "/golive/show"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let answer = ask(&server, request).await;
        answer.problem(405, "method-not-allowed");
        assert!(
            answer.header("allow").contains("GET"),
            "{method} {path}: {:?}",
            answer.headers
        );
    }
}

#[tokio::test]
async fn nobody_can_be_removed_who_is_not_there() {
    let server = server().await;
    for path in [
        "/v1/streams/ghost",
        "/v1/streams/ghost/publisher",
        "/v1/streams/ghost/viewers/1",
    ] {
        let request = Request::delete(path).body(Body::empty()).unwrap();
        ask(&server, request).await.problem(404, "no-such-stream");
    }
    for id in ["x", "-1", "99999999999999999999"] {
        let path = format!("/v1/streams/ghost/viewers/{id}");
        let request = Request::delete(path).body(Body::empty()).unwrap();
        ask(&server, request).await.problem(404, "no-such-viewer");
    }
    get(&server, "/v1/streams/ghost/viewers")
        .await
        .problem(404, "no-such-stream");
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_remove_anybody() {
    let server = server().await;
    let preflight = Request::options("/v1/streams/show/publisher")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "DELETE")
        .body(Body::empty())
        .unwrap();
    let answer = ask(&server, preflight).await;
    let granted = answer.header("access-control-allow-methods");
    assert!(!granted.contains("DELETE"), "{granted}");
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_the_same_problem_everywhere() {
    let server = server().await;
    for path in [
        "/v1/streams/ghost",
        "/v1/streams/ghost/cues",
        "/v1/streams/ghost/cues/1",
        "/v1/streams/ghost/state",
        "/v1/streams/ghost/events",
        "/v1/streams/not%20a%20name",
        "/hls/ghost/index.m3u8",
        "/hls/ghost/video.m3u8?_HLS_msn=3",
        "/hls/ghost/part.m4s",
        "/watch/not%20a%20name",
        "/golive/not%20a%20name",
    ] {
        get(&server, path).await.problem(404, "no-such-stream");
    }
    assert_eq!(
        get(&server, "/v1/streams").await.json()["streams"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn without_webhooks_their_log_is_empty_and_their_shapes_are_described_all_the_same() {
    let server = server().await;
    let log = get(&server, "/v1/webhooks/deliveries").await;
    let empty = serde_json::json!({"deliveries": [], "next_before": null});
    assert_eq!((log.status, log.json()), (StatusCode::OK, empty));
    assert_eq!(log.header("cache-control"), "no-store");
    assert_eq!(log.header("access-control-allow-origin"), "");
    for query in ["limit=0", "limit=501", "state=lost", "before=x", "after=1"] {
        let path = format!("/v1/webhooks/deliveries?{query}");
        get(&server, &path).await.problem(400, "invalid-query");
    }
    let replay = "/v1/webhooks/deliveries/7/replay";
    let answer = post(&server, replay, "application/json", "{}").await;
    answer.problem(404, "no-such-delivery");
    let answer = post(&server, replay, "text/plain", "{}").await;
    answer.problem(415, "unsupported-media-type");
    let description = get(&server, "/openapi.json").await.json();
    for event in webhooks::EventType::ALL {
        let body = &description["webhooks"][event.as_str()]["post"]["requestBody"];
        let schema = &body["content"]["application/json"]["schema"];
        assert_eq!(
            schema["properties"]["type"]["enum"],
            serde_json::json!([event.as_str()])
        );
        let data = &schema["properties"]["data"];
        assert_eq!(data["properties"]["epoch"]["type"], "integer", "{data}");
    }
    let reason = "/webhooks/stream.ended/post/requestBody/content/application~1json/schema/properties/data/properties/reason";
    let reason = &description.pointer(reason).unwrap();
    assert_eq!(
        reason["enum"],
        serde_json::json!(["over", "shutdown", "restart"])
    );
}

#[tokio::test]
async fn a_cue_body_that_is_wrong_says_which_field() {
    let server = server().await;
    let path = "/v1/streams/show/cues";
    post(&server, path, "text/plain", "{}")
        .await
        .problem(415, "unsupported-media-type");
    post(&server, path, "application/json", "{")
        .await
        .problem(400, "malformed-body");
    post(&server, path, "application/json", vec![0xff; 10])
        .await
        .problem(400, "malformed-body");
    post(&server, path, "application/json", vec![b' '; 17 << 10])
        .await
        .problem(413, "body-too-large");
    for (body, named) in [
        (r#"{"op":"show","colour":"red"}"#, "`colour`"),
        (r#"{"op":"dance"}"#, "`dance`"),
        (r#"{"card_id":"c1"}"#, "`op`"),
        (r#"{"op":"clear","at":{"when":1}}"#, "`at"),
        (r#"{"op":"clear","duration_ms":-1}"#, "`duration_ms`"),
        (
            r#"{"op":"show","payload":{"sku":"a","title":"b","price":{"minor":1.5,"currency":"EUR"}}}"#,
            "`payload.price.minor`",
        ),
        (
            r#"{"op":"show","payload":{"sku":"a","title":"b","price":{"minor":1,"currency":"eur"}}}"#,
            "`payload.price.currency`",
        ),
        (r#"{"op":"clear","at":{"utc":"soon"}}"#, "`at.utc`"),
    ] {
        let said = post(&server, path, "application/json", body)
            .await
            .problem(400, "invalid-field");
        assert!(said.contains(named), "{body}: {said}");
    }
    let clear = r#"{"op":"clear"}"#;
    post(&server, path, "application/json", clear)
        .await
        .problem(404, "no-such-stream");
}

#[tokio::test]
async fn an_idempotency_key_is_visible_ascii_of_a_bounded_length_once() {
    let server = server().await;
    let with = |keys: &[&str]| {
        let mut request =
            Request::post("/v1/streams/show/cues").header("content-type", "application/json");
        for key in keys {
            request = request.header("idempotency-key", *key);
        }
        request.body(Body::from(r#"{"op":"clear"}"#)).unwrap()
    };
    for keys in [
        &[""][..],
        &["a b"],
        &["caf\u{e9}"],
        &["a", "a"],
        &["k".repeat(256).as_str()],
    ] {
        let said = ask(&server, with(keys))
            .await
            .problem(400, "invalid-header");
        assert!(said.contains("Idempotency-Key"), "{said}");
    }
    ask(&server, with(&["k-1"]))
        .await
        .problem(404, "no-such-stream");
}

#[tokio::test]
async fn events_may_be_asked_for_with_a_token_in_the_query() {
    let server = server().await;
    get(&server, "/v1/streams/ghost/events?token=abc.def&after=3")
        .await
        .problem(404, "no-such-stream");
}

#[tokio::test]
async fn a_query_that_is_not_known_is_a_problem() {
    let server = server().await;
    for path in [
        "/v1/streams/show/cues?since=1",
        "/v1/streams/show/cues?after=-1",
        "/v1/streams/show/state?pts=now",
        "/v1/streams/show/events?from=1",
    ] {
        get(&server, path).await.problem(400, "invalid-query");
    }
}

#[tokio::test]
async fn whep_answers_every_row_of_its_checklist_that_needs_no_stream() {
    let server = server().await;
    let offer = "v=0\r\n";
    post(&server, "/whep/show", "text/plain", offer)
        .await
        .problem(415, "unsupported-media-type");
    post(&server, "/whep/show", "application/sdp", "")
        .await
        .problem(400, "malformed-offer");
    post(
        &server,
        "/whep/show",
        "application/sdp",
        vec![b'v'; 65 << 10],
    )
    .await
    .problem(413, "body-too-large");
    let answer = post(&server, "/whep/show", "application/sdp", offer).await;
    answer.problem(409, "not-live");
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(
        answer
            .header("access-control-expose-headers")
            .contains("location")
    );

    let answer = get(&server, "/whep/show").await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::NO_CONTENT, 0)
    );
    let answer = ask(
        &server,
        Request::head("/whep/show").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/sdp")
    );
    let request = Request::options("/whep/show").header("origin", "https://shop.example");
    let answer = ask(&server, request.body(Body::empty()).unwrap()).await;
    assert!(answer.status.is_success());
    assert_eq!(answer.header("accept-post"), "application/sdp");
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("POST")
    );
}

/// A browser's offer to publish.
fn offer_to_publish() -> String {
    include_str!("../../../sfu/tests/fixtures/chromium-156.sdp").replace("a=recvonly", "a=sendonly")
}

async fn patch(server: &Server, path: &str, if_match: Option<&str>, body: &str) -> Answer {
    let mut request =
        Request::patch(path).header("content-type", "application/trickle-ice-sdpfrag");
    if let Some(if_match) = if_match {
        request = request.header("if-match", if_match);
    }
    ask(server, request.body(Body::from(body.to_owned())).unwrap()).await
}

const CANDIDATE: &str = "a=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n";
const RESTART: &str = "a=ice-ufrag:fresh\r\na=ice-pwd:a-password-of-22-characters\r\n";

#[tokio::test]
async fn a_patch_carries_candidates_or_restarts_ice() {
    for lenient in [true, false] {
        let mut config = Config::default();
        config.webrtc.lenient_patch = lenient;
        let server = server_with(config).await;
        let created = post(&server, "/whip/show", "application/sdp", offer_to_publish()).await;
        assert_eq!(created.status, StatusCode::CREATED);
        let (path, etag) = (created.header("location"), created.header("etag"));
        assert!(
            etag.starts_with('"') && etag.ends_with(".0\""),
            "strong: {etag}"
        );

        let answer = patch(&server, path, None, CANDIDATE).await;
        if lenient {
            assert_eq!(answer.status, StatusCode::NO_CONTENT);
        } else {
            answer.problem(428, "precondition-required");
        }
        for given in [etag, "*", "\"*\"", &format!("\"other\", {etag}")] {
            let answer = patch(&server, path, Some(given), CANDIDATE).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{given}");
            assert!(answer.body.is_empty() && !answer.headers.contains_key("etag"));
        }
        for given in [
            "\"other\"",
            "",
            &format!("W/{etag}"),
            &etag.replace(".0", ".1"),
        ] {
            let answer = patch(&server, path, Some(given), CANDIDATE).await;
            answer.problem(412, "precondition-failed");
        }
        let many = CANDIDATE.repeat(1_000);
        assert_eq!(
            patch(&server, path, Some(etag), &many).await.status,
            StatusCode::NO_CONTENT
        );

        patch(&server, path, None, RESTART)
            .await
            .problem(428, "precondition-required");
        let restarted = patch(&server, path, Some("\"*\""), RESTART).await;
        assert_eq!(restarted.status, StatusCode::OK);
        assert_eq!(
            restarted.header("content-type"),
            "application/trickle-ice-sdpfrag"
        );
        assert_eq!(restarted.header("etag"), etag.replace(".0", ".1"));
        let fragment = String::from_utf8(restarted.body.clone()).unwrap();
        for line in [
            "a=ice-ufrag:",
            "a=ice-pwd:",
            "a=candidate:",
            "a=end-of-candidates",
        ] {
            assert!(fragment.contains(line), "{fragment}");
        }
        let overtaken = patch(&server, path, Some(etag), CANDIDATE).await;
        overtaken.problem(412, "precondition-failed");

        let request = Request::delete(path).header("if-match", "\"bogus\"");
        let answer = ask(&server, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "DELETE ignores ETags");
        patch(&server, path, Some("*"), CANDIDATE)
            .await
            .problem(404, "no-such-session");
    }
}

#[tokio::test]
async fn ice_servers_are_told_one_a_header_and_only_with_a_session() {
    let mut config = Config::default();
    let server = |urls: &[&str], word: &str| crate::config::IceServer {
        urls: urls.iter().map(|&url| url.to_owned()).collect(),
        username: word.to_owned(),
        credential: crate::config::Secret(word.to_owned()),
    };
    config.webrtc.ice_servers = vec![
        server(&["stun:stun.example:3478"], ""),
        server(&["turn:turn.example", "turns:turn.example:443"], "shop"),
    ];
    let server = server_with(config).await;
    let links = |answer: &Answer| {
        let links = answer.headers.get_all("link").iter();
        links
            .map(|link| link.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let created = post(&server, "/whip/show", "application/sdp", offer_to_publish()).await;
    let told = links(&created);
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], "<stun:stun.example:3478>; rel=\"ice-server\"");
    assert!(told.iter().all(|link| !link.contains(',')), "{told:?}");
    // TURN's password is for whoever was let in.
    for endpoint in ["/whip/show", "/whep/show"] {
        let asked = Request::options(endpoint).header("access-control-request-method", "POST");
        let answer = ask(&server, asked.body(Body::empty()).unwrap()).await;
        assert!(answer.status.is_success());
        assert_eq!(links(&answer), [""; 0]);
    }
}

#[tokio::test]
async fn a_session_that_is_not_there_can_neither_be_patched_nor_deleted() {
    let server = server().await;
    for name in ["AAAA", "guess", "0"] {
        let path = format!("/whep/show/{name}");
        for method in ["PATCH", "DELETE", "GET"] {
            let request = Request::builder()
                .method(method)
                .uri(&path)
                .body(Body::empty())
                .unwrap();
            ask(&server, request).await.problem(404, "no-such-session");
        }
    }
}

#[tokio::test]
async fn health_metrics_and_description_answer() {
    let server = server().await;
    assert_eq!(get(&server, "/healthz").await.body, b"live\n");
    assert_eq!(get(&server, "/readyz").await.body, b"ready\n");
    let metrics = get(&server, "/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(
        text.contains("shopcast_streams{state=\"live\"} 0"),
        "{text}"
    );
    assert!(
        text.contains("shopcast_viewers{protocol=\"webrtc\"} 0"),
        "{text}"
    );

    let description = get(&server, "/openapi.json").await.json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/v1/streams/{stream}/cues",
        "/v1/streams/{stream}/events",
        "/whep/{stream}",
        "/readyz",
    ] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
    assert!(description["components"]["schemas"]["CueBody"]["properties"]["at"].is_object());
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let server = server().await;
    let description = get(&server, "/openapi.json").await.json();
    let mut open = vec![&description];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                open.extend(fields.values());
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(description.pointer(pointer).is_some(), "{reference}");
                    references += 1;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    assert!(references > 10);
}

#[tokio::test]
async fn a_server_that_is_told_to_end_does() {
    let server = server().await;
    let address = server.http_address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    drop(stream);
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), running).await;
    ended.expect("within the drain").unwrap().unwrap();
}

mod browsers;
mod connections;
mod delivery;
mod hls;
mod kept;
mod keys;
mod matrix;
mod thumbnail;
mod tls;
