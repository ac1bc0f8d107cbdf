//! The composite: streams, clock, GOP cache, fan-out and cue scheduling as one plain value told the time.
//!
//! A [`Shard`] is driven like every machine here: feed [`Shard::handle_input`], [`Shard::handle_timeout`] at the instant
//! [`Shard::poll_timeout`] names, and drain [`Shard::poll_output`] after each. What the HTTP surface asks is a method
//! that answers at once; its effects come out of `poll_output` like all others.

mod api;
mod budget;
mod clock;
mod config;
mod error;
mod ingest;
mod meter;
mod places;
mod saved;
mod shard;
mod stream;

pub use api::{
    AudioStatus, ChildEvent, ChildId, ChildKind, ConnId, CueAccepted, CueStep, CuesForged,
    EncoderCue, Input, Output, PublishRefused, PublishRequest, RepairState, RepairStatus,
    StreamEvent, StreamName, StreamState, StreamStatus, Thumbnail, ThumbnailStep, Verdict,
    VideoStatus, ViewerStatus,
};
pub use config::Config;
pub use error::{CueError, OfferError, PublishError, RemoveError, ThumbnailError};
pub use saved::{Keep, SavedStream, Show};
pub use shard::{Reason, Shard, WebRtcAnswer};
pub use stream::judge::texts::CODES as VERDICT_CODES;
