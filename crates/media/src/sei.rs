//! Supplemental enhancement information: messages that travel inside an access unit.
//!
//! The same in both codecs: ITU-T H.264 sections 7.3.2.3 and 7.3.2.3.1, D.1.6 (`user_data_unregistered`); ITU-T H.265
//! sections 7.3.2.4, 7.3.5 and D.2.6. What differs is the NAL unit's header.
//!
//! ```text
//! header(1 or 2)  { type: ff* last(1)  size: ff* last(1)  payload(size) }+  80
//! ```
//! All behind the header is escaped: where two zeros are followed by a byte of at most 3, a 03 stands between
//! (H.264 section 7.4.1, `emulation_prevention_three_byte`).

mod insert;
mod own;

use std::ops::Range;

use bytes::Bytes;

pub use insert::insert;
pub use own::{Matcher, mentions_own, strip_own};

use crate::Error;

/// Whose messages this server's own are: the first 16 bytes of their payload, a version 4 UUID.
///
/// No byte of it is 3 or less, so that none is ever escaped and none is inserted among them: the UUID stands in a NAL
/// unit as it is, or the unit does not hold it. No byte comes twice and none is [`FILL`], which makes looking for it easy.
pub const OWN_UUID: [u8; UUID_LEN] = [
    0x9c, 0x6f, 0xd4, 0xa1, 0x5b, 0x7e, 0x4e, 0x2d, 0x8a, 0x37, 0xc1, 0xd8, 0x5f, 0x1e, 0x6b, 0x94,
];

/// `payloadType` of `user_data_unregistered`.
pub const USER_DATA_UNREGISTERED: u32 = 5;

/// What a byte of [`OWN_UUID`] is overwritten with where it may not stand.
pub const FILL: u8 = 0xff;

/// Bytes of a UUID.
pub const UUID_LEN: usize = 16;

/// Whose NAL unit headers are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Syntax {
    /// ITU-T H.264 section 7.3.1: one byte.
    H264,
    /// ITU-T H.265 section 7.3.1.2: two bytes.
    H265,
}

impl Syntax {
    /// A NAL unit of messages that stand before the picture: H.264 type 6, H.265 `PREFIX_SEI_NUT` (39).
    pub fn is_sei(self, nal: &[u8]) -> bool {
        self.nal_type(nal) == Some(self.sei_type())
    }

    /// A NAL unit of coded picture: H.264 types 1 to 5 (table 7-1), H.265 types 0 to 31 (table 7-1).
    pub fn is_vcl(self, nal: &[u8]) -> bool {
        let types = match self {
            Self::H264 => 1..=5,
            Self::H265 => 0..=31,
        };
        self.nal_type(nal).is_some_and(|kind| types.contains(&kind))
    }

    fn nal_type(self, nal: &[u8]) -> Option<u8> {
        let first = nal.first()?;
        Some(match self {
            Self::H264 => first & 0x1f,
            Self::H265 => first >> 1 & 0x3f,
        })
    }

    const fn sei_type(self) -> u8 {
        match self {
            Self::H264 => 6,
            Self::H265 => 39,
        }
    }

    /// Of a unit of messages: `nal_ref_idc` 0; `nuh_layer_id` 0, `nuh_temporal_id_plus1` 1.
    const fn sei_header(self) -> &'static [u8] {
        match self {
            Self::H264 => &[0x06],
            Self::H265 => &[0x4e, 0x01],
        }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `payloadType`.
    pub payload_type: u32,
    /// The payload, without escapes.
    pub payload: Bytes,
}

impl Message {
    /// What follows the UUID, if it is `user_data_unregistered` of `uuid`.
    pub fn user_data(&self, uuid: &[u8; UUID_LEN]) -> Option<Bytes> {
        let is_of = self.payload_type == USER_DATA_UNREGISTERED && self.payload.starts_with(uuid);
        is_of.then(|| self.payload.slice(UUID_LEN..))
    }
}

/// A NAL unit with one message, `user_data_unregistered` of `uuid`.
pub fn user_data(syntax: Syntax, uuid: &[u8; UUID_LEN], body: &[u8]) -> Vec<u8> {
    let payload = [uuid.as_slice(), body].concat().into();
    let payload_type = USER_DATA_UNREGISTERED;
    let message = Message {
        payload_type,
        payload,
    };
    write(syntax.sei_header(), &[message])
}

/// Reads the messages of a NAL unit.
///
/// # Errors
/// A unit of another type, of more than 64 KiB or 128 messages, with bytes that may not stand in one, or one that ends
/// inside a message or without its trailing bits.
pub fn messages(syntax: Syntax, nal: &[u8]) -> Result<Vec<Message>, Error> {
    if !syntax.is_sei(nal) || nal.len() > NAL_MAX {
        return Err(Error::OutOfRange {
            element: "SEI NAL unit in bytes",
            value: nal.len() as u64,
            allowed: "at most 65536, of type 6 (H.264) or 39 (H.265)",
        });
    }
    let rbsp = unescape(nal.get(syntax.sei_header().len()..).unwrap_or_default())?;
    let mut reader = Reader { rbsp: &rbsp, at: 0 };
    let mut messages = Vec::new();
    while !reader.is_at_trailing_bits() {
        if messages.len() == MESSAGES_MAX {
            return Err(Error::OutOfRange {
                element: "messages in an SEI NAL unit",
                value: MESSAGES_MAX as u64 + 1,
                allowed: "at most 128",
            });
        }
        let (payload_type, payload) = reader.message()?;
        messages.push((payload_type, payload));
    }
    let rbsp = Bytes::from(rbsp);
    let whole = |(payload_type, payload)| Message {
        payload_type,
        payload: rbsp.slice(payload),
    };
    Ok(messages.into_iter().map(whole).collect())
}

/// A NAL unit of `messages`.
fn write(header: &[u8], messages: &[Message]) -> Vec<u8> {
    let mut rbsp = Vec::new();
    for message in messages {
        put_number(&mut rbsp, message.payload_type as usize);
        put_number(&mut rbsp, message.payload.len());
        rbsp.extend_from_slice(&message.payload);
    }
    // rbsp_trailing_bits: a one, and zeros to the end of the byte.
    rbsp.push(0x80);
    let mut nal = header.to_vec();
    let mut zeros = 0;
    for byte in rbsp {
        if zeros == 2 && byte <= ESCAPE {
            nal.push(ESCAPE);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        nal.push(byte);
    }
    nal
}

/// `ff_byte`s of 255 each, and the rest.
fn put_number(rbsp: &mut Vec<u8>, number: usize) {
    rbsp.resize(rbsp.len() + number / 255, 0xff);
    rbsp.push(u8::try_from(number % 255).expect("a remainder of 255 fits"));
}

/// Takes out the escapes. H.264 section 7.4.1: 00 00 00, 00 00 01 and 00 00 02 "shall not occur" in a NAL unit.
fn unescape(escaped: &[u8]) -> Result<Vec<u8>, Error> {
    let mut rbsp = Vec::with_capacity(escaped.len());
    let mut zeros = 0;
    for &byte in escaped {
        match (zeros, byte) {
            (2, ESCAPE) => {
                zeros = 0;
                continue;
            }
            (2, 0..ESCAPE) => {
                return Err(Error::OutOfRange {
                    element: "byte after two zeros in an SEI NAL unit",
                    value: u64::from(byte),
                    allowed: "3 (emulation prevention) and more",
                });
            }
            (_, 0) => zeros += 1,
            (_, _) => zeros = 0,
        }
        rbsp.push(byte);
    }
    Ok(rbsp)
}

struct Reader<'a> {
    rbsp: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// Section 7.2, `more_rbsp_data`: nothing but the stop bit is left.
    fn is_at_trailing_bits(&self) -> bool {
        let rest = self.rbsp.get(self.at..).unwrap_or_default();
        rest.split_first()
            .is_some_and(|(stop, zeros)| *stop == 0x80 && zeros.iter().all(|byte| *byte == 0))
    }

    fn message(&mut self) -> Result<(u32, Range<usize>), Error> {
        let payload_type = self.number("payloadType")?;
        let size = self.number("payloadSize")? as usize;
        let payload = self.at..self.at + size;
        // One byte more: the trailing bits.
        if payload.end >= self.rbsp.len() {
            return Err(Error::Truncated {
                element: "sei_payload",
            });
        }
        self.at = payload.end;
        Ok((payload_type, payload))
    }

    /// It is at most 255 times the bytes of a NAL unit, so it cannot overflow.
    fn number(&mut self, element: &'static str) -> Result<u32, Error> {
        let mut number = 0;
        loop {
            let byte = self.rbsp.get(self.at).ok_or(Error::Truncated { element })?;
            self.at += 1;
            number += u32::from(*byte);
            if *byte != 0xff {
                return Ok(number);
            }
        }
    }
}

/// What stands between two zeros and a byte of at most this.
const ESCAPE: u8 = 3;
/// Captions take some 100 bytes a frame, HDR metadata less; ours at most 1180.
const NAL_MAX: usize = 64 * 1024;
/// Encoders write one to five.
const MESSAGES_MAX: usize = 128;

#[cfg(test)]
mod tests;
