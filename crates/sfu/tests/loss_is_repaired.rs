//! NACK and RTX: what the network loses is sent again, within a bound.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use support::{LATENCY, World, is_media};

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
