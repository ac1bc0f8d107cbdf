//! A timeline that is made anew of what it told goes on as if nothing had happened, wherever it was cut.

#![allow(
    clippy::unwrap_used,
    clippy::large_enum_variant,
    reason = "a test may fail where it likes, and makes few of them"
)]

mod support;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cues::{
    Armed, At, Change, CueRequest, Ends, LiveClock, LoggedCue, Memory, Op, Payload, Receipt, Saved,
    SavedAnswer, Timeline, TimelineConfig, decode, saved,
};
use media::{Pts, UnixMillis, UtcAnchor};
use proptest::prelude::*;
use support::{config, product};

#[derive(Debug, Clone)]
enum Step {
    Insert(CueRequest),
    Cancel(u64),
    Reschedule(u64, At),
    Arm(String, Vec<CueRequest>),
    Disarm(String),
    Fire(String, At),
    Pass(u64),
}

/// A disk: holds bytes only, and what it was told last.
#[derive(Debug, Default)]
struct Disk {
    cues: BTreeMap<u64, Row>,
    answers: Vec<(Instant, Vec<u8>, Vec<u8>)>,
    armed: BTreeMap<String, Vec<u8>>,
    memory: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Row {
    cue: Vec<u8>,
    utc: UnixMillis,
    late_by_ms: i64,
    ends: Option<Vec<u8>>,
    frame_pts: Option<Pts>,
}

impl Disk {
    fn keep(&mut self, now: Instant, change: Change) {
        match change {
            Change::Accepted(logged) => {
                let row = Row {
                    cue: logged.cue.bytes.to_vec(),
                    utc: logged.utc,
                    late_by_ms: logged.late_by_ms,
                    ends: logged.ends.map(saved::ends),
                    frame_pts: logged.frame_pts,
                };
                self.cues.insert(logged.cue.cue.seq, row);
            }
            Change::Answered { request, receipt } => {
                let bytes = (saved::request(&request), saved::receipt(&receipt));
                self.answers.push((now, bytes.0, bytes.1));
            }
            Change::Armed { name, armed } => {
                self.armed.insert(name, saved::armed(&armed));
            }
            Change::Disarmed { name } => {
                self.armed.remove(&name);
            }
            Change::Settled { seq, frame_pts } => {
                self.cues.get_mut(&seq).unwrap().frame_pts = Some(frame_pts);
            }
            Change::Forgotten { seqs, memory } => {
                seqs.iter()
                    .for_each(|seq| assert!(self.cues.remove(seq).is_some()));
                self.memory = Some(saved::memory(&memory));
            }
        }
    }

    fn read(&self, now: Instant, highest: Pts) -> Saved {
        let cue = |row: &Row| {
            let cue = Arc::new(decode(&row.cue).unwrap());
            let ends = row
                .ends
                .as_deref()
                .map(|ends| saved::read_ends(ends).unwrap());
            LoggedCue::restored(cue, row.utc, row.late_by_ms, ends, row.frame_pts)
        };
        let answer = |(at, request, receipt): &(Instant, Vec<u8>, Vec<u8>)| SavedAnswer {
            age: now.duration_since(*at),
            request: saved::read_request(request).unwrap(),
            receipt: saved::read_receipt(receipt).unwrap(),
        };
        let armed =
            |(name, bytes): (&String, &Vec<u8>)| (name.clone(), saved::read_armed(bytes).unwrap());
        let memory = self
            .memory
            .as_deref()
            .map(|memory| saved::read_memory(memory).unwrap());
        Saved {
            cues: self.cues.values().map(cue).collect(),
            answers: self.answers.iter().map(answer).collect(),
            armed: self.armed.iter().map(armed).collect(),
            memory: memory.unwrap_or_default(),
            highest,
        }
    }
}

struct Bench {
    now: Instant,
    clock: LiveClock,
}

impl Bench {
    /// Does a step, and gives its answer as text.
    fn step(&self, timeline: &mut Timeline, step: &Step) -> String {
        let (now, clock) = (self.now, &self.clock);
        match step.clone() {
            Step::Insert(request) => format!("{:?}", timeline.insert(now, request, clock)),
            Step::Cancel(seq) => format!("{:?}", timeline.cancel(now, seq, clock)),
            Step::Reschedule(seq, at) => {
                format!("{:?}", timeline.reschedule(now, seq, at, clock))
            }
            Step::Arm(name, requests) => format!("{:?}", timeline.arm(&name, requests)),
            Step::Disarm(name) => format!("{:?}", timeline.disarm(&name)),
            Step::Fire(name, at) => format!("{:?}", timeline.fire(now, &name, at, clock)),
            Step::Pass(_) => {
                timeline.observe_frame(self.clock.highest_pts);
                String::new()
            }
        }
    }

    /// Time goes on before the step that says so.
    fn pass(&mut self, step: &Step) {
        if let Step::Pass(ms) = step {
            let span = Duration::from_millis(*ms);
            self.now += span;
            let pts = self.clock.highest_pts.after(span);
            self.clock.highest_pts = pts;
            self.clock.live_pts = pts;
            self.clock.live_utc = UnixMillis(pts.0 / 90);
        }
    }
}

fn request() -> impl Strategy<Value = CueRequest> {
    let op = prop_oneof![
        5 => Just(Op::Show),
        3 => Just(Op::Update),
        2 => Just(Op::Hide),
        1 => Just(Op::Clear),
    ];
    let ms = prop::option::of(1..8_000_u64);
    let key = prop::option::weighted(0.4, "[a-h]");
    let ends = prop::option::weighted(0.3, (0..60_000_u64).prop_map(Duration::from_millis));
    ("[a-d]", op, at(), ms, ends, key).prop_map(|(card_id, op, at, ms, ends, idempotency_key)| {
        let ends = ends.filter(|_| op.has_payload()).map(Ends::After);
        let said = || match ends {
            Some(_) => coupon(),
            None => product(&card_id),
        };
        CueRequest {
            op,
            duration: ms.filter(|_| op.has_payload()).map(Duration::from_millis),
            payload: op.has_payload().then(said),
            at,
            ends,
            if_rev: None,
            idempotency_key,
            card_id,
        }
    })
}

fn coupon() -> Payload {
    Payload::Coupon(cues::Coupon {
        code: "SAVE10".into(),
        title: "Ten off".into(),
        terms: None,
        ends: None,
    })
}

fn at() -> impl Strategy<Value = At> {
    prop_oneof![
        4 => Just(At::Now),
        2 => (0..20_000_u64).prop_map(|ms| At::After(Duration::from_millis(ms))),
        1 => (0..4_000_000_i64).prop_map(|pts| At::Pts(Pts(pts))),
        1 => (0..40_000_i64).prop_map(|ms| At::Utc(UnixMillis(ms))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let prepared = request().prop_map(|request| CueRequest {
        at: At::Now,
        idempotency_key: None,
        ..request
    });
    prop_oneof![
        8 => request().prop_map(Step::Insert),
        2 => (0..80_u64).prop_map(Step::Cancel),
        1 => (0..80_u64, at()).prop_map(|(seq, at)| Step::Reschedule(seq, at)),
        1 => ("[x-z]", prop::collection::vec(prepared, 1..4))
            .prop_map(|(name, requests)| Step::Arm(name, requests)),
        1 => "[x-z]".prop_map(Step::Disarm),
        2 => ("[x-z]", at()).prop_map(|(name, at)| Step::Fire(name, at)),
        4 => (0..3_000_u64).prop_map(Step::Pass),
    ]
}

fn zero() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary zero; from here time is virtual"
    )]
    Instant::now()
}

/// What anybody can learn of a timeline; without frames, which nobody sees while the process is away.
fn told(timeline: &Timeline) -> impl PartialEq + std::fmt::Debug {
    let log: Vec<LoggedCue> = timeline
        .after(timeline.forgotten_seq())
        .unwrap()
        .into_iter()
        .map(|logged| {
            LoggedCue::restored(logged.cue, logged.utc, logged.late_by_ms, logged.ends, None)
        })
        .collect();
    let from = timeline.horizon().unwrap_or(Pts(0)).0.max(0);
    let states: Vec<_> = (from..5_000_000)
        .step_by(47_003)
        .map(|pts| timeline.state(Pts(pts)))
        .collect();
    let armed: Vec<(String, Armed)> = timeline
        .armed()
        .map(|(name, armed)| (name.to_owned(), armed.clone()))
        .collect();
    let numbers = (timeline.last_seq(), timeline.forgotten_seq());
    (
        numbers,
        log,
        states,
        armed,
        timeline.snapshot_cues(Pts(from)),
    )
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn a_cut_anywhere_loses_nothing(
        steps in prop::collection::vec(step(), 1..220),
        cut in any::<prop::sample::Index>(),
    ) {
        // No rate, which is not kept, and a log so short that cues are forgotten.
        let config = TimelineConfig {
            cues_per_second: 1_000_000,
            burst: 1_000_000,
            log_max: 64,
            scheduled_max: 24,
            ..TimelineConfig::default()
        };
        let live = Pts(900_000);
        let mut bench = Bench {
            now: zero(),
            clock: LiveClock {
                epoch: 1,
                highest_pts: live,
                live_pts: live,
                live_utc: UnixMillis(live.0 / 90),
                anchor: UtcAnchor::default(),
            },
        };
        let mut disk = Disk::default();
        let mut timeline = Timeline::new("demo", config.clone());
        let cut = cut.index(steps.len());
        for step in &steps[..cut] {
            bench.pass(step);
            bench.step(&mut timeline, step);
            timeline.take_changes().into_iter().for_each(|it| disk.keep(bench.now, it));
        }
        let saved = disk.read(bench.now, bench.clock.highest_pts);
        let mut restored = Timeline::restore("demo", config, saved, bench.now);
        prop_assert_eq!(told(&restored), told(&timeline));
        for logged in timeline.after(timeline.forgotten_seq()).unwrap() {
            prop_assert_eq!(restored.get(logged.cue.cue.seq), Some(logged));
        }
        prop_assert_eq!(restored.take_changes(), []);
        for step in &steps[cut..] {
            bench.pass(step);
            let answers = (bench.step(&mut timeline, step), bench.step(&mut restored, step));
            prop_assert_eq!(answers.0, answers.1, "{:?}", step);
        }
        prop_assert_eq!(told(&restored), told(&timeline));
    }
}

#[test]
fn an_answer_is_remembered_for_its_day_and_no_longer() {
    let now = zero();
    let clock = LiveClock {
        epoch: 1,
        highest_pts: Pts(0),
        live_pts: Pts(0),
        live_utc: UnixMillis(0),
        anchor: UtcAnchor::default(),
    };
    let asked = CueRequest {
        card_id: "a".into(),
        op: Op::Show,
        duration: None,
        payload: Some(product("a")),
        at: At::Now,
        ends: None,
        if_rev: None,
        idempotency_key: Some("key".into()),
    };
    let mut first = Timeline::new("demo", TimelineConfig::default());
    let receipt = first.insert(now, asked.clone(), &clock).unwrap();
    let restored = |age| {
        let saved = Saved {
            answers: vec![SavedAnswer {
                age,
                request: asked.clone(),
                receipt: receipt.clone(),
            }],
            ..Saved::default()
        };
        Timeline::restore("demo", TimelineConfig::default(), saved, now)
    };
    let day = Duration::from_hours(24);
    let again = |age, later| {
        let mut timeline = restored(age);
        timeline.insert(now + later, asked.clone(), &clock).unwrap()
    };
    let hour = Duration::from_hours(1);
    let same = Receipt {
        replayed: true,
        ..receipt.clone()
    };
    assert_eq!(again(day - hour, Duration::ZERO), same);
    assert_eq!(again(day - hour, hour - Duration::from_millis(1)), same);
    assert!(!again(day - hour, hour).replayed);
    assert!(!again(day, Duration::ZERO).replayed);
    assert_eq!(
        again(day, Duration::ZERO).cue.cue.seq,
        2,
        "its number was given"
    );
}

#[test]
fn a_number_that_viewers_may_have_seen_is_not_given_again() {
    let memory = Memory {
        forgotten_seq: 7,
        ..Memory::default()
    };
    let saved = Saved {
        memory,
        ..Saved::default()
    };
    let mut timeline = Timeline::restore("demo", TimelineConfig::default(), saved, zero());
    timeline.skip_numbers(1007);
    assert_eq!(timeline.last_seq(), 1007);
    timeline.skip_numbers(3);
    assert_eq!(timeline.last_seq(), 1007);
}
