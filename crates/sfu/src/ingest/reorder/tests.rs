//! Orders and losses, generated and chosen, in virtual time.

use proptest::prelude::*;

use super::*;

const WAIT: Duration = Duration::from_millis(100);
const HELD_MAX: usize = 64;

#[expect(
    clippy::disallowed_methods,
    reason = "where virtual time begins does not matter"
)]
fn start() -> Instant {
    Instant::now()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn packet(seq: u64) -> Popped<u64> {
    Popped::Packet { seq, item: seq }
}

fn gap(missing: u64) -> Popped<u64> {
    Popped::Gap { missing }
}

fn drain(reorder: &mut Reorder<u64>, now: Instant) -> Vec<Popped<u64>> {
    std::iter::from_fn(|| reorder.pop(now)).collect()
}

fn push(reorder: &mut Reorder<u64>, now: Instant, seqs: &[u64]) -> Vec<Popped<u64>> {
    let mut popped = Vec::new();
    for seq in seqs {
        reorder.push(now, *seq, *seq);
        popped.extend(drain(reorder, now));
    }
    popped
}

fn new() -> Reorder<u64> {
    Reorder::new(WAIT, HELD_MAX)
}

#[test]
fn what_comes_in_order_is_given_at_once() {
    let now = start();
    let mut reorder = new();
    assert_eq!(
        push(&mut reorder, now, &[70_000, 70_001, 70_002]),
        [packet(70_000), packet(70_001), packet(70_002)]
    );
    assert_eq!(reorder.deadline(), None);
    assert_eq!(reorder.counters(), ReorderCounters::default());
}

#[test]
fn a_gap_is_waited_for_filled_or_given_up() {
    let now = start();
    let mut reorder = new();
    assert_eq!(push(&mut reorder, now, &[1, 3, 4, 7]), [packet(1)]);
    assert_eq!(reorder.deadline(), Some(now + WAIT));
    // Filled: the next gap was noticed as early.
    let later = now + ms(60);
    assert_eq!(
        push(&mut reorder, later, &[2]),
        [packet(2), packet(3), packet(4)]
    );
    assert_eq!(reorder.deadline(), Some(now + WAIT));
    // Filled in part, which does not make the rest of it younger.
    assert_eq!(push(&mut reorder, later, &[6]), []);
    assert_eq!(reorder.deadline(), Some(now + WAIT));
    assert_eq!(drain(&mut reorder, now + ms(99)), []);
    assert_eq!(
        drain(&mut reorder, now + WAIT),
        [gap(1), packet(6), packet(7)]
    );
    assert_eq!(reorder.deadline(), None);
    // Too late.
    assert_eq!(push(&mut reorder, now + WAIT, &[5]), []);
    let counters = reorder.counters();
    assert_eq!((counters.missing, counters.late), (1, 1));
}

#[test]
fn the_wait_can_change_while_it_runs() {
    let now = start();
    let mut reorder = new();
    assert_eq!(push(&mut reorder, now, &[1, 3]), [packet(1)]);
    reorder.set_wait(ms(20));
    assert_eq!(reorder.deadline(), Some(now + ms(20)));
    assert_eq!(drain(&mut reorder, now + ms(20)), [gap(1), packet(3)]);
    reorder.set_wait(Duration::MAX);
    assert_eq!(push(&mut reorder, now, &[5]), []);
    assert_eq!(reorder.deadline(), None, "for ever");
    reorder.set_wait(Duration::ZERO);
    assert_eq!(drain(&mut reorder, now), [gap(1), packet(5)]);
}

#[test]
fn duplicates_are_dropped() {
    let now = start();
    let mut reorder = new();
    assert_eq!(push(&mut reorder, now, &[1, 3, 3, 1, 3]), [packet(1)]);
    let counters = reorder.counters();
    assert_eq!((counters.duplicates, counters.late), (2, 1));
    assert_eq!(push(&mut reorder, now, &[2]), [packet(2), packet(3)]);
}

#[test]
fn no_more_than_the_limit_is_held() {
    let now = start();
    let mut reorder = new();
    assert_eq!(push(&mut reorder, now, &[1]), [packet(1)]);
    let held: Vec<u64> = (0..64).map(|n| 3 + n * 2).collect();
    assert_eq!(push(&mut reorder, now, &held), []);
    assert_eq!(
        push(&mut reorder, now, &[200]),
        [gap(1), packet(3)],
        "the oldest gap is given up, and no other"
    );
    // Whoever never pops is held no more for.
    for seq in 300..1_000 {
        reorder.push(now, seq, seq);
    }
    assert_eq!(reorder.held.len(), HELD_MAX + 1);
}

#[test]
fn one_packet_from_nowhere_is_dropped_two_begin_anew() {
    let now = start();
    for far in [10_000, 50_000] {
        let mut reorder = new();
        assert_eq!(push(&mut reorder, now, &[20_000, 20_002]), [packet(20_000)]);
        assert_eq!(push(&mut reorder, now, &[far]), []);
        assert_eq!(
            push(&mut reorder, now, &[20_001]),
            [packet(20_001), packet(20_002)],
            "the old run goes on"
        );
        assert_eq!(push(&mut reorder, now, &[20_005, far + 9]), []);
        assert_eq!(
            push(&mut reorder, now, &[far + 10, far + 11]),
            [
                Popped::Restart,
                packet(far + 9),
                packet(far + 10),
                packet(far + 11)
            ]
        );
        assert_eq!(reorder.deadline(), None);
        let counters = reorder.counters();
        assert_eq!((counters.restarts, counters.strays), (1, 2));
    }
}

#[test]
fn three_thousand_on_is_a_gap_and_one_more_a_jump() {
    let now = start();
    let mut reorder = new();
    assert_eq!(push(&mut reorder, now, &[5_000, 8_000]), [packet(5_000)]);
    assert_eq!(drain(&mut reorder, now + WAIT), [gap(2_999), packet(8_000)]);
    assert_eq!(push(&mut reorder, now, &[11_001]), []);
    assert_eq!(drain(&mut reorder, now + WAIT), [], "no gap to wait for");
    assert_eq!(push(&mut reorder, now, &[5_001, 5_000]), []);
    let counters = reorder.counters();
    assert_eq!((counters.late, counters.strays), (1, 1));
}

#[test]
fn numbers_at_the_end_of_their_range_do_no_harm() {
    let now = start();
    let mut reorder = new();
    let last = u64::MAX;
    push(&mut reorder, now, &[last, last - 1, last, 0, 1]);
    push(&mut reorder, now, &[last, last - 1, 0]);
    drain(&mut reorder, now + WAIT);
}

proptest! {
    #[test]
    fn within_the_window_order_is_restored_and_nothing_lost(
        delays in proptest::collection::vec(0_usize..30, 1..300),
    ) {
        let now = start();
        // Each packet is put off by so many places; the first begins the run.
        let mut order: Vec<(usize, u64)> =
            delays.iter().enumerate().map(|(n, delay)| n + delay).zip(0..).collect();
        order[0].0 = 0;
        order.sort();
        let seqs: Vec<u64> = order.iter().map(|(_, seq)| *seq).collect();
        let mut reorder = new();
        let popped = push(&mut reorder, now, &seqs);
        let expected: Vec<_> = (0..seqs.len()).zip(0..).map(|(_, seq)| packet(seq)).collect();
        prop_assert_eq!(popped, expected);
        prop_assert_eq!(reorder.counters(), ReorderCounters::default());
    }

    #[test]
    fn whatever_comes_is_given_once_in_order_or_counted(
        steps in proptest::collection::vec((0_u64..40, -20_i64..20, 0_u64..60), 1..400),
    ) {
        let mut now = start();
        let mut reorder = new();
        let (mut position, mut pushed, mut given) = (10_000_i64, 0_u64, 0_u64);
        let mut next = None;
        for (forward, back, pass) in steps {
            position += i64::try_from(forward / 20).unwrap();
            let seq = u64::try_from(position + back).unwrap();
            now += ms(pass / 4);
            reorder.push(now, seq, seq);
            pushed += 1;
            for popped in drain(&mut reorder, now) {
                match popped {
                    Popped::Packet { seq, item } => {
                        prop_assert_eq!(seq, item);
                        prop_assert!(next.is_none_or(|next| next == seq));
                        next = Some(seq + 1);
                        given += 1;
                    }
                    Popped::Gap { missing } => {
                        prop_assert!(missing > 0);
                        next = next.map(|next| next + missing);
                    }
                    Popped::Restart => unreachable!("nothing jumps"),
                }
            }
            prop_assert!(reorder.held.len() <= HELD_MAX);
            prop_assert!(reorder.deadline().is_none_or(|deadline| deadline > now));
        }
        let counters = reorder.counters();
        let dropped = counters.duplicates + counters.late + counters.strays;
        prop_assert_eq!(pushed, given + dropped + reorder.held.len() as u64);
    }
}
