//! RFC 9725 section 4.3: what a PATCH must say, and a restart of ICE that nobody watching notices.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::Duration;

use sfu::{Patched, Precondition, Refusal, SessionId};
use str0m::change::SdpAnswer;
use support::World;

const CANDIDATES: &str = "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
    a=candidate:1 1 udp 1 198.51.100.9 5000 typ host\r\n\
    a=candidate:2 1 sctp 1 198.51.100.9 5000 typ host\r\n\
    a=candidate:3 1 udp 1 0b1f1a2e-1111-4222-8333-abcdefabcdef.local 5000 typ host\r\n\
    a=candidate:4 1 udp 1 not.resolvable.invalid 5000 typ host\r\n";

fn with(ufrag: &str, pwd: &str) -> String {
    format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n{CANDIDATES}")
}

const PWD: &str = "a-password-of-22-chars-or-more";

fn restarted(patched: Result<Patched, Refusal>) -> (String, u32) {
    match patched {
        Ok(Patched::Restarted {
            fragment,
            generation,
        }) => (fragment, generation),
        other => panic!("{other:?}"),
    }
}

fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} in\n{text}"))
}

/// The viewer's own credentials, as its offer gave them.
fn remote_ufrag(world: &mut World, id: SessionId) -> String {
    let viewer = world.viewers.get_mut(&id).unwrap();
    viewer.rtc.direct_api().local_ice_credentials().ufrag
}

#[test]
fn candidates_are_taken_whatever_they_are_and_need_the_latest_session() {
    let mut world = World::new();
    let id = world.join(1);
    let ufrag = remote_ufrag(&mut world, id);
    let own = with(&ufrag, PWD);
    let many = format!(
        "{own}{}",
        "a=candidate:1 1 udp 1 198.51.100.9 5 typ host\r\n".repeat(1_000)
    );
    let mut patch = |precondition, text: &str| world.sfu.patch(id, precondition, text);
    for text in [&own, &many, CANDIDATES, "a=end-of-candidates\r\n"] {
        for fits in [
            Precondition::Generation(0),
            Precondition::Any,
            Precondition::Waived,
        ] {
            assert_eq!(patch(fits, text), Ok(Patched::Trickled));
        }
        for (wrong, refusal) in [
            (Precondition::Generation(1), Refusal::PreconditionFailed),
            (Precondition::Unknown, Refusal::PreconditionFailed),
            (Precondition::Missing, Refusal::PreconditionMissing),
        ] {
            assert_eq!(patch(wrong, text), Err(refusal));
        }
    }
    let restart = with("abcd", PWD);
    assert_eq!(
        patch(Precondition::Waived, &restart),
        Err(Refusal::PreconditionMissing),
        "a restart always says what it replaces"
    );
    for wrong in [
        "hello",
        "",
        "a=mid:0\r\n",
        "a=ice-ufrag:abcd\r\n",
        "a=ice-ufrag:ab\r\na=ice-pwd:a-password-of-22-chars-or-more\r\n",
        "a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n",
        "a=ice-ufrag:abcd\r\na=ice-ufrag:efgh\r\na=ice-pwd:a-password-of-22-chars-or-more\r\n",
    ] {
        let refused = patch(Precondition::Any, wrong);
        assert!(
            matches!(refused, Err(Refusal::Malformed(_))),
            "{wrong:?}: {refused:?}"
        );
    }
    let nobody = world.sfu.patch(SessionId(2), Precondition::Any, CANDIDATES);
    assert_eq!(nobody, Err(Refusal::NoSession));
}

#[test]
fn media_flows_through_a_restart_without_a_gap() {
    let mut world = World::new();
    world.publish(30, 30, 3_000);
    let id = world.join_and_connect(1);
    world.publish(30, 30, 3_000);
    let (old, old_pwd) = {
        let answer = &world.viewers[&id].answer;
        (
            value(answer, "a=ice-ufrag:").to_owned(),
            value(answer, "a=ice-pwd:").to_owned(),
        )
    };
    let viewer = world.viewers.get_mut(&id).unwrap();
    let mut changes = viewer.rtc.sdp_api();
    let creds = changes.ice_restart(true);
    let (_, pending) = changes.apply().unwrap();
    let fragment = with(&creds.ufrag, &creds.pass);
    let (fragment, generation) = restarted(world.sfu.patch(id, Precondition::Any, &fragment));
    assert_eq!(generation, 1);
    let (ufrag, pwd) = (
        value(&fragment, "a=ice-ufrag:"),
        value(&fragment, "a=ice-pwd:"),
    );
    assert!(ufrag != old && pwd != old_pwd);
    let candidate = value(&fragment, "a=candidate:");
    assert!(candidate.contains("192.0.2.1 8189 typ host") && !candidate.contains("ufrag"));
    assert!(fragment.starts_with("a=ice-lite\r\nm=") && fragment.contains("\r\na=mid:"));
    // The network is slow to tell the viewer: media goes on the old way meanwhile.
    world.publish(30, 30, 3_000);
    let answer = world.viewers[&id]
        .answer
        .replace(&old, ufrag)
        .replace(&old_pwd, pwd);
    let viewer = world.viewers.get_mut(&id).unwrap();
    let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
    viewer.rtc.sdp_api().accept_answer(pending, answer).unwrap();
    world.pump(id);
    world.publish(600, 30, 3_000);
    world.run(Duration::from_millis(100));
    assert!(world.closed(id).is_none(), "{:?}", world.closed(id));
    let viewer = &world.viewers[&id];
    assert_eq!(
        viewer.whole_frames(),
        (0..690).collect::<Vec<_>>(),
        "no frame is missing"
    );
    let mut ssrcs: Vec<_> = viewer.video_packets().map(|it| it.header.ssrc).collect();
    ssrcs.dedup();
    assert_eq!(ssrcs.len(), 1, "and none came by another SSRC");
    let late = world.sfu.patch(id, Precondition::Generation(0), CANDIDATES);
    assert_eq!(late, Err(Refusal::PreconditionFailed));
    let late = world.sfu.patch(id, Precondition::Generation(1), CANDIDATES);
    assert_eq!(late, Ok(Patched::Trickled));
}

#[test]
fn a_restart_that_comes_to_nothing_leaves_the_session_as_it_was() {
    let mut world = World::new();
    world.publish(30, 30, 3_000);
    let id = world.join_and_connect(1);
    for n in 1..=50 {
        let fragment = with(&format!("new{n}"), PWD);
        let (_, generation) = restarted(world.sfu.patch(id, Precondition::Any, &fragment));
        assert_eq!(generation, n);
    }
    // Consent would have expired twice.
    world.publish(1_800, 30, 3_000);
    world.run(Duration::from_millis(100));
    assert!(world.closed(id).is_none());
    assert_eq!(
        world.viewers[&id].whole_frames(),
        (0..1_830).collect::<Vec<_>>()
    );
    let overtaken = with("new49", PWD);
    assert!(
        world.sfu.patch(id, Precondition::Any, &overtaken).is_ok(),
        "what came to nothing may come again"
    );
    world.sfu.remove(world.now, id);
    world.drain_sfu();
    assert_eq!(world.sfu.counters().addresses, 0);
}
