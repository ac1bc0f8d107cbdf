//! One client's way through the proxy: a socket of its own towards the server, so that the server knows it by that.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    time::Instant,
};

use super::{Both, counts::Counts, flow::Flow};

/// Who sends and receives nothing for so long is forgotten; a WebRTC viewer checks its way every few seconds.
const IDLE: Duration = Duration::from_secs(60);
/// The largest UDP payload.
const DATAGRAM_MAX: usize = 65_535;

/// What both directions of one client need.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) listener: Arc<UdpSocket>,
    pub(crate) upstream: UdpSocket,
    pub(crate) settings: watch::Receiver<Both>,
    pub(crate) started: Instant,
    pub(crate) seed: u64,
}

impl Client {
    /// Carries packets until nobody sends any more for [`IDLE`], or `packets` is closed.
    pub(crate) async fn run(mut self, mut packets: mpsc::Receiver<Bytes>) -> (Counts, Counts) {
        let both = *self.settings.borrow_and_update();
        let (mut up, mut down) = (
            Flow::new(both.up, self.seed),
            Flow::new(both.down, self.seed ^ 1),
        );
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut last = Instant::now();
        loop {
            let due = up.next_due().into_iter().chain(down.next_due()).min();
            let wake = due.map_or(last + IDLE, |due| self.started + due);
            tokio::select! {
                packet = packets.recv() => {
                    let Some(packet) = packet else { break };
                    last = Instant::now();
                    up.take(last - self.started, packet);
                }
                // An ICMP error comes as one of receiving; the server may come back.
                received = self.upstream.recv(&mut buffer) => if let Ok(length) = received {
                    last = Instant::now();
                    down.take(last - self.started, Bytes::copy_from_slice(&buffer[..length]));
                },
                changed = self.settings.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let both = *self.settings.borrow_and_update();
                    up.set(both.up);
                    down.set(both.down);
                }
                () = tokio::time::sleep_until(wake) => {
                    if due.is_none() {
                        break;
                    }
                }
            }
            self.deliver(&mut up, &mut down).await;
        }
        (up.counts().clone(), down.counts().clone())
    }

    async fn deliver(&self, up: &mut Flow, down: &mut Flow) {
        let now = Instant::now() - self.started;
        while let Some(bytes) = up.due(now) {
            if self.upstream.send(&bytes).await.is_err() {
                up.unsent();
            }
        }
        while let Some(bytes) = down.due(now) {
            if self.listener.send_to(&bytes, self.address).await.is_err() {
                down.unsent();
            }
        }
    }
}
