//! What crosses the pipes of the transcoding child.

use std::fmt;

use bytes::BytesMut;
use transcode::{Decoder, FromChild, Message, ToChild};

/// What the server would read from a child's standard output.
pub fn from_child(data: &[u8]) {
    stream::<FromChild>(data);
}

/// What a child would read from its standard input.
pub fn to_child(data: &[u8]) {
    stream::<ToChild>(data);
}

/// The first byte is the size of the portions the rest comes in. Portions make no difference, each message is written
/// as it was read, and after an error nothing follows.
fn stream<M: Message + PartialEq + fmt::Debug>(data: &[u8]) {
    let Some((portion, data)) = data.split_first() else {
        return;
    };
    let whole = decode::<M>([data].into_iter());
    let portions = decode::<M>(data.chunks(usize::from(*portion).max(1)));
    assert_eq!(whole, portions, "portions make no difference");
    let (messages, failed) = whole;
    let mut written = BytesMut::new();
    for message in &messages {
        message
            .encode(&mut written)
            .expect("what is read can be written");
    }
    assert!(
        data.starts_with(&written),
        "messages are written as they were read"
    );
    assert!(failed || data.len() - written.len() < 4 + transcode::MESSAGE_BYTES_MAX);
}

/// The messages, and whether the stream failed after them.
fn decode<'a, M: Message>(portions: impl Iterator<Item = &'a [u8]>) -> (Vec<M>, bool) {
    let mut decoder = Decoder::<M>::new();
    let (mut messages, mut failed) = (Vec::new(), false);
    for portion in portions {
        decoder.push(portion);
        for message in &mut decoder {
            assert!(!failed, "an error is the last item");
            match message {
                Ok(message) => messages.push(message),
                Err(_) => failed = true,
            }
        }
    }
    assert!(!(failed && decoder.is_at_boundary()));
    (messages, failed)
}
