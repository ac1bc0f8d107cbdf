//! Decoding times for pictures that only say when they are shown.
//!
//! RTP carries the time of presentation (RFC 6184 section 5.1), and pictures come in the order of decoding. Where the two
//! orders differ, each is given the presentation time that is next in line: those times rise, and by as many pictures
//! as the decoder holds back no picture is shown before it is decoded.

use media::Pts;

/// The pictures of one epoch.
#[derive(Debug)]
pub(crate) struct DecodeOrder {
    /// How many pictures the decoder holds back.
    depth: usize,
    /// Presentation times that were not given out yet, rising: `depth` of them between two pictures.
    waiting: Vec<i64>,
    last: Option<i64>,
}

impl DecodeOrder {
    /// Begins with what the parameter sets say of reordering (`max_num_reorder_frames`); 0 when they say nothing.
    pub(crate) fn new(depth: u8) -> Self {
        Self {
            depth: usize::from(depth).min(DEPTH_MAX),
            waiting: Vec::new(),
            last: None,
        }
    }

    /// The decoding time of the next picture, later than the one before. A picture further back than any order of decoding
    /// explains is given its own time.
    pub(crate) fn time(&mut self, Pts(shown): Pts) -> Pts {
        let Some(last) = self.last else {
            let before = (1..).map(|n| shown - n * STEP).take(self.depth);
            self.waiting.extend(before);
            self.waiting.reverse();
            return self.give(shown, i64::MIN);
        };
        if shown < last - BACK_MAX {
            return Pts(shown);
        }
        // More is reordered than was said.
        if shown <= last && self.depth < DEPTH_MAX {
            self.depth += 1;
        }
        self.give(shown, last + 1)
    }

    fn give(&mut self, shown: i64, earliest: i64) -> Pts {
        let at = self.waiting.partition_point(|time| *time <= shown);
        self.waiting.insert(at, shown);
        let next = if self.waiting.len() > self.depth {
            self.waiting.remove(0)
        } else {
            earliest
        };
        let given = next.max(earliest);
        self.last = Some(given);
        Pts(given)
    }
}

/// H.264 section A.3.1, `MaxDpbFrames`.
const DEPTH_MAX: usize = 16;
/// Between the times made up for what was before the first picture; they only have to rise.
const STEP: i64 = 3_000;
/// Sixteen pictures at a good eight a second.
const BACK_MAX: i64 = 2 * 90_000;

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 3_000;

    /// Presentation times in the order of decoding, as numbers of frames; the decoding times in ticks.
    fn times(depth: u8, shown: &[i64]) -> Vec<i64> {
        let mut order = DecodeOrder::new(depth);
        let time = |n: &i64| order.time(Pts(90_000 + n * FRAME)).0 - 90_000;
        shown.iter().map(time).collect()
    }

    fn frames(from: i64, to: i64) -> Vec<i64> {
        (from..to).map(|n| n * FRAME).collect()
    }

    #[test]
    fn without_reordering_a_picture_is_decoded_when_it_is_shown() {
        assert_eq!(
            times(0, &[0, 1, 2, 5, 6]),
            [0, 3_000, 6_000, 15_000, 18_000]
        );
    }

    #[test]
    fn with_reordering_decoding_is_as_regular_as_showing_and_never_later() {
        // x264 with two B-frames and a pyramid, two groups of pictures.
        let shown = [0, 3, 1, 2, 6, 4, 5, 7, 10, 8, 9];
        let decoded = times(2, &shown);
        assert_eq!(decoded, frames(-2, 9));
        assert!(
            decoded
                .iter()
                .zip(shown)
                .all(|(decoded, shown)| *decoded <= shown * FRAME)
        );
    }

    #[test]
    fn reordering_that_was_not_announced_costs_a_few_odd_steps_and_no_picture() {
        let decoded = times(0, &[0, 1, 4, 2, 3, 7, 5, 6, 10, 8, 9]);
        assert!(
            decoded.windows(2).all(|pair| pair[0] < pair[1]),
            "{decoded:?}"
        );
        assert_eq!(decoded[7..], frames(5, 9));
    }

    #[test]
    fn what_goes_back_further_is_no_reordering() {
        assert_eq!(times(0, &[0, 200, 1])[2], FRAME);
        let falling: Vec<i64> = (0..100).rev().collect();
        let mut order = DecodeOrder::new(0);
        for n in falling {
            order.time(Pts(n));
        }
        assert!(order.waiting.len() <= DEPTH_MAX);
    }
}
