//! RTP timestamps on a line that does not wrap.

/// Extends a track's 32-bit timestamps (RFC 3550 section 5.1), from the first one on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timestamp {
    /// The last one, as it came and extended.
    last: Option<(u32, i64)>,
}

impl Timestamp {
    /// `rtp` on the line that begins with the first timestamp ever given, as it was: the value
    /// nearest to the one before, which may lie behind it and, before the first, below zero.
    ///
    /// Timestamps further apart than 2^31 (13 hours of 44.1 kHz sound, 6.6 of video) cannot be told
    /// from a wrap.
    pub(crate) fn extend(&mut self, rtp: u32) -> i64 {
        let extended = match self.last {
            None => i64::from(rtp),
            Some((before, line)) => {
                let step = rtp.wrapping_sub(before).cast_signed();
                // 2^63 ticks are past any sender's patience, but not past an assertion.
                line.saturating_add(i64::from(step))
            }
        };
        self.last = Some((rtp, extended));
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRAP: i64 = 1 << 32;

    fn extended(stamps: &[u32]) -> Vec<i64> {
        let mut timestamp = Timestamp::default();
        stamps.iter().map(|rtp| timestamp.extend(*rtp)).collect()
    }

    #[test]
    fn the_line_begins_with_the_first_and_wraps_neither_way() {
        let line = extended(&[u32::MAX - 2999, 0, 3000, u32::MAX - 2999, u32::MAX - 5999]);
        assert_eq!(
            line,
            [WRAP - 3000, WRAP, WRAP + 3000, WRAP - 3000, WRAP - 6000]
        );
        assert_eq!(extended(&[100, u32::MAX - 99, 100]), [100, -100, 100]);
    }

    #[test]
    fn it_wraps_as_often_as_it_must() {
        let step = 1 << 30;
        let stamps: Vec<u32> = (0..64u32).map(|n| n.wrapping_mul(step)).collect();
        let line: Vec<i64> = (0..64).map(|n| n * i64::from(step)).collect();
        assert_eq!(extended(&stamps), line);
    }

    #[test]
    fn a_stray_stamp_does_not_move_the_line() {
        for stray in [0, 1 << 31, (1 << 31) - 1, u32::MAX] {
            let line = extended(&[7_000, stray, 10_000]);
            assert_eq!((line[0], line[2]), (7_000, 10_000), "{stray}");
        }
    }
}
