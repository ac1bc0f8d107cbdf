//! The crate as its callers see it: frames in, playlists and objects out. One file per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test that meets what it does not expect should fail there"
)]

mod support;

mod bandwidth;
mod blocking_reload;
mod boxes;
mod cues_in_band;
mod delta_updates;
mod epochs;
mod gops;
mod objects;
mod other_codecs;
mod playlists;
mod real_clip;
mod renditions;
mod rules_hold;
mod window;
