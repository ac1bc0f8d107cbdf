//! Every carrier carries the bytes of the cue, and readers of its bytes refuse what it is not.

mod support;

use std::sync::Arc;

use cues::{
    App, Coupon, Cue, EncodedCue, Error, FlashSale, InBandSnapshot, Level, Notice, Op, Payload,
    Poll, channel,
    channel::{Heartbeat, Message, Snapshot, State},
    daterange, decode, emsg, encode, id3,
};
use media::{Pts, UnixMillis, UtcAnchor};
use proptest::prelude::*;
use support::{config, cue, product};

const TEXT: &str = "[^\\p{Cc}\\p{Zl}\\p{Zp}\u{202a}-\u{202e}\u{2066}-\u{2069}]{0,50}x";

fn any_payload() -> impl Strategy<Value = Payload> {
    let name = "[A-Za-z0-9._-]{1,64}";
    let ends = || prop::option::of(0..1_i64 << 53);
    let level = prop_oneof![
        Just(Level::Info),
        Just(Level::Disclosure),
        Just(Level::Warning)
    ];
    let data = prop_oneof![
        any::<i64>().prop_map(serde_json::Value::from),
        prop::collection::vec("[ -~é🦀]{0,20}", 0..4).prop_map(serde_json::Value::from),
    ];
    prop_oneof![
        TEXT.prop_map(|title| product(&title)),
        (name, TEXT, any::<Option<u32>>(), ends()).prop_map(|(sale, title, stock, ends)| {
            let Payload::Product(product) = product(&title) else {
                unreachable!("it makes products")
            };
            Payload::FlashSale(FlashSale {
                sale,
                sku: product.sku,
                title,
                price: product.price,
                prior_price: Some(product.price),
                image: product.image,
                stock,
                ends,
            })
        }),
        ("[!-~]{1,32}", TEXT, prop::option::of(TEXT), ends()).prop_map(
            |(code, title, terms, ends)| Payload::Coupon(Coupon {
                code,
                title,
                terms,
                ends
            })
        ),
        (name, TEXT, prop::collection::vec(TEXT, 2..=6), ends()).prop_map(
            |(poll, question, options, ends)| Payload::Poll(Poll {
                poll,
                question,
                options: options
                    .iter()
                    .map(|it| it.chars().rev().take(9).collect())
                    .collect(),
                ends
            })
        ),
        (level, TEXT).prop_map(|(level, text)| Payload::Notice(Notice { level, text })),
        (name, data).prop_map(|(schema, data)| Payload::App(App {
            schema,
            data: data.to_string(),
        })),
    ]
}

fn any_cue() -> impl Strategy<Value = EncodedCue> {
    let op = prop_oneof![
        Just(Op::Show),
        Just(Op::Update),
        Just(Op::Hide),
        Just(Op::Clear),
        Just(Op::Cancel)
    ];
    let times = (0..1_i64 << 53, prop::option::of(90..7_776_000_001_i64));
    let numbers = (2..1_u64 << 53, 1..=u32::MAX, 1..=u32::MAX);
    (
        "[A-Za-z0-9._-]{1,64}",
        "[A-Za-z0-9._-]{1,64}",
        op,
        any_payload(),
        times,
        numbers,
    )
        .prop_map(
            |(stream, card_id, op, payload, (pts, duration), (seq, epoch, rev))| {
                encode(Cue {
                    stream,
                    epoch,
                    seq,
                    card_id: if op == Op::Clear {
                        String::new()
                    } else {
                        card_id
                    },
                    rev,
                    op,
                    pts: Pts(pts),
                    duration: duration.filter(|_| op.has_payload()),
                    payload: op.has_payload().then_some(payload),
                    target: (op == Op::Cancel).then_some(seq / 2),
                })
                .expect("the strategy makes valid cues")
            },
        )
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn what_was_encoded_is_decoded(cue in any_cue()) {
        prop_assert_eq!(&decode(&cue.bytes).unwrap(), &cue);
        prop_assert_eq!(&EncodedCue::from_base64url(&cue.to_base64url()).unwrap(), &cue);
    }

    #[test]
    fn an_emsg_carries_the_bytes_of_the_cue(cue in any_cue()) {
        let event = emsg::parse(&emsg::cue(&cue)).unwrap();
        prop_assert_eq!(event.timescale, 90_000);
        prop_assert_eq!(i64::try_from(event.presentation_time).unwrap(), cue.cue.pts.0);
        prop_assert_eq!(u64::from(event.id), cue.cue.seq & 0xffff_ffff);
        prop_assert!((180..u32::MAX).contains(&event.event_duration));
        let text = id3::parse(&event.message_data).unwrap();
        prop_assert_eq!(text.description, id3::CUE);
        prop_assert_eq!(text.value.as_bytes(), &cue.bytes[..]);
    }

    #[test]
    fn a_changed_byte_is_refused_or_says_something_else(
        cue in any_cue(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let mut bytes = cue.bytes.to_vec();
        bytes[at.index(cue.bytes.len())] ^= flip;
        if let Ok(other) = decode(&bytes) {
            prop_assert_ne!(other.cue, cue.cue);
        }
    }

    #[test]
    fn readers_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(decode(&bytes));
        drop(emsg::parse(&bytes));
        drop(id3::parse(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        drop(channel::parse(&text));
        drop(cues::parse_rfc3339(&text));
        drop(InBandSnapshot::from_json(&text));
    }

    #[test]
    fn readers_take_any_damage(
        cue in any_cue(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = emsg::cue(&cue).to_vec();
        let len = bytes.len();
        bytes[at.index(len)] = byte;
        if let Ok(event) = emsg::parse(&bytes) {
            drop(id3::parse(&event.message_data));
        }
        prop_assert!(emsg::parse(&bytes[..cut.index(len)]).is_err());
        let tag = id3::tag(id3::CUE, cue.as_str()).unwrap();
        prop_assert!(id3::parse(&tag[..cut.index(tag.len())]).is_err());
    }

    #[test]
    fn a_playlist_line_is_well_formed_whatever_the_cue_says(cue in any_cue()) {
        let line = daterange::line(&cue, UtcAnchor(UnixMillis(1_700_000_000_000)));
        prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)));
        let attributes = attributes(&line);
        let find = |name: &str| attributes.iter().find(|(it, _)| *it == name);
        let get = |name: &str| find(name).map(|(_, value)| *value);
        prop_assert_eq!(get("CLASS"), Some("\"dev.shopcast.cue\""));
        let seq = cue.cue.seq.to_string();
        prop_assert_eq!(get("X-DEV-SHOPCAST-SEQ"), Some(seq.as_str()));
        let whole = get("X-DEV-SHOPCAST-CUE").map(|quoted| quoted.trim_matches('"'));
        prop_assert_eq!(whole.is_some(), cue.cue.op == Op::Show && cue.bytes.len() <= 300);
        if let Some(whole) = whole {
            prop_assert_eq!(&EncodedCue::from_base64url(whole).unwrap(), &cue);
        }
        prop_assert!(line.len() <= 1024);
    }
}

/// An attribute list by RFC 8216bis section 4.2: names of capitals, digits and hyphens, each once,
/// and values that are quoted, or free of quotes, commas and blanks.
fn attributes(line: &str) -> Vec<(&str, &str)> {
    let mut rest = line.strip_prefix("#EXT-X-DATERANGE:").expect("the tag");
    let mut found: Vec<(&str, &str)> = Vec::new();
    loop {
        let (name, after) = rest.split_once('=').expect("a name and a value");
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
        );
        assert!(
            found.iter().all(|(other, _)| *other != name),
            "{name} twice"
        );
        let quoted = after
            .strip_prefix('"')
            .map(|it| it.find('"').expect("a closing quote") + 2);
        let end = quoted.unwrap_or_else(|| after.find(',').unwrap_or(after.len()));
        found.push((name, &after[..end]));
        match after[end..].strip_prefix(',') {
            Some(more) => rest = more,
            None => {
                assert_eq!(&after[end..], "");
                return found;
            }
        }
    }
}

#[test]
fn an_event_lasts_as_long_as_its_cue_says_and_never_for_ever() {
    let duration = |ticks| {
        let base = cue(1, 1, Op::Show, "a", None).cue.clone();
        emsg::parse(&emsg::cue(
            &encode(Cue {
                duration: ticks,
                ..base
            })
            .unwrap(),
        ))
        .unwrap()
        .event_duration
    };
    assert_eq!(duration(None), 90_000);
    assert_eq!(duration(Some(90)), 180);
    assert_eq!(duration(Some(900_000)), 900_000);
    assert_eq!(duration(Some(i64::from(u32::MAX))), u32::MAX - 1);
    assert_eq!(duration(Some(7_776_000_000)), u32::MAX - 1);
}

#[test]
fn an_id_is_the_low_half_of_a_long_number() {
    let base = cue(1, 1, Op::Hide, "a", None).cue.clone();
    let far = encode(Cue {
        seq: (5 << 32) + 7,
        ..base
    })
    .unwrap();
    assert_eq!(emsg::parse(&emsg::cue(&far)).unwrap().id, 7);
}

#[test]
fn the_longest_snapshot_fits_into_a_tag_and_no_longer_one_is_made() {
    // 8 cards of 6 cues of 1024 bytes: TimelineConfig::CARDS_MAX_LIMIT, 4 prolongations.
    let long = |seq: u64| {
        let title = |n: usize| {
            let mut cue = cue(seq, 1, Op::Show, "a", None).cue.clone();
            let Some(Payload::Product(product)) = &mut cue.payload else {
                unreachable!()
            };
            product.title = "🦀".repeat(100);
            product.image = Some(format!("/{}", "a".repeat(n)));
            encode(cue)
        };
        (0..512).rev().find_map(|n| title(n).ok()).unwrap()
    };
    let cues: Vec<_> = (1..=48).map(|seq| Arc::new(long(seq))).collect();
    assert!(cues.iter().all(|cue| cue.bytes.len() == 1024));
    let of = |cues: &[Arc<EncodedCue>]| InBandSnapshot {
        stream: "s".repeat(64),
        epoch: u32::MAX,
        pts: Pts((1 << 53) - 1),
        cues: cues.to_vec(),
    };
    let event = emsg::parse(&emsg::snapshot(&of(&cues)).unwrap()).unwrap();
    let text = id3::parse(&event.message_data).unwrap();
    assert_eq!(text.description, id3::SNAPSHOT);
    assert_eq!(InBandSnapshot::from_json(&text.value).unwrap(), of(&cues));
    let twice = [cues.clone(), cues].concat();
    assert!(matches!(
        emsg::snapshot(&of(&twice)),
        Err(Error::Carrier {
            element: "tag size",
            ..
        })
    ));
    let before_zero = InBandSnapshot {
        pts: Pts(-1),
        ..of(&[])
    };
    assert!(emsg::snapshot(&before_zero).is_err());
}

#[test]
fn events_of_cues_and_of_snapshots_are_never_the_same_event() {
    let cue = emsg::parse(&emsg::cue(&cue(900_000, 10_000, Op::Hide, "a", None))).unwrap();
    let at = InBandSnapshot {
        stream: "demo".to_owned(),
        epoch: 1,
        pts: Pts(900_000),
        cues: vec![],
    };
    let snapshot = emsg::parse(&emsg::snapshot(&at).unwrap()).unwrap();
    assert_eq!(
        (cue.id, cue.presentation_time),
        (snapshot.id, snapshot.presentation_time)
    );
    assert_ne!(cue.value, snapshot.value);
    assert_eq!(cue.scheme_id_uri, "https://aomedia.org/emsg/ID3");
}

fn head() -> Snapshot {
    Snapshot {
        stream: "demo".to_owned(),
        state: State::Live,
        epoch: 2,
        k: 123,
        anchor: UtcAnchor(UnixMillis(1_700_000_000_000)),
        live_pts: Pts(10_000_000),
        server_utc: UnixMillis(1_700_000_111_111),
        last_seq: 9,
        from: Pts(4_600_000),
    }
}

#[test]
fn messages_are_read_back_as_they_were_sent() {
    let two = [
        cue(1, 1, Op::Show, "a", None),
        cue(2, 2, Op::Hide, "a", None),
    ];
    let snapshot = channel::snapshot(&head(), &two);
    assert_eq!(snapshot.len(), 1);
    assert_eq!(
        channel::parse(&snapshot[0].text).unwrap(),
        Message::Snapshot(head(), two.to_vec())
    );
    let cues = channel::cues(&two);
    assert_eq!(
        channel::parse(&cues[0].text).unwrap(),
        Message::Cues(two.to_vec())
    );
    let beat = Heartbeat {
        state: State::Ended,
        epoch: 2,
        last_seq: 9,
        live_pts: Pts(10_000_000),
        server_utc: UnixMillis(1_700_000_111_111),
    };
    assert_eq!(
        channel::parse(&channel::heartbeat(&beat)).unwrap(),
        Message::Heartbeat(beat)
    );
    assert!(channel::cues(&[]).is_empty());
    let empty = channel::snapshot(&head(), &[]);
    assert_eq!(
        channel::parse(&empty[0].text).unwrap(),
        Message::Snapshot(head(), vec![])
    );
}

#[test]
fn what_does_not_fit_into_one_message_comes_in_more_of_them() {
    let many: Vec<_> = (1..=600)
        .map(|seq| cue(seq, 1, Op::Show, "a", None))
        .collect();
    let snapshot = channel::snapshot(&head(), &many);
    let deltas = channel::cues(&many);
    assert!(snapshot.len() > 2 && deltas.len() == snapshot.len());
    for messages in [&snapshot, &deltas] {
        assert!(
            messages
                .iter()
                .all(|it| it.text.len() <= channel::MESSAGE_LEN_MAX)
        );
        // No message could have taken the next one's first cue.
        assert!(messages[0].text.len() > channel::MESSAGE_LEN_MAX - 1500);
        let mut received = Vec::new();
        for message in messages {
            match channel::parse(&message.text).unwrap() {
                Message::Snapshot(_, cues) | Message::Cues(cues) => received.extend(cues),
                Message::Heartbeat(_) => unreachable!("none was sent"),
            }
        }
        assert_eq!(received, many);
        let seqs: Vec<u64> = messages.iter().flat_map(|it| it.seqs.to_vec()).collect();
        assert_eq!(seqs, (1..=600).collect::<Vec<_>>());
    }
}

#[test]
fn a_session_is_named_in_a_snapshot_that_is_still_one() {
    let many: Vec<_> = (1..=600)
        .map(|seq| cue(seq, 1, Op::Show, "a", None))
        .collect();
    let first = &channel::snapshot(&head(), &many)[0];
    let named = channel::with_session(&first.text, &"x".repeat(40));
    assert!(named.ends_with(&format!(",\"session\":\"{}\"}}", "x".repeat(40))));
    assert!(named.len() <= channel::MESSAGE_LEN_MAX);
    assert_eq!(channel::parse(&named), channel::parse(&first.text));
}

#[test]
fn the_cues_of_a_chunk_are_found_before_its_media() {
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        let size = u32::try_from(8 + body.len()).unwrap().to_be_bytes();
        [&size[..], kind, body].concat()
    };
    let one = emsg::cue(&cue(7, 1, Op::Show, "a", None));
    let two = emsg::cue(&cue(8, 1, Op::Hide, "a", None));
    let in_force = InBandSnapshot {
        stream: "demo".into(),
        epoch: 1,
        pts: Pts(1),
        cues: vec![cue(6, 1, Op::Show, "a", None)],
    };
    let in_force = emsg::snapshot(&in_force).unwrap();
    let (lead, media) = (boxed(b"styp", b"cmfs"), boxed(b"moof", &[0; 4]));
    let chunk = [&lead[..], &in_force, &one, &two, &media, &one].concat();
    assert_eq!(emsg::cue_ids(&chunk), [7, 8]);
    assert!(emsg::cue_ids(&[&lead[..], &media].concat()).is_empty());
    for length in 0..chunk.len() {
        assert!(emsg::cue_ids(&chunk[..length]).len() <= 2);
    }
    assert!(emsg::cue_ids(&[0; 64]).is_empty());
}

#[test]
fn other_messages_are_refused() {
    let long = format!(
        "{{\"type\":\"cues\",\"cues\":[],\"x\":\"{}\"}}",
        "x".repeat(60_000)
    );
    for message in [
        "",
        "null",
        "{}",
        r#"{"type":"poll"}"#,
        r#"{"type":"cues"}"#,
        r#"{"type":"cues","cues":["e30"]}"#,
        &long,
    ] {
        assert!(channel::parse(message).is_err());
    }
    // Later versions may say more.
    let more = r#"{"type":"cues","cues":[],"later":1}"#;
    assert_eq!(channel::parse(more).unwrap(), Message::Cues(vec![]));
}

#[test]
fn a_tag_is_what_players_read() {
    let tag = id3::tag("d", "é").unwrap();
    assert_eq!(
        tag,
        b"ID3\x04\0\0\0\0\0\x0fTXXX\0\0\0\x05\0\0\x03d\0\xc3\xa9"
    );
    let long = id3::tag("d", &"x".repeat(300)).unwrap();
    // 303 bytes of frame are 2 * 128 + 47, 313 with its header 2 * 128 + 57.
    assert_eq!(
        (&long[6..10], &long[14..18]),
        (&[0, 0, 2, 57][..], &[0, 0, 2, 47][..])
    );
    assert_eq!(id3::parse(&long).unwrap().value.len(), 300);
    let mut bad = tag.clone();
    for (at, byte, element) in [
        (3, 3, "tag header"),
        (5, 0x80, "tag header"),
        (9, 0x0e, "tag size"),
        (9, 0x80, "size"),
        (10, b'P', "frame id"),
        (17, 0x7f, "frame size"),
        (17, 0, "frame size"),
        (19, 1, "frame flags and encoding"),
        (20, 0, "frame flags and encoding"),
        (22, b'x', "frame description"),
        (23, 0xff, "frame text"),
    ] {
        let good = std::mem::replace(&mut bad[at], byte);
        let error = id3::parse(&bad).unwrap_err();
        assert!(
            matches!(error, Error::Carrier { element: it, .. } if it == element),
            "{at}: {error}"
        );
        bad[at] = good;
    }
    assert!(id3::parse(&vec![0; 100_000]).is_err());
    assert!(id3::tag("d", &"x".repeat(100_000)).is_err());
}

#[test]
fn a_box_is_read_whole_or_not_at_all() {
    let good = emsg::cue(&cue(1, 1, Op::Hide, "a", None));
    let mut bad = good.to_vec();
    for (at, byte) in [
        (3, 0),
        (4, b'E'),
        (8, 0),
        (11, 1),
        (33, 0xff),
        (good.len() - 1, 0),
    ] {
        let before = std::mem::replace(&mut bad[at], byte);
        assert_eq!(emsg::parse(&bad).is_err(), at < good.len() - 1, "{at}");
        bad[at] = before;
    }
    assert!(emsg::parse(&[&good[..], b"x"].concat()).is_err());
    let unterminated = [&[0, 0, 0, 40][..], b"emsg\x01\0\0\0", &[0; 20], b"12345678"].concat();
    assert!(emsg::parse(&unterminated).is_err());
    assert!(emsg::parse(&vec![0; 1 << 20]).is_err());
}
