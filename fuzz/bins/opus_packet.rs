//! Explores `bitstream::opus_packet`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::opus_packet(data));
