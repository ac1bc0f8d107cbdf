//! The fold: the same state for everyone, however the cues came.

mod support;

use std::sync::Arc;

use cues::{ActiveCard, EncodedCue, Fold, Op};
use media::Pts;
use proptest::prelude::*;
use support::{UNIT, config, cue, log};

const SPAN: i64 = 40;

fn fold(cues: &[Arc<EncodedCue>]) -> Fold {
    let mut fold = Fold::new();
    for cue in cues {
        fold.insert(Arc::clone(cue));
    }
    fold
}

/// What can be told apart from outside.
fn seen(cards: &[ActiveCard]) -> Vec<(&str, u64, Pts, Option<Pts>)> {
    cards
        .iter()
        .map(|it| (it.card_id.as_str(), it.seq, it.since, it.until))
        .collect()
}

/// The state by its words in docs/spec/cue.md, card by card and without any cleverness.
fn by_the_book(cues: &[Arc<EncodedCue>], pts: Pts) -> Vec<(String, u64, Pts, Option<Pts>)> {
    let taken_back: Vec<u64> = cues.iter().filter_map(|it| it.cue.target).collect();
    let mut due: Vec<_> = cues
        .iter()
        .map(|it| &it.cue)
        .filter(|it| it.pts <= pts && it.op != Op::Cancel && !taken_back.contains(&it.seq))
        .collect();
    due.sort_by_key(|it| (it.pts, it.seq));
    let mut shown = Vec::new();
    for card in ["a", "b", "c"] {
        let of_card = |op: Op, id: &str| id == card || op == Op::Clear;
        let mine: Vec<_> = due
            .iter()
            .filter(|it| of_card(it.op, &it.card_id))
            .collect();
        let decisive = mine.iter().rposition(|it| it.op != Op::Update);
        let Some(show) = decisive.filter(|at| mine[*at].op == Op::Show) else {
            continue;
        };
        let (mut seq, mut end) = (mine[show].seq, mine[show].end());
        let mut alive = true;
        for update in &mine[show + 1..] {
            alive &= end.is_none_or(|end| update.pts < end);
            if alive {
                seq = update.seq;
                end = update.end().or(end);
            }
        }
        if alive && end.is_none_or(|end| pts < end) {
            shown.push((mine[show].seq, (card.to_owned(), seq, mine[show].pts, end)));
        }
    }
    shown.sort_by_key(|(show_seq, card)| (card.2, *show_seq));
    shown.into_iter().map(|(_, card)| card).collect()
}

fn instants(from: i64) -> impl Iterator<Item = Pts> {
    (from * UNIT..2 * SPAN * UNIT).step_by(45).map(Pts)
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn the_state_is_what_the_specification_says(cues in log(SPAN, 24)) {
        let fold = fold(&cues);
        for pts in instants(-1) {
            let state = fold.state(pts);
            let book = by_the_book(&cues, pts);
            let book: Vec<_> = book.iter().map(|it| (it.0.as_str(), it.1, it.2, it.3)).collect();
            prop_assert_eq!(seen(&state), book, "at {}", pts);
        }
    }

    #[test]
    fn order_and_repetition_of_deliveries_do_not_matter(
        (cues, deliveries) in log(SPAN, 24).prop_flat_map(|cues| {
            let twice = [cues.clone(), cues.clone()].concat();
            (Just(cues), Just(twice).prop_shuffle())
        }),
    ) {
        let (in_order, shuffled) = (fold(&cues), fold(&deliveries));
        prop_assert_eq!(in_order.len(), shuffled.len());
        for pts in instants(0) {
            prop_assert_eq!(in_order.state(pts), shuffled.state(pts));
        }
    }

    #[test]
    fn a_snapshot_and_later_cues_are_as_good_as_the_whole_log(
        (cues, deliveries) in log(SPAN, 30)
            .prop_flat_map(|cues| (Just(cues.clone()), Just(cues).prop_shuffle())),
        from in 0..SPAN,
        known in 0..30_usize,
    ) {
        let from_pts = Pts(from * UNIT);
        // Later insertions always lie past the newest frame, and so past `from`.
        let late = |cue: &Arc<EncodedCue>| cue.cue.seq > known as u64 && cue.cue.pts > from_pts;
        let (later, before): (Vec<_>, Vec<_>) = cues.iter().cloned().partition(late);
        let origin = fold(&before);
        let mut viewer = Fold::from_snapshot(from_pts, origin.snapshot_cues(from_pts));
        let whole = fold(&[before.clone(), later].concat());
        // The same cues come again by other carriers, old ones among them.
        for cue in deliveries {
            viewer.insert(cue);
        }
        for pts in instants(from) {
            prop_assert_eq!(whole.state(pts), viewer.state(pts), "at {}", pts);
        }
    }

    #[test]
    fn a_snapshot_has_no_cue_too_many(cues in log(SPAN, 30), at in 0..SPAN) {
        let at = Pts(at * UNIT);
        let whole = fold(&cues);
        let active = whole.active_cues(at);
        prop_assert_eq!(fold(&active).state(at), whole.state(at));
        for left_out in 0..active.len() {
            let mut fewer = active.clone();
            fewer.remove(left_out);
            prop_assert_ne!(fold(&fewer).state(at), whole.state(at));
        }
    }

    #[test]
    fn trimming_keeps_every_later_state(cues in log(SPAN, 30), at in 0..SPAN) {
        let whole = fold(&cues);
        let mut trimmed = whole.clone();
        trimmed.trim(Pts(at * UNIT));
        for pts in instants(at) {
            prop_assert_eq!(whole.state(pts), trimmed.state(pts));
        }
        for cue in cues {
            trimmed.insert(cue);
        }
        for pts in instants(at) {
            prop_assert_eq!(whole.state(pts), trimmed.state(pts));
        }
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn a_log_of_many_checkpoints_folds_like_a_short_one(cues in log(400, 1200)) {
        let fold = fold(&cues);
        for pts in (0..400).step_by(7).map(|at| Pts(at * UNIT)) {
            let book = by_the_book(&cues, pts);
            let book: Vec<_> = book.iter().map(|it| (it.0.as_str(), it.1, it.2, it.3)).collect();
            let state = fold.state(pts);
            prop_assert_eq!(seen(&state), book);
        }
    }
}

#[test]
fn a_card_shows_from_its_threshold_up_to_its_end() {
    let fold = fold(&[cue(1, 10, Op::Show, "a", Some(5))]);
    assert!(fold.state(Pts(10 * UNIT - 1)).is_empty());
    assert_eq!(fold.state(Pts(10 * UNIT)).len(), 1);
    assert_eq!(fold.state(Pts(15 * UNIT - 1)).len(), 1);
    assert!(fold.state(Pts(15 * UNIT)).is_empty());
}

#[test]
fn what_a_snapshot_settled_does_not_come_back_by_another_carrier() {
    let show = cue(1, 10, Op::Show, "a", None);
    let whole = fold(&[Arc::clone(&show), cue(2, 10, Op::Hide, "a", None)]);
    let from = Pts(10 * UNIT);
    let mut viewer = Fold::from_snapshot(from, whole.snapshot_cues(from));
    assert!(!viewer.insert(show));
    assert!(viewer.state(from).is_empty());
    assert!(viewer.insert(cue(3, 11, Op::Show, "a", None)));
}

#[test]
fn a_prolonged_card_is_rebuilt_from_few_cues() {
    let mut cues = vec![cue(1, 0, Op::Show, "a", Some(10))];
    // Updates each unit, every one moving the end to ten units later.
    cues.extend((1..=20).map(|n| cue(n + 1, n.cast_signed(), Op::Update, "a", Some(10))));
    let fold = fold(&cues);
    let seqs: Vec<_> = fold
        .active_cues(Pts(21 * UNIT))
        .iter()
        .map(|it| it.cue.seq)
        .collect();
    assert_eq!(seqs.first(), Some(&1));
    assert_eq!(seqs.last(), Some(&21));
    assert!(seqs.len() <= 4, "{seqs:?}");
}

#[test]
fn cues_of_one_frame_apply_in_the_order_of_their_numbers() {
    let many: Vec<_> = (1..=100)
        .map(|seq| {
            cue(
                seq,
                5,
                if seq % 2 == 0 { Op::Hide } else { Op::Show },
                "a",
                None,
            )
        })
        .collect();
    let reversed: Vec<_> = many.iter().rev().cloned().collect();
    assert!(fold(&reversed).state(Pts(5 * UNIT)).is_empty());
    assert_eq!(seen(&fold(&reversed[1..]).state(Pts(5 * UNIT)))[0].1, 99);
}

#[test]
fn ranges_of_thresholds_are_half_open() {
    let clears = [1, 2, 2, 3].iter().zip(1..);
    let clears: Vec<_> = clears
        .map(|(at, seq)| cue(seq, *at, Op::Clear, "", None))
        .collect();
    let fold = fold(&clears);
    let seqs = |from: i64, to: i64| -> Vec<u64> {
        fold.between(Pts(from * UNIT)..Pts(to * UNIT))
            .iter()
            .map(|it| it.cue.seq)
            .collect()
    };
    assert_eq!(seqs(1, 3), [1, 2, 3]);
    assert!(seqs(2, 2).is_empty());
    assert!(seqs(3, 1).is_empty());
    assert_eq!(fold.count_after(Pts(2 * UNIT)), 1);
    assert_eq!(fold.nth(3).unwrap().cue.seq, 4);
    assert!(!fold.is_empty());
}
