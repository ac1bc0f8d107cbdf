//! Low-latency HLS out of frames: a CMAF packager, the playlists, and what an origin has to
//! remember.
//!
//! | element | source |
//! |---|---|
//! | playlists, delivery directives | draft-pantos-hls-rfc8216bis-22, sections 4.4 and 6.2 |
//! | boxes | ISO/IEC 14496-12, ISO/IEC 14496-15, ISO/IEC 23000-19 (CMAF); the VP and AV1 codecs' ISO Media File Format bindings |
//! | `emsg` with ID3 | AOM "Carriage of ID3 Timed Metadata in CMAF" 1.0.0 |
//! | codec strings | RFC 6381 |
//!
//! ```text
//!   start_epoch, frame, cue, end          playlist, object, multivariant
//!        |                                      |
//!    [Packager] --- poll_output: Publication -> [Origin] --> Ready | Wait | ...
//! ```
//!
//! The run loop: after each input drain [`Packager::poll_output`] into [`Origin::apply`], then wake
//! every request that was answered with `Wait` and ask again; after [`Origin::block_timeout`]
//! answer it with 503.
//!
//! Knows nothing of HTTP, sockets, disks or clocks. Time is media time; UTC comes from each epoch's
//! anchor.

mod cmaf;
mod config;
mod error;
mod names;
mod origin;
mod packager;
mod publication;

pub use cmaf::carries;
pub use config::Config;
pub use error::{Error, FRAME_BYTES_MAX, QUERY_BYTES_MAX};
pub use origin::{
    BadDirective, Body, CacheControl, Directives, Object, ObjectAnswer, Origin, PLAYLIST_TYPE,
    Playlist, PlaylistAnswer, Skip, Stats,
};
pub use packager::{Continuity, Epoch, Packager};
pub use publication::{
    DateRange, Init, MediaSpan, Msn, Part, Picture, Publication, Rendition, Segment, SegmentHead,
    Targets, Verdict,
};
