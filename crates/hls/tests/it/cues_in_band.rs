//! Cues in parts and playlists: each once, in the part that shows its frame, and the state wherever
//! a player starts.

use std::sync::Arc;

use cues::{Cue, Currency, EncodedCue, InBandSnapshot, Op, Payload, Price, Product, emsg, id3};
use hls::{Config, Rendition};
use media::Pts;

use crate::support::{Stream, at, boxes, playlist, source::Source};

fn cue(seq: u64, op: Op, card: &str, pts: Pts, duration: Option<i64>) -> Arc<EncodedCue> {
    let price = Price {
        minor: 1299,
        currency: Currency::parse("EUR").unwrap(),
    };
    let product = Product {
        sku: "A1".to_owned(),
        title: "Mug".to_owned(),
        price,
        prior_price: None,
        image: None,
        stock: Some(5),
    };
    let cue = Cue {
        stream: "demo".to_owned(),
        epoch: 1,
        seq,
        card_id: card.to_owned(),
        rev: 1,
        op,
        pts,
        duration,
        payload: op.has_payload().then_some(Payload::Product(product)),
        target: None,
    };
    Arc::new(cues::encode(cue).unwrap())
}

/// A stream that gets each cue this many seconds before its threshold.
fn run(source: &Source, cues: &[Arc<EncodedCue>], lead: f64) -> Stream {
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    let mut waiting = cues.to_vec();
    for frame in source.frames() {
        let reached = frame.stream_pts().offset((lead * 90_000.0) as i64);
        for cue in waiting.extract_if(.., |cue| cue.cue.pts <= reached) {
            stream.cue(&cue);
        }
        stream.frame(&frame);
    }
    stream
}

/// The cue events of a rendition: number of the part, presentation time, cue text.
fn events(stream: &Stream, rendition: Rendition) -> Vec<(usize, u64, String)> {
    tagged(stream, rendition, id3::CUE)
}

fn tagged(stream: &Stream, rendition: Rendition, value: &str) -> Vec<(usize, u64, String)> {
    let mut events = Vec::new();
    for (number, part) in stream.parts(rendition).into_iter().enumerate() {
        for top in boxes::top(&part.body)
            .into_iter()
            .filter(|top| top.kind == "emsg")
        {
            let event = emsg::parse(&top.bytes).unwrap();
            assert_eq!(
                (event.scheme_id_uri.as_str(), event.timescale),
                (emsg::SCHEME_ID3, 90_000)
            );
            if rendition == Rendition::Video {
                let (start, end) = interval(&part.body);
                let inside = (start..end).contains(&event.presentation_time);
                assert!(inside, "AOM: within its fragment");
            }
            if event.value == value {
                let text = id3::parse(&event.message_data).unwrap().value;
                events.push((number, event.presentation_time, text));
            }
        }
    }
    events
}

/// The presentation interval of a chunk, in ticks of the stream.
fn interval(chunk: &[u8]) -> (u64, u64) {
    let samples = boxes::samples(chunk);
    let pts = |sample: &boxes::Sample| u64::try_from(sample.pts).unwrap();
    let start = samples.iter().map(pts).min().unwrap();
    (
        start,
        samples
            .iter()
            .map(|sample| pts(sample) + u64::from(sample.duration))
            .max()
            .unwrap(),
    )
}

#[test]
fn a_cue_that_is_taken_back_is_in_no_part_and_in_no_playlist() {
    let [kept, gone] = [(1, 3.0), (2, 5.0)]
        .map(|(seq, seconds)| cue(seq, Op::Show, "c1", at(seconds), Some(180_000)));
    let cancel = cues::encode(Cue {
        seq: 3,
        op: Op::Cancel,
        duration: None,
        payload: None,
        target: Some(2),
        ..gone.cue.clone()
    });
    let source = Source::default();
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    stream.cue(&kept);
    stream.cue(&gone);
    let mut cancel = Some(Arc::new(cancel.unwrap()));
    for frame in source.frames() {
        stream.frame(&frame);
        if frame.stream_pts() >= at(4.0)
            && let Some(cancel) = cancel.take()
        {
            assert_eq!(stream.playlist(Rendition::Video).date_ranges.len(), 2);
            stream.cue(&cancel);
            let ranges = stream.playlist(Rendition::Video).date_ranges;
            assert_eq!(ranges.len(), 1);
            assert_eq!(playlist::attributes(&ranges[0])["ID"], "cue-1-1");
        }
    }
    let events = events(&stream, Rendition::Video);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].2, kept.as_str());
    for (_, at_pts, text) in tagged(&stream, Rendition::Video, id3::SNAPSHOT) {
        let cards = InBandSnapshot::from_json(&text).unwrap().cues.len();
        let shows = (270_000..450_000).contains(&(i64::try_from(at_pts).unwrap() - at(0.0).0));
        assert_eq!(cards, usize::from(shows), "at {at_pts}");
    }
}

#[test]
fn a_cue_rides_in_the_video_part_that_shows_its_frame() {
    // Thresholds on a frame, between frames, and one tick before a part's end.
    let cues = [
        cue(1, Op::Show, "c1", at(3.0), Some(90_000)),
        cue(2, Op::Show, "c2", at(3.01), None),
        cue(3, Op::Hide, "c2", Pts(at(4.0).0 - 1), None),
        cue(4, Op::Clear, "", at(4.0), None),
    ];
    for b_frames in [0, 3] {
        let stream = run(
            &Source {
                b_frames,
                ..Source::default()
            },
            &cues,
            0.3,
        );
        let events = events(&stream, Rendition::Video);
        let texts: Vec<&str> = events.iter().map(|(.., text)| text.as_str()).collect();
        let expected: Vec<&str> = cues.iter().map(|cue| cue.as_str()).collect();
        assert_eq!(
            texts, expected,
            "each once, in order, the bytes as they are"
        );
        for ((.., time, _), cue) in events.iter().zip(&cues) {
            assert_eq!(i64::try_from(*time).unwrap(), cue.cue.pts.0);
        }
        if b_frames == 0 {
            let parts: Vec<usize> = events.iter().map(|(part, ..)| *part).collect();
            assert_eq!(parts, [9, 9, 11, 12]);
        }
        assert_eq!(self::events(&stream, Rendition::Audio), []);
    }
}

#[test]
fn every_segment_starts_with_the_state() {
    let cues = [
        cue(1, Op::Show, "c1", at(1.0), Some(4 * 90_000)),
        cue(2, Op::Show, "c2", at(3.0), None),
        cue(3, Op::Hide, "c2", at(7.0), None),
    ];
    let stream = run(&Source::default(), &cues, 0.3);
    let snapshots = tagged(&stream, Rendition::Video, id3::SNAPSHOT);
    let states: Vec<(u64, Vec<u64>)> = snapshots
        .iter()
        .map(|(.., time, text)| {
            let snapshot = InBandSnapshot::from_json(text).unwrap();
            assert_eq!(
                (
                    snapshot.stream.as_str(),
                    snapshot.epoch,
                    snapshot.pts.0 as u64
                ),
                ("demo", 1, *time)
            );
            (
                (time - 900_000) / 90_000,
                snapshot.cues.iter().map(|cue| cue.cue.seq).collect(),
            )
        })
        .collect();
    let expected = [
        (0, vec![]),
        (2, vec![1]),
        (4, vec![1, 2]),
        (6, vec![2]),
        (8, vec![]),
        (10, vec![]),
    ];
    assert_eq!(states, expected);
}

#[test]
fn a_cue_that_comes_too_late_is_told_by_a_snapshot_in_the_next_part() {
    let late = cue(1, Op::Show, "c1", at(3.0), None);
    let stream = run(&Source::default(), &[Arc::clone(&late)], -0.5);
    assert_eq!(events(&stream, Rendition::Video), []);
    let snapshots = tagged(&stream, Rendition::Video, id3::SNAPSHOT);
    let with: Vec<usize> = snapshots
        .iter()
        .filter(|(.., text)| !InBandSnapshot::from_json(text).unwrap().cues.is_empty())
        .map(|(part, ..)| *part)
        .collect();
    assert_eq!(
        with,
        [10, 12, 18, 24, 30],
        "at once, and at each segment start from then on"
    );
}

#[test]
fn without_video_cues_ride_in_the_audio() {
    let source = Source {
        pace: None,
        ..Source::default()
    };
    let stream = run(&source, &[cue(1, Op::Show, "c1", at(3.0), None)], 0.3);
    assert_eq!(events(&stream, Rendition::Audio).len(), 1);
}

#[test]
fn playlists_list_a_cue_while_it_lies_in_the_window() {
    let source = Source {
        seconds: 140.0,
        ..Source::default()
    };
    let cues = [
        cue(1, Op::Show, "open", at(1.0), None),
        cue(2, Op::Show, "short", at(2.0), Some(90_000)),
        cue(3, Op::Show, "long", at(3.0), Some(120 * 90_000)),
        cue(4, Op::Hide, "open", at(30.0), None),
        cue(5, Op::Show, "forever", at(31.0), None),
    ];
    let mut stream = run(&source, &cues, 0.3);
    let ids = |stream: &mut Stream, rendition| -> Vec<String> {
        let ranges = stream.playlist(rendition).date_ranges;
        ranges
            .iter()
            .map(|range| playlist::attributes(range)["ID"].clone())
            .collect()
    };
    let video = ids(&mut stream, Rendition::Video);
    assert_eq!(
        video,
        ["cue-1-3", "cue-1-5"],
        "what shows in the window, shown until hidden"
    );
    assert_eq!(
        ids(&mut stream, Rendition::Audio),
        video,
        "6.2.4: the same set"
    );
    let range = stream.playlist(Rendition::Video).date_ranges[0].clone();
    assert_eq!(
        playlist::attributes(&range)["START-DATE"],
        "2026-11-21T22:00:03.000Z"
    );
}

#[test]
fn at_most_64_ranges_are_listed() {
    let cues: Vec<_> = (1..=100)
        .map(|seq| cue(seq, Op::Show, "c1", at(3.0 + seq as f64 / 50.0), None))
        .collect();
    let mut stream = run(&Source::default(), &cues, 0.3);
    assert_eq!(stream.playlist(Rendition::Video).date_ranges.len(), 64);
    assert_eq!(stream.origin.stats().refused_date_ranges, 36);
    assert_eq!(
        events(&stream, Rendition::Video).len(),
        100,
        "the parts have them all"
    );
}

#[test]
fn a_cue_before_the_stream_is_kept_for_it() {
    let source = Source::default();
    let early = cue(1, Op::Show, "c1", at(0.5), None);
    let mut stream = Stream::new(Config::default());
    stream.cue(&early);
    stream.start(source.epoch(1));
    stream.feed(&source.frames());
    stream.cue(&early);
    assert_eq!(events(&stream, Rendition::Video).len(), 1, "and taken once");
    assert_eq!(stream.playlist(Rendition::Video).date_ranges.len(), 1);
}
