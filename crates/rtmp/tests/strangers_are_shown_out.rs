//! Peers that do not speak RTMP, and peers that do not speak.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use std::time::Duration;

use common::{Peer, handshake, publish};
use rtmp::{Error, Reason};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn other_protocols_are_closed_without_an_answer() {
    for first in [&b"\x06"[..], b"GET / HTTP/1.1\r\n", b"\x16\x03\x01"] {
        let mut peer = Peer::new();
        assert!(matches!(peer.feed(first), Err(Error::Version { .. })));
        assert!(peer.closed && peer.sent.is_empty());
        assert_eq!(peer.feed(b"more"), Err(Error::Closed));
        assert_eq!(peer.session.poll_timeout(), None);
    }
}

#[test]
fn a_handshake_of_a_byte_a_second_ends_after_five() {
    let mut peer = Peer::new();
    for byte in handshake().into_iter().take(5) {
        peer.feed(&[byte]).unwrap();
        peer.wait(SECOND);
    }
    assert!(peer.closed);
    assert_eq!(
        peer.session.error(),
        Some(&Error::Timeout(Reason::Handshake))
    );
}

#[test]
fn a_publish_has_to_come_within_ten_seconds() {
    let mut peer = Peer::shaken();
    peer.wait(9 * SECOND);
    assert!(!peer.closed);
    peer.wait(SECOND);
    assert_eq!(peer.session.error(), Some(&Error::Timeout(Reason::Publish)));
}

#[test]
fn the_caller_s_answer_counts_into_that() {
    let mut peer = Peer::shaken();
    peer.accept = false;
    peer.feed(&publish("live", "demo")).unwrap();
    peer.wait(10 * SECOND);
    assert_eq!(peer.session.error(), Some(&Error::Timeout(Reason::Publish)));
}

#[test]
fn little_is_read_before_a_publish() {
    let mut peer = Peer::shaken();
    // A metadata message that never ends, in a chunk that never ends.
    peer.feed(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x7f, 255, 255, 255])
        .unwrap();
    peer.feed(&[5, 0, 0, 0, 3, 0, 0, 18, 0, 0, 0, 0]).unwrap();
    let mut fed = 0;
    let error = loop {
        fed += 1000;
        if let Err(error) = peer.feed(&[0; 1000]) {
            break error;
        }
    };
    assert!(fed <= 66_000, "{fed}");
    assert!(matches!(error, Error::Limit { limit: 65_536, .. }));
}

#[test]
fn media_sent_ahead_of_the_answer_is_held_then_read() {
    let mut peer = Peer::shaken();
    peer.accept = false;
    let header = common::video(0, &common::video_header(common::AVCC));
    peer.feed(&[publish("live", "demo"), header].concat())
        .unwrap();
    peer.feed(&common::video(40, &common::video_frame(true, 500)))
        .unwrap();
    assert_eq!(peer.events.len(), 1);
    peer.input(rtmp::Input::Accept).unwrap();
    assert_eq!(peer.times(), [40]);
    assert_eq!(peer.input(rtmp::Input::Accept), Err(Error::NothingAsked));
}
