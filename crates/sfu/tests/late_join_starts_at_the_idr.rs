//! A viewer who comes late is sent everything since the last IDR at once, and then what is live.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::{collections::BTreeSet, time::Duration};

use media::TrackKind;
use support::{K_VIDEO, LATENCY, STREAM, World};

#[test]
fn the_cached_group_comes_first_and_the_live_frames_follow_without_a_gap() {
    let mut world = World::new();
    world.publish(75, 60, 3_000);
    let id = world.join_and_connect(1);
    let connected = world.events[0].0;
    let viewer = &world.viewers[&id];
    let (first_at, first) = &viewer.packets[0];
    assert!(
        *first_at <= connected + LATENCY,
        "with the handshake's last flight"
    );
    assert_eq!(
        first.payload[0] & 0x1f,
        24,
        "a STAP-A of the parameter sets"
    );
    assert_eq!(
        first.header.timestamp,
        K_VIDEO.wrapping_add(900_000 + 60 * 3_000)
    );
    assert!(*first.seq_no < 1 << 15, "{}", *first.seq_no);
    assert_eq!(viewer.whole_frames(), (60..75).collect::<Vec<_>>());

    world.publish(10, 60, 3_000);
    world.run(LATENCY);
    let viewer = &world.viewers[&id];
    assert_eq!(viewer.whole_frames(), (60..85).collect::<Vec<_>>());
    let mut numbers: Vec<u64> = viewer
        .video_packets()
        .map(|packet| *packet.seq_no)
        .collect();
    numbers.sort_unstable();
    assert!(
        numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "no number is left out"
    );
    assert!(viewer.packets.len() > numbers.len(), "there is sound too");
}

#[test]
fn without_a_cached_group_video_begins_at_the_next_idr() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.frames = 1;
    world.publish(99, 60, 3_000);
    world.run(LATENCY);
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (60..100).collect::<Vec<_>>()
    );
}

#[test]
fn two_viewers_share_time_stamps_but_no_sequence_numbers() {
    let mut world = World::new();
    world.publish(5, 60, 3_000);
    let (one, two) = (world.join_and_connect(1), world.join_and_connect(2));
    world.publish(5, 60, 3_000);
    world.run(LATENCY);
    let stamps = |id| {
        let viewer = &world.viewers[&id];
        let stamps = viewer.video_packets().map(|packet| packet.header.timestamp);
        stamps.collect::<BTreeSet<_>>()
    };
    assert_eq!(stamps(one), stamps(two));
    assert_eq!(
        world.viewers[&two].whole_frames(),
        (0..10).collect::<Vec<_>>()
    );
    let first = |id| *world.viewers[&id].video_packets().next().unwrap().seq_no;
    assert_ne!(
        first(one),
        first(two),
        "numbers begin at random (1 in 32768 to fail)"
    );
}

#[test]
fn a_viewer_who_connects_between_a_frame_and_its_fan_out_gets_it_once() {
    let mut world = World::new();
    world.publish(3, 60, 3_000);
    let id = world.join_and_connect(1);
    // The frame is in the cache and in the queue at the moment the viewer asks for a key frame.
    let frame = media::Frame {
        track: TrackKind::Video,
        dts: media::Pts(900_000 + 9_000).media_time(),
        pts: media::Pts(900_000 + 9_000).media_time(),
        keyframe: false,
        payload: support::slice(false, 3, 500),
    };
    world.run(Duration::from_secs(1));
    world.ask_for_keyframe(id);
    world.run(LATENCY - Duration::from_nanos(1));
    let packets = world.video.push(&frame).unwrap();
    world
        .sfu
        .forward(world.now, STREAM, TrackKind::Video, packets);
    world.run(LATENCY * 2);
    assert_eq!(world.sfu.stats(id).unwrap().keyframe_answers, 1);
    let frames = world.viewers[&id].whole_frames();
    assert_eq!(
        frames.iter().filter(|frame| **frame == 3).count(),
        1,
        "{frames:?}"
    );
}

#[test]
fn a_gap_in_the_rendition_is_followed_by_the_next_idr() {
    let mut world = World::new();
    world.publish(3, 30, 3_000);
    let id = world.join_and_connect(1);
    // Packetised, but never forwarded: what a full ring between shards would do.
    let lost = media::Frame {
        track: TrackKind::Video,
        dts: media::Pts(0).media_time(),
        pts: media::Pts(0).media_time(),
        keyframe: false,
        payload: support::slice(false, 3, 500),
    };
    world.video.push(&lost).unwrap();
    world.frames += 1;
    world.publish(40, 30, 3_000);
    world.run(LATENCY);
    let expected: Vec<u32> = (0..3).chain(30..44).collect();
    assert_eq!(world.viewers[&id].whole_frames(), expected);
}

#[test]
fn the_past_is_not_sent_twice_though_a_viewer_asks_for_what_is_on_its_way() {
    let mut world = World::new();
    world.publish(55, 60, 9_000);
    let id = world.join_and_connect(1);
    world.publish(5, 60, 3_000);
    world.run(LATENCY);
    let viewer = &world.viewers[&id];
    assert_eq!(viewer.whole_frames(), (0..60).collect::<Vec<_>>());
    let numbers: Vec<u64> = viewer
        .video_packets()
        .map(|packet| *packet.seq_no)
        .collect();
    assert!(
        numbers[1] > numbers[0] + 15,
        "the end of a run comes before its beginning"
    );
    assert_eq!(world.sfu.stats(id).unwrap().retransmitted, 0);
}

#[test]
fn a_long_past_is_sent_in_runs_that_a_socket_can_hold() {
    let mut world = World::new();
    // 240 frames of six packets.
    world.publish(240, 250, 6_000);
    let id = world.join_and_connect(1);
    let viewer = &world.viewers[&id];
    let arrivals: Vec<_> = viewer.packets.iter().map(|(at, _)| *at).collect();
    let span = Duration::from_millis(4);
    let most = arrivals.iter().map(|at| {
        let same = arrivals
            .iter()
            .filter(|other| (*at..*at + span).contains(*other));
        same.count()
    });
    assert!(most.max().unwrap() <= 32);
    let took = arrivals.last().unwrap().duration_since(arrivals[0]);
    assert!(
        took < Duration::from_millis(300),
        "{took:?} for eight seconds"
    );
    world.publish(9, 250, 6_000);
    world.run(LATENCY);
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (0..249).collect::<Vec<_>>()
    );
}

#[test]
fn live_frames_wait_until_the_past_is_sent() {
    let mut world = World::new();
    world.publish(200, 250, 6_000);
    let id = world.join(1);
    world.publish(20, 250, 6_000);
    world.run(LATENCY);
    let viewer = &world.viewers[&id];
    assert_eq!(viewer.whole_frames(), (0..220).collect::<Vec<_>>());
    let mut newest = 0;
    for packet in viewer.video_packets() {
        assert!(newest <= *packet.seq_no + 32, "a run is the farthest ahead");
        newest = newest.max(*packet.seq_no);
    }
}

#[test]
fn a_group_that_begins_while_the_last_is_being_sent_takes_its_place() {
    let mut world = World::new();
    world.publish(246, 250, 6_000);
    let id = world.join(1);
    // The next group comes well before 1500 packets are through.
    world.publish(8, 250, 6_000);
    world.run(LATENCY);
    let frames = world.viewers[&id].whole_frames();
    assert_eq!(frames[..20], (0..20).collect::<Vec<_>>());
    assert_eq!(frames[frames.len() - 4..], [250, 251, 252, 253]);
    assert!(
        frames.len() < 254,
        "the rest of the old group is left out: {}",
        frames.len()
    );
}
