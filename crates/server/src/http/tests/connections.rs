//! What a client can hold open, over real sockets in virtual time.

use std::{future::pending, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, routing::get};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{http::Listener, telemetry};

/// A listener with one path that answers at once, and one that answers when it is let.
struct Served {
    address: SocketAddr,
    ending: watch::Sender<bool>,
    answer: Arc<Notify>,
    asked: Arc<Notify>,
    serving: JoinHandle<()>,
}

async fn served(connections_max: usize) -> Served {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = Listener::new(tcp, connections_max, None, telemetry::meters());
    let (ending, told) = watch::channel(false);
    let (answer, asked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
        move || {
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
            async move {
                asked.notify_one();
                answer.notified().await;
                "late"
            }
        }
    };
    let router = Router::new()
        .route("/", get(|| async { "now" }))
        .route("/late", get(slow))
        .route("/never", get(pending::<()>));
    Served {
        address,
        ending,
        answer,
        asked,
        serving: tokio::spawn(listener.serve(router, told)),
    }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// How many seconds pass until the server closes, and what it said before.
async fn closed(stream: &mut TcpStream) -> (u64, String) {
    let began = Instant::now();
    let mut heard = Vec::new();
    // A reset says the same as an end.
    let _ = stream.read_to_end(&mut heard).await;
    (began.elapsed().as_secs(), String::from_utf8(heard).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_come_to_a_request_is_closed_after_ten_seconds() {
    let served = served(8).await;
    for said in [
        "",
        "PRI * HTTP/2.0\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ] {
        let mut stream = served.connect().await;
        stream.write_all(said.as_bytes()).await.unwrap();
        assert_eq!(closed(&mut stream).await, (10, String::new()), "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_comes_byte_by_byte_does_not_win_time() {
    let served = served(8).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    let began = Instant::now();
    let mut byte = [0];
    while timeout(Duration::from_secs(1), stream.read(&mut byte))
        .await
        .is_err()
    {
        // Refused once it is closed.
        let _ = stream.write_all(b"a").await;
    }
    assert!(
        (9..=11).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_and_a_waiting_request_is_not() {
    let served = served(8).await;
    let mut stream = served.connect().await;
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let (seconds, heard) = closed(&mut stream).await;
    assert_eq!((seconds, heard.ends_with("now")), (15, true), "{heard}");

    let mut stream = served.connect().await;
    let request = b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let hour = timeout(Duration::from_hours(1), stream.read_u8()).await;
    assert!(hour.is_err(), "{hour:?}");
}

#[tokio::test(start_paused = true)]
async fn http_2_by_prior_knowledge_is_served_and_closed_when_idle() {
    let served = served(8).await;
    let io = TokioIo::new(served.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://localhost/")
        .body(Body::empty())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.version(), axum::http::Version::HTTP_2);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"now");
    let began = Instant::now();
    connection.await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn past_the_places_a_connection_waits() {
    let served = served(1).await;
    let first = served.connect().await;
    let mut second = served.connect().await;
    let request = b"GET / HTTP/1.0\r\n\r\n";
    second.write_all(request).await.unwrap();
    let early = timeout(Duration::from_millis(200), second.read_u8()).await;
    assert!(early.is_err(), "{early:?}");
    drop(first);
    let (_, heard) = closed(&mut second).await;
    assert!(heard.ends_with("now"), "{heard}");
}

#[tokio::test]
async fn the_end_waits_for_open_requests_and_takes_no_new_ones() {
    let served = served(8).await;
    let mut idle = served.connect().await;
    let mut stream = served.connect().await;
    let request = b"GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    served.asked.notified().await;
    served.ending.send_replace(true);
    // The connection without a request is closed at once.
    assert!(closed(&mut idle).await.1.is_empty());
    assert!(!served.serving.is_finished());
    served.answer.notify_one();
    let (_, heard) = closed(&mut stream).await;
    assert!(heard.ends_with("late"), "{heard}");
    served.serving.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}
