//! Explores `cue::id3`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cue::id3(data));
