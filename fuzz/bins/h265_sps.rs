//! Explores `h265::sps`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::h265::sps(data));
