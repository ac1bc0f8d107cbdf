//! NACK and RTX: what the network loses is sent again, within a bound.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

use support::{LATENCY, Narrow, World, is_media};

#[test]
fn every_frame_comes_whole_through_five_per_cent_of_loss() {
    let mut world = World::new();
    world.publish(5, 60, 6_000);
    let id = world.join_and_connect(1);
    let mut count = 0;
    world.loses = Box::new(move |datagram| {
        count += usize::from(is_media(datagram));
        is_media(datagram) && count % 20 == 0
    });
    world.publish(300, 60, 6_000);
    world.loses = Box::new(|_| false);
    world.publish(30, 60, 6_000);
    world.run(LATENCY * 10);
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (0..335).collect::<Vec<_>>()
    );
    let stats = world.sfu.stats(id).unwrap();
    assert!(stats.retransmitted >= 60, "{stats:?}");
    assert!(stats.nacks > 0 && stats.keyframe_requests == 0, "{stats:?}");
}

#[test]
fn what_is_lost_of_the_past_is_repaired_too() {
    let mut world = World::new();
    // str0m as a receiver asks for the newest hundred packets only; browsers for a thousand.
    world.publish(12, 60, 6_000);
    // Its history, until it has grown to a hundred, forgets a packet or two when one is sent ahead of
    // its turn: a viewer who loses just those asks for a key frame.
    let mut count = 0;
    world.loses = Box::new(move |datagram| {
        count += usize::from(is_media(datagram));
        is_media(datagram) && count % 10 == 5
    });
    let id = world.join_and_connect(1);
    world.loses = Box::new(|_| false);
    world.publish(10, 60, 6_000);
    world.run(LATENCY * 10);
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (0..22).collect::<Vec<_>>()
    );
    let stats = world.sfu.stats(id).unwrap();
    assert_eq!(stats.keyframe_requests, 0, "{stats:?}");
    assert!(
        (5..30).contains(&stats.retransmitted),
        "of about 72 packets: {stats:?}"
    );
}

#[test]
fn a_viewer_who_loses_nearly_all_costs_at_most_twice_the_stream() {
    let mut world = World::new();
    world.publish(5, 60, 6_000);
    let id = world.join_and_connect(1);
    let mut count = 0;
    world.loses = Box::new(move |datagram| {
        count += usize::from(is_media(datagram));
        is_media(datagram) && count % 5 != 0
    });
    world.publish(300, 60, 6_000);
    let stats = world.sfu.stats(id).unwrap();
    assert!(stats.retransmitted > 100, "{stats:?}");
    assert!(
        stats.retransmitted <= stats.packets_sent + stats.packets_sent / 4,
        "{stats:?}"
    );
}

#[test]
fn a_viewer_on_a_narrow_link_costs_no_other_a_frame_and_comes_back() {
    let mut world = World::new();
    world.publish(5, 60, 6_000);
    let (slow, other) = (world.join_and_connect(1), world.join_and_connect(2));
    // 200 of the stream's 1,440 kbit/s.
    world.narrow = Some(Narrow {
        to: world.viewers[&slow].address,
        bytes_per_second: 25_000.0,
        queued: 0.0,
        since: world.now,
    });
    world.publish(300, 60, 6_000);
    let stats = world.sfu.stats(slow).unwrap();
    assert!(
        stats.retransmitted <= stats.packets_sent,
        "what is asked for again does not double it: {stats:?}"
    );
    assert!(world.viewers[&slow].whole_frames().len() < 100);
    assert_eq!(world.closed(slow), None, "it keeps its place");
    world.narrow = None;
    world.publish(120, 60, 6_000);
    world.run(Duration::from_secs(1));
    let last: Vec<u32> = (365..425).collect();
    assert!(world.viewers[&slow].whole_frames().ends_with(&last));
    assert_eq!(
        world.viewers[&other].whole_frames(),
        (0..425).collect::<Vec<_>>()
    );
    assert_eq!(world.sfu.stats(other).unwrap().retransmitted, 0);
}
