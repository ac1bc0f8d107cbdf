//! How sessions end: asked to, left alone, abandoned; and nothing of them stays.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

use media::VideoCodec;
use sfu::{ClosedReason, Reason};
use support::{STREAM, World};

#[test]
fn a_removed_viewer_is_told_and_forgotten() {
    let mut world = World::new();
    world.publish(5, 60, 1_000);
    let (one, two) = (world.join_and_connect(1), world.join_and_connect(2));
    world.sfu.remove(world.now, one);
    world.drain_sfu();
    world.run(Duration::from_millis(100));
    assert_eq!(world.closed(one), Some(&ClosedReason::Removed));
    assert!(
        world.viewers[&one].closed,
        "close_notify reached the viewer"
    );
    assert!(world.sfu.stats(one).is_none());
    let before = world.viewers[&two].packets.len();
    world.publish(5, 60, 1_000);
    assert!(
        world.viewers[&two].packets.len() > before,
        "the other viewer goes on"
    );
    assert_eq!(world.sfu.counters().addresses, 1);
    world.sfu.remove(world.now, one);
    assert_eq!(
        world.sfu.poll_output(),
        None,
        "nothing follows a second time"
    );
}

#[test]
fn a_viewer_who_closes_is_noticed_at_once() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.viewers.get_mut(&id).unwrap().rtc.close().unwrap();
    world.pump(id);
    world.run(Duration::from_millis(100));
    assert_eq!(world.closed(id), Some(&ClosedReason::Peer));
    assert_eq!(world.sfu.counters().sessions, 0);
}

#[test]
fn a_viewer_who_never_connects_is_reaped_after_fifteen_seconds() {
    let mut world = World::new();
    let id = world.join(1);
    world.viewers.clear();
    assert!(world.sfu.poll_timeout().is_some());
    world.run(Duration::from_millis(14_900));
    assert_eq!(world.closed(id), None);
    world.run(Duration::from_millis(200));
    assert_eq!(world.closed(id), Some(&ClosedReason::HalfOpen));
    let counters = world.sfu.counters();
    assert_eq!(
        (
            counters.sessions,
            counters.half_open,
            counters.half_open_reaped
        ),
        (0, 0, 1)
    );
    assert_eq!(world.sfu.poll_timeout(), None, "no timer stays");
}

#[test]
fn a_viewer_who_vanishes_is_let_go_when_consent_expires() {
    let mut world = World::new();
    world.publish(5, 60, 1_000);
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(60));
    assert_eq!(
        world.closed(id),
        None,
        "a silent viewer who answers checks stays"
    );
    world.viewers.clear();
    world.run(Duration::from_secs(25));
    assert_eq!(world.closed(id), None);
    world.run(Duration::from_secs(6));
    assert_eq!(world.closed(id), Some(&ClosedReason::ConsentLost));
}

#[test]
fn the_end_of_a_stream_ends_its_sessions() {
    let mut world = World::new();
    world.publish(5, 60, 1_000);
    let (one, two) = (world.join_and_connect(1), world.join(2));
    world.sfu.remove_stream(world.now, STREAM);
    world.drain_sfu();
    for id in [one, two] {
        assert_eq!(world.closed(id), Some(&ClosedReason::StreamEnded));
    }
    let counters = world.sfu.counters();
    assert_eq!(
        (counters.sessions, counters.half_open, counters.addresses),
        (0, 0, 0)
    );
}

#[test]
fn a_viewer_of_another_codec_is_told_to_come_again() {
    let mut world = World::new();
    world.publish(5, 60, 1_000);
    let id = world.join_and_connect(1);
    world
        .sfu
        .set_video_codec(world.now, STREAM, Some(VideoCodec::H264));
    world.drain_sfu();
    assert_eq!(world.closed(id), None, "it is the one agreed on");
    world
        .sfu
        .set_video_codec(world.now, STREAM, Some(VideoCodec::Vp8));
    world.drain_sfu();
    assert_eq!(world.closed(id), Some(&ClosedReason::CodecChanged));
    assert_eq!(world.sfu.counters().sessions, 0);
}

#[test]
fn deadlines_say_why() {
    let mut world = World::with(|config| config.half_open_timeout = Duration::from_millis(1));
    world.join(1);
    assert!(matches!(
        world.sfu.poll_timeout(),
        Some((_, Reason::HalfOpen | Reason::Transport))
    ));
}
