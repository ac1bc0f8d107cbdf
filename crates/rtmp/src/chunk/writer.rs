//! Cuts messages into chunks.

use bytes::{BufMut as _, BytesMut};

use super::header::EXTENDED;
use crate::{control::Control, message::Message};

/// Section 5.4: control messages "MUST be sent in chunk stream ID 2".
const CSID_CONTROL: u8 = 2;
/// Commands on the connection; 3 by custom.
pub(crate) const CSID_COMMAND: u8 = 3;
/// Status of a message stream; 5 by custom.
pub(crate) const CSID_STREAM: u8 = 5;

/// Writes every message with a full header (fmt 0): replies are few, and any client reads that.
#[derive(Debug)]
pub(crate) struct Writer {
    chunk_size: usize,
}

impl Writer {
    pub(crate) const fn new() -> Self {
        Self { chunk_size: 128 }
    }

    /// Appends a message; `csid` is below 64.
    pub(crate) fn put(&self, out: &mut BytesMut, csid: u8, message: &Message) {
        debug_assert!((2..64).contains(&csid), "only the one-byte form is written");
        let extended = message.timestamp >= EXTENDED;
        for (index, part) in Parts::of(&message.payload, self.chunk_size).enumerate() {
            if index == 0 {
                out.put_u8(csid);
                out.put_uint(u64::from(message.timestamp.min(EXTENDED)), 3);
                out.put_uint(message.payload.len() as u64, 3);
                out.put_u8(message.kind);
                out.put_u32_le(message.stream);
            } else {
                out.put_u8(0xc0 | csid);
            }
            if extended {
                out.put_u32(message.timestamp);
            }
            out.put_slice(part);
        }
    }

    /// Appends a control message.
    pub(crate) fn put_control(&mut self, out: &mut BytesMut, control: Control) {
        self.put(out, CSID_CONTROL, &control.message());
        if let Control::SetChunkSize(size) = control {
            self.chunk_size = usize::try_from(size).unwrap_or(usize::MAX);
        }
    }
}

/// Like `chunks`, but an empty payload is one empty part.
struct Parts<'a> {
    rest: Option<&'a [u8]>,
    size: usize,
}

impl<'a> Parts<'a> {
    const fn of(payload: &'a [u8], size: usize) -> Self {
        Self {
            rest: Some(payload),
            size,
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let (part, rest) = rest.split_at(self.size.min(rest.len()));
        self.rest = (!rest.is_empty()).then_some(rest);
        Some(part)
    }
}
