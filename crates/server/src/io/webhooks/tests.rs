//! Webhooks over a real store and real sockets on loopback, without a media thread.

use std::{mem, pin::pin, sync::Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use engine::Verdict;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, sqlite::SqliteConnectOptions};
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

/// A server's webhooks, and the receiver they go to.
struct Told {
    receiver: Arc<Receiver>,
    config: Config,
    store: Store,
    webhooks: Webhooks,
}

impl Told {
    async fn start() -> Self {
        Self::start_with("", |_| {}).await
    }

    async fn start_with(path: &str, change: impl FnOnce(&mut Config)) -> Self {
        let (receiver, url) = Receiver::listen().await;
        let mut config = Config::default();
        config.webhooks.allow_private = true;
        config.webhooks.endpoints = vec![endpoint("shop", &url)];
        change(&mut config);
        let store = Store::open(path).await.unwrap();
        let webhooks = start(&config, &store, &[]).await.unwrap();
        Self {
            receiver,
            config,
            store,
            webhooks,
        }
    }

    /// Answers, the last first.
    fn answers(&self, answers: Vec<Answer>) {
        *self.receiver.answers.lock().unwrap() = answers;
    }

    fn tell(&mut self, event: &StreamEvent) {
        self.webhooks.teller.tell(&name(), event, Pts(900_000));
    }

    fn tell_live(&mut self) {
        self.tell(&StreamEvent::Live { epoch: 1 });
    }

    /// Deliveries, oldest first, once `done` likes them.
    async fn log(&self, done: impl Fn(&[Row]) -> bool) -> Vec<Row> {
        let looking = async {
            loop {
                let mut rows = self.webhooks.desk.deliveries(&all()).await.unwrap();
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

    /// Ends the courier as the end of its process would, and starts the next one.
    async fn restart(&mut self) {
        let task = self.webhooks.courier.take().unwrap().task;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        self.webhooks = start(&self.config, &self.store, &[]).await.unwrap();
    }
}

fn all() -> Filter {
    Filter {
        limit: 100,
        ..Filter::default()
    }
}

fn json(body: &str) -> serde_json::Value {
    serde_json::from_str(body).unwrap()
}

fn endpoint(name: &str, url: &str) -> WebhookEndpoint {
    let text = format!("name = \"{name}\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"");
    toml::from_str(&text).unwrap()
}

fn name() -> StreamName {
    StreamName::parse("show").unwrap()
}

fn states(rows: &[Row]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (&*row.kind, &*row.state)).collect()
}

#[tokio::test]
async fn a_life_is_told_in_order_signed_and_logged() {
    let mut told = Told::start_with("", |config| config.store.path.clear()).await;
    told.tell_live();
    told.tell(&StreamEvent::Interrupted);
    told.tell(&StreamEvent::Live { epoch: 2 });
    let got = told.receiver.count(3).await;
    let types = ["stream.live", "stream.interrupted", "stream.resumed"];
    let secret = Secret::parse(SECRET).unwrap();
    for ((headers, body), kind) in got.iter().zip(types) {
        let json = json(body);
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
    // The end of the server is the end of a stream that is not kept, and it is told before the server goes.
    drop(mem::take(&mut told.webhooks.teller));
    let courier = told.webhooks.courier.take().unwrap();
    courier.end(Instant::now() + Duration::from_secs(5)).await;
    let got = told.receiver.count(4).await;
    let json = json(&got[3].1);
    assert_eq!(
        (&json["type"], &json["data"]["reason"]),
        (&"stream.ended".into(), &"shutdown".into())
    );
    let rows = told.log(|_| true).await;
    assert!(
        rows.iter()
            .all(|row| row.state == "delivered" && row.status == Some(204)),
        "{rows:?}"
    );
    assert_eq!(
        told.webhooks.desk.standings().await.unwrap(),
        [("shop".into(), Standing::default())]
    );
}

#[tokio::test]
async fn a_failure_is_logged_with_what_the_receiver_said_and_a_replay_sends_the_same_again() {
    let mut told = Told::start().await;
    // A redirect is not followed.
    told.answers(vec![
        (503, vec![("retry-after", "3600")]),
        (307, vec![("location", "/hooks")]),
    ]);
    told.tell_live();
    let rows = told
        .log(|rows| rows.iter().any(|row| row.attempts == 1))
        .await;
    assert_eq!(
        (rows[0].state.as_str(), rows[0].status),
        ("pending", Some(307))
    );
    let said = rows[0].error.as_deref().unwrap();
    assert!(said.contains("redirects are not followed"), "{said}");
    let desk = &told.webhooks.desk;
    let standing = desk.standings().await.unwrap()[0].1;
    assert_eq!(
        (standing.pending, standing.oldest_ms),
        (1, Some(rows[0].created_ms))
    );
    let row = desk.replay(rows[0].id).await.unwrap();
    assert_eq!(row.attempts, 0);
    let rows = told.log(|rows| rows[0].status == Some(503)).await;
    let said = rows[0].error.as_deref().unwrap();
    assert!(said.ends_with("503: not today"), "{said}");
    // It asked for an hour: nothing is tried again, until an operator says so.
    let wait = rows[0].due_ms - rows[0].attempted_ms.unwrap();
    assert!((3_600_000..=4_320_000).contains(&wait), "{wait}");
    assert_eq!(
        desk.replay(99).await.unwrap_err(),
        ReplayError::NoSuchDelivery
    );
    let got = told.receiver.count(2).await;
    assert_eq!(got[0].0["webhook-id"], got[1].0["webhook-id"]);
    assert_eq!(got[0].1, got[1].1);
}

#[tokio::test]
async fn gone_is_for_good_until_a_restart() {
    let mut told = Told::start().await;
    told.answers(vec![(410, vec![])]);
    told.tell_live();
    let rows = told
        .log(|rows| rows.iter().any(|row| row.state == "failed"))
        .await;
    assert_eq!(rows[0].status, Some(410));
    let refused = told.webhooks.desk.replay(rows[0].id).await.unwrap_err();
    assert_eq!(refused, ReplayError::Disabled("shop".into()));
    told.tell(&StreamEvent::Interrupted);
    // The next process knows nothing of it. The stream ended with the first one.
    told.restart().await;
    let rows = told
        .log(|rows| rows.iter().any(|row| row.state == "delivered"))
        .await;
    assert_eq!(
        states(&rows),
        [("stream.live", "failed"), ("stream.ended", "delivered")]
    );
}

#[tokio::test]
async fn an_endpoint_gets_what_it_asked_for_and_one_that_is_gone_from_the_configuration_nothing() {
    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let mut told = Told::start_with("", |config| {
        let endpoints = &mut config.webhooks.endpoints;
        endpoints[0].events = vec!["stream.verdict".into()];
        endpoints.push(endpoint("away", &nowhere));
    })
    .await;
    told.tell_live();
    told.tell(&StreamEvent::Verdict(Verdict {
        code: "b_frames",
        found: "It has them.".into(),
        cost: "They cost.",
        remedy: "Change it.",
    }));
    let got = told.receiver.count(1).await;
    let json = json(&got[0].1);
    assert_eq!(
        (&json["type"], &json["data"]["code"]),
        (&"stream.verdict".into(), &"b_frames".into())
    );
    assert_eq!(json["data"]["detail"], "It has them. They cost. Change it.");
    let of_away = |rows: &[Row]| {
        rows.iter()
            .filter(|row| row.endpoint == "away")
            .cloned()
            .collect::<Vec<_>>()
    };
    let rows = told
        .log(|rows| rows.iter().any(|row| row.error.is_some()))
        .await;
    let said = of_away(&rows)[0].error.clone().unwrap();
    assert!(said.contains("refused"), "{said}");
    told.config.webhooks.endpoints.pop();
    told.restart().await;
    let rows = of_away(&told.log(|_| true).await);
    assert!(rows.iter().all(|row| row.state == "failed"), "{rows:?}");
    let refused = told.webhooks.desk.replay(rows[0].id).await.unwrap_err();
    assert_eq!(refused, ReplayError::NotConfigured("away".into()));
    // Without any, nobody is left who believes in a stream; who comes later is not told that it ended.
    told.config.webhooks.endpoints.clear();
    drop(start(&told.config, &told.store, &[]).await.unwrap());
    let outbox = Outbox::new(&told.store, Duration::MAX, 0);
    assert!(outbox.live().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_happens_while_the_store_is_locked_is_told_afterwards() {
    let file = std::env::temp_dir().join(format!("shopcast-hooks-{:016x}", rand::random::<u64>()));
    let mut told = Told::start_with(file.to_str().unwrap(), |_| {}).await;
    sqlx::query("PRAGMA busy_timeout = 10")
        .execute(told.store.pool())
        .await
        .unwrap();
    let mut other = SqliteConnectOptions::new()
        .filename(&file)
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    told.tell_live();
    told.tell(&StreamEvent::Interrupted);
    let early = timeout(Duration::from_millis(500), told.receiver.count(1)).await;
    assert!(early.is_err(), "{early:?}");
    other.execute("ROLLBACK").await.unwrap();
    let got = told.receiver.count(2).await;
    let types = got.iter().map(|(_, body)| json(body)["type"].clone());
    assert!(types.eq(["stream.live", "stream.interrupted"]), "{got:?}");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}

/// A show that was kept.
fn kept() -> SavedStream {
    SavedStream {
        name: name(),
        show: engine::Show {
            rtp_offsets: [1, 2],
            epoch: 1,
            anchor: media::UtcAnchor::default(),
            highest: Pts(900_000),
            hls: hls::Continuity::default(),
        },
        cues: cues::Saved::default(),
        numbers_used: 0,
    }
}

#[tokio::test]
async fn a_show_that_goes_on_is_interrupted_once_by_a_restart_and_then_resumed() {
    for orderly in [true, false] {
        let mut told = Told::start().await;
        told.tell_live();
        told.log(|rows| rows.iter().any(|row| row.state == "delivered"))
            .await;
        let courier = told.webhooks.courier.take().unwrap();
        if orderly {
            drop(mem::take(&mut told.webhooks.teller));
            courier.end(Instant::now() + Duration::from_secs(5)).await;
        } else {
            courier.task.abort();
            assert!(courier.task.await.unwrap_err().is_cancelled());
        }
        told.webhooks = start(&told.config, &told.store, &[kept()]).await.unwrap();
        told.tell(&StreamEvent::Interrupted);
        told.tell(&StreamEvent::Live { epoch: 2 });
        told.tell(&StreamEvent::Ended);
        let got = told.receiver.count(4).await;
        let said = |(_, body): &(HeaderMap, String)| {
            let json = json(body);
            (json["type"].to_string(), json["data"]["epoch"].to_string())
        };
        let types: Vec<_> = got.iter().map(said).collect();
        let wanted = [
            ("stream.live", "1"),
            ("stream.interrupted", "1"),
            ("stream.resumed", "2"),
            ("stream.ended", "2"),
        ];
        let wanted = wanted.map(|(kind, epoch)| (format!("\"{kind}\""), epoch.to_owned()));
        assert_eq!(types, wanted, "{orderly}");
    }
}

/// It would otherwise be one of the ten attempts, and two hours of a locked store the end of a message.
#[tokio::test]
async fn a_message_that_cannot_be_read_is_read_later() {
    let store = Store::open("").await.unwrap();
    let outbox = Outbox::new(&store, Duration::MAX, 0);
    let ids = outbox.write(&event(0), &["shop".into()]).await.unwrap();
    let rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        store.pool().execute(AssertSqlSafe(sql)).await.unwrap();
    };
    rename("webhook_messages", "away").await;
    let mut read = pin!(courier::parcel(&outbox, webhooks::DeliveryId(ids[0])));
    let early = timeout(Duration::from_millis(100), &mut read).await;
    assert!(early.is_err(), "{early:?}");
    rename("away", "webhook_messages").await;
    assert!(read.await.unwrap().body.contains("show"));
}

#[tokio::test]
async fn the_end_waits_for_a_receiver_no_longer_than_it_is_let() {
    // It accepts nothing, and the system lets who connects wait.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let mut told = Told::start_with("", |config| {
        config.webhooks.endpoints = vec![endpoint("shop", &url)];
        config.shutdown.drain = Span::seconds(3600);
    })
    .await;
    told.tell_live();
    told.log(|rows| !rows.is_empty()).await;
    drop(mem::take(&mut told.webhooks.teller));
    let ended = told.webhooks.courier.take().unwrap().end(Instant::now());
    timeout(Duration::from_secs(5), ended)
        .await
        .expect("at once");
    let rows = told.log(|_| true).await;
    assert!(
        rows.iter().all(|row| row.state == "pending"),
        "they are sent by the next process: {rows:?}"
    );
}

/// What it is does not matter.
fn event(at: i64) -> Event {
    Event {
        at: media::UnixMillis(at),
        kind: EventType::StreamInterrupted,
        stream: "show".into(),
        epoch: 1,
        pts: None,
        details: Details::None,
    }
}

#[tokio::test]
async fn the_log_is_bounded_by_age_and_by_number() {
    let store = Store::open("").await.unwrap();
    let outbox = Outbox::new(&store, Duration::from_secs(60), 3);
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
        let messages: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook_messages")
            .fetch_one(store.pool())
            .await
            .unwrap();
        (outbox.page(&all()).await.unwrap().len(), messages)
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
