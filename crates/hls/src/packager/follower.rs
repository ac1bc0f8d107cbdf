//! The rendition whose segments follow the lead's: audio beside video, or one that has no track in
//! this epoch.
//!
//! A segment begins with the first frame at or past the first presentation time of the lead's
//! segment of the same number. To know that, frames wait until the lead has come as far as they
//! are.

use std::collections::VecDeque;

use media::{Pts, Timescale};

use super::{
    lead::Boundary,
    track::{Context, Held, Sink, Track},
};
use crate::{
    names,
    publication::{MediaSpan, Publication, Segment, SegmentHead, Verdict},
};

/// The following rendition.
#[derive(Debug)]
pub(super) struct Follower {
    context: Context,
    /// `None` when the rendition is known from before but has no track now: every segment is a gap.
    track: Option<Track>,
    waiting: VecDeque<Held>,
    /// Segments of the lead that this rendition has not come to.
    boundaries: VecDeque<Boundary>,
    current: Option<Boundary>,
    /// Where the last gap ended.
    gap_end: Option<Pts>,
}

impl Follower {
    pub(super) fn new(context: Context, track: Option<Track>) -> Self {
        Self {
            context,
            track,
            waiting: VecDeque::new(),
            boundaries: VecDeque::new(),
            current: None,
            gap_end: None,
        }
    }

    /// Takes the next frame of its track; without the lead's progress the oldest are dropped past a
    /// limit.
    pub(super) fn frame(&mut self, frame: Held) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(frame);
    }

    /// A segment of the lead began.
    pub(super) fn boundary(&mut self, boundary: Boundary) {
        self.boundaries.push_back(boundary);
    }

    /// The lead has come to `progress`.
    pub(super) fn advance(&mut self, progress: Pts, sink: &mut Sink<'_>) {
        while self
            .waiting
            .front()
            .is_some_and(|frame| self.pts(frame.pts) <= progress)
        {
            if let Some(frame) = self.waiting.pop_front() {
                self.place(frame, sink);
            }
        }
        // A segment whose frames do not come must not hold back the playlist.
        let patience = if self.track.is_some() {
            LAG_TICKS_MAX
        } else {
            0
        };
        while let Some(next) = self.boundaries.front()
            && progress.since(next.pts) >= patience
        {
            let end = next.pts;
            self.complete_held(sink);
            self.cross(end, sink);
        }
    }

    /// Completes everything up to the lead's `end`.
    pub(super) fn finish(&mut self, end: Pts, sink: &mut Sink<'_>) {
        while let Some(frame) = self.waiting.pop_front() {
            if self.pts(frame.pts) < end {
                self.place(frame, sink);
            }
        }
        self.complete_held(sink);
        while let Some(next) = self.boundaries.front() {
            self.cross(next.pts, sink);
        }
        self.close_current(end, sink);
    }

    fn place(&mut self, frame: Held, sink: &mut Sink<'_>) {
        let pts = self.pts(frame.pts);
        let crossed = self
            .boundaries
            .iter()
            .take_while(|next| next.pts <= pts)
            .count();
        if let Some(track) = &mut self.track
            && let Some(held) = track.held()
        {
            let duration = frame.dts.saturating_sub(held.dts);
            // Over a whole segment without a frame, or a jump, the last frame is not stretched.
            let hole = crossed > 1 || duration > LAG_S * u64::from(track.scale().hz());
            track.complete_held(if hole { track.nominal() } else { duration }, sink);
        }
        for left in (0..crossed).rev() {
            let next = self.boundaries.front().map_or(pts, |next| next.pts);
            // What is missing up to this frame is missing up to its very start.
            let near = left == 0 && pts.since(next) < NEAR_TICKS;
            self.cross(if near { pts } else { next }, sink);
        }
        // Before the lead's first segment there is nothing to belong to.
        if let (Some(track), Some(_)) = (&mut self.track, self.current) {
            track.hold(frame);
        }
    }

    /// Goes on to the lead's next segment; a gap before it lasts until `end`.
    fn cross(&mut self, end: Pts, sink: &mut Sink<'_>) {
        let Some(next) = self.boundaries.pop_front() else {
            return;
        };
        self.close_current(end, sink);
        self.current = Some(next);
        if let Some(track) = &mut self.track {
            track.begin_segment(next.slot);
        }
    }

    fn close_current(&mut self, end: Pts, sink: &mut Sink<'_>) {
        let Some(current) = self.current.take() else {
            return;
        };
        match &mut self.track {
            Some(track) if track.segment_has_media() => track.close_segment(sink),
            Some(_) | None => self.publish_gap(current, end, sink),
        }
    }

    fn publish_gap(&mut self, at: Boundary, end: Pts, sink: &mut Sink<'_>) {
        // Where this rendition's own media ended, a frame off the lead's boundary, so that dates
        // and durations stay on one line.
        let own_end = self.gap_end.max(self.track.as_ref().and_then(Track::end));
        let near = own_end.filter(|own| own.since(at.pts).abs() < NEAR_TICKS && *own < end);
        let start = near.unwrap_or(at.pts);
        self.gap_end = Some(end);
        let Context {
            rendition,
            epoch,
            anchor,
            tag,
            init,
        } = self.context.clone();
        let msn = at.slot.msn;
        let name = names::segment(rendition, &tag, msn);
        let ticks = u64::try_from(end.since(start)).unwrap_or(0);
        sink.output.extend([
            Publication::Verdict(Verdict::Gap { rendition, msn }),
            Publication::Opened(SegmentHead {
                rendition,
                msn,
                epoch,
                tag,
                init,
                first_pts: start,
                utc: anchor.utc(start),
                discontinuity: at.slot.discontinuity,
                discontinuity_sequence: at.slot.discontinuity_sequence,
                independent: true,
            }),
            Publication::Segment(Segment {
                rendition,
                msn,
                name,
                duration: MediaSpan {
                    ticks,
                    timescale: Timescale::VIDEO.hz(),
                },
                parts: 0,
                gap: true,
            }),
        ]);
    }

    fn complete_held(&mut self, sink: &mut Sink<'_>) {
        if let Some(track) = &mut self.track {
            track.complete_held(track.nominal(), sink);
        }
    }

    /// Rounded towards the past, so that a frame on the boundary's very tick is not before it.
    fn pts(&self, ticks: u64) -> Pts {
        self.track
            .as_ref()
            .map_or_else(Pts::default, |track| track.pts(ticks))
    }
}

/// Frames that wait for the lead: 20 s of AAC at 48 kHz.
const WAITING_MAX: usize = 1024;
/// How long the lead's segments wait for this rendition's frames, seconds.
const LAG_S: u64 = 2;
/// The same in ticks of the stream's timeline.
const LAG_TICKS_MAX: i64 = 2 * 90_000;
/// How far a rendition's own end may lie from the lead's boundary: a few audio frames.
const NEAR_TICKS: i64 = 9_000;
