//! A whole show in virtual time: RTMP bytes in, HLS facts, cues and stream events out.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use common::{AVCC, AVCC_B_FRAMES, World, name};
use cues::{At, CueRequest, Currency, Op, Payload, Price, Product};
use engine::{ChildEvent, Input, Output, StreamEvent, StreamState};
use media::Pts;

/// Where every stream's timeline begins.
const FIRST: i64 = 900_000;

fn show(card_id: &str) -> CueRequest {
    let price = Price {
        minor: 1490,
        currency: Currency::parse("EUR").unwrap(),
    };
    let product = Product {
        sku: "A1".into(),
        title: "Mug".into(),
        price,
        prior_price: None,
        image: None,
        stock: Some(3),
    };
    CueRequest {
        card_id: card_id.into(),
        op: Op::Show,
        duration: None,
        payload: Some(Payload::Product(product)),
        at: At::Now,
        ends: None,
        if_rev: None,
        idempotency_key: None,
    }
}

fn live(world: &mut World) -> common::Publisher {
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.send(publisher.conn, publisher.audio_config());
    publisher
}

fn events(world: &World) -> Vec<StreamEvent> {
    let events = world.out.iter().filter_map(|output| match output {
        Output::Stream { event, .. } => Some(event.clone()),
        _ => None,
    });
    events.collect()
}

#[test]
fn frames_land_on_the_timeline_and_in_the_packager() {
    let mut world = World::new();
    let publisher = live(&mut world);
    world.send(publisher.conn, publisher.audio(0));
    world.frames(&publisher, 0, 151, 60);
    assert_eq!(events(&world), [StreamEvent::Live { epoch: 1 }]);
    let status = world.shard.stream(world.now, &name()).unwrap();
    assert_eq!(status.state, StreamState::Live);
    assert_eq!(
        status.newest_pts,
        Pts(FIRST + 150 * 3000),
        "frames lie on the grid, not on rounded milliseconds"
    );
    assert_eq!(status.newest_utc.0, common::WALL.0 + 5000);
    let video = status.video.unwrap();
    assert_eq!(
        (video.gop_ms, video.b_frames, video.codecs.as_str()),
        (Some(2000), false, "avc1.42c00d")
    );
    let parts = world.out.iter().filter(|output| {
        matches!(output, Output::Hls { publication: hls::Publication::Part(part), .. } if part.rendition == hls::Rendition::Video)
    });
    assert!(
        parts.count() >= 12,
        "two and a half seconds past the first GOP hold that many parts"
    );
}

#[test]
fn a_cue_binds_to_the_first_frame_past_the_lead_and_reaches_every_carrier() {
    let mut world = World::new();
    let publisher = live(&mut world);
    world.frames(&publisher, 0, 121, 60);
    world.out.clear();
    let receipt = world
        .shard
        .insert_cue(world.now, &name(), show("c1"))
        .unwrap();
    let threshold = receipt.cue.cue.pts;
    assert!(
        threshold >= Pts(FIRST + 120 * 3000 + 27_000),
        "300 ms of lead"
    );
    world.frames(&publisher, 121, 60, 60);
    let told = world
        .out
        .iter()
        .any(|o| matches!(o, Output::SideChannel { message, .. } if message.contains("\"cues\"")));
    assert!(told, "the side channel carries it");
    let in_band = world.out.iter().any(|output| match output {
        Output::Hls {
            publication: hls::Publication::Part(part),
            ..
        } => part
            .body
            .windows(16)
            .any(|window| window == b"dev.shopcast.cue"),
        _ => false,
    });
    assert!(in_band, "a part carries it as emsg");
    let ranges = world.out.iter().filter(|output| {
        matches!(
            output,
            Output::Hls {
                publication: hls::Publication::DateRange(_),
                ..
            }
        )
    });
    assert_eq!(ranges.count(), 1);
    let (_, before) = world
        .shard
        .state(&name(), Some(threshold.offset(-1)))
        .unwrap();
    let (_, at) = world.shard.state(&name(), Some(threshold)).unwrap();
    assert_eq!((before.len(), at.len()), (0, 1));
    let frame = world
        .shard
        .cue(&name(), receipt.cue.cue.seq)
        .unwrap()
        .frame_pts
        .unwrap();
    assert!(
        frame >= threshold && frame.since(threshold) < 3000,
        "{frame} is the first frame at or past {threshold}"
    );
}

#[test]
fn a_stream_with_b_frames_is_told_so() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC_B_FRAMES));
    world.frames(&publisher, 0, 61, 60);
    assert!(
        events(&world).iter().any(
            |event| matches!(event, StreamEvent::Verdict(verdict) if verdict.code == "b_frames")
        )
    );
}

#[test]
fn a_publisher_that_returns_continues_the_stream() {
    let mut world = World::new();
    let publisher = live(&mut world);
    world.frames(&publisher, 0, 61, 60);
    world.input(Input::RtmpClosed {
        conn: publisher.conn,
    });
    world.pass(Duration::from_secs(5));
    let again = world.publish(2, "show");
    world.send(again.conn, again.video_config(AVCC));
    world.frames(&again, 0, 1, 60);
    let status = world.shard.stream(world.now, &name()).unwrap();
    assert_eq!((status.epoch, status.state), (2, StreamState::Live));
    // 61 frames took 61 / 30 s, then 5 s passed.
    let expected = FIRST + 61 * 3000 + 5 * 90_000;
    assert!(
        (status.newest_pts.0 - expected).abs() <= 180,
        "{} is not about {expected}",
        status.newest_pts
    );
    let live = [
        StreamEvent::Live { epoch: 1 },
        StreamEvent::Interrupted,
        StreamEvent::Live { epoch: 2 },
    ];
    assert_eq!(events(&world), live);
    // Each is told with its place on the timeline: the first frame, the newest, the first of the new epoch.
    let places: Vec<_> = world
        .out
        .iter()
        .filter_map(|output| match output {
            Output::Stream { pts, .. } => Some(*pts),
            _ => None,
        })
        .collect();
    assert_eq!(places[..2], [Pts(FIRST), Pts(FIRST + 60 * 3000)]);
    assert!((places[2].0 - expected).abs() <= 180, "{}", places[2]);
}

#[test]
fn a_stream_nobody_returns_to_ends() {
    let mut world = World::new();
    let publisher = live(&mut world);
    world.frames(&publisher, 0, 61, 60);
    world.input(Input::RtmpClosed {
        conn: publisher.conn,
    });
    world.pass(Duration::from_secs(19));
    assert!(world.shard.stream(world.now, &name()).is_some());
    world.pass(Duration::from_secs(2));
    assert!(world.shard.stream(world.now, &name()).is_none());
    assert_eq!(events(&world).last(), Some(&StreamEvent::Ended));
    let ended = world.out.iter().any(|o| {
        matches!(
            o,
            Output::Hls {
                publication: hls::Publication::Ended,
                ..
            }
        )
    });
    assert!(ended);
}

#[test]
fn a_second_publisher_waits_until_the_first_is_silent() {
    let mut world = World::new();
    let first = live(&mut world);
    world.frames(&first, 0, 31, 30);
    world.out.clear();
    world.publish(2, "show");
    let refused = world.out.iter().any(|output| match output {
        Output::RtmpSend { conn, data } => {
            conn.0 == 2 && data.windows(7).any(|window| window == b"BadName")
        }
        _ => false,
    });
    assert!(refused, "the first one sends");
    world.pass(Duration::from_millis(2_100));
    world.out.clear();
    world.publish(3, "show");
    let closed = |id| move |o: &Output| matches!(o, Output::RtmpClose { conn } if conn.0 == id);
    assert!(world.out.iter().any(closed(1)), "the silent one gives way");
    assert!(!world.out.iter().any(closed(3)));
}

#[test]
fn audio_goes_to_the_child_and_a_dead_child_is_replaced() {
    let mut world = World::new();
    let publisher = live(&mut world);
    world.frames(&publisher, 0, 2, 60);
    let child = spawned(&world).expect("a stream with AAC starts its child");
    world.input(Input::Child {
        child,
        event: ChildEvent::Spawned,
    });
    world.input(Input::Child {
        child,
        event: ChildEvent::Message(transcode::FromChild::Ready),
    });
    world.out.clear();
    world.send(publisher.conn, publisher.audio(66));
    let sent = world.out.iter().any(|output| {
        matches!(
            output,
            Output::ChildSend {
                message: transcode::ToChild::Frame { .. },
                ..
            }
        )
    });
    assert!(sent);
    world.input(Input::Child {
        child,
        event: ChildEvent::Exited {
            description: "killed".into(),
        },
    });
    world.out.clear();
    world.pass(Duration::from_secs(1));
    assert_eq!(
        spawned(&world),
        Some(child),
        "audio is back within two seconds"
    );
    assert!(
        !events(&world).contains(&StreamEvent::Interrupted),
        "the show goes on"
    );
}

fn spawned(world: &World) -> Option<engine::ChildId> {
    world.out.iter().find_map(|output| match output {
        Output::ChildSpawn { child, .. } => Some(*child),
        _ => None,
    })
}

#[test]
fn a_jump_of_the_publishers_clock_costs_one_new_epoch() {
    for jump_ms in [3_600_000_u32, 0] {
        let mut world = World::new();
        let publisher = live(&mut world);
        // Begin far enough from zero that going back to it is a jump.
        for n in 0..61 {
            world.send(
                publisher.conn,
                publisher.video(100_000 + n * 1000 / 30, n % 60 == 0),
            );
            world.pass(Duration::from_nanos(33_333_333));
        }
        let before = world.shard.stream(world.now, &name()).unwrap().newest_pts;
        for n in 0..121 {
            world.send(
                publisher.conn,
                publisher.video(jump_ms + n * 1000 / 30, n % 60 == 20),
            );
            world.pass(Duration::from_nanos(33_333_333));
        }
        let status = world.shard.stream(world.now, &name()).unwrap();
        assert_eq!(
            events(&world),
            [
                StreamEvent::Live { epoch: 1 },
                StreamEvent::Live { epoch: 2 }
            ]
        );
        let passed = status.newest_pts.since(before);
        assert!(
            (passed - 121 * 3000).abs() <= 6000,
            "{passed} ticks on the timeline"
        );
    }
}
