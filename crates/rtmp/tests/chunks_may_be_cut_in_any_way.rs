//! Chunk sizes, interleaving, and the three forms of chunk stream ids.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{
    AUDIO, AUDIO_FRAME, AUDIO_HEADER, AVCC, Chunks, Peer, VIDEO, audio, video, video_frame,
    video_header,
};
use rtmp::Event;

fn started() -> Peer {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    peer.events.clear();
    peer
}

#[test]
fn chunk_sizes_may_change_between_messages() {
    let mut peer = started();
    let mut chunks = Chunks::default();
    for (time, size) in [
        (0, 1),
        (40, 3),
        (80, 128),
        (120, 4096),
        (160, 65_536),
        (200, 1_000_000),
    ] {
        let (resized, bytes) = chunks.resized(size);
        chunks = resized;
        peer.feed(&bytes).unwrap();
        peer.feed(&chunks.message(6, time, VIDEO, 1, &video_frame(time == 0, 5000)))
            .unwrap();
    }
    assert_eq!(peer.times(), [0, 40, 80, 120, 160, 200]);
}

#[test]
fn audio_may_come_inside_a_video_message() {
    let mut peer = started();
    let chunks = Chunks::default();
    let mut parts = chunks
        .parts(6, 40, VIDEO, 1, &video_frame(true, 1000))
        .into_iter();
    peer.feed(&parts.next().unwrap()).unwrap();
    peer.feed(&chunks.message(4, 41, AUDIO, 1, AUDIO_FRAME))
        .unwrap();
    for part in parts {
        peer.feed(&part).unwrap();
    }
    assert_eq!(peer.times(), [41, 40]);
    let Some(Event::Video {
        payload,
        keyframe: true,
        ..
    }) = peer.events.last()
    else {
        panic!()
    };
    assert_eq!(payload.len(), 1004);
}

#[test]
fn chunk_stream_ids_have_three_forms() {
    let mut peer = started();
    for (time, csid, csid_bytes) in [
        (0, 64, 2),
        (1, 319, 2),
        (2, 64, 3),
        (3, 320, 3),
        (4, 65_599, 3),
    ] {
        let chunks = Chunks {
            csid_bytes,
            ..Chunks::default()
        };
        peer.feed(&chunks.message(csid, time, VIDEO, 1, &video_frame(false, 300)))
            .unwrap();
    }
    assert_eq!(peer.times(), [0, 1, 2, 3, 4]);
}

#[test]
fn everything_may_come_a_byte_at_a_time() {
    let mut peer = Peer::new();
    let (chunks, resize) = Chunks {
        csid_bytes: 3,
        ..Chunks::default()
    }
    .resized(100);
    let bytes = [
        common::handshake(),
        common::publish("live", "demo"),
        resize,
        chunks.message(500, 0x0200_0000, VIDEO, 1, &video_header(AVCC)),
        chunks.message(500, 0x0200_0000, VIDEO, 1, &video_frame(true, 700)),
    ];
    for byte in bytes.concat() {
        peer.feed(&[byte]).unwrap();
    }
    assert_eq!(peer.times(), [0x0200_0000]);
}
