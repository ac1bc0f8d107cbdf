//! Datagrams that prove nothing go nowhere, and cost the sessions nothing.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::{net::SocketAddr, time::Duration};

use str0m::ice::{StunMessage, TransId};
use support::{LATENCY, World};

fn stranger() -> SocketAddr {
    "203.0.113.66:666".parse().unwrap()
}

/// A binding request to `username`, signed with `password`.
fn binding_request(username: &str, password: &str) -> Vec<u8> {
    let message = StunMessage::binding_request(username, TransId::new(), true, 7, 1, true);
    let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
    let mut bytes = vec![0; 1_200];
    let sign = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
    let length = message
        .to_bytes(Some(password.as_bytes()), &mut bytes, sign)
        .unwrap();
    bytes.truncate(length);
    bytes
}

fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let line = sdp.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} in\n{sdp}"))
}

#[test]
fn requests_with_a_wrong_name_or_password_are_dropped_and_counted() {
    let mut world = World::new();
    let id = world.join(1);
    let answer = world.viewers[&id].answer.clone();
    let (ufrag, pwd) = (
        attribute(&answer, "a=ice-ufrag:"),
        attribute(&answer, "a=ice-pwd:"),
    );
    let remote = "abcd";
    for request in [
        binding_request(&format!("ffff{ufrag}:{remote}"), pwd),
        binding_request(&format!("{ufrag}:{remote}"), "not the password at all"),
        binding_request("x", pwd),
    ] {
        let before = world.sfu.counters().datagrams_dropped;
        world.receive(stranger(), &request);
        assert_eq!(world.sfu.counters().datagrams_dropped, before + 1);
        assert_eq!(world.sfu.counters().addresses, 0);
    }
}

#[test]
fn nothing_but_an_authenticated_check_makes_an_address_known() {
    let mut world = World::new();
    let id = world.join_and_connect(1);
    let hello = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0];
    let garbage: [&[u8]; 7] = [
        &[],
        &[0],
        &[3; 40],
        &hello,
        &[128, 96, 0, 1],
        &[255; 1_500],
        &[0x80, 200, 0, 0],
    ];
    for datagram in garbage {
        let before = world.sfu.counters().datagrams_dropped;
        world.receive(stranger(), datagram);
        assert_eq!(
            world.sfu.counters().datagrams_dropped,
            before + 1,
            "{datagram:?}"
        );
    }
    assert!(world.closed(id).is_none());
}

#[test]
fn garbage_under_a_viewers_own_address_does_not_end_its_session() {
    let mut world = World::new();
    world.publish(3, 60, 3_000);
    let id = world.join_and_connect(1);
    let address = world.viewers[&id].address;
    for first in 0..=255u8 {
        for length in [1, 2, 12, 13, 25, 60, 1_200] {
            let mut datagram = vec![first.wrapping_mul(31).wrapping_add(7); length];
            datagram[0] = first;
            world.receive(address, &datagram);
        }
    }
    // A fatal alert in the clear (RFC 6347 section 4.1.2.7), which anybody could send.
    world.receive(
        address,
        &[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
    );
    world.publish(10, 60, 3_000);
    world.run(LATENCY);
    assert!(world.closed(id).is_none(), "{:?}", world.closed(id));
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (0..13).collect::<Vec<_>>()
    );
}

#[test]
fn a_viewer_whose_address_changes_is_followed_once_it_has_proved_itself() {
    let mut world = World::new();
    world.publish(30, 30, 3_000);
    let id = world.join_and_connect(1);
    world.publish(30, 30, 3_000);
    let new: SocketAddr = "198.51.100.1:6000".parse().unwrap();
    world.receive(new, &[0x80, 200, 0, 0]);
    assert_eq!(
        world.sfu.counters().addresses,
        1,
        "what proves nothing is not followed"
    );
    let moved = world.now;
    world.viewers.get_mut(&id).unwrap().address = new;
    world.publish(300, 30, 3_000);
    assert_eq!(world.sfu.counters().addresses, 2);
    let viewer = &world.viewers[&id];
    let back = viewer
        .packets
        .iter()
        .find(|(at, _)| *at > moved + LATENCY)
        .unwrap()
        .0;
    assert!(
        back - moved < Duration::from_secs(4),
        "media was away for {:?}",
        back - moved
    );
    assert_eq!(viewer.whole_frames().last(), Some(&359), "and stays");
}

#[test]
fn a_certificate_that_does_not_match_ends_the_session_before_any_media() {
    let mut world = World::new();
    world.publish(3, 60, 3_000);
    for (session, setup) in [(1, "actpass"), (2, "active"), (3, "passive")] {
        let id = world.join_as(session, |offer| {
            let at = offer.find("a=fingerprint:sha-256 ").unwrap() + 22;
            let other = if &offer[at..at + 2] == "00" {
                "11"
            } else {
                "00"
            };
            offer.replace_range(at..at + 2, other);
            *offer = offer.replace("a=setup:actpass", &format!("a=setup:{setup}"));
            let wrong = offer[at..at + 95].to_owned();
            let lines: Vec<String> = offer
                .lines()
                .map(|line| match line.strip_prefix("a=fingerprint:sha-256 ") {
                    Some(_) => format!("a=fingerprint:sha-256 {wrong}\r\n"),
                    None => format!("{line}\r\n"),
                })
                .collect();
            *offer = lines.concat();
        });
        world.run(Duration::from_secs(2));
        assert!(
            matches!(world.closed(id), Some(sfu::ClosedReason::Failed(_))),
            "{setup}"
        );
        assert!(world.viewers[&id].packets.is_empty());
    }
}

#[test]
fn ten_thousand_strangers_leave_no_trace_and_get_no_answer() {
    let mut world = World::new();
    let id = world.join(1);
    let answer = world.viewers[&id].answer.clone();
    let ufrag = attribute(&answer, "a=ice-ufrag:");
    let forged = binding_request(&format!("{ufrag}:abcd"), "a guess of a password");
    // The same without MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 sections 14.5 and 14.7), 24 and 8 octets.
    let mut unsigned = forged[..forged.len() - 32].to_vec();
    let length = u16::try_from(unsigned.len() - 20).unwrap();
    unsigned[2..4].copy_from_slice(&length.to_be_bytes());
    let hello = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0];
    while world.sfu.poll_output().is_some() {}
    let before = world.sfu.counters();
    for n in 0..10_000_u32 {
        let source = SocketAddr::from((n.to_be_bytes(), 666));
        for contents in [&forged, &unsigned, hello.as_slice()] {
            let input = sfu::Input::Datagram {
                tuple: support::udp(source),
                contents,
            };
            world.sfu.handle_input(world.now, input);
            assert_eq!(world.sfu.poll_output(), None);
        }
    }
    let after = world.sfu.counters();
    assert_eq!(after.datagrams_dropped, before.datagrams_dropped + 30_000);
    assert_eq!(
        (after.addresses, after.sessions),
        (before.addresses, before.sessions)
    );
}

/// A check of a viewer's own, as if it had come from somewhere else.
fn check_of(world: &mut World, id: sfu::SessionId) -> Vec<u8> {
    let answer = world.viewers[&id].answer.clone();
    let viewer = world.viewers.get_mut(&id).unwrap();
    let remote = viewer.rtc.direct_api().local_ice_credentials().ufrag;
    let ufrag = attribute(&answer, "a=ice-ufrag:");
    binding_request(
        &format!("{ufrag}:{remote}"),
        attribute(&answer, "a=ice-pwd:"),
    )
}

#[test]
fn a_viewer_cannot_take_anothers_way_by_forging_its_address() {
    let mut world = World::new();
    world.publish(3, 60, 3_000);
    let (victim, thief) = (world.join_and_connect(1), world.join_and_connect(2));
    let address = world.viewers[&victim].address;
    for _ in 0..20 {
        let check = check_of(&mut world, thief);
        let before = world.sfu.counters().datagrams_dropped;
        world.receive(address, &check);
        assert_eq!(world.sfu.counters().datagrams_dropped, before + 1);
        world.publish(30, 60, 3_000);
    }
    world.run(LATENCY);
    assert_eq!(
        world.viewers[&victim].whole_frames(),
        (0..603).collect::<Vec<_>>()
    );
    // What has gone is anybody's.
    world.sfu.remove(world.now, victim);
    let check = check_of(&mut world, thief);
    let before = world.sfu.counters().datagrams_dropped;
    world.receive(address, &check);
    assert_eq!(world.sfu.counters().datagrams_dropped, before);
}

#[test]
fn ways_a_viewer_tries_and_leaves_do_not_cost_it_the_one_it_uses() {
    let mut world = World::new();
    world.publish(3, 60, 3_000);
    let id = world.join_and_connect(1);
    for port in 1..200 {
        let check = check_of(&mut world, id);
        // A way of low priority: nothing is sent there.
        let elsewhere = SocketAddr::new(stranger().ip(), port);
        world.receive(elsewhere, &check);
        world.publish(15, 60, 3_000);
    }
    world.run(LATENCY);
    assert_eq!(world.sfu.counters().addresses, 8);
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (0..3 + 199 * 15).collect::<Vec<_>>()
    );
}

#[test]
fn a_check_that_takes_us_for_the_controlling_side_is_told_and_proves_nothing() {
    let mut world = World::new();
    let id = world.join(1);
    let answer = world.viewers[&id].answer.clone();
    let (ufrag, pwd) = (
        attribute(&answer, "a=ice-ufrag:"),
        attribute(&answer, "a=ice-pwd:"),
    );
    let viewer = world.viewers.get_mut(&id).unwrap();
    let remote = viewer.rtc.direct_api().local_ice_credentials().ufrag;
    let username = format!("{ufrag}:{remote}");
    let message = StunMessage::binding_request(&username, TransId::new(), false, 7, 1, false);
    let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
    let mut bytes = vec![0; 1_200];
    let sign = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
    let length = message
        .to_bytes(Some(pwd.as_bytes()), &mut bytes, sign)
        .unwrap();
    while world.sfu.poll_output().is_some() {}
    let input = sfu::Input::Datagram {
        tuple: support::udp(stranger()),
        contents: &bytes[..length],
    };
    world.sfu.handle_input(world.now, input);
    let Some(sfu::Output::Transmit { tuple, contents }) = world.sfu.poll_output() else {
        panic!("it is answered");
    };
    assert_eq!(tuple, support::udp(stranger()));
    let reply = StunMessage::parse(&contents).unwrap();
    assert_eq!(reply.error_code().map(|(code, _)| code), Some(487));
    assert_eq!(world.sfu.counters().addresses, 0);
}
