//! Sound stamped in whole milliseconds: frames follow one another by exactly their samples.

use media::{FrameGrid, FrameRate, MediaTime, Pts, Timescale};

/// The audio track of an epoch.
#[derive(Debug)]
pub(super) struct AudioLine {
    scale: Timescale,
    /// Where the epoch begins.
    base: i64,
    grid: Option<Grid>,
}

/// Frames of one length. AAC has no other; an Opus encoder may change it at any packet.
#[derive(Debug)]
struct Grid {
    samples: u32,
    grid: FrameGrid,
    /// From the grid's own ticks to the line's.
    offset: i64,
    last: i64,
}

impl AudioLine {
    pub(super) fn new(base: Pts, scale: Timescale) -> Self {
        Self {
            scale,
            base: base.media_time().rescale_round(scale).ticks(),
            grid: None,
        }
    }

    /// The exact time of a frame of `samples`, `ms` after the epoch's beginning; strictly after the last one's.
    pub(super) fn place(&mut self, ms: i64, samples: u32) -> MediaTime {
        let grid = match self.grid.take() {
            Some(grid) if grid.samples == samples => grid,
            before => Grid::new(self.scale, samples, ms, before),
        };
        let grid = self.grid.insert(grid);
        let ticks = (grid.grid.place(ms).ticks() + grid.offset).max(grid.last + 1);
        grid.last = ticks;
        MediaTime::new(ticks, self.scale).offset(self.base)
    }
}

impl Grid {
    /// It begins where the last frame ended, if the stamp is rounded from that, and at the stamp otherwise.
    fn new(scale: Timescale, samples: u32, ms: i64, before: Option<Self>) -> Self {
        let rate = FrameRate {
            num: scale.hz(),
            den: samples,
        };
        let grid = FrameGrid::new(rate, scale);
        let stamped = grid.clone().place(ms).ticks();
        let millisecond = i64::from(scale.hz() / 1000);
        let end = before.map(|it| (it.last, it.last + i64::from(it.samples)));
        let continues = end.filter(|(_, end)| (stamped - end).abs() <= millisecond);
        Self {
            samples,
            grid,
            offset: continues.map_or(0, |(_, end)| end - stamped),
            last: end.map_or(i64::MIN, |(last, _)| last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where frames of these stamps and lengths lie, from the first on.
    fn placed(frames: &[(i64, u32)]) -> Vec<i64> {
        let mut line = AudioLine::new(Pts(900_000), Timescale::OPUS);
        let place = |(ms, samples): &(i64, u32)| line.place(*ms, *samples).ticks() - 480_000;
        frames.iter().map(place).collect()
    }

    #[test]
    fn packets_of_any_length_follow_one_another_by_their_samples() {
        for (samples, stamps) in [
            (960, [0, 20, 40, 60, 80]),
            (120, [0, 2, 5, 7, 10]),
            (2880, [0, 60, 120, 180, 240]),
            // FFmpeg rounds, OBS cuts off.
            (240, [0, 5, 10, 15, 20]),
            (1024, [0, 21, 43, 64, 85]),
        ] {
            let frames: Vec<_> = stamps.iter().map(|ms| (*ms, samples)).collect();
            let expected: Vec<_> = (0..5).map(|n| n * i64::from(samples)).collect();
            assert_eq!(placed(&frames), expected, "{samples}");
        }
    }

    #[test]
    fn the_length_may_change_at_any_packet() {
        let frames = [
            (0, 960),
            (20, 120),
            (22, 120),
            (25, 120),
            (28, 960),
            (47, 960),
        ];
        assert_eq!(placed(&frames), [0, 960, 1080, 1200, 1320, 2280]);
    }

    #[test]
    fn a_pause_stays_a_pause() {
        let frames = [
            (0, 960),
            (20, 960),
            (420, 960),
            (440, 480),
            (1000, 960),
            (1020, 960),
        ];
        assert_eq!(placed(&frames), [0, 960, 20_160, 21_120, 48_000, 48_960]);
    }

    #[test]
    fn times_increase_whatever_the_stamps_do() {
        let frames = [
            (100, 960),
            (100, 120),
            (0, 960),
            (0, 960),
            (-50, 2880),
            (500, 960),
        ];
        let times = placed(&frames);
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    }
}
