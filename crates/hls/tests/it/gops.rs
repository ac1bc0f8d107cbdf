//! Target duration, segments and parts as the encoder's key frames have it.

use hls::{Config, Publication, Rendition, Verdict};

use crate::support::{
    Stream,
    source::{Pace, Source},
};

fn video(gops: &[usize], seconds: f64) -> Stream {
    Stream::of(&Source {
        gops: gops.to_vec(),
        seconds,
        audio_rate: None,
        ..Source::default()
    })
}

/// Seconds of each complete segment.
fn segments(stream: &Stream) -> Vec<f64> {
    let seconds = |segment: &&hls::Segment| segment.duration.ticks as f64 / 90_000.0;
    stream
        .segments(Rendition::Video)
        .iter()
        .map(seconds)
        .collect()
}

fn target_duration(stream: &Stream) -> Vec<u32> {
    let target = |publication: &Publication| match publication {
        Publication::Targets(targets) => Some(targets.target_duration_s),
        _ => None,
    };
    stream.log.iter().filter_map(target).collect()
}

#[test]
fn segments_are_whole_gops_of_about_two_seconds() {
    assert_eq!(segments(&video(&[60], 7.0)), [2.0, 2.0, 2.0]);
    assert_eq!(segments(&video(&[30], 7.0)), [2.0, 2.0, 2.0]);
    assert_eq!(
        segments(&video(&[45], 7.0)),
        [1.5, 1.5, 1.5, 1.5],
        "half a part may not stand inside a segment"
    );
    assert_eq!(segments(&video(&[40], 9.0)), [2.0 + 2.0 / 3.0; 3]);
    assert_eq!(target_duration(&video(&[60], 7.0)), [2]);
    assert_eq!(target_duration(&video(&[40], 9.0)), [3]);
}

#[test]
fn a_long_gop_makes_long_segments_that_start_with_an_idr() {
    let mut stream = video(&[250], 40.0);
    assert_eq!(target_duration(&stream), [9]);
    assert_eq!(segments(&stream), [250.0 / 30.0; 4]);
    assert!(stream.verdicts.is_empty());
    let playlist = stream.playlist(Rendition::Video);
    assert!(playlist.independent_segments);
    // Joins: every part since the last IDR is listed, and it is marked.
    let open = playlist.open().unwrap();
    assert_eq!((open.parts.len(), open.parts[0].independent), (19, true));
    assert!(open.parts[1..].iter().all(|part| !part.independent));
    assert_eq!(playlist.segments[3].parts.len(), 25);
}

#[test]
fn a_gop_that_grows_is_cut_with_a_verdict_and_the_target_duration_stays() {
    let mut stream = video(&[60, 60, 60, 250], 14.0);
    assert_eq!(target_duration(&stream), [2]);
    let cuts: Vec<u64> = stream
        .verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::GopCut {
                msn,
                target_duration_s: 2,
                ..
            } => msn.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(cuts, [4, 5, 6]);
    assert!(
        segments(&stream)
            .iter()
            .all(|seconds| seconds.round() <= 2.0)
    );
    let playlist = stream.playlist(Rendition::Video);
    assert!(!playlist.independent_segments, "which would be a lie now");
    assert!(!stream.multivariant("").contains("INDEPENDENT-SEGMENTS"));
}

#[test]
fn without_a_second_idr_the_longest_target_duration_is_taken() {
    let mut stream = video(&[100_000], 13.0);
    assert_eq!(target_duration(&stream), [10]);
    assert!(matches!(stream.verdicts[..], [Verdict::GopCut { .. }]));
    assert_eq!(stream.playlist(Rendition::Video).target_duration, 10);
}

#[test]
fn a_higher_floor_leaves_room_for_later_gops() {
    let source = Source {
        gops: vec![60, 60, 120],
        audio_rate: None,
        ..Source::default()
    };
    let config = Config {
        target_duration_min: std::time::Duration::from_secs(4),
        ..Config::default()
    };
    let mut stream = Stream::new(config);
    stream.start(source.epoch(1));
    stream.feed(&source.frames());
    assert_eq!(target_duration(&stream), [4]);
    assert_eq!(segments(&stream), [2.0, 2.0, 4.0, 2.0]);
    assert!(stream.verdicts.is_empty());
}

#[test]
fn every_frame_an_idr_gives_ordinary_parts() {
    let stream = video(&[1], 7.0);
    let parts = stream.parts(Rendition::Video);
    assert!(
        parts
            .iter()
            .all(|part| part.independent && part.duration.ticks == 30_000)
    );
    assert_eq!(segments(&stream), [2.0, 2.0, 2.0]);
}

#[test]
fn short_gops_share_a_part_but_never_split_one() {
    // 4 frames are 133 ms: two GOPs make a part of 267 ms, which is less than 85 % but starts with
    // an IDR.
    let stream = video(&[4], 7.0);
    assert!(
        stream
            .parts(Rendition::Video)
            .iter()
            .all(|part| part.independent)
    );
    assert_eq!(stream.parts(Rendition::Video)[0].duration.ticks, 24_000);
    assert!(stream.verdicts.is_empty());
}

#[test]
fn a_hole_makes_one_long_part_and_a_verdict() {
    let mut ticks = vec![3000; 100];
    ticks[70] = 60_000;
    let pace = Pace::Ticks(ticks);
    let stream = Stream::of(&Source {
        pace: Some(pace),
        says_rate: false,
        audio_rate: None,
        ..Source::default()
    });
    let holes = stream
        .verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::FrameGap { .. }))
        .count();
    assert_eq!(holes, 2, "{:?}", stream.verdicts);
    let long = stream
        .parts(Rendition::Video)
        .into_iter()
        .filter(|part| part.duration.ticks > 30_060)
        .count();
    assert_eq!(long, holes);
}

#[test]
fn a_stream_shorter_than_a_gop_still_ends_as_a_playlist() {
    let mut stream = video(&[1000], 5.0);
    stream.end();
    let playlist = stream.playlist(Rendition::Video);
    assert_eq!((playlist.target_duration, playlist.ended), (5, true));
    assert_eq!(segments(&stream), [5.0]);
}
