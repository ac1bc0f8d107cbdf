//! Explores `publisher::chunks`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::chunks(data));
