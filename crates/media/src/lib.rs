//! What a frame is: time types, frames, tracks, codec configuration and bitstream readers.
//!
//! | module | source |
//! |---|---|
//! | [`h264`] | ITU-T H.264 (08/2021) sections 7.3 and 7.4; ISO/IEC 14496-15 section 5.3.3.1 |
//! | [`h265`] | ITU-T H.265 (08/2021) sections 7.3 and 7.4; ISO/IEC 14496-15 section 8.3.3.1 |
//! | [`sei`] | ITU-T H.264 sections 7.3.2.3.1 and D.1.6; ITU-T H.265 sections 7.3.5 and D.2.6 |
//! | [`vp8`] | RFC 6386 section 9.1 |
//! | [`vp9`] | VP9 Bitstream & Decoding Process Specification section 6.2, annex B |
//! | [`av1`] | AV1 Bitstream & Decoding Process Specification section 5 |
//! | [`aac`] | ISO/IEC 14496-3 section 1.6.2.1 |
//! | [`opus`] | RFC 6716 section 3; RFC 7845 section 5.1 |
//!
//! Knows nothing of transports, containers, sockets or clocks.

pub mod aac;
pub mod av1;
mod bits;
mod error;
mod frame;
mod grid;
pub mod h264;
pub mod h265;
mod nal;
pub mod opus;
mod record;
pub mod sei;
pub mod time;
mod track;
mod video;
pub mod vp8;
pub mod vp9;

pub use av1::Av1Config;
pub use error::Error;
pub use frame::{Frame, TrackKind};
pub use grid::FrameGrid;
pub use time::{MediaTime, Pts, Timescale, UnixMillis, UtcAnchor};
pub use track::{AacConfig, AudioConfig, FrameRate, H264Config, H265Config};
pub use video::{Colour, VideoCodec, VideoConfig};
pub use vp8::Vp8Config;
pub use vp9::Vp9Config;
