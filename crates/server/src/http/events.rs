//! The side channel as Server-Sent Events: a snapshot, then cues and a heartbeat each second.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use cues::channel;
use engine::StreamName;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    watch,
};
use utoipa::IntoParams;

use super::{
    Shared, State,
    extract::{Params, Stream},
    problem::{Kind, Problem, ProblemBody},
};
use crate::{
    io::{command::ShardHandle, delivery::Following, side::SideMessage},
    telemetry::Meters,
};

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct After {
    /// The number of the last cue that is known already; the `Last-Event-ID` header says the same on a reconnect.
    after: Option<u64>,
}

/// Follows a stream's cues.
///
/// Events are named `snapshot`, `cues` and `heartbeat`; their data is the side channel's message. The first is a
/// snapshot. A follower that falls behind gets a new snapshot in place of what it missed. The stream's end ends the
/// response.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/events", tag = "cues",
    params(
        ("stream" = String, Path, description = "The stream's name"),
        After,
        ("Last-Event-ID" = Option<u64>, Header, description = "As `after`"),
    ),
    responses(
        (status = 200, description = "Events until the stream ends", body = String, content_type = "text/event-stream"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "Invalid query"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No such stream"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "Too many followers"),
    ),
)]
pub(crate) async fn follow(
    state: Shared,
    Stream(stream): Stream,
    Params(After { after }): Params<After>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok());
    let after = after.or_else(|| last?.parse().ok());
    let follower = Follower::start(&state, stream, after).await?;
    let events = stream::unfold(follower, |mut follower| async move {
        follower
            .next()
            .await
            .map(|event| (Ok::<_, Infallible>(event), follower))
    });
    // nginx would otherwise hold events back until its buffer is full.
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok((
        [unbuffered],
        Sse::new(events).keep_alive(KeepAlive::default()),
    )
        .into_response())
}

/// One open response.
struct Follower {
    stream: StreamName,
    shard: ShardHandle,
    messages: Receiver<Arc<SideMessage>>,
    draining: watch::Receiver<bool>,
    meters: Arc<Meters>,
    /// `None` until there is a stream to follow.
    following: Option<Following>,
    /// What the session's player reports under.
    session: String,
    /// The cues of the event that the connection was given last.
    given: Arc<[u64]>,
    /// What is sent before the next message.
    first: VecDeque<Arc<SideMessage>>,
}

impl Follower {
    /// Subscribes first and asks for the snapshot then: what happens in between comes twice rather than never, and
    /// players know a cue by its number.
    async fn start(state: &State, stream: StreamName, after: Option<u64>) -> Result<Self, Problem> {
        let messages = state.side.follow(&stream, state.event_followers_max).map_err(|_| {
            let detail = format!(
                "stream `{stream}` has {} followers, as many as it may; try again, or ask for GET …/cues?after=",
                state.event_followers_max
            );
            Problem::new(Kind::Full, detail).retry_after(RETRY_AFTER_S)
        })?;
        let number = state.side.deliveries.next_session();
        let session = state.sessions.name(&endpoint(&stream), number);
        let mut follower = Self {
            stream,
            shard: state.shard.clone(),
            messages,
            draining: state.draining.clone(),
            meters: Arc::clone(&state.meters),
            following: None,
            session,
            given: [].into(),
            first: VecDeque::new(),
        };
        if follower.snapshot().await? {
            follower.following = Some(state.side.deliveries.join(&follower.stream, number));
            follower.catch_up(after).await?;
            return Ok(follower);
        }
        let stream = follower.stream.clone();
        drop(follower);
        state.side.forget_unfollowed(&stream);
        Err(Problem::no_such_stream(stream.as_str()))
    }

    /// Queues a snapshot; `false` when the stream is not there.
    async fn snapshot(&mut self) -> Result<bool, Problem> {
        let snapshot = self.shard.snapshot(self.stream.clone()).await?;
        let Some(mut told) = snapshot else {
            return Ok(false);
        };
        if let Some(first) = told.first_mut() {
            first.text = channel::with_session(&first.text, &self.session).into();
        }
        self.queue(told);
        Ok(true)
    }

    /// Queues the cues after a number: older ones than the snapshot's may be asked for.
    async fn catch_up(&mut self, after: Option<u64>) -> Result<(), Problem> {
        let Some(after) = after else { return Ok(()) };
        let missed = self
            .shard
            .cues_after(self.stream.clone(), after)
            .await?
            .unwrap_or_default();
        let missed: Vec<_> = missed.into_iter().map(|logged| logged.cue).collect();
        if !missed.is_empty() {
            self.queue(channel::cues(&missed));
        }
        Ok(())
    }

    fn queue(&mut self, told: Vec<channel::Told>) {
        let message = |told: channel::Told| Arc::new(SideMessage::new(told.text, told.seqs));
        self.first.extend(told.into_iter().map(message));
    }

    /// The next event; `None` when the stream or the server ends.
    async fn next(&mut self) -> Option<Event> {
        // The connection asks for more when it has taken what it was given.
        let taken = std::mem::replace(&mut self.given, [].into());
        let sent = self.following.as_ref().map_or(0, |it| it.sent(&taken));
        self.meters.hls_cues.sent.increment(sent);
        let message = self.next_message().await?;
        self.given = Arc::clone(&message.cues);
        Some(event(&message))
    }

    async fn next_message(&mut self) -> Option<Arc<SideMessage>> {
        loop {
            if let Some(message) = self.first.pop_front() {
                return Some(message);
            }
            let message = tokio::select! {
                message = self.messages.recv() => message,
                _ = self.draining.wait_for(|draining| *draining) => return None,
            };
            match message {
                Ok(message) => return Some(message),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => {
                    self.meters.side_lagged.increment(1);
                    if !self.snapshot().await.unwrap_or(false) {
                        return None;
                    }
                }
            }
        }
    }
}

fn event(message: &SideMessage) -> Event {
    let event = Event::default().event(&message.kind).data(&*message.text);
    match message.last_seq {
        // What a browser sends back as Last-Event-ID.
        Some(seq) => event.id(seq.to_string()),
        None => event,
    }
}

/// Where sessions are made, which is part of their names.
pub(super) fn endpoint(stream: &StreamName) -> String {
    format!("/v1/streams/{stream}/events")
}

const RETRY_AFTER_S: u64 = 5;
