//! Puts messages together from chunks.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    header::{Basic, Fields},
    portions::Portions,
};
use crate::{
    Config, Error,
    control::Control,
    message::{ABORT, AGGREGATE, Message, SET_CHUNK_SIZE, VIDEO},
};

/// How much a peer may make us remember.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) video_message_bytes_max: usize,
    pub(crate) message_bytes_max: usize,
    pub(crate) unfinished_bytes_max: usize,
    pub(crate) chunk_streams_max: usize,
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        Self {
            video_message_bytes_max: config.video_message_bytes_max,
            message_bytes_max: config.message_bytes_max,
            unfinished_bytes_max: config.unfinished_bytes_max,
            chunk_streams_max: config.chunk_streams_max,
        }
    }
}

/// Reads chunks from portions of any size. Set Chunk Size and Abort act in here, at their place in
/// the byte stream; every other message is handed out.
#[derive(Debug)]
pub(crate) struct Reader {
    limits: Limits,
    chunk_size: usize,
    input: Portions,
    /// The chunk whose payload is being read, and how much of that is left.
    current: Option<(u32, usize)>,
    streams: BTreeMap<u32, ChunkStream>,
    /// Capacity of all unfinished bodies.
    reserved: usize,
}

#[derive(Debug, Default)]
struct ChunkStream {
    /// Of the current message.
    timestamp: u32,
    /// The timestamp field as it was written last: what a fmt 3 chunk repeats.
    time_field: u32,
    extended: bool,
    length: usize,
    kind: u8,
    stream: u32,
    /// The message so far; `None` between messages.
    body: Option<Vec<u8>>,
}

impl Reader {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            chunk_size: CHUNK_SIZE,
            input: Portions::default(),
            current: None,
            streams: BTreeMap::new(),
            reserved: 0,
        }
    }

    /// Adds bytes from the peer; [`next`](Self::next) reads them.
    pub(crate) fn push(&mut self, data: Bytes) {
        self.input.push(data);
    }

    /// The next whole message, `None` when the bytes so far hold no other.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            let whole = match self.current {
                None => self.begin_chunk()?,
                Some((csid, left)) => self.read_payload(csid, left)?,
            };
            match whole {
                Step::Whole(message) => match Control::parse(&message) {
                    Some(Control::SetChunkSize(size)) => self.set_chunk_size(size)?,
                    Some(Control::Abort(csid)) => self.abort(csid),
                    Some(_) => return Ok(Some(message)),
                    // Either of the two, cut off: nothing to obey.
                    None if matches!(message.kind, SET_CHUNK_SIZE | ABORT) => {}
                    None => return Ok(Some(message)),
                },
                Step::Further => {}
                Step::Hungry => {
                    self.input.unpin();
                    return Ok(None);
                }
            }
        }
    }

    fn begin_chunk(&mut self) -> Result<Step, Error> {
        let bytes = self.input.peek();
        let Some(basic) = Basic::parse(bytes) else {
            return Ok(Step::Hungry);
        };
        let csid = basic.csid;
        let rest = &bytes[basic.len..];
        let known = self.streams.get(&csid);
        let used = if basic.fmt == 3 {
            let state = known.ok_or(Error::Chunk {
                csid,
                problem: "fmt 3 without a message before it to repeat",
            })?;
            match state.repeated_time(rest) {
                Repeated::There => 4,
                Repeated::Omitted => 0,
                Repeated::Unclear => return Ok(Step::Hungry),
            }
        } else {
            let Some((fields, used)) = Fields::parse(basic.fmt, rest) else {
                return Ok(Step::Hungry);
            };
            self.begin_message(basic, fields)?;
            used
        };
        self.input.advance(basic.len + used);
        self.continue_message(csid)
    }

    /// A message header of fmt 0 to 2.
    fn begin_message(&mut self, basic: Basic, fields: Fields) -> Result<(), Error> {
        let csid = basic.csid;
        let (limit, count) = (self.limits.chunk_streams_max, self.streams.len());
        if !self.streams.contains_key(&csid) {
            // librtmp begins chunk stream 2 with fmt 1, so a stream id may be missing; a length
            // may not.
            if fields.length_and_kind.is_none() {
                let problem = "fmt 2 without a message before it to take the length from";
                return Err(Error::Chunk { csid, problem });
            }
            if count >= limit {
                return Err(limit_error("number of chunk streams", count + 1, limit));
            }
        }
        let state = self.streams.entry(csid).or_default();
        if state.body.is_some() {
            let problem = "a new message header before the last message was whole";
            return Err(Error::Chunk { csid, problem });
        }
        if let Some((length, kind)) = fields.length_and_kind {
            state.length = length;
            state.kind = kind;
        }
        if let Some(stream) = fields.stream {
            state.stream = stream;
        }
        state.time_field = fields.time;
        state.extended = fields.extended;
        state.timestamp = if basic.fmt == 0 {
            fields.time
        } else {
            state.timestamp.wrapping_add(fields.time)
        };
        state.body = Some(Vec::new());
        let largest = match state.kind {
            VIDEO | AGGREGATE => self.limits.video_message_bytes_max,
            _ => self.limits.message_bytes_max,
        };
        if state.length > largest {
            return Err(limit_error("message length", state.length, largest));
        }
        Ok(())
    }

    /// The headers of a chunk were read: its payload is next.
    fn continue_message(&mut self, csid: u32) -> Result<Step, Error> {
        let state = self
            .streams
            .get_mut(&csid)
            .expect("begin_chunk found or made it");
        if state.body.is_none() {
            // Section 5.3.1.2.4: a new message with fmt 3 repeats the delta; after fmt 0 "the
            // timestamp delta for this Type 3 chunk is the same as the timestamp" of that.
            state.timestamp = state.timestamp.wrapping_add(state.time_field);
            state.body = Some(Vec::new());
        }
        let have = state.body.as_ref().map_or(0, Vec::len);
        let left = (state.length - have).min(self.chunk_size);
        self.current = Some((csid, left));
        self.read_payload(csid, left)
    }

    fn read_payload(&mut self, csid: u32, left: usize) -> Result<Step, Error> {
        let state = self
            .streams
            .get_mut(&csid)
            .expect("the current chunk's stream is kept");
        let body = state
            .body
            .as_mut()
            .expect("a message is begun before its payload");
        let part = self.input.take(left);
        // Memory follows the bytes that came, not the length that was promised.
        if body.capacity() - body.len() < part.len() {
            let had = body.capacity();
            let want = (body.len() + part.len())
                .max(had * 2)
                .max(BODY_MIN)
                .min(state.length);
            let total = self.reserved - had + want;
            if total > self.limits.unfinished_bytes_max {
                let limit = self.limits.unfinished_bytes_max;
                return Err(limit_error("memory of unfinished messages", total, limit));
            }
            body.reserve_exact(want - body.len());
            self.reserved = self.reserved - had + body.capacity();
        }
        body.extend_from_slice(&part);
        if body.len() == state.length {
            self.current = None;
            let body = state.body.take().expect("it was there above");
            self.reserved -= body.capacity();
            return Ok(Step::Whole(Message {
                kind: state.kind,
                stream: state.stream,
                timestamp: state.timestamp,
                payload: Bytes::from(body),
            }));
        }
        let left = left - part.len();
        self.current = (left > 0).then_some((csid, left));
        Ok(if left > 0 && self.input.is_empty() {
            Step::Hungry
        } else {
            Step::Further
        })
    }

    fn set_chunk_size(&mut self, size: u32) -> Result<(), Error> {
        // Section 5.4.1: the first bit "MUST be zero"; "valid sizes are 1 to 2147483647".
        if size == 0 || size > i32::MAX.unsigned_abs() {
            return Err(limit_error(
                "chunk size",
                usize::try_from(size).unwrap_or(0),
                0x7fff_ffff,
            ));
        }
        self.chunk_size = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(())
    }

    fn abort(&mut self, csid: u32) {
        let body = self
            .streams
            .get_mut(&csid)
            .and_then(|state| state.body.take());
        self.reserved -= body.map_or(0, |body| body.capacity());
    }
}

enum Step {
    /// A message is complete.
    Whole(Message),
    /// Go on: there may be more in the input.
    Further,
    /// The input has to grow first.
    Hungry,
}

enum Repeated {
    There,
    Omitted,
    Unclear,
}

impl ChunkStream {
    /// Whether a fmt 3 chunk is followed by the extended timestamp once more.
    ///
    /// Section 5.3.1.3 asks for it; OBS up to 30.0 and other librtmp users leave it out. The four
    /// bytes are compared with what they would be; payload equals them by chance once in 2^32
    /// chunks. Some senders repeat the absolute time where a delta was written.
    fn repeated_time(&self, bytes: &[u8]) -> Repeated {
        if !self.extended {
            return Repeated::Omitted;
        }
        let bytes = &bytes[..bytes.len().min(4)];
        let candidates = [self.time_field, self.timestamp].map(u32::to_be_bytes);
        if !candidates
            .iter()
            .any(|candidate| candidate.starts_with(bytes))
        {
            return Repeated::Omitted;
        }
        if bytes.len() == 4 {
            Repeated::There
        } else {
            Repeated::Unclear
        }
    }
}

fn limit_error(what: &'static str, value: usize, limit: usize) -> Error {
    Error::Limit {
        what,
        value: value as u64,
        limit: limit as u64,
    }
}

/// Section 5.4.1: "the maximum chunk size defaults to 128 bytes".
const CHUNK_SIZE: usize = 128;
/// A message's first memory, so that small ones never grow: a page.
const BODY_MIN: usize = 4096;

#[cfg(test)]
mod tests;
