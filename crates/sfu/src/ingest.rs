//! A publisher's RTP packets back into frames: in order, on one timeline, whole.
//!
//! | module | source |
//! |---|---|
//! | `reorder` | RFC 3550 appendix A.1: order, loss, a sender that began anew |
//! | `timestamp` | RFC 3550 section 5.1: 32 bits that wrap |
//! | `depacketise` | packets of one timestamp are one picture, whole or not given |
//! | `assemble` | what of that depends on the codec |
//! | `h264` | RFC 6184 sections 5.6, 5.7.1 and 5.8, H.264 section 7.4.1.2.1 |
//! | `vp8` | RFC 7741 |
//! | `vp9` | RFC 9628 |
//! | `av1` | RTP Payload Format for AV1, v1.0.0 |
//! | `look` | what one payload says of its picture before that is whole |
//!
//! Each is a plain value that is told the time. One track goes through them like this:
//!
//! ```text
//! reorder.push(now, seq, packet);
//! while let Some(popped) = reorder.pop(now) {
//!     // A gap or a restart before a packet is told with that packet.
//!     depacketiser.push(Packet { rtp_time: timestamp.extend(..), after_gap, .. });
//!     while let Some(output) = depacketiser.poll_output() { .. }
//! }
//! let next = reorder.deadline(); // and then pop again
//! ```

mod assemble;
mod av1;
mod depacketise;
mod fault;
mod h264;
mod look;
mod reorder;
mod timestamp;
mod vp8;
mod vp9;

pub(crate) use depacketise::{Depacketiser, Output, Packet};
pub(crate) use fault::Fault;
pub(crate) use h264::{Scrubber, brings_sets};
pub(crate) use look::Look;
pub(crate) use reorder::{Popped, Reorder};
pub(crate) use timestamp::Timestamp;
