//! A WHIP publisher on the timeline: where an epoch begins, goes on, and begins anew.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use media::{UnixMillis, h264};
use sfu::{Sfu, StreamId};

use super::*;
use crate::{
    Config,
    api::{Output, StreamName},
};

/// x264, baseline, 854x480.
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xda, 0x03, 0x60, 0xf7, 0x9b, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x03, 0x00, 0xca, 0x3c, 0x58, 0xba, 0x80,
];
const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
const FRAME: i64 = 3_000;

struct World {
    now: Instant,
    stream: Stream,
    sfu: Sfu,
    out: VecDeque<Output>,
}

impl World {
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor; the test moves it itself"
    )]
    fn new() -> Self {
        let now = Instant::now();
        let config = Config::new(sfu::Config::new(vec!["192.0.2.1:8189".parse().unwrap()]));
        let name = StreamName::parse("phone").unwrap();
        let wall = UnixMillis(1_700_000_000_000);
        let mut stream = Stream::new(name, StreamId(1), [0, 0], &config, now, wall);
        stream.expect_rtp(true, false);
        Self {
            now,
            stream,
            sfu: Sfu::new(config.sfu, now).unwrap(),
            out: VecDeque::new(),
        }
    }

    /// A picture of one packet, and a thirtieth of a second.
    fn picture(&mut self, rtp_time: i64, config: Option<&[u8]>) {
        let keyframe = config.is_some();
        let packet = VideoPacket {
            rtp_time,
            marker: true,
            starts_keyframe: keyframe,
            payload: vec![0x65, 0x88].into(),
        };
        let sets = |sps: &[u8]| {
            let pps = vec![Bytes::from_static(PPS)];
            h264::configure(vec![Bytes::copy_from_slice(sps)], pps).unwrap()
        };
        let unit = AccessUnit {
            rtp_time,
            keyframe,
            config: config.map(sets),
            payload: Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88]),
        };
        let fx = &mut Effects {
            now: self.now,
            out: &mut self.out,
            sfu: &mut self.sfu,
        };
        self.stream.rtp(fx, Ingest::VideoPacket(packet));
        self.stream.rtp(fx, Ingest::VideoUnit(unit));
        self.now += Duration::from_micros(33_333);
    }

    fn newest(&self) -> i64 {
        self.stream.clock.highest().0
    }
}

#[test]
fn an_epoch_begins_with_a_key_frame_and_keeps_the_distance_of_its_times() {
    let mut world = World::new();
    world.picture(500, None);
    assert_eq!(world.stream.clock.epoch(), 0);
    for n in 0..30 {
        world.picture(7_000 + n * FRAME, (n == 0).then_some(SPS));
    }
    assert_eq!(world.stream.clock.epoch(), 1);
    assert_eq!(world.newest(), 900_000 + 29 * FRAME);
    assert!(world.stream.early.is_empty());
}

#[test]
fn another_size_is_another_epoch_on_the_same_clock() {
    let mut world = World::new();
    world.picture(0, Some(SPS));
    // Level 3.1 in place of 3.0.
    let other: Vec<u8> = SPS
        .iter()
        .enumerate()
        .map(|(n, byte)| if n == 3 { 0x1f } else { *byte })
        .collect();
    world.picture(FRAME, Some(&other));
    assert_eq!(world.stream.clock.epoch(), 2);
    assert_eq!(world.newest(), 900_000 + FRAME);
}

#[test]
fn a_jump_of_the_publishers_clock_costs_the_pictures_up_to_the_next_key_frame_and_no_more() {
    for jump in [-20 * 90_000, 6 * 3_600 * 90_000] {
        let mut world = World::new();
        for n in 0..60 {
            world.picture(n * FRAME, (n == 0).then_some(SPS));
        }
        let before = world.newest();
        let from = 60 * FRAME + jump;
        for n in 0..30 {
            world.picture(from + n * FRAME, None);
        }
        assert_eq!((world.newest(), world.stream.clock.epoch()), (before, 1));
        world.picture(from + 30 * FRAME, Some(SPS));
        assert_eq!(world.stream.clock.epoch(), 2);
        // A second has passed since.
        let passed = world.newest() - before;
        assert!((90_000..100_000).contains(&passed), "{passed}");
    }
}
