//! The test vectors of docs/spec, which the TypeScript packages read too. They were computed apart
//! from this code.

use std::sync::Arc;

use cues::{
    EncodedCue, Fold, InBandSnapshot,
    channel::{self, Heartbeat, Snapshot, State},
    daterange, decode, emsg, encode, id3,
};
use media::{Pts, UnixMillis, UtcAnchor};
use serde_json::Value;

fn parse(vectors: &str) -> Value {
    serde_json::from_str(vectors).expect("vectors are JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().expect("a list")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().expect("a text")
}

fn whole(value: &Value, key: &str) -> i64 {
    value[key].as_i64().expect("an integer")
}

fn cue(value: &Value, key: &str) -> EncodedCue {
    decode(text(value, key).as_bytes()).expect("a valid cue")
}

fn cues(value: &Value) -> Vec<Arc<EncodedCue>> {
    let decoded = |it: &Value| decode(it.as_str().expect("a text").as_bytes()).map(Arc::new);
    list(value, "cues")
        .iter()
        .map(decoded)
        .collect::<Result<_, _>>()
        .expect("valid cues")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn valid_cues_are_read_and_written_byte_for_byte() {
    let vectors = parse(include_str!("../../../docs/spec/vectors/cue.json"));
    for vector in list(&vectors, "valid") {
        let name = text(vector, "name");
        let read = decode(text(vector, "bytes").as_bytes());
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            encode(read.cue.clone()).unwrap().as_str(),
            text(vector, "bytes"),
            "{name}"
        );
        assert_eq!(read.to_base64url(), text(vector, "base64url"), "{name}");
        assert_eq!(
            EncodedCue::from_base64url(text(vector, "base64url")).unwrap(),
            read,
            "{name}"
        );
        let said = &vector["cue"];
        assert_eq!(said["seq"].as_u64(), Some(read.cue.seq), "{name}");
        assert_eq!(said["pts"].as_i64(), Some(read.cue.pts.0), "{name}");
        assert_eq!(said["op"].as_str(), Some(read.cue.op.as_str()), "{name}");
        assert_eq!(said["duration"].as_i64(), read.cue.duration, "{name}");
    }
}

#[test]
fn invalid_cues_are_refused_by_the_field_at_fault() {
    let vectors = parse(include_str!("../../../docs/spec/vectors/cue.json"));
    for vector in list(&vectors, "invalid") {
        let name = text(vector, "name");
        match decode(text(vector, "bytes").as_bytes()) {
            Ok(_) => panic!("{name} was accepted"),
            Err(error) => assert_eq!(error.field(), vector["field"].as_str(), "{name}: {error}"),
        }
    }
}

#[test]
fn logs_fold_to_the_states_and_the_snapshots_they_should() {
    let vectors = parse(include_str!("../../../docs/spec/vectors/fold.json"));
    for vector in vectors.as_array().unwrap() {
        let name = text(vector, "name");
        let mut fold = Fold::new();
        for cue in cues(vector).into_iter().rev() {
            assert!(fold.insert(cue), "{name}");
        }
        for state in list(vector, "states") {
            let pts = Pts(whole(state, "pts"));
            let seen = fold.state(pts).into_iter().map(|card| {
                let until = card.until.map(|it| it.0);
                serde_json::json!({
                    "card_id": card.card_id, "seq": card.seq, "rev": card.rev,
                    "since": card.since.0, "until": until,
                })
            });
            assert_eq!(
                seen.collect::<Vec<_>>(),
                list(state, "cards"),
                "{name} at {pts}"
            );
        }
        for snapshot in list(vector, "snapshots") {
            let from = Pts(whole(snapshot, "from"));
            let seqs = fold
                .snapshot_cues(from)
                .into_iter()
                .map(|it| Value::from(it.cue.seq));
            assert_eq!(
                seqs.collect::<Vec<_>>(),
                list(snapshot, "seqs"),
                "{name} from {from}"
            );
        }
    }
}

#[test]
fn boxes_and_tags_are_written_byte_for_byte() {
    let vectors = parse(include_str!("../../../docs/spec/vectors/emsg.json"));
    for vector in list(&vectors, "cues") {
        let name = text(vector, "name");
        let cue = cue(vector, "cue");
        let bytes = emsg::cue(&cue);
        assert_eq!(hex(&bytes), text(vector, "emsg_hex"), "{name}");
        let event = emsg::parse(&bytes).unwrap();
        assert_eq!(hex(&event.message_data), text(vector, "id3_hex"), "{name}");
        assert_eq!(
            i64::from(event.event_duration),
            whole(vector, "event_duration"),
            "{name}"
        );
        assert_eq!(i64::from(event.id), whole(vector, "id"), "{name}");
    }
    for vector in list(&vectors, "snapshots") {
        let name = text(vector, "name");
        let snapshot = InBandSnapshot {
            stream: text(vector, "stream").to_owned(),
            epoch: u32::try_from(whole(vector, "epoch")).unwrap(),
            pts: Pts(whole(vector, "pts")),
            cues: cues(vector),
        };
        let bytes = emsg::snapshot(&snapshot).unwrap();
        assert_eq!(hex(&bytes), text(vector, "emsg_hex"), "{name}");
        let event = emsg::parse(&bytes).unwrap();
        let value = id3::parse(&event.message_data).unwrap().value;
        assert_eq!(value, text(vector, "value"), "{name}");
        assert_eq!(
            InBandSnapshot::from_json(&value).unwrap(),
            snapshot,
            "{name}"
        );
    }
}

#[test]
fn playlist_lines_are_written_byte_for_byte() {
    let vectors = parse(include_str!("../../../docs/spec/vectors/daterange.json"));
    for vector in vectors.as_array().unwrap() {
        let anchor = UtcAnchor(UnixMillis(whole(vector, "anchor_utc_ms")));
        let line = daterange::line(&cue(vector, "cue"), anchor);
        assert_eq!(line, text(vector, "line"), "{}", text(vector, "name"));
    }
}

fn state(vector: &Value) -> State {
    match text(vector, "state") {
        "live" => State::Live,
        "interrupted" => State::Interrupted,
        other => panic!("no vector has {other}"),
    }
}

#[test]
fn messages_are_written_byte_for_byte() {
    let vectors = parse(include_str!("../../../docs/spec/vectors/channel.json"));
    let vector = &vectors["snapshot"];
    let head = Snapshot {
        stream: text(vector, "stream").to_owned(),
        state: state(vector),
        epoch: u32::try_from(whole(vector, "epoch")).unwrap(),
        k: u32::try_from(whole(vector, "k")).unwrap(),
        anchor: UtcAnchor(UnixMillis(whole(vector, "anchor_utc_ms"))),
        live_pts: Pts(whole(vector, "live_pts")),
        server_utc: UnixMillis(whole(vector, "server_utc_ms")),
        last_seq: vector["last_seq"].as_u64().unwrap(),
        from: Pts(whole(vector, "from_pts")),
    };
    let texts = |told: Vec<channel::Told>| -> Vec<String> {
        told.iter().map(|told| told.text.to_string()).collect()
    };
    assert_eq!(
        texts(channel::snapshot(&head, &cues(vector))),
        [text(vector, "text")]
    );
    let vector = &vectors["cues"];
    assert_eq!(texts(channel::cues(&cues(vector))), [text(vector, "text")]);
    let vector = &vectors["heartbeat"];
    let heartbeat = Heartbeat {
        state: state(vector),
        epoch: u32::try_from(whole(vector, "epoch")).unwrap(),
        last_seq: vector["last_seq"].as_u64().unwrap(),
        live_pts: Pts(whole(vector, "live_pts")),
        server_utc: UnixMillis(whole(vector, "server_utc_ms")),
    };
    assert_eq!(channel::heartbeat(&heartbeat), text(vector, "text"));
    for refused in list(&vectors, "refused") {
        assert!(
            channel::parse(refused.as_str().unwrap()).is_err(),
            "{refused}"
        );
    }
}
