//! A WHIP publisher on the timeline: where an epoch begins, goes on, and begins anew.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for"
)]

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use media::{UnixMillis, VideoCodec, VideoConfig, h264, vp8};
use sfu::{Sfu, StreamId};

use super::*;
use crate::{
    Config,
    api::{Output, StreamEvent, StreamName},
    budget::Budget,
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
    budget: Budget,
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
            budget: Budget::new(1.0, 4),
            out: VecDeque::new(),
        }
    }

    /// A picture of one packet, and a thirtieth of a second.
    fn picture(&mut self, rtp_time: i64, config: Option<&[u8]>) {
        let sets = |sps: &[u8]| {
            let pps = vec![Bytes::from_static(PPS)];
            h264::configure(vec![Bytes::copy_from_slice(sps)], pps)
                .unwrap()
                .into()
        };
        self.picture_of(rtp_time, config.map(sets));
    }

    /// The same, in any codec.
    fn picture_of(&mut self, rtp_time: i64, config: Option<VideoConfig>) {
        let keyframe = config.is_some();
        let packet = packet(rtp_time, keyframe);
        let unit = AccessUnit {
            rtp_time,
            keyframe,
            config,
            payload: Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88]),
        };
        self.take([Ingest::VideoPacket(packet), Ingest::VideoUnit(unit)]);
        self.now += Duration::from_micros(33_333);
    }

    fn take<const N: usize>(&mut self, ingest: [Ingest; N]) {
        let fx = &mut Effects {
            now: self.now,
            out: &mut self.out,
            sfu: &mut self.sfu,
            budget: &mut self.budget,
        };
        for ingest in ingest {
            self.stream.rtp(fx, ingest);
        }
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
fn a_picture_that_joins_sound_begins_one_epoch() {
    let mut world = World::new();
    world.stream.expect_rtp(true, true);
    // The camera is attached six seconds late; the clocks of sound and picture have nothing in common.
    let (sound, picture) = (|n: i64| n * 960, |n: i64| 1_000_000_000 + n * FRAME);
    for n in 0..300 {
        world.take([opus(sound(n))]);
        world.now += Duration::from_millis(20);
    }
    assert_eq!(world.stream.clock.epoch(), 1, "of sound alone");
    // Its first key frame leaves in paced packets, with sound between them.
    for n in 0..5 {
        let packet = packet(picture(0), n == 0);
        world.take([Ingest::VideoPacket(packet), opus(sound(300 + n))]);
        world.now += Duration::from_millis(20);
    }
    world.picture(picture(0), Some(SPS));
    for n in 1..60 {
        world.take([opus(sound(305 + n))]);
        world.picture(picture(n), None);
    }
    assert_eq!(world.stream.clock.epoch(), 2);
    let announced = |output: &&Output| {
        matches!(
            output,
            Output::Stream {
                event: StreamEvent::Live { .. },
                ..
            }
        )
    };
    assert_eq!(world.out.iter().filter(announced).count(), 2);
}

fn opus(rtp_time: i64) -> Ingest {
    Ingest::Audio {
        rtp_time,
        payload: vec![0xfc, 1, 2].into(),
    }
}

fn packet(rtp_time: i64, starts_keyframe: bool) -> VideoPacket {
    VideoPacket {
        rtp_time,
        marker: true,
        starts_keyframe,
        payload: vec![0x65, 0x88].into(),
    }
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

fn vp8(width: u8) -> VideoConfig {
    let frame = [0x50, 0x42, 0, 0x9d, 0x01, 0x2a, width, 0, 0x5a, 0];
    vp8::parse_key_frame(&frame).unwrap().into()
}

impl World {
    fn verdicts(&self) -> Vec<&'static str> {
        let verdicts = self.out.iter().filter_map(|output| match output {
            Output::Stream {
                event: StreamEvent::Verdict(verdict),
                ..
            } => Some(verdict.code),
            _ => None,
        });
        verdicts.collect()
    }

    fn inits(&self) -> Vec<hls::Rendition> {
        let inits = self.out.iter().filter_map(|output| match output {
            Output::Hls {
                publication: hls::Publication::Init(init),
                ..
            } => Some(init.rendition),
            _ => None,
        });
        inits.collect()
    }
}

#[test]
fn a_browser_sends_as_many_frames_as_it_can_and_is_told_nothing() {
    let mut world = World::new();
    world.stream.expect_rtp(true, true);
    for n in 0..900 {
        world.take([opus(n * 1_600)]);
        // Two of three, for a while.
        if n % 3 == 1 && (300..600).contains(&n) {
            world.now += Duration::from_micros(33_333);
        } else {
            world.picture(n * FRAME, (n % 60 == 0).then_some(SPS));
        }
    }
    assert_eq!(world.verdicts(), [""; 0]);
}

#[test]
fn vp8_goes_to_webrtc_alone_and_says_so() {
    let mut world = World::new();
    world.stream.expect_rtp(true, true);
    for n in 0..90 {
        world.picture_of(n * FRAME, (n % 30 == 0).then(|| vp8(160)));
    }
    assert_eq!(world.stream.clock.epoch(), 1);
    assert_eq!(world.verdicts(), ["vp8_no_hls"]);
    let video = world.stream.status(world.now).video.unwrap();
    assert_eq!(
        (video.codec, video.codecs.as_str()),
        (VideoCodec::Vp8, "vp8")
    );
    assert_eq!((video.frames, video.width), (90, 160));
    assert!(!world.inits().contains(&hls::Rendition::Video));
    let failed = |output: &Output| matches!(output, Output::HlsFailed { .. });
    assert!(!world.out.iter().any(failed));
}

#[test]
fn vp8_alone_has_no_epoch_of_ll_hls_and_that_is_no_failure() {
    let mut world = World::new();
    for n in 0..30 {
        world.picture_of(n * FRAME, (n == 0).then(|| vp8(160)));
    }
    let hls: Vec<_> = world
        .out
        .iter()
        .filter_map(|output| match output {
            Output::Hls { publication, .. } => Some(publication.clone()),
            Output::HlsFailed { error, .. } => panic!("{error}"),
            _ => None,
        })
        .collect();
    assert_eq!(hls, [hls::Publication::NotCarried("VP8")]);
    assert_eq!(world.verdicts(), ["vp8_no_hls"]);
}

#[test]
fn another_size_of_vp8_changes_nothing_but_the_size() {
    let mut world = World::new();
    world.stream.expect_rtp(true, true);
    world.picture_of(0, Some(vp8(160)));
    world.picture_of(FRAME, Some(vp8(80)));
    assert_eq!(world.stream.clock.epoch(), 1);
    assert_eq!(world.stream.status(world.now).video.unwrap().width, 80);
    assert_eq!(world.newest(), 900_000 + FRAME);
}

#[test]
fn another_codec_is_another_epoch() {
    let mut world = World::new();
    world.picture_of(0, Some(vp8(160)));
    world.picture(FRAME, Some(SPS));
    assert_eq!(world.stream.clock.epoch(), 2);
    let media = world.stream.media().unwrap();
    let Some(sfu::VideoDescription::Source(config)) = media.video else {
        panic!("{media:?}")
    };
    assert_eq!(config.codec(), VideoCodec::H264);
}

#[test]
fn pictures_for_ll_hls_have_the_cues_and_forged_ones_are_counted() {
    let mut world = World::new();
    world.picture(0, Some(SPS));
    let request = cues::CueRequest {
        card_id: "c1".into(),
        op: cues::Op::Show,
        duration: None,
        payload: Some(cues::Payload::Notice(cues::Notice {
            level: cues::Level::Info,
            text: "in the picture".into(),
        })),
        at: cues::At::Now,
        ends: None,
        if_rev: None,
        idempotency_key: None,
    };
    let fx = &mut Effects {
        now: world.now,
        out: &mut world.out,
        sfu: &mut world.sfu,
        budget: &mut world.budget,
    };
    world.stream.insert_cue(fx, request).unwrap();
    for count in [2, 1] {
        world.take([Ingest::Forged { count }]);
    }
    for n in 1..90 {
        world.picture(n * FRAME, (n % 30 == 0).then_some(SPS));
    }
    let parts = world.out.iter().filter_map(|output| match output {
        Output::Hls {
            publication: hls::Publication::Part(part),
            ..
        } => Some(&part.body),
        _ => None,
    });
    let head = [&media::sei::OWN_UUID[..], b"\x11{\"v\":1,"].concat();
    let holds = |body: &&Bytes| body.windows(head.len()).any(|window| window == head);
    assert_eq!(parts.filter(holds).count(), 1);
    assert_eq!(world.stream.status(world.now).cues_forged, 3);
}
