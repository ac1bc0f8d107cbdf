//! Explores `credential::token`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::credential::token(data));
