//! Preparing and firing.

use super::*;
use crate::{ArmError, Armed};

impl Bench {
    fn fire(&mut self, name: &str) -> Result<Vec<Receipt>, ArmError> {
        self.timeline.fire(self.now, name, At::Now, &self.clock)
    }
}

fn scene() -> Vec<CueRequest> {
    let mut scene = vec![
        request(Op::Clear, ""),
        request(Op::Show, "b"),
        request(Op::Update, "b"),
    ];
    scene[1].ends = None;
    scene[1].duration = Some(Duration::from_secs(60));
    scene
}

#[test]
fn a_prepared_scene_changes_on_one_frame_and_firing_again_is_the_same_answer() {
    let mut bench = Bench::new(roomy());
    bench.insert(request(Op::Show, "a"));
    bench.timeline.arm("scene-2", scene()).unwrap();
    assert_eq!(bench.timeline.last_seq(), 1, "nothing has happened yet");
    bench.pass(Duration::from_secs(10));
    let threshold = bench.clock.highest_pts.offset(LEAD);
    let fired = bench.fire("scene-2").unwrap();
    let numbers: Vec<_> = fired
        .iter()
        .map(|it| (it.cue.cue.seq, it.cue.cue.rev, it.cue.cue.pts))
        .collect();
    assert_eq!(
        numbers,
        [(2, 1, threshold), (3, 1, threshold), (4, 2, threshold)]
    );
    assert_eq!(bench.on_screen(threshold.offset(-1)), ["a"]);
    assert_eq!(bench.on_screen(threshold), ["b"]);
    bench.pass(Duration::from_secs(1));
    let again = bench.fire("scene-2").unwrap();
    assert!(again.iter().all(|it| it.replayed) && fired.iter().all(|it| !it.replayed));
    assert!(
        again
            .iter()
            .zip(&fired)
            .all(|(again, fired)| again.cue == fired.cue)
    );
    assert_eq!(bench.timeline.last_seq(), 4);
    // Prepared anew under its name it fires anew.
    bench
        .timeline
        .arm("scene-2", vec![request(Op::Hide, "b")])
        .unwrap();
    assert_eq!(bench.fire("scene-2").unwrap()[0].cue.cue.seq, 5);
}

#[test]
fn a_scene_of_which_one_cue_is_refused_changes_nothing_and_can_be_fired_later() {
    let mut bench = Bench::new(roomy());
    for card in ["a", "b", "c"] {
        bench.insert(request(Op::Show, card));
    }
    let scene = vec![
        request(Op::Hide, "a"),
        request(Op::Show, "d"),
        request(Op::Show, "e"),
    ];
    bench.timeline.arm("scene", scene).unwrap();
    let error = bench.fire("scene").unwrap_err();
    assert!(
        matches!(
            &error,
            ArmError::Refused {
                index: 2,
                error: InsertError::CardsFull { cards_max: 3, .. }
            }
        ),
        "{error}"
    );
    assert_eq!(bench.timeline.last_seq(), 3);
    bench.insert(request(Op::Hide, "b"));
    assert_eq!(bench.fire("scene").unwrap().len(), 3);
    assert_eq!(bench.on_screen(LIVE.offset(LEAD)), ["c", "d", "e"]);
}

#[test]
fn what_is_prepared_is_judged_at_once_and_bounded() {
    let mut bench = Bench::new(roomy());
    let timeline = &mut bench.timeline;
    let bad = CueRequest {
        payload: None,
        ..request(Op::Show, "a")
    };
    let error = timeline
        .arm("x", vec![request(Op::Hide, "a"), bad])
        .unwrap_err();
    assert!(
        error.to_string().starts_with("cue 1: payload is missing"),
        "{error}"
    );
    assert_eq!(
        timeline.arm("x", vec![]),
        Err(ArmError::Count { count: 0, max: 8 })
    );
    let nine = vec![request(Op::Hide, "a"); 9];
    assert_eq!(
        timeline.arm("x", nine),
        Err(ArmError::Count { count: 9, max: 8 })
    );
    assert!(
        timeline
            .arm("no name", vec![request(Op::Hide, "a")])
            .is_err()
    );
    for n in 0..64 {
        timeline
            .arm(&format!("n{n}"), vec![request(Op::Clear, "")])
            .unwrap();
    }
    let one_more = vec![request(Op::Clear, "")];
    assert_eq!(
        timeline.arm("x", one_more.clone()),
        Err(ArmError::Full { max: 64 })
    );
    bench.fire("n7").unwrap();
    bench.fire("n3").unwrap();
    let timeline = &mut bench.timeline;
    timeline.arm("x", one_more).unwrap();
    let gone = |name: &str| bench.timeline.armed().all(|(armed, _)| armed != name);
    assert!(gone("n7") && !gone("n3"), "what was fired first gives way");
    assert!(matches!(bench.fire("n7"), Err(ArmError::NotArmed { name }) if name == "n7"));
    assert!(bench.timeline.disarm("x") && !bench.timeline.disarm("x"));
    let waiting = bench
        .timeline
        .armed()
        .filter(|(_, it)| matches!(it, Armed::Waiting(_)));
    assert_eq!(waiting.count(), 62);
}

#[test]
fn a_scene_costs_as_many_cues_of_the_rate_as_it_has() {
    let config = TimelineConfig {
        burst: 2,
        ..TimelineConfig::default()
    };
    let mut bench = Bench::new(Timeline::new("demo", config));
    bench
        .timeline
        .arm("scene", vec![request(Op::Clear, ""); 3])
        .unwrap();
    let error = bench.fire("scene").unwrap_err();
    assert!(matches!(
        error,
        ArmError::Refused {
            index: 2,
            error: InsertError::RateLimited { .. }
        }
    ),);
    bench.insert(request(Op::Clear, ""));
    bench.insert(request(Op::Clear, ""));
}
