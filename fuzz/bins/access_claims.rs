//! Explores `credential::claims`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::credential::claims(data));
