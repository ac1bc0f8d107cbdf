//! What one stream costs the packager and the origin: a second of video, and a playlist per part.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hls::{Config, Directives, Epoch, Origin, Packager, Rendition};
use media::{
    AacConfig, Frame, FrameRate, H264Config, MediaTime, Timescale, TrackKind, UnixMillis, UtcAnchor,
};

const START: i64 = 900_000;
const FPS: i64 = 30;
/// 6 Mbit/s at 30 fps.
const FRAME_BYTES: usize = 25_000;

fn h264() -> H264Config {
    let avcc: &[u8] = &[
        1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb,
    ];
    H264Config {
        avcc: Bytes::from_static(avcc),
        sps: vec![Bytes::from_static(&avcc[8..12])],
        pps: vec![Bytes::from_static(&avcc[15..])],
        profile_level: [0x64, 0, 0x1f],
        width: 1280,
        height: 720,
        frame_rate: None,
        reorder_frames: Some(0),
    }
}

fn epoch() -> Epoch {
    let audio = AacConfig {
        asc: Bytes::from_static(&[0x11, 0x90]),
        object_type: 2,
        sample_rate: Timescale::OPUS,
        channels: 2,
    };
    Epoch {
        number: 1,
        video: Some(h264().into()),
        video_rate: Some(FrameRate { num: 30, den: 1 }),
        audio: Some(audio),
        anchor: UtcAnchor(UnixMillis(1_795_298_390_000)),
    }
}

/// Video and audio of `seconds`, interleaved.
fn frames(seconds: i64) -> Vec<Frame> {
    let payload = Bytes::from(vec![7; FRAME_BYTES]);
    let video = (0..seconds * FPS).map(|n| {
        let time = MediaTime::new(START + n * 3000, Timescale::VIDEO);
        Frame {
            track: TrackKind::Video,
            dts: time,
            pts: time,
            keyframe: n % 60 == 0,
            payload: payload.clone(),
        }
    });
    let audio = (0..seconds * 48_000 / 1024).map(|n| {
        let time = MediaTime::new(START * 48 / 90 + n * 1024, Timescale::OPUS);
        Frame {
            track: TrackKind::Audio,
            dts: time,
            pts: time,
            keyframe: true,
            payload: payload.slice(..340),
        }
    });
    let mut frames: Vec<Frame> = video.chain(audio).collect();
    frames.sort_by_key(Frame::stream_pts);
    frames
}

fn run(frames: &[Frame]) -> (Packager, Origin) {
    let mut packager = Packager::new(Config::default(), "bench");
    let mut origin = Origin::new(Config::default());
    packager
        .start_epoch(epoch())
        .expect("the configuration is valid");
    for frame in frames {
        packager.frame(frame).expect("the frames are in order");
        while let Some(publication) = packager.poll_output() {
            origin.apply(publication);
        }
    }
    (packager, origin)
}

fn package(c: &mut Criterion) {
    let mut group = c.benchmark_group("package");
    let frames = frames(10);
    group.throughput(Throughput::Bytes(
        frames.iter().map(|frame| frame.payload.len() as u64).sum(),
    ));
    group.bench_function("10 s of 720p30 at 6 Mbit/s with audio", |b| {
        b.iter(|| black_box(run(&frames)))
    });
    group.finish();
}

fn playlists(c: &mut Criterion) {
    let mut group = c.benchmark_group("playlist");
    let (_packager, origin) = run(&frames(70));
    let full = Directives::parse("").expect("short");
    let token = Directives::parse("token=abc").expect("short");
    let delta = Directives::parse("token=abc&_HLS_skip=YES").expect("short");
    for (name, directives) in [
        ("full, written", &token),
        ("delta, written", &delta),
        ("full, shared", &full),
    ] {
        let mut origin_ = None;
        group.bench_function(name, |b| {
            let origin = origin_.get_or_insert_with(|| run(&frames(70)).1);
            b.iter(|| black_box(origin.playlist(Rendition::Video, directives)));
        });
    }
    let hint = "v-nothing-1.2.m4s";
    group.bench_function("object, not found", |b| {
        b.iter(|| black_box(origin.object(hint)))
    });
    group.finish();
}

fn part(c: &mut Criterion) {
    // The eleventh frame closes a part of ten.
    let frames: Vec<Frame> = frames(1)
        .into_iter()
        .filter(|frame| frame.track == TrackKind::Video)
        .take(11)
        .collect();
    let setup = || {
        let mut packager = Packager::new(Config::default(), "bench");
        packager
            .start_epoch(Epoch {
                audio: None,
                ..epoch()
            })
            .expect("the configuration is valid");
        for frame in &frames[..10] {
            packager.frame(frame).expect("the frames are in order");
        }
        packager
    };
    c.bench_function("close a part of 10 frames, 250 kB", |b| {
        b.iter_batched_ref(
            setup,
            |packager| packager.frame(black_box(&frames[10])),
            BatchSize::LargeInput,
        );
    });
}

criterion_group!(benches, part, package, playlists);
criterion_main!(benches);
