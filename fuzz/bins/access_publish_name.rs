//! Explores `credential::publish_name`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::credential::publish_name(data));
