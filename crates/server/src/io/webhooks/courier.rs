//! The courier: the one task that writes the outbox and makes the attempts the dispatcher decides on.

use std::{collections::HashMap, future::pending, iter, pin::pin, sync::Arc, time::Duration};

use engine::SavedStream;
use media::UnixMillis;
use metrics::{counter, gauge};
use tokio::{
    sync::{mpsc, oneshot},
    task::{self, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use tracing::{debug, error, info, warn};
use webhooks::{
    Config, DeliveryId, Dispatcher, EndpointId, EventType, Input, Outcome, Output, Queued, Record,
    State,
};

use super::{
    Endpoint, ReplayError,
    outbox::{Believed, Outbox, Parcel, Row},
    payload::{Details, EndReason, Event},
    post::Post,
    unavailable,
};
use crate::io::clock;

/// Asked over HTTP.
#[derive(Debug)]
pub(super) enum Request {
    /// Make a delivery again.
    Replay {
        row: Row,
        answer: oneshot::Sender<Result<(), ReplayError>>,
    },
}

#[derive(Debug)]
pub(super) struct Courier {
    outbox: Outbox,
    endpoints: Arc<[Endpoint]>,
    post: Post,
    dispatcher: Dispatcher,
    /// What runs now goes on after the next start.
    shows_go_on: bool,
    flights: JoinSet<Outcome>,
    by_task: HashMap<task::Id, DeliveryId>,
    /// While there is one, the queue is not looked at: what happened first is told first.
    unwritten: Option<Unwritten>,
}

/// An event that the store did not take yet.
#[derive(Debug)]
struct Unwritten {
    event: Event,
    again: Instant,
    /// Until the time after that.
    pause: Duration,
}

impl Courier {
    pub(super) fn new(
        outbox: Outbox,
        endpoints: Arc<[Endpoint]>,
        post: Post,
        pending_max: usize,
        shows_go_on: bool,
    ) -> Self {
        let config = Config {
            endpoints: endpoints.len(),
            in_flight_max: IN_FLIGHT_MAX,
            pending_max,
        };
        for endpoint in endpoints.iter() {
            gauge!("shopcast_webhooks_disabled", "endpoint" => endpoint.name.to_string()).set(0);
        }
        Self {
            outbox,
            endpoints,
            post,
            dispatcher: Dispatcher::new(config, rand::random()),
            flights: JoinSet::new(),
            by_task: HashMap::new(),
            shows_go_on,
            unwritten: None,
        }
    }

    /// Takes up what the last process left: deliveries that wait, and streams that ended with it. Gives those that go
    /// on, which are interrupted.
    pub(super) async fn take_up(
        &mut self,
        shows: &[SavedStream],
    ) -> Result<Vec<Believed>, sqlx::Error> {
        let now = clock::wall();
        let pending = self.outbox.pending().await?;
        if !pending.is_empty() {
            info!(
                deliveries = pending.len(),
                "webhooks that waited are taken up"
            );
        }
        for delivery in pending {
            let Some(endpoint) = self.endpoint(&delivery.endpoint) else {
                continue;
            };
            let queued = Queued {
                id: DeliveryId(delivery.id),
                endpoint,
                stream: delivery.stream.into(),
                attempts: delivery.attempts,
                due: UnixMillis(delivery.due_ms),
            };
            self.dispatcher.handle_input(now, Input::Queued(queued));
        }
        let live = self.outbox.live().await?;
        let goes_on = |it: &Believed| shows.iter().any(|show| show.name.as_str() == it.stream);
        let (go_on, over): (Vec<_>, Vec<_>) = live.into_iter().partition(goes_on);
        self.interrupt(&go_on).await?;
        self.end(over, EndReason::Restart).await?;
        Ok(go_on)
    }

    /// Delivers until whoever tells is gone, and then until the instant that comes by `ending`.
    pub(super) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut requests: mpsc::Receiver<Request>,
        ending: oneshot::Receiver<Instant>,
    ) {
        let mut time_up = pin!(time_up(ending));
        let mut pruning = interval(PRUNE_EVERY);
        pruning.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let in_time = loop {
            let wait = self.turn().await;
            let again = self.unwritten.as_ref().map(|unwritten| unwritten.again);
            tokio::select! {
                event = events.recv(), if again.is_none() => match event {
                    Some(event) => self.take(event, PAUSE_MIN).await,
                    None => break true,
                },
                () = until(again) => self.take_again().await,
                Some(request) = requests.recv() => self.serve(request).await,
                Some(landed) = self.flights.join_next_with_id() => self.landed(landed),
                () = sleep(wait) => {}
                _ = pruning.tick() => self.prune().await,
                () = &mut time_up => break false,
            }
        };
        self.give_up(&mut events);
        if let Err(error) = self.leave().await {
            error!(%error, "what becomes of the streams is told at the next start");
        }
        let rest = async {
            loop {
                self.turn().await;
                let Some(landed) = self.flights.join_next_with_id().await else {
                    break;
                };
                self.landed(landed);
            }
        };
        let landed = in_time
            && tokio::select! {
                () = rest => true,
                () = time_up => false,
            };
        if !landed {
            info!(
                "webhooks were still under way after `shutdown.drain`; they are sent again at the next start"
            );
        }
    }

    /// Begins what is due and carries out what was decided. Gives the time until there is more to do.
    async fn turn(&mut self) -> Duration {
        self.dispatcher.handle_timeout(clock::wall());
        while let Some(output) = self.dispatcher.poll_output() {
            match output {
                Output::Send { id, endpoint } => self.send(id, endpoint),
                Output::Record {
                    id,
                    endpoint,
                    record,
                } => self.record(id, endpoint, &record).await,
                Output::Disabled(endpoint) => {
                    let endpoint = self.name(endpoint);
                    warn!(%endpoint, "a webhook endpoint answered 410 Gone and gets nothing until the next start");
                    gauge!("shopcast_webhooks_disabled", "endpoint" => endpoint.to_string()).set(1);
                }
            }
        }
        let Some((at, reason)) = self.dispatcher.poll_timeout() else {
            return LOOK_EVERY;
        };
        let ms = u64::try_from(at.0.saturating_sub(clock::wall().0)).unwrap_or_default();
        debug!(ms, ?reason, "the next webhook is due");
        Duration::from_millis(ms).min(LOOK_EVERY)
    }

    /// Writes an event down and queues its deliveries. If the store does not take it, it is kept for `pause`.
    async fn take(&mut self, event: Event, pause: Duration) {
        let Err(error) = self.write(&event).await else {
            return;
        };
        let (stream, kind) = (&event.stream, event.kind);
        error!(%stream, event = %kind, %error, "a webhook cannot be written to the store; it is tried again");
        self.unwritten = Some(Unwritten {
            event,
            again: Instant::now() + pause,
            pause: (pause * 2).min(PAUSE_MAX),
        });
    }

    async fn take_again(&mut self) {
        if let Some(Unwritten { event, pause, .. }) = self.unwritten.take() {
            self.take(event, pause).await;
        }
    }

    /// Says what is lost when the server ends before the store takes it.
    fn give_up(&mut self, events: &mut mpsc::Receiver<Event>) {
        let kept = self.unwritten.take().map(|unwritten| unwritten.event);
        for event in kept
            .into_iter()
            .chain(iter::from_fn(|| events.try_recv().ok()))
        {
            let (stream, kind) = (&event.stream, event.kind);
            error!(%stream, event = %kind, "webhook lost: the store did not take it before the server ended");
            counter!("shopcast_webhooks_lost_total", "reason" => "store").increment(1);
        }
    }

    async fn write(&mut self, event: &Event) -> Result<(), sqlx::Error> {
        let wants = |(index, endpoint): (usize, &Endpoint)| {
            let id = EndpointId(index);
            let wanted = endpoint.events.contains(&event.kind) && self.dispatcher.accepts(id);
            wanted.then(|| (id, Arc::clone(&endpoint.name)))
        };
        let to: Vec<_> = self
            .endpoints
            .iter()
            .enumerate()
            .filter_map(wants)
            .collect();
        let (to, names): (Vec<_>, Vec<_>) = to.into_iter().unzip();
        let ids = self.outbox.write(event, &names).await?;
        let now = clock::wall();
        for (id, endpoint) in ids.into_iter().zip(to) {
            let queued = Queued {
                id: DeliveryId(id),
                endpoint,
                stream: Arc::clone(&event.stream),
                attempts: 0,
                due: now,
            };
            self.dispatcher.handle_input(now, Input::Queued(queued));
        }
        Ok(())
    }

    /// Tells what becomes of all streams as the server ends.
    async fn leave(&mut self) -> Result<(), sqlx::Error> {
        let live = self.outbox.live().await?;
        if self.shows_go_on {
            self.interrupt(&live).await
        } else {
            self.end(live, EndReason::Shutdown).await
        }
    }

    /// Tells that streams are interrupted, if that was not told.
    async fn interrupt(&mut self, streams: &[Believed]) -> Result<(), sqlx::Error> {
        for it in streams.iter().filter(|it| !it.interrupted) {
            self.tell(it, EventType::StreamInterrupted, Details::None)
                .await?;
        }
        Ok(())
    }

    async fn end(&mut self, streams: Vec<Believed>, reason: EndReason) -> Result<(), sqlx::Error> {
        for it in streams {
            self.tell(&it, EventType::StreamEnded, Details::Ended(reason))
                .await?;
        }
        Ok(())
    }

    /// Tells what no stream has told: it went with the server.
    async fn tell(
        &mut self,
        it: &Believed,
        kind: EventType,
        details: Details,
    ) -> Result<(), sqlx::Error> {
        let event = Event {
            at: clock::wall(),
            kind,
            stream: it.stream.as_str().into(),
            epoch: it.epoch,
            pts: None,
            details,
        };
        self.write(&event).await
    }

    async fn serve(&mut self, request: Request) {
        let Request::Replay { row, answer } = request;
        // Whoever asked may have gone.
        let _ = answer.send(self.replay(row).await);
    }

    async fn replay(&mut self, row: Row) -> Result<(), ReplayError> {
        let Some(endpoint) = self.endpoint(&row.endpoint) else {
            return Err(ReplayError::NotConfigured(row.endpoint));
        };
        if !self.dispatcher.accepts(endpoint) {
            return Err(ReplayError::Disabled(row.endpoint));
        }
        let now = clock::wall();
        self.outbox
            .requeue(row.id, now)
            .await
            .map_err(unavailable)?;
        let queued = Queued {
            id: DeliveryId(row.id),
            endpoint,
            stream: row.stream.into(),
            attempts: 0,
            due: now,
        };
        self.dispatcher.handle_input(now, Input::Queued(queued));
        Ok(())
    }

    fn send(&mut self, id: DeliveryId, endpoint: EndpointId) {
        let (outbox, post) = (self.outbox.clone(), self.post.clone());
        let endpoints = Arc::clone(&self.endpoints);
        let attempt = async move {
            match parcel(&outbox, id).await {
                Some(parcel) => post.send(&endpoints[endpoint.0], parcel).await,
                None => Outcome::unanswered("its message is no longer in the store"),
            }
        };
        let task = self.flights.spawn(attempt);
        self.by_task.insert(task.id(), id);
    }

    fn landed(&mut self, landed: Result<(task::Id, Outcome), JoinError>) {
        let (task, outcome) = landed.unwrap_or_else(|broken| {
            error!(error = %broken, "an attempt at a webhook broke");
            (
                broken.id(),
                Outcome::unanswered("an error inside the server"),
            )
        });
        if let Some(id) = self.by_task.remove(&task) {
            let done = Input::Done { id, outcome };
            self.dispatcher.handle_input(clock::wall(), done);
        }
    }

    async fn record(&self, id: DeliveryId, endpoint: EndpointId, record: &Record) {
        let name = self.name(endpoint);
        count(&name, record);
        let (delivery, attempts) = (id.0, record.attempts);
        let cause = record.error.as_deref().unwrap_or_default();
        match record.state {
            State::Delivered => debug!(endpoint = %name, delivery, attempts, "webhook delivered"),
            State::Pending { due } => {
                let in_s = due.0.saturating_sub(clock::wall().0) / 1000;
                info!(endpoint = %name, delivery, attempts, in_s, cause, "webhook failed, to be tried again");
            }
            State::Failed => warn!(endpoint = %name, delivery, attempts, cause, "webhook given up"),
        }
        if let Err(error) = self.outbox.record(id, record, clock::wall()).await {
            // After a restart it is sent again, which receivers must bear with anyway.
            error!(endpoint = %name, delivery, %error, "the outcome of a webhook cannot be written");
        }
    }

    async fn prune(&self) {
        if let Err(error) = self.outbox.prune(clock::wall()).await {
            error!(%error, "old webhooks cannot be removed from the store");
        }
    }

    fn endpoint(&self, name: &str) -> Option<EndpointId> {
        let found = self.endpoints.iter().position(|it| &*it.name == name);
        found.map(EndpointId)
    }

    fn name(&self, endpoint: EndpointId) -> Arc<str> {
        Arc::clone(&self.endpoints[endpoint.0].name)
    }
}

/// What an attempt sends, once the store tells: that it does not is no failure of the receiver's.
pub(super) async fn parcel(outbox: &Outbox, id: DeliveryId) -> Option<Parcel> {
    let mut pause = PAUSE_MIN;
    loop {
        match outbox.parcel(id).await {
            Ok(parcel) => return parcel,
            Err(error) => {
                error!(delivery = id.0, %error, "a webhook cannot be read from the store; it is tried again");
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// Never, if nobody says when.
async fn time_up(ending: oneshot::Receiver<Instant>) {
    until(ending.await.ok()).await;
}

fn count(endpoint: &str, record: &Record) {
    let label = || endpoint.to_owned();
    if record.attempted {
        let outcome = if record.state == State::Delivered {
            "delivered"
        } else {
            "failed"
        };
        counter!("shopcast_webhooks_attempts_total", "endpoint" => label(), "outcome" => outcome)
            .increment(1);
    }
    if record.state == State::Failed {
        counter!("shopcast_webhooks_given_up_total", "endpoint" => label()).increment(1);
    }
}

/// Attempts under way at once, per endpoint: a receiver that hangs for 15 s still gets what four streams tell.
const IN_FLIGHT_MAX: usize = 4;
/// The wall clock may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Between two tries at a store that is locked, full or broken; each try waits for a lock itself.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
