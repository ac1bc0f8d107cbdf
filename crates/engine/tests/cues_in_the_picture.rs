//! Cues as messages of the pictures themselves (SEI): the stream's own go in, forged ones out, everybody else's through.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{AVCC, AVCC_B_FRAMES, World, name, notice};
use cues::{
    At,
    sei::{Message, SnapshotCues, nal_units, read},
};
use engine::Output;
use media::{
    Pts,
    sei::{OWN_UUID, Syntax, mentions_own, user_data},
};

const IDR: &[u8] = &[0x65, 0x88, 1, 2];
const P: &[u8] = &[0x41, 0x9a, 1, 2];
/// slice_type 6: all slices of the picture are B.
const B: &[u8] = &[0x01, 0x9e, 1, 2];
const AUD: &[u8] = &[0x09, 0xf0];
/// CEA-708 captions as encoders write them (ATSC A/53 part 4 section 6.2.3).
const CAPTIONS: &[u8] = &[
    0x06, 0x04, 0x0e, 0xb5, 0x00, 0x31, 0x47, 0x41, 0x39, 0x34, 0x03, 0xc1, 0xff, 0xfc, 0x94, 0x2c,
    0xff, 0x80,
];

/// The access units of all parts with their pts, in decode order.
fn access_units(world: &World) -> Vec<(i64, Bytes)> {
    let mut units = Vec::new();
    for output in &world.out {
        if let Output::Hls {
            publication: hls::Publication::Part(part),
            ..
        } = output
            && part.rendition == hls::Rendition::Video
        {
            samples(&part.body, &mut units);
        }
    }
    units
}

/// ISO/IEC 14496-12 sections 8.8.8 and 8.8.12, as this packager writes them.
fn samples(part: &Bytes, units: &mut Vec<(i64, Bytes)>) {
    let find = |kind: &[u8]| part.windows(4).position(|four| four == kind).unwrap() + 4;
    let be32 = |at: usize| u32::from_be_bytes(part[at..at + 4].try_into().unwrap());
    let (tfdt, trun, mut data) = (find(b"tfdt"), find(b"trun"), find(b"mdat"));
    let mut dts = i64::from(be32(tfdt + 4)) << 32 | i64::from(be32(tfdt + 8));
    if part[tfdt] == 0 {
        dts = i64::from(be32(tfdt + 4));
    }
    for n in 0..be32(trun + 4) as usize {
        let entry = trun + 12 + n * 16;
        let size = be32(entry + 4) as usize;
        let composition = be32(entry + 12).cast_signed();
        units.push((dts + i64::from(composition), part.slice(data..data + size)));
        dts += i64::from(be32(entry));
        data += size;
    }
}

fn messages(unit: &Bytes) -> Vec<Message> {
    let found = read(Syntax::H264, nal_units(unit));
    found.into_iter().collect::<Result<_, _>>().unwrap()
}

/// Numbers of the cues in each access unit that has some, snapshots aside.
fn carried(world: &World) -> Vec<(i64, Vec<u64>)> {
    let units = access_units(world).into_iter().map(|(pts, unit)| {
        let seqs = messages(&unit).into_iter().filter_map(|it| match it {
            Message::Cue(cue) => Some(cue.cue.seq),
            Message::Reference(reference) => Some(reference.seq),
            Message::Snapshot(_) => None,
        });
        (pts, seqs.collect::<Vec<_>>())
    });
    units.filter(|(_, seqs)| !seqs.is_empty()).collect()
}

/// GOPs of `I P B B P B B ...` at 30 frames/s: frame `n` in decode order, and when it is shown.
fn with_b_frames(n: u32, gop: u32) -> (u32, &'static [u8]) {
    let (start, n) = (n / gop * gop, n % gop);
    match n {
        0 => (start, IDR),
        n if n % 3 == 1 => (start + n + 2, P),
        n => (start + n - 1, B),
    }
}

#[test]
fn the_first_access_unit_in_decode_order_at_or_past_the_threshold_has_the_cue() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC_B_FRAMES));
    world.send(publisher.conn, publisher.audio_config());
    let mut inserted = Vec::new();
    for n in 0..151 {
        let (shown, slice) = with_b_frames(n, 30);
        // B-frames are shown one frame later than decoded, others up to three.
        let composition = (shown + 1 - n) * 1000 / 30;
        let unit = [AUD, CAPTIONS, slice];
        let unit = publisher.access_unit(n * 1000 / 30, u8::try_from(composition).unwrap(), &unit);
        world.send(publisher.conn, unit);
        world.pass(Duration::from_nanos(33_333_333));
        if n % 20 == 10 && n < 120 {
            // Wherever in the pattern it falls.
            let span = Duration::from_millis(400 + u64::from(n));
            let request = notice(&format!("c{n}"), At::After(span));
            let receipt = world.shard.insert_cue(world.now, &name(), request).unwrap();
            inserted.push((receipt.cue.cue.seq, receipt.cue.cue.pts.0));
        }
    }
    let units = access_units(&world);
    assert!(units.windows(2).any(|two| two[1].0 < two[0].0), "B-frames");
    let expected = inserted.iter().map(|(seq, threshold)| {
        let (pts, _) = units.iter().find(|(pts, _)| pts >= threshold).unwrap();
        (*pts, vec![*seq])
    });
    let expected: Vec<_> = expected.collect();
    assert_eq!((carried(&world), expected.len()), (expected, 6));
    for (_, unit) in &units {
        let nals: Vec<&[u8]> = nal_units(unit).collect();
        assert_eq!(nals[..2], [AUD, CAPTIONS], "what stood before stays there");
        let is_own = |nal: &&&[u8]| mentions_own(nal);
        assert_eq!(
            nals.iter().filter(is_own).count() + 3,
            nals.len(),
            "and nothing else is in it"
        );
    }
}

#[test]
fn an_idr_tells_the_state_to_who_starts_there_and_a_cue_taken_back_is_nowhere() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.send(publisher.conn, publisher.audio_config());
    world.frames(&publisher, 0, 61, 60);
    let shown = world
        .shard
        .insert_cue(world.now, &name(), notice("stays", At::Now));
    let shown = shown.unwrap().cue;
    let later = At::After(Duration::from_secs(1));
    let taken = world
        .shard
        .insert_cue(world.now, &name(), notice("goes", later));
    let taken = taken.unwrap().cue.cue.seq;
    let cancel = world.shard.cancel_cue(world.now, &name(), taken).unwrap();
    world.frames(&publisher, 61, 121, 60);
    let seqs: Vec<u64> = carried(&world)
        .into_iter()
        .flat_map(|(_, seqs)| seqs)
        .collect();
    assert_eq!(seqs, [shown.cue.seq, cancel.cue.cue.seq]);
    let snapshots: Vec<_> = access_units(&world)
        .into_iter()
        .flat_map(|(pts, unit)| messages(&unit).into_iter().map(move |it| (pts, it)))
        .filter_map(|(pts, message)| match message {
            Message::Snapshot(snapshot) => Some((pts, snapshot)),
            _ => None,
        })
        .collect();
    assert!(!snapshots.is_empty());
    for (pts, snapshot) in snapshots {
        assert_eq!((snapshot.pts, snapshot.epoch), (Pts(pts), 1));
        assert_eq!(snapshot.seq, cancel.cue.cue.seq);
        assert_eq!(snapshot.cues, SnapshotCues::Whole(vec![shown.clone()]));
    }
}

#[test]
fn what_a_publisher_forges_is_counted_and_seen_by_nobody() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.send(publisher.conn, publisher.audio_config());
    let forged = user_data(Syntax::H264, &OWN_UUID, b"\x11{\"v\":1}");
    let foreign = user_data(Syntax::H264, b"a foreign uuid!!", b"x264");
    for n in 0..61 {
        let slice = if n % 60 == 0 { IDR } else { P };
        let unit = [AUD, CAPTIONS, &forged, &foreign, slice];
        world.send(
            publisher.conn,
            publisher.access_unit(n * 1000 / 30, 0, &unit),
        );
        // Nothing but a forgery: no picture at all.
        world.send(
            publisher.conn,
            publisher.access_unit(n * 1000 / 30, 0, &[&forged]),
        );
        world.pass(Duration::from_nanos(33_333_333));
    }
    let units = access_units(&world);
    assert!(units.len() >= 45, "{} of 61", units.len());
    for (_, unit) in &units {
        let nals: Vec<&[u8]> = nal_units(unit).collect();
        assert_eq!(nals[..3], [AUD, CAPTIONS, &foreign[..]]);
        assert_eq!(nals.len(), 4);
    }
    let told = world.out.iter().filter_map(|output| match output {
        Output::CuesForged(forged) => Some((forged.count, forged.first)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert_eq!((told[0], told.len()), ((1, true), 122));
    assert!(
        told[1..].iter().all(|told| *told == (1, false)),
        "logged once"
    );
    let status = world.shard.stream(world.now, &name()).unwrap();
    assert_eq!(status.cues_forged, 122);
}
