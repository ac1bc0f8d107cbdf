//! What is listed, what is only fetchable, and what is gone.

use hls::{Config, ObjectAnswer, Rendition};

use crate::support::{Stream, source::Source};

fn long(config: Config, seconds: f64) -> Stream {
    let source = Source {
        seconds,
        ..Source::default()
    };
    let mut stream = Stream::new(config);
    stream.start(source.epoch(1));
    stream.feed(&source.frames());
    stream
}

fn is_there(stream: &Stream, name: &str) -> bool {
    matches!(stream.origin.object(name), ObjectAnswer::Ready(_))
}

#[test]
fn a_minute_is_listed_and_a_little_more_stays_fetchable() {
    let mut stream = long(Config::default(), 200.5);
    for rendition in Rendition::ALL {
        let playlist = stream.playlist(rendition);
        assert_eq!(
            (playlist.media_sequence, playlist.closed().count()),
            (69, 31)
        );
        assert_eq!(playlist.discontinuity_sequence, 0);
    }
    let segments: Vec<String> = stream
        .segments(Rendition::Video)
        .iter()
        .map(|segment| segment.name.clone())
        .collect();
    let oldest = segments
        .iter()
        .position(|name| is_there(&stream, name))
        .unwrap();
    assert_eq!(oldest, 67, "three target durations more than the window");
    let part = segments[oldest].replace(".m4s", ".5.m4s");
    assert!(is_there(&stream, &part) && !is_there(&stream, &part.replace("-67.", "-66.")));
    let init = stream.playlist(Rendition::Video).segments[0]
        .map
        .clone()
        .unwrap();
    assert!(is_there(&stream, &init));
}

#[test]
fn parts_are_listed_near_the_edge_only() {
    let mut stream = long(Config::default(), 20.5);
    let playlist = stream.playlist(Rendition::Video);
    let with_parts: Vec<usize> = playlist
        .segments
        .iter()
        .map(|segment| segment.parts.len())
        .collect();
    assert_eq!(with_parts, [0, 0, 0, 0, 0, 0, 0, 0, 6, 6, 1]);
}

#[test]
fn the_byte_limit_drops_the_oldest_and_leaves_three_target_durations() {
    let config = Config {
        store_bytes_max: 100_000,
        ..Config::default()
    };
    let mut stream = long(config, 100.5);
    let stats = stream.origin.stats();
    assert!(
        stats.stored_bytes <= 100_000 && stats.evicted_segments > 30,
        "{stats:?}"
    );
    let listed = stream.playlist(Rendition::Video).closed().count();
    assert!((3..8).contains(&listed), "{listed}");

    let config = Config {
        store_bytes_max: 1,
        ..Config::default()
    };
    let mut stream = long(config, 100.5);
    assert_eq!(
        stream.playlist(Rendition::Video).closed().count(),
        3,
        "never below what must be listed"
    );
}

#[test]
fn the_window_is_never_shorter_than_what_can_be_skipped() {
    let config = Config {
        window: std::time::Duration::from_secs(1),
        ..Config::default()
    };
    let mut stream = long(config, 60.5);
    let listed = stream.playlist(Rendition::Video).closed().count();
    assert_eq!(listed, 8);
    assert!(
        stream
            .text(Rendition::Video, "_HLS_skip=YES")
            .contains("EXT-X-SKIP")
    );
}
