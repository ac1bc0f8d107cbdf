//! Messages cut into chunks (RTMP 1.0 section 5.3).

mod header;
mod portions;
mod reader;
mod writer;

pub(crate) use reader::{Limits, Reader};
pub(crate) use writer::{CSID_COMMAND, CSID_STREAM, Writer};
