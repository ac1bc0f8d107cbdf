//! What a broadcaster is told, from RTMP bytes on: within five seconds of going live, once, and taken back when it is mended.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use common::{AVCC, AVCC_B_FRAMES, Publisher, World, name};
use engine::{Input, Output, StreamEvent, Verdict};

/// x264 of the picture of [`AVCC`], High 4:2:2.
const AVCC_422: &[u8] = &[
    0x01, 0x7a, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x7a, 0x00, 0x0d, 0xbc, 0xb2, 0x02, 0x83,
    0x3f, 0x1b, 0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0xe0, 0x78, 0xa1,
    0x52, 0x40, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xc3, 0xcb, 0x22, 0xc0, 0xfe, 0xf8, 0xf8, 0x00,
];

/// The same, High 10.
const AVCC_10_BIT: &[u8] = &[
    0x01, 0x6e, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x6e, 0x00, 0x0d, 0xa6, 0xcb, 0x20, 0x28,
    0x33, 0xf3, 0xe0, 0x22, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x78, 0x1e, 0x28,
    0x54, 0x90, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xc3, 0xcb, 0x22, 0xc0, 0xfd, 0xfa, 0xfa, 0x00,
];

/// The same, interlaced, High.
const AVCC_INTERLACED: &[u8] = &[
    0x01, 0x64, 0x00, 0x15, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x64, 0x00, 0x15, 0xac, 0xe4, 0x05, 0x0c,
    0xfc, 0x98, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x0f, 0x8a, 0x15, 0x24,
    0x01, 0x00, 0x06, 0x68, 0xfb, 0x83, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
];

/// AAC-LC, 48 kHz, stereo; 32 kHz, mono; 44.1 kHz, 5.1; HE-AAC, 24 kHz of which it makes 48.
const STEREO: &[u8] = &[0x11, 0x90];
const MONO_32: &[u8] = &[0x12, 0x88];
const SURROUND: &[u8] = &[0x12, 0x30];
const HE: &[u8] = &[0x2b, 0x11, 0x88, 0x00];

/// Goes live with these configurations.
fn live(world: &mut World, conn: u64, avcc: &[u8], asc: &[u8]) -> Publisher {
    let publisher = world.publish(conn, "show");
    world.send(publisher.conn, publisher.video_config(avcc));
    world.send(publisher.conn, publisher.audio_config_of(asc));
    publisher
}

/// Sends picture and sound in real time from frame number `first` on, as `-re` and OBS do.
fn show(world: &mut World, publisher: &Publisher, first: u32, count: u32, gop: u32) {
    for n in first..first + count {
        world.send(publisher.conn, publisher.audio(n * 1000 / 30));
        world.frames(publisher, n, 1, gop);
    }
}

fn leave(world: &mut World, publisher: Publisher) {
    world.input(Input::RtmpClosed {
        conn: publisher.conn,
    });
    world.pass(Duration::from_secs(2));
}

fn standing(world: &World) -> Vec<Verdict> {
    world.shard.stream(world.now, &name()).unwrap().verdicts
}

fn codes(world: &World) -> Vec<&'static str> {
    standing(world).iter().map(|verdict| verdict.code).collect()
}

/// What was told since this was last asked.
fn told(world: &mut World) -> Vec<&'static str> {
    let told = world.out.drain(..).filter_map(|output| match output {
        Output::Stream {
            event: StreamEvent::Verdict(verdict),
            ..
        } => Some(verdict.code),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_low_latency_stream_is_told_nothing() {
    for (gop, asc) in [(30, STEREO), (60, HE), (120, STEREO)] {
        let mut world = World::new();
        let publisher = live(&mut world, 1, AVCC, asc);
        show(&mut world, &publisher, 0, 30 * 30, gop);
        assert_eq!((codes(&world), told(&mut world)), (vec![], vec![]), "{gop}");
    }
}

#[test]
fn obs_as_it_comes_is_told_of_b_frames_at_once_and_of_its_gop_within_five_seconds() {
    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC_B_FRAMES, STEREO);
    show(&mut world, &publisher, 0, 1, 250);
    let verdicts = standing(&world);
    assert_eq!(codes(&world), ["b_frames"], "announced");
    assert!(verdicts[0].found.contains("up to 2 pictures"));
    assert!(verdicts[0].remedy.contains("bframes=0"));
    show(&mut world, &publisher, 1, 148, 250);
    assert_eq!(told(&mut world), ["b_frames", "long_gop"]);
    // What is measured later is known better, and not told again.
    show(&mut world, &publisher, 149, 110, 250);
    let long = standing(&world).pop().unwrap();
    assert_eq!(long.found, "Key frames are 8.3 s apart.");
    assert!(long.remedy.contains("Keyframe Interval: 2 s"));
    assert!(told(&mut world).is_empty());
}

#[test]
fn b_frames_that_nobody_announced_are_told_when_they_come() {
    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC, STEREO);
    show(&mut world, &publisher, 0, 30, 60);
    assert_eq!(codes(&world), [""; 0]);
    // A slice header of slice_type 6.
    world.send(
        publisher.conn,
        publisher.access_unit(1_000, 0, &[&[0x01, 0b1001_1100]]),
    );
    show(&mut world, &publisher, 31, 8, 60);
    assert_eq!(codes(&world), ["b_frames"]);
}

#[test]
fn formats_that_not_everybody_plays_are_told_at_once() {
    for (avcc, asc, code, found) in [
        (AVCC_422, STEREO, "profile", "High 4:2:2: 4:2:2, 8 bits"),
        (AVCC_10_BIT, STEREO, "profile", "High 10: 4:2:0, 10 bits"),
        (AVCC_INTERLACED, STEREO, "interlaced", "frame_mbs_only_flag"),
        (AVCC, MONO_32, "sample_rate", "32000 samples"),
        (AVCC, SURROUND, "audio_channels", "6 channels"),
    ] {
        let mut world = World::new();
        let publisher = live(&mut world, 1, avcc, asc);
        show(&mut world, &publisher, 0, 1, 60);
        let verdicts = standing(&world);
        assert_eq!(codes(&world), [code]);
        assert!(verdicts[0].found.contains(found), "{}", verdicts[0].found);
        show(&mut world, &publisher, 1, 150, 60);
        assert_eq!(told(&mut world), [code]);
    }
}

#[test]
fn a_publisher_that_comes_back_mended_has_nothing_against_it() {
    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC_B_FRAMES, STEREO);
    show(&mut world, &publisher, 0, 60, 60);
    assert_eq!(told(&mut world), ["b_frames"]);
    leave(&mut world, publisher);
    assert_eq!(codes(&world), ["b_frames"], "until somebody comes");
    // It returns as it was: that stands, and need not be told twice.
    let publisher = live(&mut world, 2, AVCC_B_FRAMES, STEREO);
    show(&mut world, &publisher, 0, 60, 60);
    assert_eq!(
        (codes(&world), told(&mut world)),
        (vec!["b_frames"], vec![])
    );
    leave(&mut world, publisher);
    let publisher = live(&mut world, 3, AVCC, STEREO);
    show(&mut world, &publisher, 0, 60, 60);
    assert_eq!((codes(&world), told(&mut world)), (vec![], vec![]));
    leave(&mut world, publisher);
    let publisher = live(&mut world, 4, AVCC_B_FRAMES, STEREO);
    show(&mut world, &publisher, 0, 60, 60);
    assert_eq!(
        told(&mut world),
        ["b_frames"],
        "another fault than the first"
    );
}

#[test]
fn settings_that_are_mended_while_live_are_judged_anew() {
    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC_B_FRAMES, STEREO);
    show(&mut world, &publisher, 0, 60, 60);
    world.send(publisher.conn, publisher.video_config(AVCC));
    show(&mut world, &publisher, 60, 60, 60);
    assert_eq!(codes(&world), [""; 0]);
}

#[test]
fn a_line_that_stalls_is_told_apart_from_frames_that_are_missing() {
    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC, STEREO);
    show(&mut world, &publisher, 0, 90, 60);
    // Three seconds of nothing, and then all of it.
    world.pass(Duration::from_secs(3));
    for n in 90..180 {
        world.send(publisher.conn, publisher.audio(n * 1000 / 30));
        world.send(publisher.conn, publisher.video(n * 1000 / 30, n % 60 == 0));
    }
    show(&mut world, &publisher, 180, 30, 60);
    assert_eq!(codes(&world), ["slow_uplink"]);
    show(&mut world, &publisher, 210, 30 * 12, 60);
    assert_eq!(codes(&world), [""; 0], "it goes well again");

    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC, STEREO);
    for n in 0..140 {
        if n % 8 == 5 {
            world.pass(Duration::from_nanos(33_333_333));
        } else {
            show(&mut world, &publisher, n, 1, 60);
        }
    }
    assert_eq!(codes(&world), ["unstable_frame_rate"]);
    assert!(standing(&world)[0].found.contains("frames are missing"));
}

#[test]
fn sound_far_from_its_picture_is_told_within_five_seconds() {
    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC, STEREO);
    for n in 0..148 {
        world.send(publisher.conn, publisher.audio(800 + n * 1000 / 30));
        world.frames(&publisher, n, 1, 60);
    }
    assert_eq!(codes(&world), ["av_skew"]);
    assert!(standing(&world)[0].found.starts_with("Sound comes 8"));
}

#[test]
fn a_file_that_is_pushed_faster_than_real_time_is_told() {
    let mut world = World::new();
    let publisher = live(&mut world, 1, AVCC, STEREO);
    for n in 0..600 {
        world.send(publisher.conn, publisher.audio(n * 1000 / 30));
        world.send(publisher.conn, publisher.video(n * 1000 / 30, n % 60 == 0));
        world.pass(Duration::from_millis(2));
    }
    assert_eq!(codes(&world), ["faster_than_real_time"]);
}

#[test]
fn every_code_that_is_told_is_listed() {
    let mut listed = engine::VERDICT_CODES.to_vec();
    listed.sort_unstable();
    listed.dedup();
    assert_eq!(listed, engine::VERDICT_CODES);
}
