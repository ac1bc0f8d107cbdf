//! The WebRTC socket: datagrams in by batches, datagrams out without ever waiting.

use std::{
    io,
    net::{SocketAddr, UdpSocket as StdSocket},
};

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tracing::debug;

/// A datagram and who sent it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) source: SocketAddr,
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
}

impl BoundUdp {
    /// Binds `listen` with kernel buffers of `buffer` bytes, or as many as the kernel grants.
    pub(crate) fn bind(listen: SocketAddr, buffer: usize) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(listen),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        for granted in [
            socket.set_recv_buffer_size(buffer),
            socket.set_send_buffer_size(buffer),
        ] {
            if let Err(error) = granted {
                debug!(%error, buffer, "the kernel grants a smaller socket buffer");
            }
        }
        socket.set_nonblocking(true)?;
        socket.bind(&listen.into())?;
        let socket = StdSocket::from(socket);
        Ok(Self {
            local: socket.local_addr()?,
            socket,
        })
    }
}

/// The socket as the shard's thread drives it.
#[derive(Debug)]
pub(crate) struct Udp {
    reader: UdpSocket,
    /// The same socket. Sending goes around the runtime's readiness, which would call it full for the rest of a turn.
    writer: StdSocket,
    local: SocketAddr,
    buffer: Box<[u8]>,
}

impl Udp {
    /// Hands `bound` to the current runtime.
    pub(crate) fn new(bound: BoundUdp) -> io::Result<Self> {
        let writer = bound.socket.try_clone()?;
        let reader = UdpSocket::from_std(bound.socket)?;
        Ok(Self {
            reader,
            writer,
            local: bound.local,
            buffer: vec![0; DATAGRAM_MAX + 1].into(),
        })
    }

    /// The address datagrams are sent to.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Waits until there may be something to receive.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.reader.readable().await
    }

    /// The next datagram, if one is there. Longer ones than any WebRTC peer sends are passed over.
    pub(crate) fn try_receive(&mut self) -> Option<Received> {
        loop {
            match self.reader.try_recv_from(&mut self.buffer) {
                Ok((len, _)) if len > DATAGRAM_MAX => {}
                Ok((len, source)) => {
                    let contents = Bytes::copy_from_slice(&self.buffer[..len]);
                    return Some(Received { source, contents });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => {
                    debug!(%error, "receiving a datagram failed");
                    return None;
                }
            }
        }
    }

    /// Sends a datagram, or does not.
    pub(crate) fn send(&self, destination: SocketAddr, contents: &[u8]) -> Sent {
        match self.writer.send_to(contents, destination) {
            Ok(_) => Sent::Yes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::Full,
            Err(error) => {
                debug!(%error, "sending a datagram failed");
                Sent::Refused
            }
        }
    }
}

/// STUN, DTLS and SRTP keep within the path's 1500 bytes; a jumbo path would need more.
const DATAGRAM_MAX: usize = 2048;
