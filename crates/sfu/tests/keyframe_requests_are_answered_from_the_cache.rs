//! A viewer's PLI never reaches the publisher: the group is sent again, under new sequence numbers,
//! and not too often.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

use support::{LATENCY, World};

#[test]
fn the_group_is_sent_again_after_what_was_sent() {
    let mut world = World::new();
    world.publish(10, 60, 3_000);
    let id = world.join_and_connect(1);
    world.publish(5, 60, 3_000);
    world.run(LATENCY);
    let before = world.viewers[&id].video_packets().count();
    world.ask_for_keyframe(id);
    world.run(LATENCY * 3);
    let viewer = &world.viewers[&id];
    let again: Vec<u32> = (0..15).chain(0..15).collect();
    assert_eq!(viewer.whole_frames(), again);
    let packets: Vec<_> = viewer.video_packets().collect();
    assert_eq!(
        packets[before].header.timestamp, packets[0].header.timestamp,
        "never re-timed"
    );
    assert_eq!(*packets[before].seq_no, *packets[before - 1].seq_no + 1);

    world.publish(5, 60, 3_000);
    world.run(LATENCY);
    let whole: Vec<u32> = again.into_iter().chain(15..20).collect();
    assert_eq!(world.viewers[&id].whole_frames(), whole);
    let stats = world.sfu.stats(id).unwrap();
    assert_eq!((stats.keyframe_requests, stats.keyframe_answers), (1, 1));
}

#[test]
fn a_storm_of_requests_is_answered_twice_a_second() {
    let mut world = World::new();
    world.publish(2, 60, 1_000);
    let id = world.join_and_connect(1);
    for _ in 0..200 {
        world.ask_for_keyframe(id);
        world.run(Duration::from_millis(10));
    }
    let stats = world.sfu.stats(id).unwrap();
    assert!(stats.keyframe_requests > 150, "{stats:?}");
    assert!((3..=5).contains(&stats.keyframe_answers), "{stats:?}");
}

#[test]
fn a_request_while_nothing_is_cached_is_left_to_the_next_idr() {
    let mut world = World::new();
    world.publish(2, 60, 1_000);
    let id = world.join_and_connect(1);
    // 9 MB in one group: more than the cache keeps.
    world.publish(20, 60, 480_000);
    world.run(Duration::from_secs(1));
    world.ask_for_keyframe(id);
    world.run(LATENCY * 3);
    assert_eq!(world.sfu.stats(id).unwrap().keyframe_answers, 0);
    assert_eq!(world.sfu.stats(id).unwrap().keyframe_requests, 1);
}

#[test]
fn who_only_wonders_where_the_pictures_are_is_not_shown_the_last_ones_again() {
    let mut world = World::new();
    world.publish(10, 60, 1_000);
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(4));
    // The publisher is silent; Chromium asks every three seconds.
    for _ in 0..5 {
        world.run(Duration::from_secs(3));
        world.ask_for_keyframe(id);
    }
    world.run(LATENCY * 3);
    let frames: Vec<u32> = (0..10).collect();
    assert_eq!(world.viewers[&id].whole_frames(), frames);
    assert_eq!(world.sfu.stats(id).unwrap().keyframe_answers, 0);
    // One whose decoder lost its way asks until it is answered.
    world.run(Duration::from_millis(200));
    world.ask_for_keyframe(id);
    world.run(LATENCY * 3);
    assert_eq!(world.sfu.stats(id).unwrap().keyframe_answers, 1);
    let again: Vec<u32> = (0..10).chain(0..10).collect();
    assert_eq!(world.viewers[&id].whole_frames(), again);
    // And one that asks when pictures come again is answered at once.
    world.publish(1, 60, 1_000);
    world.run(Duration::from_secs(1));
    world.ask_for_keyframe(id);
    world.run(LATENCY * 3);
    assert_eq!(world.sfu.stats(id).unwrap().keyframe_answers, 2);
}

#[test]
fn who_comes_while_the_publisher_is_silent_is_shown_the_last_pictures_twice() {
    let mut world = World::new();
    world.publish(10, 60, 1_000);
    world.run(Duration::from_secs(60));
    let id = world.join_and_connect(1);
    for _ in 0..3 {
        world.run(Duration::from_secs(3));
        world.ask_for_keyframe(id);
    }
    world.run(LATENCY * 3);
    let twice: Vec<u32> = (0..10).chain(0..10).collect();
    assert_eq!(world.viewers[&id].whole_frames(), twice);
}
