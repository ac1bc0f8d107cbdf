//! Explores `cue::request`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cue::request(data));
