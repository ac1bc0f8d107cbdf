//! Explores `bitstream::h264_sps`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::h264_sps(data));
