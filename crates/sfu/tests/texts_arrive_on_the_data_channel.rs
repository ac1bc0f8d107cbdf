//! The channel both sides negotiated out of band carries texts, whole and in order.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use sfu::{Error, Event, SessionId};
use str0m::channel::{ChannelConfig, Reliability};
use support::{LATENCY, World, is_media};

#[test]
fn texts_arrive_in_order_also_through_loss() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(1));
    assert!(
        world
            .events
            .iter()
            .any(|(_, of, event)| *of == id && *event == Event::ChannelOpen)
    );
    let mut count = 0;
    world.loses = Box::new(move |datagram| {
        count += 1;
        !is_media(datagram) && count % 4 == 0
    });
    let texts: Vec<String> = (0..40)
        .map(|n| format!("{{\"n\":{n},\"x\":\"{}\"}}", "é".repeat(700)))
        .collect();
    for text in &texts {
        world.sfu.send_text(world.now, id, text).unwrap();
        world.drain_sfu();
        world.run(Duration::from_millis(50));
    }
    world.loses = Box::new(|_| false);
    world.run(Duration::from_secs(20));
    assert_eq!(world.viewers[&id].texts, texts);
}

/// The viewer opens channels for what may be lost.
fn open(world: &mut World, id: SessionId, labels: &[&str]) {
    let viewer = world.viewers.get_mut(&id).unwrap();
    for label in labels {
        viewer.rtc.direct_api().create_data_channel(ChannelConfig {
            label: (*label).to_owned(),
            ordered: false,
            reliability: Reliability::MaxPacketLifetime { lifetime: 150 },
            ..ChannelConfig::default()
        });
    }
    world.pump(id);
    world.run(Duration::from_secs(1));
}

#[test]
fn what_is_lost_is_said_again_where_the_viewer_has_a_channel_for_it() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(1));
    world.sfu.repeat_text(world.now, id, "before there is one");
    open(&mut world, id, &["repeats", "something else"]);
    let opened =
        |(_, of, event): &&(_, SessionId, Event)| *of == id && *event == Event::RepeatsOpen;
    assert_eq!(world.events.iter().filter(opened).count(), 1);
    // One text is lost; those after it wait for it, and what is said again does not.
    let mut count = 0;
    world.loses = Box::new(move |datagram| {
        count += usize::from(!is_media(datagram));
        count == 1 && !is_media(datagram)
    });
    world.sfu.send_text(world.now, id, "lost").unwrap();
    world.drain_sfu();
    world.run(Duration::from_millis(40));
    assert!(world.viewers[&id].texts.is_empty());
    world.sfu.repeat_text(world.now, id, "lost");
    world.drain_sfu();
    world.run(LATENCY * 2);
    assert_eq!(world.viewers[&id].texts, ["lost"]);
    world.loses = Box::new(|_| false);
    world.run(Duration::from_secs(5));
    assert_eq!(world.viewers[&id].texts, ["lost", "lost"]);
}

/// As an engine does it: a heartbeat each second, a cue of a product card now and then, both said again. One datagram in
/// twenty is lost either way, and the others are up to 100 ms late. SCTP's window is then one datagram (RFC 9260 section
/// 7.2.3), and a text that waits in it for its second holds up whatever does not fit beside it.
#[test]
fn cues_come_in_time_through_loss_and_jitter() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(1));
    open(&mut world, id, &["repeats"]);
    let (down, up, late) = (dice(4), dice(5), dice(6));
    world.loses = Box::new(move |datagram| !is_media(datagram) && down() % 20 == 0);
    world.loses_answer = Box::new(move |datagram| !is_media(datagram) && up() % 20 == 0);
    world.latency = Box::new(move || LATENCY + Duration::from_millis(late() % 100));
    let mut said: BTreeMap<u64, Vec<(bool, String)>> = BTreeMap::new();
    let mut say = |at: u64, text: &str| {
        for (after, again) in [(0, false), (40, true), (100, true), (200, true)] {
            let texts = said.entry(at + after).or_default();
            texts.push((again, text.to_owned()));
        }
    };
    let cues: BTreeMap<u64, String> = (0..CUES).map(|n| (n * 1430, padded(n, 570))).collect();
    for (at, cue) in &cues {
        say(*at, cue);
    }
    for second in 0..CUES * 1430 / 1000 {
        say(second * 1000, &padded(second, 115));
    }
    let (start, mut late) = (world.now, 0);
    let until = |at: u64| start + Duration::from_millis(at);
    let deadlines = cues.iter().map(|(at, cue)| (at + IN_TIME_MS, cue));
    let mut deadlines = deadlines.collect::<BTreeMap<_, _>>();
    for (at, texts) in said {
        while let Some(deadline) = deadlines.first_entry().filter(|it| *it.key() <= at) {
            world.run(until(*deadline.key()).saturating_duration_since(world.now));
            let (_, cue) = deadline.remove_entry();
            late += usize::from(!world.viewers[&id].texts.contains(cue));
            world
                .viewers
                .get_mut(&id)
                .unwrap()
                .texts
                .retain(|text| text.len() > 200);
        }
        world.run(until(at).saturating_duration_since(world.now));
        for (again, text) in texts {
            if again {
                world.sfu.repeat_text(world.now, id, &text);
            } else {
                world.sfu.send_text(world.now, id, &text).unwrap();
            }
            world.drain_sfu();
        }
    }
    assert!(late <= LATE_MAX, "{late} of {CUES} cues came late");
}

/// As many as a show of an hour has.
const CUES: u64 = 6_000;
/// The lead of 300 ms, and as long as a picture waits with a viewer whose network is like that.
const IN_TIME_MS: u64 = 500;
/// One in a thousand; it is one in all. With heartbeats said once it is nine, without the lifetime fourteen, with datagrams of 1150
/// bytes fourteen.
const LATE_MAX: usize = 6;

fn padded(number: u64, length: usize) -> String {
    format!("{number:<length$}")
}

/// Numbers as if thrown (xorshift).
fn dice(seed: u64) -> impl Fn() -> u64 {
    let state = Cell::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
    move || {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        x >> 20
    }
}

#[test]
fn a_viewer_who_does_not_read_is_told_of_and_costs_no_memory() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(1));
    world.loses = Box::new(|_| true);
    let text = "x".repeat(1_000);
    let mut sent = 0;
    let refused = loop {
        match world.sfu.send_text(world.now, id, &text) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        world.drain_sfu();
    };
    assert_eq!(refused, Error::ChannelFull);
    assert!(sent < 200, "{sent} texts of 1 kB were kept");
}

#[test]
fn there_is_no_channel_before_it_is_open_and_none_without_a_session() {
    let mut world = World::new();
    let id = world.join(1);
    assert_eq!(
        world.sfu.send_text(world.now, id, "x"),
        Err(Error::ChannelNotOpen)
    );
    let nobody = SessionId(9);
    assert_eq!(
        world.sfu.send_text(world.now, nobody, "x"),
        Err(Error::NoSession(nobody))
    );
}
