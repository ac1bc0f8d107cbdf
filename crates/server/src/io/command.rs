//! What the rest of the server asks of a shard's thread.

use std::{
    fmt,
    time::{Duration, Instant},
};

use access::Grant;
use bytes::Bytes;
use cues::{ActiveCard, Armed, CueRequest, LoggedCue, Receipt, channel::Told, delivery::Tally};
use engine::{
    ChildEvent, ChildId, ConnId, CueError, OfferError, PublishError, PublishRefused, RemoveError,
    Shard, StreamName, StreamStatus, Thumbnail, ThumbnailError, ViewerStatus, WebRtcAnswer,
};
use media::Pts;
use sfu::{FiveTuple, Patched, Precondition};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::{
    doorman::Permit,
    rtmp::Writer,
    shows::{Answer, Unkept},
    tcp,
    thumbnails::Reply,
};

/// One thing for the shard's thread to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// An RTMP client connected; what it is sent goes to `writer`.
    RtmpOpened { conn: ConnId, writer: Writer },
    /// Bytes from an RTMP client, and when they were read.
    RtmpData {
        conn: ConnId,
        data: Bytes,
        read_at: Instant,
    },
    /// The RTMP client is gone.
    RtmpClosed { conn: ConnId },
    /// Whether an RTMP client may publish, and by what right.
    PublishDecided {
        conn: ConnId,
        decision: Result<Permit, PublishRefused>,
    },
    /// News of a transcoding child.
    Child { child: ChildId, event: ChildEvent },
    /// The children decode AV1, too.
    Av1Decoded,
    /// A WebRTC publisher's offer, and by what right it is made.
    Publish {
        stream: StreamName,
        sdp: String,
        grant: Grant,
        reply: oneshot::Sender<Result<WebRtcAnswer, PublishError>>,
    },
    /// A TCP connection for WebRTC datagrams; what it is sent goes to `writer`.
    TcpOpened {
        tuple: FiveTuple,
        writer: tcp::Writer,
    },
    /// A datagram out of such a connection.
    TcpDatagram { tuple: FiveTuple, contents: Bytes },
    /// Such a connection is gone.
    TcpClosed { tuple: FiveTuple },
    /// Send the publisher away if it publishes with this stream key; whether it did.
    RemoveHolder {
        stream: StreamName,
        key: String,
        reply: oneshot::Sender<bool>,
    },
    /// Somebody wants to see what a stream shows.
    Thumbnail { stream: StreamName, reply: Reply },
    /// Something that is asked of the engine alone.
    Ask(Question),
    /// A change of cues, which is to outlive the process.
    Change(Change),
    /// End the thread.
    Stop,
}

/// A question with the way back of its answer.
pub(crate) struct Question(Put);

type Put = Box<dyn FnOnce(&mut Shard, Instant) + Send>;

impl Question {
    /// Asks, and answers whoever waits.
    pub(crate) fn put(self, shard: &mut Shard, now: Instant) {
        (self.0)(shard, now);
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").finish_non_exhaustive()
    }
}

/// A question whose answer waits until what it changed is on the disk.
pub(crate) struct Change(Try);

type Try = Box<dyn FnOnce(&mut Shard, Instant, Result<(), Unkept>) -> Option<Answer> + Send>;

impl Change {
    /// Asks, if what changes can be kept. What comes back is to be given once it is.
    pub(crate) fn put(
        self,
        shard: &mut Shard,
        now: Instant,
        ready: Result<(), Unkept>,
    ) -> Option<Answer> {
        (self.0)(shard, now, ready)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").finish_non_exhaustive()
    }
}

/// Why a change of cues is not answered as its caller hopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Unkept(#[from] Unkept),
}

/// A shard's thread does not answer: it is overloaded or ending. A later try may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media thread does not answer; try again in a moment")]
pub(crate) struct Unavailable;

/// The way to a shard's thread. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ShardHandle {
    commands: mpsc::Sender<Command>,
}

impl ShardHandle {
    /// A handle and the end of it that the thread keeps.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, queue) = mpsc::channel(COMMANDS_MAX);
        (Self { commands }, queue)
    }

    /// Resolves when the thread is gone: it was told to stop, or it panicked.
    pub(crate) async fn gone(&self) {
        self.commands.closed().await;
    }

    /// Hands over a command that has no answer, waiting for room.
    pub(crate) async fn send(&self, command: Command) -> Result<(), Unavailable> {
        self.commands.send(command).await.map_err(|_| Unavailable)
    }

    /// Hands over a viewer's offer.
    pub(crate) async fn offer(
        &self,
        stream: StreamName,
        sdp: String,
    ) -> Result<Result<WebRtcAnswer, OfferError>, Unavailable> {
        self.ask(move |shard, now| shard.offer(now, &stream, &sdp))
            .await
    }

    /// Hands over a publisher's offer.
    pub(crate) async fn publish(
        &self,
        stream: StreamName,
        sdp: String,
        grant: Grant,
    ) -> Result<Result<WebRtcAnswer, PublishError>, Unavailable> {
        self.answered(|reply| Command::Publish {
            stream,
            sdp,
            grant,
            reply,
        })
        .await
    }

    /// Hands over a peer's fragment.
    pub(crate) async fn patch(
        &self,
        session: u64,
        precondition: Precondition,
        fragment: String,
    ) -> Result<Result<Patched, sfu::Refusal>, Unavailable> {
        self.ask(move |shard, _| shard.patch(session, precondition, &fragment))
            .await
    }

    /// Ends a session; `false` when there is none of that number.
    pub(crate) async fn leave(&self, session: u64) -> Result<bool, Unavailable> {
        self.ask(move |shard, now| shard.leave(now, session)).await
    }

    /// Inserts a cue.
    pub(crate) async fn insert_cue(
        &self,
        stream: StreamName,
        request: CueRequest,
    ) -> Result<Result<Receipt, CueError>, ChangeError> {
        self.change(move |shard, now| shard.insert_cue(now, &stream, request))
            .await
    }

    /// Prepares cues under a name.
    pub(crate) async fn arm(
        &self,
        stream: StreamName,
        name: String,
        requests: Vec<CueRequest>,
    ) -> Result<Result<(), CueError>, ChangeError> {
        self.change(move |shard, _| shard.arm(&stream, &name, requests))
            .await
    }

    /// Forgets prepared cues; `None` when there is no such stream.
    pub(crate) async fn disarm(
        &self,
        stream: StreamName,
        name: String,
    ) -> Result<Option<bool>, ChangeError> {
        self.change(move |shard, _| shard.disarm(&stream, &name))
            .await
    }

    /// What is prepared; `None` when there is no such stream.
    pub(crate) async fn armed(
        &self,
        stream: StreamName,
    ) -> Result<Option<Vec<(String, Armed)>>, Unavailable> {
        self.ask(move |shard, _| shard.armed(&stream)).await
    }

    /// Inserts prepared cues.
    pub(crate) async fn fire(
        &self,
        stream: StreamName,
        name: String,
        at: cues::At,
    ) -> Result<Result<Vec<Receipt>, CueError>, ChangeError> {
        self.change(move |shard, now| shard.fire(now, &stream, &name, at))
            .await
    }

    /// Takes back a cue.
    pub(crate) async fn cancel_cue(
        &self,
        stream: StreamName,
        seq: u64,
    ) -> Result<Result<Receipt, CueError>, ChangeError> {
        self.change(move |shard, now| shard.cancel_cue(now, &stream, seq))
            .await
    }

    /// Moves a cue to another time.
    pub(crate) async fn reschedule_cue(
        &self,
        stream: StreamName,
        seq: u64,
        at: cues::At,
    ) -> Result<Result<Receipt, CueError>, ChangeError> {
        self.change(move |shard, now| shard.reschedule_cue(now, &stream, seq, at))
            .await
    }

    /// The cues after `after`; `None` when there is no such stream.
    pub(crate) async fn cues_after(
        &self,
        stream: StreamName,
        after: u64,
    ) -> Result<Option<Vec<LoggedCue>>, Unavailable> {
        self.ask(move |shard, _| shard.cues_after(&stream, after))
            .await
    }

    /// One cue, if the stream exists and remembers it.
    pub(crate) async fn cue(
        &self,
        stream: StreamName,
        seq: u64,
    ) -> Result<Option<LoggedCue>, Unavailable> {
        self.ask(move |shard, _| shard.cue(&stream, seq)).await
    }

    /// What became of a cue on its way to WebRTC viewers, if it is remembered.
    pub(crate) async fn cue_delivery(
        &self,
        stream: StreamName,
        seq: u64,
    ) -> Result<Option<Tally>, Unavailable> {
        self.ask(move |shard, _| shard.cue_delivery(&stream, seq))
            .await
    }

    /// The cards at `pts`, or at the live position.
    pub(crate) async fn state(
        &self,
        stream: StreamName,
        pts: Option<Pts>,
    ) -> Result<Option<(Pts, Vec<ActiveCard>)>, Unavailable> {
        self.ask(move |shard, _| shard.state(&stream, pts)).await
    }

    /// The side channel's first messages for a new follower.
    pub(crate) async fn snapshot(
        &self,
        stream: StreamName,
    ) -> Result<Option<Vec<Told>>, Unavailable> {
        self.ask(move |shard, now| shard.snapshot(now, &stream))
            .await
    }

    /// All streams.
    pub(crate) async fn streams(&self) -> Result<Vec<StreamStatus>, Unavailable> {
        self.ask(|shard, now| shard.streams(now)).await
    }

    /// One stream.
    pub(crate) async fn stream(
        &self,
        stream: StreamName,
    ) -> Result<Option<StreamStatus>, Unavailable> {
        self.ask(move |shard, now| shard.stream(now, &stream)).await
    }

    /// A stream's WebRTC viewers; `None` when there is no such stream.
    pub(crate) async fn viewers(
        &self,
        stream: StreamName,
    ) -> Result<Option<Vec<ViewerStatus>>, Unavailable> {
        self.ask(move |shard, _| shard.viewers(&stream)).await
    }

    /// Sends a viewer away.
    pub(crate) async fn remove_viewer(
        &self,
        stream: StreamName,
        session: u64,
    ) -> Result<Result<(), RemoveError>, Unavailable> {
        self.ask(move |shard, now| shard.remove_viewer(now, &stream, session))
            .await
    }

    /// Sends the publisher away.
    pub(crate) async fn remove_publisher(
        &self,
        stream: StreamName,
    ) -> Result<Result<(), RemoveError>, Unavailable> {
        self.ask(move |shard, now| shard.remove_publisher(now, &stream))
            .await
    }

    /// Sends the publisher away if it publishes with this stream key; whether it did.
    pub(crate) async fn remove_holder(
        &self,
        stream: StreamName,
        key: String,
    ) -> Result<bool, Unavailable> {
        self.answered(|reply| Command::RemoveHolder { stream, key, reply })
            .await
    }

    /// What a stream shows; it may have to be made first.
    pub(crate) async fn thumbnail(
        &self,
        stream: StreamName,
    ) -> Result<Result<Thumbnail, ThumbnailError>, Unavailable> {
        self.answered_within(THUMBNAIL_TIME_MAX, |reply| Command::Thumbnail {
            stream,
            reply,
        })
        .await
    }

    /// Ends a stream now.
    pub(crate) async fn end_stream(
        &self,
        stream: StreamName,
    ) -> Result<Result<(), RemoveError>, Unavailable> {
        self.ask(move |shard, now| shard.end_stream(now, &stream))
            .await
    }

    /// Numbers of the WebRTC side.
    pub(crate) async fn counters(&self) -> Result<sfu::Counters, Unavailable> {
        self.ask(|shard, _| shard.webrtc_counters()).await
    }

    /// Has the engine asked.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Shard, Instant) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let asked = |reply| {
            let put = |shard: &mut Shard, now| give(reply, question(shard, now));
            Command::Ask(Question(Box::new(put)))
        };
        self.answered(asked).await
    }

    /// Has the engine change cues, and waits until that is kept.
    async fn change<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Shard, Instant) -> T + Send + 'static,
    ) -> Result<T, ChangeError> {
        let asked = |reply| {
            let attempt = |shard: &mut Shard, now, ready: Result<(), Unkept>| match ready {
                Err(unkept) => {
                    give(reply, Err(unkept));
                    None
                }
                Ok(()) => {
                    let answer = question(shard, now);
                    Some(Answer::new(move |kept| {
                        give(reply, kept.map(|()| answer));
                    }))
                }
            };
            Command::Change(Change(Box::new(attempt)))
        };
        Ok(self.answered(asked).await??)
    }

    /// Hands over a command that has an answer.
    async fn answered<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Unavailable> {
        self.answered_within(ANSWER_TIME_MAX, command).await
    }

    async fn answered_within<T>(
        &self,
        span: Duration,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.send(command(reply)).await?;
            answer.await.map_err(|_| Unavailable)
        };
        tokio::time::timeout(span, asked)
            .await
            .unwrap_or(Err(Unavailable))
    }
}

/// Gives an answer to whoever waits for it.
pub(super) fn give<T>(reply: oneshot::Sender<T>, answer: T) {
    if reply.send(answer).is_err() {
        debug!("whoever asked is gone");
    }
}

/// Commands that may wait. RTMP data is the bulk: at 64 KiB a read this is 64 MiB at the very worst, and a full queue
/// slows the publishers' TCP down rather than losing anything.
const COMMANDS_MAX: usize = 1024;
/// A shard turn takes microseconds; one that takes this long is not going to end well.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
/// The engine answers within three seconds by itself.
const THUMBNAIL_TIME_MAX: Duration = Duration::from_secs(5);
