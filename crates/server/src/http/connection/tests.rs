//! Clients that do not take their answers, in virtual time and over a pipe that is as full as the test wants it.

use std::{
    future::pending,
    sync::{Arc, Weak},
};

use axum::{
    body::{Body, Bytes},
    routing::get,
};
use futures_util::stream;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use super::*;

/// A connection whose other end is the test's.
struct Served {
    client: DuplexStream,
    ended: JoinHandle<u64>,
    /// Gone once the server holds the large body no longer.
    large: Weak<Vec<u8>>,
    _ending: watch::Sender<bool>,
}

struct Kept(Arc<Vec<u8>>);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// `/large` is asked for once. `/events` has one event and no other, `/silent` none at all.
fn served(bytes: usize) -> Served {
    let (client, server) = duplex(PIPE_BYTES);
    let large = Arc::new(vec![b'x'; bytes]);
    let kept = Arc::downgrade(&large);
    let once = std::sync::Mutex::new(Some(Bytes::from_owner(Kept(large))));
    let once = Arc::new(once);
    let event = || stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n")) });
    let router = Router::new()
        .route(
            "/large",
            get(move || async move { once.lock().unwrap().take().unwrap() }),
        )
        .route("/small", get(|| async {}))
        .route(
            "/events",
            get(move || async move {
                Body::from_stream(stream::StreamExt::chain(event(), stream::pending()))
            }),
        )
        .route(
            "/silent",
            get(|| async { Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()) }),
        );
    let (ending, told) = watch::channel(false);
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let ended = tokio::spawn(async move {
        let began = Instant::now();
        requests(Patient::new(server, UNREAD), peer, router, told).await;
        began.elapsed().as_secs()
    });
    Served {
        client,
        ended,
        large: kept,
        _ending: ending,
    }
}

impl Served {
    async fn ask(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.client.write_all(request.as_bytes()).await.unwrap();
    }

    /// Speaks HTTP/2, with `window` bytes for each answer until it is read.
    async fn http2(
        self,
        window: u32,
    ) -> (SendRequest<Empty<Bytes>>, JoinHandle<u64>, Weak<Vec<u8>>) {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(TokioIo::new(self.client))
            .await
            .unwrap();
        tokio::spawn(async move {
            let ended = connection.await;
            drop(self._ending);
            ended
        });
        (sender, self.ended, self.large)
    }
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    let uri = format!("http://localhost{path}");
    Request::get(uri).body(Empty::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_stops_reading_is_cut_off_and_the_answer_forgotten() {
    let mut served = served(1 << 20);
    served.ask("/large").await;
    served.client.read_exact(&mut [0; 1000]).await.unwrap();
    assert_eq!(served.ended.await.unwrap(), 30);
    assert!(served.large.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_reads_a_little_each_second_is_not() {
    let mut served = served(200 << 10);
    served.ask("/large").await;
    let mut heard = 0;
    while heard < 200 << 10 {
        sleep(Duration::from_secs(1)).await;
        let read = served.client.read(&mut [0; 1000]).await.unwrap();
        assert_ne!(read, 0, "cut off after {heard} bytes");
        heard += read;
    }
    assert!(served.large.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_events_is_not_though_none_come() {
    for path in ["/silent", "/events"] {
        let mut served = served(0);
        served.ask(path).await;
        let hour = timeout(Duration::from_hours(1), async {
            while served.client.read(&mut [0; 100]).await.unwrap() > 0 {}
        });
        assert!(hour.await.is_err(), "{path}");
        let (mut sender, ended, _) = self::served(0).http2(1 << 16).await;
        let mut answer = sender.send_request(request(path)).await.unwrap();
        let hour = timeout(Duration::from_hours(1), async {
            while answer.frame().await.is_some() {}
        });
        assert!(hour.await.is_err(), "{path}");
        assert!(!ended.is_finished());
    }
}

/// Its connection is as alive as can be: it is the one answer that stands still.
#[tokio::test(start_paused = true)]
async fn an_answer_that_stands_still_ends_a_connection_that_does_not() {
    // Nothing goes; the first byte of a body that h2 has whole; the last byte lacks.
    for (bytes, window) in [(1 << 20, 0), (8 << 10, 1), (40 << 10, (40 << 10) - 1)] {
        let (mut sender, ended, large) = served(bytes).http2(window).await;
        let _unread = sender.send_request(request("/large")).await.unwrap();
        let others = async {
            while sender.send_request(request("/small")).await.is_ok() {
                sleep(Duration::from_secs(7)).await;
            }
            pending::<()>().await;
        };
        let seconds = tokio::select! {
            seconds = ended => seconds.unwrap(),
            () = others => 0,
            () = sleep(Duration::from_hours(1)) => panic!("{bytes} bytes, a window of {window}: still open"),
        };
        assert!((60..=66).contains(&seconds), "{window}: {seconds} s");
        assert!(large.upgrade().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_read_slowly_comes_through_by_http_2() {
    let (mut sender, ended, large) = served(100 << 10).http2(1000).await;
    let mut answer = sender.send_request(request("/large")).await.unwrap();
    let began = Instant::now();
    let mut heard = 0;
    while let Some(frame) = answer.frame().await {
        let frame = frame.unwrap_or_else(|error| panic!("cut off after {heard} bytes: {error}"));
        heard += frame.into_data().unwrap().len();
        // About 1000 bytes a second; frames get smaller and smaller.
        sleep_until(began + Duration::from_millis(heard as u64)).await;
    }
    assert_eq!(heard, 100 << 10);
    assert!(began.elapsed() > SLICE_UNREAD);
    assert!(!ended.is_finished() && large.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn events_that_are_not_read_end_their_connection() {
    let (mut sender, ended, _) = served(0).http2(5).await;
    let _unread = sender.send_request(request("/events")).await.unwrap();
    let seconds = timeout(Duration::from_hours(1), ended)
        .await
        .unwrap()
        .unwrap();
    assert!((60..=66).contains(&seconds), "{seconds} s");
}

const PIPE_BYTES: usize = 4096;
