//! Webhooks over a real store and real sockets on loopback, without a media thread.

use std::sync::Mutex;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use tokio::{net::TcpListener, sync::Notify, time::timeout};

use super::*;
use crate::config::{Config, Span, WebhookEndpoint};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A status and headers.
type Answer = (u16, Vec<(&'static str, &'static str)>);

/// A receiver that answers what it is told to, and remembers what it got.
#[derive(Default)]
struct Receiver {
    got: Mutex<Vec<(HeaderMap, String)>>,
    /// The next one last.
    answers: Mutex<Vec<Answer>>,
    came: Notify,
}

impl Receiver {
    async fn listen() -> (Arc<Self>, String) {
        let receiver = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let shared = Arc::clone(&receiver);
        let take = move |headers: HeaderMap, body: Bytes| {
            let receiver = Arc::clone(&shared);
            async move { receiver.take(headers, &body) }
        };
        let app = Router::new().route("/hooks", post(take));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, url)
    }

    fn take(&self, headers: HeaderMap, body: &[u8]) -> (StatusCode, HeaderMap, &'static str) {
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.got.lock().unwrap().push((headers, body));
        self.came.notify_one();
        let (status, headers) = self.answers.lock().unwrap().pop().unwrap_or((204, vec![]));
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let said = if status == 204 { "" } else { "not today" };
        (
            StatusCode::from_u16(status).unwrap(),
            headers.collect(),
            said,
        )
    }

    /// Waits until it has had `count` requests.
    async fn count(&self, count: usize) -> Vec<(HeaderMap, String)> {
        let waiting = async {
            loop {
                let got = self.got.lock().unwrap().clone();
                if got.len() >= count {
                    return got;
                }
                self.came.notified().await;
            }
        };
        timeout(Duration::from_secs(20), waiting)
            .await
            .expect("requests come")
    }
}

fn config(url: &str, path: &str) -> Config {
    let mut config = Config::default();
    config.store.path = path.into();
    config.webhooks.allow_private = true;
    config.webhooks.endpoints = vec![endpoint("shop", url)];
    config.shutdown.drain = Span::seconds(5);
    config
}

fn endpoint(name: &str, url: &str) -> WebhookEndpoint {
    let text = format!("name = \"{name}\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"");
    toml::from_str(&text).unwrap()
}

fn name() -> StreamName {
    StreamName::parse("show").unwrap()
}

/// Deliveries, oldest first, once `done` likes them.
async fn log(desk: &Desk, done: impl Fn(&[Row]) -> bool) -> Vec<Row> {
    let filter = Filter {
        limit: 100,
        ..Filter::default()
    };
    let looking = async {
        loop {
            let mut rows = desk.deliveries(&filter).await.unwrap();
            rows.reverse();
            if done(&rows) {
                return rows;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), looking)
        .await
        .expect("the log gets there")
}

/// Ends a courier as the end of its process would.
async fn kill(courier: Option<JoinHandle<()>>) {
    let courier = courier.unwrap();
    courier.abort();
    assert!(courier.await.unwrap_err().is_cancelled());
}

fn states(rows: &[Row]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (&*row.kind, &*row.state)).collect()
}

#[tokio::test]
async fn a_life_is_told_in_order_signed_and_logged() {
    let (receiver, url) = Receiver::listen().await;
    let config = config(&url, "");
    let store = Store::open("").await.unwrap();
    let Webhooks {
        mut teller,
        desk,
        courier,
    } = start(&config, &store).await.unwrap();
    teller.tell(&name(), &StreamEvent::Live { epoch: 1 }, Pts(900_000));
    teller.tell(&name(), &StreamEvent::Interrupted, Pts(990_000));
    teller.tell(&name(), &StreamEvent::Live { epoch: 2 }, Pts(1_080_000));
    let got = receiver.count(3).await;
    let types = ["stream.live", "stream.interrupted", "stream.resumed"];
    let secret = Secret::parse(SECRET).unwrap();
    for ((headers, body), kind) in got.iter().zip(types) {
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (json["type"].as_str(), json["data"]["stream"].as_str()),
            (Some(kind), Some("show"))
        );
        let header = |name: &str| headers[name].to_str().unwrap();
        let timestamp = header("webhook-timestamp").parse().unwrap();
        let signature = secret.sign(header("webhook-id"), timestamp, body);
        assert_eq!(header("webhook-signature"), signature);
        assert_eq!(header("content-type"), "application/json");
    }
    // The end of the server is the end of the stream, and it is told before the server goes.
    drop(teller);
    courier.unwrap().await.unwrap();
    let got = receiver.count(4).await;
    let json: serde_json::Value = serde_json::from_str(&got[3].1).unwrap();
    assert_eq!(
        (&json["type"], &json["data"]["reason"]),
        (&"stream.ended".into(), &"shutdown".into())
    );
    let rows = log(&desk, |_| true).await;
    assert!(
        rows.iter()
            .all(|row| row.state == "delivered" && row.status == Some(204)),
        "{rows:?}"
    );
    assert_eq!(
        desk.standings().await.unwrap(),
        [("shop".into(), Standing::default())]
    );
}

#[tokio::test]
async fn a_failure_is_logged_with_what_the_receiver_said_and_a_replay_sends_the_same_again() {
    let (receiver, url) = Receiver::listen().await;
    let config = config(&url, "");
    let store = Store::open("").await.unwrap();
    // The last first. A redirect is not followed.
    *receiver.answers.lock().unwrap() = vec![
        (503, vec![("retry-after", "3600")]),
        (307, vec![("location", "/hooks")]),
    ];
    let Webhooks {
        mut teller, desk, ..
    } = start(&config, &store).await.unwrap();
    teller.tell(&name(), &StreamEvent::Live { epoch: 1 }, Pts(900_000));
    let rows = log(&desk, |rows| rows.iter().any(|row| row.attempts == 1)).await;
    assert_eq!(
        (rows[0].state.as_str(), rows[0].status),
        ("pending", Some(307))
    );
    assert!(
        rows[0]
            .error
            .as_deref()
            .unwrap()
            .contains("redirects are not followed")
    );
    let standing = desk.standings().await.unwrap()[0].1;
    assert_eq!(
        (standing.pending, standing.oldest_ms),
        (1, Some(rows[0].created_ms))
    );
    let row = desk.replay(rows[0].id).await.unwrap();
    assert_eq!(row.attempts, 0);
    let rows = log(&desk, |rows| rows[0].status == Some(503)).await;
    assert!(
        rows[0]
            .error
            .as_deref()
            .unwrap()
            .ends_with("503: not today")
    );
    // It asked for an hour: nothing is tried again, until an operator says so.
    let wait = rows[0].due_ms - rows[0].attempted_ms.unwrap();
    assert!((3_600_000..=4_320_000).contains(&wait), "{wait}");
    assert_eq!(
        desk.replay(99).await.unwrap_err(),
        ReplayError::NoSuchDelivery
    );
    let got = receiver.count(2).await;
    assert_eq!(got[0].0["webhook-id"], got[1].0["webhook-id"]);
    assert_eq!(got[0].1, got[1].1);
}

#[tokio::test]
async fn gone_is_for_good_until_a_restart() {
    let (receiver, url) = Receiver::listen().await;
    let config = config(&url, "");
    let store = Store::open("").await.unwrap();
    *receiver.answers.lock().unwrap() = vec![(410, vec![])];
    let Webhooks {
        mut teller,
        desk,
        courier,
    } = start(&config, &store).await.unwrap();
    teller.tell(&name(), &StreamEvent::Live { epoch: 1 }, Pts(900_000));
    let rows = log(&desk, |rows| rows.iter().any(|row| row.state == "failed")).await;
    assert_eq!(rows[0].status, Some(410));
    let refused = desk.replay(rows[0].id).await.unwrap_err();
    assert_eq!(refused, ReplayError::Disabled("shop".into()));
    teller.tell(&name(), &StreamEvent::Interrupted, Pts(900_000));
    kill(courier).await;
    // The next process knows nothing of it. The stream ended with the first one.
    let Webhooks {
        teller: _kept,
        desk,
        ..
    } = start(&config, &store).await.unwrap();
    let rows = log(&desk, |rows| {
        rows.iter().any(|row| row.state == "delivered")
    })
    .await;
    assert_eq!(
        states(&rows),
        [("stream.live", "failed"), ("stream.ended", "delivered")]
    );
}

#[tokio::test]
async fn an_endpoint_gets_what_it_asked_for_and_one_that_is_gone_from_the_configuration_nothing() {
    let (receiver, url) = Receiver::listen().await;
    let mut config = config(&url, "");
    config.webhooks.endpoints[0].events = vec!["stream.verdict".into()];
    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    config.webhooks.endpoints.push(endpoint("away", &nowhere));
    let store = Store::open("").await.unwrap();
    let Webhooks {
        mut teller,
        desk,
        courier,
    } = start(&config, &store).await.unwrap();
    teller.tell(&name(), &StreamEvent::Live { epoch: 1 }, Pts(900_000));
    let verdict = StreamEvent::Verdict {
        code: "b_frames",
        detail: "change it".into(),
    };
    teller.tell(&name(), &verdict, Pts(900_000));
    let got = receiver.count(1).await;
    let json: serde_json::Value = serde_json::from_str(&got[0].1).unwrap();
    assert_eq!(
        (&json["type"], &json["data"]["code"]),
        (&"stream.verdict".into(), &"b_frames".into())
    );
    let of_away = |rows: &[Row]| {
        rows.iter()
            .filter(|row| row.endpoint == "away")
            .cloned()
            .collect::<Vec<_>>()
    };
    let rows = of_away(&log(&desk, |rows| rows.iter().any(|row| row.error.is_some())).await);
    assert!(
        rows[0].error.as_deref().unwrap().contains("refused"),
        "{rows:?}"
    );
    kill(courier).await;
    config.webhooks.endpoints.pop();
    let Webhooks {
        teller: _kept,
        desk,
        ..
    } = start(&config, &store).await.unwrap();
    let rows = of_away(&log(&desk, |_| true).await);
    assert!(rows.iter().all(|row| row.state == "failed"), "{rows:?}");
    let refused = desk.replay(rows[0].id).await.unwrap_err();
    assert_eq!(refused, ReplayError::NotConfigured("away".into()));
    // Without any, nobody is left who believes in a stream; who comes later is not told that it ended.
    config.webhooks.endpoints.clear();
    drop(start(&config, &store).await.unwrap());
    let outbox = Outbox::new(&store, Duration::MAX, 0);
    assert_eq!(outbox.live().await.unwrap(), []);
}

#[tokio::test]
async fn the_log_is_bounded_by_age_and_by_number() {
    let store = Store::open("").await.unwrap();
    let outbox = Outbox::new(&store, Duration::from_secs(60), 3);
    let event = |at: i64| Event {
        at: media::UnixMillis(at),
        kind: EventType::StreamInterrupted,
        stream: "show".into(),
        epoch: 1,
        pts: None,
        details: Details::None,
    };
    for at in 0..6 {
        let ids = outbox
            .write(&event(at * 20_000), &["shop".into()])
            .await
            .unwrap();
        let record = webhooks::Record {
            attempts: 1,
            state: webhooks::State::Delivered,
            attempted: true,
            status: Some(204),
            error: None,
        };
        let id = webhooks::DeliveryId(ids[0]);
        outbox
            .record(id, &record, media::UnixMillis(at * 20_000))
            .await
            .unwrap();
    }
    outbox.write(&event(0), &["shop".into()]).await.unwrap();
    let count = async || {
        let filter = Filter {
            limit: 100,
            ..Filter::default()
        };
        let messages: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook_messages")
            .fetch_one(store.pool())
            .await
            .unwrap();
        (outbox.page(&filter).await.unwrap().len(), messages)
    };
    outbox.prune(media::UnixMillis(100_000)).await.unwrap();
    assert_eq!(
        count().await,
        (4, 4),
        "the newest three, and the one that waits however old it is"
    );
    outbox.prune(media::UnixMillis(150_000)).await.unwrap();
    assert_eq!(
        count().await,
        (2, 2),
        "that of 100 s, and the one that waits"
    );
    outbox.prune(media::UnixMillis(1_000_000)).await.unwrap();
    assert_eq!(count().await, (1, 1));
}

#[test]
fn a_full_queue_makes_nobody_wait() {
    let (tell, _kept) = mpsc::channel(1);
    let mut teller = Teller {
        courier: Some(tell),
        ..Teller::default()
    };
    for epoch in 1..=3 {
        teller.tell(&name(), &StreamEvent::Live { epoch }, Pts(0));
        teller.tell(&name(), &StreamEvent::Ended, Pts(0));
    }
    let courier = teller.courier.as_ref().unwrap();
    assert_eq!((courier.capacity(), courier.max_capacity()), (0, 1));
}
