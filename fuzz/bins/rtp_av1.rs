//! Explores `publisher::rtp_av1`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::rtp_av1(data));
