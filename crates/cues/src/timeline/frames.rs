//! On which frame each cue took effect.

use std::collections::BTreeMap;

use media::Pts;

/// Most frames that can precede a frame in decode order and follow it in output order: H.264 annex
/// A.3.1 bounds `max_num_reorder_frames` by `MaxDpbFrames`, which is at most 16.
const REORDER_FRAMES_MAX: u32 = 16;

/// Cues whose first frame is not certain yet.
///
/// Frames come in decode order, so one with a lower pts may follow. The lowest pts at or past the
/// threshold is certain once more than 16 frames at or past the threshold came: a frame below it
/// would have to be overtaken by all of them.
#[derive(Debug, Default)]
pub(super) struct Frames {
    waiting: BTreeMap<(Pts, u64), Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    lowest: Option<Pts>,
    count: u32,
}

impl Frames {
    /// Waits for the first frame of cue `seq`, whose threshold is `pts`.
    pub(super) fn watch(&mut self, pts: Pts, seq: u64) {
        self.waiting.insert((pts, seq), Seen::default());
    }

    /// Counts a frame; gives the cues whose first frame is now certain, with its pts.
    pub(super) fn observe(&mut self, pts: Pts) -> Vec<(u64, Pts)> {
        let mut certain = Vec::new();
        for (&(_, seq), seen) in self.waiting.range_mut(..=(pts, u64::MAX)) {
            let lowest = seen.lowest.map_or(pts, |lowest| lowest.min(pts));
            seen.lowest = Some(lowest);
            seen.count += 1;
            if seen.count > REORDER_FRAMES_MAX {
                certain.push((seq, lowest));
            }
        }
        if !certain.is_empty() {
            self.waiting
                .retain(|_, seen| seen.count <= REORDER_FRAMES_MAX);
        }
        certain
    }
}

#[cfg(test)]
impl Frames {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
