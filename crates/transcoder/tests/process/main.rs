//! The binary as the server meets it: started, fed real AAC or Opus over a pipe, its packets decoded by FFmpeg.

#![cfg(test)]
#![expect(
    clippy::print_stdout,
    reason = "measurements, for `cargo test -- --nocapture`"
)]

mod adts;
mod child;
mod ffmpeg;
mod ogg;
mod opus;
mod signal;

mod fenced;
mod hostile;
mod latency;
mod life;
mod onset;
mod opus_latency;
mod opus_onset;
mod opus_timing;
mod still;
mod supervised;
mod timing;
mod video;
