//! The one form of a cue on every wire: compact JSON with its keys in a fixed order.
//!
//! Normative text: `docs/spec/cue.md`. Only this module, what is in it, and [`channel`](crate::channel) read
//! JSON.

mod object;
mod payload;
pub mod saved;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use media::Pts;
use serde::Serialize;
use serde_json::Value;

use self::object::Object;
use crate::{
    error::Error,
    model::{Cue, Op},
    payload::Payload,
};

/// Longest encoded cue, bytes: it must fit a DATERANGE line of reasonable size, an SEI message and,
/// fiftyfold, one side-channel message.
pub const ENCODED_LEN_MAX: usize = 1024;

/// The kind of what a cancel says.
const CUE: &str = "cue";

/// Version of the form, the value of `v`.
const VERSION: u64 = 1;

/// A cue with the bytes that every carrier carries: the two always say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedCue {
    /// What the bytes say.
    pub cue: Cue,
    /// The canonical form, at most [`ENCODED_LEN_MAX`] bytes of UTF-8.
    pub bytes: Bytes,
}

impl EncodedCue {
    /// The bytes as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes).expect("encode and decode admit only UTF-8")
    }

    /// The bytes in base64url without padding, for carriers of text.
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.bytes)
    }

    /// Reads what [`to_base64url`](Self::to_base64url) wrote.
    ///
    /// # Errors
    /// [`Error::Carrier`] for text that is not base64url, and those of [`decode`].
    pub fn from_base64url(text: &str) -> Result<Self, Error> {
        if text.len() > ENCODED_LEN_MAX.div_ceil(3) * 4 {
            return Err(Error::TooLong {
                len: text.len() / 4 * 3,
                max: ENCODED_LEN_MAX,
            });
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Carrier {
            element: "cue in base64url",
            offset: 0,
            problem: "is not base64url without padding (RFC 4648 section 5)",
        })?;
        decode(&bytes)
    }
}

/// Checks a cue and gives it its bytes.
///
/// # Errors
/// [`Error::Field`] for a field that breaks its rule, [`Error::TooLong`] past 1024 bytes.
pub fn encode(cue: Cue) -> Result<EncodedCue, Error> {
    cue.check()?;
    let json = json(&cue);
    if json.len() > ENCODED_LEN_MAX {
        return Err(Error::TooLong {
            len: json.len(),
            max: ENCODED_LEN_MAX,
        });
    }
    Ok(EncodedCue {
        cue,
        bytes: Bytes::from(json),
    })
}

/// Reads a cue. Only what [`encode`] writes is accepted, byte for byte, so that one cue has one
/// hash.
///
/// # Errors
/// The first rule that the bytes break, naming the field.
pub fn decode(bytes: &[u8]) -> Result<EncodedCue, Error> {
    if bytes.len() > ENCODED_LEN_MAX {
        return Err(Error::TooLong {
            len: bytes.len(),
            max: ENCODED_LEN_MAX,
        });
    }
    let value = serde_json::from_slice::<Value>(bytes).map_err(|error| Error::NotJson {
        column: error.column(),
    })?;
    let encoded = encode(cue(&value)?)?;
    if encoded.bytes != bytes {
        let same = encoded
            .bytes
            .iter()
            .zip(bytes)
            .take_while(|(a, b)| a == b)
            .count();
        return Err(Error::NotCanonical { offset: same });
    }
    Ok(encoded)
}

fn json(cue: &Cue) -> Vec<u8> {
    serde_json::to_vec(&CueJson::of(cue)).expect("strings, integers and structs always serialise")
}

/// The keys in their order; `serde` writes fields as they are declared.
#[derive(Serialize)]
struct CueJson<'a> {
    v: u64,
    stream: &'a str,
    epoch: u32,
    seq: u64,
    card_id: &'a str,
    rev: u32,
    op: &'static str,
    pts: i64,
    duration: Option<i64>,
    kind: Option<&'static str>,
    payload: Option<Said<'a>>,
}

/// A card's content, or the cue that a cancel takes back.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Payload(&'a Payload),
    Cue { seq: u64 },
}

impl<'a> CueJson<'a> {
    fn of(cue: &'a Cue) -> Self {
        Self {
            v: VERSION,
            stream: &cue.stream,
            epoch: cue.epoch,
            seq: cue.seq,
            card_id: &cue.card_id,
            rev: cue.rev,
            op: cue.op.as_str(),
            pts: cue.pts.0,
            duration: cue.duration,
            kind: match cue.target {
                Some(_) => Some(CUE),
                None => cue.payload.as_ref().map(Payload::kind),
            },
            payload: match cue.target {
                Some(seq) => Some(Said::Cue { seq }),
                None => cue.payload.as_ref().map(Said::Payload),
            },
        }
    }
}

fn cue(value: &Value) -> Result<Cue, Error> {
    const KEYS: [&str; 11] = [
        "v", "stream", "epoch", "seq", "card_id", "rev", "op", "pts", "duration", "kind", "payload",
    ];
    let cue = Object::new("cue", value, &KEYS)?;
    if cue.get("v", "v")?.as_u64() != Some(VERSION) {
        return Err(Error::Field {
            field: "v",
            problem: "is not 1",
            remedy: "send version 1",
        });
    }
    let op = Op::parse(cue.text("op", "op")?)?;
    let (kind, said) = (cue.get("kind", "kind")?, cue.get("payload", "payload")?);
    let takes_back = op == Op::Cancel && kind.as_str() == Some(CUE);
    let (payload, target) = if takes_back {
        let target = Object::new("payload", said, &["seq"])?;
        (None, Some(target.whole("seq", "payload.seq")?))
    } else {
        (payload::read(kind, said)?, None)
    };
    Ok(Cue {
        stream: cue.text("stream", "stream")?.to_owned(),
        epoch: cue.whole("epoch", "epoch")?,
        seq: cue.whole("seq", "seq")?,
        card_id: cue.text("card_id", "card_id")?.to_owned(),
        rev: cue.whole("rev", "rev")?,
        op,
        pts: Pts(cue.whole("pts", "pts")?),
        duration: cue.nullable("duration", || cue.whole("duration", "duration"))?,
        payload,
        target,
    })
}

#[cfg(test)]
mod tests;
