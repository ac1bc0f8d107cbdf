//! A text counts as acknowledged when the viewer has it, never before: not when it has left, and not
//! because others that followed it have come.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

use sfu::{Event, SessionId, TextMark};
use support::{LATENCY, World, is_media};

/// A viewer with an open channel.
fn watching() -> (World, SessionId) {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(1));
    (world, id)
}

fn send(world: &mut World, id: SessionId, number: u64, text: &str) {
    let mark = TextMark::from([number]);
    let now = world.now;
    world.sfu.send_marked(now, id, text, mark).unwrap();
    world.drain_sfu();
}

/// A text of this number and length.
fn text(number: u64, length: usize) -> String {
    format!("{number}:{}", "x".repeat(length - 2))
}

fn acknowledged(world: &World) -> Vec<u64> {
    let marks = world.events.iter().filter_map(|(_, _, event)| match event {
        Event::TextAcknowledged(mark) => Some(mark[0]),
        Event::Connected
        | Event::ChannelOpen
        | Event::RepeatsOpen
        | Event::Said(_)
        | Event::Ingest(_)
        | Event::Closed { .. } => None,
    });
    marks.collect()
}

fn has(world: &World, id: SessionId, number: u64) -> bool {
    let start = format!("{number}:");
    let mut texts = world.viewers[&id].texts.iter();
    texts.any(|text| text.starts_with(&start))
}

#[test]
fn a_text_is_acknowledged_a_round_trip_after_it_left() {
    let (mut world, id) = watching();
    send(&mut world, id, 1, &text(1, 400));
    world.run(LATENCY);
    assert!(has(&world, id, 1) && acknowledged(&world).is_empty());
    // SCTP answers a single chunk after 200 ms (RFC 9260 section 6.2).
    world.run(Duration::from_millis(300));
    assert_eq!(acknowledged(&world), [1]);
}

#[test]
fn what_is_lost_is_not_acknowledged_by_what_follows_it() {
    let (mut world, id) = watching();
    let mut lose = 1;
    world.loses = Box::new(move |datagram| {
        let loses = !is_media(datagram) && lose > 0;
        lose -= u32::from(loses);
        loses
    });
    send(&mut world, id, 1, &text(1, 400));
    // Each of these comes, and is acknowledged by a gap block: 1200 bytes, thrice what was lost.
    for number in 2..8 {
        send(&mut world, id, number, &text(number, 200));
        for _ in 0..40 {
            world.run(Duration::from_millis(1));
            for number in acknowledged(&world) {
                assert!(has(&world, id, number), "{number} was told too early");
            }
        }
    }
    world.run(Duration::from_secs(5));
    assert_eq!(acknowledged(&world), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn over_a_lossy_way_every_text_is_told_once_and_none_before_it_came() {
    let (mut world, id) = watching();
    let mut state: u64 = 1;
    world.loses = Box::new(move |datagram| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        !is_media(datagram) && (state >> 33) % 10 < 3
    });
    let count = 60;
    for number in 1..=count {
        // Some of several chunks, some of a few bytes.
        let length = [120, 450, 3_000, 40][usize::try_from(number % 4).unwrap()];
        send(&mut world, id, number, &text(number, length));
        for _ in 0..100 {
            world.run(Duration::from_millis(1));
            for number in acknowledged(&world) {
                assert!(has(&world, id, number), "{number} was told too early");
            }
        }
    }
    world.loses = Box::new(|_| false);
    world.run(Duration::from_secs(60));
    assert_eq!(acknowledged(&world), (1..=count).collect::<Vec<_>>());
}

#[test]
fn who_has_left_has_acknowledged_nothing_more() {
    let (mut world, id) = watching();
    world.loses = Box::new(|_| true);
    send(&mut world, id, 1, &text(1, 400));
    world.run(Duration::from_secs(2));
    world.sfu.remove(world.now, id);
    world.drain_sfu();
    world.run(Duration::from_secs(5));
    assert!(acknowledged(&world).is_empty());
}

#[test]
fn a_viewer_that_closes_its_channel_has_acknowledged_nothing_more() {
    let (mut world, id) = watching();
    world.loses = Box::new(|_| true);
    send(&mut world, id, 1, &text(1, 400));
    let viewer = world.viewers.get_mut(&id).unwrap();
    let channel = viewer.channel.unwrap();
    viewer.rtc.direct_api().close_data_channel(channel);
    world.pump(id);
    world.run(Duration::from_secs(5));
    assert!(acknowledged(&world).is_empty());
}

#[test]
fn what_a_viewer_says_is_told_and_what_is_too_long_or_no_text_is_told_as_empty() {
    let (mut world, id) = watching();
    let long = vec![b'x'; (8 << 10) + 1];
    for (binary, said) in [(false, &b"hello"[..]), (true, b"hello"), (false, &long)] {
        let viewer = world.viewers.get_mut(&id).unwrap();
        let channel = viewer.channel.unwrap();
        let mut channel = viewer.rtc.channel(channel).unwrap();
        assert!(channel.write(binary, said).unwrap());
        let timeout = str0m::Input::Timeout(world.now);
        viewer.rtc.handle_input(timeout).unwrap();
        world.pump(id);
        world.run(Duration::from_secs(1));
    }
    let said: Vec<_> = world
        .events
        .iter()
        .filter_map(|(_, of, event)| match event {
            Event::Said(said) if *of == id => Some(said.as_slice()),
            Event::Said(_)
            | Event::TextAcknowledged(_)
            | Event::Connected
            | Event::ChannelOpen
            | Event::RepeatsOpen
            | Event::Ingest(_)
            | Event::Closed { .. } => None,
        })
        .collect();
    assert_eq!(said, [&b"hello"[..], b"", b""]);
}
