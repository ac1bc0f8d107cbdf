//! Chunk sizes, lengths and chunk streams that promise more than anyone sends.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{Chunks, Peer, command};
use rtmp::{Error, Event};

#[test]
fn chunk_sizes_outside_the_standard_end_the_session() {
    for (size, ok) in [(0_u32, false), (0x8000_0000, false), (0x7fff_ffff, true)] {
        let mut peer = Peer::publishing();
        let outcome = peer.feed(&Chunks::default().message(2, 0, 1, 0, &size.to_be_bytes()));
        assert_eq!(outcome.is_ok(), ok, "{size}");
        assert_eq!(peer.closed, !ok);
        if !ok {
            assert!(peer.said("NetStream.Publish.Rejected"));
            assert_eq!(peer.events.last(), Some(&Event::Unpublish));
        }
    }
}

#[test]
fn chunk_streams_are_counted() {
    let mut peer = Peer::publishing();
    let chunks = Chunks {
        csid_bytes: 3,
        ..Chunks::default()
    };
    let mut begun = 0;
    let error = loop {
        let csid = 64 + begun;
        let header = [
            &chunks.basic(0, csid)[..],
            &[0, 0, 0, 0x7f, 0xff, 0xff, 9, 1, 0, 0, 0],
        ];
        begun += 1;
        if let Err(error) = peer.feed(&[header.concat(), vec![0; 128]].concat()) {
            break error;
        }
        assert!(begun < 65_000);
    };
    assert!(begun <= 64, "{begun}");
    assert!(matches!(
        error,
        Error::Limit {
            what: "number of chunk streams",
            ..
        }
    ));
}

#[test]
fn unfinished_messages_share_sixteen_mebibytes() {
    let mut peer = Peer::publishing();
    let (_, resize) = Chunks::default().resized(0x00ff_ffff);
    peer.feed(&resize).unwrap();
    let mut fed = 0;
    let error = 'full: loop {
        let (chunks, resize) = Chunks::default().resized(1_000_000);
        peer.feed(&resize).unwrap();
        for csid in 10..30 {
            // A first chunk of a million bytes, of a message of seven.
            let payload = vec![0; 1_000_000];
            let mut bytes = chunks.basic(0, csid);
            bytes.extend([0, 0, 0, 0x6a, 0xcf, 0xc0, 9, 1, 0, 0, 0]);
            bytes.extend(payload);
            fed += 1_000_000;
            if let Err(error) = peer.feed(&bytes) {
                break 'full error;
            }
        }
    };
    assert!(fed <= 17_000_000, "{fed}");
    assert!(matches!(
        error,
        Error::Limit {
            what: "memory of unfinished messages",
            ..
        }
    ));
}

#[test]
fn lengths_no_message_has_are_refused_at_the_header() {
    let mut peer = Peer::publishing();
    let outcome = peer.feed(&[6, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0]);
    assert!(matches!(
        outcome,
        Err(Error::Limit {
            what: "message length",
            ..
        })
    ));
}

#[test]
fn a_chunk_that_refers_to_no_message_ends_the_session() {
    let mut peer = Peer::publishing();
    let outcome = peer.feed(&[0xc9, 1, 2, 3]);
    assert!(matches!(outcome, Err(Error::Chunk { csid: 9, .. })));
    assert!(peer.closed);
}

#[test]
fn amf_bombs_in_commands_end_the_session() {
    for bomb in [
        b"\x03\x00\x01a".repeat(10_000),
        b"\x08\xff\xff\xff\xff\x00\x05hello".to_vec(),
        b"\x02\xff\xffshort".to_vec(),
        b"\x0a\xff\xff\xff\xff".to_vec(),
    ] {
        let mut peer = Peer::publishing();
        let outcome = peer.feed(&command(0, "anything", 1.0, &bomb));
        assert!(matches!(outcome, Err(Error::Amf { .. })), "{outcome:?}");
    }
}

#[test]
fn amf_bombs_in_metadata_cost_that_message() {
    let mut peer = Peer::publishing();
    let bomb = b"\x03\x00\x01a".repeat(10_000);
    peer.feed(&Chunks::default().message(5, 0, common::DATA, 1, &bomb))
        .unwrap();
    assert_eq!(peer.drops(), ["unreadable data message"]);
}

#[test]
fn a_hundred_commands_a_second_are_enough() {
    let mut peer = Peer::publishing();
    let call = command(0, "releaseStream", 2.0, &[5]);
    // Five were spent on the way to the publish.
    for _ in 5..100 {
        peer.feed(&call).unwrap();
    }
    assert!(matches!(
        peer.feed(&call),
        Err(Error::Limit { value: 101, .. })
    ));
    let mut peer = Peer::publishing();
    for _ in 0..300 {
        peer.feed(&call).unwrap();
        peer.now += std::time::Duration::from_millis(20);
    }
}
