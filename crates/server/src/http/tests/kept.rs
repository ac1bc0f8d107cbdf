//! What was answered outlives a kill; what could not be kept is refused.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use axum::body::Body;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::{runtime::Runtime, sync::mpsc, task::yield_now, time::timeout};

use super::*;
use crate::{io::clock, store::Store};

/// Files that go with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("shopcast-kept-{:016x}", rand::random::<u64>());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        for listen in [
            &mut config.http.listen,
            &mut config.rtmp.listen,
            &mut config.webrtc.listen,
        ] {
            listen.set_port(0);
        }
        config.store.path = self.0.join("shopcast.db").display().to_string();
        config
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn card(n: usize) -> Value {
    let payload = json!({"level": "info", "text": format!("card {n}")});
    json!({"card_id": format!("card-{n}"), "kind": "notice", "op": "show", "at": {"after_ms": 60_000 + 10_000 * n},
           "duration_ms": 1000, "payload": payload})
}

async fn insert(server: &Server, n: usize) -> Answer {
    let request = Request::post("/v1/streams/show/cues")
        .header("content-type", "application/json")
        .header("idempotency-key", format!("key-{n}"));
    ask(
        server,
        request.body(Body::from(card(n).to_string())).unwrap(),
    )
    .await
}

async fn arm(server: &Server, n: usize) -> Answer {
    let mut cue = card(n);
    cue.as_object_mut().unwrap().remove("at");
    let body = json!({"cues": [cue]}).to_string();
    let request = Request::put(format!("/v1/streams/show/armed/scene-{n}"))
        .header("content-type", "application/json");
    ask(server, request.body(Body::from(body)).unwrap()).await
}

/// A server with a show whose publisher is away.
async fn server_of(config: &Config) -> Server {
    let store = Store::open(&config.store.path).await.unwrap();
    sqlx::query(
        "INSERT INTO shows (stream, k, k_audio, epoch, anchor_ms, highest_pts, next_msn, discontinuities, updated_ms, \
         orderly, numbers_used) VALUES ('show', 1, 2, 1, ?1, 900000, 0, 0, ?1, 1, 0)",
    )
    .bind(clock::wall().0)
    .execute(store.pool())
    .await
    .unwrap();
    store.close().await;
    Server::build(config).await.unwrap()
}

async fn numbers(server: &Server) -> usize {
    let list = get(server, "/v1/streams/show/cues?after=0").await.json();
    list["cues"].as_array().unwrap().len()
}

/// A runtime that is dropped ends like a process that is killed: whatever waits for anything never goes on.
#[test]
fn what_was_answered_is_there_after_a_kill_at_any_moment() {
    for answers in [1, 2, 3, 5, 8, 13, 21] {
        let folder = Folder::new();
        let config = folder.config();
        let runtime = Runtime::new().unwrap();
        let (told, mut heard) = mpsc::unbounded_channel();
        let server = Arc::new(runtime.block_on(server_of(&config)));
        for n in 0..40 {
            let (server, told) = (Arc::clone(&server), told.clone());
            runtime.spawn(async move {
                let armed = n % 4 == 0;
                let answer = match armed {
                    true => arm(&server, n).await,
                    false => insert(&server, n).await,
                };
                assert!(answer.status.is_success(), "{}", answer.status);
                let _ = told.send((n, armed.then_some(()), answer.body));
            });
        }
        let heard = runtime.block_on(async {
            let mut all = Vec::new();
            heard.recv_many(&mut all, answers).await;
            all
        });
        runtime.shutdown_background();
        drop(server);

        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let server = Server::build(&config).await.unwrap();
            let armed = get(&server, "/v1/streams/show/armed").await.json();
            let armed: Vec<&str> = armed["armed"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["name"].as_str().unwrap())
                .collect();
            for (n, is_armed, body) in heard {
                if is_armed.is_some() {
                    assert!(armed.contains(&&*format!("scene-{n}")), "{n} of {armed:?}");
                    continue;
                }
                let again = insert(&server, n).await;
                assert_eq!(again.header("idempotent-replayed"), "true", "{n}");
                assert_eq!(again.status, StatusCode::CREATED);
                assert_eq!(again.body, body, "{n}");
            }
        });
        runtime.shutdown_background();
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_written_refuses_cues_until_it_can() {
    for (fail, mend) in [
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
        // A full disk: no page more than there is.
        (
            "PRAGMA max_page_count = 1",
            "PRAGMA max_page_count = 1000000",
        ),
    ] {
        let folder = Folder::new();
        let server = server_of(&folder.config()).await;
        assert_eq!(insert(&server, 0).await.status, StatusCode::CREATED);
        let pragma = async |sql: &str| {
            let sql = AssertSqlSafe(sql.to_owned());
            server.store().pool().execute(sql).await.unwrap();
        };
        pragma(fail).await;
        // What the file still has room for is still kept.
        let mut n = 1;
        let first = loop {
            let answer = insert(&server, n).await;
            if answer.status != StatusCode::CREATED {
                break answer;
            }
            n += 1;
        };
        let detail = first.problem(503, "not-kept");
        assert_eq!(first.header("retry-after"), "2");
        assert!(
            detail.contains("accepted") && detail.contains("store.path"),
            "{detail}"
        );
        let known = numbers(&server).await;
        assert_eq!(known, n + 1, "what was under way is accepted");
        let refused = [insert(&server, 41).await, arm(&server, 41).await];
        for answer in refused {
            let detail = answer.problem(503, "not-kept");
            assert!(detail.starts_with("nothing is changed"), "{detail}");
        }
        assert_eq!(numbers(&server).await, known);
        let armed = get(&server, "/v1/streams/show/armed").await.json();
        assert_eq!(armed, json!({"armed": []}));
        pragma(mend).await;
        let again = timeout(Duration::from_secs(20), async {
            loop {
                let answer = insert(&server, n).await;
                if answer.status == StatusCode::CREATED {
                    return answer;
                }
                yield_now().await;
            }
        });
        let again = again.await.expect("the store is tried again");
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(insert(&server, 41).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn a_stream_that_was_ended_is_over_for_good() {
    let folder = Folder::new();
    let server = server_of(&folder.config()).await;
    assert_eq!(insert(&server, 0).await.status, StatusCode::CREATED);
    let request = Request::delete("/v1/streams/show").body(Body::empty());
    let ended = ask(&server, request.unwrap()).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    server.run(std::future::ready(())).await.unwrap();
    let server = Server::build(&folder.config()).await.unwrap();
    get(&server, "/v1/streams/show")
        .await
        .problem(404, "no-such-stream");
}

/// Viewers may have been told of cues past the last that was kept, and of numbers past those.
#[test]
fn no_number_is_given_twice_however_the_server_ends() {
    let folder = Folder::new();
    let config = folder.config();
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(server_of(&config));
    let first = runtime.block_on(insert(&server, 0));
    assert_eq!(first.json()["seq"], 1);
    runtime.shutdown_background();
    drop(server);
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        // An orderly end, with no cue since the kill.
        let server = Server::build(&config).await.unwrap();
        server.run(std::future::ready(())).await.unwrap();
        let server = Server::build(&config).await.unwrap();
        assert_eq!(insert(&server, 1).await.json()["seq"], 1002);
        server.run(std::future::ready(())).await.unwrap();
        let server = Server::build(&config).await.unwrap();
        assert_eq!(insert(&server, 2).await.json()["seq"], 1003);
    });
    runtime.shutdown_background();
}

#[tokio::test]
async fn after_an_orderly_end_numbers_go_on_by_one_and_after_keep_nothing_does() {
    let folder = Folder::new();
    let server = server_of(&folder.config()).await;
    assert_eq!(insert(&server, 0).await.json()["seq"], 1);
    server.run(std::future::ready(())).await.unwrap();
    let server = Server::build(&folder.config()).await.unwrap();
    assert_eq!(insert(&server, 1).await.json()["seq"], 2);
    server.run(std::future::ready(())).await.unwrap();
    let mut config = folder.config();
    config.streams.keep = crate::config::Span::millis(0);
    let server = Server::build(&config).await.unwrap();
    get(&server, "/v1/streams/show")
        .await
        .problem(404, "no-such-stream");
}
