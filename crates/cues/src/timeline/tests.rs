//! Insertion, one rule at a time.

mod armed;
mod cancel;

use media::UtcAnchor;

use super::*;
use crate::payload::{Coupon, Currency, FlashSale, Level, Notice, Payload, Price, Product};

const LIVE: Pts = Pts(900_000);
const LEAD: i64 = 27_000;
const ANCHOR: UnixMillis = UnixMillis(1_700_000_000_000);

fn start() -> Instant {
    use std::sync::LazyLock;
    static ZERO: LazyLock<Instant> = LazyLock::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "an arbitrary zero; from here time is virtual"
        )]
        Instant::now()
    });
    *ZERO
}

fn clock_at(pts: Pts) -> LiveClock {
    let anchor = UtcAnchor(ANCHOR);
    LiveClock {
        epoch: 1,
        highest_pts: pts,
        live_pts: pts,
        live_utc: anchor.utc(pts),
        anchor,
    }
}

fn product(title: &str) -> Payload {
    Payload::Product(Product {
        sku: "A1".to_owned(),
        title: title.to_owned(),
        price: Price {
            minor: 1299,
            currency: Currency::parse("EUR").unwrap(),
        },
        prior_price: None,
        image: None,
        stock: None,
    })
}

fn request(op: Op, card: &str) -> CueRequest {
    CueRequest {
        card_id: card.to_owned(),
        op,
        duration: None,
        payload: op.has_payload().then(|| product(card)),
        at: At::Now,
        ends: None,
        if_rev: None,
        idempotency_key: None,
    }
}

/// A timeline whose rate never stands in the way.
fn roomy() -> Timeline {
    let config = TimelineConfig {
        burst: 1_000_000,
        ..TimelineConfig::default()
    };
    Timeline::new("demo", config)
}

struct Bench {
    timeline: Timeline,
    now: Instant,
    clock: LiveClock,
}

impl Bench {
    fn new(timeline: Timeline) -> Self {
        Self {
            timeline,
            now: start(),
            clock: clock_at(LIVE),
        }
    }

    fn try_insert(&mut self, request: CueRequest) -> Result<Receipt, InsertError> {
        self.timeline.insert(self.now, request, &self.clock)
    }

    #[track_caller]
    fn insert(&mut self, request: CueRequest) -> Receipt {
        self.try_insert(request).unwrap()
    }

    fn pass(&mut self, span: Duration) {
        self.now += span;
        self.clock = clock_at(self.clock.live_pts.after(span));
    }

    fn on_screen(&self, pts: Pts) -> Vec<String> {
        self.timeline
            .state(pts)
            .into_iter()
            .map(|card| card.card_id)
            .collect()
    }
}

fn at(op: Op, card: &str, at: At) -> CueRequest {
    CueRequest {
        at,
        ..request(op, card)
    }
}

#[test]
fn now_means_the_newest_frame_plus_the_lead_and_is_never_late() {
    let mut bench = Bench::new(roomy());
    let receipt = bench.insert(request(Op::Show, "a"));
    let cue = &receipt.cue.cue;
    assert_eq!(
        (cue.seq, cue.rev, cue.epoch, cue.pts),
        (1, 1, 1, LIVE.offset(LEAD))
    );
    assert_eq!(receipt.utc, UnixMillis(ANCHOR.0 + 10_300));
    assert_eq!((receipt.late_by_ms, receipt.replayed), (0, false));
    // A stalled publisher: live goes on, the newest frame does not.
    bench.clock.live_pts = LIVE.offset(10 * LEAD);
    assert_eq!(
        bench.insert(request(Op::Show, "b")).cue.cue.pts,
        LIVE.offset(10 * LEAD)
    );
}

#[test]
fn a_threshold_is_what_was_asked_or_the_earliest_there_is() {
    let mut bench = Bench::new(roomy());
    let soonest = LIVE.offset(LEAD);
    let utc_of_live = bench.clock.live_utc.0;
    for (asked, pts, late_by_ms) in [
        (At::Pts(Pts(5_000_000)), Pts(5_000_000), 0),
        (At::Pts(soonest), soonest, 0),
        (At::Pts(soonest.offset(-1)), soonest, 1),
        (At::Pts(LIVE), soonest, 300),
        (At::Pts(Pts(0)), soonest, 10_300),
        (
            At::Utc(UnixMillis(utc_of_live + 1000)),
            LIVE.offset(90_000),
            0,
        ),
        (At::Utc(UnixMillis(utc_of_live - 1000)), soonest, 1300),
        (
            At::After(Duration::from_secs(3600)),
            LIVE.offset(3600 * 90_000),
            0,
        ),
        (At::After(Duration::ZERO), soonest, 300),
    ] {
        let receipt = bench.insert(at(Op::Clear, "", asked));
        assert_eq!(
            (receipt.cue.cue.pts, receipt.late_by_ms),
            (pts, late_by_ms),
            "{asked:?}"
        );
        assert_eq!(receipt.utc, bench.clock.anchor.utc(pts));
    }
    for hostile in [At::Pts(Pts(i64::MIN)), At::Utc(UnixMillis(i64::MIN))] {
        assert!(bench.insert(at(Op::Clear, "", hostile)).late_by_ms > 1 << 40);
    }
}

#[test]
fn utc_follows_the_live_map_and_reports_follow_the_anchor() {
    let mut bench = Bench::new(roomy());
    // The encoder's clock has run 2 s away from the server's since the anchor was made.
    bench.clock.live_utc = UnixMillis(bench.clock.live_utc.0 - 2000);
    let wanted = UnixMillis(bench.clock.live_utc.0 + 5000);
    let receipt = bench.insert(at(Op::Show, "a", At::Utc(wanted)));
    assert_eq!(receipt.cue.cue.pts, LIVE.offset(5 * 90_000));
    assert_eq!(receipt.utc.0, wanted.0 + 2000);
}

#[test]
fn a_cue_is_at_most_a_day_ahead() {
    let mut bench = Bench::new(roomy());
    let day = Duration::from_hours(24);
    bench.insert(at(Op::Clear, "", At::After(day)));
    for far in [
        At::After(day + Duration::from_millis(1)),
        At::After(Duration::MAX),
        At::Pts(Pts(i64::MAX)),
        At::Utc(UnixMillis(i64::MAX)),
    ] {
        let error = bench.try_insert(at(Op::Clear, "", far)).unwrap_err();
        assert!(
            matches!(error, InsertError::TooFarAhead { max, .. } if max == day),
            "{error}"
        );
        assert_eq!(error.retry_after(), None);
    }
}

#[test]
fn the_newest_frame_counts_even_if_the_clock_has_not_heard_of_it() {
    let mut bench = Bench::new(roomy());
    bench.timeline.observe_frame(LIVE.offset(3000));
    bench.timeline.observe_frame(LIVE.offset(1500));
    assert_eq!(
        bench.insert(request(Op::Show, "a")).cue.cue.pts,
        LIVE.offset(3000 + LEAD)
    );
}

#[test]
fn numbers_count_cues_and_revisions_count_those_of_a_card() {
    let mut bench = Bench::new(roomy());
    let mut numbers = |op, card| {
        let cue = bench.insert(request(op, card)).cue;
        (cue.cue.seq, cue.cue.rev)
    };
    assert_eq!(numbers(Op::Show, "a"), (1, 1));
    assert_eq!(numbers(Op::Show, "b"), (2, 1));
    assert_eq!(numbers(Op::Update, "a"), (3, 2));
    assert_eq!(numbers(Op::Hide, "a"), (4, 3));
    assert_eq!(numbers(Op::Clear, "b"), (5, 1));
    assert_eq!(numbers(Op::Show, "a"), (6, 4));
    assert_eq!(numbers(Op::Clear, ""), (7, 2));
    assert_eq!(bench.timeline.last_seq(), 7);
    assert_eq!(bench.timeline.get(5).unwrap().cue.cue.card_id, "");
    assert!(bench.timeline.get(8).is_none());
}

#[test]
fn if_rev_keeps_two_operators_apart() {
    let mut bench = Bench::new(roomy());
    let with = |op, if_rev| CueRequest {
        if_rev: Some(if_rev),
        ..request(op, "a")
    };
    bench.insert(with(Op::Show, 0));
    bench.insert(with(Op::Update, 1));
    for stale in [0, 1, 3] {
        let error = bench.try_insert(with(Op::Update, stale)).unwrap_err();
        assert!(
            matches!(error, InsertError::RevConflict { current: 2, asked, .. } if asked == stale)
        );
    }
    let error = bench.try_insert(with(Op::Clear, 1)).unwrap_err();
    assert!(matches!(error, InsertError::Invalid(error) if error.field() == Some("if_rev")));
}

#[test]
fn a_retry_with_its_key_gets_the_same_answer() {
    let mut bench = Bench::new(roomy());
    let keyed = |card| CueRequest {
        idempotency_key: Some("k".to_owned()),
        ..request(Op::Show, card)
    };
    let first = bench.insert(keyed("a"));
    bench.pass(Duration::from_hours(23));
    assert_eq!(
        bench.insert(keyed("a")),
        Receipt {
            replayed: true,
            ..first.clone()
        }
    );
    assert_eq!(bench.timeline.last_seq(), 1);
    assert_eq!(bench.try_insert(keyed("b")), Err(InsertError::KeyReused));
    let other_time = CueRequest {
        at: At::After(Duration::ZERO),
        ..keyed("a")
    };
    assert_eq!(bench.try_insert(other_time), Err(InsertError::KeyReused));
    // 24 h after the first request, not after the last retry.
    bench.pass(Duration::from_hours(1));
    let again = bench.insert(keyed("b"));
    assert_eq!((again.cue.cue.seq, again.replayed), (2, false));
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    let mut bench = Bench::new(roomy());
    let keyed = |op| CueRequest {
        idempotency_key: Some("k".to_owned()),
        ..request(op, "a")
    };
    assert!(bench.try_insert(keyed(Op::Hide)).is_err());
    assert_eq!(bench.insert(keyed(Op::Show)).cue.cue.seq, 1);
}

#[test]
fn keys_are_bounded_in_form_and_number() {
    let config = TimelineConfig {
        idempotency_max: 2,
        ..TimelineConfig::default()
    };
    let mut bench = Bench::new(Timeline::new("demo", config));
    let keyed = |key: &str| CueRequest {
        idempotency_key: Some(key.to_owned()),
        ..request(Op::Clear, "")
    };
    for bad in ["", "ä", "a\n", &"k".repeat(129)] {
        let error = bench.try_insert(keyed(bad)).unwrap_err();
        assert!(matches!(error, InsertError::Invalid(it) if it.field() == Some("idempotency_key")));
    }
    for key in ["1", "2", &"k".repeat(128)] {
        assert!(!bench.insert(keyed(key)).replayed);
    }
    assert!(bench.insert(keyed("2")).replayed);
    assert!(!bench.insert(keyed("1")).replayed);
}

#[test]
fn a_burst_of_fifty_and_then_ten_a_second() {
    let mut bench = Bench::new(Timeline::new("demo", TimelineConfig::default()));
    for _ in 0..50 {
        bench.insert(request(Op::Clear, ""));
    }
    let limited = InsertError::RateLimited {
        retry_after: Duration::from_millis(100),
    };
    assert_eq!(
        bench.try_insert(request(Op::Clear, "")),
        Err(limited.clone())
    );
    bench.pass(Duration::from_millis(99));
    let rest = Duration::from_millis(1);
    let limited = InsertError::RateLimited { retry_after: rest };
    assert_eq!(
        bench.try_insert(request(Op::Clear, "")),
        Err(limited.clone())
    );
    assert_eq!(limited.retry_after(), Some(rest));
    bench.pass(rest);
    bench.insert(request(Op::Clear, ""));
    assert!(bench.try_insert(request(Op::Clear, "")).is_err());
    // Refusals cost nothing: after a second there are exactly ten more.
    bench.pass(Duration::from_secs(1));
    let taken = (0..50)
        .filter(|_| bench.try_insert(request(Op::Clear, "")).is_ok())
        .count();
    assert_eq!(taken, 10);
}

#[test]
fn three_product_cards_at_most_at_any_time() {
    let mut bench = Bench::new(roomy());
    for card in ["a", "b", "c"] {
        bench.insert(request(Op::Show, card));
    }
    let error = bench.try_insert(request(Op::Show, "d")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a, b, c would be on screen at pts 927000 and at most 3 product cards may show at once: hide one first"
    );
    // A card may replace itself, and one whose turn comes after another's end may be scheduled.
    bench.insert(CueRequest {
        duration: Some(Duration::from_secs(5)),
        ..request(Op::Show, "a")
    });
    bench.insert(at(Op::Show, "d", At::Pts(LIVE.offset(LEAD + 450_000))));
    // Keeping it longer would now meet the scheduled one.
    let longer = |secs| CueRequest {
        duration: Some(Duration::from_secs(secs)),
        ..request(Op::Update, "a")
    };
    bench.insert(longer(4));
    let error = bench.try_insert(longer(6)).unwrap_err();
    assert!(
        matches!(&error, InsertError::CardsFull { cards_max: 3, pts, cards, .. }
        if *pts == LIVE.offset(LEAD + 450_000) && cards == &["b", "c", "d"]),
        "{error}"
    );
    let error = bench.try_insert(request(Op::Show, "a")).unwrap_err();
    assert!(matches!(error, InsertError::CardsFull { .. }));
    bench.insert(request(Op::Clear, ""));
    bench.insert(request(Op::Show, "d"));
}

#[test]
fn a_flash_sale_is_a_product_card_and_of_all_kinds_there_are_eight_at_most() {
    let mut bench = Bench::new(roomy());
    let sale = Payload::FlashSale(FlashSale {
        sale: "friday".to_owned(),
        sku: "A1".to_owned(),
        title: "Mug".to_owned(),
        price: Price {
            minor: 1,
            currency: Currency::parse("EUR").unwrap(),
        },
        prior_price: None,
        image: None,
        stock: None,
        ends: None,
    });
    let notice = Payload::Notice(Notice {
        level: Level::Info,
        text: "Back soon".to_owned(),
    });
    let show = |card: &str, payload: &Payload| CueRequest {
        payload: Some(payload.clone()),
        ..request(Op::Show, card)
    };
    bench.insert(request(Op::Show, "a"));
    bench.insert(show("b", &sale));
    bench.insert(show("c", &sale));
    let error = bench.try_insert(show("d", &sale)).unwrap_err();
    assert!(matches!(error, InsertError::CardsFull { cards_max: 3, .. }));
    for card in ["d", "e", "f", "g", "h"] {
        bench.insert(show(card, &notice));
    }
    let error = bench.try_insert(show("i", &notice)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("at most 8 cards may show at once: hide one first")
    );
    // What a card is may change, and then counts as what it has become.
    bench.insert(CueRequest {
        op: Op::Update,
        ..show("a", &notice)
    });
    bench.insert(CueRequest {
        op: Op::Update,
        ..show("d", &sale)
    });
    let other = CueRequest {
        op: Op::Update,
        ..show("e", &sale)
    };
    assert!(bench.try_insert(other).is_err());
}

#[test]
fn what_a_card_offers_ends_by_the_threshold_the_wall_clock_or_a_pts() {
    let coupon = Payload::Coupon(Coupon {
        code: "MUG-10".to_owned(),
        title: "10 % off".to_owned(),
        terms: None,
        ends: None,
    });
    let mut bench = Bench::new(roomy());
    let in_two_seconds = UnixMillis(bench.clock.live_utc.0 + 2_000);
    let mut end = |ends| {
        let request = CueRequest {
            payload: Some(coupon.clone()),
            ends,
            ..request(Op::Show, "a")
        };
        let receipt = bench.insert(request);
        let Some(Payload::Coupon(coupon)) = &receipt.cue.cue.payload else {
            panic!("a coupon");
        };
        coupon.ends
    };
    assert_eq!(end(None), None);
    let minute = Ends::After(Duration::from_mins(1));
    assert_eq!(end(Some(minute)), Some(LIVE.offset(LEAD + 5_400_000).0));
    assert_eq!(end(Some(Ends::Pts(Pts(7)))), Some(7));
    let utc = end(Some(Ends::Utc(in_two_seconds)));
    assert_eq!(utc, Some(LIVE.offset(180_000).0));
    let error = bench.try_insert(CueRequest {
        ends: Some(minute),
        ..request(Op::Show, "b")
    });
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("payload.ends is set"), "{error}");
}

#[test]
fn an_update_or_a_hide_needs_its_card_on_screen_at_the_threshold() {
    let mut bench = Bench::new(roomy());
    let soonest = LIVE.offset(LEAD);
    for op in [Op::Update, Op::Hide] {
        let error = bench.try_insert(request(op, "a")).unwrap_err();
        assert_eq!(
            error,
            InsertError::NotOnScreen {
                card_id: "a".to_owned(),
                pts: soonest
            }
        );
    }
    bench.insert(CueRequest {
        duration: Some(Duration::from_secs(1)),
        ..request(Op::Show, "a")
    });
    for op in [Op::Update, Op::Hide] {
        let error = bench
            .try_insert(at(op, "a", At::Pts(soonest.offset(90_000))))
            .unwrap_err();
        assert!(matches!(error, InsertError::NotOnScreen { .. }));
        bench.insert(at(op, "a", At::Pts(soonest.offset(89_999))));
    }
    assert_eq!(bench.on_screen(soonest.offset(89_998)), ["a"]);
    assert!(bench.on_screen(soonest.offset(89_999)).is_empty());
}

#[test]
fn a_card_is_prolonged_a_few_times_and_then_shown_again() {
    let mut bench = Bench::new(roomy());
    let for_10_s = |op| CueRequest {
        duration: Some(Duration::from_secs(10)),
        ..request(op, "a")
    };
    bench.insert(for_10_s(Op::Show));
    // Within the show's own life it can be moved as often as one likes.
    for _ in 0..50 {
        bench.insert(for_10_s(Op::Update));
    }
    for _ in 0..4 {
        bench.pass(Duration::from_secs(9));
        bench.insert(for_10_s(Op::Update));
    }
    bench.pass(Duration::from_secs(9));
    let error = bench.try_insert(for_10_s(Op::Update)).unwrap_err();
    assert!(
        matches!(error, InsertError::ProlongedTooOften { max: 4, .. }),
        "{error}"
    );
    bench.insert(request(Op::Update, "a"));
    let soon = bench.clock.live_pts.offset(LEAD);
    assert_eq!(bench.timeline.active_cues(soon).len(), 6);
    bench.insert(for_10_s(Op::Show));
    assert_eq!(bench.timeline.active_cues(soon).len(), 1);
}

#[test]
fn a_thousand_cues_may_wait_for_their_frame() {
    let mut bench = Bench::new(roomy());
    for n in 0..1000 {
        bench.insert(at(Op::Clear, "", At::After(Duration::from_secs(n))));
    }
    let full = bench.try_insert(request(Op::Clear, "")).unwrap_err();
    assert_eq!(full, InsertError::TooManyScheduled { max: 1000 });
    assert!(full.retry_after().is_some());
    bench.pass(Duration::from_secs(1));
    bench.insert(request(Op::Clear, ""));
}

#[test]
fn a_full_log_forgets_what_has_no_effect_any_more() {
    let config = TimelineConfig {
        log_max: 64,
        burst: 1000,
        ..TimelineConfig::default()
    };
    let mut bench = Bench::new(Timeline::new("demo", config));
    bench.insert(request(Op::Show, "old"));
    for n in 0..500 {
        bench.timeline.observe_frame(bench.clock.live_pts);
        bench.insert(request(Op::Show, "a"));
        bench.insert(request(Op::Hide, "a"));
        bench.insert(CueRequest {
            payload: Some(product(&format!("{n}"))),
            ..request(Op::Show, "b")
        });
        bench.pass(Duration::from_secs(1));
    }
    let timeline = &bench.timeline;
    assert!(timeline.log.len() <= 64 && timeline.fold.len() == timeline.log.len());
    assert!(timeline.horizon().unwrap() > bench.clock.live_pts.offset(-90_000 * 64));
    assert_eq!(bench.on_screen(bench.clock.live_pts), ["old", "b"]);
    assert_eq!(timeline.get(1).unwrap().cue.cue.card_id, "old");
    assert!(timeline.get(2).is_none());
    assert_eq!(timeline.last_seq(), 1501);
    assert!(timeline.after(0).is_none() && timeline.after(1000).is_none());
    let last: Vec<u64> = timeline
        .after(1498)
        .unwrap()
        .iter()
        .map(|it| it.cue.cue.seq)
        .collect();
    assert_eq!(last, [1499, 1500, 1501]);
    assert!(
        timeline.after(1501).unwrap().is_empty() && timeline.after(u64::MAX).unwrap().is_empty()
    );
}

#[test]
fn a_full_log_of_a_stalled_publisher_without_a_lead_loses_no_cue() {
    let config = TimelineConfig {
        lead: Duration::ZERO,
        log_max: 64,
        burst: 1000,
        ..TimelineConfig::default()
    };
    let mut bench = Bench::new(Timeline::new("demo", config));
    for round in 0..10 {
        for card in ["a", "b"] {
            assert_eq!(
                bench.insert(request(Op::Show, card)).cue.cue.pts,
                bench.clock.live_pts.offset(1)
            );
        }
        for n in 0..30 {
            bench.insert(CueRequest {
                if_rev: None,
                ..request(Op::Update, if n % 2 == 0 { "a" } else { "b" })
            });
        }
        assert!(
            bench.try_insert(request(Op::Clear, "")).is_err(),
            "32 wait for the next frame"
        );
        let seqs: Vec<u64> = bench
            .timeline
            .state(bench.clock.live_pts.offset(1))
            .iter()
            .map(|it| it.seq)
            .collect();
        assert_eq!(seqs, [32 * round + 31, 32 * round + 32]);
        // Nobody calls observe_frame: the clock is enough.
        bench.pass(Duration::from_millis(33));
    }
    assert!(bench.timeline.log.len() <= 64);
}

#[test]
fn a_config_past_its_limits_is_brought_within_them() {
    let wild = TimelineConfig {
        cards_max: 100,
        scheduled_max: usize::MAX,
        log_max: 0,
        cues_per_second: 0,
        burst: 0,
        ..TimelineConfig::default()
    };
    let mut bench = Bench::new(Timeline::new("demo", wild));
    assert_eq!(bench.timeline.config.cards_max, 8);
    assert_eq!(
        (
            bench.timeline.config.log_max,
            bench.timeline.config.scheduled_max
        ),
        (64, 32)
    );
    bench.insert(request(Op::Clear, ""));
    assert!(bench.try_insert(request(Op::Clear, "")).is_err());
}

#[test]
fn the_first_frame_is_reported_once_no_other_can_come() {
    let mut bench = Bench::new(roomy());
    let threshold = bench.insert(request(Op::Show, "a")).cue.cue.pts;
    // Decode order of a pyramid around the threshold: P first, then the B-frames before it.
    for offset in [-6000, -3000, 9000, 3000, -1000, 1000, 6000] {
        bench.timeline.observe_frame(threshold.offset(offset));
    }
    assert_eq!(bench.timeline.get(1).unwrap().frame_pts, None);
    for n in 0..13 {
        assert_eq!(bench.timeline.get(1).unwrap().frame_pts, None);
        bench
            .timeline
            .observe_frame(threshold.offset(12_000 + n * 3000));
    }
    assert_eq!(
        bench.timeline.get(1).unwrap().frame_pts,
        Some(threshold.offset(1000))
    );
    assert!(bench.timeline.frames.is_empty());
}

#[test]
fn what_cannot_be_a_cue_is_refused_before_it_has_a_number() {
    let mut bench = Bench::new(roomy());
    let requests = [
        (
            CueRequest {
                payload: None,
                ..request(Op::Show, "a")
            },
            "payload",
        ),
        (
            CueRequest {
                payload: Some(product("x")),
                ..request(Op::Hide, "a")
            },
            "payload",
        ),
        (
            CueRequest {
                duration: Some(Duration::ZERO),
                ..request(Op::Show, "a")
            },
            "duration",
        ),
        (
            CueRequest {
                duration: Some(Duration::MAX),
                ..request(Op::Show, "a")
            },
            "duration",
        ),
        (
            CueRequest {
                duration: Some(Duration::from_secs(1)),
                ..request(Op::Clear, "")
            },
            "duration",
        ),
        (
            CueRequest {
                payload: Some(product("a\u{202e}b")),
                ..request(Op::Show, "a")
            },
            "payload.title",
        ),
        (request(Op::Show, "a b"), "card_id"),
        (request(Op::Hide, ""), "card_id"),
    ];
    for (request, field) in requests {
        let error = bench.try_insert(request).unwrap_err();
        assert!(
            matches!(&error, InsertError::Invalid(it) if it.field() == Some(field)),
            "{error}"
        );
    }
    assert_eq!(bench.timeline.last_seq(), 0);
}

#[test]
fn a_cue_too_long_for_its_carriers_or_of_a_stream_without_a_name_is_refused() {
    let mut bench = Bench::new(roomy());
    let image = Some(format!("/{}", "a".repeat(511)));
    let Payload::Product(long) = product(&"🦀".repeat(120)) else {
        unreachable!("it makes products");
    };
    let payload = Some(Payload::Product(Product { image, ..long }));
    let error = bench
        .try_insert(CueRequest {
            payload,
            ..request(Op::Show, "a")
        })
        .unwrap_err();
    assert!(matches!(error, InsertError::Invalid(Error::TooLong { .. })));
    let mut unnamed = Bench::new(Timeline::new("no name", TimelineConfig::default()));
    let error = unnamed.try_insert(request(Op::Clear, "")).unwrap_err();
    assert!(matches!(error, InsertError::Invalid(it) if it.field() == Some("stream")));
    assert_eq!(bench.timeline.last_seq(), 0);
}

#[test]
fn a_card_outlives_the_publisher() {
    let mut bench = Bench::new(roomy());
    bench.insert(request(Op::Show, "a"));
    bench.pass(Duration::from_secs(30));
    bench.clock.epoch = 2;
    assert_eq!(bench.insert(request(Op::Update, "a")).cue.cue.epoch, 2);
    assert_eq!(bench.on_screen(bench.clock.live_pts), ["a"]);
}
