//! A listener for HTTP, with or without TLS, that holds a bounded number of connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tracing::{error, warn};

use super::connection;
use crate::{telemetry::Meters, tls::Tls};

/// Accepts while there is a place; otherwise connections wait in the kernel's backlog.
#[derive(Debug)]
pub(crate) struct Listener {
    tcp: TcpListener,
    places: Arc<Semaphore>,
    tls: Option<Tls>,
    meters: Arc<Meters>,
}

/// The client's address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Listener {
    /// At most `connections_max` at once.
    pub(crate) fn new(
        tcp: TcpListener,
        connections_max: usize,
        tls: Option<Tls>,
        meters: Arc<Meters>,
    ) -> Self {
        let places = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
        Self {
            tcp,
            places,
            tls,
            meters,
        }
    }

    /// Serves `router` until `ending` turns true and every connection is through with what it had open. Dropping it
    /// cuts off what is open.
    pub(crate) async fn serve(self, router: Router, ending: watch::Receiver<bool>) {
        let mut open = JoinSet::new();
        let mut told = ending.clone();
        loop {
            let (stream, peer, place) = tokio::select! {
                biased;
                // A sender that is gone means the same: the server ends.
                _ = told.wait_for(|ending| *ending) => break,
                Some(ended) = open.join_next() => {
                    if let Err(panic) = ended {
                        error!(%panic, "an HTTP connection's task failed");
                    }
                    continue;
                }
                accepted = self.accept() => accepted,
            };
            let (tls, router) = (self.tls.clone(), router.clone());
            let (ending, meters) = (ending.clone(), Arc::clone(&self.meters));
            // The handshake is in the task: a client that takes its time over it keeps nobody waiting.
            open.spawn(async move {
                meters.http_connections.increment(1.0);
                connection::serve(stream, peer, tls, router, ending, &meters).await;
                meters.http_connections.decrement(1.0);
                drop(place);
            });
        }
        drop(self.tcp);
        while open.join_next().await.is_some() {}
    }

    async fn accept(&self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let place = Arc::clone(&self.places).acquire_owned().await;
            let place = place.expect("the semaphore is never closed");
            match self.tcp.accept().await {
                Ok((stream, peer)) => {
                    // A part and its playlist are small answers that must not wait for each other's acknowledgement.
                    if let Err(error) = stream.set_nodelay(true) {
                        warn!(%error, "TCP_NODELAY is not granted");
                    }
                    let socket = SockRef::from(&stream);
                    if let Err(error) = socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX) {
                        warn!(%error, "TCP_NOTSENT_LOWAT is not granted");
                    }
                    return (stream, peer, place);
                }
                Err(error) => {
                    warn!(%error, "accepting an HTTP connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// What waits in the kernel to be sent for the first time. By default that is megabytes, of which a third must go before
/// there is room again: a slow client would look like one that does not read at all.
const UNSENT_BYTES_MAX: u32 = 128 << 10;

/// Out of file descriptors, most likely: the next try in a moment, rather than a hot loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
