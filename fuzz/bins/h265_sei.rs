//! Explores `h265::sei`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::h265::sei(data));
