//! The composition root: builds everything once, runs it, and drains it.

use std::{net::SocketAddr, sync::Arc, thread::JoinHandle, time::Duration};

use tokio::{
    net::TcpListener,
    runtime::Handle,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::timeout,
};
use tracing::{error, info, warn};

use crate::{
    Error,
    config::{Access, Config, Publishers},
    gate::Gate,
    http::{self, Capped, Peer, SessionNames, State},
    io::{
        child::{self, Children},
        clock,
        command::{Command, ShardHandle},
        doorman::Doorman,
        hls::{OriginConfig, Origins},
        outlets::Outlets,
        rtmp,
        shard::{self, Loop},
        side::SideChannels,
        udp::BoundUdp,
    },
    keys::Keys,
    store::Store,
    telemetry::{self, Meters},
};

/// A server whose sockets are bound and whose media thread runs.
#[derive(Debug)]
pub struct Server {
    state: Arc<State>,
    http: Capped,
    rtmp: TcpListener,
    thread: JoinHandle<()>,
    draining: watch::Sender<bool>,
    store: Store,
    settings: Settings,
}

/// What is needed after everything is built.
#[derive(Debug)]
struct Settings {
    http: SocketAddr,
    rtmp: SocketAddr,
    app: String,
    access: Access,
    rtmp_connections_max: usize,
    drain: Duration,
}

impl Server {
    /// Binds every socket and starts the media thread.
    ///
    /// # Errors
    /// An address that cannot be listened on, a database that cannot be used, or a system that refuses a thread.
    pub async fn build(config: &Config) -> Result<Self, Error> {
        let meters = telemetry::meters();
        let access = config.access.settings()?;
        let store = Store::open(&config.store.path).await?;
        let udp = BoundUdp::bind(config.webrtc.listen, config.webrtc.socket_buffer.as_usize())
            .map_err(Error::listen("webrtc.listen", config.webrtc.listen))?;
        let rtmp = bind("rtmp.listen", config.rtmp.listen).await?;
        let http = bind("http.listen", config.http.listen).await?;
        let settings = Settings {
            http: http
                .local_addr()
                .map_err(Error::system("address of the HTTP listener"))?,
            rtmp: rtmp
                .local_addr()
                .map_err(Error::system("address of the RTMP listener"))?,
            app: config.rtmp.app.clone(),
            access: config.access.clone(),
            rtmp_connections_max: config.rtmp.connections_max,
            drain: config.shutdown.drain.0,
        };
        let keys = Keys::new(store.clone());
        let gate = Arc::new(Gate::new(access, config.access.throttle(), keys));
        let media = Media::start(config, udp, &meters, &gate)?;
        let (draining, watched) = watch::channel(false);
        let state = Arc::new(State {
            shard: media.shard,
            origins: media.origins,
            side: media.side,
            meters,
            sessions: SessionNames::new(rand::random()),
            gate,
            event_followers_max: config.http.event_followers_max,
            draining: watched,
        });
        let http = Capped::new(http, config.http.connections_max);
        let thread = media.thread;
        Ok(Self {
            state,
            http,
            rtmp,
            thread,
            draining,
            store,
            settings,
        })
    }

    /// What the HTTP handlers share, for tests that ask them without a socket.
    #[cfg(test)]
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> SocketAddr {
        self.settings.http
    }

    /// Where publishers are taken.
    pub fn rtmp_address(&self) -> SocketAddr {
        self.settings.rtmp
    }

    /// Tells the broadcaster what to type, on standard error.
    pub fn announce(&self) {
        let Settings {
            http,
            rtmp,
            app,
            access,
            ..
        } = &self.settings;
        let key = match access.publishers {
            Publishers::Open => "show",
            Publishers::Key => "what `shopcast key create show` prints",
        };
        eprintln!(
            "\n  Publish from OBS (Settings > Stream, Service: Custom...):\n\
             \n    Server      rtmp://{rtmp}/{app}\n    Stream key  {key}\n\
             \n  Recommended (Settings > Output, Output Mode: Advanced, Streaming):\n\
             \n    Keyframe Interval 2 s, Tune zerolatency, x264 Options bframes=0\n\
             \n  Watch at http://{http}/watch/show\n"
        );
        info!(%http, %rtmp, version = env!("CARGO_PKG_VERSION"), "serving");
    }

    /// Serves until `shutdown` resolves, then ends: no new work, open requests get a while, children are stopped.
    ///
    /// # Errors
    /// The HTTP server fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let Self {
            state,
            http,
            rtmp,
            thread,
            draining,
            store,
            settings,
        } = self;
        let shard = state.shard.clone();
        let reloading = tokio::spawn(reload(settings.access, Arc::clone(&state.gate)));
        let publishers = tokio::spawn(rtmp::listen(
            rtmp,
            settings.rtmp_connections_max,
            shard.clone(),
            Arc::clone(&state.meters),
        ));
        let mut ending = draining.subscribe();
        let service = http::router(state).into_make_service_with_connect_info::<Peer>();
        let mut serving = tokio::spawn(
            axum::serve(http, service)
                .with_graceful_shutdown(async move {
                    // A sender that is gone means the same: the server ends.
                    let _ = ending.wait_for(|ending| *ending).await;
                })
                .into_future(),
        );
        tokio::select! {
                        () = shutdown => info!("ending"),
            // Better ended, and started again by whoever watches, than serving pages without media.
            () = shard.gone() => {
                let died = std::io::Error::other("it ended by itself");
                return Err(Error::system("media thread")(died));
            }
            ended = &mut serving => {
                error!("the HTTP server ended by itself");
                stop(&shard, thread).await;
                return ended.unwrap_or(Ok(())).map_err(Error::system("HTTP server"));
            }
        }
        draining.send_replace(true);
        publishers.abort();
        reloading.abort();
        if timeout(settings.drain, &mut serving).await.is_err() {
            warn!("requests were still open after `shutdown.drain` and are cut off");
            serving.abort();
        }
        stop(&shard, thread).await;
        store.close().await;
        Ok(())
    }
}

/// The media thread and what it shares with HTTP.
struct Media {
    shard: ShardHandle,
    thread: JoinHandle<()>,
    origins: Arc<Origins>,
    side: Arc<SideChannels>,
}

impl Media {
    fn start(
        config: &Config,
        udp: BoundUdp,
        meters: &Arc<Meters>,
        gate: &Arc<Gate>,
    ) -> Result<Self, Error> {
        let (shard, commands) = ShardHandle::new();
        let origin = OriginConfig {
            hls: config.packager(),
            waiters_max: config.hls.waiters_max,
            linger: config.hls.linger.0,
        };
        let origins = Arc::new(Origins::new(origin, Handle::current(), Arc::clone(meters)));
        let side = Arc::new(SideChannels::default());
        let program = child::program(&config.transcoder.path);
        let children = Children::new(
            program,
            shard.clone(),
            Handle::current(),
            Arc::clone(meters),
        );
        let outlets = Outlets::new(
            children,
            Arc::clone(&origins),
            Arc::clone(&side),
            Arc::clone(meters),
            Doorman::new(Arc::clone(gate), shard.clone(), Handle::current()),
        );
        let engine = config.engine(udp.local);
        let engine = engine::Shard::new(engine, clock::monotonic(), clock::wall(), rand::random())
            .map_err(|error| Error::Config(format!("`webrtc`: {error}")))?;
        let meters = Arc::clone(meters);
        let owned = Loop {
            shard: engine,
            socket: udp,
            commands,
            outlets,
            meters,
        };
        Ok(Self {
            thread: shard::start(0, owned)?,
            shard,
            origins,
            side,
        })
    }
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(Error::listen(key, address))
}

/// Reads the files of tokens and keys again whenever the operator says so. One that is wrong changes nothing.
async fn reload(access: Access, gate: Arc<Gate>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            warn!(%error, "SIGHUP cannot be listened for; changed files of tokens and keys need a restart");
            return;
        }
    };
    while hangup.recv().await.is_some() {
        match access.settings() {
            Ok(settings) => {
                gate.replace(settings);
                info!("files of tokens and keys are read again");
            }
            Err(error) => error!(%error, "what was read before still holds"),
        }
    }
}

/// Ends the media thread; with it go its connections, and its children's tasks.
async fn stop(shard: &ShardHandle, thread: JoinHandle<()>) {
    // Refused when the thread is gone already.
    let _ = shard.send(Command::Stop).await;
    if tokio::task::spawn_blocking(|| thread.join())
        .await
        .is_ok_and(|joined| joined.is_err())
    {
        error!("the media thread ended by a panic");
    }
}
