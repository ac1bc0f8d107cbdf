//! What browsers are told, and what pages of other origins may do.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use tower::ServiceExt as _;

use super::{Answer, ask, get, server, server_with};
use crate::{
    Server,
    config::Config,
    http::{Surface, routed, router},
};

#[tokio::test]
async fn pages_have_a_policy_without_inline_code() {
    let server = server().await;
    for path in ["/", "/watch/show", "/golive/show", "/player/player.js"] {
        let answer = get(&server, path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self'") && !policy.contains("unsafe-inline"),
            "{policy}"
        );
        assert!(policy.contains("img-src 'self' https:"), "{policy}");
        assert!(
            policy.contains("require-trusted-types-for 'script'"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
        // The player's own worker, by the one policy it makes.
        assert!(
            policy.contains("worker-src 'self'")
                && policy.contains("trusted-types shopcast-player"),
            "{policy}"
        );
        let devices = if path.starts_with("/golive") {
            "camera=(self)"
        } else {
            "camera=()"
        };
        let policy = answer.header("permissions-policy");
        assert!(policy.contains(devices), "{path}: {policy}");
        assert!(
            answer.status == StatusCode::OK
                || String::from_utf8_lossy(&answer.body).contains("npm run build")
        );
    }
    assert!(
        String::from_utf8(get(&server, "/").await.body)
            .unwrap()
            .contains("nothing yet")
    );
    let answer = get(&server, "/player/../../Cargo.toml").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_on_another_origin_may_read_but_not_insert() {
    let server = server().await;
    let from = |method: &str, path: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("origin", "https://shop.example")
    };
    let answer = ask(
        &server,
        from("GET", "/v1/streams").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let preflight = from("OPTIONS", "/v1/streams/show/cues")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,idempotency-key",
        );
    let answer = ask(&server, preflight.body(Body::empty()).unwrap()).await;
    let allowed = answer
        .header("access-control-allow-headers")
        .to_ascii_lowercase();
    assert!(
        !allowed.contains("content-type") && !allowed.contains('*'),
        "{allowed}"
    );
    let answer = ask(
        &server,
        from("GET", "/hls/ghost/index.m3u8")
            .body(Body::empty())
            .unwrap(),
    )
    .await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("timing-allow-origin"), "*");
    assert!(
        answer
            .header("access-control-expose-headers")
            .to_ascii_lowercase()
            .contains("age")
    );
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let server = server().await;
    for (path, resource) in [
        ("/", "same-origin"),
        ("/watch/show", "same-origin"),
        ("/player/player.js", "cross-origin"),
        ("/v1/streams", "cross-origin"),
        ("/hls/ghost/index.m3u8", "cross-origin"),
        ("/whep/show", "same-origin"),
        ("/healthz", "same-origin"),
        ("/nothing", "same-origin"),
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            resource,
            "{path}"
        );
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
    }
}

#[tokio::test]
async fn another_name_is_refused_with_the_remedy() {
    let with = |host: &str| {
        Request::get("/healthz")
            .header("host", host)
            .body(Body::empty())
    };
    let alone = server().await;
    let said = ask(&alone, with("evil.example").unwrap())
        .await
        .problem(421, "misdirected");
    assert!(
        said.contains("`evil.example`") && said.contains("`http.hosts`"),
        "{said}"
    );
    let mut config = Config::default();
    config.http.hosts = vec!["live.shop.example".into()].try_into().unwrap();
    let named = server_with(config).await;
    let answer = ask(&named, with("live.shop.example:443").unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn only_the_watch_page_goes_into_the_frames_that_are_set() {
    let mut config = Config::default();
    let ancestors = String::from("'self' https://shop.example");
    config.http.frame_ancestors = ancestors.try_into().unwrap();
    let server = server_with(config).await;
    for (path, framed) in [("/watch/show", true), ("/golive/show", false), ("/", false)] {
        let answer = get(&server, path).await;
        let policy = answer.header("content-security-policy");
        let (_, ancestors) = policy.split_once("frame-ancestors ").unwrap();
        assert_eq!(ancestors.contains("https://shop.example"), framed, "{path}");
    }
}

/// A preflight as a browser sends it (Fetch, "CORS-preflight fetch").
async fn preflight(server: &Server, path: &str, origin: &str, method: &str) -> Answer {
    let request = Request::options(path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "authorization,content-type,if-match",
        );
    ask(server, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn players_of_other_origins_watch_and_publishers_do_not() {
    let server = server().await;
    for path in ["/whep/show", "/whep/show/session"] {
        for method in ["POST", "PATCH", "DELETE"] {
            let answer = preflight(&server, path, "https://shop.example", method).await;
            assert!(answer.status.is_success());
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let methods = answer.header("access-control-allow-methods");
            assert!(methods.contains(method), "{methods}");
            let headers = answer.header("access-control-allow-headers");
            for name in ["authorization", "content-type", "if-match"] {
                assert!(headers.contains(name), "{headers}");
            }
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
    }
    let answer = get(&server, "/whep/show/session").await;
    let exposed = answer.header("access-control-expose-headers");
    for name in [
        "location",
        "etag",
        "link",
        "accept-patch",
        "retry-after",
        "www-authenticate",
    ] {
        assert!(exposed.contains(name), "{exposed}");
    }
    assert_eq!(
        answer.header("accept-patch"),
        "application/trickle-ice-sdpfrag"
    );
    for path in ["/whip/show", "/whip/show/session"] {
        let answer = preflight(&server, path, "https://shop.example", "POST").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let request = Request::options("/whip/show").body(Body::empty()).unwrap();
    let answer = ask(&server, request).await;
    assert_eq!(
        (answer.status, answer.header("accept-post")),
        (StatusCode::OK, "application/sdp")
    );
}

#[tokio::test]
async fn origins_that_are_listed_read_and_others_do_not() {
    let mut config = Config::default();
    config.http.allowed_origins = vec!["https://shop.example".into()].try_into().unwrap();
    let server = server_with(config).await;
    for path in [
        "/v1/streams",
        "/hls/ghost/index.m3u8",
        "/player/player.js",
        "/whep/show",
    ] {
        for (origin, allowed) in [
            ("https://shop.example", "https://shop.example"),
            ("https://evil.example", ""),
            ("null", ""),
        ] {
            let request = Request::get(path).header("origin", origin);
            let answer = ask(&server, request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answer.header("access-control-allow-origin"),
                allowed,
                "{path} {origin}"
            );
            // A cache must not give one origin the other's answer.
            let varies = answer.headers.get_all("vary").iter();
            let varies = varies.map(|value| value.to_str().unwrap().to_ascii_lowercase());
            assert!(varies.collect::<String>().contains("origin"), "{path}");
        }
    }
}

#[tokio::test]
async fn with_tokens_pages_of_other_origins_publish_and_insert() {
    let server = server().await;
    let mut web = server.state().web.clone();
    web.changes_take_token = true;
    web.publishing_takes_key = true;
    let router = routed(server.state(), &web, Surface::Whole, server.http_address());
    for path in ["/whip/show", "/whip/show/session", "/v1/streams/show/cues"] {
        let request = Request::options(path)
            .header("host", "localhost")
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST");
        let answer = router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert_eq!(header("access-control-allow-origin"), "*", "{path}");
        assert!(
            header("access-control-allow-methods").contains("POST"),
            "{path}"
        );
        let headers = header("access-control-allow-headers");
        assert!(
            headers.contains("authorization") && headers.contains("content-type"),
            "{path}: {headers}"
        );
    }
}

#[tokio::test]
async fn operators_have_their_own_listener_when_it_is_set() {
    let server = server().await;
    let address = server.http_address();
    for (surface, path, status) in [
        (Surface::Viewers, "/metrics", 404),
        (Surface::Viewers, "/v1/streams", 200),
        (Surface::Viewers, "/healthz", 200),
        (Surface::Operators, "/metrics", 200),
        (Surface::Operators, "/readyz", 200),
        (Surface::Operators, "/v1/streams", 404),
        (Surface::Operators, "/watch/show", 404),
    ] {
        let request = Request::get(path).header("host", "localhost");
        let router = router(server.state(), surface, address);
        let answer = router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{surface:?} {path}");
    }
    let mut config = Config::default();
    config.admin.listen = "127.0.0.1:0".parse().unwrap();
    let apart = server_with(config).await;
    assert_ne!(apart.admin_address().unwrap(), apart.http_address());
}
