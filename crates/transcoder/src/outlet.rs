//! Standard output, shared by the threads that have something to say.

use std::io::{self, Write};

use bytes::BytesMut;
use transcode::{FromChild, Message};

use crate::error::Error;

/// Writes one whole message at once; waits while the server does not read.
pub(crate) fn send(message: &FromChild) -> Result<(), Error> {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes)?;
    let mut out = io::stdout().lock();
    // The standard library's own buffer goes by lines, which these are not.
    out.write_all(&bytes)
        .and_then(|()| out.flush())
        .map_err(Error::Write)
}
