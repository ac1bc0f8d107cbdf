//! What FFmpeg 5.1.9 and 9.0.2 and OBS 29.0.2 really send gives the same frames in any portions.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::Peer;
use media::{AudioConfig, VideoConfig};
use rtmp::Event;

const FFMPEG: &[u8] = include_bytes!("data/ffmpeg-5.1.9.rtmp");
/// Cut off after its first frames.
const OBS: &[u8] = include_bytes!("data/obs-29.0.2.rtmp");

/// By Enhanced RTMP, two seconds of 128x72 at 10 frames/s, a key frame each second.
const HEVC_AAC: &[u8] = include_bytes!("data/ffmpeg-9.0.2-hevc-aac.rtmp");
const AV1_OPUS: &[u8] = include_bytes!("data/ffmpeg-9.0.2-av1-opus.rtmp");
const VP9_OPUS: &[u8] = include_bytes!("data/ffmpeg-9.0.2-vp9-opus.rtmp");

fn read(recording: &[u8], portion: usize) -> Vec<Event> {
    let mut peer = Peer::new();
    for portion in recording.chunks(portion) {
        peer.feed(portion).unwrap();
    }
    assert!(peer.drops().is_empty());
    peer.events
}

#[test]
fn portions_make_no_difference() {
    for recording in [FFMPEG, OBS, HEVC_AAC, AV1_OPUS, VP9_OPUS] {
        let whole = read(recording, usize::MAX);
        for portion in [1, 2, 7, 1460, 4096] {
            assert_eq!(read(recording, portion), whole, "in portions of {portion}");
        }
    }
}

#[test]
fn ffmpeg_publishes_a_second_with_b_frames() {
    let events = read(FFMPEG, usize::MAX);
    let Event::Publish {
        app,
        stream_key,
        query,
    } = &events[0]
    else {
        panic!()
    };
    assert_eq!((app.as_str(), stream_key.as_str()), ("live", "demo"));
    assert_eq!(query.as_deref(), Some("token=abc"));
    let Event::Metadata(metadata) = &events[1] else {
        panic!()
    };
    assert_eq!(
        metadata.frame_rate.map(|rate| (rate.num, rate.den)),
        Some((30, 1))
    );
    assert_eq!(metadata.encoder.as_deref(), Some("Lavf59.27.100"));
    let Event::VideoConfig(VideoConfig::H264(config)) = &events[2] else {
        panic!()
    };
    assert_eq!(
        (config.width, config.height, config.reorder_frames),
        (64, 64, Some(2))
    );
    let Event::AudioConfig(AudioConfig::Aac(config)) = &events[3] else {
        panic!()
    };
    assert_eq!((config.sample_rate.hz(), config.channels), (48_000, 1));
    let compositions: Vec<_> = frames(&events)
        .map(|(_, composition, _)| composition)
        .collect();
    assert_eq!(compositions.len(), 30);
    assert!(compositions.iter().any(|ms| *ms > 33));
    let key_frames: Vec<_> = frames(&events)
        .filter(|frame| frame.2)
        .map(|frame| frame.0)
        .collect();
    assert_eq!(key_frames, [0, 500]);
    let audio = events
        .iter()
        .filter(|event| matches!(event, Event::Audio { .. }))
        .count();
    assert_eq!(audio, 48);
    assert_eq!(events.last(), Some(&Event::Unpublish));
}

#[test]
fn obs_publishes_without_b_frames() {
    let events = read(OBS, usize::MAX);
    let Event::Metadata(metadata) = &events[1] else {
        panic!()
    };
    assert_eq!(
        (metadata.video_kbps, metadata.audio_kbps),
        (Some(1500), Some(128))
    );
    let Event::AudioConfig(AudioConfig::Aac(config)) = &events[2] else {
        panic!()
    };
    assert_eq!((config.sample_rate.hz(), config.channels), (48_000, 2));
    let Event::VideoConfig(VideoConfig::H264(config)) = &events[3] else {
        panic!()
    };
    assert_eq!(
        (config.width, config.height, config.reorder_frames),
        (852, 480, Some(0))
    );
    let start: Vec<_> = frames(&events).take(3).collect();
    assert_eq!(start, [(0, 0, true), (33, 0, false), (66, 0, false)]);
}

#[test]
fn ffmpeg_publishes_other_codecs() {
    for (recording, codecs, opus, second_key) in [
        // An open group: its key frame is decoded before a picture that is shown before it.
        (HEVC_AAC, "hvc1.1.6.L30.90", false, 9),
        (AV1_OPUS, "av01.0.00M.08", true, 10),
        (VP9_OPUS, "vp09.00.10.08", true, 10),
    ] {
        let events = read(recording, usize::MAX);
        let configs: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::VideoConfig(config) => Some((config.codecs(), config.size())),
                _ => None,
            })
            .collect();
        assert_eq!(configs, [(codecs.to_owned(), (128, 72))]);
        let sounds: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::AudioConfig(config) => Some(*config == AudioConfig::Opus),
                _ => None,
            })
            .collect();
        assert_eq!(sounds, [opus], "{codecs}");
        let pictures: Vec<_> = frames(&events).collect();
        let keys: Vec<_> = (0..)
            .zip(&pictures)
            .filter(|(_, it)| it.2)
            .map(|(n, _)| n)
            .collect();
        assert_eq!(
            (pictures.len(), keys),
            (20, vec![0, second_key]),
            "{codecs}"
        );
        let composed = pictures.iter().any(|(_, composition, _)| *composition != 0);
        assert_eq!(composed, second_key < 10, "{codecs}");
        let sounds = events
            .iter()
            .filter(|event| matches!(event, Event::Audio { .. }));
        assert!(
            (95..=102).contains(&sounds.count()),
            "two seconds of {codecs}"
        );
    }
}

fn frames(events: &[Event]) -> impl Iterator<Item = (i64, i32, bool)> {
    events.iter().filter_map(|event| match event {
        Event::Video {
            dts_ms,
            composition_ms,
            keyframe,
            ..
        } => Some((*dts_ms, *composition_ms, *keyframe)),
        _ => None,
    })
}
