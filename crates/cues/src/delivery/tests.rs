//! What counts, what does not, and how often.

use super::*;

const THRESHOLD: Pts = Pts(900_000);
const FRAME: i64 = 3_000;
const LIVE: Pts = Pts(1_000_000);

fn ledger(cues: u64) -> Ledger {
    let mut ledger = Ledger::default();
    for seq in 1..=cues {
        ledger.accept(seq, THRESHOLD, FRAME, 4);
    }
    ledger
}

fn on_time(seq: u64) -> Painted {
    Painted {
        seq,
        pts: THRESHOLD,
        first: THRESHOLD,
        late_ms: 0,
    }
}

fn told(ledger: &mut Ledger, seqs: &[u64]) -> Viewer {
    let mut viewer = Viewer::default();
    ledger.sent(&mut viewer, seqs);
    viewer
}

#[test]
fn each_step_counts_once_for_a_cue_and_a_session() {
    let mut ledger = ledger(3);
    let (mut one, mut two) = (Viewer::default(), Viewer::default());
    assert_eq!(ledger.sent(&mut one, &[1, 2, 3]), 3);
    assert_eq!(ledger.sent(&mut one, &[2, 3, 9]), 0);
    assert_eq!(ledger.sent(&mut two, &[3]), 1);
    assert_eq!(ledger.acknowledged(&mut one, &[3]), 1);
    assert_eq!(ledger.acknowledged(&mut one, &[3, 3]), 0);
    let counted = Verdict::Counted {
        frame_error: 0,
        late: Duration::ZERO,
    };
    assert_eq!(ledger.painted(&mut one, LIVE, on_time(3)), counted);
    assert_eq!(
        ledger.painted(&mut one, LIVE, on_time(3)),
        Verdict::Repeated
    );
    assert_eq!(ledger.painted(&mut two, LIVE, on_time(3)), counted);
    let tally = ledger.tally(3).unwrap();
    assert_eq!(
        (
            tally.sessions,
            tally.sent,
            tally.acknowledged,
            tally.painted,
            tally.late
        ),
        (4, 2, 1, 2, 0)
    );
    assert_eq!((tally.lateness[0], tally.frame_error[0]), (2, 2));
    assert_eq!(ledger.tally(1).unwrap().sent, 1);
}

#[test]
fn a_late_cue_counts_its_frames_and_its_time() {
    let mut ledger = ledger(1);
    let mut viewer = told(&mut ledger, &[1]);
    let late = Painted {
        seq: 1,
        pts: THRESHOLD.offset(9 * FRAME + 40),
        first: THRESHOLD.offset(10),
        late_ms: 267,
    };
    let expected = Verdict::Counted {
        frame_error: 9,
        late: Duration::from_millis(267),
    };
    assert_eq!(ledger.painted(&mut viewer, LIVE, late), expected);
    let tally = ledger.tally(1).unwrap();
    assert_eq!((tally.painted, tally.late), (1, 1));
    let at = |bounds: &[u64], counts: &[u64]| {
        let place = counts.iter().position(|count| *count == 1).unwrap();
        bounds[place]
    };
    assert_eq!(at(&LATENESS_BOUNDS_MS, &tally.lateness), 500);
    assert_eq!(at(&FRAME_ERROR_BOUNDS, &tally.frame_error), 10);
}

#[test]
fn what_cannot_be_true_is_refused_and_may_be_said_right_afterwards() {
    let mut ledger = ledger(2);
    let mut viewer = told(&mut ledger, &[1]);
    let ahead = LIVE.after(AHEAD_MAX).offset(1);
    let said = |pts, first, late_ms| Painted {
        seq: 1,
        pts,
        first,
        late_ms,
    };
    for (wrong, why) in [
        (on_time(0), Refused::Forgotten),
        (on_time(3), Refused::Forgotten),
        (on_time(u64::MAX), Refused::Forgotten),
        (on_time(2), Refused::NotSent),
        (
            said(THRESHOLD.offset(-1), THRESHOLD.offset(-1), 0),
            Refused::Impossible,
        ),
        (
            said(THRESHOLD, THRESHOLD.offset(-1), 0),
            Refused::Impossible,
        ),
        (said(THRESHOLD, THRESHOLD.offset(1), 0), Refused::Impossible),
        (said(ahead, THRESHOLD, 0), Refused::Impossible),
        (said(Pts(i64::MAX), Pts(i64::MIN), 0), Refused::Impossible),
        (said(THRESHOLD, THRESHOLD, 2), Refused::Impossible),
        (said(LIVE, THRESHOLD, u64::MAX), Refused::Impossible),
    ] {
        let verdict = ledger.painted(&mut viewer, LIVE, wrong);
        assert_eq!(verdict, Verdict::Refused(why), "{wrong:?}");
    }
    assert_eq!(ledger.tally(1).unwrap().painted, 0);
    assert!(matches!(
        ledger.painted(&mut viewer, LIVE, on_time(1)),
        Verdict::Counted { .. }
    ));
}

#[test]
fn only_the_newest_cues_are_remembered() {
    let mut ledger = ledger(CUES_MAX + 1);
    assert_eq!(ledger.tally(1), None);
    assert!(ledger.tally(2).is_some() && ledger.tally(CUES_MAX + 1).is_some());
    let mut viewer = Viewer::default();
    assert_eq!(ledger.sent(&mut viewer, &[1, 2]), 1);
    assert_eq!(
        ledger.painted(&mut viewer, LIVE, on_time(1)),
        Verdict::Refused(Refused::Forgotten)
    );
}

#[test]
fn fetches_are_counted_by_the_low_bits_of_the_number() {
    let mut ledger = Ledger::default();
    let base = u64::from(u32::MAX) - 1;
    for seq in base..base + 4 {
        ledger.accept(seq, THRESHOLD, FRAME, 0);
    }
    // u32::MAX - 1, u32::MAX, 0 and 1 are the low bits of the four.
    assert_eq!(ledger.fetched(&[u32::MAX, 1, 1, 9]), 3);
    let fetched = |seq| ledger.tally(seq).unwrap().fetched;
    assert_eq!(
        (
            fetched(base),
            fetched(base + 1),
            fetched(base + 2),
            fetched(base + 3)
        ),
        (0, 1, 0, 2)
    );
    assert_eq!(Ledger::default().fetched(&[0, 1]), 0);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "where virtual time begins does not matter"
)]
fn reports_come_once_a_second_and_a_few_at_once() {
    let mut viewer = Viewer::default();
    let start = Instant::now();
    let at_once = (0..10).filter(|_| viewer.may_report(start)).count();
    assert_eq!(at_once, REPORT_BURST as usize);
    assert!(!viewer.may_report(start + Duration::from_millis(900)));
    assert!(viewer.may_report(start + Duration::from_secs(1)));
    assert!(!viewer.may_report(start + Duration::from_secs(1)));
    let later = start + Duration::from_mins(1);
    assert_eq!(
        (0..10).filter(|_| viewer.may_report(later)).count(),
        REPORT_BURST as usize
    );
}
