//! RTMP connections: bytes from the socket to the shard, bytes from the shard to the socket.

use std::{
    io,
    net::{IpAddr, SocketAddr},
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
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tracing::{debug, info, warn};

use super::{
    clock,
    command::{Command, ShardHandle},
};
use crate::{
    crowd::{Crowd, Seat},
    telemetry::Meters,
    tls::{Tls, Use},
};

/// Where the shard puts what an RTMP client is to be sent. Dropping it closes the connection once all is flushed.
#[derive(Debug)]
pub(crate) struct Writer {
    peer: SocketAddr,
    seat: Arc<Seat>,
    queue: mpsc::Sender<Bytes>,
    overflow: Arc<Notify>,
}

impl Writer {
    /// The client's address.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The client publishes, and no longer counts among those of its address that do not.
    pub(crate) fn let_in(&self) {
        self.seat.leave();
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
pub(crate) struct Places {
    places: Arc<Semaphore>,
    connections_max: usize,
    /// Those that do not publish.
    waiting: Arc<Crowd>,
    numbers: AtomicU64,
    shard: ShardHandle,
    meters: Arc<Meters>,
}

impl Places {
    /// At most `connections_max` at once, over all listeners; until they publish, those of one address in `waiting`.
    pub(crate) fn new(
        connections_max: usize,
        waiting: Arc<Crowd>,
        shard: ShardHandle,
        meters: &Arc<Meters>,
    ) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))),
            connections_max,
            waiting,
            numbers: AtomicU64::new(1),
            shard,
            meters: Arc::clone(meters),
        })
    }

    /// A place for a connection from `address`, if there is one.
    fn take(&self, address: IpAddr) -> Option<(OwnedSemaphorePermit, Arc<Seat>)> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let connections_max = self.connections_max;
            warn!(
                connections_max,
                "an RTMP connection is refused; raise `rtmp.connections_max` if they are wanted"
            );
            return None;
        };
        let Some(seat) = self.waiting.seat(address) else {
            debug!(%address, "an RTMP connection is refused: many from its address do not publish");
            return None;
        };
        Some((place, Arc::new(seat)))
    }
}

/// Accepts RTMP connections for ever, inside TLS where `tls` is given; dropping it closes the listener, not the
/// connections.
pub(crate) async fn listen(listener: TcpListener, tls: Option<Tls>, places: Arc<Places>) {
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
        let Some((place, seat)) = places.take(peer.ip()) else {
            places.meters.rtmp_refused.increment(1);
            continue;
        };
        let (tls, places) = (tls.clone(), Arc::clone(&places));
        tokio::spawn(async move {
            greet(stream, peer, seat, tls, &places).await;
            drop(place);
        });
    }
}

async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    seat: Arc<Seat>,
    tls: Option<Tls>,
    places: &Places,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY is not granted");
    }
    let Some(tls) = tls else {
        let (read, write) = stream.into_split();
        return connection(read, write, peer, seat, places).await;
    };
    match tls.accept(stream, Use::Rtmp).await {
        Ok(stream) => {
            let (read, write) = tokio::io::split(stream);
            connection(read, write, peer, seat, places).await;
        }
        Err(refused) => {
            places.meters.tls_handshakes_failed.increment(1);
            // The broadcaster's program says no more than that it failed; here is the reason.
            info!(%refused, "an RTMPS connection came to nothing");
        }
    }
}

async fn connection(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    peer: SocketAddr,
    seat: Arc<Seat>,
    places: &Places,
) {
    let Places { shard, meters, .. } = places;
    let conn = ConnId(places.numbers.fetch_add(1, Ordering::Relaxed));
    // Addresses of people stay at DEBUG.
    debug!(conn = conn.0, %peer, "RTMP connection opened");
    meters.rtmp_connections.increment(1.0);
    let (queue, pending) = mpsc::channel(WRITES_MAX);
    let overflow = Arc::new(Notify::new());
    let writer = Writer {
        peer,
        // One is kept here: what the engine is through with still has its place until it is closed.
        seat: Arc::clone(&seat),
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
    drop(seat);
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

/// Connections of one address that do not publish, all together: a studio's encoders beginning at once. They are let in or
/// closed within seconds.
pub(crate) const WAITING_MAX: usize = 8;
const READ_BYTES: usize = 64 << 10;
/// Replies are few and small; a client that leaves this many unread does not read.
const WRITES_MAX: usize = 256;
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
const LINGER: Duration = Duration::from_secs(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{proxies::Proxies, telemetry};

    fn crowd() -> Arc<Crowd> {
        Crowd::new(WAITING_MAX, Proxies::default())
    }

    fn seat() -> Arc<Seat> {
        Arc::new(crowd().seat(IpAddr::from([192, 0, 2, 1])).unwrap())
    }

    #[tokio::test]
    async fn one_address_does_not_take_every_place_without_publishing() {
        let (shard, _commands) = ShardHandle::new();
        let places = Places::new(64, crowd(), shard, &telemetry::meters());
        let stranger = IpAddr::from([192, 0, 2, 1]);
        let mut taken: Vec<_> = (0..64).filter_map(|_| places.take(stranger)).collect();
        assert_eq!(taken.len(), WAITING_MAX);
        let seller = places.take(IpAddr::from([192, 0, 2, 2]));
        assert!(seller.is_some());
        // Whoever publishes makes room for the next of its address, and keeps its place.
        taken[0].1.leave();
        taken.extend(places.take(stranger));
        assert_eq!(taken.len(), WAITING_MAX + 1);
        assert!(places.take(stranger).is_none());
    }

    #[tokio::test]
    async fn what_was_queued_before_the_close_is_flushed() {
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (queue, pending) = mpsc::channel(4);
        let writer = Writer {
            peer: SocketAddr::from(([192, 0, 2, 1], 40_000)),
            seat: seat(),
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
            seat: seat(),
            queue,
            overflow: Arc::clone(&overflow),
        };
        assert!(writer.push(Bytes::from_static(b"1")));
        assert!(!writer.push(Bytes::from_static(b"2")));
        overflow.notified().await;
    }
}
