//! One viewer of the swarm: a real session whose record is kept.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::bail;
use http_body_util::BodyExt as _;
use hyper::header::HeaderName;
use str0m::{Event, media::Frequency};
use tokio::sync::mpsc;

use super::{log::Log, part::Part, sse::Events};
use crate::{
    clock,
    hls::{self, Met},
    http::Http,
    whep::{Seen, Session, Wants},
};

/// How long a lost side channel waits before it connects again, as browsers do.
const RECONNECT: Duration = Duration::from_secs(1);
/// Of attempts in a row.
const RECONNECTS_MAX: u32 = 10;

/// How a viewer watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Whep,
    Hls,
}

/// What every viewer needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) http: Http,
    pub(crate) stream: String,
    pub(crate) audio: bool,
    pub(crate) via: Option<SocketAddr>,
    pub(crate) started: Instant,
}

/// One viewer.
#[derive(Debug)]
pub(crate) struct Viewer {
    pub(crate) protocol: Protocol,
    log: Mutex<Log>,
    /// RTP packets, or parts of both renditions.
    pub(crate) received: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) reconnects: AtomicU64,
}

impl Viewer {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            log: Mutex::default(),
            received: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
        }
    }

    /// Its record. Whoever panicked with it has left plain numbers, which are still worth reporting.
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches until `stop`; an error is what ended it before.
    pub(crate) async fn watch(
        &self,
        place: &Place,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        // One pull at a time: what was missing meanwhile is noticed again.
        let (ask, asked) = mpsc::channel(1);
        let pulls = self.pull(place, asked);
        match self.protocol {
            Protocol::Whep => {
                let wants = Wants {
                    audio: place.audio,
                    cues: true,
                    via: place.via,
                };
                let mut session = Session::join(&place.http, &place.stream, wants).await?;
                let mut seen = Seen::default();
                let ended = tokio::select! {
                    ended = self.whep(place, &mut session, &mut seen, &ask) => ended,
                    ended = pulls => ended,
                    () = stop => Ok(()),
                };
                self.lost.store(seen.lost(), Relaxed);
                session.leave().await?;
                ended
            }
            Protocol::Hls => tokio::select! {
                ended = self.hls(place) => ended,
                ended = self.events(place, &ask) => ended,
                ended = pulls => ended,
                () = stop => Ok(()),
            },
        }
    }

    async fn whep(
        &self,
        place: &Place,
        session: &mut Session,
        seen: &mut Seen,
        ask: &mpsc::Sender<u64>,
    ) -> anyhow::Result<()> {
        loop {
            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "of the transport's many events a viewer needs these"
            )]
            match session.next().await? {
                Event::RtpPacket(packet) => {
                    let now = clock::now();
                    if !seen.packet(now, &packet) {
                        continue;
                    }
                    self.received.fetch_add(1, Relaxed);
                    if packet.time.frequency() == Frequency::NINETY_KHZ {
                        self.log().rtp(now - place.started, packet.header.timestamp);
                    }
                }
                Event::ChannelData(data) => {
                    self.message(place, &String::from_utf8_lossy(&data.data), ask);
                }
                Event::ChannelClose(_) => bail!("the side channel was closed"),
                _ => {}
            }
        }
    }

    async fn hls(&self, place: &Place) -> anyhow::Result<()> {
        let meet = |rendition: &str, met: Met<'_>| {
            let Met::Part(bytes) = met else { return };
            self.received.fetch_add(1, Relaxed);
            if rendition != "video" {
                return;
            }
            let now = clock::now() - place.started;
            let part = Part::parse(bytes);
            let mut log = self.log();
            for cue in &part.cues {
                log.in_band(now, cue);
            }
            if let Some(newest) = part.newest {
                log.frame(now, newest);
            }
        };
        hls::watch_with(&place.http, &place.stream, place.audio, &meet).await?;
        bail!("the stream is over")
    }

    /// Follows the side channel as a browser does: what is lost is taken up again.
    async fn events(&self, place: &Place, ask: &mpsc::Sender<u64>) -> anyhow::Result<()> {
        let mut events = Events::default();
        let mut failed = 0;
        loop {
            match self.follow(place, &mut events, ask).await {
                Ok(()) => failed = 0,
                Err(error) if failed >= RECONNECTS_MAX => return Err(error),
                Err(_) => failed += 1,
            }
            self.reconnects.fetch_add(1, Relaxed);
            tokio::time::sleep(RECONNECT).await;
        }
    }

    async fn follow(
        &self,
        place: &Place,
        events: &mut Events,
        ask: &mpsc::Sender<u64>,
    ) -> anyhow::Result<()> {
        let path = format!("/v1/streams/{}/events", place.stream);
        let last = events.last_id().map(str::to_owned);
        let last = last.map(|id| (HeaderName::from_static("last-event-id"), id));
        let mut body = place.http.open(&path, last.as_slice()).await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame?;
            for text in frame
                .data_ref()
                .into_iter()
                .flat_map(|data| events.push(data))
            {
                self.message(place, &text, ask);
            }
        }
        Ok(())
    }

    fn message(&self, place: &Place, text: &str, ask: &mpsc::Sender<u64>) {
        let after = self.log().message(clock::now() - place.started, text);
        if let Some(after) = after {
            // A full queue: a pull is under way.
            let _ = ask.try_send(after);
        }
    }

    async fn pull(&self, place: &Place, mut asked: mpsc::Receiver<u64>) -> anyhow::Result<()> {
        while let Some(after) = asked.recv().await {
            let path = format!("/v1/streams/{}/cues?after={after}", place.stream);
            let answer = place.http.get(&path).await?;
            self.log()
                .pulled(clock::now() - place.started, &answer.body);
        }
        bail!("nobody asks any more")
    }
}
