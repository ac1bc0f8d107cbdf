//! One HTTP connection: HTTP/1.1 or HTTP/2, with a limit on everything a client can hold open.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tower::ServiceExt as _;
use tracing::debug;

use super::{
    activity::{Activity, Guarded, Quiet},
    listener::Peer,
    patient::Patient,
};
use crate::{
    telemetry::Meters,
    tls::{NotTls, Tls, Use},
};

/// Serves a fresh TCP connection to its end, with TLS if there is a certificate.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Tls>,
    router: Router,
    ending: watch::Receiver<bool>,
    meters: &Meters,
) {
    let Some(tls) = tls else {
        return requests(Patient::new(stream, UNREAD), peer, router, ending).await;
    };
    let mut told = ending.clone();
    let greeted = tokio::select! {
        greeted = tls.accept_around(stream, Use::Http, |stream| Patient::new(stream, UNREAD)) => greeted,
        _ = told.wait_for(|ending| *ending) => return,
    };
    match greeted {
        Ok(stream) => requests(stream, peer, router, ending).await,
        Err(refused) => {
            meters.tls_handshakes_failed.increment(1);
            debug!(%peer, %refused, "an HTTPS connection came to nothing");
            if let NotTls::Plain(stream) = refused {
                // Whether the client hears of it or not, the connection ends.
                let _ = timeout(EXPLAIN_TIME_MAX, explain(stream)).await;
            }
        }
    }
}

/// Until the client closes, does nothing for too long, or the server ends.
async fn requests(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    mut ending: watch::Receiver<bool>,
) {
    let activity = Activity::new();
    let service = service_fn(|mut request: Request<Incoming>| {
        let (router, open) = (router.clone(), activity.begin());
        request.extensions_mut().insert(ConnectInfo(Peer(peer)));
        async move {
            let response: Response<_> = router.oneshot(request).await?;
            Ok::<_, Infallible>(response.map(|body| Guarded::new(body, open)))
        }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let over = tokio::select! {
        ended = connection.as_mut() => Over::Ended(ended),
        // A sender that is gone means the same: the server ends.
        _ = ending.wait_for(|ending| *ending) => Over::Ending,
        quiet = activity.stopped(FIRST_REQUEST, IDLE) => Over::Quiet(quiet),
        quiet = activity.unread(SLICE_UNREAD) => Over::Quiet(quiet),
    };
    let ended = match over {
        Over::Ended(ended) => ended,
        Over::Ending => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        Over::Quiet(quiet) => {
            debug!(%peer, ?quiet, "an HTTP connection on which nothing is asked or taken is closed");
            if quiet == Quiet::Never {
                return;
            }
            connection.as_mut().graceful_shutdown();
            // HTTP/2 says GOAWAY; who does not read that is not waited for.
            timeout(GOODBYE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "an HTTP connection was lost");
    }
}

/// Why a connection is not simply served on.
enum Over<T> {
    Ended(T),
    Ending,
    Quiet(Quiet),
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ)
        .max_buf_size(HEADERS_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(ERROR_RESETS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Answers a client that speaks plain HTTP where TLS is spoken.
async fn explain(mut stream: TcpStream) -> io::Result<()> {
    // Closing a socket with unread bytes resets it, and the reset would overtake the answer.
    let mut request = [0; 8 << 10];
    let _ = stream.read(&mut request).await?;
    stream.write_all(SPEAK_TLS).await?;
    stream.shutdown().await
}

/// From the TLS handshake's end, or the connection without TLS, to the first request's last header. Browsers open
/// connections ahead of need; they open others when these are closed.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// From an answer to the next request's last header on an HTTP/1.1 connection. A player without low latency comes back
/// after a target duration, which is 10 s at most by default.
const HEADER_READ: Duration = Duration::from_secs(15);
/// Without an open request, on HTTP/2, where one connection is all that a client has.
const IDLE: Duration = Duration::from_secs(60);
/// Without room for another byte. A radio that loses its network has it again sooner.
const UNREAD: Duration = Duration::from_secs(30);
/// For each 16 KiB of an answer, or what is left of it. On HTTP/2 an answer can stand still while its connection does
/// not, and keeps a segment in memory that the playlist has forgotten. Requests share a connection: of 128 at once each
/// is through in time at 300 kbit/s, a player's six at 13.
const SLICE_UNREAD: Duration = Duration::from_secs(60);
const GOODBYE: Duration = Duration::from_secs(5);
const EXPLAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// HTTP/1.1: of a request's headers together, and of what waits to be sent. A browser sends 1 to 4 KiB.
const HEADERS_BYTES_MAX: usize = 64 << 10;

/// A player has about five requests open: two blocking reloads, two hinted parts, the events. A proxy that speaks HTTP/2
/// to us carries more of them on one connection, and opens further ones.
const STREAMS_MAX: u32 = 128;
/// As it is counted by RFC 9113 section 6.5.2, 32 bytes a field added.
const HEADER_LIST_BYTES_MAX: u32 = 16 << 10;
/// h2's own defaults, said here because they are what a flood of resets (CVE-2023-44487, CVE-2025-8671) meets: past them
/// the connection ends with ENHANCE_YOUR_CALM.
const RESET_STREAMS_MAX: usize = 20;
const ERROR_RESETS_MAX: usize = 1024;
/// Of request bodies, the largest of which are offers of 64 KiB.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// A peer that is gone is noticed after 40 s, and its blocked requests are freed.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

const SPEAK_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 55\r\n\
    Connection: close\r\n\r\nThis port speaks TLS: use https:// in place of http://\n";

#[cfg(test)]
mod tests;
