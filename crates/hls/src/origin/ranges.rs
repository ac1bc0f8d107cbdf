//! The date ranges that playlists list (section 4.4.5.1).

use std::collections::VecDeque;

use media::Pts;

use crate::publication::DateRange;

/// A listed range.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) range: DateRange,
    /// The media clock when it came.
    pub(super) added: u64,
    /// After which presentation time it matters no more.
    until: Option<Pts>,
}

impl DateRange {
    /// Whether a range without an end of its own lasts until this one.
    fn ends(&self, earlier: &Self) -> bool {
        let same = self.card_id.is_empty() || earlier.card_id == self.card_id;
        same && earlier.end.is_none() && earlier.start <= self.start
    }
}

/// The ranges of a stream.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    listed: VecDeque<Listed>,
    /// Identifiers of ranges removed, and the media clock when they were.
    removed: VecDeque<(String, u64)>,
    pub(super) refused: u64,
}

impl Ranges {
    /// Lists a range, unless there are too many: none may be removed while it lies in the window,
    /// so the new one is left out. Players have it from the side channel and from `emsg`.
    pub(super) fn add(&mut self, range: DateRange, clock: u64) {
        if self.listed.iter().any(|listed| listed.range.id == range.id) {
            return;
        }
        // A card without an end of its own ends with the next cue of its name, or with a clear.
        for listed in &mut self.listed {
            if range.ends(&listed.range) {
                listed.until = Some(
                    listed
                        .until
                        .map_or(range.start, |until| until.min(range.start)),
                );
            }
        }
        if self.listed.len() >= LISTED_MAX {
            self.refused += 1;
            return;
        }
        let until = range.end;
        self.listed.push_back(Listed {
            range,
            added: clock,
            until,
        });
    }

    /// Removes a range that lies past all media segments, of which section 6.2.1 allows it.
    pub(super) fn take_back(&mut self, id: String, clock: u64) {
        let Some(at) = self.listed.iter().position(|it| it.range.id == id) else {
            return;
        };
        let taken_back = self.listed.remove(at).map(|it| it.range.start);
        self.removed.push_back((id, clock));
        // What it would have ended goes on, up to the next that ends it.
        for n in 0..at.min(self.listed.len()) {
            let earlier = &self.listed[n];
            if earlier.range.end.is_some() || earlier.until != taken_back {
                continue;
            }
            let ended = self.listed.range(n + 1..);
            let ended = ended.filter(|later| later.range.ends(&earlier.range));
            let until = ended.map(|later| later.range.start).min();
            self.listed[n].until = until;
        }
    }

    /// Removes what lies before the window. Section 6.2.1: "The server MUST NOT remove an
    /// EXT-X-DATERANGE tag from a Playlist if any date in the range maps to a Media Segment in the
    /// Playlist."
    pub(super) fn trim(&mut self, window_start: Pts, clock: u64) {
        let (removed, listed) = std::mem::take(&mut self.listed)
            .into_iter()
            .partition(|listed: &Listed| listed.until.is_some_and(|until| until < window_start));
        self.listed = listed;
        let removed: VecDeque<Listed> = removed;
        self.removed
            .extend(removed.into_iter().map(|listed| (listed.range.id, clock)));
        while self.removed.len() > REMOVED_MAX {
            self.removed.pop_front();
        }
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = &Listed> {
        self.listed.iter()
    }

    /// Identifiers of the ranges removed since the media clock showed `since`.
    pub(super) fn removed_since(&self, since: u64) -> impl Iterator<Item = &str> {
        self.removed
            .iter()
            .filter(move |(_, at)| *at >= since)
            .map(|(id, _)| id.as_str())
    }
}

/// Ranges in a playlist: with 500 bytes each a third of what a player accepts as a small playlist,
/// and more than three cards changing ten times in the default window.
const LISTED_MAX: usize = 64;
/// Removed identifiers remembered: as many as can have been listed twice over within a skip
/// boundary.
const REMOVED_MAX: usize = 2 * LISTED_MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn range(id: &str, start: i64, end: Option<i64>) -> DateRange {
        DateRange {
            id: id.to_owned(),
            card_id: "mug".to_owned(),
            start: Pts(start),
            end: end.map(Pts),
            line: String::new(),
        }
    }

    #[test]
    fn what_a_hide_that_is_taken_back_would_have_ended_stays_until_the_next_one() {
        let mut ranges = Ranges::default();
        ranges.add(range("show", 0, None), 0);
        ranges.add(range("hide", 100, Some(100)), 0);
        ranges.add(range("later", 300, Some(300)), 0);
        ranges.take_back("hide".to_owned(), 0);
        let ids = |ranges: &Ranges| -> Vec<String> {
            ranges.listed().map(|it| it.range.id.clone()).collect()
        };
        ranges.trim(Pts(200), 0);
        assert_eq!(ids(&ranges), ["show", "later"]);
        ranges.trim(Pts(301), 0);
        assert_eq!(ids(&ranges), Vec::<String>::new());
    }
}
