//! Explores `cue::json`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cue::json(data));
