//! What is stored of one rendition: its segments in order, listed or only fetchable, and the open
//! one.

use std::collections::VecDeque;

use media::Timescale;

use super::answer::Body;
use crate::{
    names::{self, Place},
    publication::{Init, MediaSpan, Msn, Part, Rendition, Segment, SegmentHead},
};

/// A segment as far as it is published.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) head: SegmentHead,
    pub(super) parts: Vec<Part>,
    pub(super) closed: Option<Closed>,
    /// Ticks of the stream's timeline, rounded: for windows, never for what a playlist says.
    pub(super) ticks: u64,
    pub(super) bytes: u64,
}

/// A complete segment.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) segment: Segment,
    pub(super) body: Body,
}

impl Entry {
    pub(super) fn is_gap(&self) -> bool {
        self.closed
            .as_ref()
            .is_some_and(|closed| closed.segment.gap)
    }
}

/// One rendition's store.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) rendition: Rendition,
    /// Oldest first; the last one is the newest.
    pub(super) inits: VecDeque<Init>,
    /// Consecutive numbers; only the last may be open.
    pub(super) entries: VecDeque<Entry>,
    pub(super) bytes: u64,
    /// Whether any part was ever published.
    pub(super) has_media: bool,
    /// Whether every segment so far starts with a sync sample. Once it does not, the playlist never
    /// says so again: its header may not change back and forth (section 6.2.1).
    pub(super) independent: bool,
}

impl Shelf {
    pub(super) fn new(rendition: Rendition) -> Self {
        Self {
            rendition,
            inits: VecDeque::new(),
            entries: VecDeque::new(),
            bytes: 0,
            has_media: false,
            independent: true,
        }
    }

    pub(super) fn add_init(&mut self, init: Init) {
        self.inits.retain(|known| known.name != init.name);
        self.inits.push_back(init);
    }

    pub(super) fn open(&mut self, head: SegmentHead) {
        debug_assert!(
            self.entries
                .back()
                .is_none_or(|last| last.closed.is_some() && last.head.msn.next() == head.msn)
        );
        self.independent &= head.independent;
        self.entries.push_back(Entry {
            head,
            parts: Vec::new(),
            closed: None,
            ticks: 0,
            bytes: 0,
        });
    }

    pub(super) fn add_part(&mut self, part: Part) {
        let Some(entry) = self.entries.back_mut() else {
            return;
        };
        let bytes = part.body.len() as u64;
        entry.ticks += timeline_ticks(part.duration);
        entry.bytes += bytes;
        self.bytes += bytes;
        entry.parts.push(part);
        self.has_media = true;
    }

    pub(super) fn close(&mut self, segment: Segment) {
        let Some(entry) = self.entries.back_mut() else {
            return;
        };
        entry.ticks = timeline_ticks(segment.duration);
        let body = Body::new(entry.parts.iter().map(|part| part.body.clone()));
        entry.closed = Some(Closed { segment, body });
    }

    /// Forgets the oldest segment and the initialisation segments only it needed.
    pub(super) fn drop_front(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.bytes;
        }
        while self.inits.len() > 1
            && let Some(oldest) = self.inits.front()
            && !self
                .entries
                .iter()
                .any(|entry| entry.head.init == oldest.name)
        {
            self.inits.pop_front();
        }
    }

    pub(super) fn entry(&self, msn: Msn) -> Option<&Entry> {
        let first = self.entries.front()?.head.msn.0;
        self.entries
            .get(usize::try_from(msn.0.checked_sub(first)?).ok()?)
    }

    /// The segments a playlist lists, the open one included.
    pub(super) fn listed(&self, from: Msn) -> impl DoubleEndedIterator<Item = &Entry> {
        let first = self.entries.front().map_or(0, |entry| entry.head.msn.0);
        let skip = usize::try_from(from.0.saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skip)
    }

    pub(super) fn listed_ticks(&self, from: Msn) -> u64 {
        self.listed(from).map(|entry| entry.ticks).sum()
    }

    /// The last complete segment.
    pub(super) fn last_closed(&self) -> Option<&Entry> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.closed.is_some())
    }

    /// The open segment.
    pub(super) fn open_entry(&self) -> Option<&Entry> {
        self.entries.back().filter(|entry| entry.closed.is_none())
    }

    /// The part that comes next, and its name: the hint.
    pub(super) fn hint(&self) -> Option<(Place, String)> {
        let last = self.entries.back()?;
        let (msn, index) = match last.closed {
            Some(_) => (last.head.msn.next(), 0),
            None => (last.head.msn, u32::try_from(last.parts.len()).ok()?),
        };
        let name = names::part(self.rendition, &last.head.tag, msn, index);
        Some((Place::Part(msn, index), name))
    }

    /// LAST-MSN and LAST-PART of a report on this rendition (section 4.4.5.4).
    pub(super) fn report(&self) -> Option<(Msn, u64)> {
        let last = self.entries.back()?;
        Some((last.head.msn, (last.parts.len() as u64).saturating_sub(1)))
    }
}

/// A span on the stream's timeline.
fn timeline_ticks(span: MediaSpan) -> u64 {
    let ticks = u128::from(span.ticks) * u128::from(Timescale::VIDEO.hz())
        / u128::from(span.timescale.max(1));
    u64::try_from(ticks).unwrap_or(u64::MAX)
}
