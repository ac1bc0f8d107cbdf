//! The composition root: builds everything once, runs it, and drains it.

use std::{net::SocketAddr, sync::Arc, thread::JoinHandle, time::Duration};

use engine::SavedStream;
use tokio::{
    net::TcpListener,
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};
use tracing::{error, info, warn};

use crate::{
    Error,
    config::{Access, Config, CueRule, Publishers},
    encoder_cues::EncoderCues,
    gate::Gate,
    http::{self, SessionNames, State, Web},
    io::{
        child::{Children, Program},
        clock,
        command::{Command, ShardHandle},
        doorman::Doorman,
        hls::{OriginConfig, Origins},
        ice::{Candidates, IceSockets},
        outlets::{Outlets, Passing},
        shard::{self, Loop},
        shows::{self, Keeper, Shows},
        side::SideChannels,
        tcp,
        thumbnails::{Thumbnails, Waiting},
        udp::BoundUdp,
        webhooks::{self, Running, Teller, Webhooks},
    },
    keys::Keys,
    listeners::{Addresses, Listeners, Serving},
    proxies::Proxies,
    publishing::keep_to_keys,
    store::Store,
    telemetry::{self, Meters},
};

/// A server whose sockets are bound and whose media thread runs.
#[derive(Debug)]
pub struct Server {
    state: Arc<State>,
    listeners: Listeners,
    /// Where ICE is listened for by TCP, and how many connections at most.
    ice_tcp: Option<(TcpListener, usize)>,
    thread: JoinHandle<()>,
    draining: watch::Sender<bool>,
    store: Store,
    courier: Option<Running>,
    scribe: shows::Running,
    reload: Option<Reload>,
    app: String,
    publishers: Publishers,
    drain: Duration,
}

impl Server {
    /// Binds every socket and starts the media thread.
    ///
    /// # Errors
    /// An address that cannot be listened on, a certificate or a database that cannot be used, or a system that refuses
    /// a thread.
    pub async fn build(config: &Config) -> Result<Self, Error> {
        let meters = telemetry::meters();
        let access = config.access.settings()?;
        let store = Store::open(&config.store.path).await?;
        let ice = IceSockets::bind(&config.webrtc).await?;
        ice.look(config).await;
        let connections_max = config.webrtc.tcp_connections_max;
        let ice_tcp = ice.tcp.map(|listener| (listener, connections_max));
        let listeners = Listeners::bind(config, &meters).await?;
        let reload = Reload::listen(config, &listeners)?;
        let Shows {
            keeper,
            saved,
            scribe,
        } = shows::start(config, &store).await?;
        let Webhooks {
            teller,
            desk,
            courier,
        } = webhooks::start(config, &store, &saved).await?;
        let keys = Keys::new(store.clone());
        let gate = Arc::new(Gate::new(access, config.access.throttle(), keys));
        let outlets = (teller, keeper);
        let media = Media::start(
            config,
            ice.udp,
            ice.candidates,
            outlets,
            saved,
            &meters,
            &gate,
        )?;
        // It ends with the media thread.
        tokio::spawn(keep_to_keys(Arc::clone(&gate), media.shard.clone()));
        let (draining, watched) = watch::channel(false);
        let state = Arc::new(State {
            shard: media.shard,
            origins: media.origins,
            side: media.side,
            thumbnails: media.thumbnails,
            meters,
            sessions: SessionNames::new(rand::random()),
            webhooks: desk,
            gate,
            proxies: Proxies::new(&config.access.trusted_proxies),
            event_followers_max: config.http.event_followers_max,
            web: Web::new(config),
            ice_servers: http::ice_servers(&config.webrtc.ice_servers),
            lenient_patch: config.webrtc.lenient_patch,
            image_hosts: http::ImageHosts::new(&config.cues.image_hosts),
            draining: watched,
        });
        Ok(Self {
            state,
            listeners,
            ice_tcp,
            thread: media.thread,
            draining,
            store,
            courier,
            scribe,
            reload,
            app: config.rtmp.app.clone(),
            publishers: config.access.publishers,
            drain: config.shutdown.drain.0,
        })
    }

    /// What the HTTP handlers share, for tests that ask them without a socket.
    #[cfg(test)]
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Its database, for tests that break it.
    #[cfg(test)]
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Makes the running server look at its certificate's files at once, for tests.
    #[cfg(test)]
    pub(crate) fn renew(&self) -> Arc<Notify> {
        Arc::clone(&self.listeners.renew)
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> SocketAddr {
        self.listeners.addresses.http
    }

    /// Where operators look, when that is apart.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.listeners.addresses.admin
    }

    /// Where publishers are taken.
    pub fn rtmp_address(&self) -> SocketAddr {
        self.listeners.addresses.rtmp
    }

    /// Where publishers are taken inside TLS, when they are.
    pub fn rtmps_address(&self) -> Option<SocketAddr> {
        self.listeners.addresses.rtmps
    }

    /// Tells the broadcaster what to type, on standard error.
    pub fn announce(&self) {
        let Addresses {
            http,
            rtmp,
            rtmps,
            admin,
            tls,
        } = self.listeners.addresses;
        let app = &self.app;
        let key = match self.publishers {
            Publishers::Open => "show",
            Publishers::Key => "what `shopcast key create show` prints",
        };
        let scheme = if tls { "https" } else { "http" };
        let secure = rtmps.map_or_else(String::new, |rtmps| {
            format!("    or, encrypted, rtmps://{rtmps}/{app}\n")
        });
        eprintln!(
            "\n  Publish from OBS (Settings > Stream, Service: Custom...):\n\
             \n    Server      rtmp://{rtmp}/{app}\n{secure}    Stream key  {key}\n\
             \n  Recommended (Settings > Output, Output Mode: Advanced, Streaming):\n\
             \n    Keyframe Interval 2 s, Tune zerolatency, x264 Options bframes=0\n\
             \n  Watch at {scheme}://{http}/watch/show\n"
        );
        if let Some(admin) = admin {
            info!(%admin, "metrics are served apart");
        }
        let rtmps = rtmps.map(tracing::field::display);
        info!(%http, %rtmp, rtmps, tls, version = env!("CARGO_PKG_VERSION"), "serving");
    }

    /// Serves until `shutdown` resolves, then ends: no new work, open requests get a while, children are stopped.
    ///
    /// # Errors
    /// The HTTP server fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let Self {
            state,
            listeners,
            ice_tcp,
            thread,
            draining,
            store,
            courier,
            scribe,
            reload,
            drain,
            ..
        } = self;
        let shard = state.shard.clone();
        let reloading = reload.map(|reload| tokio::spawn(reload.run(Arc::clone(&state.gate))));
        let Serving {
            mut http,
            publishers,
        } = listeners.serve(&state, &draining.subscribe());
        // They end with the runtime: sessions live on while requests are drained.
        if let Some((listener, connections_max)) = ice_tcp {
            let meters = Arc::clone(&state.meters);
            tokio::spawn(tcp::listen(
                listener,
                connections_max,
                shard.clone(),
                meters,
            ));
        }
        tokio::select! {
            () = shutdown => info!("ending"),
            // Better ended, and started again by whoever watches, than serving pages without media.
            () = shard.gone() => {
                let died = std::io::Error::other("it ended by itself");
                return Err(Error::system("media thread")(died));
            }
            ended = http.join_next() => {
                error!("the HTTP server ended by itself");
                stop(&shard, thread).await;
                let why = ended.and_then(Result::err).map(std::io::Error::other);
                return why.map_or(Ok(()), |why| Err(Error::system("HTTP server")(why)));
            }
        }
        // One for all that is open, whatever it is: whoever started the server waits not much longer for its end.
        let by = Instant::now() + drain;
        draining.send_replace(true);
        if let Some(reloading) = reloading {
            reloading.abort();
        }
        drop(publishers);
        let answered = async { while http.join_next().await.is_some() {} };
        if timeout_at(by, answered).await.is_err() {
            warn!("requests were still open after `shutdown.drain` and are cut off");
        }
        stop(&shard, thread).await;
        // With the media thread went what told it.
        if let Some(courier) = courier {
            courier.end(by).await;
        }
        scribe.end(by).await;
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
    thumbnails: Arc<Thumbnails>,
}

impl Media {
    fn start(
        config: &Config,
        udp: BoundUdp,
        candidates: Candidates,
        (teller, keeper): (Teller, Keeper),
        saved: Vec<SavedStream>,
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
        let thumbnails = Arc::new(Thumbnails::default());
        let program = Program::new(&config.transcoder, &Handle::current());
        let children = Children::new(
            program,
            shard.clone(),
            Handle::current(),
            Arc::clone(meters),
        );
        let outlets = Outlets {
            children,
            origins: Arc::clone(&origins),
            side: Arc::clone(&side),
            webhooks: teller,
            shows: keeper,
            meters: Arc::clone(meters),
            doorman: Doorman::new(Arc::clone(gate), shard.clone(), Handle::current()),
            encoder_cues: EncoderCues::new(
                CueRule::resolve_all(&config.rtmp.cue_rules)?,
                http::ImageHosts::new(&config.cues.image_hosts),
                shard.clone(),
                &Handle::current(),
            ),
            passing: Passing::new(Waiting::new(Arc::clone(&thumbnails))),
        };
        let engine = config.engine(candidates);
        let now = clock::monotonic();
        let mut engine = engine::Shard::new(engine, now, clock::wall(), rand::random())
            .map_err(|error| Error::Config(format!("`webrtc`: {error}")))?;
        for show in saved {
            // Players that held on wait for the media that is to come.
            if show.show.epoch > 0 {
                origins.open(&show.name);
            }
            engine.restore(now, show);
        }
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
            thumbnails,
        })
    }
}

/// Reads files again whenever the operator says so.
#[derive(Debug)]
struct Reload {
    hangup: Signal,
    /// Makes the certificate's files be looked at.
    renew: Arc<Notify>,
    /// If files of tokens or keys are part of it.
    access: Option<Access>,
}

impl Reload {
    /// `None` when nothing comes from files: SIGHUP keeps its usual meaning then, that the terminal is gone.
    ///
    /// # Errors
    /// A system that refuses a signal handler.
    fn listen(config: &Config, listeners: &Listeners) -> Result<Option<Self>, Error> {
        let access = &config.access;
        let has_files = !access.api_token_file.is_empty() || !access.jwt_key_file.is_empty();
        let access = has_files.then(|| access.clone());
        if access.is_none() && config.tls().is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            hangup: signal(SignalKind::hangup()).map_err(Error::system("signal handler"))?,
            renew: Arc::clone(&listeners.renew),
            access,
        }))
    }

    /// What is wrong changes nothing.
    async fn run(mut self, gate: Arc<Gate>) {
        while self.hangup.recv().await.is_some() {
            self.renew.notify_one();
            match self.access.as_ref().map(Access::settings) {
                None => {}
                Some(Ok(settings)) => {
                    gate.replace(settings);
                    info!("files of tokens and keys are read again");
                }
                Some(Err(error)) => error!(%error, "what was read before still holds"),
            }
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

#[cfg(test)]
mod tests;
