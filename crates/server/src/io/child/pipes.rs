//! A child's standard input and standard error.

use std::convert::Infallible;

use bytes::BytesMut;
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    sync::mpsc,
};
use tracing::{debug, error, info, warn};
use transcode::{Message as _, ToChild};

/// Writes what is queued. Never returns: what ends a child is the end of its output, or a kill.
pub(super) async fn write(
    mut stdin: impl AsyncWrite + Unpin,
    mut pending: mpsc::Receiver<ToChild>,
) -> Infallible {
    let mut bytes = BytesMut::new();
    while let Some(message) = pending.recv().await {
        bytes.clear();
        if let Err(error) = message.encode(&mut bytes) {
            debug!(%error, "a message the protocol does not allow is not sent");
            continue;
        }
        let written = async {
            stdin.write_all(&bytes).await?;
            stdin.flush().await
        };
        if let Err(error) = written.await {
            debug!(%error, "the child no longer reads");
            break;
        }
    }
    drop(stdin);
    std::future::pending().await
}

/// The child's standard error, a bounded line at a time.
pub(super) async fn log_lines(stderr: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => log_line(String::from_utf8_lossy(&line).trim_end()),
        }
    }
}

/// The child says how much a line matters; a library inside it that does not is worth a look.
fn log_line(line: &str) {
    match line.split_once(": ") {
        Some(("info", line)) => info!("{line}"),
        Some(("error", line)) => error!("{line}"),
        Some(("warning", line)) => warn!("{line}"),
        Some(_) | None => warn!("{line}"),
    }
}

const LINE_BYTES_MAX: u64 = 2048;
