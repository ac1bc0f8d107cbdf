//! Explores `bitstream::opus_head`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::opus_head(data));
