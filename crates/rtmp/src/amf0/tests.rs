//! What clients send, round trips, and bombs.

use proptest::prelude::*;

use super::*;
use crate::Error;

#[test]
fn connect_as_obs_sends_it() {
    let bytes = b"\x02\x00\x07connect\x00\x3f\xf0\0\0\0\0\0\0\x03\x00\x03app\x02\x00\x04live\
        \x00\x04type\x02\x00\x0anonprivate\x00\x00\x09";
    let values = decode_all(bytes).unwrap();
    assert_eq!(values[0].as_str(), Some("connect"));
    assert_eq!(values[1].as_number(), Some(1.0));
    assert_eq!(values[2].get("app").and_then(Value::as_str), Some("live"));
    assert_eq!(values[2].get("tcUrl"), None);
}

#[test]
fn an_array_s_count_is_only_advice() {
    let bytes = b"\x08\xff\xff\xff\xff\x00\x01a\x01\x01\x00\x00\x09\x05";
    let expected = [Value::object([("a", Value::Boolean(true))]), Value::Null];
    assert_eq!(decode_all(bytes).unwrap(), expected);
}

#[test]
fn every_type_is_read() {
    let bytes = b"\x0a\0\0\0\x02\x05\x06\x0b\0\0\0\0\0\0\0\0\xff\xff\x0c\0\0\0\x02hi\
        \x0f\0\0\0\x01x\x0d\x10\0\x01C\0\x01k\x05\0\0\x09\x02\0\x01\xff";
    let expected = [
        Value::StrictArray(vec![Value::Null, Value::Undefined]),
        Value::Date(0.0),
        Value::string("hi"),
        Value::string("x"),
        Value::Undefined,
        Value::object([("k", Value::Null)]),
        Value::string("\u{fffd}"),
    ];
    assert_eq!(decode_all(bytes).unwrap(), expected);
}

#[test]
fn bombs_are_refused() {
    let deep = |levels: usize| b"\x03\0\x01a".repeat(levels);
    let closed = [deep(16), b"\x05".to_vec(), b"\0\0\x09".repeat(16)].concat();
    assert!(decode_all(&closed).is_ok());
    for bytes in [
        deep(10_000),
        b"\x0a\0\0\0\x01".repeat(10_000),
        b"\x0a\xff\xff\xff\xff".to_vec(),
        [&b"\x0a\xff\xff\xff\xff"[..], &[5; 300]].concat(),
        vec![5; 257],
        b"\x02\xff\xffab".to_vec(),
        b"\x0c\xff\xff\xff\xffab".to_vec(),
        [&b"\x0c\0\x01\0\x01"[..], &[b'a'; 65_537]].concat(),
        b"\x03\0\x01a\x05".to_vec(),
        b"\x11\x01".to_vec(),
        b"\x07\0\x01".to_vec(),
        b"\x09".to_vec(),
        b"\x00\0".to_vec(),
    ] {
        assert!(
            matches!(decode_all(&bytes), Err(Error::Amf { .. })),
            "{:?}",
            &bytes[..4.min(bytes.len())]
        );
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|number| Value::Number(number.into())),
        any::<bool>().prop_map(Value::Boolean),
        ".{0,20}".prop_map(Value::String),
        any::<u32>().prop_map(|time| Value::Date(time.into())),
        Just(Value::Null),
        Just(Value::Undefined),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(("[a-z]{1,8}", inner.clone()), 0..5).prop_map(Value::Object),
            proptest::collection::vec(inner, 0..5).prop_map(Value::StrictArray),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in proptest::collection::vec(values(), 0..5)) {
        prop_assert_eq!(decode_all(&encode_all(&values)).unwrap(), values);
    }

    #[test]
    fn any_bytes_give_values_or_an_error(bytes: Vec<u8>) {
        let _ = decode_all(&bytes);
    }
}
