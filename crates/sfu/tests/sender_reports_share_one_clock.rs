//! Both tracks' sender reports lie on one line, so that a browser plays them in sync.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::time::{Duration, UNIX_EPOCH};

use support::{K_AUDIO, K_VIDEO, Viewer, World};

/// Stream time less wall clock time in seconds, of each report about `mid`.
fn offsets(viewer: &Viewer, audio: bool) -> Vec<f64> {
    let (mid, k, rate) = if audio {
        (viewer.audio, K_AUDIO, 48_000.0)
    } else {
        (viewer.video, K_VIDEO, 90_000.0)
    };
    let reports = viewer.reports.iter().filter(|(of, _)| *of == mid);
    reports
        .map(|(_, report)| {
            let info = &report.sender_info;
            let stamp = u32::try_from(info.rtp_time.numer() & 0xffff_ffff).unwrap();
            let seconds = f64::from(stamp.wrapping_sub(k)) / rate;
            seconds
                - info
                    .ntp_time
                    .duration_since(UNIX_EPOCH)
                    .unwrap()
                    .as_secs_f64()
        })
        .collect()
}

fn spread(values: &[f64]) -> f64 {
    let (min, max) = values
        .iter()
        .fold((f64::MAX, f64::MIN), |(min, max), value| {
            (min.min(*value), max.max(*value))
        });
    max - min
}

#[test]
fn reports_of_both_tracks_agree_to_a_millisecond_from_the_first_on() {
    let mut world = World::new();
    // The viewer's first video is two seconds old, its first sound is live.
    world.publish(60, 120, 3_000);
    let id = world.join_and_connect(1);
    world.frames += 30;
    world.publish(300, 120, 3_000);
    let viewer = &world.viewers[&id];
    let (video, audio) = (offsets(viewer, false), offsets(viewer, true));
    assert!(
        video.len() >= 8 && audio.len() >= 8,
        "{} and {}",
        video.len(),
        audio.len()
    );
    let all: Vec<f64> = video.iter().chain(&audio).copied().collect();
    assert!(spread(&all) < 0.001, "{all:?}");
}

#[test]
fn a_publisher_whose_clock_runs_fast_stays_in_sync() {
    let mut world = World::new();
    world.publish(10, 60, 500);
    let id = world.join_and_connect(1);
    // 2 % fast for a minute: it gains 1.2 s, more than any allowance.
    for _ in 0..1_800 {
        world.publish_frame(world.frames % 60 == 0, 500);
        world.run(Duration::from_micros(32_666));
    }
    let viewer = &world.viewers[&id];
    let (video, audio) = (offsets(viewer, false), offsets(viewer, true));
    for (video, audio) in video.iter().zip(&audio) {
        assert!((video - audio).abs() < 0.04, "{video} and {audio}");
    }
    for (_, report) in &viewer.reports {
        assert_ne!(
            report.sender_info.rtp_time.numer(),
            0,
            "no report says nothing"
        );
    }
}
