//! What the rest of the server asks of a shard's thread.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use access::Grant;
use bytes::Bytes;
use cues::{ActiveCard, CueRequest, LoggedCue, Receipt};
use engine::{
    ChildEvent, ChildId, ConnId, CueError, OfferError, PublishError, PublishRefused, RemoveError,
    StreamName, StreamStatus, ViewerStatus, WebRtcAnswer,
};
use media::Pts;
use sfu::{FiveTuple, Patched, Precondition};
use tokio::sync::{mpsc, oneshot};

use super::{rtmp::Writer, tcp};

/// One thing for the shard's thread to do. Whoever asks gets the answer by its channel, or finds it dropped.
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
        decision: Result<(StreamName, Grant), PublishRefused>,
    },
    /// News of a transcoding child.
    Child { child: ChildId, event: ChildEvent },
    /// A WebRTC viewer's offer.
    Offer {
        stream: StreamName,
        sdp: String,
        reply: oneshot::Sender<Result<WebRtcAnswer, OfferError>>,
    },
    /// A WebRTC publisher's offer, and by what right it is made.
    Publish {
        stream: StreamName,
        sdp: String,
        grant: Grant,
        reply: oneshot::Sender<Result<WebRtcAnswer, PublishError>>,
    },
    /// A WebRTC peer's candidates, or its restart of ICE.
    Patch {
        session: u64,
        precondition: Precondition,
        fragment: String,
        reply: oneshot::Sender<Result<Patched, sfu::Refusal>>,
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
    /// A WebRTC peer leaves.
    Leave {
        session: u64,
        reply: oneshot::Sender<bool>,
    },
    /// A cue is asked for.
    InsertCue {
        stream: StreamName,
        request: CueRequest,
        reply: oneshot::Sender<Result<Receipt, CueError>>,
    },
    /// The cues after a sequence number; `None` when there is no such stream.
    CuesAfter {
        stream: StreamName,
        after: u64,
        reply: oneshot::Sender<Option<Vec<LoggedCue>>>,
    },
    /// One cue.
    Cue {
        stream: StreamName,
        seq: u64,
        reply: oneshot::Sender<Option<LoggedCue>>,
    },
    /// The cards that show at a pts, or now.
    State {
        stream: StreamName,
        pts: Option<Pts>,
        reply: oneshot::Sender<Option<(Pts, Vec<ActiveCard>)>>,
    },
    /// The side channel's snapshot.
    Snapshot {
        stream: StreamName,
        reply: oneshot::Sender<Option<Vec<Arc<str>>>>,
    },
    /// All streams.
    Streams {
        reply: oneshot::Sender<Vec<StreamStatus>>,
    },
    /// One stream.
    Stream {
        stream: StreamName,
        reply: oneshot::Sender<Option<StreamStatus>>,
    },
    /// A stream's WebRTC viewers; `None` when there is no such stream.
    Viewers {
        stream: StreamName,
        reply: oneshot::Sender<Option<Vec<ViewerStatus>>>,
    },
    /// Send a viewer away.
    RemoveViewer {
        stream: StreamName,
        session: u64,
        reply: oneshot::Sender<Result<(), RemoveError>>,
    },
    /// Send the publisher away.
    RemovePublisher {
        stream: StreamName,
        reply: oneshot::Sender<Result<(), RemoveError>>,
    },
    /// Send the publisher away if it publishes with this stream key; whether it did.
    RemoveHolder {
        stream: StreamName,
        key: String,
        reply: oneshot::Sender<bool>,
    },
    /// End a stream now.
    EndStream {
        stream: StreamName,
        reply: oneshot::Sender<Result<(), RemoveError>>,
    },
    /// Numbers of the WebRTC side.
    Counters {
        reply: oneshot::Sender<sfu::Counters>,
    },
    /// End the thread.
    Stop,
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
        self.ask(|reply| Command::Offer { stream, sdp, reply })
            .await
    }

    /// Hands over a publisher's offer.
    pub(crate) async fn publish(
        &self,
        stream: StreamName,
        sdp: String,
        grant: Grant,
    ) -> Result<Result<WebRtcAnswer, PublishError>, Unavailable> {
        self.ask(|reply| Command::Publish {
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
        self.ask(|reply| Command::Patch {
            session,
            precondition,
            fragment,
            reply,
        })
        .await
    }

    /// Ends a session; `false` when there is none of that number.
    pub(crate) async fn leave(&self, session: u64) -> Result<bool, Unavailable> {
        self.ask(|reply| Command::Leave { session, reply }).await
    }

    /// Inserts a cue.
    pub(crate) async fn insert_cue(
        &self,
        stream: StreamName,
        request: CueRequest,
    ) -> Result<Result<Receipt, CueError>, Unavailable> {
        self.ask(|reply| Command::InsertCue {
            stream,
            request,
            reply,
        })
        .await
    }

    /// The cues after `after`; `None` when there is no such stream.
    pub(crate) async fn cues_after(
        &self,
        stream: StreamName,
        after: u64,
    ) -> Result<Option<Vec<LoggedCue>>, Unavailable> {
        self.ask(|reply| Command::CuesAfter {
            stream,
            after,
            reply,
        })
        .await
    }

    /// One cue, if the stream exists and remembers it.
    pub(crate) async fn cue(
        &self,
        stream: StreamName,
        seq: u64,
    ) -> Result<Option<LoggedCue>, Unavailable> {
        self.ask(|reply| Command::Cue { stream, seq, reply }).await
    }

    /// The cards at `pts`, or at the live position.
    pub(crate) async fn state(
        &self,
        stream: StreamName,
        pts: Option<Pts>,
    ) -> Result<Option<(Pts, Vec<ActiveCard>)>, Unavailable> {
        self.ask(|reply| Command::State { stream, pts, reply })
            .await
    }

    /// The side channel's first messages for a new follower.
    pub(crate) async fn snapshot(
        &self,
        stream: StreamName,
    ) -> Result<Option<Vec<Arc<str>>>, Unavailable> {
        self.ask(|reply| Command::Snapshot { stream, reply }).await
    }

    /// All streams.
    pub(crate) async fn streams(&self) -> Result<Vec<StreamStatus>, Unavailable> {
        self.ask(|reply| Command::Streams { reply }).await
    }

    /// One stream.
    pub(crate) async fn stream(
        &self,
        stream: StreamName,
    ) -> Result<Option<StreamStatus>, Unavailable> {
        self.ask(|reply| Command::Stream { stream, reply }).await
    }

    /// A stream's WebRTC viewers; `None` when there is no such stream.
    pub(crate) async fn viewers(
        &self,
        stream: StreamName,
    ) -> Result<Option<Vec<ViewerStatus>>, Unavailable> {
        self.ask(|reply| Command::Viewers { stream, reply }).await
    }

    /// Sends a viewer away.
    pub(crate) async fn remove_viewer(
        &self,
        stream: StreamName,
        session: u64,
    ) -> Result<Result<(), RemoveError>, Unavailable> {
        self.ask(|reply| Command::RemoveViewer {
            stream,
            session,
            reply,
        })
        .await
    }

    /// Sends the publisher away.
    pub(crate) async fn remove_publisher(
        &self,
        stream: StreamName,
    ) -> Result<Result<(), RemoveError>, Unavailable> {
        self.ask(|reply| Command::RemovePublisher { stream, reply })
            .await
    }

    /// Sends the publisher away if it publishes with this stream key; whether it did.
    pub(crate) async fn remove_holder(
        &self,
        stream: StreamName,
        key: String,
    ) -> Result<bool, Unavailable> {
        self.ask(|reply| Command::RemoveHolder { stream, key, reply })
            .await
    }

    /// Ends a stream now.
    pub(crate) async fn end_stream(
        &self,
        stream: StreamName,
    ) -> Result<Result<(), RemoveError>, Unavailable> {
        self.ask(|reply| Command::EndStream { stream, reply }).await
    }

    /// Numbers of the WebRTC side.
    pub(crate) async fn counters(&self) -> Result<sfu::Counters, Unavailable> {
        self.ask(|reply| Command::Counters { reply }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.send(command(reply)).await?;
            answer.await.map_err(|_| Unavailable)
        };
        tokio::time::timeout(ANSWER_TIME_MAX, asked)
            .await
            .unwrap_or(Err(Unavailable))
    }
}

/// Commands that may wait. RTMP data is the bulk: at 64 KiB a read this is 64 MiB at the very worst, and a full queue
/// slows the publishers' TCP down rather than losing anything.
const COMMANDS_MAX: usize = 1024;
/// A shard turn takes microseconds; one that takes this long is not going to end well.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
