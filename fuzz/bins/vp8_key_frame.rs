//! Explores `bitstream::vp8_key_frame`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::vp8_key_frame(data));
