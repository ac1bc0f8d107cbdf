//! RTMP publisher session: bytes in, frames and replies out.
//!
//! | module | source |
//! |---|---|
//! | `handshake`, `chunk`, `control`, `command` | Adobe RTMP 1.0 sections 5.2, 5.3, 5.4 and 7.2 |
//! | `amf0` | Adobe AMF0 specification, section 2 |
//! | `flv` | Adobe Video File Format 10.1 annex E.4; Enhanced RTMP v2 (2026-01-31-r2) |
//!
//! [`Session`] is a machine without I/O. Whoever owns the TCP connection drives it:
//!
//! ```text
//! loop {
//!     while let Some(output) = session.poll_output() { send, pass on the event, or close }
//!     wait for bytes until session.poll_timeout()
//!     session.handle_input(now, Input::Data(bytes))?  or  session.handle_timeout(now)
//! }
//! ```
//!
//! After [`Event::Publish`] it waits for [`Input::Accept`] or [`Input::Reject`]. It takes H.264,
//! H.265, AV1 and VP9, AAC and Opus, and refuses other codecs by name. Of several tracks of a kind it
//! takes the first.
//!
//! It does not do TLS, does not judge who may publish, plays nothing, and leaves the time line to
//! its caller: stamps come out as milliseconds, unwrapped and otherwise as sent.

mod amf0;
mod chunk;
mod clock;
mod command;
mod config;
mod control;
mod error;
mod event;
mod flv;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod message;
mod name;
mod reply;
mod session;

pub use config::Config;
pub use error::{Error, Fault};
pub use event::{EncoderCue, EncoderMessage, Event, Input, Metadata, Output, RejectReason};
pub use flv::video::COMPOSITION_MS_MAX;
pub use session::{Reason, Session};
