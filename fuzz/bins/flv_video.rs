//! Explores `publisher::flv_video`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::flv_video(data));
