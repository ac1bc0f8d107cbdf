//! The one form of a cue on every wire: compact JSON with its keys in a fixed order.
//!
//! Normative text: `docs/spec/cue.md`. Only this file and [`channel`](crate::channel) know JSON.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use media::Pts;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::Error,
    model::{Cue, Currency, Op, Payload, Price, Product},
};

/// Longest encoded cue, bytes: it must fit a DATERANGE line of reasonable size, an SEI message and,
/// fiftyfold, one side-channel message.
pub const ENCODED_LEN_MAX: usize = 1024;

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
    payload: Option<ProductJson<'a>>,
}

#[derive(Serialize)]
struct ProductJson<'a> {
    sku: &'a str,
    title: &'a str,
    price: PriceJson<'a>,
    prior_price: Option<PriceJson<'a>>,
    image: Option<&'a str>,
    stock: Option<u32>,
}

#[derive(Serialize)]
struct PriceJson<'a> {
    minor: i64,
    currency: &'a str,
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
            kind: cue.payload.as_ref().map(Payload::kind),
            payload: cue
                .payload
                .as_ref()
                .map(|Payload::Product(product)| ProductJson {
                    sku: &product.sku,
                    title: &product.title,
                    price: PriceJson::of(&product.price),
                    prior_price: product.prior_price.as_ref().map(PriceJson::of),
                    image: product.image.as_deref(),
                    stock: product.stock,
                }),
        }
    }
}

impl<'a> PriceJson<'a> {
    fn of(price: &'a Price) -> Self {
        Self {
            minor: price.minor,
            currency: price.currency.as_str(),
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
    Ok(Cue {
        stream: cue.text("stream", "stream")?.to_owned(),
        epoch: cue.whole("epoch", "epoch")?,
        seq: cue.whole("seq", "seq")?,
        card_id: cue.text("card_id", "card_id")?.to_owned(),
        rev: cue.whole("rev", "rev")?,
        op,
        pts: Pts(cue.whole("pts", "pts")?),
        duration: cue.nullable("duration", || cue.whole("duration", "duration"))?,
        payload: payload(cue.get("kind", "kind")?, cue.get("payload", "payload")?)?,
    })
}

fn payload(kind: &Value, value: &Value) -> Result<Option<Payload>, Error> {
    match (kind.as_str(), value) {
        (None, Value::Null) if kind.is_null() => Ok(None),
        (Some("product"), value) => Ok(Some(Payload::Product(product(value)?))),
        (None | Some(_), _) => Err(Error::Field {
            field: "kind",
            problem: "is not a kind of payload",
            remedy: "send product, or null for both kind and payload",
        }),
    }
}

fn product(value: &Value) -> Result<Product, Error> {
    const KEYS: [&str; 6] = ["sku", "title", "price", "prior_price", "image", "stock"];
    const PRICE: [&str; 2] = ["payload.price.minor", "payload.price.currency"];
    const PRIOR: [&str; 2] = ["payload.prior_price.minor", "payload.prior_price.currency"];
    let product = Object::new("payload", value, &KEYS)?;
    let prior = || {
        price(
            product.get("prior_price", "payload.prior_price")?,
            "payload.prior_price",
            PRIOR,
        )
    };
    Ok(Product {
        sku: product.text("sku", "payload.sku")?.to_owned(),
        title: product.text("title", "payload.title")?.to_owned(),
        price: price(
            product.get("price", "payload.price")?,
            "payload.price",
            PRICE,
        )?,
        prior_price: product.nullable("prior_price", prior)?,
        image: product.nullable("image", || {
            product.text("image", "payload.image").map(str::to_owned)
        })?,
        stock: product.nullable("stock", || product.whole("stock", "payload.stock"))?,
    })
}

fn price(value: &Value, path: &'static str, fields: [&'static str; 2]) -> Result<Price, Error> {
    let [minor, currency] = fields;
    let price = Object::new(path, value, &["minor", "currency"])?;
    Ok(Price {
        minor: price.whole("minor", minor)?,
        currency: Currency::parse(price.text("currency", currency)?)?,
    })
}

/// A JSON object whose keys are all known.
struct Object<'a>(&'a Map<String, Value>);

impl<'a> Object<'a> {
    fn new(path: &'static str, value: &'a Value, keys: &[&str]) -> Result<Self, Error> {
        let Value::Object(map) = value else {
            return Err(Error::Field {
                field: path,
                problem: "is not an object",
                remedy: "send a JSON object",
            });
        };
        match map.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => Err(Error::UnknownKey {
                object: path,
                key: key.chars().take(64).collect(),
            }),
            None => Ok(Self(map)),
        }
    }

    fn get(&self, key: &str, field: &'static str) -> Result<&'a Value, Error> {
        let remedy = "send every key, null where there is no value";
        self.0.get(key).ok_or(Error::Field {
            field,
            problem: "is missing",
            remedy,
        })
    }

    fn text(&self, key: &str, field: &'static str) -> Result<&'a str, Error> {
        let problem = "is not text";
        let wrong = Error::Field {
            field,
            problem,
            remedy: "send a JSON string",
        };
        self.get(key, field)?.as_str().ok_or(wrong)
    }

    /// A JSON number without fraction or exponent that `T` holds.
    fn whole<T: TryFrom<i64>>(&self, key: &str, field: &'static str) -> Result<T, Error> {
        let problem = "is not a whole number in range";
        let wrong = Error::Field {
            field,
            problem,
            remedy: "send an integer within its limits",
        };
        let number = self.get(key, field)?.as_i64();
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or(wrong)
    }

    /// `None` for null, else what `read` gives. A missing key is for `read` to report.
    fn nullable<T>(
        &self,
        key: &str,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if self.0.get(key).is_some_and(Value::is_null) {
            Ok(None)
        } else {
            read().map(Some)
        }
    }
}

#[cfg(test)]
mod tests;
