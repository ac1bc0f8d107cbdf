//! Blocking playlist reload (section 6.2.5.2): whether a request is answered, held or refused.

use super::{directives::Directives, shelf::Shelf};

/// What a request asks the playlist to contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    msn: u64,
    /// `None`: the whole segment.
    part: Option<u64>,
}

impl Position {
    /// The position a request names, if it names one.
    pub(super) fn of(directives: &Directives) -> Option<Self> {
        directives.msn().map(|msn| Self {
            msn,
            part: directives.part(),
        })
    }
}

/// How far a playlist has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Number of the segment that is not complete.
    open: u64,
    /// Its parts so far.
    open_parts: u64,
    /// Parts of the segment before it.
    closed_parts: u64,
    advance_part_limit: u64,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The playlist contains it, and it is news.
    AtEdge,
    /// The playlist contains it, or did long ago.
    Past,
    /// Held until the playlist contains it.
    Wait,
    /// Refused at once.
    TooFarAhead,
}

impl Progress {
    pub(super) fn of(shelf: &Shelf, part_target_ms: u32) -> Self {
        let open = shelf.open_entry();
        let closed = shelf.last_closed();
        Self {
            open: match (open, closed) {
                (Some(open), _) => open.head.msn.0,
                (None, Some(closed)) => closed.head.msn.next().0,
                (None, None) => 0,
            },
            open_parts: open.map_or(0, |open| open.parts.len() as u64),
            closed_parts: closed.map_or(0, |closed| closed.parts.len() as u64),
            // "The Advance Part Limit is three divided by the Part Target Duration if the Part
            // Target Duration is less than one second, or three otherwise."
            advance_part_limit: if part_target_ms < 1000 {
                3000_u64.div_ceil(part_target_ms.max(1).into())
            } else {
                3
            },
        }
    }

    pub(super) fn judge(self, position: Position) -> Verdict {
        let Self {
            open,
            open_parts,
            closed_parts,
            advance_part_limit,
        } = self;
        // Parts that a segment has or has had when the request could first be made.
        let known_parts = match position.msn {
            msn if msn == open => open_parts,
            msn if msn.checked_add(1) == Some(open) => closed_parts,
            _ => 0,
        };
        // The last complete segment is `open - 1`. "If the _HLS_msn is greater than the Media
        // Sequence Number of the last Media Segment in the current Playlist plus two, or if the
        // _HLS_part exceeds the last Partial Segment in the current Playlist by the Advance Part
        // Limit, then the server SHOULD immediately return Bad Request".
        let recent = position.msn.saturating_add(1) >= open;
        let too_many = position
            .part
            .is_some_and(|part| part >= known_parts.saturating_add(advance_part_limit));
        if position.msn > open.saturating_add(1) || (recent && too_many) {
            return Verdict::TooFarAhead;
        }
        if !recent {
            return Verdict::Past;
        }
        // A part past the last one of a complete segment means part 0 of the next.
        let is_there = match position.part {
            None => position.msn < open,
            Some(part) if position.msn < open => part < closed_parts || open_parts > 0,
            Some(part) => position.msn == open && part < open_parts,
        };
        if is_there {
            Verdict::AtEdge
        } else {
            Verdict::Wait
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segment 9 has 6 parts, segment 10 has 2 so far, parts of 0.334 s.
    const PROGRESS: Progress = Progress {
        open: 10,
        open_parts: 2,
        closed_parts: 6,
        advance_part_limit: 9,
    };

    fn judge(msn: u64, part: Option<u64>) -> Verdict {
        PROGRESS.judge(Position { msn, part })
    }

    #[test]
    fn what_is_there_is_answered() {
        assert_eq!(judge(9, None), Verdict::AtEdge);
        assert_eq!(judge(9, Some(5)), Verdict::AtEdge);
        assert_eq!(judge(9, Some(6)), Verdict::AtEdge, "part 0 of segment 10");
        assert_eq!(judge(10, Some(1)), Verdict::AtEdge);
        assert_eq!(judge(8, Some(1000)), Verdict::Past);
        assert_eq!(judge(0, None), Verdict::Past);
    }

    #[test]
    fn what_comes_soon_is_waited_for() {
        assert_eq!(judge(10, None), Verdict::Wait);
        assert_eq!(judge(10, Some(2)), Verdict::Wait);
        assert_eq!(judge(10, Some(10)), Verdict::Wait);
        assert_eq!(judge(11, None), Verdict::Wait);
        assert_eq!(judge(11, Some(8)), Verdict::Wait);
        let fresh = Progress {
            open_parts: 0,
            ..PROGRESS
        };
        assert_eq!(
            fresh.judge(Position {
                msn: 9,
                part: Some(6)
            }),
            Verdict::Wait
        );
        assert_eq!(
            fresh.judge(Position {
                msn: 10,
                part: Some(0)
            }),
            Verdict::Wait
        );
    }

    #[test]
    fn what_is_far_ahead_is_refused_at_once() {
        assert_eq!(judge(12, None), Verdict::TooFarAhead);
        assert_eq!(judge(99_999_999, Some(0)), Verdict::TooFarAhead);
        assert_eq!(judge(u64::MAX, Some(u64::MAX)), Verdict::TooFarAhead);
        assert_eq!(judge(10, Some(11)), Verdict::TooFarAhead);
        assert_eq!(judge(11, Some(9)), Verdict::TooFarAhead);
        assert_eq!(judge(9, Some(15)), Verdict::TooFarAhead);
    }

    #[test]
    fn the_first_segment_can_be_waited_for() {
        let first = Progress {
            open: 0,
            open_parts: 0,
            closed_parts: 0,
            advance_part_limit: 9,
        };
        assert_eq!(
            first.judge(Position {
                msn: 0,
                part: Some(0)
            }),
            Verdict::Wait
        );
        assert_eq!(first.judge(Position { msn: 1, part: None }), Verdict::Wait);
        assert_eq!(
            first.judge(Position { msn: 2, part: None }),
            Verdict::TooFarAhead
        );
    }
}
