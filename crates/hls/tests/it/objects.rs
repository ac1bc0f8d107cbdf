//! Objects by name: parts, segments and initialisation segments, the hinted part, and what is not
//! there.

use hls::{CacheControl, Config, ObjectAnswer, Publication, Rendition};

use crate::support::{Stream, source::Source};

#[test]
fn a_segment_is_its_parts_byte_for_byte() {
    let stream = Stream::of(&Source {
        b_frames: 2,
        ..Source::default()
    });
    let mut compared = 0;
    for rendition in Rendition::ALL {
        for segment in stream.segments(rendition) {
            let parts = stream
                .parts(rendition)
                .into_iter()
                .filter(|part| part.msn == segment.msn);
            let joined: Vec<u8> = parts.flat_map(|part| stream.bytes(&part.name)).collect();
            assert_eq!(stream.bytes(&segment.name), joined, "{}", segment.name);
            compared += 1;
        }
    }
    assert!(compared >= 9, "{compared}");
}

#[test]
fn every_listed_uri_can_be_fetched() {
    let mut stream = Stream::of(&Source::default());
    for rendition in Rendition::ALL {
        let playlist = stream.playlist(rendition);
        let maps = playlist
            .segments
            .iter()
            .filter_map(|segment| segment.map.clone());
        let segments = playlist
            .segments
            .iter()
            .filter_map(|segment| segment.uri.clone());
        for uri in maps
            .chain(segments)
            .chain(playlist.parts().map(|part| part.uri.clone()))
        {
            let ObjectAnswer::Ready(object) = stream.origin.object(&uri) else {
                panic!("{uri}")
            };
            assert_eq!(object.cache_control, CacheControl::Immutable);
            assert_eq!(object.body.len(), object.body.to_bytes().len() as u64);
            let expected = if rendition == Rendition::Video {
                "video/mp4"
            } else {
                "audio/mp4"
            };
            assert_eq!(object.content_type, expected);
        }
    }
    assert_eq!(
        CacheControl::Immutable.to_string(),
        "public, max-age=31536000, immutable"
    );
}

#[test]
fn the_hinted_part_is_held_until_it_is_there() {
    let source = Source {
        audio_rate: None,
        ..Source::default()
    };
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    let mut hinted: Vec<String> = Vec::new();
    for frame in source.frames() {
        stream.frame(&frame);
        let hint = stream.parts(Rendition::Video).len();
        if hint >= 7 {
            let hint = stream.playlist(Rendition::Video).hint.unwrap();
            assert_eq!(stream.origin.object(&hint), ObjectAnswer::Wait, "{hint}");
            if hinted.last() != Some(&hint) {
                hinted.push(hint);
            }
        }
    }
    hinted.pop();
    assert!(hinted.len() > 20);
    for hint in hinted {
        assert!(
            matches!(stream.origin.object(&hint), ObjectAnswer::Ready(_)),
            "{hint} came"
        );
    }
}

#[test]
fn what_is_neither_listed_nor_hinted_is_not_found() {
    let mut stream = Stream::of(&Source::default());
    let hint = stream.playlist(Rendition::Video).hint.unwrap();
    assert!(hint.ends_with("-5.1.m4s"), "{hint}");
    let beyond = hint.replace("-5.1.m4s", "-5.2.m4s");
    let next_segment = hint.replace("-5.1.m4s", "-6.0.m4s");
    let open_segment = hint.replace("-5.1.m4s", "-5.m4s");
    let other_run = hint.replace("v-1", "v-2").replace("-5.1.m4s", "-4.m4s");
    for name in [
        &beyond,
        &next_segment,
        &open_segment,
        &other_run,
        "",
        "index.m3u8",
        "v-x-init1.mp4",
        "../x",
    ] {
        assert_eq!(stream.origin.object(name), ObjectAnswer::NotFound, "{name}");
    }
    stream.end();
    let after = hint.replace("-5.1.m4s", "-6.0.m4s");
    assert_eq!(
        stream.origin.object(&after),
        ObjectAnswer::NotFound,
        "no hint after the end"
    );
}

#[test]
fn a_part_is_one_piece_and_a_segment_shares_its_parts() {
    let stream = Stream::of(&Source::default());
    let (part, segment) = (
        stream.parts(Rendition::Video)[0],
        stream.segments(Rendition::Video)[0],
    );
    let chunks = |name: &str| match stream.origin.object(name) {
        ObjectAnswer::Ready(object) => object.body.chunks().to_vec(),
        other => panic!("{other:?}"),
    };
    let (part_chunks, segment_chunks) = (chunks(&part.name), chunks(&segment.name));
    assert_eq!((part_chunks.len(), segment_chunks.len()), (1, 6));
    assert_eq!(
        part_chunks[0].as_ptr(),
        segment_chunks[0].as_ptr(),
        "not copied"
    );
}

#[test]
fn names_differ_between_runs() {
    let name = |anchor: i64| {
        let source = Source::default();
        let mut stream = Stream::new(Config::default());
        let epoch = hls::Epoch {
            anchor: media::UtcAnchor(media::UnixMillis(anchor)),
            ..source.epoch(1)
        };
        stream.start(epoch);
        stream.log.iter().find_map(|publication| match publication {
            Publication::Init(init) => Some(init.name.clone()),
            _ => None,
        })
    };
    assert_ne!(name(1_795_298_390_000), name(1_795_298_390_001));
}
