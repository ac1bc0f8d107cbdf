//! Peers whose network lets no UDP through (RFC 6544): the same session in a TCP connection.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

use sfu::{ClosedReason, FiveTuple, Input, Protocol};
use support::{SERVER, World, udp};

/// A shard that takes TCP alone, and viewers who come by it.
fn world() -> World {
    let mut world = World::with(|config| {
        config.tcp_candidates = std::mem::take(&mut config.candidates);
    });
    world.protocol = Protocol::Tcp;
    world
}

#[test]
fn a_viewer_watches_by_tcp_alone_and_its_connection_ends_with_its_session() {
    let mut world = world();
    world.publish(30, 30, 3_000);
    let id = world.join_and_connect(1);
    let answer = &world.viewers[&id].answer;
    let candidates: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with("a=candidate:"))
        .collect();
    assert!(!candidates.is_empty());
    for candidate in candidates {
        assert!(
            candidate.contains(" tcp ")
                && candidate.contains("192.0.2.1 8189 typ host tcptype passive"),
            "{candidate}"
        );
    }
    world.publish(60, 30, 3_000);
    world.run(Duration::from_millis(100));
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (0..90).collect::<Vec<_>>()
    );
    let tuple = FiveTuple {
        protocol: Protocol::Tcp,
        ..udp(world.viewers[&id].address)
    };
    assert_eq!(world.admitted, [tuple], "once");
    assert_eq!(world.closed_connections, []);
    world.sfu.remove(world.now, id);
    world.drain_sfu();
    assert_eq!(world.closed_connections, [tuple]);
}

#[test]
fn a_connection_that_breaks_ends_its_session_when_consent_does() {
    let mut world = world();
    world.publish(30, 30, 3_000);
    let id = world.join_and_connect(1);
    let tuple = world.admitted[0];
    world.viewers.clear();
    world.sfu.handle_input(world.now, Input::Closed { tuple });
    world.publish(30, 30, 3_000);
    assert_eq!(world.sfu.counters().addresses, 0);
    assert_eq!(world.closed(id), None, "it may come by another");
    world.run(Duration::from_secs(35));
    assert_eq!(world.closed(id), Some(&ClosedReason::ConsentLost));
    assert_eq!(world.closed_connections, [], "it was closed before");
}

#[test]
fn both_kinds_of_candidates_are_told_and_one_way_is_not_the_other() {
    let mut world = World::with(|config| config.tcp_candidates = config.candidates.clone());
    let id = world.join_and_connect(1);
    let answer = &world.viewers[&id].answer;
    let of = |protocol| {
        let candidates = answer
            .lines()
            .filter(|line| line.starts_with("a=candidate:"));
        candidates.filter(|line| line.contains(protocol)).count()
    };
    assert!(of(" udp ") > 0 && of(" udp ") == of(" tcp "), "{answer}");
    let before = world.sfu.counters().datagrams_dropped;
    let by_tcp = FiveTuple {
        protocol: Protocol::Tcp,
        ..udp(world.viewers[&id].address)
    };
    let from_elsewhere = FiveTuple {
        local: "192.0.2.2:8189".parse().unwrap(),
        ..udp(world.viewers[&id].address)
    };
    assert_eq!(by_tcp.local, SERVER.parse().unwrap());
    for stranger in [by_tcp, from_elsewhere] {
        world.receive_by(stranger, &[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    }
    assert_eq!(world.sfu.counters().datagrams_dropped, before + 2);
    assert_eq!(world.admitted, []);
}
