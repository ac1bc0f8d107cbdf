//! The last few results of a measure: a verdict needs more than one, and so does taking it back.

use crate::api::Verdict;

/// What a measure says now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Not enough is known: what was said stands.
    Open,
    /// It does not hold, or no longer.
    Fine,
    /// It holds.
    Wrong(Verdict),
}

/// The last `N` results, oldest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recent<T, const N: usize> {
    results: [Option<T>; N],
}

impl<T: Copy, const N: usize> Recent<T, N> {
    pub(super) const fn new() -> Self {
        Self { results: [None; N] }
    }

    pub(super) fn push(&mut self, result: T) {
        self.results.rotate_left(1);
        if let Some(newest) = self.results.last_mut() {
            *newest = Some(result);
        }
    }

    pub(super) fn newest(&self) -> Option<T> {
        self.results.last().copied().flatten()
    }

    /// The last `count` results are there, and all are like this.
    pub(super) fn last_are(&self, count: usize, mut like: impl FnMut(T) -> bool) -> bool {
        let newest = self.results.iter().rev().take(count);
        newest.clone().count() == count
            && newest.flatten().filter(|&&result| like(result)).count() == count
    }

    /// All `N` are there, and all are like this.
    pub(super) fn all_are(&self, like: impl FnMut(T) -> bool) -> bool {
        self.last_are(N, like)
    }
}
