//! RTMP connections: bytes from the socket to the shard, bytes from the shard to the socket.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use engine::ConnId;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore, mpsc},
    time::timeout,
};
use tracing::{debug, info, warn};

use super::{
    clock,
    command::{Command, ShardHandle},
};
use crate::{
    telemetry::Meters,
    tls::{Tls, Use},
};

/// Where the shard puts what an RTMP client is to be sent. Dropping it closes the connection once all is flushed.
#[derive(Debug)]
pub(crate) struct Writer {
    peer: SocketAddr,
    queue: mpsc::Sender<Bytes>,
    overflow: Arc<Notify>,
}

impl Writer {
    /// The client's address.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Queues `data`. `false` when the client does not read: its connection is then being closed.
    pub(crate) fn push(&self, data: Bytes) -> bool {
        let fits = self.queue.try_send(data).is_ok();
        if !fits {
            self.overflow.notify_one();
        }
        fits
    }
}

/// What the RTMP and the RTMPS listener share: the places, the numbers, the way to the shard.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    connections_max: usize,
    numbers: AtomicU64,
    shard: ShardHandle,
    meters: Arc<Meters>,
}

impl Gate {
    /// At most `connections_max` at once, over all listeners.
    pub(crate) fn new(
        connections_max: usize,
        shard: ShardHandle,
        meters: &Arc<Meters>,
    ) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))),
            connections_max,
            numbers: AtomicU64::new(1),
            shard,
            meters: Arc::clone(meters),
        })
    }
}

/// Accepts RTMP connections for ever, inside TLS where `tls` is given; dropping it closes the listener, not the
/// connections.
pub(crate) async fn listen(listener: TcpListener, tls: Option<Tls>, gate: Arc<Gate>) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: the next try in a moment, rather than a hot loop.
                warn!(%error, "accepting an RTMP connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&gate.places).try_acquire_owned() else {
            let connections_max = gate.connections_max;
            warn!(
                connections_max,
                "an RTMP connection is refused; raise `rtmp.connections_max` if they are wanted"
            );
            gate.meters.rtmp_refused.increment(1);
            continue;
        };
        let (tls, gate) = (tls.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            greet(stream, peer, tls, &gate).await;
            drop(place);
        });
    }
}

async fn greet(stream: TcpStream, peer: SocketAddr, tls: Option<Tls>, gate: &Gate) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY is not granted");
    }
    let Some(tls) = tls else {
        let (read, write) = stream.into_split();
        return connection(read, write, peer, gate).await;
    };
    match tls.accept(stream, Use::Rtmp).await {
        Ok(stream) => {
            let (read, write) = tokio::io::split(stream);
            connection(read, write, peer, gate).await;
        }
        Err(refused) => {
            gate.meters.tls_handshakes_failed.increment(1);
            // The broadcaster's program says no more than that it failed; here is the reason.
            info!(%refused, "an RTMPS connection came to nothing");
        }
    }
}

async fn connection(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    peer: SocketAddr,
    gate: &Gate,
) {
    let Gate { shard, meters, .. } = gate;
    let conn = ConnId(gate.numbers.fetch_add(1, Ordering::Relaxed));
    // Addresses of people stay at DEBUG.
    debug!(conn = conn.0, %peer, "RTMP connection opened");
    meters.rtmp_connections.increment(1.0);
    let (queue, pending) = mpsc::channel(WRITES_MAX);
    let overflow = Arc::new(Notify::new());
    let writer = Writer {
        peer,
        queue,
        overflow: Arc::clone(&overflow),
    };
    if shard
        .send(Command::RtmpOpened { conn, writer })
        .await
        .is_ok()
    {
        let end = tokio::select! {
            end = reading(&mut read, conn, shard, meters) => end,
            end = writing(&mut write, pending) => match end {
                // The engine closed: everything is sent, the client may still be reading it.
                Ok(()) => linger(&mut read).await,
                Err(error) => Err(error),
            },
            () = overflow.notified() => Err(io::Error::other("the client does not read what it is sent")),
        };
        match end {
            Ok(()) => info!(conn = conn.0, "RTMP connection closed"),
            Err(error) => info!(conn = conn.0, %error, "RTMP connection lost"),
        }
        // Refused only when the shard ends, and then it needs no telling.
        let _ = shard.send(Command::RtmpClosed { conn }).await;
    }
    meters.rtmp_connections.decrement(1.0);
}

/// Until the client closes. A full command queue stops reading, and so TCP slows the publisher down.
async fn reading(
    read: &mut (impl AsyncRead + Unpin),
    conn: ConnId,
    shard: &ShardHandle,
    meters: &Meters,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES);
        match read.read_buf(&mut buffer).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // TLS closed without saying so, as encoders do: RTMP itself tells a whole stream from a broken one.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        let data = buffer.split().freeze();
        meters.rtmp_bytes_in.increment(data.len() as u64);
        let read_at = clock::monotonic();
        let command = Command::RtmpData {
            conn,
            data,
            read_at,
        };
        if shard.send(command).await.is_err() {
            return Ok(());
        }
    }
}

/// Until the engine closes.
async fn writing(
    write: &mut (impl AsyncWrite + Unpin),
    mut pending: mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    while let Some(data) = pending.recv().await {
        // Inside TLS, what is written may stay in its buffer.
        let sent = async {
            write.write_all(&data).await?;
            write.flush().await
        };
        timeout(WRITE_TIME_MAX, sent).await??;
    }
    timeout(WRITE_TIME_MAX, write.shutdown()).await?
}

/// Reads what still comes and forgets it: closing a socket with unread bytes resets it, and the reset would overtake
/// the refusal that OBS shows to the broadcaster.
async fn linger(read: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut sink = [0; 4096];
    let drained = async { while !matches!(read.read(&mut sink).await, Ok(0) | Err(_)) {} };
    // Whether the client closed in time or not, the connection ends.
    let _ = timeout(LINGER, drained).await;
    Ok(())
}

const READ_BYTES: usize = 64 << 10;
/// Replies are few and small; a client that leaves this many unread does not read.
const WRITES_MAX: usize = 256;
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
const LINGER: Duration = Duration::from_secs(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_queued_before_the_close_is_flushed() {
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (queue, pending) = mpsc::channel(4);
        let writer = Writer {
            peer: SocketAddr::from(([192, 0, 2, 1], 40_000)),
            queue,
            overflow: Arc::default(),
        };
        assert!(writer.push(Bytes::from_static(b"onStatus ")));
        assert!(writer.push(Bytes::from_static(b"error")));
        drop(writer);
        writing(&mut ours, pending).await.unwrap();
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "onStatus error");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_noticed() {
        let (queue, _pending) = mpsc::channel(1);
        let overflow = Arc::new(Notify::new());
        let writer = Writer {
            peer: SocketAddr::from(([192, 0, 2, 1], 40_000)),
            queue,
            overflow: Arc::clone(&overflow),
        };
        assert!(writer.push(Bytes::from_static(b"1")));
        assert!(!writer.push(Bytes::from_static(b"2")));
        overflow.notified().await;
    }
}
