//! A publisher's RTP packets back into frames: in order, on one timeline, whole.
//!
//! | module | source |
//! |---|---|
//! | `reorder` | RFC 3550 appendix A.1: order, loss, a sender that began anew |
//! | `timestamp` | RFC 3550 section 5.1: 32 bits that wrap |
//! | `payload`, `depacketise` | RFC 6184 sections 5.6, 5.7.1 and 5.8: packetization-mode 0 and 1 |
//! | `sets` | H.264 section 7.4.1.2.1: which parameter sets an IDR picture activates |
//! | `look` | what one payload says of its frame before the frame is whole |
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

mod depacketise;
mod fault;
mod look;
mod payload;
mod reorder;
mod sets;
mod timestamp;
mod unit;

pub(crate) use depacketise::{Depacketiser, Output, Packet};
pub(crate) use fault::Fault;
pub(crate) use look::{Look, look};
pub(crate) use reorder::{Popped, Reorder};
pub(crate) use timestamp::Timestamp;
