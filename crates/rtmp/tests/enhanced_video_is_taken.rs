//! H.265, AV1 and VP9 by the extended header: the bitstream decides, whatever the sequence header says.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use bytes::Bytes;
use common::{AVCC, Peer, access_unit, extended, video, video_frame, video_header};
use media::{VideoCodec, VideoConfig, h265};
use recordings::ivf;
use rtmp::{Error, Event};

/// x265, 160x90: its record, and two groups of three access units that repeat the sets.
fn x265() -> (Bytes, Vec<Bytes>) {
    let file = Bytes::from_static(include_bytes!("../../media/tests/data/h265.hvc"));
    let mut pieces = h265::nals(&file);
    (pieces.next().unwrap(), pieces.collect())
}

/// What was told: `c` a configuration, `K` a key frame, `f` another, `-` something left out.
fn told(peer: &Peer) -> String {
    let letter = |event: &Event| match event {
        Event::VideoConfig(_) => 'c',
        Event::Video { keyframe: true, .. } => 'K',
        Event::Video { .. } => 'f',
        Event::Dropped { .. } => '-',
        _ => '?',
    };
    peer.events.iter().map(letter).collect()
}

fn configs(peer: &Peer) -> Vec<&VideoConfig> {
    let mut configs = Vec::new();
    for event in &peer.events {
        if let Event::VideoConfig(config) = event {
            configs.push(config);
        }
    }
    configs
}

fn payload(event: &Event) -> &Bytes {
    match event {
        Event::Video { payload, .. } => payload,
        other => panic!("{other:?}"),
    }
}

const START: u8 = 0x10;
const KEY: u8 = 0x11;
const FRAME: u8 = 0x23;

fn composed(fourcc: &str, kind: u8, composition_ms: i32, body: &[u8]) -> Vec<u8> {
    let composition = &composition_ms.to_be_bytes()[1..];
    extended(kind, fourcc, &[composition, body].concat())
}

#[test]
fn h265_is_taken_and_repeated_sets_are_taken_out() {
    let (record, units) = x265();
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &extended(START, "hvc1", &record)))
        .unwrap();
    for (n, unit) in units.iter().enumerate() {
        let stamp = u32::try_from(n).unwrap() * 33;
        let tag = composed(
            "hvc1",
            if n % 3 == 0 { KEY } else { 0x21 },
            67 - 100 * i32::from(n == 1),
            unit,
        );
        peer.feed(&video(stamp, &tag)).unwrap();
    }
    assert_eq!(told(&peer), "cKffKff");
    let VideoConfig::H265(config) = configs(&peer)[0] else {
        panic!()
    };
    for event in &peer.events[1..] {
        assert!(h265::sets_of(payload(event)).is_empty());
        assert_eq!(&h265::without(payload(event), config), payload(event));
    }
    let compositions: Vec<_> = peer.events[1..3]
        .iter()
        .map(|event| match event {
            Event::Video { composition_ms, .. } => *composition_ms,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(compositions, [67, -33]);
}

#[test]
fn h265_without_a_header_is_taken_from_its_key_frames() {
    let (record, units) = x265();
    // None at all, an empty one, and one that is broken.
    for header in [None, Some(&[][..]), Some(&record[..30])] {
        let mut peer = Peer::publishing();
        if let Some(header) = header {
            peer.feed(&video(0, &extended(START, "hvc1", header)))
                .unwrap();
        }
        peer.events.clear();
        peer.feed(&video(0, &extended(FRAME, "hvc1", &units[1])))
            .unwrap();
        peer.feed(&video(33, &extended(FRAME, "hvc1", &units[3])))
            .unwrap();
        peer.feed(&video(66, &extended(FRAME, "hvc1", &units[4])))
            .unwrap();
        assert_eq!(told(&peer), "-cKf");
        assert_eq!(peer.drops(), ["video before its sequence header"]);
        assert_eq!(configs(&peer)[0].codecs(), "hvc1.1.6.L30.90");
    }
}

#[test]
fn other_sets_in_a_key_frame_are_a_new_configuration() {
    let (record, units) = x265();
    let config = h265::parse_hvcc(&record).unwrap().config;
    let idr = h265::nals(&units[0]).last().unwrap();
    // The same picture parameter set, of another quantiser.
    let other = [&config.pps[0][..4], &[0xb5, 0x62, 0x40]].concat();
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &extended(START, "hvc1", &record)))
        .unwrap();
    for (stamp, pps) in [(0, &config.pps[0][..]), (33, &other), (66, &other)] {
        let unit = access_unit(&[&config.vps[0], &config.sps[0], pps, &idr]);
        peer.feed(&video(stamp, &extended(FRAME, "hvc1", &unit)))
            .unwrap();
    }
    // The header again, which is the one known, says nothing against what the pictures say.
    peer.feed(&video(66, &extended(START, "hvc1", &record)))
        .unwrap();
    peer.feed(&video(99, &extended(FRAME, "hvc1", &access_unit(&[&idr]))))
        .unwrap();
    assert_eq!(told(&peer), "cKcKKK");
    let VideoConfig::H265(changed) = configs(&peer)[1] else {
        panic!()
    };
    assert_eq!(changed.pps, [other]);
}

#[test]
fn lengths_of_two_bytes_become_four_in_h265_too() {
    let (record, units) = x265();
    let mut short = record.to_vec();
    short[21] = short[21] & 0xfc | 1;
    let mut body = Vec::new();
    for nal in h265::nals(&units[0]) {
        body.extend(u16::try_from(nal.len()).unwrap().to_be_bytes());
        body.extend_from_slice(&nal);
    }
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &extended(START, "hvc1", &short)))
        .unwrap();
    peer.feed(&video(0, &extended(FRAME, "hvc1", &body)))
        .unwrap();
    let expected: Vec<_> = h265::nals(&units[0])
        .filter(|nal| !matches!(h265::nal_type(nal), 32..=34))
        .collect();
    let walked: Vec<_> = h265::nals(payload(&peer.events[1])).collect();
    assert_eq!(walked, expected);
}

#[test]
fn access_units_without_a_picture_are_left_out() {
    let (record, _) = x265();
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &extended(START, "hvc1", &record)))
        .unwrap();
    let sei = access_unit(&[&[0x4e, 1, 5, 1, 0, 0x80]]);
    peer.feed(&video(0, &extended(FRAME, "hvc1", &sei)))
        .unwrap();
    peer.feed(&video(0, &extended(FRAME, "hvc1", &[0, 0, 0, 9, 1])))
        .unwrap();
    assert_eq!(
        peer.drops(),
        ["HEVC access unit without a picture", "unreadable NAL units"]
    );
}

#[test]
fn av1_is_taken_with_or_without_a_header() {
    let units = ivf(include_bytes!("../../media/tests/data/av1.ivf"));
    // av1C: marker and version, three bytes that are not read, and the sequence header behind the delimiter.
    let header_end = 2 + 2 + usize::from(units[0][3]);
    let record = [&[0x81, 0, 0x0c, 0][..], &units[0][2..header_end]].concat();
    for header in [None, Some(&[][..]), Some(&record[..]), Some(&[0x81, 0][..])] {
        let mut peer = Peer::publishing();
        if let Some(header) = header {
            peer.feed(&video(0, &extended(START, "av01", header)))
                .unwrap();
        }
        peer.events
            .retain(|event| !matches!(event, Event::Dropped { .. }));
        for (n, unit) in units.iter().enumerate() {
            let kind = if n % 3 == 0 { KEY } else { 0x21 };
            peer.feed(&video(
                u32::try_from(n).unwrap() * 33,
                &extended(kind, "av01", unit),
            ))
            .unwrap();
        }
        assert_eq!(told(&peer), "cKffKff");
        assert_eq!(configs(&peer)[0].codecs(), "av01.0.00M.08");
        for (event, unit) in peer.events[1..].iter().zip(&units) {
            assert_eq!(payload(event), &unit[2..], "without the delimiter");
        }
    }
}

#[test]
fn a_key_frame_of_av1_is_led_by_its_sequence_header() {
    let units = ivf(include_bytes!("../../media/tests/data/av1.ivf"));
    let header_end = 2 + 2 + usize::from(units[0][3]);
    let record = [&[0x81, 0, 0x0c, 0][..], &units[0][2..header_end]].concat();
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &extended(START, "av01", &record)))
        .unwrap();
    let bare = [&units[0][..2], &units[0][header_end..]].concat();
    peer.feed(&video(0, &extended(KEY, "av01", &bare))).unwrap();
    assert_eq!(told(&peer), "cK");
    assert_eq!(payload(&peer.events[1]), &units[0][2..]);
}

#[test]
fn vp9_is_taken_by_its_frames_alone() {
    let frames = ivf(include_bytes!("../../media/tests/data/vp9.ivf"));
    let mut peer = Peer::publishing();
    // As FFmpeg writes it, which is not as it should be.
    peer.feed(&video(
        0,
        &extended(START, "vp09", b"\x01\0\0\0\0\x0a\x82\x02\x02\x02\0\0"),
    ))
    .unwrap();
    peer.feed(&video(0, &extended(0x21, "vp09", frames[1])))
        .unwrap();
    for (n, frame) in frames.iter().enumerate() {
        peer.feed(&video(
            u32::try_from(n).unwrap() * 33,
            &extended(0x21, "vp09", frame),
        ))
        .unwrap();
    }
    assert_eq!(told(&peer), "-cKffKff");
    assert_eq!(configs(&peer)[0].codecs(), "vp09.00.11.08");
    peer.feed(&video(999, &extended(0x21, "vp09", &[])))
        .unwrap();
    assert_eq!(peer.drops().last(), Some(&"unreadable VP9 frame"));
}

#[test]
fn the_codec_may_change_with_a_header() {
    let frames = ivf(include_bytes!("../../media/tests/data/vp9.ivf"));
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    peer.feed(&video(0, &video_frame(true, 100))).unwrap();
    // Without one it is a stray.
    peer.feed(&video(33, &extended(FRAME, "vp09", frames[0])))
        .unwrap();
    peer.feed(&video(33, &extended(START, "vp09", &[])))
        .unwrap();
    peer.feed(&video(66, &extended(FRAME, "vp09", frames[0])))
        .unwrap();
    peer.feed(&video(99, &video_frame(true, 100))).unwrap();
    peer.feed(&video(99, &video_header(AVCC))).unwrap();
    peer.feed(&video(132, &video_frame(true, 100))).unwrap();
    assert_eq!(told(&peer), "cK-cK-cK");
    let stray = "video of another codec than announced";
    assert_eq!(peer.drops(), [stray, stray]);
    let codecs: Vec<_> = configs(&peer).iter().map(|config| config.codec()).collect();
    assert_eq!(
        codecs,
        [VideoCodec::H264, VideoCodec::Vp9, VideoCodec::H264]
    );
}

#[test]
fn who_never_sends_a_key_frame_is_told_so() {
    for (fourcc, frame) in [
        (
            "av01",
            ivf(include_bytes!("../../media/tests/data/av1.ivf"))[1],
        ),
        (
            "vp09",
            ivf(include_bytes!("../../media/tests/data/vp9.ivf"))[1],
        ),
        ("hvc1", &x265().1[1][..]),
    ] {
        let mut peer = Peer::publishing();
        let mut outcome = Ok(());
        for n in 0..33 {
            outcome = peer.feed(&video(n * 33, &extended(FRAME, fourcc, frame)));
        }
        assert!(
            matches!(outcome, Err(Error::Limit { limit: 32, .. })),
            "{fourcc}"
        );
        assert!(peer.said("video before its sequence header"));
    }
}
