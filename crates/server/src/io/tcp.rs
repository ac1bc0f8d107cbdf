//! WebRTC's datagrams by TCP (RFC 6544), for peers whose network lets no UDP through: framed (RFC 4571) in connections
//! they open.
//!
//! A connection is a stranger's until a session's authenticated check has come by it, and is given little until then.
//! What a peer does not read in time is dropped, as UDP would: nobody waits for it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use sfu::{Deframer, FiveTuple, Protocol, frame_head};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::{Instant, timeout, timeout_at},
};
use tracing::{debug, warn};

use super::{
    command::{Command, ShardHandle},
    udp::{DATAGRAM_MAX, Sent, canonical},
};
use crate::telemetry::Meters;

/// Where the shard puts what a connection is to be sent. Dropping it closes the connection once all is flushed.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Bytes>,
    admitted: Arc<AtomicBool>,
}

impl Writer {
    /// Queues a datagram, or does not: a peer that reads slowly loses some, and media goes on.
    pub(crate) fn push(&self, datagram: Bytes) -> Sent {
        match self.queue.try_send(datagram) {
            Ok(()) => Sent::Yes,
            Err(mpsc::error::TrySendError::Full(_)) => Sent::Full,
            Err(mpsc::error::TrySendError::Closed(_)) => Sent::Refused,
        }
    }

    /// The connection is a session's.
    pub(crate) fn admit(&self) {
        self.admitted.store(true, Ordering::Relaxed);
    }
}

/// Takes connections for ever; dropping it closes the listener, not the connections.
pub(crate) async fn listen(
    listener: TcpListener,
    connections_max: usize,
    shard: ShardHandle,
    meters: Arc<Meters>,
) {
    let places = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: the next try in a moment, rather than a hot loop.
                warn!(%error, "accepting a WebRTC connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // The peer may try again, or another candidate.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            debug!(
                connections_max,
                "a WebRTC connection is refused; see `webrtc.tcp_connections_max`"
            );
            meters.ice_tcp_refused.increment(1);
            continue;
        };
        let (shard, meters) = (shard.clone(), Arc::clone(&meters));
        tokio::spawn(async move {
            meters.ice_tcp_connections.increment(1.0);
            if let Err(error) = connection(stream, remote, &shard).await {
                debug!(%error, "a WebRTC connection ended");
            }
            meters.ice_tcp_connections.decrement(1.0);
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, remote: SocketAddr, shard: &ShardHandle) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // What the kernel holds is late already; past this the queue fills, and then datagrams are dropped.
    socket2::SockRef::from(&stream).set_send_buffer_size(KERNEL_BYTES)?;
    let tuple = FiveTuple {
        protocol: Protocol::Tcp,
        local: canonical(stream.local_addr()?),
        remote: canonical(remote),
    };
    let (queue, pending) = mpsc::channel(DATAGRAMS_QUEUED_MAX);
    let admitted = Arc::new(AtomicBool::new(false));
    let writer = Writer {
        queue,
        admitted: Arc::clone(&admitted),
    };
    let gone = || io::Error::other("the media thread is gone");
    let opened = shard.send(Command::TcpOpened { tuple, writer }).await;
    opened.map_err(|_| gone())?;
    let (mut read, mut write) = stream.into_split();
    let (frames, mut received) = mpsc::channel(1);
    let handing_over = async {
        while let Some(contents) = received.recv().await {
            if shard
                .send(Command::TcpDatagram { tuple, contents })
                .await
                .is_err()
            {
                return;
            }
        }
    };
    let ended = tokio::select! {
        ended = reading(&mut read, &admitted, frames) => ended,
        ended = writing(&mut write, pending) => ended,
        () = handing_over => Err(gone()),
    };
    // Refused only when the shard ends, and then it needs no telling.
    let _ = shard.send(Command::TcpClosed { tuple }).await;
    ended
}

/// Until the peer closes, is silent for too long, or turns out to be none. A full command queue stops reading, and so
/// TCP slows the peer down.
async fn reading(
    read: &mut (impl AsyncRead + Unpin),
    admitted: &AtomicBool,
    frames: mpsc::Sender<Bytes>,
) -> io::Result<()> {
    let stranger_until = Instant::now() + STRANGER_TIME_MAX;
    let (mut strange, mut deframer) = (0, Deframer::new(DATAGRAM_MAX));
    let (mut buffer, mut datagrams) = (vec![0; READ_BYTES], Vec::new());
    loop {
        let known = admitted.load(Ordering::Relaxed);
        let until = if known {
            Instant::now() + SILENCE_MAX
        } else {
            stranger_until
        };
        let length = match timeout_at(until, read.read(&mut buffer)).await {
            Ok(read) => read?,
            // It became a session's while it was waited for.
            Err(_) if !known && admitted.load(Ordering::Relaxed) => continue,
            Err(late) => return Err(late.into()),
        };
        if length == 0 {
            return Ok(());
        }
        let take = |datagram: &[u8]| datagrams.push(Bytes::copy_from_slice(datagram));
        deframer
            .read(&buffer[..length], take)
            .map_err(io::Error::other)?;
        for datagram in datagrams.drain(..) {
            if !admitted.load(Ordering::Relaxed) {
                strange += 1;
                // RFC 7983 section 7: a check begins with 0 to 3, and nothing comes before a check.
                if strange > STRANGE_DATAGRAMS_MAX || (strange == 1 && datagram[0] > 3) {
                    return Err(io::Error::other("this is no WebRTC peer"));
                }
            }
            if frames.send(datagram).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Until the shard closes, or the peer does not read.
async fn writing(
    write: &mut (impl AsyncWrite + Unpin),
    mut pending: mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    let mut run = BytesMut::new();
    while let Some(first) = pending.recv().await {
        let mut next = Some(first);
        while let Some(datagram) = next {
            if let Some(head) = frame_head(datagram.len()) {
                run.extend_from_slice(&head);
                run.extend_from_slice(&datagram);
            }
            next = (run.len() < RUN_BYTES)
                .then(|| pending.try_recv().ok())
                .flatten();
        }
        timeout(WRITE_TIME_MAX, write.write_all(&run)).await??;
        run.clear();
    }
    timeout(WRITE_TIME_MAX, write.shutdown()).await?
}

/// How long a connection may carry no session's authenticated check: a browser sends one at once.
const STRANGER_TIME_MAX: Duration = Duration::from_secs(10);
/// And what is looked at until then: checks, retransmitted, and a handshake that begins before the first is answered.
const STRANGE_DATAGRAMS_MAX: usize = 32;
/// RFC 7675 section 5.1: consent expires after 30 seconds; the session is over before its connection is.
const SILENCE_MAX: Duration = Duration::from_secs(35);
/// One and a half seconds of 2.5 Mbit/s; at most 0.6 MiB a connection.
const DATAGRAMS_QUEUED_MAX: usize = 512;
const KERNEL_BYTES: usize = 128 << 10;
const READ_BYTES: usize = 16 << 10;
const RUN_BYTES: usize = 16 << 10;
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(datagram: &[u8]) -> Vec<u8> {
        [&frame_head(datagram.len()).unwrap(), datagram].concat()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_is_closed_after_ten_seconds_whatever_it_sends() {
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (frames, mut received) = mpsc::channel(64);
        let begun = Instant::now();
        let admitted = AtomicBool::new(false);
        let sending = async {
            for _ in 0..9 {
                theirs.write_all(&framed(&[0, 1])).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = reading(&mut ours, &admitted, frames) => {
                assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
            }
            () = sending => unreachable!(),
        }
        assert_eq!(begun.elapsed(), STRANGER_TIME_MAX);
        assert_eq!(received.recv().await.unwrap(), [0, 1].as_slice());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_was_admitted_stays_while_it_is_heard() {
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (frames, mut received) = mpsc::channel(64);
        let admitted = AtomicBool::new(false);
        let begun = Instant::now();
        let sending = async {
            theirs.write_all(&framed(&[0, 1])).await.unwrap();
            received.recv().await.unwrap();
            admitted.store(true, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(30)).await;
            theirs.write_all(&framed(&[128, 96])).await.unwrap();
            received.recv().await.unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = reading(&mut ours, &admitted, frames) => assert!(ended.is_err()),
            () = sending => unreachable!(),
        }
        assert_eq!(begun.elapsed(), Duration::from_secs(30) + SILENCE_MAX);
    }

    #[tokio::test]
    async fn what_is_no_peer_is_closed_at_once() {
        let flood = framed(&[0, 1]).repeat(STRANGE_DATAGRAMS_MAX + 1);
        let dtls = framed(&[22, 254, 253]);
        for bytes in [b"GET / HTTP/1.1\r\n".as_slice(), &dtls, &flood] {
            let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
            let (frames, _received) = mpsc::channel(64);
            theirs.write_all(bytes).await.unwrap();
            let ended = reading(&mut ours, &AtomicBool::new(false), frames).await;
            assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::Other);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_loses_datagrams_and_then_its_connection() {
        let (mut ours, _theirs) = tokio::io::duplex(1 << 10);
        let (queue, pending) = mpsc::channel(DATAGRAMS_QUEUED_MAX);
        let writer = Writer {
            queue,
            admitted: Arc::default(),
        };
        for _ in 0..DATAGRAMS_QUEUED_MAX {
            assert_eq!(writer.push(Bytes::from_static(&[1; 1_200])), Sent::Yes);
        }
        assert_eq!(writer.push(Bytes::from_static(b"late")), Sent::Full);
        let ended = writing(&mut ours, pending).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(writer.push(Bytes::from_static(b"gone")), Sent::Refused);
    }

    #[tokio::test]
    async fn what_was_queued_before_the_close_is_flushed_in_frames() {
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (queue, pending) = mpsc::channel(4);
        let admitted = Arc::default();
        let writer = Writer { queue, admitted };
        assert_eq!(writer.push(Bytes::from_static(b"one")), Sent::Yes);
        assert_eq!(writer.push(Bytes::from_static(b"three")), Sent::Yes);
        drop(writer);
        writing(&mut ours, pending).await.unwrap();
        let mut heard = Vec::new();
        theirs.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"\0\x03one\0\x05three");
    }
}
