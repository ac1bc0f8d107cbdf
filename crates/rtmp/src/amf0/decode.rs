//! Reads values; everything a peer can make large is bounded.

use super::{Value, marker};
use crate::Error;

/// Reads the values of a whole message.
pub(crate) fn decode_all(bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let mut decoder = Decoder {
        bytes,
        at: 0,
        values_left: VALUES_MAX,
    };
    let mut values = Vec::new();
    while decoder.at < bytes.len() {
        values.push(decoder.value(DEPTH_MAX)?);
    }
    Ok(values)
}

struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    /// How many values may still come, at any depth.
    values_left: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, depth_left: u32) -> Result<Value, Error> {
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or_else(|| self.error("more than 256 values"))?;
        let kind = self.u8()?;
        let nested = matches!(
            kind,
            marker::OBJECT | marker::ECMA_ARRAY | marker::STRICT_ARRAY | marker::TYPED_OBJECT
        );
        if nested && depth_left == 0 {
            return Err(self.error("nested deeper than 16"));
        }
        match kind {
            marker::NUMBER => Ok(Value::Number(self.f64()?)),
            marker::BOOLEAN => Ok(Value::Boolean(self.u8()? != 0)),
            marker::STRING => Ok(Value::String(self.string()?)),
            marker::LONG_STRING | marker::XML_DOCUMENT => Ok(Value::String(self.long_string()?)),
            marker::OBJECT => self.properties(depth_left - 1),
            marker::ECMA_ARRAY => {
                // Section 2.10 calls it associative-count; OBS writes 20 whatever follows.
                self.u32()?;
                self.properties(depth_left - 1)
            }
            marker::TYPED_OBJECT => {
                self.string()?;
                self.properties(depth_left - 1)
            }
            marker::STRICT_ARRAY => self.strict_array(depth_left - 1),
            marker::DATE => {
                let time = self.f64()?;
                // Section 2.13: the time zone is "reserved, not supported".
                self.take(2)?;
                Ok(Value::Date(time))
            }
            marker::NULL => Ok(Value::Null),
            marker::UNDEFINED | marker::UNSUPPORTED => Ok(Value::Undefined),
            marker::AVMPLUS_OBJECT => Err(self.error("an AMF3 value; send AMF0")),
            _ => Err(self.error("a type that is reserved or a reference")),
        }
    }

    /// Section 2.5: names and values up to an empty name and the end marker.
    fn properties(&mut self, depth_left: u32) -> Result<Value, Error> {
        let mut properties = Vec::new();
        loop {
            let name = self.string()?;
            if name.is_empty() && self.bytes.get(self.at) == Some(&marker::OBJECT_END) {
                self.at += 1;
                return Ok(Value::Object(properties));
            }
            properties.push((name, self.value(depth_left)?));
        }
    }

    fn strict_array(&mut self, depth_left: u32) -> Result<Value, Error> {
        let count = self.u32()?;
        // The values come one by one, so a forged count costs nothing before the bytes end.
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(depth_left)?);
        }
        Ok(Value::StrictArray(values))
    }

    fn string(&mut self) -> Result<String, Error> {
        let length = self.array::<2>().map(u16::from_be_bytes)?;
        self.text(usize::from(length))
    }

    fn long_string(&mut self) -> Result<String, Error> {
        let length = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        if length > STRING_MAX {
            return Err(self.error("a string longer than 64 KiB"));
        }
        self.text(length)
    }

    /// Not every encoder writes UTF-8 here; what is not is replaced.
    fn text(&mut self, length: usize) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn f64(&mut self) -> Result<f64, Error> {
        self.array().map(f64::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self.take(N)?;
        Ok(*taken
            .first_chunk()
            .expect("take gives as many as asked for"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.error("the message ends inside a value"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    const fn error(&self, problem: &'static str) -> Error {
        Error::Amf {
            offset: self.at,
            problem,
        }
    }
}

/// OBS and FFmpeg nest one deep, Enhanced RTMP's track maps three.
const DEPTH_MAX: u32 = 16;
/// OBS's metadata has some 20, FFmpeg's with user tags some 40.
const VALUES_MAX: usize = 256;
const STRING_MAX: usize = 64 * 1024;
