//! Whatever a timeline is asked, what it answers and what it holds agree.

mod support;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cues::{At, CueRequest, Fold, InBandSnapshot, LiveClock, Op, Timeline, TimelineConfig, emsg};
use media::{Pts, UnixMillis, UtcAnchor};
use proptest::prelude::*;
use support::{config, product};

const LEAD: i64 = 27_000;

#[derive(Debug, Clone)]
enum Step {
    Ask(Box<CueRequest>),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let op = prop_oneof![
        5 => Just(Op::Show),
        4 => Just(Op::Update),
        2 => Just(Op::Hide),
        1 => Just(Op::Clear),
    ];
    let at = prop_oneof![
        4 => Just(At::Now),
        2 => (0..20_000_u64).prop_map(|ms| At::After(Duration::from_millis(ms))),
        1 => (0..4_000_000_i64).prop_map(|pts| At::Pts(Pts(pts))),
        1 => (0..40_000_i64).prop_map(|ms| At::Utc(UnixMillis(ms))),
    ];
    let ms = prop::option::of(1..8_000_u64);
    let key = prop::option::weighted(0.3, "[a-e]");
    let ask = (
        "[a-f]",
        op,
        at,
        ms,
        prop::option::weighted(0.1, 0..4_u32),
        key,
    )
        .prop_map(|(card_id, op, at, ms, if_rev, idempotency_key)| {
            let payload = op.has_payload().then(|| product(&card_id));
            let duration = ms.filter(|_| op.has_payload()).map(Duration::from_millis);
            Step::Ask(Box::new(CueRequest {
                card_id,
                op,
                duration,
                payload,
                at,
                ends: None,
                if_rev,
                idempotency_key,
            }))
        });
    prop_oneof![4 => ask, 1 => (0..3_000_u64).prop_map(Step::Pass)]
}

fn zero() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary zero; from here time is virtual"
    )]
    Instant::now()
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn its_answers_agree_with_what_it_holds(steps in prop::collection::vec(step(), 1..120)) {
        let config = TimelineConfig { burst: 40, ..TimelineConfig::default() };
        let mut timeline = Timeline::new("demo", config);
        let mut now = zero();
        let mut live = Pts(900_000);
        let mut whole = Fold::new();
        let mut revs = BTreeMap::<String, u32>::new();
        // A viewer who came early and gets every later cue.
        let mut viewer = Fold::from_snapshot(live, []);
        for step in steps {
            let clock = LiveClock {
                epoch: 1,
                highest_pts: live,
                live_pts: live,
                live_utc: UnixMillis(live.0 / 90),
                anchor: UtcAnchor::default(),
            };
            let request = match step {
                Step::Ask(request) => *request,
                Step::Pass(ms) => {
                    now += Duration::from_millis(ms);
                    live = live.after(Duration::from_millis(ms));
                    timeline.observe_frame(live);
                    continue;
                }
            };
            let before = timeline.last_seq();
            let Ok(receipt) = timeline.insert(now, request, &clock) else {
                prop_assert_eq!(timeline.last_seq(), before);
                continue;
            };
            if receipt.replayed {
                prop_assert_eq!(timeline.last_seq(), before);
                continue;
            }
            let cue = &receipt.cue.cue;
            let rev = revs.entry(cue.card_id.clone()).or_default();
            *rev += 1;
            prop_assert_eq!((cue.seq, cue.rev), (before + 1, *rev));
            prop_assert!(cue.pts >= live.offset(LEAD));
            prop_assert!(receipt.late_by_ms >= 0);
            whole.insert(Arc::clone(&receipt.cue));
            viewer.insert(Arc::clone(&receipt.cue));
            prop_assert_eq!(&timeline.get(cue.seq).unwrap().cue, &receipt.cue);
        }
        check(&timeline, &whole, &viewer, live)?;
    }
}

fn check(timeline: &Timeline, whole: &Fold, viewer: &Fold, live: Pts) -> Result<(), TestCaseError> {
    let seqs: Vec<u64> = timeline
        .after(0)
        .expect("nothing was forgotten")
        .iter()
        .map(|it| it.cue.cue.seq)
        .collect();
    prop_assert_eq!(seqs, (1..=timeline.last_seq()).collect::<Vec<_>>());
    let mut late_joiner = Fold::from_snapshot(live, timeline.snapshot_cues(live));
    for cue in timeline.between(live.offset(1)..Pts(i64::MAX)) {
        late_joiner.insert(Arc::clone(cue));
    }
    for pts in (900_000..live.0 + 30 * 90_000).step_by(9_001).map(Pts) {
        let state = timeline.state(pts);
        prop_assert!(state.len() <= 3, "{} cards at {}", state.len(), pts);
        prop_assert_eq!(&state, &whole.state(pts));
        prop_assert_eq!(&state, &viewer.state(pts));
        if pts >= live {
            prop_assert_eq!(&state, &late_joiner.state(pts));
        }
        // Three cards of a show, four prolongations and a newest update each.
        let cues = timeline.active_cues(pts);
        prop_assert!(cues.len() <= 18);
        let snapshot = InBandSnapshot {
            stream: "demo".to_owned(),
            epoch: 1,
            pts,
            cues,
        };
        prop_assert!(emsg::snapshot(&snapshot).is_ok());
    }
    Ok(())
}
