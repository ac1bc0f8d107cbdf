//! A publisher's RTP packets back into frames: in order and on one timeline.
//!
//! | module | source |
//! |---|---|
//! | `reorder` | RFC 3550 appendix A.1: order, loss, a sender that began anew |
//! | `timestamp` | RFC 3550 section 5.1: 32 bits that wrap |
//!
//! Each is a plain value that is told the time.

mod reorder;
mod timestamp;
