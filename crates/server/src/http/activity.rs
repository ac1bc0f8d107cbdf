//! How many requests a connection has open, so that one on which nothing happens can be closed.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::{sync::watch, time::timeout};

/// The requests of one connection.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<watch::Sender<Count>>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    /// Since the connection was made.
    begun: u64,
    /// Whose answers are not through yet.
    open: usize,
}

/// One open request; dropping it ends it.
#[derive(Debug)]
pub(super) struct Open(Activity);

/// A body whose request is open as long as it is.
#[derive(Debug)]
pub(super) struct Guarded {
    body: Body,
    _open: Open,
}

/// Why a connection is not waited for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quiet {
    /// Nothing was ever asked.
    Never,
    /// Nothing is asked any more.
    Idle,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Count::default())))
    }

    /// A request begins.
    pub(super) fn begin(&self) -> Open {
        self.0.send_modify(|count| {
            count.begun += 1;
            count.open += 1;
        });
        Open(self.clone())
    }

    /// Resolves when no request began for `first` from now, or later none was open for `idle`.
    pub(super) async fn stopped(&self, first: Duration, idle: Duration) -> Quiet {
        let mut counts = self.0.subscribe();
        let begun = counts.wait_for(|count| count.begun > 0);
        if timeout(first, begun).await.is_err() {
            return Quiet::Never;
        }
        loop {
            // The sender is `self`, which lives as long as this.
            let _ = counts.wait_for(|count| count.open == 0).await;
            let seen = *counts.borrow_and_update();
            let changed = counts.wait_for(|count| *count != seen);
            if timeout(idle, changed).await.is_err() {
                return Quiet::Idle;
            }
        }
    }
}

impl Guarded {
    pub(super) fn new(body: Body, open: Open) -> Self {
        Self { body, _open: open }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.open -= 1);
    }
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

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
