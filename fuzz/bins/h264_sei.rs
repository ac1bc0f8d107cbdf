//! Explores `bitstream::h264_sei`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::h264_sei(data));
