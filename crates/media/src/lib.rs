//! What a frame is: time types, frames, tracks, codec configuration and bitstream readers.
//!
//! | module | source |
//! |---|---|
//! | [`h264`] | ITU-T H.264 (08/2021) sections 7.3 and 7.4; ISO/IEC 14496-15 section 5.3.3.1 |
//! | [`aac`] | ISO/IEC 14496-3 section 1.6.2.1 |
//! | [`opus`] | RFC 6716 section 3 |
//!
//! Knows nothing of transports, containers, sockets or clocks.

pub mod aac;
mod bits;
mod error;
mod frame;
mod grid;
pub mod h264;
pub mod opus;
pub mod time;
mod track;

pub use error::Error;
pub use frame::{Frame, TrackKind};
pub use grid::FrameGrid;
pub use time::{MediaTime, Pts, Timescale, UnixMillis, UtcAnchor};
pub use track::{AacConfig, FrameRate, H264Config};
