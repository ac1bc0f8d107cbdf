//! Explores `viewer::fragment`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::viewer::fragment(data));
