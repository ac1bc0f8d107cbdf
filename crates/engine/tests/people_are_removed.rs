//! An operator sends a viewer or the publisher away, or ends the stream.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use common::{AVCC, World, name, offer};
use engine::{Output, PublishError, RemoveError, StreamEvent, StreamName, StreamState};

/// Two seconds of a show.
fn live(world: &mut World) -> common::Publisher {
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.frames(&publisher, 0, 61, 60);
    world.out.clear();
    publisher
}

fn events(world: &World) -> Vec<StreamEvent> {
    let events = world.out.iter().filter_map(|output| match output {
        Output::Stream { event, .. } => Some(event.clone()),
        _ => None,
    });
    events.collect()
}

/// The states that followers of the side channel were told, repetitions left out.
fn told(world: &World) -> Vec<String> {
    let states = world.out.iter().filter_map(|output| match output {
        Output::SideChannel { message, .. } => match cues::channel::parse(message).unwrap() {
            cues::channel::Message::Snapshot(head, _) => Some(head.state),
            cues::channel::Message::Heartbeat(beat) => Some(beat.state),
            cues::channel::Message::Cues(_) => None,
        },
        _ => None,
    });
    let mut states: Vec<_> = states.map(|state| format!("{state:?}")).collect();
    states.dedup();
    states
}

fn sent_to_rtmp(world: &World, text: &str) -> bool {
    world.out.iter().any(|output| match output {
        Output::RtmpSend { data, .. } => data
            .windows(text.len())
            .any(|window| window == text.as_bytes()),
        _ => false,
    })
}

fn rtmp_closed(world: &World) -> bool {
    world
        .out
        .iter()
        .any(|output| matches!(output, Output::RtmpClose { .. }))
}

fn closed_sessions(world: &World) -> Vec<u64> {
    let closed = world.out.iter().filter_map(|output| match output {
        Output::SessionClosed { session, .. } => Some(*session),
        _ => None,
    });
    closed.collect()
}

#[test]
fn a_publisher_by_rtmp_is_told_and_closed_and_may_return() {
    let mut world = World::new();
    live(&mut world);
    world.shard.remove_publisher(world.now, &name()).unwrap();
    world.drain();
    assert!(sent_to_rtmp(&world, "NetStream.Publish.Denied"));
    assert!(sent_to_rtmp(&world, "an operator has removed"));
    assert!(rtmp_closed(&world));
    assert_eq!(events(&world), [StreamEvent::Interrupted]);
    assert_eq!(told(&world), ["Interrupted"], "at once, not by the clock");
    let again = world.shard.remove_publisher(world.now, &name());
    assert_eq!(again, Err(RemoveError::Unpublished("show".to_owned())));

    let publisher = world.publish(2, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.frames(&publisher, 0, 61, 60);
    let status = world.shard.stream(world.now, &name()).unwrap();
    assert_eq!((status.epoch, status.state), (2, StreamState::Live));
    assert_eq!(told(&world).last().unwrap(), "Live");
}

#[test]
fn a_publisher_by_whip_loses_its_session() {
    let mut world = World::new();
    let offer = offer("sendonly");
    let publish = |world: &mut World| {
        world
            .shard
            .publish_offer(world.now, &name(), &offer)
            .map(|answer| answer.session)
    };
    let session = publish(&mut world).unwrap();
    assert!(matches!(publish(&mut world), Err(PublishError::Taken(_))));
    world.shard.remove_publisher(world.now, &name()).unwrap();
    world.drain();
    assert_eq!(closed_sessions(&world), [session]);
    publish(&mut world).unwrap();
}

#[test]
fn a_viewer_loses_its_session_and_nobody_else_does() {
    let mut world = World::new();
    live(&mut world);
    let offer = offer("recvonly");
    let sessions = [(); 2].map(|()| {
        let answer = world.shard.offer(world.now, &name(), &offer);
        answer.unwrap().session
    });
    let [first, second] = sessions;
    world
        .shard
        .remove_viewer(world.now, &name(), first)
        .unwrap();
    world.drain();
    assert_eq!(closed_sessions(&world), [first]);
    let gone = world.shard.remove_viewer(world.now, &name(), first);
    assert!(matches!(gone, Err(RemoveError::UnknownViewer { session, .. }) if session == first));
    let elsewhere = StreamName::parse("other").unwrap();
    let none = world.shard.remove_viewer(world.now, &elsewhere, second);
    assert_eq!(none, Err(RemoveError::UnknownStream("other".to_owned())));
    assert_eq!(events(&world), [], "the show goes on");
}

#[test]
fn a_publisher_is_no_viewer() {
    let mut world = World::new();
    let answer = world
        .shard
        .publish_offer(world.now, &name(), &offer("sendonly"));
    let session = answer.unwrap().session;
    let refused = world.shard.remove_viewer(world.now, &name(), session);
    assert!(matches!(refused, Err(RemoveError::UnknownViewer { .. })));
    assert_eq!(world.shard.viewers(&name()), Some(vec![]));
    let ghost = StreamName::parse("ghost").unwrap();
    assert_eq!(world.shard.viewers(&ghost), None);
}

#[test]
fn a_stream_that_is_ended_ends_for_everybody_at_once() {
    let mut world = World::new();
    live(&mut world);
    let answer = world
        .shard
        .offer(world.now, &name(), &offer("recvonly"))
        .unwrap();
    world.shard.end_stream(world.now, &name()).unwrap();
    world.drain();
    assert!(sent_to_rtmp(&world, "NetStream.Publish.Denied") && rtmp_closed(&world));
    assert_eq!(closed_sessions(&world), [answer.session]);
    assert_eq!(
        events(&world),
        [StreamEvent::Interrupted, StreamEvent::Ended]
    );
    assert_eq!(told(&world), ["Interrupted", "Ended"]);
    let playlists_ended = world.out.iter().any(|output| {
        matches!(
            output,
            Output::Hls {
                publication: hls::Publication::Ended,
                ..
            }
        )
    });
    assert!(playlists_ended);
    assert!(world.shard.stream(world.now, &name()).is_none());
    let again = world.shard.end_stream(world.now, &name());
    assert_eq!(again, Err(RemoveError::UnknownStream("show".to_owned())));
    // The name is free for a new show, whose timeline begins anew.
    live(&mut world);
    assert_eq!(world.shard.stream(world.now, &name()).unwrap().epoch, 1);
}

#[test]
fn a_stream_without_sound_says_so_until_sound_comes() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    let verdicts = |world: &World| -> Vec<&'static str> {
        let status = world.shard.stream(world.now, &name()).unwrap();
        status.verdicts.iter().map(|verdict| verdict.code).collect()
    };
    world.frames(&publisher, 0, 115, 60);
    assert_eq!(verdicts(&world), [""; 0], "sound may still come");
    world.frames(&publisher, 115, 35, 60);
    assert_eq!(verdicts(&world), ["no_sound"], "within five seconds");
    world.send(publisher.conn, publisher.audio_config());
    world.send(publisher.conn, publisher.audio(8_033));
    assert_eq!(verdicts(&world), [""; 0]);
    world.pass(Duration::from_secs(1));
}
