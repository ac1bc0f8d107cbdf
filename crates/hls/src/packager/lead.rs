//! The rendition that decides where segments begin: video, or audio when there is no video.
//!
//! ```text
//!   IDR          IDR                     IDR, segment as long as its target: next segment
//!    |-- GOP -----|-- GOP --------------- |
//!    |part|part|pa|part|part|part|part|pa |   the part before an IDR ends there, however short,
//!    |-- segment ------------------------ |-- segment    unless section 4.4.4.9 forbids it: then
//! the segment ends too
//! ```

use media::Pts;

use super::{
    fit,
    track::{Held, Sink, Slot, Track},
};
use crate::publication::{Publication, Verdict};

/// A segment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boundary {
    pub(super) slot: Slot,
    /// Its first presentation time.
    pub(super) pts: Pts,
}

/// What a frame led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is held.
    Taken,
    /// It lies too far ahead of the one before: it was not taken, and everything open must be
    /// completed first.
    Jump,
}

/// Where target duration and segments stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Segments aim at this many ticks.
    pub(super) segment_target: u64,
    /// Bounds of the target duration, seconds.
    pub(super) target_duration_bounds: (u32, u32),
    /// The target duration once it is fixed.
    pub(super) target_duration: Option<u32>,
}

/// Counts segments and discontinuities over the stream's life.
#[derive(Debug, Default)]
pub(super) struct Slots {
    next: u64,
    discontinuities: u64,
    discontinuity_due: bool,
}

impl Slots {
    /// What the stream has come to.
    pub(super) fn reached(&self) -> (u64, u64) {
        (self.next, self.discontinuities)
    }

    /// Goes on past what may have been published before.
    pub(super) fn resume(next: u64, discontinuities: u64) -> Self {
        Self {
            next,
            discontinuities,
            discontinuity_due: next > 0,
        }
    }

    /// The next segment follows a discontinuity, unless it is the first.
    pub(super) fn interrupt(&mut self) {
        self.discontinuity_due = self.next > 0;
    }

    fn take(&mut self) -> Slot {
        let discontinuity = std::mem::take(&mut self.discontinuity_due);
        self.discontinuities += u64::from(discontinuity);
        let msn = crate::Msn(self.next);
        self.next += 1;
        Slot {
            msn,
            discontinuity,
            discontinuity_sequence: self.discontinuities,
        }
    }
}

/// The deciding rendition.
#[derive(Debug)]
pub(super) struct Lead {
    track: Track,
    limits: Limits,
    /// Decode time of the latest sync sample.
    gop_start: u64,
    /// Presentation less decode time of a sync sample.
    reorder: u64,
    last_gop: u64,
}

impl Lead {
    pub(super) fn new(track: Track, limits: Limits) -> Self {
        Self {
            track,
            limits,
            gop_start: 0,
            reorder: 0,
            last_gop: 0,
        }
    }

    /// The target duration, once it is fixed.
    pub(super) fn target_duration(&self) -> Option<u32> {
        self.limits.target_duration
    }

    /// How far decoding has come: no later frame is presented before it.
    pub(super) fn progress(&self) -> Option<Pts> {
        self.track
            .held()
            .map(|held| self.track.pts(held.dts.min(held.pts)))
    }

    /// Takes the next frame. Frames before the first sync sample are left out.
    pub(super) fn frame(
        &mut self,
        frame: Held,
        slots: &mut Slots,
        boundaries: &mut Vec<Boundary>,
        sink: &mut Sink<'_>,
    ) -> Step {
        let Some(held) = self.track.held().cloned() else {
            if frame.sync {
                self.begin(&frame, slots, boundaries);
                self.track.hold(frame);
            }
            return Step::Taken;
        };
        let duration = frame.dts.saturating_sub(held.dts);
        if duration > self.jump_ticks() {
            return Step::Jump;
        }
        if self.track.segment_has_media()
            && self.track.segment_duration() + duration > self.segment_ticks_max()
        {
            // A hole: nothing told of it when the frame before was completed.
            self.cut_gop(&held, slots, boundaries, sink);
        }
        self.track.complete_held(duration, sink);
        if frame.sync {
            self.at_sync(&frame, slots, boundaries, sink);
        } else if self.track.segment_duration() + self.track.longest() > self.segment_ticks_max() {
            // One frame early, so that a part that was hinted is never abandoned.
            self.cut_gop(&frame, slots, boundaries, sink);
        }
        self.track.hold(frame);
        Step::Taken
    }

    /// Completes everything open; the last frame lasts as long as the one before. The end of its
    /// presentation.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) -> Option<Pts> {
        let end = self
            .track
            .pts(self.track.held()?.pts + self.track.nominal());
        self.track.complete_held(self.track.nominal(), sink);
        if self.limits.target_duration.is_none() {
            // Less than a GOP in all: what there is stands for one.
            self.fix_target_duration(self.track.segment_duration());
        }
        self.track.close_segment(sink);
        Some(end)
    }

    fn begin(&mut self, frame: &Held, slots: &mut Slots, boundaries: &mut Vec<Boundary>) {
        if frame.sync {
            self.gop_start = frame.dts;
            self.reorder = frame.pts.saturating_sub(frame.dts);
        }
        let slot = slots.take();
        // The first frame of a cut GOP may be shown after the ones behind it: its place in decode
        // order, moved by the reordering, is where they start.
        let first_pts = frame.dts + self.reorder;
        boundaries.push(Boundary {
            slot,
            pts: self.track.pts(first_pts),
        });
        self.track.begin_segment(slot);
    }

    /// At a sync sample: the part ends, or the segment.
    fn at_sync(
        &mut self,
        frame: &Held,
        slots: &mut Slots,
        boundaries: &mut Vec<Boundary>,
        sink: &mut Sink<'_>,
    ) {
        self.last_gop = frame.dts - self.gop_start;
        if self.limits.target_duration.is_none() {
            self.fix_target_duration(self.last_gop);
        }
        let duration = self.track.segment_duration();
        let long_enough = duration + self.track.nominal() / 2 >= self.limits.segment_target;
        let next_is_too_much = duration + self.last_gop > self.segment_ticks_max();
        let part = self.track.open_part();
        // Only the last part of a segment may be short without being independent.
        let part_needs_the_end = part.is_some_and(|part| part.short && !part.independent);
        if long_enough || next_is_too_much || part_needs_the_end {
            self.track.close_segment(sink);
            self.begin(frame, slots, boundaries);
        } else {
            // A part with a sync sample starts with one; GOPs shorter than a part share it.
            if part.is_some_and(|part| !part.independent || self.last_gop > part.room) {
                self.track.close_part(sink);
            }
            self.gop_start = frame.dts;
        }
    }

    /// Begins a segment with a frame that is no IDR.
    fn cut_gop(
        &mut self,
        frame: &Held,
        slots: &mut Slots,
        boundaries: &mut Vec<Boundary>,
        sink: &mut Sink<'_>,
    ) {
        let target_duration_s = match self.limits.target_duration {
            Some(fixed) => fixed,
            None => self.fix_target_duration(u64::MAX),
        };
        self.track.close_segment(sink);
        self.begin(frame, slots, boundaries);
        let msn = boundaries.last().expect("begin pushed one").slot.msn;
        let pts = self.track.pts(frame.pts);
        sink.output.push_back(Publication::Verdict(Verdict::GopCut {
            msn,
            pts,
            target_duration_s,
        }));
    }

    fn fix_target_duration(&mut self, gop: u64) -> u32 {
        let (limits, hz) = (&mut self.limits, u64::from(self.track.scale().hz()));
        let fixed = fit::target_duration(
            gop,
            limits.segment_target,
            hz,
            limits.target_duration_bounds,
        );
        limits.target_duration = Some(fixed);
        fixed
    }

    fn segment_ticks_max(&self) -> u64 {
        let seconds = self
            .limits
            .target_duration
            .unwrap_or(self.limits.target_duration_bounds.1);
        fit::segment_ticks_max(seconds, self.track.scale().hz().into())
    }

    /// A frame cannot last longer than a segment.
    fn jump_ticks(&self) -> u64 {
        self.segment_ticks_max()
    }
}
