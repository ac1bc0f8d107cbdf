//! Gives frames whose times were rounded to milliseconds their exact times back.

use crate::{FrameRate, MediaTime, Timescale};

/// Snaps millisecond stamps to the points of a constant frame rate.
///
/// Point `n` lies at exactly `anchor + n / rate`, `n` counted from the anchor, so residues never
/// accumulate. A stamp within 1 ms of a point (an encoder may round or cut off, its first stamp
/// too) gets the point; any other moves the anchor to itself: a variable rate, a dropped-frame
/// scheme of the encoder, or its clock drifting against the rate. Millisecond 0 is tick 0.
///
/// It decides about rounding only. A stamp that does not pass the last one gives the next tick,
/// since a track's times strictly increase; whoever calls has to notice a jump of seconds and start
/// a new grid.
///
/// An AAC track is a grid too: rate `sample_rate / 1024`, scale `sample_rate`.
#[derive(Debug, Clone)]
pub struct FrameGrid {
    rate: FrameRate,
    scale: Timescale,
    anchor_ms: i64,
    last: Option<Placed>,
    phase_changes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Placed {
    /// The point the last frame lies on; `None` when it was pushed past the frame before it.
    point: Option<i128>,
    ticks: i64,
}

impl FrameGrid {
    /// A grid of `rate` on a line of `scale`. A rate with a zero in it stands for "unknown": every
    /// millisecond is then a point.
    pub const fn new(rate: FrameRate, scale: Timescale) -> Self {
        let rate = if rate.num == 0 || rate.den == 0 {
            EVERY_MILLISECOND
        } else {
            rate
        };
        Self {
            rate,
            scale,
            anchor_ms: 0,
            last: None,
            phase_changes: 0,
        }
    }

    /// The exact decode time of the next frame, strictly after the last one's. Stamps beyond 2^50
    /// ms are cut.
    pub fn place(&mut self, ms: i64) -> MediaTime {
        let ms = ms.clamp(-MS_MAX, MS_MAX);
        let Some(last) = self.last else {
            self.anchor_ms = ms;
            return self.put(Placed {
                point: Some(0),
                ticks: self.ticks(0),
            });
        };
        let mut point = self.nearest(i128::from(ms) - i128::from(self.anchor_ms));
        if point.is_none() {
            self.anchor_ms = ms;
            self.phase_changes += 1;
            point = Some(0);
        }
        let ticks = point.map_or(last.ticks, |point| self.ticks(point));
        if ticks > last.ticks {
            return self.put(Placed { point, ticks });
        }
        self.put(Placed {
            point: None,
            ticks: last.ticks.saturating_add(1),
        })
    }

    /// The exact presentation time of the frame just placed, whose composition offset was rounded
    /// to milliseconds as well. Zero before the first frame.
    pub fn present(&self, composition_ms: i32) -> MediaTime {
        let Some(last) = self.last else {
            return MediaTime::new(0, self.scale);
        };
        let span_ms = i128::from(composition_ms);
        let ticks = match (last.point, self.nearest(span_ms)) {
            (Some(point), Some(frames)) => self.ticks(point.saturating_add(frames)),
            (_, Some(frames)) => {
                // The distance in frames is known though the frame itself was pushed off its point.
                let span = frames.saturating_mul(self.frame_units()) / self.units();
                last.ticks.saturating_add(narrow(span))
            }
            (_, None) => {
                let span = round_div(span_ms * i128::from(self.scale.hz()), 1000);
                last.ticks.saturating_add(narrow(span))
            }
        };
        MediaTime::new(ticks, self.scale)
    }

    /// How often the anchor was moved; a steady encoder stays at zero.
    pub const fn phase_changes(&self) -> u64 {
        self.phase_changes
    }

    const fn put(&mut self, placed: Placed) -> MediaTime {
        self.last = Some(placed);
        MediaTime::new(placed.ticks, self.scale)
    }

    /// The point nearest to `span_ms` after the anchor, if it is at most 1 ms away.
    fn nearest(&self, span_ms: i128) -> Option<i128> {
        let (num, den) = (i128::from(self.rate.num), i128::from(self.rate.den));
        let point = round_div(span_ms * num, 1000 * den);
        let residue = span_ms * num - point * 1000 * den;
        (residue.abs() <= RESIDUE_MAX_MS * num).then_some(point)
    }

    /// `(anchor / 1000 + n / rate) * scale`, in 128 bits: 2^51 ms, rate and scale of 32 bits make
    /// 2^115.
    fn ticks(&self, point: i128) -> i64 {
        let start =
            i128::from(self.anchor_ms) * i128::from(self.scale.hz()) * i128::from(self.rate.num);
        narrow(round_div(
            start + point.saturating_mul(self.frame_units()),
            self.units(),
        ))
    }

    /// A frame's duration, in ticks times [`units`](Self::units).
    fn frame_units(&self) -> i128 {
        i128::from(self.rate.den) * i128::from(self.scale.hz()) * 1000
    }

    fn units(&self) -> i128 {
        1000 * i128::from(self.rate.num)
    }
}

fn round_div(value: i128, by: i128) -> i128 {
    (value * 2 + by).div_euclid(by * 2)
}

fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

const EVERY_MILLISECOND: FrameRate = FrameRate { num: 1000, den: 1 };
/// Both the anchor and the stamp may be cut off by just under 1 ms, in which case their difference
/// is off by the same.
const RESIDUE_MAX_MS: i128 = 1;
const MS_MAX: i64 = 1 << 50;

#[cfg(test)]
mod tests;
