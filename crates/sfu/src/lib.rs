//! WebRTC subscribers: WHEP's SDP rules, one packetised rendition for every viewer, fast start and
//! repair.
//!
//! | module | source |
//! |---|---|
//! | `h264`, `rendition` | RFC 6184 packetization-mode 1, RFC 7587 (Opus); VP8, VP9 and AV1 by packet, as published |
//! | `sdp` | draft-ietf-wish-whep-04; RFC 8829, 8843, 8839, 8842 (JSEP, BUNDLE, ICE, DTLS) |
//! | `routes`, `paths` | RFC 8445 section 2.5 (ICE lite), RFC 8489 (STUN), RFC 7675 (consent), RFC 6544 (TCP) |
//! | `framing` | RFC 4571: datagrams in a TCP connection |
//! | `fanout` | docs/adr/0002: shared payloads behind a header per viewer; str0m seals |
//! | `cache`, `catch_up` | what a late viewer is sent first, how fast and in which order |
//! | `dejitter` | sound leaves evenly, however it came |
//! | `ingest` | RFC 6184, 7741, 9628, AV1's payload format, RFC 3550 appendix A.1: a publisher's packets back into pictures |
//! | `texts` | RFC 9260 section 3.3.4: which texts the viewer's SCTP has acknowledged |
//! | `capture` | RFC 3550 section 6.4.1: both sender reports of a session name one clock |
//!
//! The origin's shard owns one [`Rendition`] per track and turns each frame into
//! [`RenditionPacket`]s, once. Each shard owns one [`Sfu`], which keeps the packets since the last
//! IDR and sends them to its viewers:
//!
//! ```text
//! let packets = rendition.push(&frame)?;
//! sfu.forward(now, stream, frame.track, packets);
//! while let Some(output) = sfu.poll_output() { /* send it, before the next input */ }
//! let next = sfu.poll_timeout(); // and then handle_timeout(now)
//! ```
//!
//! It knows nothing of sockets, HTTP, JSON or what a cue is: texts go through the data channel as
//! they come. It paces only what is old, and measures no bandwidth: a viewer is sent the one
//! rendition there is.

mod accept;
mod cache;
mod capture;
mod catch_up;
mod config;
mod datagram;
mod dejitter;
mod error;
mod fanout;
mod framing;
#[doc(hidden)]
pub mod fuzz;
mod h264;
mod ingest;
mod narrow;
mod packet;
mod paths;
mod profile;
mod publisher;
mod refusal;
mod rendition;
mod routes;
mod rtp_codec;
mod sdp;
mod session;
mod sfu;
mod stand_in;
mod stats;
mod stream;
mod texts;
mod timers;
mod track;
mod transport;
mod types;

pub use config::Config;
pub use error::Error;
pub use framing::{Deframer, FrameError, frame_head};
pub use packet::RenditionPacket;
pub use refusal::Refusal;
pub use rendition::Rendition;
pub use rtp_codec::RtpCodec;
pub use sfu::Sfu;
pub use stats::{Counters, SessionStats, SrtpProfile};
pub use types::{
    AccessUnit, Answer, ClosedReason, Event, FiveTuple, Ingest, Input, MediaDescription,
    NotRepaired, Offer, Output, Patched, Precondition, Protocol, PublishAnswer, PublishOffer,
    Reason, SessionId, StreamId, TextMark, VideoDescription, VideoPacket, Withheld,
};
