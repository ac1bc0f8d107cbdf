//! Explores `cue::painted`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cue::painted(data));
