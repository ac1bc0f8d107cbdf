//! The vectors of docs/spec/sei.md, which the TypeScript reader reads too. They were computed apart from this code.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::sync::Arc;

use cues::{
    EncodedCue, daterange, decode,
    sei::{self, Message, Reference, Snapshot, SnapshotCues, nal_units, read},
};
use media::{
    Pts,
    sei::{OWN_UUID, Syntax},
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../docs/spec/vectors/sei.json"))
        .expect("vectors are JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value[key].as_array().expect("a list");
    assert!(!list.is_empty(), "{key}");
    list
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().expect("a text")
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().expect("a number")
}

fn pts(value: &Value) -> Pts {
    Pts(value["pts"].as_i64().expect("a pts"))
}

fn cue(value: &Value) -> Arc<EncodedCue> {
    let bytes = value.as_str().expect("a text").as_bytes();
    Arc::new(decode(bytes).expect("a valid cue"))
}

fn cues(value: &Value) -> Vec<Arc<EncodedCue>> {
    value.as_array().expect("a list").iter().map(cue).collect()
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    unhex(text(value, key))
}

fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

fn hash(value: &Value) -> [u8; sei::HASH_LEN] {
    bytes(value, "hash").try_into().expect("8 bytes")
}

fn syntax(vector: &Value) -> Syntax {
    match text(vector, "syntax") {
        "h264" => Syntax::H264,
        "h265" => Syntax::H265,
        other => panic!("no vector has {other}"),
    }
}

/// What a vector says, as it is read.
fn said(message: &Value) -> Message {
    match text(message, "type") {
        "cue" => Message::Cue(cue(&message["cue"])),
        "reference" => Message::Reference(Reference {
            seq: number(message, "seq"),
            pts: pts(message),
            hash: hash(message),
        }),
        _ => Message::Snapshot(Snapshot {
            epoch: u32::try_from(number(message, "epoch")).unwrap(),
            seq: number(message, "seq"),
            pts: pts(message),
            cues: match message.get("references") {
                Some(_) => SnapshotCues::References(
                    list(message, "references")
                        .iter()
                        .map(|it| (number(it, "seq"), hash(it)))
                        .collect(),
                ),
                None => SnapshotCues::Whole(cues(&message["cues"])),
            },
        }),
    }
}

/// The NAL unit that is written for it; `to` are the cues that were too long.
fn written(vector: &Value) -> Vec<u8> {
    let syntax = syntax(vector);
    match said(&vector["message"]) {
        Message::Cue(cue) => sei::cue(syntax, &cue),
        Message::Reference(reference) => sei::reference(syntax, &reference),
        Message::Snapshot(snapshot) => {
            let cues = match snapshot.cues {
                SnapshotCues::Whole(cues) => cues,
                SnapshotCues::References(_) => cues(&vector["to"]),
            };
            sei::snapshot(syntax, snapshot.epoch, snapshot.seq, snapshot.pts, &cues)
        }
    }
}

#[test]
fn messages_are_written_and_read_byte_for_byte() {
    let vectors = vectors();
    assert_eq!(bytes(&vectors, "uuid"), OWN_UUID);
    for vector in list(&vectors, "messages") {
        let (name, nal) = (text(vector, "name"), bytes(vector, "nal_hex"));
        assert_eq!(written(vector), nal, "{name}");
        let found = read(syntax(vector), [nal.as_slice()]);
        assert_eq!(found, [Ok(said(&vector["message"]))], "{name}");
        if let (Message::Reference(reference), Some(to)) =
            (said(&vector["message"]), vector.get("to"))
        {
            let hex: String = reference
                .hash
                .iter()
                .map(|it| format!("{it:02X}"))
                .collect();
            assert_eq!(Reference::to(&cue(to)), reference, "{name}");
            assert_eq!(daterange::hash(&cue(to)), format!("0x{hex}"), "{name}");
        }
    }
    let too_long = list(&vectors, "messages").iter().find(|vector| {
        vector["to"]
            .as_str()
            .is_some_and(|to| to.len() > sei::NAL_LEN_MAX)
    });
    let too_long = too_long.expect("a cue that is too long");
    let nal = sei::cue(syntax(too_long), &cue(&too_long["to"]));
    assert_eq!(nal, bytes(too_long, "nal_hex"), "it refers by itself");
}

#[test]
fn access_units_are_read_up_to_the_picture() {
    let vectors = vectors();
    for unit in list(&vectors, "access_units") {
        let expected = unit["found"].as_array().unwrap().iter().map(|name| {
            let messages = list(&vectors, "messages").iter();
            let mut found = messages.filter(|vector| vector["name"] == *name);
            Ok(said(
                &found.next().expect("a message of that name")["message"],
            ))
        });
        let lengths = bytes(unit, "lengths_hex");
        let found = read(syntax(unit), nal_units(&lengths));
        assert_eq!(
            found,
            expected.collect::<Vec<_>>(),
            "{}",
            text(unit, "name")
        );
    }
}

#[test]
fn what_is_no_message_is_refused_by_its_element() {
    let vectors = vectors();
    for vector in list(&vectors, "invalid") {
        let (name, nal) = (text(vector, "name"), bytes(vector, "nal_hex"));
        match &read(syntax(vector), [nal.as_slice()])[..] {
            [Err(error)] => {
                let told = error.to_string();
                assert!(told.contains(text(vector, "element")), "{name}: {told}");
            }
            found => panic!("{name}: {found:?}"),
        }
    }
}
