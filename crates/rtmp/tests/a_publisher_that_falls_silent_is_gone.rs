//! Pings, the idle limit, and progress that is none.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use std::time::Duration;

use common::{AUDIO_HEADER, Chunks, Peer, audio};
use rtmp::{Error, Event, Reason};

const SECOND: Duration = Duration::from_secs(1);
/// User control, event 6.
const PING: &[u8] = &[2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0];

#[test]
fn it_is_pinged_every_five_seconds_and_closed_after_twenty() {
    let mut peer = Peer::publishing();
    peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    peer.wait(19 * SECOND);
    assert_eq!(peer.sent, [PING; 3].concat());
    peer.wait(SECOND);
    assert!(peer.closed);
    assert_eq!(peer.session.error(), Some(&Error::Timeout(Reason::Media)));
    assert_eq!(peer.events.last(), Some(&Event::Unpublish));
}

#[test]
fn answers_to_pings_are_not_media() {
    let mut peer = Peer::publishing();
    for _ in 0..20 {
        peer.wait(SECOND);
        let answer = [0, 7, 0, 0, 0, 0];
        let _ = peer.feed(&Chunks::default().message(2, 0, 4, 0, &answer));
    }
    assert_eq!(peer.session.error(), Some(&Error::Timeout(Reason::Media)));
}

#[test]
fn a_message_of_a_byte_a_second_is_not_waited_for() {
    let mut peer = Peer::publishing();
    peer.feed(&[6, 0, 0, 0, 0x7f, 0xff, 0xff, 9, 1, 0, 0, 0])
        .unwrap();
    for _ in 0..20 {
        let _ = peer.feed(&[0]);
        peer.wait(SECOND);
    }
    assert_eq!(peer.session.error(), Some(&Error::Timeout(Reason::Media)));
}

#[test]
fn a_ping_is_answered() {
    let mut peer = Peer::publishing();
    peer.feed(&Chunks::default().message(2, 0, 4, 0, &[0, 6, 0, 0, 0, 9]))
        .unwrap();
    assert_eq!(
        peer.sent,
        [2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9]
    );
}

#[test]
fn bytes_are_acknowledged_at_the_window_the_peer_asks_for() {
    let mut peer = Peer::publishing();
    peer.feed(&Chunks::default().message(2, 0, 5, 0, &20_000_u32.to_be_bytes()))
        .unwrap();
    let mut acknowledged = 0;
    for _ in 0..1000 {
        peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
        acknowledged += peer.sent.len() / 16;
        peer.sent.clear();
    }
    // 16 bytes a message, and some 3600 bytes before them.
    assert_eq!(acknowledged, 0);
    for _ in 0..500 {
        peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    }
    assert_eq!(peer.sent[..12], [2, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0]);
    assert_eq!(peer.sent.len(), 16);
}
