//! Explores `playlist::query`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::playlist::query(data));
