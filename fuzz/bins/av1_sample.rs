//! Explores `bitstream::av1_sample`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::av1_sample(data));
