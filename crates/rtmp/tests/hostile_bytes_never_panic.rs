//! Recorded sessions with bytes changed, removed and repeated: read or refused, never a panic.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::Peer;
use proptest::prelude::*;

const FFMPEG: &[u8] = include_bytes!("data/ffmpeg-5.1.9.rtmp");

#[derive(Debug, Clone)]
enum Damage {
    Set(u8),
    Remove(usize),
    Repeat(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => any::<u8>().prop_map(Damage::Set),
        1 => (1_usize..40).prop_map(Damage::Remove),
        1 => (1_usize..400).prop_map(Damage::Repeat),
    ]
}

fn apply(bytes: &mut Vec<u8>, at: usize, damage: &Damage) {
    let end = |count: usize| (at + count).min(bytes.len());
    match damage {
        Damage::Set(byte) => bytes[at] = *byte,
        Damage::Remove(count) => drop(bytes.drain(at..end(*count))),
        Damage::Repeat(count) => {
            let again = bytes[at..end(*count)].to_vec();
            bytes.splice(at..at, again);
        }
    }
}

proptest! {
    #[test]
    fn damaged_sessions_end_or_go_on(
        damages in proptest::collection::vec((3073_usize..11_000, damage()), 1..12),
        portion in 1_usize..3000,
        early in any::<bool>(),
    ) {
        let mut bytes = FFMPEG.to_vec();
        for (at, damage) in &damages {
            // Half of the cases hit the commands, which are the first 700 bytes.
            let at = if early { 3073 + at % 700 } else { *at };
            let at = at.min(bytes.len() - 1);
            apply(&mut bytes, at, damage);
        }
        let mut peer = Peer::new();
        let mut outcome = Ok(());
        for portion in bytes.chunks(portion) {
            outcome = peer.feed(portion);
            if outcome.is_err() {
                break;
            }
        }
        prop_assert_eq!(outcome.is_err(), peer.closed);
        let publishes = peer.said("NetStream.Publish.Start");
        prop_assert!(publishes || peer.times().is_empty());
    }
}

/// The entry points that the fuzz targets call, on a few kilobytes of noise each.
#[test]
fn the_fuzz_targets_hold_on_noise() {
    let now = Peer::new().now;
    let mut state = 1_u64;
    for round in 0..2000_usize {
        let noise: Vec<u8> = (0..round % 300)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                state.to_be_bytes()[0]
            })
            .collect();
        rtmp::fuzz::session(now, &noise);
        rtmp::fuzz::chunks(now, &noise);
        rtmp::fuzz::amf0(&noise);
        rtmp::fuzz::video(&noise);
        rtmp::fuzz::audio(&noise);
    }
    rtmp::fuzz::session(now, &[&[0], FFMPEG].concat());
    rtmp::fuzz::chunks(now, &[&[9], &FFMPEG[3073..]].concat());
}
