//! Demuxed renditions: how audio follows video, and what happens when one of them is missing.

use hls::{Config, Epoch, Error, PlaylistAnswer, Rendition, Verdict};
use media::{Frame, MediaTime, Timescale, TrackKind};

use crate::support::{Stream, boxes, source::Source};

/// First presentation time of each segment, 90 kHz.
fn starts(stream: &Stream, rendition: Rendition) -> Vec<i64> {
    let heads = stream
        .log
        .iter()
        .filter_map(|publication| match publication {
            hls::Publication::Opened(head) if head.rendition == rendition => Some(head.first_pts.0),
            _ => None,
        });
    heads.collect()
}

#[test]
fn audio_segments_start_at_the_first_frame_of_the_video_segment() {
    for (audio_rate, audio_delay) in [
        (48_000, 0),
        (44_100, -45_000),
        (32_000, 40_000),
        (22_050, 9_000),
    ] {
        let source = Source {
            audio_rate: Some(audio_rate),
            audio_delay,
            b_frames: 2,
            ..Source::default()
        };
        let stream = Stream::of(&source);
        let video = starts(&stream, Rendition::Video);
        let audio: Vec<i64> = source
            .audio()
            .iter()
            .map(|frame| frame.stream_pts().0)
            .collect();
        let expected: Vec<i64> = video
            .iter()
            .map(|start| *audio.iter().find(|pts| *pts >= start).unwrap())
            .collect();
        let starts = starts(&stream, Rendition::Audio);
        assert!(starts.len() >= 5);
        assert_eq!(starts, expected[..starts.len()], "{audio_rate}");
        assert!(stream.verdicts.is_empty(), "{:?}", stream.verdicts);
    }
}

#[test]
fn audio_parts_are_whole_frames_within_the_video_target() {
    let mut stream = Stream::of(&Source::default());
    assert!((stream.playlist(Rendition::Audio).part_target - 0.320).abs() < 1e-9);
    assert_eq!(stream.parts(Rendition::Audio)[0].duration.ticks, 15 * 1024);
    let (video, audio) = (
        stream.playlist(Rendition::Video),
        stream.playlist(Rendition::Audio),
    );
    assert_eq!(video.server_control, audio.server_control);
    assert_eq!(video.server_control["PART-HOLD-BACK"], "1.002");
    assert_eq!(
        (video.reports[0].uri.as_str(), audio.reports[0].uri.as_str()),
        ("audio.m3u8", "video.m3u8")
    );
    assert_eq!(
        (video.reports[0].last_msn, audio.reports[0].last_msn),
        (5, 5)
    );
}

#[test]
fn audio_alone_makes_two_second_segments() {
    let mut stream = Stream::of(&Source {
        pace: None,
        ..Source::default()
    });
    let playlist = stream.playlist(Rendition::Audio);
    assert_eq!((playlist.target_duration, playlist.reports.len()), (2, 0));
    assert!(
        playlist
            .closed()
            .all(|segment| (1.98..2.03).contains(&segment.duration.unwrap()))
    );
    assert_eq!(stream.ask(Rendition::Video, ""), PlaylistAnswer::NotFound);
    assert!(
        stream
            .multivariant("")
            .contains("CODECS=\"mp4a.40.2\"\naudio.m3u8\n")
    );
}

#[test]
fn video_alone_has_no_audio_playlist() {
    let mut stream = Stream::of(&Source {
        audio_rate: None,
        ..Source::default()
    });
    assert!(stream.playlist(Rendition::Video).reports.is_empty());
    assert_eq!(stream.ask(Rendition::Audio, ""), PlaylistAnswer::NotFound);
    assert!(!stream.multivariant("").contains("AUDIO"));
}

#[test]
fn audio_that_never_comes_does_not_hold_back_the_video() {
    let source = Source::default();
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    stream.feed(&source.video());
    assert_eq!(stream.playlist(Rendition::Video).closed().count(), 5);
    assert_eq!(stream.ask(Rendition::Audio, ""), PlaylistAnswer::NotYet);
    assert!(!stream.multivariant("").contains("AUDIO"));
}

#[test]
fn audio_that_falls_silent_leaves_gaps_and_comes_back() {
    let source = Source {
        seconds: 20.5,
        ..Source::default()
    };
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    let silent = 900_000 + 5 * 90_000..900_000 + 13 * 90_000;
    for frame in source.frames() {
        if frame.track == TrackKind::Video || !silent.contains(&frame.stream_pts().0) {
            stream.frame(&frame);
        }
    }
    let (video, audio) = (
        stream.playlist(Rendition::Video),
        stream.playlist(Rendition::Audio),
    );
    assert_eq!(video.media_sequence, audio.media_sequence);
    let gaps: Vec<bool> = audio.segments.iter().map(|segment| segment.gap).collect();
    let expected = [3, 4, 5].map(|gap| gap as usize);
    assert!(
        gaps.iter()
            .enumerate()
            .all(|(at, gap)| *gap == expected.contains(&at)),
        "{gaps:?}"
    );
    for gap in expected {
        let difference =
            audio.segments[gap].duration.unwrap() - video.segments[gap].duration.unwrap();
        assert!(difference.abs() < 0.05, "{difference}");
        let uri = audio.segments[gap].uri.clone().unwrap();
        assert_eq!(stream.origin.object(&uri), hls::ObjectAnswer::NotFound);
    }
    let verdicts = stream
        .verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::Gap { .. }))
        .count();
    assert_eq!(verdicts, 3);
}

#[test]
fn frames_before_the_first_idr_are_left_out() {
    let source = Source::default();
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    stream.feed(&source.frames()[50..]);
    let first = boxes::samples(&stream.parts(Rendition::Video)[0].body)[0].clone();
    assert!(first.sync);
    assert_eq!(first.pts, 900_000 + 180_000);
    let audio = boxes::samples(&stream.parts(Rendition::Audio)[0].body)[0].clone();
    assert!(audio.pts * 90 / 48 >= first.pts);
}

#[test]
fn what_does_not_fit_is_refused_and_the_stream_goes_on() {
    let source = Source {
        audio_rate: None,
        ..Source::default()
    };
    let mut stream = Stream::new(Config::default());
    let nothing = Epoch {
        video: None,
        ..source.epoch(1)
    };
    assert_eq!(stream.packager.start_epoch(nothing), Err(Error::NoTrack));
    let frames = source.frames();
    assert_eq!(
        stream.packager.frame(&frames[0]),
        Err(Error::UnknownTrack(TrackKind::Video))
    );
    stream.start(source.epoch(1));
    stream.frame(&frames[0]);
    let video = |dts: i64, pts: i64, payload: &'static [u8]| Frame {
        track: TrackKind::Video,
        dts: MediaTime::new(dts, Timescale::VIDEO),
        pts: MediaTime::new(pts, Timescale::VIDEO),
        keyframe: false,
        payload: payload.into(),
    };
    let mut refused = |frame: Frame| stream.packager.frame(&frame).unwrap_err();
    let again = refused(frames[0].clone());
    assert_eq!(
        again,
        Error::DecodeOrder {
            track: TrackKind::Video,
            dts: 900_000,
            previous: 900_000
        }
    );
    assert!(matches!(
        refused(video(-1, 0, b"x")),
        Error::TimeRange { .. }
    ));
    assert!(matches!(
        refused(video(910_000, i64::MAX, b"x")),
        Error::TimeRange { .. }
    ));
    assert!(matches!(
        refused(video(910_000, 910_000, b"")),
        Error::FrameSize { bytes: 0, .. }
    ));
    let audio = Frame {
        track: TrackKind::Audio,
        ..video(910_000, 910_000, b"x")
    };
    assert_eq!(refused(audio), Error::UnknownTrack(TrackKind::Audio));
    let ms = Timescale::new(1000).unwrap();
    let other = Frame {
        dts: MediaTime::new(1, ms),
        ..video(0, 910_000, b"x")
    };
    assert!(matches!(
        refused(other),
        Error::Timescale {
            expected: 90_000,
            found: 1000,
            ..
        }
    ));
    stream.feed(&frames[1..]);
    assert_eq!(stream.playlist(Rendition::Video).closed().count(), 5);
    stream.end();
    assert_eq!(stream.packager.frame(&frames[0]), Err(Error::Ended));
}
