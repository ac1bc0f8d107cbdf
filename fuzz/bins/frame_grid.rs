//! Explores `bitstream::frame_grid`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::frame_grid(data));
