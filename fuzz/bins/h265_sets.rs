//! Explores `h265::sets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::h265::sets(data));
