//! A child's standard input and standard error.

use std::{convert::Infallible, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    sync::mpsc,
    time::Instant,
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

/// The child's standard error, a bounded line at a time, and so many at most: whoever has taken it over could fill the disk.
pub(super) async fn log_lines(stderr: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(stderr);
    let mut allowance = Allowance::new(Instant::now());
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) if allowance.takes(Instant::now()) => {
                log_line(String::from_utf8_lossy(&line).trim_end());
            }
            Ok(_) => {}
        }
    }
}

/// The child says how much a line matters; a library inside it that does not is worth a look.
pub(super) fn log_line(line: &str) {
    match line.split_once(": ") {
        Some(("info", line)) => info!("{line}"),
        Some(("error", line)) => error!("{line}"),
        Some(("warning", line)) => warn!("{line}"),
        Some(_) | None => warn!("{line}"),
    }
}

/// How much of what a child says is logged.
#[derive(Debug)]
struct Allowance {
    since: Instant,
    lines: u32,
}

impl Allowance {
    const fn new(now: Instant) -> Self {
        Self {
            since: now,
            lines: 0,
        }
    }

    /// Whether one more line is logged. What was not is told when lines are again.
    fn takes(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= ALLOWANCE_TIME {
            let left_out = self.lines.saturating_sub(LINES_MAX);
            if left_out > 0 {
                warn!(left_out, "the transcoder said more than is logged");
            }
            *self = Self::new(now);
        }
        self.lines = self.lines.saturating_add(1);
        self.lines <= LINES_MAX
    }
}

const LINE_BYTES_MAX: u64 = 2048;
/// GStreamer says a few where a stream begins or fails, and FFmpeg one for each broken frame.
const LINES_MAX: u32 = 200;
const ALLOWANCE_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_child_that_does_not_stop_talking_is_heard_again_later() {
        let began = Instant::now();
        let mut allowance = Allowance::new(began);
        let heard = (0..1000).filter(|_| allowance.takes(began)).count();
        assert_eq!(heard, 200);
        assert!(!allowance.takes(began + ALLOWANCE_TIME / 2));
        assert!(allowance.takes(began + ALLOWANCE_TIME));
    }
}
