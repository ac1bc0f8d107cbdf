//! Explores `publisher::amf0`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::amf0(data));
