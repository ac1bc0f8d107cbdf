//! Cues, their carriers, and the requests that make them.

use std::{sync::Arc, time::Duration};

use cues::{
    At, CueRequest, Currency, EncodedCue, Fold, InBandSnapshot, LiveClock, Op, Payload, Price,
    Product, Receipt, Timeline, TimelineConfig, channel as side, daterange,
    delivery::{Ledger, Viewer},
    emsg as boxes, id3 as tags, painted as reports, rfc3339_millis,
    sei::{self as in_picture, Message, SnapshotCues},
};
use media::{
    Pts, UnixMillis, UtcAnchor,
    sei::{OWN_UUID, Syntax, user_data},
};

use crate::{now, take::Take};

/// A cue's bytes. Only canonical ones are read, and every carrier carries them unchanged.
pub fn json(data: &[u8]) {
    if let Ok(cue) = cues::decode(data) {
        assert_eq!(cue.bytes, data, "only the canonical form is read");
        carried(&cue);
    }
}

/// An event message box.
pub fn emsg(data: &[u8]) {
    let Ok(emsg) = boxes::parse(data) else { return };
    let text = emsg.scheme_id_uri.len() + emsg.value.len();
    assert_eq!(34 + text + emsg.message_data.len(), data.len());
    id3(&emsg.message_data);
}

/// An ID3 tag.
pub fn id3(data: &[u8]) {
    let Ok(text) = tags::parse(data) else { return };
    let tag =
        tags::tag(&text.description, &text.value).expect("it is no longer than what was read");
    assert_eq!(tags::parse(&tag), Ok(text.clone()));
    match text.description.as_str() {
        tags::CUE => json(text.value.as_bytes()),
        tags::SNAPSHOT => snapshot(text.value.as_bytes()),
        _ => {}
    }
}

/// The JSON of an in-band snapshot.
pub fn snapshot(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(snapshot) = InBandSnapshot::from_json(text) else {
        return;
    };
    let again = InBandSnapshot::from_json(&snapshot.to_json());
    assert_eq!(again.as_ref(), Ok(&snapshot));
    if let Ok(bytes) = boxes::snapshot(&snapshot) {
        let emsg = boxes::parse(&bytes).expect("what is written is read");
        assert_eq!(
            tags::parse(&emsg.message_data).map(|text| text.value),
            Ok(snapshot.to_json())
        );
    }
    fold(snapshot.pts, &snapshot.cues);
}

/// What stands behind our UUID in a message of a picture. Written again it is read again.
pub fn sei(data: &[u8]) {
    let syntax = Syntax::H264;
    let nal = user_data(syntax, &OWN_UUID, data);
    let read = in_picture::read(syntax, [nal.as_slice()]);
    let [message] = &read[..] else {
        panic!("one message is one: {read:?}");
    };
    let Ok(message) = message else { return };
    let again = match message {
        Message::Cue(cue) => in_picture::cue(syntax, cue),
        Message::Reference(reference) => in_picture::reference(syntax, reference),
        Message::Snapshot(it) => {
            let SnapshotCues::Whole(cues) = &it.cues else {
                return;
            };
            in_picture::snapshot(syntax, it.epoch, it.seq, it.pts, cues)
        }
    };
    if nal.len() <= in_picture::NAL_LEN_MAX {
        assert_eq!(again, nal, "there is one form");
    } else {
        let read = in_picture::read(syntax, [again.as_slice()]);
        assert!(matches!(read[..], [Ok(_)]), "{read:?}");
    }
}

/// A side-channel message. Written again it says the same, in messages within the limit.
pub fn channel(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(message) = side::parse(text) else {
        return;
    };
    let told = |told: Vec<side::Told>| told.iter().map(|one| one.text.to_string()).collect();
    let texts: Vec<String> = match &message {
        side::Message::Snapshot(head, cues) => told(side::snapshot(head, cues)),
        side::Message::Cues(cues) => told(side::cues(cues)),
        side::Message::Heartbeat(heartbeat) => vec![side::heartbeat(heartbeat)],
    };
    assert!(texts.iter().all(|text| text.len() <= side::MESSAGE_LEN_MAX));
    let mut again = texts
        .iter()
        .map(|text| side::parse(text).expect("what is written is read"));
    match message {
        side::Message::Snapshot(head, cues) => {
            let Some(side::Message::Snapshot(first, mut all)) = again.next() else {
                panic!("a snapshot is written as a snapshot");
            };
            all.extend(again.flat_map(only_cues));
            fold(head.from, &cues);
            assert_eq!((first, all), (head, cues));
        }
        side::Message::Cues(cues) => {
            assert_eq!(again.flat_map(only_cues).collect::<Vec<_>>(), cues);
        }
        side::Message::Heartbeat(_) => assert_eq!(again.next(), Some(message)),
    }
}

/// A player's report. Written again it says the same, and a ledger counts no cue of it twice.
pub fn painted(data: &[u8]) {
    let Ok(said) = reports::parse(data) else {
        return;
    };
    assert!(said.len() <= reports::REPORT_CUES_MAX);
    let again = reports::parse(reports::text(&said).as_bytes());
    assert_eq!(again.as_ref(), Ok(&said));
    let (mut ledger, mut viewer) = (Ledger::default(), Viewer::default());
    for seq in 1..=300 {
        ledger.accept(seq, Pts(900_000), 3_000, 1);
        ledger.sent(&mut viewer, &[seq]);
    }
    for painted in said.iter().chain(&said) {
        let _judged = ledger.painted(&mut viewer, Pts(9_000_000), *painted);
    }
    for tally in (1..=300).filter_map(|seq| ledger.tally(seq)) {
        assert!(tally.painted <= tally.sent && tally.late <= tally.painted);
        assert_eq!(tally.lateness.iter().sum::<u64>(), tally.painted);
        assert_eq!(tally.frame_error.iter().sum::<u64>(), tally.painted);
    }
}

/// A date and time.
pub fn time(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(utc) = cues::parse_rfc3339(text) else {
        return;
    };
    // An offset can lead out of the years that have a text.
    if (YEAR_0_MS..=YEAR_9999_END_MS).contains(&utc.0) {
        assert_eq!(cues::parse_rfc3339(&rfc3339_millis(utc)), Ok(utc));
    }
}

/// Requests to a stream's timeline, one after another. What is accepted is valid, within the limits and final.
pub fn request(data: &[u8]) {
    let mut take = Take(data);
    let mut timeline = Timeline::new("demo", TimelineConfig::default());
    let (mut fold, mut receipts) = (Fold::new(), Vec::new());
    let mut at = now();
    let mut newest = Pts(900_000);
    timeline.observe_frame(newest);
    while !take.is_empty() && receipts.len() < 64 {
        let span = Duration::from_millis(u64::from(take.u8()) * 16);
        at += span;
        newest = newest.after(span);
        timeline.observe_frame(newest);
        let clock = LiveClock {
            epoch: 1,
            highest_pts: newest,
            live_pts: newest,
            live_utc: ANCHOR.utc(newest),
            anchor: ANCHOR,
        };
        let step = take.u8();
        let given: Vec<Receipt> = match step % 8 {
            0 => {
                let cancelled = timeline.cancel(at, take.u8().into(), &clock);
                cancelled.into_iter().collect()
            }
            1 => {
                let moved = timeline.reschedule(at, take.u8().into(), when(&mut take), &clock);
                moved.into_iter().flatten().collect()
            }
            _ => {
                let inserted = timeline.insert(at, cue_request(&mut take), &clock);
                inserted.into_iter().collect()
            }
        };
        for receipt in given {
            if receipts.len() < 8 {
                carried(&receipt.cue);
            }
            assert!(receipt.late_by_ms >= 0);
            assert!(
                receipt.replayed || receipt.cue.cue.pts > newest,
                "a threshold lies past every frame"
            );
            assert_eq!(
                timeline.get(receipt.cue.cue.seq).map(|known| known.cue),
                Some(Arc::clone(&receipt.cue))
            );
            assert_eq!(fold.insert(Arc::clone(&receipt.cue)), !receipt.replayed);
            receipts.push(receipt);
        }
    }
    for receipt in &receipts {
        let pts = receipt.cue.cue.pts;
        let state = timeline.state(pts);
        assert!(state.len() <= TimelineConfig::default().cards_max);
        assert_eq!(
            state,
            fold.state(pts),
            "the fold of the cues is the timeline's"
        );
    }
}

fn when(take: &mut Take<'_>) -> At {
    match take.u8() % 8 {
        0 => At::Pts(Pts(take.i64())),
        1 => At::Utc(UnixMillis(take.i64())),
        2 => At::After(Duration::from_millis(u64::from_be_bytes(take.bytes()))),
        3 => At::After(Duration::from_millis(u64::from(take.u16()))),
        _ => At::Now,
    }
}

fn cue_request(take: &mut Take<'_>) -> CueRequest {
    let op = match take.u8() % 8 {
        0..=3 => Op::Show,
        4 | 5 => Op::Update,
        6 => Op::Hide,
        _ => Op::Clear,
    };
    CueRequest {
        // Few names, so that requests meet; now and then any text at all.
        card_id: match take.u8() {
            255 => take.text(),
            n => char::from(b'a' + n % 5).to_string(),
        },
        op,
        duration: take.option(|take| Duration::from_millis(take.u32().into())),
        payload: match op {
            Op::Show | Op::Update => Some(Payload::Product(product(take))),
            Op::Hide | Op::Clear | Op::Cancel => {
                take.option(|take| Payload::Product(product(take)))
            }
        },
        at: when(take),
        ends: None,
        if_rev: take.option(|take| take.u8().into()),
        idempotency_key: take.option(|take| match take.u8() {
            255 => take.text(),
            n => n.to_string(),
        }),
    }
}

fn product(take: &mut Take<'_>) -> Product {
    Product {
        sku: plain_or_any(take, "A1"),
        title: plain_or_any(take, "Mug"),
        price: price(take),
        prior_price: take.option(price),
        image: take.option(|take| plain_or_any(take, "/mug.png")),
        stock: take.option(Take::u32),
    }
}

fn price(take: &mut Take<'_>) -> Price {
    let code = String::from_utf8_lossy(&take.bytes::<3>()).into_owned();
    Price {
        minor: take.option(Take::i64).unwrap_or(1299),
        currency: Currency::parse(&code)
            .or_else(|_| Currency::parse("EUR"))
            .expect("three capital letters"),
    }
}

fn plain_or_any(take: &mut Take<'_>, plain: &str) -> String {
    take.option(Take::text).unwrap_or_else(|| plain.to_owned())
}

/// A valid cue comes out of each carrier as it went in, and leaves no carrier's syntax.
fn carried(cue: &EncodedCue) {
    assert!(cue.bytes.len() <= cues::codec::ENCODED_LEN_MAX);
    assert_eq!(cues::decode(&cue.bytes).as_ref(), Ok(cue));
    assert_eq!(cues::encode(cue.cue.clone()).as_ref(), Ok(cue));
    let text = cue.to_base64url();
    assert_eq!(EncodedCue::from_base64url(&text).as_ref(), Ok(cue));
    let emsg = boxes::parse(&boxes::cue(cue)).expect("what is written is read");
    assert_eq!(emsg.presentation_time, cue.cue.pts.0.unsigned_abs());
    let text = tags::parse(&emsg.message_data).expect("what is written is read");
    assert_eq!(
        (text.description.as_str(), text.value.as_str()),
        (tags::CUE, cue.as_str())
    );
    let line = daterange::line(cue, ANCHOR);
    assert!(line.starts_with("#EXT-X-DATERANGE:ID=\"cue-") && line.is_ascii());
    assert!(!line.bytes().any(|byte| byte.is_ascii_control()), "{line}");
    assert!(line.matches('"').count().is_multiple_of(2), "{line}");
}

/// Cues from outside fold to the same state in any order.
fn fold(from: Pts, cues: &[Arc<EncodedCue>]) {
    let forward = Fold::from_snapshot(from, cues.iter().cloned());
    let mut seqs: Vec<u64> = cues.iter().map(|cue| cue.cue.seq).collect();
    seqs.sort_unstable();
    // Two cues of one number are a server's bug: the first that comes counts.
    if seqs.windows(2).any(|pair| pair[0] == pair[1]) {
        return;
    }
    let backward = Fold::from_snapshot(from, cues.iter().rev().cloned());
    for cue in cues {
        assert_eq!(forward.state(cue.cue.pts), backward.state(cue.cue.pts));
    }
}

fn only_cues(message: side::Message) -> Vec<Arc<EncodedCue>> {
    match message {
        side::Message::Cues(cues) => cues,
        side::Message::Snapshot(..) | side::Message::Heartbeat(_) => {
            panic!("only cues follow the first message")
        }
    }
}

const ANCHOR: UtcAnchor = UtcAnchor(UnixMillis(1_800_000_000_000));
const YEAR_0_MS: i64 = -62_167_219_200_000;
const YEAR_9999_END_MS: i64 = 253_402_300_799_999;
