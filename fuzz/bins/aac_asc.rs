//! Explores `bitstream::aac_asc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bitstream::aac_asc(data));
