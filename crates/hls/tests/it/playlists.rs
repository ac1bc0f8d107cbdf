//! Playlists word for word, and proof that each rule of the checker can fail.

use std::sync::Arc;

use cues::{Cue, Currency, Op, Payload, Price, Product};
use hls::{Config, Rendition};

use crate::support::{Stream, at, playlist::MediaPlaylist, rules, source::Source};

const VIDEO: &str = include_str!("../data/golden/video.m3u8");

/// 16.5 s of video and audio with a card from 15 s on.
fn stream() -> Stream {
    let source = Source {
        seconds: 16.5,
        ..Source::default()
    };
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    let product = Product {
        sku: "A1".to_owned(),
        title: "Mug".to_owned(),
        price: Price {
            minor: 1299,
            currency: Currency::parse("EUR").unwrap(),
        },
        prior_price: None,
        image: None,
        stock: Some(5),
    };
    let cue = Cue {
        stream: "demo".to_owned(),
        epoch: 1,
        seq: 1,
        card_id: "c1".to_owned(),
        rev: 1,
        op: Op::Show,
        pts: at(15.0),
        duration: Some(900_000),
        payload: Some(Payload::Product(product)),
        target: None,
    };
    stream.cue(&Arc::new(cues::encode(cue).unwrap()));
    stream.feed(&source.frames());
    stream
}

#[test]
fn live() {
    let mut stream = stream();
    assert_eq!(stream.text(Rendition::Video, ""), VIDEO);
    assert_eq!(
        stream.text(Rendition::Audio, ""),
        include_str!("../data/golden/audio.m3u8")
    );
}

#[test]
fn delta_with_foreign_parameters() {
    let text = stream().text(
        Rendition::Video,
        "_HLS_msn=8&_HLS_part=0&_HLS_skip=v2&session=a%2Fb&x=\"",
    );
    assert_eq!(text, include_str!("../data/golden/delta.m3u8"));
}

#[test]
fn with_a_token_every_uri_refers_to_it_and_the_rest_stays() {
    let mut stream = stream();
    for directives in ["", "_HLS_msn=8&_HLS_part=0&_HLS_skip=v2"] {
        for rendition in Rendition::ALL {
            let plain = stream.text(rendition, directives);
            let text = stream.text(rendition, &format!("{directives}&token=abc.def"));
            assert_eq!(
                text,
                stream.text(rendition, &format!("token=ghi.jkl&{directives}")),
                "the same for every viewer"
            );
            let uris = plain.lines().filter(|line| !line.starts_with('#')).count()
                + plain.matches("URI=\"").count();
            assert_eq!(text.matches("?token={$token}").count(), uris);
            let playlist = MediaPlaylist::parse(&text);
            assert_eq!((playlist.version, playlist.defines_token), (11, true));
            if playlist.skipped.is_none() {
                assert_eq!(rules::broken(&playlist, false), Vec::<String>::new());
            }
            let undone = text
                .replace("?token={$token}", "")
                .replace("#EXT-X-DEFINE:QUERYPARAM=\"token\"\n", "");
            let version = MediaPlaylist::parse(&plain).version;
            let said = format!("#EXT-X-VERSION:{version}\n");
            assert_eq!(undone.replace("#EXT-X-VERSION:11\n", &said), plain);
        }
    }
}

#[test]
fn ended() {
    let mut stream = stream();
    stream.end();
    assert_eq!(
        stream.text(Rendition::Video, ""),
        include_str!("../data/golden/ended.m3u8")
    );
}

#[test]
fn each_rule_rejects_a_playlist_that_breaks_it() {
    let broken = |text: &str| rules::broken(&MediaPlaylist::parse(text), false);
    assert_eq!(broken(VIDEO), Vec::<String>::new());
    for (from, to, rule) in [
        (
            "#EXTINF:2.00000,\nv-1mwqyb3e8-3.m4s",
            "#EXTINF:2.50000,\nv-1mwqyb3e8-3.m4s",
            "4.4.3.1 EXTINF",
        ),
        (
            "#EXTINF:2.00000,\nv-1mwqyb3e8-7.m4s",
            "#EXTINF:1.90000,\nv-1mwqyb3e8-7.m4s",
            "4.4.4.9 parts of",
        ),
        (
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T22:00:04.000Z\n",
            "",
            "4.4.4.6",
        ),
        (
            "0.33333,URI=\"v-1mwqyb3e8-7.1.m4s\"",
            "0.43333,URI=\"v-1mwqyb3e8-7.1.m4s\"",
            "over PART-TARGET",
        ),
        (
            "0.33333,URI=\"v-1mwqyb3e8-7.1.m4s\"",
            "0.20000,URI=\"v-1mwqyb3e8-7.1.m4s\"",
            "below 85 %",
        ),
        ("CAN-BLOCK-RELOAD=YES,", "", "4.4.3.8 no CAN-BLOCK-RELOAD"),
        ("PART-HOLD-BACK=1.002", "PART-HOLD-BACK=1.001", "14.3"),
        (",HOLD-BACK=6,", ",HOLD-BACK=5.9,", "4.4.3.8 HOLD-BACK"),
        (
            "CAN-SKIP-UNTIL=12",
            "CAN-SKIP-UNTIL=11",
            "4.4.3.8 CAN-SKIP-UNTIL",
        ),
        ("#EXT-X-MAP:URI=\"v-1mwqyb3e8-init1.mp4\"\n", "", "4.4.4.5"),
        (
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v-1mwqyb3e8-8.1.m4s\"\n",
            "",
            "4.4.5.3",
        ),
        (
            "#EXT-X-VERSION:9\n",
            "#EXT-X-VERSION:8\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n",
            "8 EXT-X-SKIP",
        ),
        (
            "#EXT-X-VERSION:9\n",
            "#EXT-X-VERSION:10\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n",
            "8 QUERYPARAM",
        ),
    ] {
        let mutated = VIDEO.replacen(from, to, 1);
        assert_ne!(mutated, VIDEO, "{from}");
        let broken = broken(&mutated);
        assert!(
            broken.iter().any(|broken| broken.contains(rule)),
            "{rule}: {broken:?}"
        );
    }
}

#[test]
fn each_rule_between_versions_rejects_what_breaks_it() {
    let old = MediaPlaylist::parse(VIDEO);
    for (from, to, rule) in [
        (
            "TARGETDURATION:2",
            "TARGETDURATION:3",
            "6.2.1 TARGETDURATION",
        ),
        (
            "PART-TARGET=0.334",
            "PART-TARGET=0.335",
            "PART-TARGET changed",
        ),
        (
            "PART-HOLD-BACK=1.002",
            "PART-HOLD-BACK=1.003",
            "SERVER-CONTROL changed",
        ),
        ("22:00:04.000Z", "22:00:04.001Z", "6.2.1 a segment's tags"),
        (
            "#EXTINF:2.00000,\nv-1mwqyb3e8-3.m4s",
            "#EXTINF:2.00001,\nv-1mwqyb3e8-3.m4s",
            "6.2.1 a segment changed",
        ),
        (
            "v-1mwqyb3e8-7.1.m4s",
            "v-1mwqyb3e8-7.9.m4s",
            "6.2.1 a part changed",
        ),
        ("v-1mwqyb3e8-8.1.m4s", "v-1mwqyb3e8-8.2.m4s", "6.2.6"),
    ] {
        let mutated = VIDEO.replacen(from, to, 1);
        assert_ne!(mutated, VIDEO, "{from}");
        let broken = rules::broken_between(&old, &MediaPlaylist::parse(&mutated));
        assert!(
            broken.iter().any(|broken| broken.contains(rule)),
            "{rule}: {broken:?}"
        );
    }
}
