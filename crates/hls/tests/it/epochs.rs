//! A publisher that leaves and comes back, changes its configuration, or jumps in time.

use bytes::Bytes;
use hls::{Epoch, ObjectAnswer, Publication, Rendition, Verdict};
use media::{H264Config, UnixMillis, UtcAnchor};

use crate::support::{
    ANCHOR, Stream, rules,
    source::{START, Source, audio_config, video_config},
};

/// 10.5 s, a pause of 3 s, and 10.5 s more.
fn second(first: &Source) -> Source {
    Source {
        start: START + 27 * 45_000,
        ..first.clone()
    }
}

fn two_epochs(first: &Source, change: impl FnOnce(Epoch) -> Epoch) -> Stream {
    let mut stream = Stream::of(first);
    let second = second(first);
    stream.start(change(second.epoch(2)));
    stream.feed(&second.frames());
    stream
}

fn inits(stream: &Stream) -> Vec<String> {
    let name = |publication: &Publication| match publication {
        Publication::Init(init) => Some(init.name.to_string()),
        _ => None,
    };
    stream.log.iter().filter_map(name).collect()
}

#[test]
fn a_new_epoch_follows_a_discontinuity_in_both_renditions() {
    let mut stream = two_epochs(&Source::default(), |epoch| epoch);
    for rendition in Rendition::ALL {
        let playlist = stream.playlist(rendition);
        assert_eq!(rules::broken(&playlist, false), Vec::<String>::new());
        let discontinuities: Vec<usize> = (0..playlist.segments.len())
            .filter(|at| playlist.segments[*at].discontinuity)
            .collect();
        assert_eq!(discontinuities, [6]);
        assert_eq!(playlist.discontinuity_sequence, 0);
        assert!(
            playlist.segments[6].map.is_some(),
            "told again after a discontinuity"
        );
    }
    assert!(stream.verdicts.is_empty(), "{:?}", stream.verdicts);
}

#[test]
fn the_same_configuration_keeps_its_initialisation_segment() {
    let names = inits(&two_epochs(&Source::default(), |epoch| epoch));
    assert_eq!(
        (names[0] == names[2], names[1] == names[3]),
        (true, true),
        "{names:?}"
    );
}

#[test]
fn another_configuration_gets_another_initialisation_segment() {
    let mut avcc = video_config().avcc.to_vec();
    avcc[3] = 0x1f;
    let other = H264Config {
        avcc: Bytes::from(avcc),
        profile_level: [0x64, 0, 0x1f],
        ..video_config()
    };
    let mut stream = two_epochs(&Source::default(), |epoch| Epoch {
        video: Some(other.into()),
        ..epoch
    });
    let playlist = stream.playlist(Rendition::Video);
    let maps: Vec<&String> = playlist
        .segments
        .iter()
        .filter_map(|segment| segment.map.as_ref())
        .collect();
    assert_eq!(maps.len(), 2);
    assert_ne!(stream.bytes(maps[0]), stream.bytes(maps[1]));
    assert!(stream.multivariant("").contains("avc1.64001f"));
}

#[test]
fn a_hint_from_before_the_pause_is_kept_after_it() {
    let source = Source::default();
    let mut stream = Stream::of(&source);
    let before = stream.playlist(Rendition::Video);
    let hint = before.hint.clone().unwrap();
    let again = second(&source);
    stream.start(again.epoch(2));
    assert!(
        matches!(stream.origin.object(&hint), ObjectAnswer::Ready(_)),
        "the open part was completed"
    );
    let between = stream.playlist(Rendition::Video);
    assert_eq!(
        rules::broken_between(&before, &between),
        Vec::<String>::new()
    );
    let next = between.hint.unwrap();
    assert_eq!(stream.origin.object(&next), ObjectAnswer::Wait);
    stream.feed(&again.frames());
    assert!(
        matches!(stream.origin.object(&next), ObjectAnswer::Ready(_)),
        "{next}"
    );
}

#[test]
fn dates_follow_the_anchor_of_their_epoch() {
    let later = UtcAnchor(UnixMillis(ANCHOR.0.0 + 77));
    let mut stream = two_epochs(&Source::default(), |epoch| Epoch {
        anchor: later,
        ..epoch
    });
    let playlist = stream.playlist(Rendition::Video);
    let dates: Vec<&str> = playlist
        .segments
        .iter()
        .filter_map(|segment| segment.date.as_deref())
        .collect();
    assert_eq!(dates[0], "2026-11-21T22:00:00.000Z");
    assert_eq!(dates[5], "2026-11-21T22:00:10.000Z");
    assert_eq!(dates[6], "2026-11-21T22:00:13.577Z");
}

#[test]
fn the_discontinuity_sequence_grows_when_one_leaves_the_window() {
    let first = Source::default();
    let mut stream = Stream::of(&first);
    let mut seen = Vec::new();
    for number in 2..6 {
        let next = Source {
            start: START + i64::from(number) * 30 * 90_000,
            seconds: 25.0,
            ..first.clone()
        };
        stream.start(next.epoch(number));
        for frame in next.frames() {
            stream.frame(&frame);
            let playlist = stream.playlist(Rendition::Video);
            let listed = playlist
                .segments
                .iter()
                .filter(|segment| segment.discontinuity)
                .count() as u64;
            assert_eq!(
                playlist.discontinuity_sequence + listed,
                u64::from(number) - 1 - u64::from(!started(&stream, number))
            );
            if seen.last() != Some(&playlist.discontinuity_sequence) {
                seen.push(playlist.discontinuity_sequence);
            }
        }
    }
    assert_eq!(seen, [0, 1, 2]);
}

fn started(stream: &Stream, epoch: u32) -> bool {
    stream.log.iter().any(|publication| {
        matches!(publication, Publication::Opened(head)
            if head.epoch == epoch && head.rendition == Rendition::Video)
    })
}

#[test]
fn a_jump_in_time_is_one_discontinuity() {
    let source = Source::default();
    let mut stream = Stream::of(&source);
    let jumped = Source {
        start: START + 3600 * 90_000,
        ..source
    };
    stream.feed(&jumped.frames());
    let jumps = stream
        .verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::TimestampJump { .. }))
        .count();
    assert_eq!(jumps, 1, "{:?}", stream.verdicts);
    for rendition in Rendition::ALL {
        let playlist = stream.playlist(rendition);
        assert_eq!(
            playlist
                .segments
                .iter()
                .filter(|segment| segment.discontinuity)
                .count(),
            1,
            "{rendition:?}"
        );
        assert_eq!(rules::broken(&playlist, false), Vec::<String>::new());
    }
}

#[test]
fn audio_that_is_gone_in_the_next_epoch_leaves_gaps() {
    let first = Source::default();
    let mut stream = Stream::of(&first);
    let next = Source {
        audio_rate: None,
        ..second(&first)
    };
    stream.start(next.epoch(2));
    stream.feed(&next.frames());
    let (video, audio) = (
        stream.playlist(Rendition::Video),
        stream.playlist(Rendition::Audio),
    );
    assert!(video.segments.len() > 10);
    let gaps: Vec<bool> = audio.segments.iter().map(|segment| segment.gap).collect();
    assert_eq!(
        gaps,
        [
            false, false, false, false, false, false, true, true, true, true, true
        ]
    );
    assert_eq!(rules::broken_across(&video, &audio), Vec::<String>::new());
}

#[test]
fn audio_that_comes_in_the_next_epoch_starts_at_its_number() {
    let first = Source {
        audio_rate: None,
        ..Source::default()
    };
    let mut stream = Stream::of(&first);
    let next = Source {
        audio_rate: Some(48_000),
        ..second(&first)
    };
    stream.start(Epoch {
        audio: Some(audio_config(48_000)),
        ..next.epoch(2)
    });
    stream.feed(&next.frames());
    let (video, audio) = (
        stream.playlist(Rendition::Video),
        stream.playlist(Rendition::Audio),
    );
    assert_eq!((video.media_sequence, audio.media_sequence), (0, 6));
    assert!(audio.segments[0].discontinuity && video.segments[6].discontinuity);
    assert_eq!(
        (video.discontinuity_sequence, audio.discontinuity_sequence),
        (0, 0)
    );
    assert_eq!(
        audio.segments[0].date.as_ref().unwrap()[..19],
        video.segments[6].date.as_ref().unwrap()[..19]
    );
}

#[test]
fn nothing_is_published_of_an_epoch_without_frames() {
    let source = Source::default();
    let mut stream = Stream::of(&source);
    stream.start(source.epoch(2));
    stream.start(source.epoch(3));
    let again = second(&source);
    stream.start(again.epoch(4));
    stream.feed(&again.frames());
    let playlist = stream.playlist(Rendition::Video);
    assert_eq!(
        playlist
            .segments
            .iter()
            .filter(|segment| segment.discontinuity)
            .count(),
        1
    );
}

#[test]
fn a_measured_frame_rate_is_still_known_in_the_next_epoch() {
    let source = Source {
        says_rate: false,
        ..Source::default()
    };
    let stream = two_epochs(&source, |epoch| epoch);
    assert!(stream.multivariant("").contains("FRAME-RATE=30.000"));
}

#[test]
fn a_gap_at_the_end_of_an_epoch_keeps_the_dates_on_one_line() {
    // The last video segment has room for less than one audio frame.
    let first = Source {
        seconds: 4.01,
        ..Source::default()
    };
    let mut stream = two_epochs(&first, |epoch| epoch);
    let playlist = stream.playlist(Rendition::Audio);
    let gap = playlist
        .segments
        .iter()
        .position(|segment| segment.gap)
        .unwrap();
    assert_eq!(gap, 2);
    let ms = |at: usize| {
        let date = playlist.segments[at].date.as_ref().unwrap();
        cues::parse_rfc3339(date).unwrap().0
    };
    let before = (playlist.segments[gap - 1].duration.unwrap() * 1000.0).round() as i64;
    assert!((ms(gap) - ms(gap - 1) - before).abs() <= 1);
}

#[test]
fn a_packager_in_place_of_one_that_is_gone_goes_on_past_its_numbers() {
    let first = Source {
        says_rate: false,
        ..Source::default()
    };
    let mut before = Stream::of(&first);
    let continuity = before.packager.continuity();
    let lists = Rendition::ALL.map(|rendition| before.playlist(rendition));
    let mut after = Stream::new(hls::Config::default());
    // Another configuration than before: what was told stands.
    let config = hls::Config {
        part_target: std::time::Duration::from_millis(500),
        target_duration_min: std::time::Duration::from_secs(5),
        ..hls::Config::default()
    };
    after.packager = hls::Packager::resume(config, "demo", &continuity, []);
    let second = second(&first);
    after.start(second.epoch(2));
    after.feed(&second.frames());
    for (rendition, list) in Rendition::ALL.into_iter().zip(lists) {
        let playlist = after.playlist(rendition);
        assert_eq!(rules::broken(&playlist, false), Vec::<String>::new());
        assert!(playlist.media_sequence >= list.media_sequence + list.segments.len() as u64);
        assert!(playlist.discontinuity_sequence > list.discontinuity_sequence);
        assert!(playlist.segments[0].discontinuity);
        assert_eq!(
            (playlist.target_duration, playlist.part_target),
            (list.target_duration, list.part_target)
        );
    }
    let names = |stream: &Stream| stream.parts(Rendition::Video)[0].name.clone();
    assert_ne!(names(&before), names(&after));
}
