//! Explores `viewer::datagram`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::viewer::datagram(data));
