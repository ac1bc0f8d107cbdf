//! Explores `bitstream::vp9_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::vp9_header(data));
