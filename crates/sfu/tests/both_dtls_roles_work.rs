//! RFC 8842: whichever side shakes hands first, media flows, under an AEAD profile.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

use sfu::SrtpProfile;
use support::World;

#[test]
fn media_flows_whoever_begins_the_handshake() {
    for (session, setup, answered) in [
        (1, "actpass", "passive"),
        (2, "active", "passive"),
        (3, "passive", "active"),
    ] {
        let mut world = World::new();
        world.publish(5, 60, 3_000);
        let id = world.join_as(session, |offer| {
            *offer = offer.replace("a=setup:actpass", &format!("a=setup:{setup}"));
        });
        world.run(Duration::from_secs(1));
        assert!(
            world.viewers[&id]
                .answer
                .contains(&format!("a=setup:{answered}\r\n"))
        );
        assert!(world.is_connected(id), "{setup}");
        assert_eq!(
            world.viewers[&id].whole_frames(),
            (0..5).collect::<Vec<_>>(),
            "{setup}"
        );
        let stats = world.sfu.stats(id).unwrap();
        assert_eq!(
            stats.srtp_profile,
            Some(SrtpProfile::AeadAes256Gcm),
            "{setup}"
        );
    }
}

#[test]
fn an_offer_without_candidates_and_without_trickle_connects() {
    let mut world = World::new();
    let id = world.join_as(1, |offer| {
        let lines = offer
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("a=candidate"));
        *offer = lines.collect();
    });
    world.run(Duration::from_secs(1));
    assert!(world.is_connected(id));
}
