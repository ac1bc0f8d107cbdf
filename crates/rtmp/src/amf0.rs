//! AMF0 values (AMF0 specification, section 2).

mod decode;
mod encode;

pub(crate) use decode::decode_all;
pub(crate) use encode::encode_all;

/// A value. Types that tell a server the same are one: string, long string and XML document;
/// object, ECMA array and typed object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Boolean(bool),
    String(String),
    Object(Vec<(String, Self)>),
    StrictArray(Vec<Self>),
    /// Milliseconds since 1970, UTC.
    Date(f64),
    Null,
    Undefined,
}

impl Value {
    pub(crate) fn string(text: &str) -> Self {
        Self::String(text.to_owned())
    }

    pub(crate) fn object<const N: usize>(properties: [(&str, Self); N]) -> Self {
        Self::Object(
            properties
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        )
    }

    pub(crate) const fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    pub(crate) const fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text.as_str())
        } else {
            None
        }
    }

    /// A property of an object, the first of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(properties) = self else {
            return None;
        };
        properties
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }
}

mod marker {
    pub(super) const NUMBER: u8 = 0x00;
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const ECMA_ARRAY: u8 = 0x08;
    pub(super) const OBJECT_END: u8 = 0x09;
    pub(super) const STRICT_ARRAY: u8 = 0x0a;
    pub(super) const DATE: u8 = 0x0b;
    pub(super) const LONG_STRING: u8 = 0x0c;
    pub(super) const UNSUPPORTED: u8 = 0x0d;
    pub(super) const XML_DOCUMENT: u8 = 0x0f;
    pub(super) const TYPED_OBJECT: u8 = 0x10;
    pub(super) const AVMPLUS_OBJECT: u8 = 0x11;
}

#[cfg(test)]
mod tests;
