//! Explores `h265::hvcc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::h265::hvcc(data));
