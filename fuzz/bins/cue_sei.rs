//! Explores `cue::sei`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cue::sei(data));
