//! Protocol control and user control messages (RTMP 1.0 sections 5.4 and 7.1.7).

use bytes::{BufMut as _, BytesMut};

use crate::message::{
    ABORT, ACKNOWLEDGEMENT, Message, SET_CHUNK_SIZE, SET_PEER_BANDWIDTH, USER_CONTROL,
    WINDOW_ACK_SIZE,
};

/// A control message of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// The sender's chunks are at most this long from now on.
    SetChunkSize(u32),
    /// The unfinished message on this chunk stream will not be finished.
    Abort(u32),
    /// Bytes received so far, modulo 2^32.
    Acknowledgement(u32),
    /// How many bytes the sender sends between two acknowledgements.
    WindowAckSize(u32),
    /// How many unacknowledged bytes the receiver may have under way; always "dynamic" here.
    SetPeerBandwidth(u32),
    /// The message stream is ready.
    StreamBegin(u32),
    PingRequest(u32),
    PingResponse(u32),
}

impl Control {
    /// Reads a control message; `None` for other types, unknown events and cut-off payloads, which
    /// concern nobody here.
    pub(crate) fn parse(message: &Message) -> Option<Self> {
        let payload = &message.payload;
        if message.kind == USER_CONTROL {
            let value = be32(payload.get(2..)?)?;
            return match payload[..2] {
                [0, 0] => Some(Self::StreamBegin(value)),
                [0, PING_REQUEST] => Some(Self::PingRequest(value)),
                [0, PING_RESPONSE] => Some(Self::PingResponse(value)),
                _ => None,
            };
        }
        let value = be32(payload)?;
        match message.kind {
            SET_CHUNK_SIZE => Some(Self::SetChunkSize(value)),
            ABORT => Some(Self::Abort(value)),
            ACKNOWLEDGEMENT => Some(Self::Acknowledgement(value)),
            WINDOW_ACK_SIZE => Some(Self::WindowAckSize(value)),
            SET_PEER_BANDWIDTH => Some(Self::SetPeerBandwidth(value)),
            _ => None,
        }
    }

    /// The message that says it.
    pub(crate) fn message(self) -> Message {
        let mut payload = BytesMut::with_capacity(6);
        let kind = match self {
            Self::SetChunkSize(size) => put(&mut payload, SET_CHUNK_SIZE, size),
            Self::Abort(csid) => put(&mut payload, ABORT, csid),
            Self::Acknowledgement(bytes) => put(&mut payload, ACKNOWLEDGEMENT, bytes),
            Self::WindowAckSize(bytes) => put(&mut payload, WINDOW_ACK_SIZE, bytes),
            Self::SetPeerBandwidth(bytes) => {
                put(&mut payload, SET_PEER_BANDWIDTH, bytes);
                payload.put_u8(DYNAMIC);
                SET_PEER_BANDWIDTH
            }
            Self::StreamBegin(stream) => put_event(&mut payload, 0, stream),
            Self::PingRequest(time) => put_event(&mut payload, PING_REQUEST, time),
            Self::PingResponse(time) => put_event(&mut payload, PING_RESPONSE, time),
        };
        Message {
            kind,
            stream: 0,
            timestamp: 0,
            payload: payload.freeze(),
        }
    }
}

fn be32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

fn put(payload: &mut BytesMut, kind: u8, value: u32) -> u8 {
    payload.put_u32(value);
    kind
}

fn put_event(payload: &mut BytesMut, event: u8, value: u32) -> u8 {
    payload.put_u8(0);
    payload.put_u8(event);
    payload.put_u32(value);
    USER_CONTROL
}

const PING_REQUEST: u8 = 6;
const PING_RESPONSE: u8 = 7;
/// Section 5.4.5, limit type 2.
const DYNAMIC: u8 = 2;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn raw(kind: u8, payload: &'static [u8]) -> Message {
        Message {
            kind,
            stream: 0,
            timestamp: 0,
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for control in [
            Control::SetChunkSize(4096),
            Control::Abort(5),
            Control::Acknowledgement(u32::MAX),
            Control::WindowAckSize(2_500_000),
            Control::SetPeerBandwidth(2_500_000),
            Control::StreamBegin(1),
            Control::PingRequest(77),
            Control::PingResponse(77),
        ] {
            assert_eq!(Control::parse(&control.message()), Some(control));
        }
    }

    #[test]
    fn cut_off_and_unknown_ones_are_none() {
        for message in [
            raw(SET_CHUNK_SIZE, &[0, 0, 1]),
            raw(USER_CONTROL, &[0]),
            raw(USER_CONTROL, &[0, 6, 0, 0, 0]),
            raw(USER_CONTROL, &[0, 31, 0, 0, 0, 0]),
            raw(99, &[0, 0, 0, 0]),
        ] {
            assert_eq!(Control::parse(&message), None);
        }
    }
}
