//! Explores `viewer::frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::viewer::frames(data));
