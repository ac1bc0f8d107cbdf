//! The simple handshake (RTMP 1.0 section 5.2).

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::Error;

/// C0, C1 and C2 as they arrive; holds at most C1.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    version_seen: bool,
    /// C1, until it is whole.
    c1: BytesMut,
    /// Bytes of C2 still to come, once C1 was answered.
    c2_left: Option<usize>,
}

/// What the handshake came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More bytes are needed.
    Waiting,
    /// S0, S1 and S2 to send; more bytes are needed.
    Reply(Bytes),
    /// Done; what is left of the input is chunks.
    Done,
}

impl Handshake {
    /// Takes what it needs from `input`. Call again after [`Progress::Reply`].
    pub(crate) fn advance(&mut self, input: &mut Bytes) -> Result<Progress, Error> {
        if !self.version_seen && !input.is_empty() {
            // Section 5.2.2 lets a server answer other versions with 3. HTTP and TLS knock here
            // more often than any RTMPE client, so they get no answer at all.
            let version = input.split_to(1)[0];
            if version != VERSION {
                return Err(Error::Version { version });
            }
            self.version_seen = true;
        }
        if let Some(left) = self.c2_left {
            // C2 should echo S1, but some clients sign or fill it otherwise: not looked at.
            let taken = left.min(input.len());
            let _ = input.split_to(taken);
            self.c2_left = Some(left - taken);
            return Ok(if left == taken {
                Progress::Done
            } else {
                Progress::Waiting
            });
        }
        let missing = PACKET - self.c1.len();
        self.c1.put_slice(&input.split_to(missing.min(input.len())));
        if self.c1.len() < PACKET {
            return Ok(Progress::Waiting);
        }
        self.c2_left = Some(PACKET);
        Ok(Progress::Reply(self.answer()))
    }

    fn answer(&mut self) -> Bytes {
        let mut reply = BytesMut::with_capacity(1 + 2 * PACKET);
        reply.put_u8(VERSION);
        // S1 (section 5.2.3): time 0, zero, then "arbitrary values". A zero where Flash servers
        // put their version tells clients with a digest (FFmpeg, librtmp) that there is none here.
        reply.put_u64(0);
        reply.extend((0..=u8::MAX).cycle().take(PACKET - 8));
        // S2 (section 5.2.4): "a copy of the random data" of C1, and its time.
        reply.put_slice(&self.c1);
        self.c1 = BytesMut::new();
        reply.freeze()
    }
}

const VERSION: u8 = 3;
/// C1, C2, S1 and S2 alike.
const PACKET: usize = 1536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_of_c1_comes_back_and_c2_is_passed_over() {
        let mut handshake = Handshake::default();
        // A digest client: version 9.0.124.2 where the zero would be.
        let c1: Vec<u8> = [0, 0, 0, 1, 9, 0, 124, 2]
            .into_iter()
            .chain([7; 1528])
            .collect();
        let mut input = Bytes::from([&[3][..], &c1, &[9; 1536], b"rest"].concat());
        let Progress::Reply(reply) = handshake.advance(&mut input).unwrap() else {
            panic!()
        };
        assert_eq!(reply.len(), 3073);
        assert_eq!(reply[..9], [3, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(reply[1537..], c1);
        assert_eq!(handshake.advance(&mut input), Ok(Progress::Done));
        assert_eq!(input, &b"rest"[..]);
    }

    #[test]
    fn other_versions_get_no_answer() {
        for first in [6, b'G', 0x16, 0, 255] {
            let mut input = Bytes::from(vec![first; 4]);
            let outcome = Handshake::default().advance(&mut input);
            assert_eq!(outcome, Err(Error::Version { version: first }));
        }
    }
}
