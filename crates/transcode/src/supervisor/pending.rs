//! Frames that wait for a child.

use std::collections::VecDeque;

use bytes::Bytes;
use media::MediaTime;

/// A bounded queue that forgets its oldest.
#[derive(Debug)]
pub(super) struct Pending {
    frames: VecDeque<(MediaTime, Bytes)>,
    frames_max: usize,
    dropped: u64,
}

impl Pending {
    pub(super) fn new(frames_max: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            frames_max,
            dropped: 0,
        }
    }

    pub(super) fn push(&mut self, pts: MediaTime, payload: Bytes) {
        self.frames.push_back((pts, payload));
        while self.frames.len() > self.frames_max {
            self.frames.pop_front();
            self.dropped += 1;
        }
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (MediaTime, Bytes)> {
        self.frames.drain(..)
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
    }

    /// Frames that had to make room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}
