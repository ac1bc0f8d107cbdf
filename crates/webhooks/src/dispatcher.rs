//! Which message goes out next, and what becomes of one that did not arrive.
//!
//! ```text
//!             Send             Delivered
//!   waiting ---------> under way ---------> delivered
//!      ^                   |
//!      |  Failed, attempts |  Failed, none left; endpoint gone
//!      '--- are left ------'-----------------------------------> failed
//! ```

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use media::UnixMillis;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::{
    outcome::Outcome,
    schedule::{ORDERED_ATTEMPTS, RETRY_AFTER_MAX, SCHEDULE, delay},
};

/// How much at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Endpoints there are.
    pub endpoints: usize,
    /// Attempts under way at once, per endpoint.
    pub in_flight_max: usize,
    /// Deliveries waiting or under way at once, per endpoint. Past it the oldest is given up.
    pub pending_max: usize,
}

/// One of the configured endpoints, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub usize);

/// One message on its way to one endpoint. Later ones have larger numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub i64);

/// A delivery to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its number.
    pub id: DeliveryId,
    /// Where to.
    pub endpoint: EndpointId,
    /// What it tells of: deliveries of one stream to one endpoint keep their order.
    pub stream: Arc<str>,
    /// Attempts that have failed.
    pub attempts: u32,
    /// When it is to be tried.
    pub due: UnixMillis,
}

/// Something happened outside.
#[derive(Debug)]
pub enum Input {
    /// There is a delivery: a new one, one found at the start, or one to begin again.
    Queued(Queued),
    /// An attempt came to an end.
    Done {
        /// Which.
        id: DeliveryId,
        /// How.
        outcome: Outcome,
    },
}

/// Something is to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Make an attempt.
    Send {
        /// Which.
        id: DeliveryId,
        /// Where to.
        endpoint: EndpointId,
    },
    /// Write down what has become of a delivery.
    Record {
        /// Which.
        id: DeliveryId,
        /// Where it goes.
        endpoint: EndpointId,
        /// What.
        record: Record,
    },
    /// The endpoint answered 410 and gets nothing more.
    Disabled(EndpointId),
}

/// What has become of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Attempts made since it began.
    pub attempts: u32,
    /// What comes next.
    pub state: State,
    /// Whether an attempt led to this.
    pub attempted: bool,
    /// What the receiver answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is tried, again, at this time.
    Pending {
        /// When.
        due: UnixMillis,
    },
    /// It has arrived.
    Delivered,
    /// It is given up.
    Failed,
}

/// Why the dispatcher wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A delivery is due.
    Attempt,
    /// A delivery is due, but its endpoint asked to be left alone until then.
    Pause,
}

/// Decides which delivery is tried when. It holds numbers and times, never a message.
#[derive(Debug)]
pub struct Dispatcher {
    config: Config,
    rng: StdRng,
    endpoints: Vec<Endpoint>,
    deliveries: BTreeMap<DeliveryId, Delivery>,
    out: VecDeque<Output>,
}

#[derive(Debug, Default)]
struct Endpoint {
    /// It answered 410.
    disabled: bool,
    /// It asked to be left alone until then.
    paused_until: Option<UnixMillis>,
    in_flight: usize,
    all: BTreeSet<DeliveryId>,
    /// What may be tried: the first of each lane, and what no longer holds up others.
    due: BTreeSet<(UnixMillis, DeliveryId)>,
    /// By stream, in order: each waits for the one before it.
    lanes: BTreeMap<Arc<str>, VecDeque<DeliveryId>>,
}

#[derive(Debug)]
struct Delivery {
    queued: Queued,
    in_flight: bool,
}

impl Dispatcher {
    /// A dispatcher with nothing to do. `seed` is for the jitter.
    pub fn new(config: Config, seed: u64) -> Self {
        let endpoints = (0..config.endpoints).map(|_| Endpoint::default());
        Self {
            endpoints: endpoints.collect(),
            rng: StdRng::seed_from_u64(seed),
            deliveries: BTreeMap::new(),
            out: VecDeque::new(),
            config,
        }
    }

    /// Whether `endpoint` still takes messages.
    pub fn accepts(&self, endpoint: EndpointId) -> bool {
        self.endpoints
            .get(endpoint.0)
            .is_some_and(|endpoint| !endpoint.disabled)
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.endpoints.iter().map(|it| it.in_flight).sum()
    }

    /// Takes in what happened.
    pub fn handle_input(&mut self, now: UnixMillis, input: Input) {
        match input {
            Input::Queued(queued) => self.queue(now, queued),
            Input::Done { id, outcome } => self.done(now, id, outcome),
        }
        self.handle_timeout(now);
    }

    /// Begins what is due.
    pub fn handle_timeout(&mut self, now: UnixMillis) {
        for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
            while let Some(id) = endpoint.begin(now, self.config.in_flight_max) {
                if let Some(delivery) = self.deliveries.get_mut(&id) {
                    delivery.in_flight = true;
                }
                let endpoint = EndpointId(index);
                self.out.push_back(Output::Send { id, endpoint });
            }
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called, and why. The wall clock may be set: look again at least each minute.
    pub fn poll_timeout(&self) -> Option<(UnixMillis, Reason)> {
        let next = |endpoint: &Endpoint| {
            let (due, _) = endpoint.due.first().copied()?;
            let free = endpoint.in_flight < self.config.in_flight_max;
            let pause = endpoint.paused_until.filter(|until| *until > due);
            free.then(|| pause.map_or((due, Reason::Attempt), |until| (until, Reason::Pause)))
        };
        self.endpoints
            .iter()
            .filter_map(next)
            .min_by_key(|(at, _)| *at)
    }

    fn queue(&mut self, now: UnixMillis, mut queued: Queued) {
        let (id, index) = (queued.id, queued.endpoint);
        if self.deliveries.get(&id).is_some_and(|it| it.in_flight) || !self.accepts(index) {
            return;
        }
        self.forget(id);
        if self.endpoints[index.0].all.len() >= self.config.pending_max {
            self.give_up_oldest(index);
        }
        // What was written while the clock was wrong does not wait for ever.
        queued.due = queued.due.min(after(now, RETRY_AFTER_MAX.mul_f64(1.2)));
        let endpoint = &mut self.endpoints[index.0];
        endpoint.all.insert(id);
        let first = queued.attempts >= ORDERED_ATTEMPTS || {
            let lane = endpoint
                .lanes
                .entry(Arc::clone(&queued.stream))
                .or_default();
            lane.push_back(id);
            lane.len() == 1
        };
        if first {
            endpoint.due.insert((queued.due, id));
        }
        let in_flight = false;
        self.deliveries.insert(id, Delivery { queued, in_flight });
    }

    fn done(&mut self, now: UnixMillis, id: DeliveryId, outcome: Outcome) {
        let Some(delivery) = self.deliveries.get_mut(&id) else {
            return;
        };
        if !std::mem::take(&mut delivery.in_flight) {
            return;
        }
        let index = delivery.queued.endpoint;
        let attempts = delivery.queued.attempts + 1;
        delivery.queued.attempts = attempts;
        self.endpoints[index.0].in_flight -= 1;
        let (state, status, error) = match outcome {
            Outcome::Delivered { status } => (State::Delivered, Some(status), None),
            Outcome::Gone => (State::Failed, Some(410), Some(GONE.to_owned())),
            Outcome::Failed {
                status,
                retry_after,
                error,
            } => (
                self.retry(now, index, attempts, retry_after),
                status,
                Some(error),
            ),
        };
        match state {
            State::Pending { due } => self.again(id, due),
            State::Delivered | State::Failed => self.forget(id),
        }
        let record = Record {
            attempts,
            state,
            attempted: true,
            status,
            error,
        };
        self.record(id, index, record);
        if status == Some(410) {
            self.disable(index);
        }
    }

    /// When a failed delivery is tried again, if ever.
    fn retry(
        &mut self,
        now: UnixMillis,
        index: EndpointId,
        attempts: u32,
        retry_after: Option<Duration>,
    ) -> State {
        let endpoint = &mut self.endpoints[index.0];
        if endpoint.disabled {
            return State::Failed;
        }
        if let Some(wish) = retry_after {
            // "429 Too Many Requests: … it's recommended to throttle additional requests": it is meant for them all.
            let until = after(now, wish.min(RETRY_AFTER_MAX));
            endpoint.paused_until = endpoint.paused_until.max(Some(until));
        }
        match delay(attempts, retry_after, self.rng.random()) {
            Some(wait) => State::Pending {
                due: after(now, wait),
            },
            None => State::Failed,
        }
    }

    /// Puts a failed delivery back; from a number of attempts on it lets the others of its stream pass.
    fn again(&mut self, id: DeliveryId, due: UnixMillis) {
        let Some(Delivery { queued, .. }) = self.deliveries.get_mut(&id) else {
            return;
        };
        queued.due = due;
        let endpoint = &mut self.endpoints[queued.endpoint.0];
        endpoint.due.insert((due, id));
        if queued.attempts >= ORDERED_ATTEMPTS {
            let stream = Arc::clone(&queued.stream);
            leave_lane(endpoint, &self.deliveries, &stream, id);
        }
    }

    /// Takes a delivery out, and lets the next of its lane go.
    fn forget(&mut self, id: DeliveryId) {
        let Some(Delivery { queued, .. }) = self.deliveries.remove(&id) else {
            return;
        };
        let endpoint = &mut self.endpoints[queued.endpoint.0];
        endpoint.all.remove(&id);
        endpoint.due.remove(&(queued.due, id));
        leave_lane(endpoint, &self.deliveries, &queued.stream, id);
    }

    /// Fresh news is worth more than old: makes room by giving up the oldest that is not under way.
    fn give_up_oldest(&mut self, index: EndpointId) {
        let waits = |id: &&DeliveryId| self.deliveries.get(*id).is_some_and(|it| !it.in_flight);
        let oldest = self.endpoints[index.0].all.iter().find(waits).copied();
        if let Some(id) = oldest {
            self.give_up(id, FULL);
        }
    }

    fn disable(&mut self, index: EndpointId) {
        if std::mem::replace(&mut self.endpoints[index.0].disabled, true) {
            return;
        }
        self.out.push_back(Output::Disabled(index));
        let waits = |id: &DeliveryId| self.deliveries.get(id).is_some_and(|it| !it.in_flight);
        let all: Vec<_> = self.endpoints[index.0]
            .all
            .iter()
            .copied()
            .filter(waits)
            .collect();
        for id in all {
            self.give_up(id, GONE);
        }
    }

    fn give_up(&mut self, id: DeliveryId, why: &str) {
        let Some(delivery) = self.deliveries.get(&id) else {
            return;
        };
        let (endpoint, attempts) = (delivery.queued.endpoint, delivery.queued.attempts);
        self.forget(id);
        let record = Record {
            attempts,
            state: State::Failed,
            attempted: false,
            status: None,
            error: Some(why.to_owned()),
        };
        self.record(id, endpoint, record);
    }

    fn record(&mut self, id: DeliveryId, endpoint: EndpointId, record: Record) {
        self.out.push_back(Output::Record {
            id,
            endpoint,
            record,
        });
    }
}

impl Endpoint {
    /// Takes the first delivery that may be tried now.
    fn begin(&mut self, now: UnixMillis, in_flight_max: usize) -> Option<DeliveryId> {
        let paused = self.paused_until.is_some_and(|until| until > now);
        if paused || self.in_flight >= in_flight_max {
            return None;
        }
        let first = self.due.first().filter(|(due, _)| *due <= now).copied()?;
        self.due.remove(&first);
        self.in_flight += 1;
        Some(first.1)
    }
}

fn leave_lane(
    endpoint: &mut Endpoint,
    deliveries: &BTreeMap<DeliveryId, Delivery>,
    stream: &Arc<str>,
    id: DeliveryId,
) {
    let Some(lane) = endpoint.lanes.get_mut(stream) else {
        return;
    };
    let was_first = lane.front() == Some(&id);
    lane.retain(|other| *other != id);
    match lane.front() {
        None => {
            endpoint.lanes.remove(stream);
        }
        Some(next) if was_first => {
            if let Some(next) = deliveries.get(next) {
                endpoint.due.insert((next.queued.due, next.queued.id));
            }
        }
        Some(_) => {}
    }
}

fn after(now: UnixMillis, span: Duration) -> UnixMillis {
    let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    UnixMillis(now.0.saturating_add(ms))
}

const GONE: &str =
    "the endpoint answered 410 Gone and gets nothing more until the server starts again";
const FULL: &str = "more deliveries waited than `webhooks.pending_max`; the oldest is given up";

const _: () = assert!(SCHEDULE.len() > ORDERED_ATTEMPTS as usize);

#[cfg(test)]
mod tests;
