//! Extended timestamps in both forms, deltas, and both wraps.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{
    AUDIO, AUDIO_FRAME, AUDIO_HEADER, AVCC, Chunks, Peer, VIDEO, video_frame, video_header,
};

fn started() -> Peer {
    let mut peer = Peer::publishing();
    peer.feed(&common::video(0, &video_header(AVCC))).unwrap();
    peer.feed(&common::audio(0, AUDIO_HEADER)).unwrap();
    peer
}

/// OBS up to 30.0 and other librtmp users leave the timestamp out of fmt 3 chunks.
#[test]
fn an_extended_timestamp_may_be_repeated_or_left_out() {
    for repeat_extended in [true, false] {
        let chunks = Chunks {
            repeat_extended,
            ..Chunks::default()
        };
        let mut peer = started();
        let times: Vec<u32> = (0..6).map(|n| 0xff_fff0 + n * 5).collect();
        for time in &times {
            peer.feed(&chunks.message(6, *time, VIDEO, 1, &video_frame(false, 900)))
                .unwrap();
            peer.feed(&chunks.message(4, *time, AUDIO, 1, AUDIO_FRAME))
                .unwrap();
        }
        let expected: Vec<_> = times
            .iter()
            .flat_map(|time| [i64::from(*time); 2])
            .collect();
        assert_eq!(peer.times(), expected);
        assert!(peer.drops().is_empty());
    }
}

#[test]
fn stamps_wrap_after_32_bits() {
    let mut peer = started();
    for time in [u32::MAX - 39, 0, 40] {
        peer.feed(&common::video(time, &video_frame(false, 300)))
            .unwrap();
        peer.feed(&common::audio(time.wrapping_sub(10), AUDIO_FRAME))
            .unwrap();
    }
    let wrap = 1_i64 << 32;
    assert_eq!(
        peer.times(),
        [wrap - 40, wrap - 50, wrap, wrap - 10, wrap + 40, wrap + 30]
    );
}

#[test]
fn stamps_of_writers_that_mask_the_sign_wrap_after_31() {
    let mut peer = started();
    for time in [0x7fff_ffd8, 0, 40] {
        peer.feed(&common::video(time, &video_frame(false, 300)))
            .unwrap();
    }
    let wrap = 1_i64 << 31;
    assert_eq!(peer.times(), [wrap - 40, wrap, wrap + 40]);
}

#[test]
fn deltas_carry_over_the_wrap() {
    let mut peer = started();
    let frame = video_frame(false, 30);
    let length = u8::try_from(frame.len()).unwrap();
    peer.feed(&common::video(u32::MAX - 19, &frame)).unwrap();
    // fmt 2: a delta of 40; fmt 3: the same again; fmt 1: a delta of 20.
    peer.feed(&[&[0x86, 0, 0, 40][..], &frame].concat())
        .unwrap();
    peer.feed(&[&[0xc6][..], &frame].concat()).unwrap();
    peer.feed(&[&[0x46, 0, 0, 20, 0, 0, length, VIDEO][..], &frame].concat())
        .unwrap();
    let wrap = 1_i64 << 32;
    assert_eq!(peer.times(), [wrap - 20, wrap + 20, wrap + 60, wrap + 80]);
}

#[test]
fn jumps_are_passed_on_as_they_are() {
    let mut peer = started();
    for time in [1000, 3_601_000, 3_591_000] {
        peer.feed(&common::video(time, &video_frame(false, 300)))
            .unwrap();
    }
    assert_eq!(peer.times(), [1000, 3_601_000, 3_591_000]);
}
