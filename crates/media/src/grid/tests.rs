//! Millisecond stamps of the encoders people use, and of hostile ones.

use proptest::prelude::*;

use super::*;

const NTSC: FrameRate = FrameRate {
    num: 30_000,
    den: 1001,
};

fn place_all(rate: FrameRate, stamps: impl IntoIterator<Item = i64>) -> (Vec<i64>, u64) {
    let mut grid = FrameGrid::new(rate, Timescale::VIDEO);
    let ticks = stamps
        .into_iter()
        .map(|ms| grid.place(ms).ticks())
        .collect();
    (ticks, grid.phase_changes())
}

#[test]
fn a_steady_encoder_gets_exact_times_for_a_day() {
    for (num, den) in [
        (60, 1),
        (30, 1),
        (25, 1),
        (30_000, 1001),
        (60_000, 1001),
        (24_000, 1001),
    ] {
        let rate = FrameRate { num, den };
        let frames = 86_400 * i64::from(num) / i64::from(den);
        let mut grid = FrameGrid::new(rate, Timescale::VIDEO);
        for n in (0..1000).chain(frames - 1000..frames) {
            let stamp = n * 1000 * i64::from(den) / i64::from(num);
            let exact = (n * 90_000 * i64::from(den) * 2 + i64::from(num)) / (2 * i64::from(num));
            assert_eq!(grid.place(stamp).ticks(), exact, "frame {n} at {num}/{den}");
        }
        assert_eq!(grid.phase_changes(), 0);
    }
}

#[test]
fn rounded_and_cut_off_stamps_lie_on_one_grid() {
    // 60 frames/s: 0 17 33 50 rounded, 0 16 33 50 cut off.
    assert_eq!(
        place_all(FrameRate { num: 60, den: 1 }, [0, 17, 33, 50]).0,
        [0, 1500, 3000, 4500]
    );
    assert_eq!(
        place_all(FrameRate { num: 60, den: 1 }, [0, 16, 33, 50]).0,
        [0, 1500, 3000, 4500]
    );
}

#[test]
fn frames_the_encoder_dropped_leave_a_gap_on_the_grid() {
    assert_eq!(
        place_all(FrameRate { num: 25, den: 1 }, [0, 40, 160]),
        (vec![0, 3600, 14_400], 0)
    );
}

#[test]
fn a_stamp_off_the_grid_moves_it_once() {
    let (ticks, changes) = place_all(FrameRate { num: 25, den: 1 }, [0, 40, 90, 130, 170]);
    assert_eq!(ticks, [0, 3600, 8100, 11_700, 15_300]);
    assert_eq!(changes, 1);
}

#[test]
fn stamps_that_do_not_pass_the_last_are_pushed_on_by_a_tick() {
    let (ticks, _) = place_all(FrameRate { num: 30, den: 1 }, [0, 33, 33, 66, 20, 100]);
    assert_eq!(ticks, [0, 3000, 3001, 6000, 6001, 9000]);
}

#[test]
fn an_unknown_rate_keeps_every_millisecond() {
    let rate = FrameRate { num: 0, den: 1 };
    assert_eq!(place_all(rate, [5, 21, 40]), (vec![450, 1890, 3600], 0));
}

#[test]
fn audio_frames_are_1024_samples_apart() {
    let scale = Timescale::new(44_100).unwrap();
    let mut grid = FrameGrid::new(
        FrameRate {
            num: 44_100,
            den: 1024,
        },
        scale,
    );
    for n in 0..10_000_i64 {
        let stamp = n * 1024 * 1000 / 44_100;
        assert_eq!(grid.place(stamp).ticks(), n * 1024);
    }
}

#[test]
fn presentation_times_are_points_too() {
    // B-frames at 29.97 frames/s, both stamps rounded on their own: I P B B.
    let mut grid = FrameGrid::new(NTSC, Timescale::VIDEO);
    let mut presented = Vec::new();
    for (dts, composition) in [(0, 67), (33, 134), (67, 33), (100, 33), (133, 67)] {
        grid.place(dts);
        presented.push(grid.present(composition).ticks());
    }
    assert_eq!(
        presented,
        [2 * 3003, 5 * 3003, 3 * 3003, 4 * 3003, 6 * 3003]
    );
    assert_eq!(grid.phase_changes(), 0);
}

#[test]
fn presentation_of_a_pushed_frame_keeps_its_distance() {
    let mut grid = FrameGrid::new(FrameRate { num: 30, den: 1 }, Timescale::VIDEO);
    assert_eq!(grid.present(40).ticks(), 0);
    grid.place(100);
    grid.place(100);
    assert_eq!(grid.present(33).ticks(), 9001 + 3000);
    assert_eq!(grid.present(-5).ticks(), 9001 - 450);
}

proptest! {
    #[test]
    fn times_strictly_increase_whatever_the_stamps(
        stamps in proptest::collection::vec(any::<i64>(), 1..50),
        small in proptest::collection::vec(-50_i64..1000, 1..50),
        num in 0_u32..=u32::MAX,
        den in 0_u32..=u32::MAX,
        composition: i32,
    ) {
        for stamps in [stamps, small] {
            let mut grid = FrameGrid::new(FrameRate { num, den }, Timescale::VIDEO);
            let mut last = None;
            for ms in stamps {
                let ticks = grid.place(ms).ticks();
                prop_assert!(last.is_none_or(|last| ticks > last));
                last = Some(ticks);
                grid.present(composition);
            }
        }
    }

    #[test]
    fn no_frame_is_more_than_a_millisecond_from_its_stamp(
        steps in proptest::collection::vec(1_i64..100, 1..200),
        fps in 1_u32..=240,
    ) {
        let mut grid = FrameGrid::new(FrameRate { num: fps, den: 1 }, Timescale::VIDEO);
        let (mut ms, mut last) = (0, -1);
        for step in steps {
            ms += step;
            let ticks = grid.place(ms).ticks();
            prop_assert!((ticks - ms * 90).abs() <= 90 + 1 || ticks == last + 1);
            last = ticks;
        }
    }
}
