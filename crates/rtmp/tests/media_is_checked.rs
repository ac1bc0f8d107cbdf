//! Sequence headers, access units and codecs, good and bad.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{
    AUDIO_FRAME, AUDIO_HEADER, AVCC, Chunks, OTHER_AVCC, Peer, audio, video, video_frame,
    video_header,
};
use media::{AudioConfig, VideoConfig};
use rtmp::{Error, Event};

#[test]
fn frames_before_their_sequence_header_are_dropped() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_frame(true, 100))).unwrap();
    peer.feed(&audio(0, AUDIO_FRAME)).unwrap();
    let drops = [
        "video before its sequence header",
        "audio before its sequence header",
    ];
    assert_eq!(peer.drops(), drops);
    // Audio alone goes on.
    peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    peer.feed(&audio(21, AUDIO_FRAME)).unwrap();
    peer.feed(&audio(42, &[0xaf, 1])).unwrap();
    peer.feed(&audio(63, &[])).unwrap();
    assert_eq!(peer.times(), [21]);
    assert_eq!(peer.drops().len(), 2);
}

#[test]
fn a_stream_without_a_sequence_header_is_told_so() {
    let mut peer = Peer::publishing();
    let mut outcome = Ok(());
    for n in 0..33 {
        outcome = peer.feed(&video(n * 40, &video_frame(false, 100)));
    }
    assert!(matches!(outcome, Err(Error::Limit { limit: 32, .. })));
    assert!(peer.said("video before its sequence header") && peer.closed);
    assert_eq!(peer.events.last(), Some(&Event::Unpublish));
}

#[test]
fn a_repeated_sequence_header_says_nothing_and_a_changed_one_does() {
    let mut peer = Peer::publishing();
    for (avcc, events) in [
        (AVCC, 1),
        (AVCC, 1),
        (OTHER_AVCC, 2),
        (OTHER_AVCC, 2),
        (AVCC, 3),
    ] {
        peer.feed(&video(0, &video_header(avcc))).unwrap();
        assert_eq!(peer.events.len(), events);
    }
    let Some(Event::VideoConfig(config)) = peer.events.get(1) else {
        panic!()
    };
    assert_eq!(config.size(), (640, 360));
    peer.events.clear();
    peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    peer.feed(&audio(0, AUDIO_HEADER)).unwrap();
    peer.feed(&audio(0, &[0xaf, 0, 0x12, 0x10])).unwrap();
    let rates: Vec<_> = peer
        .events
        .iter()
        .map(|event| {
            if let Event::AudioConfig(AudioConfig::Aac(config)) = event {
                config.sample_rate.hz()
            } else {
                0
            }
        })
        .collect();
    assert_eq!(rates, [48_000, 44_100]);
}

#[test]
fn an_unreadable_sequence_header_stops_the_frames_behind_it() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    // A picture of 65520 x 65520: pic_width_in_mbs_minus1 4094 twice.
    let huge = b"\x01\x42\xc0\x1e\xff\xe1\x00\x0d\x67\x42\xc0\x1e\xf4\x00\x7f\xf8\x00\xff\xf6\x00\
        \x80\x80\x80\x01\x00\x04\x68\xce\x3c\x80";
    peer.feed(&video(0, &video_header(huge))).unwrap();
    peer.feed(&video(40, &video_frame(false, 100))).unwrap();
    let drops = [
        "unreadable AVC sequence header",
        "video before its sequence header",
    ];
    assert_eq!(peer.drops(), drops);
    peer.feed(&video(80, &video_header(AVCC))).unwrap();
    peer.feed(&video(80, &video_frame(true, 100))).unwrap();
    assert_eq!(peer.times(), [80]);
}

#[test]
fn lengths_beyond_the_tag_cost_the_tag() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    let mut bad = video_frame(true, 100);
    bad[8] += 1;
    for n in 0..100 {
        peer.feed(&video(n * 80, &bad)).unwrap();
        peer.feed(&video(n * 80 + 40, &video_frame(true, 100)))
            .unwrap();
    }
    assert_eq!(peer.drops(), ["unreadable NAL units"; 100]);
    assert_eq!(peer.times().len(), 100);
}

/// Found by fuzzing: a presentation time two hours before its decode time is before the stream's zero.
#[test]
fn a_composition_time_that_no_reordering_needs_costs_the_tag() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    let mut frame = video_frame(true, 100);
    for (n, composition_ms) in [0_i32, 8_000, -8_000, 8_001, -8_001, 0x7f_ffff, -0x80_0000]
        .into_iter()
        .enumerate()
    {
        frame[2..5].copy_from_slice(&composition_ms.to_be_bytes()[1..]);
        peer.feed(&video(u32::try_from(n).unwrap() * 40, &frame))
            .unwrap();
    }
    assert_eq!(peer.times(), [0, 40, 80]);
    assert_eq!(peer.drops(), ["composition time beyond 8 s"; 4]);
}

#[test]
fn lengths_of_two_bytes_become_four() {
    let mut peer = Peer::publishing();
    let mut avcc = AVCC.to_vec();
    avcc[4] = 0xfd;
    peer.feed(&video(0, &video_header(&avcc))).unwrap();
    peer.feed(&video(0, &[0x17, 1, 0, 0, 0, 0, 2, 0x65, 0x88, 0, 1, 0x06]))
        .unwrap();
    let Some(Event::Video {
        payload, keyframe, ..
    }) = peer.events.last()
    else {
        panic!()
    };
    assert_eq!(payload, &[0, 0, 0, 2, 0x65, 0x88, 0, 0, 0, 1, 0x06][..]);
    assert!(keyframe);
    let Some(Event::VideoConfig(VideoConfig::H264(config))) = peer.events.first() else {
        panic!()
    };
    assert_eq!(config.avcc[4], 0xff);
}

/// An encoder's recovery points are marked as key frames in the tag; decoding starts at IDR only.
#[test]
fn a_key_frame_is_what_holds_an_idr_picture() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    let mut intra = video_frame(false, 100);
    intra[0] = 0x17;
    let mut idr = video_frame(true, 100);
    idr[0] = 0x27;
    peer.feed(&[video(0, &intra), video(40, &idr)].concat())
        .unwrap();
    let keys: Vec<_> = peer
        .events
        .iter()
        .filter_map(|event| {
            if let Event::Video { keyframe, .. } = event {
                Some(*keyframe)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(keys, [false, true]);
}

#[test]
fn composition_times_may_be_negative() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    let mut frame = video_frame(false, 100);
    frame[2..5].copy_from_slice(&[0xff, 0xff, 0xdf]);
    peer.feed(&video(0, &frame)).unwrap();
    assert!(matches!(
        peer.events[1],
        Event::Video {
            composition_ms: -33,
            ..
        }
    ));
}

#[test]
fn other_codecs_are_refused_by_name_in_words_for_the_encoder() {
    let tag = |bytes: &[u8]| bytes.to_vec();
    for (message, name) in [
        (
            video(0, &tag(b"\x1c\x01\0\0\0")),
            "HEVC (H.265) by the old header is not supported; send it by Enhanced RTMP",
        ),
        (
            video(0, &tag(b"\x90vvc1\x81")),
            "VVC (H.266) is not supported; send H.264, H.265, AV1 or VP9",
        ),
        (
            video(0, &tag(b"\x90vp08")),
            "VP8 is not supported; send H.264",
        ),
        (
            audio(0, &tag(b"\x90ec-3")),
            "E-AC-3 is not supported; send AAC or Opus",
        ),
        (
            audio(0, &tag(b"\x90fLaC")),
            "FLAC is not supported; send AAC",
        ),
        (
            audio(0, &tag(b"\x2f\xff\xfb")),
            "MP3 is not supported; send AAC",
        ),
        (
            audio(0, &[0xaf, 0, 0x11, 0x94]),
            "960 is not supported; send frames of 1024 samples",
        ),
    ] {
        let mut peer = Peer::publishing();
        let error = peer.feed(&message).unwrap_err();
        assert!(matches!(error, Error::Codec { .. }));
        assert!(
            peer.said("NetStream.Publish.Rejected") && peer.said(name),
            "{name}"
        );
        assert_eq!(peer.events, [Event::Unpublish]);
        assert!(peer.closed);
    }
}

#[test]
fn enhanced_packets_of_h264_and_aac_are_taken() {
    let mut peer = Peer::publishing();
    let frame = video_frame(true, 100);
    let units = &frame[5..];
    peer.feed(&video(0, &[&b"\x90avc1"[..], AVCC].concat()))
        .unwrap();
    peer.feed(&video(40, &[&b"\x91avc1\0\0\x21"[..], units].concat()))
        .unwrap();
    peer.feed(&video(80, &[&b"\xa3avc1"[..], units].concat()))
        .unwrap();
    peer.feed(&audio(0, b"\x90mp4a\x11\x90")).unwrap();
    peer.feed(&audio(90, b"\x91mp4a\x21\x10")).unwrap();
    assert_eq!(peer.times(), [40, 80, 90]);
    assert!(peer.drops().is_empty());
}

#[test]
fn enhanced_packets_nobody_knows_are_dropped() {
    let mut peer = Peer::publishing();
    peer.feed(&video(0, &video_header(AVCC))).unwrap();
    let long = [&[0x97, 255, 0xff, 0xff][..], &[0; 65_536], b"\x0eavc1"].concat();
    let strange = [
        &b"\x91zzzz\0"[..],
        b"\x9eavc1\0",
        b"\x96\x11avc1",
        b"\x96\x00",
        b"\x97\xff\xff",
        &long,
    ];
    for bytes in strange {
        peer.feed(&video(0, bytes)).unwrap();
    }
    assert_eq!(peer.drops().len(), strange.len());
    peer.feed(&video(0, &video_frame(true, 100))).unwrap();
    assert_eq!(peer.times(), [0]);
}

#[test]
fn aggregates_and_other_data_are_dropped() {
    let mut peer = Peer::publishing();
    for (kind, payload) in [
        (22, vec![0; 100]),
        (18, common::amf_string("onTextData")),
        (15, [vec![0], common::amf_string("onCuePoint")].concat()),
        (19, vec![0; 10]),
        (200, vec![0; 10]),
        // A control message that is cut off.
        (5, vec![0; 3]),
    ] {
        peer.feed(&Chunks::default().message(7, 0, kind, 1, &payload))
            .unwrap();
    }
    assert_eq!(
        peer.drops(),
        [
            "aggregate message",
            "data message",
            "data message",
            "unknown message type",
            "unknown message type",
            "unknown message type",
        ]
    );
}
