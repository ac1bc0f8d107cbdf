//! Explores `cue::channel`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cue::channel(data));
