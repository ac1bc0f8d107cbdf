//! Messages written and read, and which access unit they go into.

use std::time::{Duration, Instant};

use media::{
    UnixMillis, UtcAnchor,
    sei::{insert, strip_own},
};
use proptest::prelude::*;

use super::*;
use crate::{
    App, At, Cue, CueRequest, Level, LiveClock, Notice, Op, Payload, Timeline, TimelineConfig,
    encode,
};

const SLICE: &[u8] = &[0x41, 0x9a, 0x24];

fn notice(seq: u64, pts: i64, text: &str) -> Arc<EncodedCue> {
    let text = text.to_owned();
    let level = Level::Info;
    of(seq, pts, Payload::Notice(Notice { level, text }))
}

fn of(seq: u64, pts: i64, payload: Payload) -> Arc<EncodedCue> {
    let cue = Cue {
        stream: "demo".to_owned(),
        epoch: 1,
        seq,
        card_id: format!("c{seq}"),
        rev: 1,
        op: Op::Show,
        pts: Pts(pts),
        duration: None,
        payload: Some(payload),
        target: None,
    };
    Arc::new(encode(cue).unwrap())
}

fn cancel(seq: u64, pts: i64, target: u64) -> Arc<EncodedCue> {
    let show = notice(target, pts, "taken back");
    let cue = Cue {
        seq,
        rev: 2,
        op: Op::Cancel,
        payload: None,
        target: Some(target),
        ..show.cue.clone()
    };
    Arc::new(encode(cue).unwrap())
}

fn read_all(nals: &[u8]) -> Vec<Message> {
    let nals = read(Syntax::H264, nal_units(nals));
    nals.into_iter().collect::<Result<_, _>>().unwrap()
}

fn seqs(nals: &[u8]) -> Vec<u64> {
    let seq = |message| match message {
        Message::Cue(cue) => cue.cue.seq,
        Message::Reference(reference) => reference.seq,
        Message::Snapshot(snapshot) => panic!("{snapshot:?}"),
    };
    read_all(nals).into_iter().map(seq).collect()
}

fn timeline() -> Timeline {
    Timeline::new("demo", TimelineConfig::default())
}

/// What the frames of these pts carry, in decode order.
fn carried(track: &mut SeiTrack, frames: &[i64]) -> Vec<Vec<u64>> {
    let timeline = timeline();
    let frames = frames.iter();
    frames
        .map(|pts| seqs(&track.access_unit(Syntax::H264, Pts(*pts), false, 1, &timeline)))
        .collect()
}

#[test]
fn a_cue_goes_into_the_first_access_unit_in_decode_order_at_or_past_its_threshold() {
    let mut track = SeiTrack::default();
    for cue in [
        notice(1, 6_000, "on a B-frame"),
        notice(2, 9_001, "past the P-frame"),
    ] {
        track.add(cue);
    }
    // I P B B P B B, as they are decoded.
    let frames = [0, 9_000, 3_000, 6_000, 18_000, 12_000, 15_000];
    let none: Vec<u64> = Vec::new();
    assert_eq!(
        carried(&mut track, &frames),
        [&none, &vec![1], &none, &none, &vec![2], &none, &none].map(Clone::clone)
    );
    track.add(notice(3, 500, "for a pts that has passed"));
    assert_eq!(carried(&mut track, &[21_000, 24_000]), [vec![3], none]);
}

#[test]
fn what_is_taken_back_before_its_frame_is_in_none() {
    let mut track = SeiTrack::default();
    track.add(notice(1, 9_000, "stays"));
    track.add(notice(2, 9_000, "taken back"));
    track.add(cancel(3, 9_000, 2));
    assert_eq!(carried(&mut track, &[6_000, 9_000]), [vec![], vec![1, 3]]);
    track.add(notice(4, 12_000, "of a time without H.264"));
    track.pass(Pts(12_000));
    assert_eq!(carried(&mut track, &[15_000]), [Vec::<u64>::new()]);
}

#[test]
fn more_than_four_at_a_frame_are_references_and_more_than_36_wait() {
    let mut track = SeiTrack::default();
    for seq in 1..=40 {
        track.add(notice(seq, 3_000, "a burst"));
    }
    let timeline = timeline();
    let mut frame = |pts| read_all(&track.access_unit(Syntax::H264, Pts(pts), false, 1, &timeline));
    let first = frame(3_000);
    let whole = |message: &&Message| matches!(message, Message::Cue(_));
    assert_eq!((first.len(), first.iter().filter(whole).count()), (36, 4));
    let fifth = Reference::to(&notice(5, 3_000, "a burst"));
    assert_eq!(first[4], Message::Reference(fifth));
    let rest = frame(6_000);
    assert_eq!((rest.len(), rest.iter().filter(whole).count()), (4, 4));
}

#[test]
fn what_does_not_fit_900_bytes_is_referred_to() {
    let text = "x".repeat(240);
    let short = notice(1, 0, &text);
    assert!(
        matches!(&read_all(&framed(&cue(Syntax::H264, &short)))[..], [Message::Cue(cue)] if *cue == short)
    );
    let escaped = App {
        schema: "com.example.v1".to_owned(),
        data: format!("\"{}{}\"", "\\\\".repeat(80), "q".repeat(430)),
    };
    let long = of(2, 0, Payload::App(escaped));
    assert!(long.bytes.len() > NAL_LEN_MAX);
    let nal = cue(Syntax::H265, &long);
    let message = read(Syntax::H265, [nal.as_slice()]);
    assert_eq!(message, [Ok(Message::Reference(Reference::to(&long)))]);
}

fn framed(nal: &[u8]) -> Vec<u8> {
    let mut nals = Vec::new();
    nals.put_u32(u32::try_from(nal.len()).unwrap());
    nals.put_slice(nal);
    nals
}

#[test]
fn a_snapshot_has_whole_cues_as_long_as_they_fit_and_never_more_than_a_packet() {
    let cues: Vec<_> = (1..=3).map(|seq| notice(seq, 0, "short")).collect();
    let nal = snapshot(Syntax::H264, 7, 9, Pts(90_000), &cues);
    let head = Snapshot {
        epoch: 7,
        seq: 9,
        pts: Pts(90_000),
        cues: SnapshotCues::Whole(cues),
    };
    assert_eq!(read_all(&framed(&nal)), [Message::Snapshot(head.clone())]);
    let many: Vec<_> = (1..=48).map(|seq| notice(seq, 0, "many")).collect();
    let nal = snapshot(Syntax::H264, 7, 9, Pts(90_000), &many);
    let all = many.iter().map(|cue| (cue.cue.seq, hash_bytes(cue)));
    let cues = SnapshotCues::References(all.collect());
    assert_eq!(
        read_all(&framed(&nal)),
        [Message::Snapshot(Snapshot { cues, ..head })]
    );
    // sfu splits NAL units past 1180 bytes.
    assert!(nal.len() <= 1_180, "{}", nal.len());
}

fn live(timeline: &mut Timeline, now: Instant) -> Arc<EncodedCue> {
    let request = CueRequest {
        card_id: "c1".to_owned(),
        op: Op::Show,
        duration: None,
        payload: Some(Payload::Notice(Notice {
            level: Level::Info,
            text: "on screen".to_owned(),
        })),
        at: At::Now,
        ends: None,
        if_rev: None,
        idempotency_key: None,
    };
    let clock = LiveClock {
        epoch: 1,
        highest_pts: Pts(0),
        live_pts: Pts(0),
        live_utc: UnixMillis(0),
        anchor: UtcAnchor(UnixMillis(0)),
    };
    timeline.insert(now, request, &clock).unwrap().cue
}

#[test]
fn the_state_is_told_where_decoding_can_start_but_once_a_second() {
    let mut timeline = timeline();
    let mut track = SeiTrack::default();
    let told = |track: &mut SeiTrack, pts, idr, timeline: &Timeline| {
        !track
            .access_unit(Syntax::H264, Pts(pts), idr, 2, timeline)
            .is_empty()
    };
    assert!(
        !told(&mut track, 0, true, &timeline),
        "there was no cue yet"
    );
    #[allow(clippy::disallowed_methods, reason = "an Instant has no other origin")]
    let cue = live(&mut timeline, Instant::now() + Duration::from_secs(1));
    assert!(!told(&mut track, 45_000, false, &timeline));
    let nals = track.access_unit(Syntax::H264, Pts(90_000), true, 2, &timeline);
    let snapshot = Snapshot {
        epoch: 2,
        seq: 1,
        pts: Pts(90_000),
        cues: SnapshotCues::Whole(vec![cue]),
    };
    assert_eq!(read_all(&nals), [Message::Snapshot(snapshot)]);
    for (pts, is_told) in [
        (135_000, false),
        (180_000, true),
        (269_999, false),
        (270_000, true),
    ] {
        assert_eq!(told(&mut track, pts, true, &timeline), is_told, "{pts}");
    }
}

#[test]
fn bytes_that_break_a_rule_are_refused_by_their_element_and_hide_no_other() {
    let good = cue(Syntax::H264, &notice(1, 5, "good"));
    let huge = [0xff_u8; 8];
    let one = [0, 0, 0, 0, 0, 0, 0, 1];
    for (body, element) in [
        (&[][..], "type"),
        (&[0x21], "type"),
        (&[0x15], "type"),
        (&[0x11], "not JSON"),
        (&[0x12, 0, 0], "seq"),
        (&[&[0x12][..], &huge].concat(), "seq"),
        (&[&[0x12][..], &[0; 8]].concat(), "seq"),
        (&[&[0x12][..], &one, &huge].concat(), "pts"),
        (&[&[0x12][..], &one, &[0; 12]].concat(), "hash"),
        (&[&[0x12][..], &one, &[0; 17]].concat(), "end"),
        (&[0x13, 0, 0, 0, 0], "epoch"),
        (
            &[&[0x13, 0, 0, 0, 1][..], &[0; 16], &[49]].concat(),
            "count",
        ),
        (
            &[&[0x13, 0, 0, 0, 1][..], &[0; 16], &[1, 0, 9, b'{']].concat(),
            "cue",
        ),
        (
            &[&[0x14, 0, 0, 0, 1][..], &[0; 16], &[1, 0]].concat(),
            "seq",
        ),
    ] {
        let bad = user_data(Syntax::H264, &OWN_UUID, body);
        let found = read(Syntax::H264, [bad.as_slice(), &good, SLICE]);
        let [Err(error), Ok(Message::Cue(_))] = &found[..] else {
            panic!("{body:02x?}: {found:?}");
        };
        assert!(error.to_string().contains(element), "{body:02x?}: {error}");
    }
    let cut = &good[..good.len() - 1];
    assert!(matches!(&read(Syntax::H264, [cut, SLICE])[..], [Err(_)]));
    let behind = read(Syntax::H264, [SLICE, good.as_slice()]);
    assert!(behind.is_empty(), "behind a slice nothing is read");
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_and_is_what_a_publisher_may_not_send(
        seq in 1_u64..1 << 53,
        pts in 0_i64..1 << 53,
        hash: [u8; 8],
        slice: Vec<u8>,
    ) {
        let sent = Reference { seq, pts: Pts(pts), hash };
        let picture = framed(&[&[0x65][..], &slice].concat());
        let nal = framed(&reference(Syntax::H264, &sent));
        let whole = insert(Syntax::H264, picture.clone().into(), &nal);
        prop_assert_eq!(read_all(&whole), [Message::Reference(sent)]);
        let (left, taken) = strip_own(Syntax::H264, &whole).unwrap();
        prop_assert_eq!((left.as_ref(), taken), (&picture[..], 1));
    }

    #[test]
    fn any_bytes_behind_the_uuid_are_read_or_refused(body: Vec<u8>) {
        let nal = user_data(Syntax::H264, &OWN_UUID, &body);
        prop_assert_eq!(read(Syntax::H264, [nal.as_slice()]).len(), 1);
        let _ = read(Syntax::H265, nal_units(&body));
    }
}
