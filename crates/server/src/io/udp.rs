//! The WebRTC socket: datagrams in by batches, datagrams out without ever waiting.

use std::{
    fmt,
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr, UdpSocket as StdSocket},
};

use bytes::Bytes;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use sfu::{FiveTuple, Protocol};
use socket2::{Domain, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};
use tracing::debug;

/// A datagram and which way it came.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) tuple: FiveTuple,
    pub(crate) contents: Bytes,
}

/// What became of a datagram that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The kernel has it.
    Yes,
    /// The socket's buffer is full: WebRTC would rather lose it and ask again than have it late.
    Full,
    /// The kernel refuses it, for example because its destination cannot be reached.
    Refused,
}

/// A bound socket that is not yet driven by a runtime.
#[derive(Debug)]
pub(crate) struct BoundUdp {
    socket: StdSocket,
    /// The address datagrams are sent to and come from, its port chosen.
    pub(crate) local: SocketAddr,
    /// The smaller of the kernel's buffers, bytes.
    pub(crate) buffer: usize,
}

impl BoundUdp {
    /// The same socket once more.
    pub(crate) fn try_clone(&self) -> io::Result<StdSocket> {
        self.socket.try_clone()
    }

    /// Binds `listen` with kernel buffers of `buffer` bytes, or as many as the kernel grants.
    pub(crate) fn bind(listen: SocketAddr, buffer: usize) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(listen),
            Type::DGRAM,
            Some(socket2::Protocol::UDP),
        )?;
        for granted in [
            socket.set_recv_buffer_size(buffer),
            socket.set_send_buffer_size(buffer),
        ] {
            if let Err(error) = granted {
                debug!(%error, buffer, "the kernel grants a smaller socket buffer");
            }
        }
        if listen.is_ipv6() {
            // `[::]` means both families, whatever net.ipv6.bindv6only says.
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&listen.into())?;
        let granted = socket.recv_buffer_size()?.min(socket.send_buffer_size()?);
        let socket = StdSocket::from(socket);
        Ok(Self {
            local: socket.local_addr()?,
            // Linux says twice what was asked, for its own book-keeping (socket(7)).
            buffer: granted / 2,
            socket,
        })
    }
}

/// The socket as the shard's thread drives it.
pub(crate) struct Udp {
    reader: UdpSocket,
    /// The same socket. Sending goes around the runtime's readiness, which would call it full for the rest of a turn.
    writer: StdSocket,
    /// Asks the kernel which address each datagram came to, and tells it which one to leave from: with several, only
    /// the answer that leaves from the address a check was sent to proves anything (RFC 8445 section 7.2.5.2.1).
    state: UdpSocketState,
    local: SocketAddr,
    buffer: Box<[u8]>,
    /// The rest of what the kernel handed over in one piece.
    run: Run,
}

/// Datagrams of one sender, one behind the other in the buffer.
#[derive(Debug, Clone, Copy)]
struct Run {
    tuple: FiveTuple,
    stride: usize,
    from: usize,
    to: usize,
}

impl Udp {
    /// Hands `bound` to the current runtime.
    pub(crate) fn new(bound: BoundUdp) -> io::Result<Self> {
        let state = UdpSocketState::new((&bound.socket).into())?;
        let writer = bound.socket.try_clone()?;
        let reader = UdpSocket::from_std(bound.socket)?;
        let tuple = FiveTuple {
            protocol: Protocol::Udp,
            local: bound.local,
            remote: bound.local,
        };
        Ok(Self {
            reader,
            writer,
            local: bound.local,
            // One datagram, or as many as the kernel joins.
            buffer: vec![0; state.gro_segments().max(1) * DATAGRAM_MAX + 1].into(),
            state,
            run: Run {
                tuple,
                stride: 1,
                from: 0,
                to: 0,
            },
        })
    }

    /// Waits until there may be something to receive.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.run.from < self.run.to {
            return Ok(());
        }
        self.reader.readable().await
    }

    /// The next datagram, if one is there. Longer ones than any WebRTC peer sends are passed over.
    pub(crate) fn try_receive(&mut self) -> Option<Received> {
        loop {
            let Run {
                tuple,
                stride,
                from,
                to,
            } = self.run;
            if from < to {
                let end = to.min(from + stride);
                self.run.from = end;
                if end - from > DATAGRAM_MAX {
                    continue;
                }
                let contents = Bytes::copy_from_slice(&self.buffer[from..end]);
                return Some(Received { tuple, contents });
            }
            if !self.receive_run() {
                return None;
            }
        }
    }

    /// Fills the buffer; false when nothing is there.
    fn receive_run(&mut self) -> bool {
        let mut meta = [RecvMeta::default()];
        let (state, buffer) = (&self.state, &mut self.buffer);
        let received = self.reader.try_io(Interest::READABLE, || {
            let mut buffers = [IoSliceMut::new(buffer)];
            state.recv((&self.reader).into(), &mut buffers, &mut meta)
        });
        match received {
            Ok(_) => {
                let [meta] = meta;
                let local = meta.dst_ip.unwrap_or_else(|| self.local.ip());
                self.run = Run {
                    tuple: FiveTuple {
                        protocol: Protocol::Udp,
                        local: canonical((local, self.local.port()).into()),
                        remote: canonical(meta.addr),
                    },
                    stride: meta.stride.max(1),
                    from: 0,
                    to: meta.len,
                };
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                debug!(%error, "receiving a datagram failed");
                false
            }
        }
    }

    /// Sends a datagram, or does not.
    pub(crate) fn send(&self, tuple: FiveTuple, contents: &[u8]) -> Sent {
        let transmit = Transmit {
            destination: as_the_socket(self.local, tuple.remote),
            ecn: None,
            contents,
            segment_size: None,
            // A socket of one address needs no telling.
            src_ip: (self.local.ip().is_unspecified()).then(|| tuple.local.ip()),
        };
        match self.state.try_send((&self.writer).into(), &transmit) {
            Ok(()) => Sent::Yes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::Full,
            Err(error) => {
                debug!(%error, "sending a datagram failed");
                Sent::Refused
            }
        }
    }
}

impl fmt::Debug for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Udp")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

/// A socket of both families sees IPv4 addresses inside of IPv6 ones (RFC 4291 section 2.5.5.2); everything above
/// knows them as what they are.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The reverse.
fn as_the_socket(socket: SocketAddr, remote: SocketAddr) -> SocketAddr {
    match (socket, remote.ip()) {
        (SocketAddr::V6(_), IpAddr::V4(ip)) => (ip.to_ipv6_mapped(), remote.port()).into(),
        _ => remote,
    }
}

/// STUN, DTLS and SRTP keep within the path's 1500 bytes; a jumbo path would need more.
pub(super) const DATAGRAM_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(listen: &str) -> Udp {
        Udp::new(BoundUdp::bind(listen.parse().unwrap(), 1 << 20).unwrap()).unwrap()
    }

    /// A client's datagram comes in with both addresses as the client knows them, and the answer comes back from the
    /// address it sent to.
    async fn there_and_back(server: &mut Udp, address: &str) {
        let to: SocketAddr = (address.parse::<IpAddr>().unwrap(), server.local.port()).into();
        let any = if to.is_ipv4() {
            "127.0.0.1:0"
        } else {
            "[::1]:0"
        };
        let client = UdpSocket::bind(any).await.unwrap();
        for message in [b"one".as_slice(), b"three"] {
            client.send_to(message, to).await.unwrap();
            let received = loop {
                server.readable().await.unwrap();
                if let Some(received) = server.try_receive() {
                    break received;
                }
            };
            assert_eq!(received.contents, message);
            assert_eq!(received.tuple.local, to);
            assert_eq!(received.tuple.remote, client.local_addr().unwrap());
            assert_eq!(server.send(received.tuple, b"back"), Sent::Yes);
            let mut buffer = [0; 16];
            let answered = client.recv_from(&mut buffer).await.unwrap();
            assert_eq!(answered, (4, to));
        }
    }

    #[tokio::test]
    async fn one_socket_serves_both_families_and_answers_from_where_it_was_asked() {
        let mut server = bound("[::]:0");
        for address in ["::1", "127.0.0.1", "127.0.0.2"] {
            there_and_back(&mut server, address).await;
        }
    }

    #[tokio::test]
    async fn sockets_of_one_family_or_one_address_do_the_same() {
        there_and_back(&mut bound("0.0.0.0:0"), "127.0.0.3").await;
        there_and_back(&mut bound("127.0.0.1:0"), "127.0.0.1").await;
        there_and_back(&mut bound("[::1]:0"), "::1").await;
    }

    #[tokio::test]
    async fn a_datagram_too_long_for_any_peer_is_passed_over() {
        let mut server = bound("127.0.0.1:0");
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client
            .send_to(&[1; DATAGRAM_MAX + 1], server.local)
            .await
            .unwrap();
        client.send_to(b"short", server.local).await.unwrap();
        let received = loop {
            server.readable().await.unwrap();
            if let Some(received) = server.try_receive() {
                break received;
            }
        };
        assert_eq!(received.contents, b"short".as_slice());
    }
}
