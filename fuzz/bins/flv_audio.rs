//! Explores `publisher::flv_audio`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::flv_audio(data));
