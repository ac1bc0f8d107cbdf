//! Explores `child::to_child`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::child::to_child(data));
