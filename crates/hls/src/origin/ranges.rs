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
            let same = range.card_id.is_empty() || listed.range.card_id == range.card_id;
            if same && listed.range.end.is_none() && listed.range.start <= range.start {
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
        let before = self.listed.len();
        self.listed.retain(|listed| listed.range.id != id);
        if self.listed.len() < before {
            self.removed.push_back((id, clock));
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
