//! Explores `publisher::flv_tracks`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::publisher::flv_tracks(data));
