//! Explores `publisher::rtp_h264`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::rtp_h264(data));
