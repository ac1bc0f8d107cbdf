//! Explores `child::from_child`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::child::from_child(data));
