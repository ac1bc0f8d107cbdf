//! What `_result` to connect says is taken, is taken.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{Peer, audio, extended, handshake, publish, video};

const VIDEO: [&str; 4] = ["avc1", "hvc1", "av01", "vp09"];
const AUDIO: [&str; 2] = ["mp4a", "Opus"];

/// A property's name in AMF0: two bytes of length, then its characters.
fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(name.len()).unwrap().to_be_bytes();
    [&length, name.as_bytes(), value].concat()
}

/// A number in AMF0.
fn number(value: f64) -> Vec<u8> {
    [&[0][..], &value.to_be_bytes()].concat()
}

#[test]
fn every_codec_is_told_in_both_forms() {
    let mut peer = Peer::new();
    peer.feed(&[handshake(), publish("live", "demo")].concat())
        .unwrap();
    let said = |bytes: &[u8]| peer.sent.windows(bytes.len()).any(|at| at == bytes);
    let mut list = vec![0x0a, 0, 0, 0, 6];
    for name in VIDEO.iter().chain(&AUDIO) {
        list.extend([2, 0, 4]);
        list.extend_from_slice(name.as_bytes());
    }
    assert!(said(&property("fourCcList", &list)));
    for (map, names) in [
        ("videoFourCcInfoMap", &VIDEO[..]),
        ("audioFourCcInfoMap", &AUDIO[..]),
    ] {
        let mut entries = vec![3];
        for name in names {
            // CanForward.
            entries.extend(property(name, &number(4.0)));
        }
        entries.extend([0, 0, 9]);
        assert!(said(&property(map, &entries)), "{map}");
    }
    // ModEx, and neither reconnect requests nor several tracks.
    assert!(said(&property("capsEx", &number(4.0))));
}

/// An end of sequence is valid of whatever is taken, and an error of whatever is not.
#[test]
fn what_is_told_is_taken() {
    let mut peer = Peer::publishing();
    for name in VIDEO {
        peer.feed(&video(0, &extended(0x12, name, &[]))).unwrap();
    }
    for name in AUDIO {
        peer.feed(&audio(0, &extended(0x12, name, &[]))).unwrap();
    }
    assert!(peer.drops().is_empty() && !peer.closed);
    assert!(peer.feed(&video(0, &extended(0x12, "vvc1", &[]))).is_err());
}
