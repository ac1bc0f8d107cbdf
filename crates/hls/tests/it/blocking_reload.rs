//! Delivery directives: what is answered at once, what is held, what is refused.

use std::time::Duration;

use hls::{BadDirective, CacheControl, Config, PlaylistAnswer, Rendition};

use crate::support::{Stream, playlist::MediaPlaylist, source::Source};

/// Five segments of six parts, and one part of the sixth segment.
fn stream() -> Stream {
    Stream::of(&Source::default())
}

fn cache_control(answer: PlaylistAnswer) -> CacheControl {
    match answer {
        PlaylistAnswer::Ready(playlist) => playlist.cache_control,
        other => panic!("no playlist: {other:?}"),
    }
}

#[test]
fn a_request_for_the_next_part_is_held_until_it_is_there() {
    let source = Source::default();
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    let mut asked: Option<(u64, usize)> = None;
    let mut answered = 0;
    for frame in source.frames() {
        stream.frame(&frame);
        if let Some((msn, part)) = asked {
            let query = format!("_HLS_msn={msn}&_HLS_part={part}");
            let PlaylistAnswer::Ready(_) = stream.ask(Rendition::Video, &query) else {
                continue;
            };
            let playlist = MediaPlaylist::parse(&stream.text(Rendition::Video, &query));
            let index = usize::try_from(msn - playlist.media_sequence).unwrap();
            assert_eq!(
                playlist.segments[index].parts.len(),
                part + 1,
                "exactly what was asked for"
            );
            answered += 1;
        }
        if let PlaylistAnswer::Ready(_) = stream.ask(Rendition::Video, "") {
            let playlist = stream.playlist(Rendition::Video);
            let open = playlist.open().map_or(0, |open| open.parts.len());
            let next = (playlist.last_msn() + 1, open);
            let query = format!("_HLS_msn={}&_HLS_part={}", next.0, next.1);
            assert_eq!(stream.ask(Rendition::Video, &query), PlaylistAnswer::Wait);
            asked = Some(next);
        }
    }
    assert_eq!(
        answered, 25,
        "every part after the first GOP was waited for"
    );
}

#[test]
fn a_segment_is_waited_for_until_it_is_complete() {
    let mut stream = stream();
    assert_eq!(
        stream.ask(Rendition::Video, "_HLS_msn=5"),
        PlaylistAnswer::Wait
    );
    assert_eq!(
        stream.ask(Rendition::Video, "_HLS_msn=6"),
        PlaylistAnswer::Wait
    );
    assert!(matches!(
        stream.ask(Rendition::Video, "_HLS_msn=4"),
        PlaylistAnswer::Ready(_)
    ));
    assert!(matches!(
        stream.ask(Rendition::Video, "_HLS_msn=4&_HLS_part=6"),
        PlaylistAnswer::Ready(_)
    ));
}

#[test]
fn bad_requests_are_refused_at_once() {
    let mut stream = stream();
    for (query, bad) in [
        ("_HLS_part=1", BadDirective::PartWithoutMsn),
        ("_HLS_msn=99999999", BadDirective::TooFarAhead),
        ("_HLS_msn=7", BadDirective::TooFarAhead),
        ("_HLS_msn=5&_HLS_part=10", BadDirective::TooFarAhead),
        ("_HLS_msn=-1", BadDirective::NotANumber("_HLS_msn")),
        ("_HLS_msn=abc", BadDirective::NotANumber("_HLS_msn")),
        (
            "_HLS_msn=9223372036854775808",
            BadDirective::NotANumber("_HLS_msn"),
        ),
        (
            "_HLS_msn=5&_HLS_part=",
            BadDirective::NotANumber("_HLS_part"),
        ),
        ("_HLS_msn=5&_HLS_msn=5", BadDirective::Duplicate("_HLS_msn")),
    ] {
        assert_eq!(
            stream.ask(Rendition::Video, query),
            PlaylistAnswer::BadRequest(bad),
            "{query}"
        );
    }
}

#[test]
fn the_past_gets_the_whole_playlist_now() {
    let mut stream = stream();
    let now = stream.text(Rendition::Video, "");
    for query in ["_HLS_msn=0", "_HLS_msn=1&_HLS_part=77", "_HLS_unknown=1"] {
        assert_eq!(stream.text(Rendition::Video, query), now, "{query}");
    }
}

#[test]
fn only_news_may_be_cached_for_long() {
    let mut stream = stream();
    let mut of = |query| cache_control(stream.ask(Rendition::Video, query));
    assert_eq!(
        of("_HLS_msn=5&_HLS_part=0").to_string(),
        "public, max-age=12"
    );
    assert_eq!(of("_HLS_msn=4"), CacheControl::MaxAge(12));
    assert_eq!(of("_HLS_msn=1"), CacheControl::MaxAge(1));
    assert_eq!(of(""), CacheControl::MaxAge(1));
    assert_eq!(of("_HLS_skip=YES"), CacheControl::MaxAge(1));
}

#[test]
fn after_the_end_directives_are_ignored() {
    let mut stream = stream();
    stream.end();
    let now = stream.text(Rendition::Video, "");
    assert!(now.ends_with("#EXT-X-ENDLIST\n"));
    for query in [
        "_HLS_msn=99999999",
        "_HLS_part=1",
        "_HLS_msn=x",
        "_HLS_skip=YES",
    ] {
        assert_eq!(stream.text(Rendition::Video, query), now, "{query}");
    }
}

#[test]
fn before_the_first_gop_is_known_there_is_no_playlist() {
    let source = Source {
        seconds: 1.9,
        ..Source::default()
    };
    let mut stream = Stream::of(&source);
    assert_eq!(stream.ask(Rendition::Video, ""), PlaylistAnswer::NotYet);
    assert_eq!(
        stream.ask(Rendition::Video, "_HLS_msn=0&_HLS_part=0"),
        PlaylistAnswer::NotYet
    );
    assert_eq!(stream.origin.block_timeout(), Duration::from_secs(30));
    stream.feed(
        &Source {
            seconds: 0.1,
            start: 900_000 + 180_000,
            ..source
        }
        .frames(),
    );
    assert!(matches!(
        stream.ask(Rendition::Video, ""),
        PlaylistAnswer::Ready(_)
    ));
    assert_eq!(
        stream.origin.block_timeout(),
        Duration::from_secs(6),
        "three target durations"
    );
}

#[test]
fn each_rendition_is_waited_for_by_itself() {
    let source = Source {
        audio_delay: 45_000,
        ..Source::default()
    };
    let mut stream = Stream::new(Config::default());
    stream.start(source.epoch(1));
    // Everything that comes in within 8.1 s: audio lags by half a second.
    for frame in source
        .frames()
        .into_iter()
        .take_while(|frame| frame.dts.to_pts().0 < 900_000 + 729_000)
    {
        stream.frame(&frame);
    }
    assert!(matches!(
        stream.ask(Rendition::Video, "_HLS_msn=3"),
        PlaylistAnswer::Ready(_)
    ));
    assert_eq!(
        stream.ask(Rendition::Audio, "_HLS_msn=3"),
        PlaylistAnswer::Wait
    );
}
