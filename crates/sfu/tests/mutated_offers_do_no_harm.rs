//! Whatever is done to a good offer, it is answered or refused, and never a panic in anybody's
//! parser.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use media::VideoConfig;
use sfu::{MediaDescription, Offer, Refusal, SessionId, VideoDescription};
use support::{STREAM, World, h264_config};

const OFFERS: [&str; 2] = [
    include_str!("fixtures/chromium-156.sdp"),
    include_str!("fixtures/gstreamer-1.22.sdp"),
];

/// A small generator (xorshift), the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

fn mutate(lines: &mut Vec<String>, dice: &mut Dice) {
    let at = dice.roll(lines.len());
    let other = dice.roll(lines.len());
    match dice.roll(7) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => {
            let keep = lines[at]
                .char_indices()
                .map(|(n, _)| n)
                .nth(dice.roll(12))
                .unwrap_or(0);
            lines[at].truncate(keep);
        }
        4 => {
            let from = char::from(b'0' + u8::try_from(dice.roll(10)).unwrap());
            let to = ["", "9", "65535", "-1", "é", " ", "4294967296"][dice.roll(7)];
            lines[at] = lines[at].replace(from, to);
        }
        5 => lines[at]
            .push_str([" ", ":", "=", "/0", ";packetization-mode=1", "\t111"][dice.roll(6)]),
        _ => {
            let word = [
                "a=setup:active",
                "m=audio 9 x 0",
                "a=inactive",
                "a=mid:0",
                "a=rtpmap:108 opus/48000/2",
            ];
            lines[at] = word[dice.roll(5)].to_owned();
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
}

#[test]
fn mutated_offers_are_answered_or_refused() {
    let mut world = World::new();
    let config = VideoConfig::from(h264_config());
    let media = MediaDescription {
        video: Some(VideoDescription::Source(&config)),
        audio: true,
    };
    let (mut answered, mut dice) = (0, Dice(0x9e37_79b9_7f4a_7c15));
    for round in 0..3_000 {
        let mut lines: Vec<String> = OFFERS[round % 2].lines().map(str::to_owned).collect();
        for _ in 0..=dice.roll(6) {
            mutate(&mut lines, &mut dice);
        }
        let sdp = lines.join("\r\n");
        let offer = Offer {
            session: SessionId(1),
            stream: STREAM,
            sdp: &sdp,
            media,
        };
        let checked = offer.check();
        match world.sfu.accept_offer(world.now, offer) {
            Ok(_) => answered += 1,
            Err(Refusal::Transport(error)) => panic!("what is passed on is sound: {error}\n{sdp}"),
            Err(refusal) => assert_eq!(checked, Err(refusal)),
        }
        world.sfu.remove(world.now, SessionId(1));
        while world.sfu.poll_output().is_some() {}
    }
    assert!(
        (300..2_900).contains(&answered),
        "{answered} of 3000 were answered"
    );
    assert_eq!(world.sfu.counters().sessions, 0);
}

#[test]
fn one_number_for_two_payloads_is_refused() {
    let mut world = World::new();
    let config = VideoConfig::from(h264_config());
    let media = MediaDescription {
        video: Some(VideoDescription::Source(&config)),
        audio: true,
    };
    for number in ["108", "109"] {
        let sdp = OFFERS[0].replace("SAVPF 111", &format!("SAVPF {number}"));
        let sdp = sdp.replace(":111 ", &format!(":{number} "));
        let offer = Offer {
            session: SessionId(1),
            stream: STREAM,
            sdp: &sdp,
            media,
        };
        let refusal = world.sfu.accept_offer(world.now, offer).unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed(text) if text.contains("payload type")));
    }
}
