//! Opus by the extended header.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{AUDIO_FRAME, AUDIO_HEADER, Peer, audio, extended};
use media::AudioConfig;
use rtmp::{Error, Event};

/// As FFmpeg 9 sends it, and the channels it sends behind it.
const HEAD: &[u8] = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
const CHANNELS: &[u8] = &[1, 2, 0, 0, 0, 3];
/// 20 ms of silence.
const PACKET: &[u8] = &[0xfc, 0xff, 0xfe];

const START: u8 = 0x10;
const FRAME: u8 = 0x11;
const MULTICHANNEL: u8 = 0x14;

#[test]
fn packets_are_taken_with_any_header_and_without() {
    for header in [
        None,
        Some(HEAD),
        Some(&[][..]),
        Some(b"OpusTags\0\0\0\0"),
        Some(b"OpusH"),
    ] {
        let mut peer = Peer::publishing();
        if let Some(header) = header {
            peer.feed(&audio(0, &extended(START, "Opus", header)))
                .unwrap();
            peer.feed(&audio(0, &extended(MULTICHANNEL, "Opus", CHANNELS)))
                .unwrap();
        }
        for stamp in [0, 20, 41] {
            peer.feed(&audio(stamp, &extended(FRAME, "Opus", PACKET)))
                .unwrap();
        }
        peer.events
            .retain(|event| !matches!(event, Event::Dropped { .. }));
        assert_eq!(peer.events[0], Event::AudioConfig(AudioConfig::Opus));
        assert_eq!(peer.events.len(), 4);
        assert_eq!(peer.times(), [0, 20, 41]);
    }
}

#[test]
fn more_than_two_channels_are_refused_in_words_for_the_encoder() {
    let mut surround = HEAD.to_vec();
    (surround[9], surround[18]) = (6, 1);
    let channels = [1, 6, 0, 0, 0, 0x3f];
    for message in [
        extended(START, "Opus", &surround),
        extended(MULTICHANNEL, "Opus", &channels),
    ] {
        let mut peer = Peer::publishing();
        let error = peer.feed(&audio(0, &message)).unwrap_err();
        assert!(matches!(error, Error::Codec { .. }));
        assert!(peer.said("send Opus in mono or stereo"));
    }
}

#[test]
fn what_is_no_packet_is_left_out() {
    let mut peer = Peer::publishing();
    peer.feed(&audio(0, &extended(START, "Opus", HEAD)))
        .unwrap();
    // Two frames of unequal length, said to be equal.
    peer.feed(&audio(0, &extended(FRAME, "Opus", &[0xfd, 1])))
        .unwrap();
    peer.feed(&audio(20, &extended(FRAME, "Opus", PACKET)))
        .unwrap();
    assert_eq!(peer.drops(), ["unreadable Opus packet"]);
    assert_eq!(peer.times(), [20]);
}

#[test]
fn the_codec_may_change_with_a_header() {
    let mut peer = Peer::publishing();
    peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    peer.feed(&audio(0, AUDIO_FRAME)).unwrap();
    peer.feed(&audio(21, &extended(FRAME, "Opus", PACKET)))
        .unwrap();
    peer.feed(&audio(21, &extended(START, "Opus", HEAD)))
        .unwrap();
    peer.feed(&audio(41, &extended(FRAME, "Opus", PACKET)))
        .unwrap();
    peer.feed(&audio(61, AUDIO_FRAME)).unwrap();
    let stray = "audio of another codec than announced";
    assert_eq!(peer.drops(), [stray, stray]);
    assert_eq!(peer.times(), [0, 41]);
}
