//! When a message is tried again.

use std::time::Duration;

/// How long after the last attempt each one is made, from the first: the standard's example schedule, 75.6 hours in all.
pub const SCHEDULE: [Duration; 10] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// A message holds up the later ones of its stream only until this many attempts at it have failed, so that one which a
/// receiver never takes costs the others about five minutes, and not three days.
pub const ORDERED_ATTEMPTS: u32 = 3;

/// Longest wait a receiver may ask for.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * HOUR);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// How long to wait after `attempts` failed ones; `None` when that was the last. `jitter` is 0 to 1.
///
/// "It's recommended to also add some level of random jitter": up to a fifth more, never less.
pub(crate) fn delay(attempts: u32, retry_after: Option<Duration>, jitter: f64) -> Option<Duration> {
    let scheduled = *SCHEDULE.get(usize::try_from(attempts).ok()?)?;
    let wished = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let base = scheduled.max(wished);
    Some(base + base.mul_f64(jitter.clamp(0.0, 1.0) / 5.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_made_at_the_times_of_the_standard() {
        let mut at = Duration::ZERO;
        let mut said = Vec::new();
        for attempts in 0.. {
            let Some(wait) = delay(attempts, None, 0.0) else {
                break;
            };
            at += wait;
            let s = at.as_secs();
            said.push(format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60));
        }
        let table = "00:00:00 00:00:05 00:05:05 00:35:05 02:35:05 07:35:05 17:35:05 31:35:05 51:35:05 75:35:05";
        assert_eq!(said.join(" "), table);
    }

    #[test]
    fn jitter_adds_at_most_a_fifth() {
        assert_eq!(delay(2, None, 1.0), Some(Duration::from_secs(360)));
        assert_eq!(delay(2, None, 0.0), Some(Duration::from_secs(300)));
    }

    #[test]
    fn a_wish_lengthens_a_wait_and_never_shortens_it() {
        let wish = |s| Some(Duration::from_secs(s));
        assert_eq!(delay(1, wish(60), 0.0), wish(60));
        assert_eq!(delay(3, wish(60), 0.0), wish(1800));
        assert_eq!(delay(1, wish(u64::MAX), 0.0), Some(RETRY_AFTER_MAX));
        assert_eq!(delay(10, wish(1), 0.0), None);
    }
}
