//! Explores `publisher::rtp_vp8`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::rtp_vp8(data));
