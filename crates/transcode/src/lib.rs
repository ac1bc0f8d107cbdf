//! The contract with the transcoding child process: its messages and the supervisor of its life.
//!
//! | module | source |
//! |---|---|
//! | [`Decoder`], [`Message`] | `docs/spec/transcoder-protocol.md` |
//! | [`Supervisor`] | `docs/adr/0003-gstreamer-in-a-child.md` |
//!
//! The driver owns the process and its pipes, the [`Supervisor`] says what to do with them:
//!
//! ```text
//! supervisor.handle_input(now, Input::Want(start))
//! loop {
//!     while let Some(output) = supervisor.poll_output() {
//!         Spawn => start the process, then Input::Spawned (or Input::Exited when it cannot start)
//!         Send(message) => message.encode, write to its stdin
//!         Packet { .. } => an Opus or an AAC packet for the viewers, whichever was wanted
//!         Configuration(..), Picture(..) => video for the viewers
//!         Jpeg(..) => a still picture for whoever asked
//!         Kill(..) => SIGKILL, then Input::Exited when it is gone
//!     }
//!     wait for bytes of its stdout (Decoder<FromChild> -> Input::Message), its exit, or poll_timeout
//! }
//! ```
//!
//! Knows nothing of GStreamer, of processes and of pipes; the `transcoder` crate is the other end.

mod codec;
mod error;
mod message;
mod picture;
mod start;
mod supervisor;

pub use codec::{Decoder, MESSAGE_BYTES_MAX, Message};
pub use error::Error;
pub use message::{
    CONFIGURATION_BYTES_MAX, FRAME_BYTES_MAX, FromChild, PACKET_BYTES_MAX, REASON_BYTES_MAX,
    ToChild,
};
pub use picture::{JPEG_BYTES_MAX, Jpeg, PICTURE_BYTES_MAX, Picture, SourcePicture};
pub use start::{
    AacToOpus, OpusChannels, OpusToAac, PROTOCOL_VERSION, Start, VideoSource, VideoToH264,
    VideoToJpeg,
};
pub use supervisor::{Cause, Config, Counters, Event, Input, Output, Reason, Status, Supervisor};
