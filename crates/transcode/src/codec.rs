//! Framing: a 32-bit big-endian length, a type byte, a body (`docs/spec/transcoder-protocol.md`).

use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Error, FromChild, ToChild};

/// The longest message, type byte included, length field excluded: 5 MiB. More than the longest picture, so that a length
/// beyond it can only be garbage, and is refused before anything is kept.
pub const MESSAGE_BYTES_MAX: usize = 5 << 20;

/// A message of one direction: [`ToChild`] or [`FromChild`].
pub trait Message: Sized + sealed::Sealed {
    /// Appends the message with its length field.
    ///
    /// # Errors
    /// A field outside the protocol's limits; nothing is appended then.
    fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        let start = out.len();
        out.put_u32(0);
        if let Err(error) = self.encode_body(out) {
            out.truncate(start);
            return Err(error);
        }
        let length = out.len() - start - LENGTH_BYTES;
        let field = u32::try_from(length).expect("every field is bounded far below 4 GiB");
        out[start..start + LENGTH_BYTES].copy_from_slice(&field.to_be_bytes());
        Ok(())
    }

    /// Appends the type byte and the body.
    #[doc(hidden)]
    fn encode_body(&self, out: &mut BytesMut) -> Result<(), Error>;

    /// Reads one message from its type byte and its whole body.
    ///
    /// # Errors
    /// Anything but exactly one well-formed message.
    fn decode(kind: u8, body: Bytes) -> Result<Self, Error>;
}

/// Cuts a byte stream into messages. Iterate after every [`push`](Self::push) until `None`, which
/// means "not yet".
///
/// The stream has no way to find its step again, so the first error is the last item: from there on
/// it yields `None`, and the peer is to be given up.
#[derive(Debug)]
pub struct Decoder<M> {
    buffer: BytesMut,
    state: State,
    message: PhantomData<fn() -> M>,
}

#[derive(Debug)]
enum State {
    Reading,
    Failing(Error),
    Failed,
}

impl<M> Decoder<M> {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self {
            buffer: BytesMut::new(),
            state: State::Reading,
            message: PhantomData,
        }
    }

    /// Takes the stream's next bytes, in pieces of any size. Holds at most two of the longest messages;
    /// beyond that the stream is failed.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Reading) {
            return;
        }
        let waiting = self.buffer.len().saturating_add(bytes.len());
        if waiting > 2 * (LENGTH_BYTES + MESSAGE_BYTES_MAX) {
            self.fail(Error::Undrained { bytes: waiting });
            return;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the stream stands between two messages, as it must where it ends.
    pub fn is_at_boundary(&self) -> bool {
        matches!(self.state, State::Reading) && self.buffer.is_empty()
    }

    fn fail(&mut self, error: Error) {
        self.buffer = BytesMut::new();
        self.state = State::Failing(error);
    }

    /// The next message's type and body, when all of it is here.
    fn cut(&mut self) -> Result<Option<(u8, Bytes)>, Error> {
        let Some(field) = self.buffer.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*field)).unwrap_or(usize::MAX);
        check_length("message", length, 1, MESSAGE_BYTES_MAX)?;
        if self.buffer.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        let mut message = self.buffer.split_to(length).freeze();
        let kind = message.get_u8();
        Ok(Some((kind, message)))
    }
}

impl<M> Default for Decoder<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Message> Iterator for Decoder<M> {
    type Item = Result<M, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, State::Reading) {
            let message = match self.cut() {
                Ok(None) => return None,
                Ok(Some((kind, body))) => M::decode(kind, body),
                Err(error) => Err(error),
            };
            match message {
                Ok(message) => return Some(Ok(message)),
                Err(error) => self.fail(error),
            }
        }
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Failing(error) => Some(Err(error)),
            State::Reading | State::Failed => None,
        }
    }
}

pub(crate) fn check_length(
    element: &'static str,
    bytes: usize,
    min: usize,
    max: usize,
) -> Result<(), Error> {
    if (min..=max).contains(&bytes) {
        Ok(())
    } else {
        Err(Error::Length {
            element,
            bytes,
            min,
            max,
        })
    }
}

const LENGTH_BYTES: usize = 4;

mod sealed {
    //! Keeps the set of messages closed.

    #[expect(unnameable_types, reason = "that is what seals the trait")]
    pub trait Sealed {}
    impl Sealed for super::ToChild {}
    impl Sealed for super::FromChild {}
}

#[cfg(test)]
mod tests;
