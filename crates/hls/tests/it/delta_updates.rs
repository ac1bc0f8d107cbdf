//! A playlist and a delta update give the playlist a full reload would have given.

use std::sync::Arc;

use cues::{Cue, Op};
use hls::{Config, Rendition};

use crate::support::{Stream, at, playlist::MediaPlaylist, source::Source};

/// What a client makes of its playlist and an update (section 6.3.7).
fn merge(old: &MediaPlaylist, delta: &MediaPlaylist) -> MediaPlaylist {
    let skipped = usize::try_from(delta.skipped.unwrap()).unwrap();
    let gone = usize::try_from(delta.media_sequence - old.media_sequence).unwrap();
    let mut merged = delta.clone();
    let mut segments: Vec<_> = old.segments[gone..gone + skipped].to_vec();
    assert!(
        segments.iter().all(|segment| segment.uri.is_some()),
        "only complete segments are skipped"
    );
    segments
        .iter_mut()
        .for_each(|segment| segment.parts.clear());
    segments.extend(delta.segments.clone());
    merged.segments = segments;
    merged.skipped = None;
    if let Some(removed) = merged.recently_removed.take() {
        let kept = old.date_ranges.iter().filter(|range| {
            !removed
                .iter()
                .any(|id| range.contains(&format!("\"{id}\"")))
        });
        let new = delta
            .date_ranges
            .iter()
            .filter(|range| !old.date_ranges.contains(range));
        merged.date_ranges = kept.chain(new).cloned().collect();
    }
    merged
}

/// Maps stand where they are needed: compare which one each segment uses.
fn resolve_maps(playlist: &mut MediaPlaylist) {
    let mut current = None;
    for segment in &mut playlist.segments {
        current = segment.map.take().or(current);
        segment.map.clone_from(&current);
    }
}

fn same(mut full: MediaPlaylist, mut merged: MediaPlaylist) {
    for playlist in [&mut full, &mut merged] {
        resolve_maps(playlist);
        playlist.version = 0;
    }
    assert_eq!(full, merged);
}

fn hide(seq: u64, seconds: f64) -> Arc<cues::EncodedCue> {
    let cue = Cue {
        stream: "demo".to_owned(),
        epoch: 1,
        seq,
        card_id: format!("c{seq}"),
        rev: 1,
        op: Op::Hide,
        pts: at(seconds),
        duration: None,
        payload: None,
        target: None,
    };
    Arc::new(cues::encode(cue).unwrap())
}

fn check(query: &str) {
    let source = Source {
        seconds: 100.0,
        ..Source::default()
    };
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    let mut old: Vec<MediaPlaylist> = Vec::new();
    let mut compared = 0;
    for (count, frame) in source.frames().iter().enumerate() {
        if count % 500 == 499 {
            let seconds = (frame.stream_pts().0 - 900_000) as f64 / 90_000.0;
            stream.cue(&hide(count as u64, seconds + 0.5));
        }
        stream.frame(frame);
        // A few times a second, against playlists up to twelve seconds old: the skip boundary.
        if count % 25 != 0 || seconds_of(frame) < 3.0 {
            continue;
        }
        let (full, delta) = (
            stream.text(Rendition::Video, ""),
            stream.text(Rendition::Video, query),
        );
        let (full, delta) = (MediaPlaylist::parse(&full), MediaPlaylist::parse(&delta));
        if delta.skipped.is_some() {
            for old in old.iter().rev().take(30) {
                same(full.clone(), merge(old, &delta));
                compared += 1;
            }
        } else {
            assert_eq!(delta, full, "with nothing to skip the playlist comes whole");
        }
        // A client keeps with each segment what it needs, its map included.
        let mut full = full;
        resolve_maps(&mut full);
        old.push(full);
    }
    assert!(compared > 5000, "{compared}");
}

fn seconds_of(frame: &media::Frame) -> f64 {
    (frame.stream_pts().0 - 900_000) as f64 / 90_000.0
}

#[test]
fn with_segments_skipped() {
    check("_HLS_skip=YES");
}

#[test]
fn with_date_ranges_skipped() {
    check("_HLS_skip=v2");
}

#[test]
fn a_delta_is_much_shorter() {
    let mut stream = Stream::of(&Source {
        seconds: 80.5,
        ..Source::default()
    });
    let (full, delta) = (
        stream.text(Rendition::Video, ""),
        stream.text(Rendition::Video, "_HLS_skip=YES"),
    );
    assert!(
        delta.len() * 2 < full.len(),
        "{} of {}",
        delta.len(),
        full.len()
    );
    let parsed = MediaPlaylist::parse(&delta);
    // 31 segments, of which those that end within 12 s of the end stay.
    assert_eq!((parsed.skipped, parsed.segments.len()), (Some(25), 7));
    assert_eq!(parsed.version, 9);
    assert!(parsed.segments[0].map.is_some());
    let with_ranges = stream.text(Rendition::Video, "_HLS_skip=v2");
    assert!(with_ranges.contains("#EXT-X-VERSION:10\n"));
    assert!(with_ranges.contains("RECENTLY-REMOVED-DATERANGES=\"\"\n"));
}
