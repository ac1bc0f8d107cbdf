//! `onTextData` and `onCuePoint`: read, placed on the publisher's clock, and no more than a few.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{Chunks, DATA, Peer, amf_object, amf_string, video};
use rtmp::{EncoderCue, EncoderMessage, Event};

fn data(time: u32, name: &str, properties: &[(&str, &str)]) -> Vec<u8> {
    let payload = [amf_string(name), amf_object(properties)].concat();
    Chunks::default().message(5, time, DATA, 1, &payload)
}

fn cues(peer: &Peer) -> Vec<EncoderCue> {
    let cue = |event: &Event| match event {
        Event::Cue(cue) => Some(cue.clone()),
        _ => None,
    };
    peer.events.iter().filter_map(cue).collect()
}

#[test]
fn they_have_the_time_of_their_message() {
    let mut peer = Peer::publishing();
    peer.feed(&data(
        40,
        "onTextData",
        &[("type", "Text"), ("text", "fire mug")],
    ))
    .unwrap();
    peer.feed(&data(80, "onCuePoint", &[("name", "mug")]))
        .unwrap();
    peer.feed(&data(80, "onFI", &[("st", "12:00")])).unwrap();
    let told = cues(&peer);
    assert_eq!(told.len(), 2);
    assert_eq!(
        (told[0].message, told[0].at_ms),
        (EncoderMessage::TextData, 40)
    );
    assert_eq!(told[0].field("text"), Some("fire mug"));
    assert_eq!(
        (told[1].message, told[1].at_ms),
        (EncoderMessage::CuePoint, 80)
    );
    assert_eq!(peer.drops(), ["data message"]);
}

#[test]
fn a_flood_is_left_out_and_the_session_goes_on() {
    let mut peer = Peer::publishing();
    for n in 0..30 {
        peer.feed(&data(n, "onCuePoint", &[("name", "mug")]))
            .unwrap();
    }
    assert_eq!((cues(&peer).len(), peer.drops().len()), (20, 10));
    peer.feed(&video(40, &[])).unwrap();
}
