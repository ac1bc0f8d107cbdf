//! Commands in and out of order, and the caller's answers.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{Peer, amf_object, amf_string, command, publish};
use rtmp::{Error, Event, Fault, Input, RejectReason};

fn connect(app: &str) -> Vec<u8> {
    command(0, "connect", 1.0, &amf_object(&[("app", app)]))
}

fn publish_on(stream: u32, key: &str) -> Vec<u8> {
    command(
        stream,
        "publish",
        5.0,
        &[vec![5], amf_string(key), amf_string("live")].concat(),
    )
}

#[test]
fn connect_says_what_the_server_takes() {
    let mut peer = Peer::shaken();
    peer.feed(&connect("live")).unwrap();
    for text in [
        "_result",
        "NetConnection.Connect.Success",
        "objectEncoding",
        "capsEx",
        "fourCcList",
        "videoFourCcInfoMap",
        "avc1",
        "mp4a",
    ] {
        assert!(peer.said(text), "{text}");
    }
    // Window acknowledgement size first, as RTMP 1.0 section 7.2.1.1 draws it.
    assert_eq!(peer.sent[..12], [2, 0, 0, 0, 0, 0, 4, 5, 0, 0, 0, 0]);
}

#[test]
fn names_are_taken_apart() {
    for (app, key, expected) in [
        (
            "live/",
            "demo?user=a&pass=b",
            ("live", "demo", Some("user=a&pass=b")),
        ),
        ("live?token=x", "de%6do", ("live", "demo", Some("token=x"))),
        ("a/b", "c", ("a/b", "c", None)),
    ] {
        let mut peer = Peer::shaken();
        peer.feed(&publish(app, key)).unwrap();
        let Event::Publish {
            app,
            stream_key,
            query,
        } = &peer.events[0]
        else {
            panic!()
        };
        assert_eq!(
            (app.as_str(), stream_key.as_str(), query.as_deref()),
            expected
        );
        assert!(
            !format!("{:?}", peer.events[0]).contains("demo"),
            "keys are not printed"
        );
    }
}

#[test]
fn a_rejection_is_told_before_the_close() {
    for (reason, code) in [
        (RejectReason::BadName, "NetStream.Publish.BadName"),
        (RejectReason::Denied, "NetStream.Publish.Denied"),
        (RejectReason::Unsupported, "NetStream.Publish.Rejected"),
    ] {
        let mut peer = Peer::shaken();
        peer.accept = false;
        peer.feed(&publish("live", "demo")).unwrap();
        assert!(!peer.said("onStatus"), "no answer before the caller's");
        let description = "The name is in use. ".repeat(50);
        let error = peer
            .input(Input::Reject {
                reason,
                description,
            })
            .unwrap_err();
        assert!(matches!(error, Error::Rejected { .. }));
        assert!(peer.said(code) && peer.said("The name is in use. ") && peer.closed);
        assert!(
            !peer.events.contains(&Event::Unpublish),
            "nothing was accepted"
        );
    }
}

#[test]
fn what_passes_by_itself_only_closes_the_connection() {
    let mut peer = Peer::shaken();
    peer.accept = false;
    peer.feed(&publish("live", "demo")).unwrap();
    let rejected = peer.input(Input::Reject {
        reason: RejectReason::Passing,
        description: "The disk is busy.".into(),
    });
    assert!(matches!(rejected, Err(Error::Rejected { .. })));
    assert!(peer.closed && !peer.said("onStatus") && !peer.said("The disk"));
}

#[test]
fn a_publisher_that_is_sent_away_is_told_and_closed() {
    let mut peer = Peer::shaken();
    peer.feed(&publish("live", "demo")).unwrap();
    let description = "An operator removed this publisher.".to_owned();
    let error = peer.input(Input::Dismiss { description }).unwrap_err();
    assert!(matches!(error, Error::Dismissed { .. }));
    assert_eq!(error.fault(), Fault::Local);
    assert!(peer.said("NetStream.Publish.Denied") && peer.said("An operator removed"));
    assert!(peer.closed);
    let unpublished = peer
        .events
        .iter()
        .filter(|event| **event == Event::Unpublish);
    assert_eq!(unpublished.count(), 1);
}

#[test]
fn one_that_does_not_publish_yet_is_only_closed() {
    let mut peer = Peer::shaken();
    peer.feed(&connect("live")).unwrap();
    let description = "Away.".to_owned();
    peer.input(Input::Dismiss { description }).unwrap_err();
    assert!(peer.closed && !peer.said("onStatus") && peer.events.is_empty());
}

#[test]
fn publish_needs_connect_and_a_stream() {
    for (bytes, problem) in [
        (publish_on(1, "demo"), "before connect"),
        (
            [connect("live"), publish_on(0, "demo")].concat(),
            "createStream",
        ),
        (
            [connect("live"), publish_on(1, "demo")].concat(),
            "createStream",
        ),
        (publish("live", ""), "stream key"),
        (publish("live", "a b"), "stream key"),
        (publish("live", &"a".repeat(1025)), "stream key"),
    ] {
        let mut peer = Peer::shaken();
        let error = peer.feed(&bytes).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!(error.fault(), Fault::Peer);
        assert!(peer.said("NetStream.Publish.BadName") && peer.closed);
    }
}

#[test]
fn connect_comes_once_and_with_an_application() {
    for bytes in [
        [connect("live"), connect("live")].concat(),
        command(0, "connect", 1.0, &[5]),
        connect("a\nb"),
    ] {
        let mut peer = Peer::shaken();
        assert!(peer.feed(&bytes).is_err());
        assert!(peer.said("NetConnection.Connect.Rejected") && peer.closed);
    }
}

#[test]
fn a_second_publish_does_not_disturb_the_first() {
    let mut peer = Peer::publishing();
    peer.feed(&command(0, "createStream", 6.0, &[5])).unwrap();
    peer.feed(&publish_on(2, "other")).unwrap();
    assert!(peer.said("NetStream.Publish.BadName") && !peer.closed);
    assert!(peer.events.is_empty());
}

#[test]
fn nothing_is_played() {
    let mut peer = Peer::shaken();
    let play = command(1, "play", 5.0, &[vec![5], amf_string("demo")].concat());
    assert!(
        peer.feed(&[connect("live"), play.clone()].concat())
            .is_err()
    );
    assert!(peer.said("NetStream.Play.Failed") && peer.closed);
    let mut peer = Peer::publishing();
    peer.feed(&play).unwrap();
    assert!(peer.said("NetStream.Play.Failed") && !peer.closed);
}

#[test]
fn streams_on_a_connection_are_counted() {
    let mut peer = Peer::shaken();
    peer.feed(&connect("live")).unwrap();
    for _ in 0..8 {
        peer.feed(&command(0, "createStream", 2.0, &[5])).unwrap();
    }
    assert!(peer.feed(&command(0, "createStream", 2.0, &[5])).is_err());
}

#[test]
fn each_way_to_end_ends_once_and_allows_another_start() {
    let delete = [&[5, 0][..], &1_f64.to_be_bytes()].concat();
    let fc = [vec![5], amf_string("demo")].concat();
    for ends in [
        vec![
            command(0, "FCUnpublish", 6.0, &fc),
            command(0, "deleteStream", 7.0, &delete),
        ],
        vec![command(0, "deleteStream", 7.0, &delete)],
        vec![command(1, "closeStream", 0.0, &[5])],
    ] {
        let mut peer = Peer::publishing();
        peer.feed(&ends.concat()).unwrap();
        assert_eq!(peer.events, [Event::Unpublish]);
        assert!(!peer.closed);
        peer.feed(&publish_on(1, "again")).unwrap();
        assert!(peer.said("NetStream.Publish.Start"));
    }
}

#[test]
fn unknown_commands_get_an_error_if_they_wait_for_one() {
    let mut peer = Peer::publishing();
    peer.feed(&command(0, "getStreamLength", 9.0, &[5]))
        .unwrap();
    assert!(peer.said("_error"));
    peer.sent.clear();
    peer.feed(&command(0, "whatever", 0.0, &[5])).unwrap();
    assert!(peer.sent.is_empty());
    assert_eq!(peer.drops(), ["unknown command"]);
}
