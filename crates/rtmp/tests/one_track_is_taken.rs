//! Of several tracks of a kind the first is taken, and the show goes on.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{AUDIO_HEADER, AVCC, Peer, audio, extended, video, video_frame, video_header};
use media::TrackKind;
use rtmp::Event;

type Wrap<'a> = &'a dyn Fn(u8, &[u8]) -> Vec<u8>;

const MULTITRACK_VIDEO: u8 = 0x96;
const MULTITRACK_AUDIO: u8 = 0x95;

fn others(peer: &Peer) -> Vec<TrackKind> {
    let kind = |event: &Event| match event {
        Event::OtherTracks(kind) => Some(*kind),
        _ => None,
    };
    peer.events.iter().filter_map(kind).collect()
}

/// The first track by the old header, the others wrapped.
#[test]
fn obs_with_several_tracks_goes_on_with_the_first() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    let other = |kind: u8, body: &[u8]| [&[MULTITRACK_VIDEO, kind][..], b"avc1\x01", body].concat();
    peer.feed(&video(0, &other(0x00, AVCC))).unwrap();
    for n in 0..1000 {
        peer.feed(&video(n * 33, &video_frame(n % 60 == 0, 100)))
            .unwrap();
        peer.feed(&video(n * 33, &other(0x01, &[0; 50]))).unwrap();
    }
    assert_eq!(peer.times().len(), 1000);
    assert_eq!(others(&peer), [TrackKind::Video]);
    assert_eq!(peer.drops(), ["other track of several"; 1001]);
    peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    peer.feed(&audio(
        0,
        &[&[MULTITRACK_AUDIO, 0x01][..], b"mp4a\x01\x21"].concat(),
    ))
    .unwrap();
    assert_eq!(others(&peer), [TrackKind::Video, TrackKind::Audio]);
}

/// An encoder may send nothing but other tracks for as long as it likes.
#[test]
fn a_thousand_messages_of_other_tracks_end_nothing() {
    let mut peer = Peer::publishing();
    for n in 0..1000 {
        let message = [&[MULTITRACK_VIDEO, 0x01][..], b"hvc1\x02", &[0; 50]].concat();
        peer.feed(&video(n * 33, &message)).unwrap();
    }
    assert!(!peer.closed);
}

#[test]
fn the_first_track_is_taken_out_of_every_wrapper() {
    let frame = video_frame(true, 100);
    let units = &frame[5..];
    let sized = |id: u8, body: &[u8]| {
        let size = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[id], &size[1..], body].concat()
    };
    let one = |kind: u8, body: &[u8]| [&[MULTITRACK_VIDEO, kind][..], b"avc1\0", body].concat();
    let many = |kind: u8, body: &[u8]| {
        [
            &[MULTITRACK_VIDEO, 0x10 | kind][..],
            b"avc1",
            &sized(1, &[9; 40]),
            &sized(0, body),
        ]
        .concat()
    };
    let codecs = |kind: u8, body: &[u8]| {
        let (first, second) = (sized(0, body), sized(1, &[9; 40]));
        [
            &[MULTITRACK_VIDEO, 0x20 | kind][..],
            b"avc1",
            &first,
            b"av01",
            &second,
        ]
        .concat()
    };
    let wrappers: [Wrap<'_>; 3] = [&one, &many, &codecs];
    for wrap in wrappers {
        let mut peer = Peer::publishing();
        peer.feed(&video(0, &wrap(0, AVCC))).unwrap();
        peer.feed(&video(33, &wrap(3, units))).unwrap();
        // The same without.
        peer.feed(&video(66, &extended(0x23, "avc1", units)))
            .unwrap();
        assert_eq!(peer.times(), [33, 66]);
        assert!(peer.drops().is_empty());
    }
}
