//! The dispatcher in virtual time, against receivers that fail in every way.

use proptest::prelude::*;

use super::*;

const START: i64 = 1_700_000_000_000;

/// A dispatcher, its clock, and what it did.
struct World {
    dispatcher: Dispatcher,
    now: i64,
    /// Attempts that were begun: when and which.
    sent: Vec<(i64, i64)>,
    records: Vec<(i64, Record)>,
    disabled: Vec<EndpointId>,
}

impl World {
    fn new(endpoints: usize, pending_max: usize) -> Self {
        let config = Config {
            endpoints,
            in_flight_max: 2,
            pending_max,
        };
        Self {
            dispatcher: Dispatcher::new(config, 7),
            now: START,
            sent: Vec::new(),
            records: Vec::new(),
            disabled: Vec::new(),
        }
    }

    fn input(&mut self, input: Input) {
        self.dispatcher.handle_input(UnixMillis(self.now), input);
        self.drain();
    }

    fn queue(&mut self, id: i64, endpoint: usize, stream: &str) {
        self.queue_again(id, endpoint, stream, 0, self.now);
    }

    fn queue_again(&mut self, id: i64, endpoint: usize, stream: &str, attempts: u32, due: i64) {
        self.input(Input::Queued(Queued {
            id: DeliveryId(id),
            endpoint: EndpointId(endpoint),
            stream: stream.into(),
            attempts,
            due: UnixMillis(due),
        }));
    }

    fn done(&mut self, id: i64, outcome: Outcome) {
        let id = DeliveryId(id);
        self.input(Input::Done { id, outcome });
    }

    fn drain(&mut self) {
        while let Some(output) = self.dispatcher.poll_output() {
            match output {
                Output::Send { id, .. } => self.sent.push((self.now, id.0)),
                Output::Record { id, record, .. } => self.records.push((id.0, record)),
                Output::Disabled(endpoint) => self.disabled.push(endpoint),
            }
        }
    }

    /// Goes to the next moment the dispatcher asks for.
    fn next(&mut self) -> Option<Reason> {
        let (at, reason) = self.dispatcher.poll_timeout()?;
        self.now = self.now.max(at.0);
        self.dispatcher.handle_timeout(UnixMillis(self.now));
        self.drain();
        Some(reason)
    }

    fn ids(&self) -> Vec<i64> {
        self.sent.iter().map(|(_, id)| *id).collect()
    }

    fn state(&self, id: i64) -> Option<State> {
        let of = self.records.iter().rev().find(|(other, _)| *other == id);
        of.map(|(_, record)| record.state)
    }
}

fn ok() -> Outcome {
    Outcome::answered(204, None, "")
}

fn fails() -> Outcome {
    Outcome::unanswered("connection refused")
}

#[test]
fn a_delivery_is_tried_on_the_schedule_and_then_given_up() {
    let mut world = World::new(1, 10);
    world.queue(1, 0, "show");
    for _ in 0..SCHEDULE.len() {
        world.done(1, fails());
        world.next();
    }
    assert_eq!(world.sent.len(), SCHEDULE.len());
    for (pair, scheduled) in world.sent.windows(2).zip(&SCHEDULE[1..]) {
        let waited = i64::try_from(scheduled.as_millis()).unwrap();
        let (least, most) = (pair[0].0 + waited, pair[0].0 + waited + waited / 5);
        assert!(
            (least..=most).contains(&pair[1].0),
            "{scheduled:?}: {pair:?}"
        );
    }
    assert_eq!(world.state(1), Some(State::Failed));
    let (_, last) = world.records.last().unwrap();
    assert_eq!(
        (last.attempts, last.error.as_deref()),
        (10, Some("connection refused"))
    );
    assert_eq!(world.dispatcher.poll_timeout(), None);
    assert!(
        world.dispatcher.deliveries.is_empty() && world.dispatcher.endpoints[0].lanes.is_empty()
    );
}

#[test]
fn a_stream_keeps_its_order_and_waits_for_no_other_stream() {
    let mut world = World::new(1, 10);
    world.queue(1, 0, "show");
    world.queue(2, 0, "show");
    world.queue(3, 0, "other");
    assert_eq!(world.ids(), [1, 3]);
    world.done(1, fails());
    world.done(3, ok());
    assert_eq!(world.ids(), [1, 3], "2 waits for 1");
    world.next();
    world.done(1, ok());
    assert_eq!(world.ids(), [1, 3, 1, 2]);
    assert_eq!(world.state(1), Some(State::Delivered));
}

#[test]
fn one_that_is_never_taken_holds_the_others_up_for_three_attempts() {
    let mut world = World::new(1, 10);
    world.queue(1, 0, "show");
    world.queue(2, 0, "show");
    for _ in 1..ORDERED_ATTEMPTS {
        world.done(1, fails());
        assert!(!world.ids().contains(&2));
        world.next();
    }
    world.done(1, fails());
    assert_eq!(world.ids(), [1, 1, 1, 2]);
    let held = world.now - START;
    assert!((305_000..=366_000).contains(&held), "{held}");
    world.done(2, ok());
    world.next();
    world.done(1, ok());
    assert_eq!(world.state(1), Some(State::Delivered), "it is still tried");
}

#[test]
fn a_slow_endpoint_has_few_attempts_under_way_and_costs_the_others_nothing() {
    let mut world = World::new(2, 10);
    for (id, stream) in [(1, "a"), (2, "b"), (3, "c")] {
        world.queue(id, 0, stream);
    }
    world.queue(4, 1, "a");
    assert_eq!(world.ids(), [1, 2, 4]);
    assert_eq!(world.dispatcher.in_flight(), 3);
    assert_eq!(
        world.dispatcher.poll_timeout(),
        None,
        "only an end lets the third go"
    );
    world.done(2, ok());
    assert_eq!(world.ids(), [1, 2, 4, 3]);
}

#[test]
fn an_endpoint_that_asks_to_be_left_alone_is_in_every_stream() {
    let mut world = World::new(1, 10);
    world.queue(1, 0, "a");
    let wish = Some(Duration::from_secs(90));
    world.done(1, Outcome::answered(429, wish, ""));
    world.queue(2, 0, "b");
    assert_eq!(world.ids(), [1]);
    assert_eq!(world.next(), Some(Reason::Pause));
    assert_eq!(world.sent.last(), Some(&(START + 90_000, 2)));
    world.done(2, ok());
    assert_eq!(world.next(), Some(Reason::Attempt));
    let (at, id) = *world.sent.last().unwrap();
    assert!(
        id == 1 && (90_000..=108_000).contains(&(at - START)),
        "{at}"
    );
}

#[test]
fn gone_ends_an_endpoint_and_what_waited_for_it() {
    let mut world = World::new(2, 10);
    world.queue(1, 0, "a");
    world.queue(2, 0, "a");
    world.queue(3, 0, "b");
    world.queue(4, 1, "a");
    world.done(1, Outcome::answered(410, None, ""));
    assert_eq!(world.disabled, [EndpointId(0)]);
    assert_eq!(
        (world.state(1), world.state(2)),
        (Some(State::Failed), Some(State::Failed))
    );
    // The one under way may still arrive; a failure is its last.
    world.done(3, fails());
    assert_eq!(world.state(3), Some(State::Failed));
    assert!(!world.dispatcher.accepts(EndpointId(0)) && world.dispatcher.accepts(EndpointId(1)));
    world.queue(5, 0, "a");
    world.done(4, ok());
    assert_eq!(world.ids(), [1, 3, 4]);
    assert_eq!(world.dispatcher.poll_timeout(), None);
}

#[test]
fn past_its_bound_an_endpoint_gives_up_the_oldest_that_waits() {
    let mut world = World::new(1, 3);
    for id in 1..=4 {
        world.queue(id, 0, "show");
    }
    let (id, record) = &world.records[0];
    assert_eq!(
        (*id, record.state, record.attempted),
        (2, State::Failed, false)
    );
    assert!(
        record
            .error
            .as_ref()
            .unwrap()
            .contains("webhooks.pending_max")
    );
    for id in [1, 3, 4] {
        world.done(id, ok());
    }
    assert_eq!(world.ids(), [1, 3, 4]);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut world = World::new(1, 10);
    world.queue_again(5, 0, "show", 4, START + 60_000);
    world.queue_again(6, 0, "show", 1, START - 1);
    world.queue_again(7, 0, "show", 0, START - 1);
    assert_eq!(world.ids(), [6], "5 no longer holds up, 7 waits for 6");
    world.done(6, ok());
    world.done(7, ok());
    world.next();
    assert_eq!(world.sent.last(), Some(&(START + 60_000, 5)));
    // A clock that was years ahead when it was written.
    world.queue_again(8, 0, "late", 4, i64::MAX);
    let (at, _) = world.dispatcher.poll_timeout().unwrap();
    assert!(at.0 - START < 30 * 3_600_000, "{at:?}");
}

#[test]
fn what_is_replayed_goes_out_now_unless_it_is_under_way() {
    let mut world = World::new(1, 10);
    world.queue(1, 0, "show");
    world.queue(1, 0, "show");
    assert_eq!(world.ids(), [1], "under way");
    world.done(1, fails());
    world.queue(1, 0, "show");
    assert_eq!(world.ids(), [1, 1]);
    world.done(1, ok());
    assert_eq!(
        world.records.last().unwrap().1.attempts,
        1,
        "it began again"
    );
    world.queue(1, 0, "show");
    world.done(1, ok());
    assert_eq!(world.ids(), [1, 1, 1], "also after it arrived");
}

#[derive(Debug, Clone)]
enum Step {
    Queue { endpoint: usize, stream: u8 },
    Done { nth: usize, kind: u8 },
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, 0..3_u8).prop_map(|(endpoint, stream)| Step::Queue { endpoint, stream }),
        (0..8_usize, 0..12_u8).prop_map(|(nth, kind)| Step::Done { nth, kind }),
        Just(Step::Wait),
    ]
}

fn outcome(kind: u8) -> Outcome {
    match kind {
        0..=4 => ok(),
        5 => Outcome::answered(503, Some(Duration::from_secs(30)), ""),
        6 => Outcome::answered(410, None, ""),
        _ => fails(),
    }
}

proptest! {
    /// Whatever happens: limits hold, nothing is under way twice, everything comes to an end, and only once.
    #[test]
    fn every_delivery_comes_to_one_end(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new(3, 6);
        let mut ids = 0;
        let mut flying: Vec<i64> = Vec::new();
        let mut seen = 0;
        let mut track = |world: &mut World, flying: &mut Vec<i64>| {
            for (_, id) in &world.sent[seen..] {
                assert!(!flying.contains(id), "{id} is under way twice");
                flying.push(*id);
            }
            seen = world.sent.len();
        };
        let mut accepted = BTreeSet::new();
        for step in steps {
            match step {
                Step::Queue { endpoint, stream } => {
                    ids += 1;
                    if world.dispatcher.accepts(EndpointId(endpoint)) {
                        accepted.insert(ids);
                    }
                    world.queue(ids, endpoint, &stream.to_string());
                }
                Step::Done { nth, kind } if !flying.is_empty() => {
                    let id = flying.remove(nth % flying.len());
                    world.done(id, outcome(kind));
                }
                Step::Done { .. } => {}
                Step::Wait => {
                    world.next();
                }
            }
            track(&mut world, &mut flying);
            for endpoint in &world.dispatcher.endpoints {
                prop_assert!(endpoint.in_flight <= 2 && endpoint.all.len() <= 6);
            }
        }
        // From here on everything arrives.
        for _ in 0..1000 {
            while let Some(id) = flying.pop() {
                world.done(id, ok());
                track(&mut world, &mut flying);
            }
            if world.next().is_none() {
                break;
            }
            track(&mut world, &mut flying);
        }
        prop_assert!(world.dispatcher.deliveries.is_empty(), "{:?}", world.dispatcher);
        let mut ended = BTreeSet::new();
        for (id, record) in &world.records {
            let last = matches!(record.state, State::Delivered | State::Failed);
            prop_assert!(!last || ended.insert(*id), "{id} ended twice");
        }
        prop_assert_eq!(ended, accepted);
    }
}
