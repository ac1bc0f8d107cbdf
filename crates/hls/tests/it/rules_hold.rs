//! Whatever the source, every version of every playlist keeps the rules, and the media is what came
//! in.

use hls::{PlaylistAnswer, Rendition, Verdict};
use media::Frame;
use proptest::prelude::*;

use crate::support::{
    Stream, boxes,
    playlist::MediaPlaylist,
    rules,
    source::{Pace, Source},
};

/// Feeds a source frame by frame and checks every new version of both playlists.
fn run(source: &Source) -> Stream {
    let mut stream = Stream::new(hls::Config::default());
    stream.start(source.epoch(1));
    let mut last: [Option<MediaPlaylist>; 2] = [None, None];
    let mut revision = 0;
    for frame in source.frames() {
        stream.frame(&frame);
        if stream.origin.revision() != revision {
            revision = stream.origin.revision();
            check(&mut stream, &mut last);
        }
    }
    stream.end();
    check(&mut stream, &mut last);
    stream
}

fn check(stream: &mut Stream, last: &mut [Option<MediaPlaylist>; 2]) {
    let short = stream
        .verdicts
        .iter()
        .any(|verdict| matches!(verdict, Verdict::ShortPart { .. }));
    for (rendition, last) in Rendition::ALL.into_iter().zip(last.iter_mut()) {
        let PlaylistAnswer::Ready(answer) = stream.ask(rendition, "") else {
            continue;
        };
        let text = str::from_utf8(&answer.body).unwrap();
        let playlist = MediaPlaylist::parse(text);
        assert_eq!(
            rules::broken(&playlist, short),
            Vec::<String>::new(),
            "{text}"
        );
        if let Some(last) = last {
            assert_eq!(
                rules::broken_between(last, &playlist),
                Vec::<String>::new(),
                "{text}"
            );
        }
        *last = Some(playlist);
    }
    if let [Some(video), Some(audio)] = last {
        assert_eq!(rules::broken_across(video, audio), Vec::<String>::new());
    }
}

/// The samples of all parts are the frames that came in, with their exact times; sums of durations
/// lead to the next. Frames may be missing before the first sample and behind the last.
fn media_is(stream: &Stream, rendition: Rendition, frames: &[Frame]) -> usize {
    let mut samples = Vec::new();
    for part in stream.parts(rendition) {
        let of_part = boxes::samples(&part.body);
        let ticks: u64 = of_part
            .iter()
            .map(|sample| u64::from(sample.duration))
            .sum();
        assert_eq!(part.duration.ticks, ticks, "{}", part.name);
        assert_eq!(part.independent, of_part[0].sync, "{}", part.name);
        let idr_inside = of_part.iter().skip(1).any(|sample| sample.sync);
        assert!(
            part.independent || !idr_inside,
            "{} has an IDR inside",
            part.name
        );
        samples.extend(of_part);
    }
    for pair in samples.windows(2) {
        assert_eq!(pair[0].dts + u64::from(pair[0].duration), pair[1].dts);
    }
    let Some(first) = samples.first() else {
        return 0;
    };
    let frames = frames
        .iter()
        .skip_while(|frame| frame.dts.ticks() < first.dts.cast_signed());
    let mut count = 0;
    for (sample, frame) in samples.iter().zip(frames) {
        let times = (sample.dts.cast_signed(), sample.pts, sample.sync);
        assert_eq!(
            times,
            (frame.dts.ticks(), frame.pts.ticks(), frame.keyframe)
        );
        assert_eq!(sample.payload, frame.payload);
        count += 1;
    }
    assert_eq!(count, samples.len(), "no sample is made up");
    count
}

fn constant() -> impl Strategy<Value = Pace> {
    let rates = [
        (24, 1),
        (24_000, 1001),
        (25, 1),
        (30, 1),
        (30_000, 1001),
        (50, 1),
        (60_000, 1001),
        (60, 1),
        (15, 1),
        (10, 1),
    ];
    (proptest::sample::select(rates.to_vec()), any::<bool>()).prop_map(|((num, den), millis)| {
        if millis {
            Pace::Millis(num, den)
        } else {
            Pace::Constant(num, den)
        }
    })
}

fn source(pace: impl Strategy<Value = Pace>) -> impl Strategy<Value = Source> {
    let audio = proptest::sample::select(vec![
        None,
        Some(48_000),
        Some(44_100),
        Some(32_000),
        Some(22_050),
    ]);
    (
        pace,
        any::<bool>(),
        prop::collection::vec(1_usize..300, 1..4),
        0_i64..4,
        audio,
        -45_000_i64..45_000,
    )
        .prop_map(
            |(pace, says_rate, gops, b_frames, audio_rate, audio_delay)| Source {
                pace: Some(pace),
                says_rate,
                gops,
                b_frames,
                audio_rate,
                audio_delay,
                seconds: 25.0,
                ..Source::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn with_a_constant_rate(source in source(constant())) {
        let stream = run(&source);
        let video = source.video();
        prop_assert_eq!(media_is(&stream, Rendition::Video, &video), video.len());
        let audio = source.audio();
        let missing = audio.len() - media_is(&stream, Rendition::Audio, &audio);
        // What reordering delays the picture by at the start, a frame or two at the end.
        prop_assert!(missing < 20, "{} of {}", missing, audio.len());
        // Between two audio frames there may be no room for a video segment: at the end of the
        // source, or where a GOP is cut just before its last frame.
        let segments = stream.segments(Rendition::Video);
        let last = segments.last().map(|segment| segment.msn);
        let tiny = |msn| {
            segments.iter().any(|segment| segment.msn == msn && segment.duration.ticks < 9_000)
        };
        for verdict in &stream.verdicts {
            let expected = match verdict {
                Verdict::GopCut { .. } => true,
                Verdict::Gap { msn, .. } => Some(*msn) == last || tiny(*msn),
                _ => false,
            };
            prop_assert!(expected, "{:?}", verdict);
        }
    }

    #[test]
    fn with_uneven_frames(
        ticks in prop::collection::vec(900_i64..12_000, 2..40),
        source in source(Just(Pace::Constant(30, 1))),
    ) {
        let source = Source { pace: Some(Pace::Ticks(ticks)), b_frames: 0, ..source };
        let stream = run(&source);
        let video = source.video();
        prop_assert_eq!(media_is(&stream, Rendition::Video, &video), video.len());
        let hole = |verdict: &Verdict| matches!(verdict, Verdict::FrameGap { .. });
        prop_assert!(!stream.verdicts.iter().any(hole));
    }
}
