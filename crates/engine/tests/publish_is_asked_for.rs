//! An RTMP client publishes only what it is allowed to, and waits until that is known.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use common::{AVCC, Publisher, World};
use engine::{Config, Input, Output, PublishRefused, Shard, StreamEvent, StreamName};
use media::UnixMillis;
use rtmp::RejectReason;

fn name(text: &str) -> StreamName {
    StreamName::parse(text).unwrap()
}

fn decide(world: &mut World, publisher: Publisher, decision: Result<StreamName, PublishRefused>) {
    world.input(Input::PublishDecided {
        conn: publisher.conn,
        decision,
    });
}

fn refused(description: &str) -> Result<StreamName, PublishRefused> {
    Err(PublishRefused {
        reason: RejectReason::Denied,
        description: description.into(),
    })
}

fn live(world: &World) -> Vec<&str> {
    let live = world.out.iter().filter_map(|output| match output {
        Output::Stream {
            stream,
            event: StreamEvent::Live { .. },
            ..
        } => Some(stream.as_str()),
        _ => None,
    });
    live.collect()
}

fn told(world: &World, publisher: Publisher, text: &str) -> bool {
    world.out.iter().any(|output| {
        matches!(output, Output::RtmpSend { conn, data }
            if *conn == publisher.conn && data.windows(text.len()).any(|window| window == text.as_bytes()))
    })
}

fn closed(world: &World, publisher: Publisher) -> bool {
    world
        .out
        .iter()
        .any(|output| matches!(output, Output::RtmpClose { conn } if *conn == publisher.conn))
}

#[test]
fn nothing_of_a_publisher_is_taken_until_it_is_allowed_and_then_all_of_it() {
    let mut world = World::new();
    let publisher = world.ask_to_publish(1, "sk_secret");
    let asked = world.out.iter().find_map(|output| match output {
        Output::PublishAsked { conn, request } => Some((*conn, request.clone())),
        _ => None,
    });
    let (conn, request) = asked.unwrap();
    assert_eq!(
        (conn, request.stream_key.as_str()),
        (publisher.conn, "sk_secret")
    );
    let said = format!("{:?}", world.out);
    assert!(!said.contains("sk_secret"), "{said}");

    // An encoder that does not wait for its answer.
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.frames(&publisher, 0, 61, 60);
    assert!(!told(&world, publisher, "NetStream.Publish.Start"));
    assert!(live(&world).is_empty() && world.shard.streams(world.now).is_empty());

    decide(&mut world, publisher, Ok(name("show")));
    assert!(told(&world, publisher, "NetStream.Publish.Start"));
    assert_eq!(
        live(&world),
        ["show"],
        "the name is the one that was decided, not the key"
    );
    let status = world.shard.stream(world.now, &name("show")).unwrap();
    assert_eq!(status.video.unwrap().frames, 61);
}

#[test]
fn who_is_refused_hears_why_and_is_closed() {
    let mut world = World::new();
    let publisher = world.ask_to_publish(1, "show");
    decide(&mut world, publisher, refused("ask for a new stream key"));
    assert!(told(&world, publisher, "NetStream.Publish.Denied"));
    assert!(told(&world, publisher, "ask for a new stream key"));
    assert!(closed(&world, publisher) && world.shard.streams(world.now).is_empty());
    assert_eq!(world.shard.poll_timeout(), None, "nothing is left of it");
}

#[test]
fn who_finds_no_room_is_closed_without_a_word_and_may_try_again() {
    let mut world = World::new();
    let mut config = Config::new(sfu::Config::new(vec!["127.0.0.1:8189".parse().unwrap()]));
    config.streams_max = 1;
    world.shard = Shard::new(config, world.now, UnixMillis(0), 1).unwrap();
    world.publish(1, "first");
    let publisher = world.ask_to_publish(2, "show");
    decide(&mut world, publisher, Ok(name("show")));
    assert!(closed(&world, publisher) && !told(&world, publisher, "NetStream"));
    let said = world.out.iter().find_map(|output| match output {
        Output::RtmpFailed { conn, error } if *conn == publisher.conn => Some(error.to_string()),
        _ => None,
    });
    assert!(said.unwrap().contains("1 streams already"), "for the log");
}

#[test]
fn another_application_is_refused_without_a_question() {
    let mut world = World::new();
    let publisher = world.ask_to_publish_in("elsewhere", 1, "show");
    assert!(told(&world, publisher, "NetStream.Publish.Denied"));
    assert!(told(&world, publisher, "rtmp://HOST/live"));
    assert!(closed(&world, publisher));
    assert!(
        !world
            .out
            .iter()
            .any(|output| matches!(output, Output::PublishAsked { .. }))
    );
}

#[test]
fn an_answer_that_nobody_waits_for_does_nothing() {
    let mut world = World::new();
    let gone = world.ask_to_publish(1, "show");
    world.input(Input::RtmpClosed { conn: gone.conn });
    decide(&mut world, gone, Ok(name("show")));
    assert!(world.shard.streams(world.now).is_empty());

    let publisher = world.publish(2, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.frames(&publisher, 0, 31, 30);
    decide(&mut world, publisher, refused("too late"));
    decide(&mut world, publisher, Ok(name("other")));
    assert!(!closed(&world, publisher));
    let names: Vec<_> = world
        .shard
        .streams(world.now)
        .into_iter()
        .map(|status| status.name)
        .collect();
    assert_eq!(names, [name("show")]);
}

#[test]
fn a_question_that_is_never_answered_ends_by_itself() {
    let mut world = World::new();
    let publisher = world.ask_to_publish(1, "show");
    world.pass(Duration::from_secs(11));
    assert!(closed(&world, publisher));
    decide(&mut world, publisher, Ok(name("show")));
    assert!(world.shard.streams(world.now).is_empty());
}

#[test]
fn of_two_who_ask_for_one_stream_the_first_that_is_allowed_has_it() {
    let mut world = World::new();
    let (one, other) = (
        world.ask_to_publish(1, "show"),
        world.ask_to_publish(2, "show"),
    );
    decide(&mut world, other, Ok(name("show")));
    decide(&mut world, one, Ok(name("show")));
    assert!(told(&world, other, "NetStream.Publish.Start"));
    assert!(told(&world, one, "NetStream.Publish.BadName") && closed(&world, one));
    assert!(!closed(&world, other));
}
