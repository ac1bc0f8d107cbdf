//! The HLS player's bytes: the query of a playlist, the name of an object.

use std::cell::RefCell;

use bytes::Bytes;
use hls::{
    Config, Directives, Epoch, ObjectAnswer, Origin, Packager, PlaylistAnswer, QUERY_BYTES_MAX,
    Rendition,
};
use media::{
    Frame, FrameRate, MediaTime, Timescale, TrackKind, UnixMillis, UtcAnchor, aac::parse_asc,
    h264::parse_avcc,
};

/// The query of a playlist request. Nothing of it can leave its place in the playlist.
pub fn query(data: &[u8]) {
    let Ok(query) = str::from_utf8(data) else {
        return;
    };
    let Ok(directives) = Directives::parse(query) else {
        assert!(query.len() > QUERY_BYTES_MAX);
        return;
    };
    let suffix = directives.suffix();
    assert!(suffix.is_empty() || suffix.starts_with('?'));
    assert!(suffix.len() <= 3 * QUERY_BYTES_MAX + REFERENCE.len() + 1);
    let kept = suffix.strip_suffix(REFERENCE).unwrap_or(suffix);
    assert_eq!(directives.has_token(), kept.len() < suffix.len());
    assert!(
        kept.bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte)),
        "{suffix}"
    );
    if let Some(kept) = suffix
        .strip_prefix('?')
        .filter(|kept| kept.len() <= QUERY_BYTES_MAX)
    {
        let again = Directives::parse(kept).expect("it is no longer than a query may be");
        assert_eq!(again.suffix(), suffix, "once made safe it stays as it is");
        assert_eq!(
            (again.msn(), again.part(), again.skip()),
            (None, None, None)
        );
    }
    ORIGIN.with_borrow_mut(|origin| ask(origin, &directives));
}

/// The name of an object. What is found was published under exactly that name.
pub fn name(data: &[u8]) {
    let Ok(name) = str::from_utf8(data) else {
        return;
    };
    ORIGIN.with_borrow(|origin| match origin.object(name) {
        ObjectAnswer::Ready(object) => assert!(!object.body.is_empty()),
        ObjectAnswer::Wait => assert!(name.ends_with(".m4s")),
        ObjectAnswer::NotFound => {}
    });
}

fn ask(origin: &mut Origin, directives: &Directives) {
    for rendition in Rendition::ALL {
        if let PlaylistAnswer::Ready(playlist) = origin.playlist(rendition, directives) {
            check(&playlist.body, directives);
        }
    }
    if let PlaylistAnswer::Ready(playlist) = origin.multivariant(directives) {
        check(&playlist.body, directives);
    }
}

/// Every line is a tag or a name of ours; the query stands behind each name and nowhere else on a line of its own.
fn check(body: &[u8], directives: &Directives) {
    let text = str::from_utf8(body).expect("a playlist is UTF-8");
    assert!(text.starts_with("#EXTM3U\n") && text.ends_with('\n'));
    for line in text.lines() {
        let uri = line.strip_suffix(directives.suffix()).unwrap_or(line);
        let ours = [".m4s", ".mp4", ".m3u8"];
        assert!(
            line.is_empty()
                || line.starts_with("#EXT")
                || ours.iter().any(|ending| uri.ends_with(ending)),
            "{line}"
        );
        assert!(line.matches('"').count().is_multiple_of(2), "{line}");
    }
}

thread_local! {
    /// Ten seconds of video and sound. Asking changes nothing but what is kept rendered.
    static ORIGIN: RefCell<Origin> = RefCell::new(origin());
}

fn origin() -> Origin {
    let (mut packager, mut origin) = (
        Packager::new(Config::default(), "fuzz"),
        Origin::new(Config::default()),
    );
    let video = parse_avcc(AVCC).expect("an encoder wrote it").config;
    let audio = parse_asc(&[0x11, 0x90]).expect("AAC-LC, 48 kHz, stereo");
    let epoch = Epoch {
        number: 1,
        video: Some(video.into()),
        video_rate: Some(FrameRate { num: 30, den: 1 }),
        audio: Some(audio),
        anchor: UtcAnchor(UnixMillis(1_800_000_000_000)),
    };
    packager
        .start_epoch(epoch)
        .expect("both configurations are good");
    let mut sounds = 0;
    for n in 0..300 {
        let pts = 900_000 + n * 3_000;
        let time = MediaTime::new(pts, Timescale::VIDEO);
        take(&mut packager, TrackKind::Video, time, n % 60 == 0);
        while (480_000 + sounds * 1_024) * 15 / 8 <= pts {
            let time = MediaTime::new(480_000 + sounds * 1_024, Timescale::OPUS);
            take(&mut packager, TrackKind::Audio, time, true);
            sounds += 1;
        }
        while let Some(publication) = packager.poll_output() {
            origin.apply(publication);
        }
    }
    assert!(origin.stats().listed_segments > 2);
    origin
}

fn take(packager: &mut Packager, track: TrackKind, time: MediaTime, keyframe: bool) {
    let frame = Frame {
        track,
        dts: time,
        pts: time,
        keyframe,
        payload: Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88]),
    };
    packager.frame(&frame).expect("times increase");
}

/// What stands for a token behind every URI; the player has its own.
const REFERENCE: &str = "token={$token}";

/// x264, high, 320x180.
const AVCC: &[u8] = &[
    0x01, 0x64, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41,
    0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42,
    0x99, 0x60, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
];
