//! LL-HLS origins: written by the media thread, read by HTTP without touching it.

mod clients;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use engine::StreamName;
use hls::{
    BadDirective, Directives, Object, ObjectAnswer, Origin, Playlist, PlaylistAnswer, Publication,
    Rendition,
};
use tokio::{runtime::Handle, sync::watch, time::timeout_at};

use crate::telemetry::Meters;
use clients::Clients;

/// What every origin of this server is made with.
#[derive(Debug, Clone)]
pub(crate) struct OriginConfig {
    /// The packager's own settings.
    pub(crate) hls: hls::Config,
    /// Requests that may wait at once, per stream.
    pub(crate) waiters_max: usize,
    /// How long an ended stream stays.
    pub(crate) linger: Duration,
}

/// The origins of all streams that are, or lately were, live.
#[derive(Debug)]
pub(crate) struct Origins {
    config: OriginConfig,
    runtime: Handle,
    meters: Arc<Meters>,
    streams: Mutex<BTreeMap<StreamName, Arc<StreamOrigin>>>,
}

impl Origins {
    /// No streams yet; ended ones are removed on `runtime`.
    pub(crate) fn new(config: OriginConfig, runtime: Handle, meters: Arc<Meters>) -> Self {
        Self {
            config,
            runtime,
            meters,
            streams: Mutex::default(),
        }
    }

    /// The stream's origin, if there is one.
    pub(crate) fn get(&self, stream: &StreamName) -> Option<Arc<StreamOrigin>> {
        lock(&self.streams).get(stream).cloned()
    }

    /// All origins with their streams' names, in order.
    pub(crate) fn all(&self) -> Vec<(StreamName, Arc<StreamOrigin>)> {
        lock(&self.streams)
            .iter()
            .map(|(name, origin)| (name.clone(), Arc::clone(origin)))
            .collect()
    }

    /// Makes the stream's origin, if there is none or only one that ended; requests for it wait from now on.
    pub(crate) fn open(&self, stream: &StreamName) -> Arc<StreamOrigin> {
        let mut streams = lock(&self.streams);
        if let Some(open) = streams.get(stream).filter(|origin| !origin.is_over()) {
            return Arc::clone(open);
        }
        let origin = Arc::new(StreamOrigin::new(&self.config, Arc::clone(&self.meters)));
        streams.insert(stream.clone(), Arc::clone(&origin));
        origin
    }

    /// Applies one drain of the stream's packager, whole, and wakes whoever waits.
    pub(crate) fn apply(self: &Arc<Self>, stream: &StreamName, drained: Vec<Publication>) {
        let origin = self.open(stream);
        let ended = drained.iter().any(|one| matches!(one, Publication::Ended));
        origin.apply(drained);
        if ended {
            self.end(stream);
        }
    }

    /// The stream is over: its playlists and segments stay for the linger, then they are gone.
    pub(crate) fn end(self: &Arc<Self>, stream: &StreamName) {
        let Some(origin) = self.get(stream) else {
            return;
        };
        if origin.over.swap(true, Ordering::Relaxed) {
            return;
        }
        origin.wake();
        let (origins, stream) = (Arc::clone(self), stream.clone());
        self.runtime.spawn(async move {
            tokio::time::sleep(origins.config.linger).await;
            let mut streams = lock(&origins.streams);
            if streams
                .get(&stream)
                .is_some_and(|current| Arc::ptr_eq(current, &origin))
            {
                streams.remove(&stream);
            }
        });
    }
}

/// Which playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// `index.m3u8`.
    Multivariant,
    /// `video.m3u8` or `audio.m3u8`.
    Media(Rendition),
}

/// Why a request is not answered with what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no such thing.
    NotFound,
    /// All there is is video of this codec, which LL-HLS cannot carry.
    NotCarried(&'static str),
    /// The request can never be answered.
    Bad(BadDirective),
    /// It did not come within three target durations.
    TimedOut,
    /// As many requests wait as may.
    TooManyWaiters,
    /// The stream ended while the request waited.
    Over,
}

/// One stream's origin and the requests that wait for it.
#[derive(Debug)]
pub(crate) struct StreamOrigin {
    origin: Mutex<Origin>,
    /// The origin's revision; changes when a waiting request should ask again.
    changed: watch::Sender<u64>,
    over: AtomicBool,
    waiters: AtomicUsize,
    waiters_max: usize,
    clients: Mutex<Clients>,
    meters: Arc<Meters>,
}

impl StreamOrigin {
    fn new(config: &OriginConfig, meters: Arc<Meters>) -> Self {
        Self {
            origin: Mutex::new(Origin::new(config.hls.clone())),
            changed: watch::Sender::new(0),
            over: AtomicBool::new(false),
            waiters: AtomicUsize::new(0),
            waiters_max: config.waiters_max,
            clients: Mutex::default(),
            meters,
        }
    }

    /// A playlist, as soon as the directives are met.
    pub(crate) async fn playlist(
        &self,
        which: Which,
        directives: &Directives,
        now: Instant,
    ) -> Result<Playlist, Refused> {
        self.wait_for(now, Refused::TimedOut, |origin| {
            let answer = match which {
                Which::Multivariant => origin.multivariant(directives),
                Which::Media(rendition) => origin.playlist(rendition, directives),
            };
            match answer {
                PlaylistAnswer::Ready(playlist) => Some(Ok(playlist)),
                PlaylistAnswer::Wait | PlaylistAnswer::NotYet => None,
                PlaylistAnswer::BadRequest(bad) => Some(Err(Refused::Bad(bad))),
                PlaylistAnswer::NotFound => Some(Err(Refused::NotFound)),
                PlaylistAnswer::NotCarried(codec) => Some(Err(Refused::NotCarried(codec))),
            }
        })
        .await
    }

    /// An object, as soon as all of it is there (section 6.2.6 of draft-pantos-hls-rfc8216bis-22: no byte of a hinted
    /// part before all its bytes can go).
    pub(crate) async fn object(&self, name: &str, now: Instant) -> Result<Object, Refused> {
        self.wait_for(now, Refused::NotFound, |origin| match origin.object(name) {
            ObjectAnswer::Ready(object) => Some(Ok(object)),
            ObjectAnswer::Wait => None,
            ObjectAnswer::NotFound => Some(Err(Refused::NotFound)),
        })
        .await
    }

    /// Notes a client that fetched a playlist, to be counted as a viewer for a while.
    pub(crate) fn seen(&self, address: IpAddr, user_agent: &[u8], now: Instant) {
        lock(&self.clients).seen(address, user_agent, now);
    }

    /// Distinct clients of late.
    pub(crate) fn viewers(&self, now: Instant) -> usize {
        lock(&self.clients).count(now)
    }

    /// Requests that wait now.
    #[cfg(test)]
    pub(crate) fn waiters(&self) -> usize {
        self.waiters.load(Ordering::Relaxed)
    }

    /// Bytes of media in memory.
    pub(crate) fn stored_bytes(&self) -> u64 {
        lock(&self.origin).stats().stored_bytes
    }

    fn apply(&self, drained: Vec<Publication>) {
        let mut origin = lock(&self.origin);
        for publication in drained {
            origin.apply(publication);
        }
        let revision = origin.revision();
        drop(origin);
        self.changed
            .send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
    }

    fn wake(&self) {
        self.changed.send_modify(|_| {});
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Asks now and after every change, until there is an answer or the time is up.
    async fn wait_for<T>(
        &self,
        now: Instant,
        late: Refused,
        ask: impl Fn(&mut Origin) -> Option<Result<T, Refused>>,
    ) -> Result<T, Refused> {
        // Subscribed before asking, so that a change in between is not missed.
        let mut changed = self.changed.subscribe();
        let (answer, patience) = self.ask(&ask);
        if let Some(answer) = answer {
            return answer;
        }
        let _waiter = self.waiter()?;
        let deadline = (now + patience).into();
        loop {
            if self.is_over() {
                return Err(Refused::Over);
            }
            match timeout_at(deadline, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Refused::Over),
                // Section 6.2.5.2: a request held for three target durations is answered 503.
                Err(_) => return Err(late),
            }
            if let Some(answer) = self.ask(&ask).0 {
                return answer;
            }
        }
    }

    fn ask<T>(&self, ask: impl Fn(&mut Origin) -> Option<T>) -> (Option<T>, Duration) {
        let mut origin = lock(&self.origin);
        (ask(&mut origin), origin.block_timeout())
    }

    fn waiter(&self) -> Result<Waiter<'_>, Refused> {
        let waiter = Waiter::new(self);
        if self.waiters.load(Ordering::Relaxed) > self.waiters_max {
            self.meters.hls_waiters_refused.increment(1);
            return Err(Refused::TooManyWaiters);
        }
        Ok(waiter)
    }
}

/// A request that waits; dropped with it, also when its client goes away.
struct Waiter<'a>(&'a StreamOrigin);

impl<'a> Waiter<'a> {
    fn new(origin: &'a StreamOrigin) -> Self {
        origin.waiters.fetch_add(1, Ordering::Relaxed);
        origin.meters.hls_waiters.increment(1.0);
        Self(origin)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::Relaxed);
        self.0.meters.hls_waiters.decrement(1.0);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is a plain value after each call; a panicked reader leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
