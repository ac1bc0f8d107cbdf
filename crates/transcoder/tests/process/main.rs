//! The binary as the server meets it: started, fed real AAC over a pipe, its packets decoded by FFmpeg.

#![cfg(test)]
#![expect(
    clippy::print_stdout,
    reason = "measurements, for `cargo test -- --nocapture`"
)]

mod child;
mod ffmpeg;
mod ogg;
mod signal;

mod latency;
mod life;
mod onset;
mod supervised;
mod timing;
