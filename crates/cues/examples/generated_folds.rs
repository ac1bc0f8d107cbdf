//! Generated logs of cues, each with the states they fold to, one a line of JSON on standard output: another reader of the
//! same cues has to see the same. `cargo run -p cues --example generated_folds -- CASES [SEED]`.

#![allow(clippy::print_stdout, reason = "a program's output is what it is for")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use cues::{EncodedCue, Fold};
use media::Pts;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{RngSeed, TestRunner},
};
use support::{UNIT, log};

const SPAN: i64 = 40;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| {
        let given = arguments.next().and_then(|text| text.parse().ok());
        given.unwrap_or(default)
    };
    let (cases, seed) = (number(100), number(1));
    let mut config = support::config(1);
    config.rng_seed = RngSeed::Fixed(seed);
    let mut runner = TestRunner::new(config);
    for _ in 0..cases {
        let case = log(SPAN, 24).new_tree(&mut runner);
        let cues = case.expect("no case is rejected").current();
        println!("{}", line(&cues));
    }
}

fn line(cues: &[Arc<EncodedCue>]) -> serde_json::Value {
    let mut fold = Fold::new();
    for cue in cues {
        fold.insert(Arc::clone(cue));
    }
    let mut states: Vec<(i64, Vec<serde_json::Value>)> = Vec::new();
    // Thresholds and ends lie on whole units; between them nothing changes.
    for pts in (-UNIT..2 * SPAN * UNIT).step_by(45) {
        let cards = fold.state(Pts(pts));
        let cards = cards.iter().map(|it| {
            serde_json::json!([
                it.card_id,
                it.seq,
                it.rev,
                it.since.0,
                it.until.map(|pts| pts.0)
            ])
        });
        states.push((pts, cards.collect()));
    }
    let text = |cue: &Arc<EncodedCue>| String::from_utf8_lossy(&cue.bytes).into_owned();
    let cues: Vec<_> = cues.iter().map(text).collect();
    serde_json::json!({ "cues": cues, "states": states })
}
