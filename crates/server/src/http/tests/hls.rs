//! LL-HLS over HTTP: waiting, caching, compression and ranges, on facts given to the origin by hand.

use ::hls::{Init, MediaSpan, Msn, Part, Picture, Publication, Rendition, SegmentHead, Targets};
use axum::body::Bytes;
use engine::StreamName;
use media::{Pts, UnixMillis};

use super::*;

fn show() -> StreamName {
    StreamName::parse("show").unwrap()
}

fn head() -> Vec<Publication> {
    let (rendition, msn) = (Rendition::Video, Msn(0));
    vec![
        Publication::Targets(Targets {
            target_duration_s: 2,
            video_part_ms: Some(334),
            audio_part_ms: None,
        }),
        Publication::Init(Init {
            rendition,
            name: "v-t-init.mp4".into(),
            body: Bytes::from_static(b"ftypmoov"),
            codecs: "avc1.42c01f".into(),
            picture: Some(Picture {
                width: 1280,
                height: 720,
                frame_rate_milli: Some(30_000),
            }),
            channels: None,
        }),
        Publication::Opened(SegmentHead {
            rendition,
            msn,
            epoch: 1,
            tag: "t".into(),
            init: "v-t-init.mp4".into(),
            first_pts: Pts(900_000),
            utc: UnixMillis(1_800_000_000_000),
            discontinuity_sequence: 0,
            discontinuity: false,
            independent: true,
        }),
    ]
}

fn part(index: u32) -> Publication {
    Publication::Part(Part {
        rendition: Rendition::Video,
        msn: Msn(0),
        index,
        name: format!("v-t-0.{index}.m4s"),
        duration: MediaSpan {
            ticks: 30_000,
            timescale: 90_000,
        },
        independent: index == 0,
        body: Bytes::from(format!("moof{index}mdat")),
    })
}

async fn with_parts(count: u32) -> Server {
    let server = server().await;
    let facts = head().into_iter().chain((0..count).map(part)).collect();
    server.state().origins.apply(&show(), facts);
    server
}

async fn get_with(server: &Server, path: &str, name: &str, value: &str) -> Answer {
    ask(
        server,
        Request::get(path)
            .header(name, value)
            .body(Body::empty())
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn playlists_say_what_they_are_and_how_long_they_keep() {
    let server = with_parts(2).await;
    for path in ["/hls/show/index.m3u8", "/hls/show/video.m3u8"] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(
            answer.header("content-type"),
            "application/vnd.apple.mpegurl"
        );
        assert!(
            answer
                .header("cache-control")
                .starts_with("public, max-age="),
            "{path}"
        );
        assert!(answer.body.starts_with(b"#EXTM3U\n"));
    }
    let plain = get(&server, "/hls/show/video.m3u8").await;
    let blocked = get(&server, "/hls/show/video.m3u8?_HLS_msn=0&_HLS_part=1").await;
    let seconds = |answer: &Answer| -> u32 {
        answer
            .header("cache-control")
            .strip_prefix("public, max-age=")
            .unwrap()
            .parse()
            .unwrap()
    };
    // draft-pantos-hls-rfc8216bis-22 appendix B.1: six target durations for a blocked one.
    assert_eq!(seconds(&blocked), 12);
    assert!(seconds(&plain) <= 1);
    get(&server, "/hls/show/audio.m3u8")
        .await
        .problem(404, "no-such-media");
}

#[tokio::test]
async fn a_token_is_led_on_and_in_no_playlist() {
    let server = with_parts(2).await;
    for path in ["/hls/show/index.m3u8", "/hls/show/video.m3u8"] {
        let one = get(&server, &format!("{path}?token=first.secret")).await;
        let other = get(&server, &format!("{path}?token=second.secret")).await;
        assert_eq!(one.body, other.body, "a cache may share it");
        assert!(one.header("cache-control").starts_with("public, max-age="));
        let text = String::from_utf8(one.body).unwrap();
        assert!(text.contains("#EXT-X-DEFINE:QUERYPARAM=\"token\"\n"));
        assert!(text.contains("?token={$token}") && !text.contains("secret"));
        let plain = get(&server, path).await;
        assert!(!String::from_utf8(plain.body).unwrap().contains("token"));
    }
    let part = get(&server, "/hls/show/v-t-0.0.m4s?token=first.secret").await;
    assert_eq!(part.body, b"moof0mdat");
}

#[tokio::test]
async fn what_a_header_authorised_no_shared_cache_may_keep() {
    let server = with_parts(2).await;
    for (path, kept) in [
        ("/hls/show/index.m3u8", "private, max-age=1"),
        (
            "/hls/show/v-t-0.0.m4s",
            "private, max-age=31536000, immutable",
        ),
        ("/hls/show/v-t-9.9.m4s", "no-store"),
    ] {
        let answer = get_with(&server, path, "authorization", "Bearer secret").await;
        assert_eq!(answer.header("cache-control"), kept, "{path}");
    }
}

#[tokio::test]
async fn the_answer_is_the_same_for_every_origin() {
    let server = with_parts(2).await;
    for path in ["/hls/show/video.m3u8", "/hls/show/v-t-0.0.m4s"] {
        let answer = get_with(&server, path, "origin", "https://shop.example").await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let vary = answer.header("vary");
        assert!(
            vary.is_empty() || vary == "accept-encoding",
            "{path}: {vary}"
        );
    }
}

#[tokio::test]
async fn only_playlists_are_compressed() {
    let server = with_parts(6).await;
    let playlist = get_with(&server, "/hls/show/video.m3u8", "accept-encoding", "gzip").await;
    assert_eq!(playlist.header("content-encoding"), "gzip");
    assert!(playlist.header("vary").contains("accept-encoding"));
    let object = get_with(&server, "/hls/show/v-t-init.mp4", "accept-encoding", "gzip").await;
    assert_eq!(
        (object.header("content-encoding"), object.body.as_slice()),
        ("", &b"ftypmoov"[..])
    );
}

#[tokio::test]
async fn directives_that_cannot_be_met_are_answered_at_once() {
    let server = with_parts(2).await;
    for query in [
        "_HLS_part=1",
        "_HLS_msn=99",
        "_HLS_msn=-1",
        "_HLS_msn=x",
        "_HLS_msn=0&_HLS_msn=0",
    ] {
        let path = format!("/hls/show/video.m3u8?{query}");
        get(&server, &path).await.problem(400, "invalid-query");
    }
    let long = format!("/hls/show/video.m3u8?session={}", "a".repeat(3000));
    get(&server, &long).await.problem(400, "invalid-query");
}

#[tokio::test]
async fn a_request_waits_for_its_part_and_gets_all_of_it() {
    let server = with_parts(2).await;
    let state = server.state();
    let playlist = get(&server, "/hls/show/video.m3u8?_HLS_msn=0&_HLS_part=2");
    let hinted = get(&server, "/hls/show/v-t-0.2.m4s");
    let publish = async {
        while state.origins.get(&show()).unwrap().waiters() < 2 {
            tokio::task::yield_now().await;
        }
        state.origins.apply(&show(), vec![part(2)]);
    };
    let (playlist, hinted, ()) = tokio::join!(playlist, hinted, publish);
    assert!(
        String::from_utf8(playlist.body)
            .unwrap()
            .contains("v-t-0.2.m4s")
    );
    assert_eq!(hinted.body, b"moof2mdat");
    assert_eq!(
        hinted.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(hinted.header("content-type"), "video/mp4");
    assert_eq!(hinted.header("content-length"), "9");
}

#[tokio::test]
async fn a_part_that_is_neither_there_nor_hinted_is_not_kept_missing_by_a_cache() {
    let server = with_parts(2).await;
    for name in [
        "v-t-0.9.m4s",
        "v-t-7.m4s",
        "secret",
        "..%2f..%2fetc%2fpasswd",
    ] {
        get(&server, &format!("/hls/show/{name}"))
            .await
            .problem(404, "no-such-media");
    }
}

#[tokio::test]
async fn a_range_is_cut_out_and_one_beyond_the_end_is_refused() {
    let server = with_parts(1).await;
    let path = "/hls/show/v-t-0.0.m4s";
    let answer = get_with(&server, path, "range", "bytes=4-4").await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (StatusCode::PARTIAL_CONTENT, &b"0"[..])
    );
    assert_eq!(answer.header("content-range"), "bytes 4-4/9");
    let answer = get_with(&server, path, "range", "bytes=9-").await;
    answer.problem(416, "invalid-range");
    assert_eq!(answer.header("content-range"), "bytes */9");
    let head = ask(&server, Request::head(path).body(Body::empty()).unwrap()).await;
    assert_eq!((head.header("content-length"), head.body.len()), ("9", 0));
}

#[tokio::test]
async fn one_waiter_too_many_is_told_to_come_back() {
    let mut config = Config::default();
    config.hls.waiters_max = 0;
    let server = server_with(config).await;
    server.state().origins.apply(&show(), head());
    let answer = get(&server, "/hls/show/video.m3u8?_HLS_msn=0&_HLS_part=0").await;
    answer.problem(503, "full");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn whoever_fetches_playlists_is_counted_as_a_viewer() {
    let server = with_parts(1).await;
    for _ in 0..3 {
        get_with(&server, "/hls/show/video.m3u8", "user-agent", "one").await;
    }
    get_with(&server, "/hls/show/index.m3u8", "user-agent", "two").await;
    let now = crate::io::clock::monotonic();
    assert_eq!(server.state().origins.get(&show()).unwrap().viewers(now), 2);
}
