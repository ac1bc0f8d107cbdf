//! Writes values.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{Value, marker};

/// The values of a whole message.
pub(crate) fn encode_all(values: &[Value]) -> Bytes {
    let mut out = BytesMut::with_capacity(256);
    for value in values {
        put(&mut out, value);
    }
    out.freeze()
}

fn put(out: &mut BytesMut, value: &Value) {
    match value {
        Value::Number(number) => {
            out.put_u8(marker::NUMBER);
            out.put_f64(*number);
        }
        Value::Boolean(flag) => {
            out.put_u8(marker::BOOLEAN);
            out.put_u8(u8::from(*flag));
        }
        Value::String(text) => put_text(out, text),
        Value::Object(properties) => {
            out.put_u8(marker::OBJECT);
            for (name, value) in properties {
                put_name(out, name);
                put(out, value);
            }
            put_name(out, "");
            out.put_u8(marker::OBJECT_END);
        }
        Value::StrictArray(values) => {
            out.put_u8(marker::STRICT_ARRAY);
            out.put_u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
            for value in values {
                put(out, value);
            }
        }
        Value::Date(time) => {
            out.put_u8(marker::DATE);
            out.put_f64(*time);
            out.put_u16(0);
        }
        Value::Null => out.put_u8(marker::NULL),
        Value::Undefined => out.put_u8(marker::UNDEFINED),
    }
}

fn put_text(out: &mut BytesMut, text: &str) {
    if let Ok(length) = u16::try_from(text.len()) {
        out.put_u8(marker::STRING);
        out.put_u16(length);
    } else {
        out.put_u8(marker::LONG_STRING);
        out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    }
    out.put_slice(text.as_bytes());
}

fn put_name(out: &mut BytesMut, name: &str) {
    debug_assert!(name.len() < 64, "the names we write are our own");
    out.put_u16(u16::try_from(name.len()).unwrap_or(0));
    out.put_slice(name.as_bytes());
}
