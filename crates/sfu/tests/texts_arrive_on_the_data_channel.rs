//! The channel both sides negotiated out of band carries texts, whole and in order.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

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

#[test]
fn what_is_lost_is_said_again_where_the_viewer_has_a_channel_for_it() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    world.run(Duration::from_secs(1));
    world.sfu.repeat_text(world.now, id, "before there is one");
    let viewer = world.viewers.get_mut(&id).unwrap();
    for label in ["repeats", "something else"] {
        let mut api = viewer.rtc.direct_api();
        api.create_data_channel(ChannelConfig {
            label: label.to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            ..ChannelConfig::default()
        });
    }
    world.pump(id);
    world.run(Duration::from_secs(1));
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
