//! The multivariant playlist says what the renditions are.

use hls::{CacheControl, Config, Directives, PlaylistAnswer, Rendition};

use crate::support::{
    Stream,
    source::{Pace, Source},
};

#[test]
fn it_names_both_renditions() {
    let stream = Stream::of(&Source::default());
    let expected = "\
#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,URI=\"audio.m3u8\",GROUP-ID=\"audio\",NAME=\"Main\",DEFAULT=YES,\
AUTOSELECT=YES,CHANNELS=\"2\"
#EXT-X-STREAM-INF:BANDWIDTH=100250,AVERAGE-BANDWIDTH=100049,CODECS=\"avc1.64000a,mp4a.40.2\",\
RESOLUTION=128x72,FRAME-RATE=30.000,AUDIO=\"audio\"
video.m3u8
#EXT-X-INDEPENDENT-SEGMENTS
";
    assert_eq!(stream.multivariant(""), expected);
}

#[test]
fn bandwidths_are_those_of_the_segments() {
    let stream = Stream::of(&Source {
        audio_rate: None,
        ..Source::default()
    });
    let rates: Vec<u64> = stream
        .segments(Rendition::Video)
        .iter()
        .map(|segment| {
            (stream.bytes(&segment.name).len() as u64 * 8 * 90_000).div_ceil(segment.duration.ticks)
        })
        .collect();
    let peak = rates.iter().max().unwrap();
    let average = rates.iter().sum::<u64>().div_ceil(rates.len() as u64);
    let text = stream.multivariant("");
    assert!(
        text.contains(&format!("BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},")),
        "{text}"
    );
}

#[test]
fn frame_rates_have_three_decimals_and_are_measured_when_nobody_says_them() {
    for (num, den, says_rate, expected) in [
        (30_000, 1001, true, "29.970"),
        (24_000, 1001, true, "23.976"),
        (25, 1, false, "25.000"),
        (60_000, 1001, true, "59.940"),
    ] {
        let pace = Some(Pace::Constant(num, den));
        let stream = Stream::of(&Source {
            pace,
            says_rate,
            ..Source::default()
        });
        let text = stream.multivariant("");
        assert!(text.contains(&format!("FRAME-RATE={expected},")), "{text}");
    }
}

#[test]
fn other_parameters_go_on_to_the_playlists() {
    let stream = Stream::of(&Source::default());
    let text = stream.multivariant("session=a%22b&_HLS_msn=1");
    assert!(text.contains("URI=\"audio.m3u8?session=a%22b\""), "{text}");
    assert!(text.contains("\nvideo.m3u8?session=a%22b\n"), "{text}");
}

#[test]
fn a_token_goes_on_to_the_playlists_without_being_in_it() {
    let stream = Stream::of(&Source::default());
    let text = stream.multivariant("token=abc.def&session=1");
    assert_eq!(text, stream.multivariant("session=1&token=other"));
    let head = "#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n";
    assert!(text.starts_with(head), "{text}");
    assert_eq!(text.matches("#EXT-X-VERSION").count(), 1, "{text}");
    let suffix = "?session=1&token={$token}";
    assert!(
        text.contains(&format!("URI=\"audio.m3u8{suffix}\"")),
        "{text}"
    );
    assert!(text.contains(&format!("\nvideo.m3u8{suffix}\n")), "{text}");
}

#[test]
fn it_waits_for_the_target_duration() {
    let source = Source {
        seconds: 1.0,
        ..Source::default()
    };
    let mut stream = Stream::new(Config::default());
    let ask = |stream: &Stream| stream.origin.multivariant(&Directives::default());
    assert_eq!(ask(&stream), PlaylistAnswer::NotYet);
    stream.start(source.epoch(1));
    stream.feed(&source.frames());
    assert_eq!(ask(&stream), PlaylistAnswer::NotYet);
    let stream = Stream::of(&Source::default());
    let PlaylistAnswer::Ready(playlist) = ask(&stream) else {
        panic!("no playlist")
    };
    assert_eq!(playlist.cache_control, CacheControl::MaxAge(1));
}
