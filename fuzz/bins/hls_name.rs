//! Explores `playlist::name`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::playlist::name(data));
