//! Webhooks: what happens to streams, told to other servers (Standard Webhooks 1.0.0, `docs/webhooks.md`).
//!
//! ```text
//!  media thread --Teller--> [bounded queue] --> Courier --> outbox (SQLite) --> Post --> receivers
//!                                                  ^
//!                       HTTP --Desk--> replay -----'
//! ```
//!
//! The media thread never waits: a full queue drops the event, counts it and says so. Past the queue an event is kept
//! until the database takes it, which is before the first attempt, and is tried again after a restart: it arrives at
//! least once.

mod courier;
mod outbox;
mod payload;
mod post;

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use axum::http::Uri;
use engine::{SavedStream, StreamEvent, StreamName};
use media::Pts;
use metrics::counter;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};
use tracing::{error, info, warn};
use webhooks::{EventType, Happening, Lifecycle, Secret};

pub(crate) use outbox::{Filter, Row, Standing};
pub(crate) use payload::{EndReason, EndedData, StreamData, VERSION, VerdictData};

use self::{
    courier::{Courier, Request},
    outbox::Outbox,
    payload::{Details, Event},
    post::Post,
};
use super::clock;
use crate::{Error, config, store::Store};

/// One receiver.
pub(crate) struct Endpoint {
    /// Its name in the configuration.
    pub(crate) name: Arc<str>,
    pub(crate) uri: Uri,
    pub(crate) secrets: Arc<[Secret]>,
    /// What it is told.
    pub(crate) events: BTreeSet<EventType>,
}

impl fmt::Debug for Endpoint {
    // The path and the query of a URL may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("host", &self.uri.host())
            .finish_non_exhaustive()
    }
}

/// What the media thread holds: tells the courier what happened, if there is anyone to tell.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    lifecycle: Lifecycle,
    courier: Option<mpsc::Sender<Event>>,
}

/// What HTTP holds: the log of deliveries.
#[derive(Debug)]
pub(crate) struct Desk {
    outbox: Outbox,
    endpoints: Arc<[Endpoint]>,
    courier: Option<mpsc::Sender<Request>>,
}

/// Why a delivery is not made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReplayError {
    NoSuchDelivery,
    /// The configuration has no endpoint of this name.
    NotConfigured(String),
    /// The endpoint of this name answered 410.
    Disabled(String),
    /// The database or the courier does not answer.
    Unavailable,
}

/// Everything there is of webhooks.
#[derive(Debug)]
pub(crate) struct Webhooks {
    pub(crate) teller: Teller,
    pub(crate) desk: Desk,
    /// Ends some time after the teller is gone: `None` without endpoints.
    pub(crate) courier: Option<Running>,
}

/// The courier at work.
#[derive(Debug)]
pub(crate) struct Running {
    task: JoinHandle<()>,
    ending: oneshot::Sender<Instant>,
}

/// Takes up what the last process left, and begins to deliver.
///
/// # Errors
/// An endpoint that is not usable, a database that fails, a system without CA certificates.
pub(crate) async fn start(
    config: &config::Config,
    store: &Store,
    shows: &[SavedStream],
) -> Result<Webhooks, Error> {
    let failed = |source| Error::Store {
        path: config.store.path.clone(),
        source,
    };
    let settings = &config.webhooks;
    let endpoints: Arc<[Endpoint]> = settings.resolve()?.into();
    let outbox = Outbox::new(store, settings.keep.0, settings.log_max);
    let names: Vec<&str> = endpoints.iter().map(|endpoint| &*endpoint.name).collect();
    outbox.orphan(&names, clock::wall()).await.map_err(failed)?;
    let mut desk = Desk {
        outbox: outbox.clone(),
        endpoints: Arc::clone(&endpoints),
        courier: None,
    };
    let mut teller = Teller::default();
    if endpoints.is_empty() {
        outbox.prune(clock::wall()).await.map_err(failed)?;
        // Whoever is told of streams next was told of none of these.
        outbox.forget_streams().await.map_err(failed)?;
        let courier = None;
        return Ok(Webhooks {
            teller,
            desk,
            courier,
        });
    }
    announce(&endpoints, &config.store.path);
    let post = Post::new(settings.allow_private)
        .map_err(Error::system("CA certificates (Debian: ca-certificates)"))?;
    let (tell, events) = mpsc::channel(EVENTS_MAX);
    let (ask, requests) = mpsc::channel(REQUESTS_MAX);
    teller.courier = Some(tell);
    desk.courier = Some(ask);
    let shows_go_on = !config.store.path.is_empty() && !config.streams.keep.0.is_zero();
    let pending_max = settings.pending_max;
    let mut courier = Courier::new(outbox, endpoints, post, pending_max, shows_go_on);
    for it in courier.take_up(shows).await.map_err(failed)? {
        let epoch = it.epoch;
        // Receivers have been told of its beginning, and that it is interrupted.
        for happening in [Happening::Live { epoch }, Happening::Interrupted] {
            teller.lifecycle.observe(&it.stream, happening);
        }
    }
    let (ending, told) = oneshot::channel();
    let task = tokio::spawn(courier.run(events, requests, told));
    Ok(Webhooks {
        teller,
        desk,
        courier: Some(Running { task, ending }),
    })
}

impl Running {
    /// Waits for the courier, which ends once the teller is gone and delivers no longer than until `by`.
    pub(crate) async fn end(self, by: Instant) {
        // Refused when it has ended already.
        let _ = self.ending.send(by);
        if let Err(error) = self.task.await {
            error!(%error, "the webhooks' task ended by a panic");
        }
    }
}

fn announce(endpoints: &[Endpoint], store: &str) {
    for endpoint in endpoints {
        let keys: Vec<_> = endpoint
            .secrets
            .iter()
            .filter_map(Secret::public_key)
            .collect();
        let (name, host) = (&endpoint.name, endpoint.uri.host().unwrap_or_default());
        info!(%name, host, public_keys = keys.join(" "), "webhook endpoint");
    }
    if store.is_empty() {
        warn!("`store.path` is empty: webhooks that wait are lost when the server ends");
    }
}

impl Teller {
    /// Tells what happened to a stream. Never waits.
    pub(crate) fn tell(&mut self, stream: &StreamName, event: &StreamEvent, pts: Pts) {
        let Some(courier) = &self.courier else {
            return;
        };
        let (happening, details) = match event {
            StreamEvent::Live { epoch } => (Happening::Live { epoch: *epoch }, Details::None),
            StreamEvent::Interrupted => (Happening::Interrupted, Details::None),
            StreamEvent::Ended => (Happening::Ended, Details::Ended(EndReason::Over)),
            StreamEvent::Verdict(verdict) => {
                (Happening::Verdict, Details::Verdict(verdict.clone()))
            }
        };
        let Some(told) = self.lifecycle.observe(stream.as_str(), happening) else {
            return;
        };
        let event = Event {
            at: clock::wall(),
            kind: told.event,
            stream: stream.as_str().into(),
            epoch: told.epoch,
            pts: Some(pts),
            details,
        };
        if courier.try_send(event).is_err() {
            error!(%stream, event = %told.event, "webhook lost: the queue is full or its task is gone");
            counter!("shopcast_webhooks_lost_total", "reason" => "queue_full").increment(1);
        }
    }
}

impl Desk {
    /// Deliveries, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn deliveries(&self, filter: &Filter) -> Result<Vec<Row>, sqlx::Error> {
        self.outbox.page(filter).await
    }

    /// How each configured endpoint stands.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn standings(&self) -> Result<Vec<(Arc<str>, Standing)>, sqlx::Error> {
        let mut standings = self.outbox.standings().await?;
        let of = |endpoint: &Endpoint| {
            let standing = standings.remove(&*endpoint.name).unwrap_or_default();
            (Arc::clone(&endpoint.name), standing)
        };
        Ok(self.endpoints.iter().map(of).collect())
    }

    /// Makes a delivery again, from its first attempt on, with the same id and body.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) async fn replay(&self, id: i64) -> Result<Row, ReplayError> {
        let row = self.outbox.one(id).await.map_err(unavailable)?;
        let row = row.ok_or(ReplayError::NoSuchDelivery)?;
        let Some(courier) = &self.courier else {
            return Err(ReplayError::NotConfigured(row.endpoint));
        };
        let (answer, answered) = oneshot::channel();
        let sent = courier.send(Request::Replay { row, answer }).await;
        sent.map_err(|_| ReplayError::Unavailable)?;
        answered.await.map_err(|_| ReplayError::Unavailable)??;
        let row = self.outbox.one(id).await.map_err(unavailable)?;
        row.ok_or(ReplayError::NoSuchDelivery)
    }
}

fn unavailable(error: sqlx::Error) -> ReplayError {
    error!(%error, "the store does not answer");
    ReplayError::Unavailable
}

/// Events between the media thread and the database. A stream tells a handful in its life, so this is every stream there
/// may be telling all of them at once.
const EVENTS_MAX: usize = 1024;
/// Each waits for its answer.
const REQUESTS_MAX: usize = 16;
/// One attempt, from the look-up of the name to the end of the answer: "between 15 and 30s".
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests;
