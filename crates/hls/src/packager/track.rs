//! One rendition's samples on their way into parts and segments.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use media::{Frame, MediaTime, Pts, Timescale, UtcAnchor};

use super::{cue_track::CueTrack, fit};
use crate::{
    cmaf::{self, Chunk, Sample, SegmentStart},
    names,
    publication::{MediaSpan, Msn, Part, Publication, Rendition, Segment, SegmentHead, Verdict},
};

/// What a rendition's names and boxes need for the length of an epoch.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) rendition: Rendition,
    pub(super) epoch: u32,
    pub(super) anchor: UtcAnchor,
    pub(super) tag: Arc<str>,
    /// Name of the initialisation segment.
    pub(super) init: Arc<str>,
}

/// The place of a segment in the stream, the same for both renditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) msn: Msn,
    pub(super) discontinuity: bool,
    /// Discontinuities up to and with this segment.
    pub(super) discontinuity_sequence: u64,
}

/// Where publications go, and the cues that ride with them.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    pub(super) output: &'a mut VecDeque<Publication>,
    /// Only for the rendition that carries `emsg`.
    pub(super) cues: Option<&'a mut CueTrack>,
}

/// A frame whose duration is not known before the next one.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) dts: u64,
    pub(super) pts: u64,
    pub(super) sync: bool,
    pub(super) payload: Bytes,
}

impl Held {
    /// The frame, if its times are not negative.
    pub(super) fn of(frame: &Frame) -> Option<Self> {
        let dts = u64::try_from(frame.dts.ticks()).ok()?;
        let pts = u64::try_from(frame.pts.ticks()).ok()?;
        Some(Self {
            dts,
            pts,
            sync: frame.keyframe,
            payload: frame.payload.clone(),
        })
    }
}

/// The open part.
#[derive(Debug, Default)]
struct OpenPart {
    samples: Vec<Sample>,
    start_dts: u64,
    /// Earliest presentation time.
    first_pts: u64,
    /// Latest end of a frame's presentation.
    end_pts: u64,
    duration: u64,
    bytes: usize,
    independent: bool,
}

/// The open segment.
#[derive(Debug)]
struct OpenSegment {
    slot: Slot,
    parts: u32,
    duration: u64,
}

/// Samples in, parts and segments out; whoever owns it decides where segments begin.
#[derive(Debug)]
pub(super) struct Track {
    context: Context,
    scale: Timescale,
    part_max: u64,
    part_min: u64,
    nominal: u64,
    longest: u64,
    end: Option<u64>,
    held: Option<Held>,
    part: OpenPart,
    segment: Option<OpenSegment>,
    sequence: u32,
}

impl Track {
    /// A track with that PART-TARGET; `nominal` ticks are what a frame is thought to last before
    /// the first two came.
    pub(super) fn new(context: Context, scale: Timescale, part_ms: u32, nominal: u32) -> Self {
        let part_max = fit::part_ticks(part_ms, scale);
        Self {
            context,
            scale,
            part_max,
            // Section 4.4.4.9: at least 85 % of the part target, with exceptions.
            part_min: (part_max * 85).div_ceil(100),
            nominal: nominal.max(1).into(),
            longest: 0,
            end: None,
            held: None,
            part: OpenPart::default(),
            segment: None,
            sequence: 0,
        }
    }

    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    pub(super) fn scale(&self) -> Timescale {
        self.scale
    }

    /// What the next frame is thought to last, in ticks.
    pub(super) fn nominal(&self) -> u64 {
        self.nominal
    }

    /// The longest that a frame lasted, holes left out, in ticks.
    pub(super) fn longest(&self) -> u64 {
        self.longest
    }

    /// Where the presentation of the completed samples ends.
    pub(super) fn end(&self) -> Option<Pts> {
        self.end.map(|end| self.pts(end))
    }

    /// Ticks of the open segment's completed samples.
    pub(super) fn segment_duration(&self) -> u64 {
        self.segment
            .as_ref()
            .map_or(0, |segment| segment.duration + self.part.duration)
    }

    /// Whether the open segment has a sample.
    pub(super) fn segment_has_media(&self) -> bool {
        self.segment
            .as_ref()
            .is_some_and(|segment| segment.parts > 0)
            || !self.part.samples.is_empty()
    }

    /// The open part, if it has a sample.
    pub(super) fn open_part(&self) -> Option<PartState> {
        (!self.part.samples.is_empty()).then(|| PartState {
            independent: self.part.independent,
            short: self.part.duration < self.part_min,
            room: self.part_max.saturating_sub(self.part.duration),
        })
    }

    /// Frames held from now on belong to this segment.
    pub(super) fn begin_segment(&mut self, slot: Slot) {
        self.segment = Some(OpenSegment {
            slot,
            parts: 0,
            duration: 0,
        });
    }

    /// Takes the next frame; the one before it must have been completed.
    pub(super) fn hold(&mut self, frame: Held) {
        debug_assert!(
            self.held.is_none(),
            "the held frame is completed before the next one is held"
        );
        self.held = Some(frame);
    }

    /// The held frame lasts that many ticks: it joins the open part or begins the next one.
    pub(super) fn complete_held(&mut self, duration: u64, sink: &mut Sink<'_>) {
        let Some(frame) = self.held.take() else {
            return;
        };
        if !self.part.samples.is_empty() && self.part.duration + duration > self.part_max {
            // When this frame alone is too long, a part is too long whatever is done: then that is
            // the only one that breaks a rule.
            let stands_alone = self.part.independent || self.part.duration >= self.part_min;
            if stands_alone || duration <= self.part_max {
                if !stands_alone {
                    self.judge_short(sink);
                }
                self.close_part(sink);
            }
        }
        if duration > self.part_max {
            let (rendition, pts, gap) = (
                self.context.rendition,
                self.pts(frame.pts),
                self.span(duration),
            );
            sink.output
                .push_back(Publication::Verdict(Verdict::FrameGap {
                    rendition,
                    pts,
                    gap,
                }));
        } else {
            self.nominal = duration.max(1);
            self.longest = self.longest.max(duration);
        }
        self.push(frame, duration);
        if self.is_full() {
            self.close_part(sink);
        }
    }

    /// Publishes the open part.
    pub(super) fn close_part(&mut self, sink: &mut Sink<'_>) {
        let Some(segment) = &self.segment else { return };
        if self.part.samples.is_empty() {
            return;
        }
        let (slot, index) = (segment.slot, segment.parts);
        let part = std::mem::take(&mut self.part);
        let (start, end) = (self.pts(part.first_pts), self.pts(part.end_pts));
        if index == 0 {
            sink.output.push_back(Publication::Opened(self.head(
                slot,
                start,
                part.independent,
            )));
        }
        let events = sink
            .cues
            .as_mut()
            .map(|cues| cues.events(start, end, index == 0))
            .unwrap_or_default();
        self.sequence = self.sequence.wrapping_add(1);
        let body = cmaf::write(&Chunk {
            start: (index == 0).then(|| SegmentStart {
                utc: self.context.anchor.utc(start),
                media_time: part.first_pts,
            }),
            events: &events,
            sequence: self.sequence,
            decode_time: part.start_dts,
            samples: &part.samples,
        });
        let rendition = self.context.rendition;
        sink.output.push_back(Publication::Part(Part {
            rendition,
            msn: slot.msn,
            index,
            name: names::part(rendition, &self.context.tag, slot.msn, index),
            duration: self.span(part.duration),
            independent: part.independent,
            body,
        }));
        let segment = self.segment.as_mut().expect("checked above");
        segment.parts += 1;
        segment.duration += part.duration;
    }

    /// Publishes the open part and the open segment, which has media.
    pub(super) fn close_segment(&mut self, sink: &mut Sink<'_>) {
        self.close_part(sink);
        let Some(segment) = self.segment.take() else {
            return;
        };
        let rendition = self.context.rendition;
        sink.output.push_back(Publication::Segment(Segment {
            rendition,
            msn: segment.slot.msn,
            name: names::segment(rendition, &self.context.tag, segment.slot.msn),
            duration: self.span(segment.duration),
            parts: segment.parts,
            gap: false,
        }));
    }

    /// A presentation time of this track on the stream's timeline.
    pub(super) fn pts(&self, ticks: u64) -> Pts {
        let ticks = i64::try_from(ticks).expect("frames with times past 2^63 are refused");
        MediaTime::new(ticks, self.scale).to_pts()
    }

    fn push(&mut self, frame: Held, duration: u64) {
        let part = &mut self.part;
        if part.samples.is_empty() {
            part.start_dts = frame.dts;
            part.first_pts = frame.pts;
            part.independent = frame.sync;
        }
        part.first_pts = part.first_pts.min(frame.pts);
        part.end_pts = part.end_pts.max(frame.pts + duration);
        self.end = self.end.max(Some(part.end_pts));
        part.duration += duration;
        part.bytes += frame.payload.len();
        part.samples.push(Sample {
            duration: u32::try_from(duration).expect("a longer gap starts a new session"),
            composition: composition(&frame).expect("frames with a wider offset are refused"),
            sync: frame.sync,
            payload: frame.payload,
        });
    }

    fn is_full(&self) -> bool {
        let next_does_not_fit = self.part.duration + self.nominal > self.part_max;
        (self.part.duration >= self.part_min && next_does_not_fit)
            || self.part.samples.len() >= PART_SAMPLES_MAX
            || self.part.bytes >= PART_BYTES_MAX
    }

    fn head(&self, slot: Slot, first_pts: Pts, independent: bool) -> SegmentHead {
        let context = &self.context;
        SegmentHead {
            rendition: context.rendition,
            msn: slot.msn,
            epoch: context.epoch,
            tag: Arc::clone(&context.tag),
            init: Arc::clone(&context.init),
            first_pts,
            utc: context.anchor.utc(first_pts),
            discontinuity: slot.discontinuity,
            discontinuity_sequence: slot.discontinuity_sequence,
            independent,
        }
    }

    fn judge_short(&self, sink: &mut Sink<'_>) {
        let rendition = self.context.rendition;
        let (pts, duration) = (self.pts(self.part.first_pts), self.span(self.part.duration));
        sink.output
            .push_back(Publication::Verdict(Verdict::ShortPart {
                rendition,
                pts,
                duration,
            }));
    }

    fn span(&self, ticks: u64) -> MediaSpan {
        MediaSpan {
            ticks,
            timescale: self.scale.hz(),
        }
    }
}

/// What decides whether a part goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartState {
    /// It starts with a sync sample.
    pub(super) independent: bool,
    /// It lasts less than 85 % of its target.
    pub(super) short: bool,
    /// Ticks until its target.
    pub(super) room: u64,
}

/// The composition offset, if it fits `trun` version 1.
pub(super) fn composition(frame: &Held) -> Option<i32> {
    let (pts, dts) = (
        i64::try_from(frame.pts).ok()?,
        i64::try_from(frame.dts).ok()?,
    );
    i32::try_from(pts.checked_sub(dts)?).ok()
}

/// Samples in a part: three times what 1000 frames a second put into the default part.
const PART_SAMPLES_MAX: usize = 1024;
/// Bytes in a part after which it takes no more: 750 Mbit/s in the default part.
const PART_BYTES_MAX: usize = 32 << 20;
