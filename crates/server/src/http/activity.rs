//! The requests a connection has open: so that one on which nothing happens can be closed, and one whose client does not
//! take its answers.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

/// The requests of one connection.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<watch::Sender<Requests>>);

#[derive(Debug, Default)]
struct Requests {
    /// Since the connection was made.
    begun: u64,
    /// Those whose answers are not through yet, by number.
    open: BTreeMap<u64, Progress>,
}

/// How an answer comes through.
#[derive(Debug, Default)]
struct Progress {
    /// Slices of the body that are on their way through hyper and h2.
    held: usize,
    /// The body waits for its client from here on; `None` while it is the client that waits.
    waits: Option<Instant>,
    /// Something is to be had of the body, if only it is asked for.
    ready: bool,
}

/// One open request; dropping it ends it.
#[derive(Debug)]
pub(super) struct Open {
    activity: Activity,
    number: u64,
}

/// A body whose request is open as long as it is, or anything that came out of it.
#[derive(Debug)]
pub(super) struct Guarded {
    body: Body,
    /// What is left of the last frame.
    rest: Bytes,
    open: Arc<Open>,
}

/// A part of a body, which has made its way when it is dropped: hyper and h2 keep it until they have written it.
struct Slice {
    bytes: Bytes,
    open: Arc<Open>,
}

/// Why a connection is not waited for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quiet {
    /// Nothing was ever asked.
    Never,
    /// Nothing is asked any more.
    Idle,
    /// Something is asked, and the answer not taken.
    Unread,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Requests::default())))
    }

    /// A request begins.
    pub(super) fn begin(&self) -> Open {
        let mut number = 0;
        self.0.send_modify(|requests| {
            number = requests.begun;
            requests.begun += 1;
            requests.open.insert(number, Progress::default());
        });
        Open {
            activity: self.clone(),
            number,
        }
    }

    /// Resolves when no request began for `first` from now, or later none was open for `idle`.
    pub(super) async fn stopped(&self, first: Duration, idle: Duration) -> Quiet {
        let mut requests = self.0.subscribe();
        let begun = requests.wait_for(|requests| requests.begun > 0);
        if timeout(first, begun).await.is_err() {
            return Quiet::Never;
        }
        loop {
            // The sender is `self`, which lives as long as this.
            let none_open = requests.wait_for(|requests| requests.open.is_empty()).await;
            let seen = none_open.map_or(0, |requests| requests.begun);
            let changed = requests.wait_for(|requests| requests.begun != seen);
            if timeout(idle, changed).await.is_err() {
                return Quiet::Idle;
            }
        }
    }

    /// Resolves when [`SLICE_BYTES_MAX`] of an answer, or what is left of it, were not taken for `patience`.
    pub(super) async fn unread(&self, patience: Duration) -> Quiet {
        let mut requests = self.0.subscribe();
        loop {
            let waits = requests.wait_for(|requests| requests.longest().is_some());
            let Some(since) = waits.await.ok().and_then(|requests| requests.longest()) else {
                continue;
            };
            // Who begins to wait meanwhile has longer.
            let due = since + patience;
            if due <= Instant::now() {
                return Quiet::Unread;
            }
            sleep_until(due).await;
        }
    }
}

impl Requests {
    /// Since when the body waits that has waited longest.
    fn longest(&self) -> Option<Instant> {
        self.open
            .values()
            .filter_map(|progress| progress.waits)
            .min()
    }
}

impl Open {
    /// Notes what became of the answer.
    fn note(&self, change: impl FnOnce(&mut Progress)) {
        self.activity.0.send_if_modified(|requests| {
            let Some(progress) = requests.open.get_mut(&self.number) else {
                return false;
            };
            let waited = progress.waits.is_some();
            change(progress);
            // Whoever looks on knows of the others, and looks again when their time is over.
            !waited && progress.waits.is_some()
        });
    }
}

impl Progress {
    /// Something was asked for, or taken.
    fn moved(&mut self) {
        self.waits = (self.ready || self.held > 0).then(Instant::now);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.activity.0.send_modify(|requests| {
            requests.open.remove(&self.number);
        });
    }
}

impl Guarded {
    pub(super) fn new(body: Body, open: Open) -> Self {
        open.note(|progress| {
            progress.ready = true;
            progress.moved();
        });
        Self {
            body,
            rest: Bytes::new(),
            open: Arc::new(open),
        }
    }

    /// The next slice of what is left.
    fn slice(&mut self) -> Bytes {
        self.open.note(|progress| {
            progress.held += 1;
            progress.ready = true;
            progress.moved();
        });
        let bytes = self.rest.split_to(self.rest.len().min(SLICE_BYTES_MAX));
        let open = Arc::clone(&self.open);
        Bytes::from_owner(Slice { bytes, open })
    }
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let polled = Pin::new(&mut self.body).poll_frame(context);
            if polled.is_pending() {
                // Asking again is no progress of what was given before.
                self.open.note(|progress| {
                    progress.ready = false;
                    progress.waits = progress.waits.filter(|_| progress.held > 0);
                });
            }
            match ready!(polled) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.slice()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Slice {
    fn drop(&mut self) {
        self.open.note(|progress| {
            progress.held -= 1;
            progress.moved();
        });
    }
}

/// What hyper and h2 are given at once. Small, because its last byte says that it went; a frame of HTTP/2 is as large.
const SLICE_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::*;

    const FIRST: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(60);

    /// Why, and how many seconds after now, the connection would be closed.
    async fn closed_after(activity: &Activity) -> (Quiet, u64) {
        let began = Instant::now();
        let quiet = activity.stopped(FIRST, IDLE).await;
        (quiet, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_asked_is_waited_for_less_long_than_nothing_asked_again() {
        let activity = Activity::new();
        assert_eq!(closed_after(&activity).await, (Quiet::Never, 10));
        let stopped = tokio::spawn({
            let activity = activity.clone();
            async move { closed_after(&activity).await }
        });
        tokio::task::yield_now().await;
        advance(Duration::from_secs(4)).await;
        drop(activity.begin());
        assert_eq!(stopped.await.unwrap(), (Quiet::Idle, 64));
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_request_holds_its_connection_for_as_long_as_its_body() {
        let activity = Activity::new();
        let body = Guarded::new(Body::from("part"), activity.begin());
        assert_eq!(body.size_hint().exact(), Some(4));
        let stopped = tokio::spawn({
            let activity = activity.clone();
            async move { closed_after(&activity).await }
        });
        tokio::task::yield_now().await;
        advance(IDLE * 10).await;
        assert!(!stopped.is_finished());
        drop(body);
        assert_eq!(stopped.await.unwrap(), (Quiet::Idle, 660));
    }
}
