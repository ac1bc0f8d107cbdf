//! What players report over HTTP: who may, what counts, and what does not.

use cues::delivery::Tally;
use engine::StreamName;
use media::Pts;
use tokio_stream::StreamExt as _;

use super::*;
use crate::io::{clock, delivery::Following};

const THRESHOLD: i64 = 900_000;

fn show() -> StreamName {
    StreamName::parse("show").unwrap()
}

/// Somebody who follows, and the path to report to.
fn follows(server: &Server) -> (Following, String) {
    let state = server.state();
    let number = state.side.deliveries.next_session();
    let following = state.side.deliveries.join(&show(), number);
    let session = state.sessions.name("/v1/streams/show/events", number);
    (
        following,
        format!("/v1/streams/show/events/{session}/painted"),
    )
}

/// Cues 1 to `count` are accepted, on a stream that has reached their threshold.
fn accepted(server: &Server, count: u64) {
    let state = server.state();
    let deliveries = &state.side.deliveries;
    for seq in 1..=count {
        deliveries.accept(&show(), seq, Pts(THRESHOLD), 3_000);
    }
    deliveries.live(&show(), Pts(THRESHOLD + 90_000));
}

fn tally(server: &Server, seq: u64) -> Tally {
    server.state().side.deliveries.tally(&show(), seq)
}

async fn report(server: &Server, path: &str, cues: &str) -> Answer {
    let body = format!("{{\"type\":\"painted\",\"cues\":[{cues}]}}");
    post(server, path, "application/json", body).await
}

fn counts(answer: &Answer) -> [u64; 3] {
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.json();
    ["counted", "repeated", "refused"].map(|name| body[name].as_u64().unwrap())
}

#[tokio::test]
async fn one_report_counts_for_a_cue_and_a_session() {
    let server = server().await;
    let ((one, to_one), (two, to_two)) = (follows(&server), follows(&server));
    accepted(&server, 2);
    for following in [&one, &two] {
        following.sent(&[1, 2]);
    }
    let cue = r#"{"seq":1,"pts":900000,"late_ms":0}"#;
    let twice = format!("{cue},{cue}");
    assert_eq!(counts(&report(&server, &to_one, &twice).await), [1, 1, 0]);
    assert_eq!(counts(&report(&server, &to_one, cue).await), [0, 1, 0]);
    assert_eq!(counts(&report(&server, &to_two, cue).await), [1, 0, 0]);
    let late = r#"{"seq":2,"pts":909000,"first_pts":900000,"late_ms":70}"#;
    assert_eq!(counts(&report(&server, &to_one, late).await), [1, 0, 0]);
    let first = tally(&server, 1);
    assert_eq!(
        (first.sessions, first.sent, first.painted, first.late),
        (2, 2, 2, 0)
    );
    assert_eq!((first.lateness[0], first.frame_error[0]), (2, 2));
    let second = tally(&server, 2);
    assert_eq!((second.painted, second.late), (1, 1));
    // 70 ms are up to 100, three frames are up to five.
    assert_eq!((second.lateness[3], second.frame_error[3]), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_true_is_refused_and_counts_nothing() {
    let server = server().await;
    let (following, path) = follows(&server);
    accepted(&server, 300);
    following.sent(&[1, 299]);
    for wrong in [
        // Forgotten, not sent to this session, and never there.
        r#"{"seq":1,"pts":900000,"late_ms":0}"#,
        r#"{"seq":300,"pts":900000,"late_ms":0}"#,
        r#"{"seq":301,"pts":900000,"late_ms":0}"#,
    ] {
        assert_eq!(counts(&report(&server, &path, wrong).await), [0, 0, 1]);
    }
    let impossible = [
        r#"{"seq":299,"pts":899999,"late_ms":0}"#,
        r#"{"seq":299,"pts":9000000,"late_ms":0}"#,
        r#"{"seq":299,"pts":900000,"first_pts":903000,"late_ms":0}"#,
        r#"{"seq":299,"pts":903000,"first_pts":897000,"late_ms":0}"#,
        r#"{"seq":299,"pts":903000,"late_ms":18446744073709551615}"#,
        r#"{"seq":299,"pts":9223372036854775807,"first_pts":-9223372036854775808,"late_ms":0}"#,
    ];
    let answer = report(&server, &path, &impossible.join(",")).await;
    assert_eq!(counts(&answer), [0, 0, 6]);
    assert_eq!(tally(&server, 299).painted, 0);
}

#[tokio::test]
async fn a_body_that_is_no_report_says_so() {
    let server = server().await;
    let (_following, path) = follows(&server);
    let one = r#"{"seq":1,"pts":1,"late_ms":0}"#;
    let many = format!(
        r#"{{"type":"painted","cues":[{}{one}]}}"#,
        format!("{one},").repeat(50)
    );
    for (body, kind) in [
        ("{", "malformed-body"),
        ("[]", "invalid-field"),
        ("{}", "invalid-field"),
        (r#"{"type":"cues","cues":[]}"#, "invalid-field"),
        (
            r#"{"type":"painted","cues":[{"seq":-1,"pts":0,"late_ms":0}]}"#,
            "invalid-field",
        ),
        (
            r#"{"type":"painted","cues":[{"seq":1,"pts":0.5,"late_ms":0}]}"#,
            "invalid-field",
        ),
        (
            r#"{"type":"painted","cues":[{"seq":1,"pts":0}]}"#,
            "invalid-field",
        ),
        (many.as_str(), "invalid-field"),
    ] {
        let answer = post(&server, &path, "application/json", body.to_owned()).await;
        answer.problem(400, kind);
    }
    let long = " ".repeat((8 << 10) + 1);
    post(&server, &path, "application/json", long)
        .await
        .problem(413, "body-too-large");
    post(&server, &path, "text/plain", "{}")
        .await
        .problem(415, "unsupported-media-type");
    // None of these was a report of this session's: it may still say as much as any.
    assert_eq!(counts(&report(&server, &path, "").await), [0, 0, 0]);
}

#[tokio::test]
async fn only_who_follows_reports_and_not_too_often() {
    let server = server().await;
    let (following, path) = follows(&server);
    let (_other, other) = follows(&server);
    let elsewhere = path.replace("/show/", "/other/");
    for unknown in [
        "/v1/streams/show/events/AAAA/painted",
        "/v1/streams/show/events/0/painted",
        elsewhere.as_str(),
    ] {
        report(&server, unknown, "")
            .await
            .problem(404, "no-such-session");
    }
    // As if it had said as much as it may for the next minute.
    let (state, session) = (server.state(), path.split('/').nth(5).unwrap());
    let number = state
        .sessions
        .session("/v1/streams/show/events", session)
        .unwrap();
    let later = clock::monotonic() + Duration::from_mins(1);
    let deliveries = &state.side.deliveries;
    while deliveries.painted(&show(), number, later, &[]).is_ok() {}
    let answer = report(&server, &path, "").await;
    answer.problem(429, "rate-limited");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(report(&server, &other, "").await.status, StatusCode::OK);
    // Its response has just ended, and it may still have something to say.
    drop(following);
    report(&server, &path, "")
        .await
        .problem(429, "rate-limited");
    server.state().side.deliveries.end(&show());
    report(&server, &path, "")
        .await
        .problem(404, "no-such-session");
}

#[tokio::test]
async fn a_page_of_another_origin_may_report_as_it_may_watch() {
    let server = server().await;
    let preflight = Request::options("/v1/streams/show/events/AAAA/painted")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
        .body(Body::empty())
        .unwrap();
    let answer = ask(&server, preflight).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("POST")
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("content-type")
    );
}

#[tokio::test]
async fn a_snapshot_of_events_names_its_session() {
    let server = server().await;
    let created = post(&server, "/whip/show", "application/sdp", offer_to_publish()).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let router = super::super::router(
            server.state(),
            super::super::Surface::Whole,
            server.http_address(),
        );
        let request = Request::get("/v1/streams/show/events").header("host", "localhost");
        let request = request.body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let mut body = response.into_body().into_data_stream();
        let event = body.next().await.unwrap().unwrap();
        let event = str::from_utf8(&event).unwrap();
        let data = event.lines().find_map(|line| line.strip_prefix("data:"));
        let snapshot: Value = serde_json::from_str(data.unwrap().trim()).unwrap();
        assert_eq!(snapshot["type"], "snapshot");
        let session = snapshot["session"].as_str().unwrap().to_owned();
        let path = format!("/v1/streams/show/events/{session}/painted");
        assert_eq!(counts(&report(&server, &path, "").await), [0, 0, 0]);
        sessions.push((session, body));
    }
    assert_ne!(sessions[0].0, sessions[1].0);
}

#[tokio::test]
async fn what_became_of_a_cue_that_is_not_there_is_a_problem() {
    let server = server().await;
    let path = "/v1/streams/ghost/cues/1/delivery";
    get(&server, path).await.problem(404, "no-such-stream");
    let created = post(&server, "/whip/show", "application/sdp", offer_to_publish()).await;
    assert_eq!(created.status, StatusCode::CREATED);
    for seq in ["1", "0", "x", "-1", "99999999999999999999"] {
        let path = format!("/v1/streams/show/cues/{seq}/delivery");
        get(&server, &path).await.problem(404, "no-such-cue");
    }
}
