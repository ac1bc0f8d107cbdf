//! Which of the newest cues something has happened to: 40 bytes for each, whatever the numbers.

use super::CUES_MAX;

/// The newest [`CUES_MAX`] numbers that were put in, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Window {
    /// The highest number that was put in; 0 before the first.
    newest: u64,
    bits: [u64; WORDS],
}

impl Window {
    /// Puts a number in; false when it is there already, or too old to tell.
    pub(super) fn insert(&mut self, seq: u64) -> bool {
        if seq == 0 || seq.saturating_add(CUES_MAX) <= self.newest {
            return false;
        }
        if seq > self.newest {
            if seq - self.newest >= CUES_MAX {
                self.bits = [0; WORDS];
            } else {
                for passed in self.newest + 1..=seq {
                    let (word, bit) = place(passed);
                    self.bits[word] &= !bit;
                }
            }
            self.newest = seq;
        }
        let (word, bit) = place(seq);
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        is_new
    }

    pub(super) fn contains(&self, seq: u64) -> bool {
        let (word, bit) = place(seq);
        let known = seq <= self.newest && seq.saturating_add(CUES_MAX) > self.newest;
        known && self.bits[word] & bit != 0
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "both are below 256, by the remainder"
)]
const fn place(seq: u64) -> (usize, u64) {
    let at = seq % CUES_MAX;
    ((at / 64) as usize, 1 << (at % 64))
}

#[allow(clippy::cast_possible_truncation, reason = "it is 4")]
const WORDS: usize = (CUES_MAX / 64) as usize;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_number_is_new_once_also_around_the_edge() {
        let mut window = Window::default();
        let mut model = BTreeSet::new();
        let mut state: u64 = 7;
        for step in 0..20_000_u64 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Around a base that moves on, backwards and forwards by more than the window.
            let seq = (step / 8 + (state >> 33) % 600).saturating_sub(200).max(1);
            let newest = model.last().copied().unwrap_or(0);
            let known = seq + CUES_MAX > newest;
            assert_eq!(window.contains(seq), known && model.contains(&seq), "{seq}");
            let is_new = known && model.insert(seq);
            assert_eq!(window.insert(seq), is_new, "{seq} after {newest}");
        }
        assert!(!window.insert(0));
        assert!(window.insert(u64::MAX) && !window.insert(u64::MAX) && !window.contains(1));
    }
}
