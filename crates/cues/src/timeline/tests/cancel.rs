//! Taking back and moving.

use super::*;
use crate::CancelError;

fn in_seconds(op: Op, card: &str, seconds: u64) -> CueRequest {
    at(op, card, At::After(Duration::from_secs(seconds)))
}

impl Bench {
    fn cancel(&mut self, seq: u64) -> Result<Receipt, CancelError> {
        self.timeline.cancel(self.now, seq, &self.clock)
    }

    fn reschedule(&mut self, seq: u64, seconds: u64) -> Result<[Receipt; 2], CancelError> {
        let at = At::After(Duration::from_secs(seconds));
        self.timeline.reschedule(self.now, seq, at, &self.clock)
    }
}

#[test]
fn what_is_taken_back_never_shows_and_doing_it_twice_is_once() {
    let mut bench = Bench::new(roomy());
    bench.insert(in_seconds(Op::Show, "a", 10));
    let taken = bench.cancel(1).unwrap();
    let cue = &taken.cue.cue;
    assert_eq!(
        (
            cue.seq,
            cue.op,
            cue.card_id.as_str(),
            cue.rev,
            cue.target,
            cue.pts
        ),
        (2, Op::Cancel, "a", 2, Some(1), LIVE.offset(900_000))
    );
    assert_eq!(
        bench.on_screen(LIVE.offset(2_000_000)),
        Vec::<String>::new()
    );
    let again = bench.cancel(1).unwrap();
    assert!(again.replayed && !taken.replayed);
    assert_eq!(again.cue, taken.cue);
    assert_eq!(bench.timeline.last_seq(), 2);
}

#[test]
fn each_operation_leaves_what_was_before_it() {
    for op in [Op::Show, Op::Update, Op::Hide, Op::Clear] {
        let mut bench = Bench::new(roomy());
        bench.insert(request(Op::Show, "a"));
        bench.insert(request(Op::Show, "b"));
        let before = bench.timeline.state(LIVE.offset(2_000_000));
        let seq = bench.insert(in_seconds(op, "a", 10)).cue.cue.seq;
        assert_ne!(bench.timeline.state(LIVE.offset(2_000_000)), before, "{op}");
        bench.cancel(seq).unwrap();
        assert_eq!(bench.timeline.state(LIVE.offset(2_000_000)), before, "{op}");
    }
}

#[test]
fn it_is_too_late_once_a_viewer_could_hear_of_it_after_its_frame() {
    let mut bench = Bench::new(roomy());
    bench.insert(in_seconds(Op::Show, "a", 10));
    bench.pass(Duration::from_millis(9_701));
    let error = bench.cancel(1).unwrap_err();
    assert_eq!(
        error,
        CancelError::TooLate {
            seq: 1,
            pts: LIVE.offset(900_000),
            late_by_ms: 1
        }
    );
    assert_eq!(bench.reschedule(1, 60).unwrap_err(), error);
    assert_eq!(bench.timeline.last_seq(), 1);
    let mut bench = Bench::new(roomy());
    bench.insert(in_seconds(Op::Show, "a", 10));
    bench.pass(Duration::from_millis(9_700));
    bench.cancel(1).unwrap();
}

#[test]
fn what_is_no_cue_or_takes_one_back_itself_is_refused() {
    let mut bench = Bench::new(roomy());
    bench.insert(in_seconds(Op::Show, "a", 10));
    bench.cancel(1).unwrap();
    assert_eq!(bench.cancel(2), Err(CancelError::IsCancel { seq: 2 }));
    assert_eq!(bench.cancel(3), Err(CancelError::NoSuchCue { seq: 3 }));
    assert_eq!(
        bench.cancel(u64::MAX),
        Err(CancelError::NoSuchCue { seq: u64::MAX })
    );
    assert_eq!(
        bench.reschedule(1, 20).unwrap_err(),
        CancelError::Cancelled { seq: 1 }
    );
    let error = bench.try_insert(request(Op::Cancel, "a")).unwrap_err();
    assert!(error.to_string().starts_with("op is cancel"), "{error}");
}

#[test]
fn a_hide_is_not_taken_back_where_its_card_would_be_one_too_many() {
    let mut bench = Bench::new(roomy());
    for card in ["a", "b", "c"] {
        bench.insert(request(Op::Show, card));
    }
    let hide = bench.insert(in_seconds(Op::Hide, "a", 10)).cue.cue.seq;
    let show = bench.insert(in_seconds(Op::Show, "d", 20)).cue.cue.seq;
    let error = bench.cancel(hide).unwrap_err();
    assert!(
        matches!(
            &error,
            CancelError::Refused(InsertError::CardsFull { pts, .. }) if *pts == LIVE.offset(1_800_000)
        ),
        "{error}"
    );
    bench.cancel(show).unwrap();
    bench.cancel(hide).unwrap();
}

#[test]
fn a_cue_is_moved_whole_or_not_at_all() {
    let mut bench = Bench::new(roomy());
    let sale = Payload::Coupon(Coupon {
        code: "A".to_owned(),
        title: "B".to_owned(),
        terms: None,
        ends: None,
    });
    bench.insert(CueRequest {
        payload: Some(sale),
        duration: Some(Duration::from_secs(5)),
        ends: Some(Ends::After(Duration::from_secs(5))),
        ..in_seconds(Op::Show, "a", 10)
    });
    let [taken, moved] = bench.reschedule(1, 30).unwrap();
    assert_eq!((taken.cue.cue.seq, taken.cue.cue.target), (2, Some(1)));
    let cue = &moved.cue.cue;
    assert_eq!((cue.seq, cue.rev, cue.pts), (3, 3, LIVE.offset(2_700_000)));
    let Some(Payload::Coupon(coupon)) = &cue.payload else {
        panic!("the same payload");
    };
    assert_eq!(
        coupon.ends,
        Some(LIVE.offset(3_150_000).0),
        "the clock moves with it"
    );
    let shows = |at| !bench.on_screen(LIVE.offset(at)).is_empty();
    assert_eq!(
        [1_000_000, 2_699_999, 2_700_000].map(shows),
        [false, false, true]
    );
    // An update of it that would find no card: neither is done.
    bench.insert(in_seconds(Op::Update, "a", 32));
    let error = bench.reschedule(4, 40).unwrap_err();
    assert!(
        matches!(error, CancelError::Refused(InsertError::NotOnScreen { .. })),
        "{error}"
    );
    assert_eq!(
        (
            bench.timeline.last_seq(),
            bench.on_screen(LIVE.offset(2_900_000)).len()
        ),
        (4, 1)
    );
}
