//! A peer's bytes as they arrive.

use bytes::{Bytes, BytesMut};

use super::header::HEADER_MAX;

/// Input not yet read. A header cut by the end of a portion is joined with the next portion's
/// first bytes; payload is never joined.
#[derive(Debug, Default)]
pub(super) struct Portions {
    head: Bytes,
    tail: Bytes,
}

impl Portions {
    /// Adds the next portion.
    pub(super) fn push(&mut self, data: Bytes) {
        if self.tail.is_empty() {
            self.tail = data;
        } else {
            self.tail = [&self.tail[..], &data].concat().into();
        }
        self.settle();
    }

    /// The next bytes in one piece: all of them, or at least a header's worth.
    pub(super) fn peek(&mut self) -> &[u8] {
        if self.head.len() < HEADER_MAX && !self.tail.is_empty() {
            let mut joined = BytesMut::with_capacity(2 * HEADER_MAX);
            joined.extend_from_slice(&self.head);
            joined.extend_from_slice(&self.tail.split_to(HEADER_MAX.min(self.tail.len())));
            self.head = joined.freeze();
        }
        &self.head
    }

    /// Skips bytes that [`peek`](Self::peek) showed.
    pub(super) fn advance(&mut self, count: usize) {
        let _ = self.head.split_to(count);
        self.settle();
    }

    /// At most `count` bytes, none only if there are none.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        let part = self.head.split_to(count.min(self.head.len()));
        self.settle();
        part
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    fn settle(&mut self) {
        if self.head.is_empty() {
            self.head = std::mem::take(&mut self.tail);
        }
    }

    /// Lets go of the buffer that the last few bytes lie in.
    pub(super) fn unpin(&mut self) {
        if !self.head.is_empty() {
            self.head = Bytes::copy_from_slice(&self.head);
        }
    }
}
