//! Turns wrapping stamps into a line that never wraps.

/// Unwraps message timestamps of one session.
///
/// RTMP stamps wrap after 2^32 ms. FLV writers that keep the sign bit clear (OBS masks it) wrap
/// after 2^31 ms, 24.8 days. Taking stamps modulo 2^31 covers both, at the price that a jump of
/// more than 12.4 days either way looks like a shorter one. Audio and video share one clock, so
/// that a stream which starts close to the wrap does not tear them apart.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// The stamp on the line; the first one is taken as it is.
    pub(crate) fn unwrap(&mut self, stamp: u32) -> i64 {
        let stamp = i64::from(stamp);
        let time = match self.last {
            None => stamp,
            Some(last) => {
                let forward = (stamp - last).rem_euclid(WRAP);
                last + if forward < WRAP / 2 {
                    forward
                } else {
                    forward - WRAP
                }
            }
        };
        self.last = Some(time);
        time
    }
}

const WRAP: i64 = 1 << 31;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unwrap_all(stamps: &[u32]) -> Vec<i64> {
        let mut clock = Clock::default();
        stamps.iter().map(|stamp| clock.unwrap(*stamp)).collect()
    }

    #[test]
    fn both_wraps_go_on() {
        assert_eq!(
            unwrap_all(&[u32::MAX - 9, 10]),
            [4_294_967_286, 4_294_967_306]
        );
        let sign = 1 << 31;
        assert_eq!(unwrap_all(&[0x7fff_fff6, 10]), [sign - 10, sign + 10]);
        // A sender that does use the sign bit just goes on.
        assert_eq!(
            unwrap_all(&[0x7fff_fff6, 0x8000_000a]),
            [sign - 10, sign + 10]
        );
    }

    #[test]
    fn small_steps_back_stay_small_also_across_the_wrap() {
        assert_eq!(unwrap_all(&[100, 80, 120]), [100, 80, 120]);
        assert_eq!(unwrap_all(&[5, u32::MAX - 4, 6]), [5, -5, 6]);
    }

    #[test]
    fn an_hour_s_jump_is_kept() {
        assert_eq!(unwrap_all(&[0, 3_600_000, 0]), [0, 3_600_000, 0]);
    }

    proptest! {
        #[test]
        fn a_line_survives_wrapping(
            start: u32,
            steps in proptest::collection::vec(-10_000_000_i64..500_000_000, 1..100),
            bits in 31..=32_u32,
        ) {
            let mut clock = Clock::default();
            let mut time = i64::from(start) % (1 << bits);
            for step in steps {
                let stamp = u32::try_from(time.rem_euclid(1 << bits)).unwrap();
                prop_assert_eq!(clock.unwrap(stamp), time);
                time += step;
            }
        }
    }
}
