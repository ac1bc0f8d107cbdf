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
    assert_eq!(stats.narrowed, 0, "{stats:?}");
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
fn an_interruption_makes_no_link_narrow() {
    let mut world = World::new();
    world.publish(5, 60, 6_000);
    let id = world.join_and_connect(1);
    world.publish(100, 60, 6_000);
    // Two seconds of nothing.
    world.loses = Box::new(is_media);
    world.publish(60, 60, 6_000);
    world.loses = Box::new(|_| false);
    world.publish(300, 60, 6_000);
    world.run(LATENCY * 10);
    let stats = world.sfu.stats(id).unwrap();
    assert_eq!((stats.narrow, stats.narrowed), (false, 0), "{stats:?}");
    let frames = world.viewers[&id].whole_frames();
    assert!(
        frames.ends_with(&(180..465).collect::<Vec<_>>()),
        "{frames:?}"
    );
}

#[test]
fn what_was_lost_on_another_way_makes_no_link_narrow() {
    let mut world = World::new();
    world.publish(5, 60, 6_000);
    let id = world.join_and_connect(1);
    world.publish(100, 60, 6_000);
    for port in 7_001..7_006 {
        world.viewers.get_mut(&id).unwrap().address.set_port(port);
        world.publish(300, 60, 6_000);
    }
    let stats = world.sfu.stats(id).unwrap();
    assert_eq!((stats.narrow, stats.narrowed), (false, 0), "{stats:?}");
    let last: Vec<u32> = (1_565..1_600).collect();
    let frames = world.viewers[&id].whole_frames();
    assert!(
        last.iter().all(|frame| frames.contains(frame)),
        "{frames:?}"
    );
}

#[test]
fn a_viewer_on_a_narrow_link_gets_what_it_bears_and_costs_no_other_a_frame() {
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
    let at_first = world.sfu.stats(slow).unwrap();
    assert!(at_first.narrow && at_first.narrowed == 1, "{at_first:?}");
    assert!(
        at_first.retransmitted <= at_first.packets_sent,
        "what is asked for again does not double it: {at_first:?}"
    );
    let seen = world.viewers[&slow].whole_frames().len();
    // Twenty seconds: ten groups of 60 frames, 5 packets each, and 600 of sound.
    world.publish(600, 60, 6_000);
    let stats = world.sfu.stats(slow).unwrap();
    let sent = stats.packets_sent - at_first.packets_sent - 600;
    let again = stats.retransmitted - at_first.retransmitted;
    // Of 3000 packets of video; the link bears about 400.
    assert!((200..600).contains(&(sent + again)), "{sent} and {again}");
    let frames = world.viewers[&slow].whole_frames();
    assert!(frames.len() - seen >= 20, "{:?}", &frames[seen..]);
    assert_eq!(world.closed(slow), None, "it keeps its place");
    world.narrow = None;
    world.publish(1_200, 60, 6_000);
    world.run(Duration::from_secs(1));
    let stats = world.sfu.stats(slow).unwrap();
    assert!(!stats.narrow, "{stats:?}");
    let last: Vec<u32> = (1_985..2_105).collect();
    assert!(world.viewers[&slow].whole_frames().ends_with(&last));
    assert_eq!(
        world.viewers[&other].whole_frames(),
        (0..2_105).collect::<Vec<_>>()
    );
    let other = world.sfu.stats(other).unwrap();
    assert_eq!((other.retransmitted, other.narrowed), (0, 0));
}

#[test]
fn a_picture_larger_than_its_time_still_comes_whole_on_a_narrow_link() {
    let mut world = World::new();
    world.publish(5, 60, 20_000);
    let slow = world.join_and_connect(1);
    world.narrow = Some(Narrow {
        to: world.viewers[&slow].address,
        bytes_per_second: 25_000.0,
        queued: 0.0,
        since: world.now,
    });
    // A group of a second whose IDR alone takes two.
    for _second in 0..60 {
        for frame in 0..30 {
            world.publish_frame(frame == 0, if frame == 0 { 50_000 } else { 20_000 });
            world.run(Duration::from_nanos(33_333_333));
        }
    }
    let frames = world.viewers[&slow].whole_frames();
    let late = frames.iter().filter(|frame| **frame > 305);
    assert!(late.count() >= 8, "{frames:?}");
    assert!(frames.iter().any(|frame| *frame > 1_505), "{frames:?}");
}

#[test]
fn a_link_that_was_bad_for_a_while_is_trusted_again_though_it_still_loses_some() {
    let mut world = World::new();
    world.publish(5, 250, 6_000);
    let id = world.join_and_connect(1);
    let mut count = 0;
    world.loses = Box::new(move |datagram| {
        count += usize::from(is_media(datagram));
        is_media(datagram) && count % 5 > 0
    });
    world.publish(300, 250, 6_000);
    assert!(world.sfu.stats(id).unwrap().narrow);
    world.loses = Box::new(move |datagram| {
        count += usize::from(is_media(datagram));
        is_media(datagram) && count % 10 == 0
    });
    // Groups of eight seconds, as encoders left to themselves make.
    world.publish(1_795, 250, 6_000);
    assert!(!world.sfu.stats(id).unwrap().narrow);
    world.run(LATENCY * 10);
    let last: Vec<u32> = (1_975..2_090).collect();
    let frames = world.viewers[&id].whole_frames();
    assert!(
        last.iter().all(|frame| frames.contains(frame)),
        "{frames:?}"
    );
}
