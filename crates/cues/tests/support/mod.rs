//! Cues made short for tests.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use cues::{Cue, Currency, EncodedCue, Op, Payload, Price, Product, encode};
use media::Pts;
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};

/// 90 kHz ticks of the tests' coarse time: 1 ms.
pub(crate) const UNIT: i64 = 90;

/// The same cases in every run.
pub(crate) fn config(cases: u32) -> Config {
    let rng_seed = RngSeed::Fixed(0x5405_ca57);
    Config {
        cases,
        rng_seed,
        failure_persistence: None,
        ..Config::default()
    }
}

pub(crate) fn product(title: &str) -> Payload {
    Payload::Product(Product {
        sku: "A1".to_owned(),
        title: title.to_owned(),
        price: Price {
            minor: 1299,
            currency: Currency::parse("EUR").expect("EUR is a code"),
        },
        prior_price: None,
        image: None,
        stock: None,
    })
}

/// A cue of stream `demo` at `at` units, for `units` if given.
pub(crate) fn cue(seq: u64, at: i64, op: Op, card: &str, units: Option<i64>) -> Arc<EncodedCue> {
    let payload = op.has_payload().then(|| product(&format!("cue {seq}")));
    let cue = Cue {
        stream: "demo".to_owned(),
        epoch: 1,
        seq,
        card_id: card.to_owned(),
        rev: u32::try_from(seq).expect("tests number cues from 1"),
        op,
        pts: Pts(at * UNIT),
        duration: units.map(|units| units * UNIT),
        payload,
        target: None,
    };
    Arc::new(encode(cue).expect("tests make valid cues"))
}

/// Cues numbered from 1 with thresholds anywhere in `0..span` units, on three cards.
pub(crate) fn log(span: i64, len: usize) -> impl Strategy<Value = Vec<Arc<EncodedCue>>> {
    let op = prop_oneof![
        4 => Just(Op::Show),
        5 => Just(Op::Update),
        2 => Just(Op::Hide),
        1 => Just(Op::Clear),
    ];
    let card = prop_oneof![Just("a"), Just("b"), Just("c")];
    let takes_back = prop::option::weighted(0.15, any::<prop::sample::Index>());
    let one = (0..span, op, card, prop::option::of(1..span / 2), takes_back);
    prop::collection::vec(one, 0..len).prop_map(|all| {
        let mut log: Vec<Arc<EncodedCue>> = Vec::new();
        for ((at, op, card, units, takes_back), seq) in all.into_iter().zip(1..) {
            let target = takes_back.filter(|_| !log.is_empty());
            let target = target.map(|index| Arc::clone(&log[index.index(log.len())]));
            log.push(match target.filter(|it| it.cue.op != Op::Cancel) {
                Some(target) => cancel(seq, &target.cue),
                None => {
                    let card = if op == Op::Clear { "" } else { card };
                    cue(seq, at, op, card, units.filter(|_| op.has_payload()))
                }
            });
        }
        log
    })
}

/// Takes back `target`.
pub(crate) fn cancel(seq: u64, target: &Cue) -> Arc<EncodedCue> {
    let cue = Cue {
        seq,
        op: Op::Cancel,
        duration: None,
        payload: None,
        target: Some(target.seq),
        ..target.clone()
    };
    Arc::new(encode(cue).expect("tests make valid cues"))
}
