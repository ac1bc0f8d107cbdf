//! Explores `viewer::offer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::viewer::offer(data));
