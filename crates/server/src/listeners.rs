//! Every TCP socket the server listens on, bound before anything runs.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{
    Error,
    config::Config,
    crowd::Crowd,
    http::{self, Listener, State, Surface},
    io::rtmp,
    telemetry::Meters,
    tls::{Renewal, Tls},
};

/// Bound, and not serving yet.
#[derive(Debug)]
pub(crate) struct Listeners {
    http: Listener,
    admin: Option<Listener>,
    rtmp: TcpListener,
    rtmps: Option<TcpListener>,
    tls: Option<(Renewal, Tls)>,
    rtmp_connections_max: usize,
    pub(crate) addresses: Addresses,
    /// Makes the server look at its certificate's files at once.
    pub(crate) renew: Arc<Notify>,
}

/// Where it listens, ports of the system's choice filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) rtmp: SocketAddr,
    pub(crate) rtmps: Option<SocketAddr>,
    pub(crate) tls: bool,
}

/// What serves, each in its task.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Ends when the server does, once every request is answered.
    pub(crate) http: JoinSet<()>,
    /// Ends never; aborted when it is dropped.
    pub(crate) publishers: JoinSet<()>,
}

impl Listeners {
    /// # Errors
    /// An address that cannot be listened on, or a certificate that cannot be used.
    pub(crate) async fn bind(config: &Config, meters: &Arc<Meters>) -> Result<Self, Error> {
        let tls = match config.tls() {
            Some(files) => {
                let made = Renewal::new(files, Arc::clone(meters));
                Some(made.map_err(|error| Error::Config(error.to_string()))?)
            }
            None => None,
        };
        let handshakes = tls.as_ref().map(|(_, tls)| tls.clone());
        let serve = |tcp, connections_max| {
            Listener::new(tcp, connections_max, handshakes.clone(), Arc::clone(meters))
        };
        let (http, http_address) = bind("http.listen", config.http.listen).await?;
        let (rtmp, rtmp_address) = bind("rtmp.listen", config.rtmp.listen).await?;
        let rtmps = bind_if("rtmp.tls_listen", config.rtmp.tls_listen.0).await?;
        let admin = bind_if("admin.listen", config.admin.listen.0).await?;
        let addresses = Addresses {
            http: http_address,
            admin: admin.as_ref().map(|(_, address)| *address),
            rtmp: rtmp_address,
            rtmps: rtmps.as_ref().map(|(_, address)| *address),
            tls: tls.is_some(),
        };
        Ok(Self {
            http: serve(http, config.http.connections_max),
            admin: admin.map(|(tcp, _)| serve(tcp, ADMIN_CONNECTIONS_MAX)),
            rtmp,
            rtmps: rtmps.map(|(tcp, _)| tcp),
            tls,
            rtmp_connections_max: config.rtmp.connections_max,
            addresses,
            renew: Arc::default(),
        })
    }

    /// Serves until `draining` turns true.
    pub(crate) fn serve(self, state: &Arc<State>, draining: &watch::Receiver<bool>) -> Serving {
        let Addresses { http, admin, .. } = self.addresses;
        let mut serving = Serving {
            http: JoinSet::new(),
            publishers: JoinSet::new(),
        };
        let surface = if admin.is_some() {
            Surface::Viewers
        } else {
            Surface::Whole
        };
        let router = http::router(Arc::clone(state), surface, http);
        serving
            .http
            .spawn(self.http.serve(router, draining.clone()));
        if let (Some(listener), Some(address)) = (self.admin, admin) {
            let router = http::router(Arc::clone(state), Surface::Operators, address);
            serving.http.spawn(listener.serve(router, draining.clone()));
        }
        let crowd = Crowd::new(rtmp::WAITING_MAX, state.proxies.clone());
        let places = rtmp::Places::new(
            self.rtmp_connections_max,
            crowd,
            state.shard.clone(),
            &state.meters,
        );
        let publishers = &mut serving.publishers;
        publishers.spawn(rtmp::listen(self.rtmp, None, Arc::clone(&places)));
        if let Some((renewal, tls)) = self.tls {
            publishers.spawn(renewal.run(self.renew));
            if let Some(listener) = self.rtmps {
                publishers.spawn(rtmp::listen(listener, Some(tls), places));
            }
        }
        serving
    }
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listening = async {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    listening.await.map_err(Error::listen(key, address))
}

async fn bind_if(
    key: &'static str,
    address: Option<SocketAddr>,
) -> Result<Option<(TcpListener, SocketAddr)>, Error> {
    match address {
        Some(address) => bind(key, address).await.map(Some),
        None => Ok(None),
    }
}

/// A few scrapers and a person: apart from the viewers' places, so that a crowd does not hide what it does.
const ADMIN_CONNECTIONS_MAX: usize = 64;
