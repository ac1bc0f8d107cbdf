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
use crate::telemetry::Meters;

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

/// Accepts RTMP connections for ever; dropping it closes the listener, not the connections.
pub(crate) async fn listen(
    listener: TcpListener,
    connections_max: usize,
    shard: ShardHandle,
    meters: Arc<Meters>,
) {
    let places = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
    let numbers = AtomicU64::new(1);
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
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            warn!(
                connections_max,
                "an RTMP connection is refused; raise `rtmp.connections_max` if they are wanted"
            );
            meters.rtmp_refused.increment(1);
            continue;
        };
        let conn = ConnId(numbers.fetch_add(1, Ordering::Relaxed));
        let (shard, meters) = (shard.clone(), Arc::clone(&meters));
        tokio::spawn(async move {
            connection(stream, peer, conn, &shard, &meters).await;
            drop(place);
        });
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    conn: ConnId,
    shard: &ShardHandle,
    meters: &Meters,
) {
    // Addresses of people stay at DEBUG.
    debug!(conn = conn.0, %peer, "RTMP connection opened");
    meters.rtmp_connections.increment(1.0);
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY is not granted");
    }
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
        let (mut read, mut write) = stream.into_split();
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
        if read.read_buf(&mut buffer).await? == 0 {
            return Ok(());
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
        timeout(WRITE_TIME_MAX, write.write_all(&data)).await??;
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
