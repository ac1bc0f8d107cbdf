//! The thread that drives one engine shard: datagrams, commands and a timer in; outputs out.

use std::{
    future::pending,
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::Instant,
};

use engine::{Input, Shard};
use tokio::{runtime, sync::mpsc, time::sleep_until};
use tracing::{error, trace};

use super::{
    clock,
    command::{Command, give},
    outlets::Outlets,
    shows::Answer,
    udp::{BoundUdp, Received, Udp},
};
use crate::{Error, telemetry::Meters};

/// What a shard's thread owns.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) shard: Shard,
    pub(crate) socket: BoundUdp,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) outlets: Outlets,
    pub(crate) meters: Arc<Meters>,
}

/// Starts the thread; it ends on [`Command::Stop`], or when nobody can send commands any more.
pub(crate) fn start(index: usize, owned: Loop) -> Result<JoinHandle<()>, Error> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(Error::system("runtime of a media thread"))?;
    Builder::new()
        .name(format!("shard-{index}"))
        .spawn(move || runtime.block_on(run(owned)))
        .map_err(Error::system("media thread"))
}

async fn run(owned: Loop) {
    let Loop {
        shard,
        socket,
        commands,
        outlets,
        meters,
    } = owned;
    match Udp::new(socket) {
        Ok(udp) => {
            Driver {
                shard,
                udp,
                outlets,
                meters,
            }
            .run(commands)
            .await
        }
        Err(error) => error!(%error, "the WebRTC socket cannot be driven"),
    }
}

struct Driver {
    shard: Shard,
    udp: Udp,
    outlets: Outlets,
    meters: Arc<Meters>,
}

/// What ended a wait.
#[allow(
    clippy::large_enum_variant,
    reason = "it lives for one turn, on the stack"
)]
enum Wake {
    Readable,
    Command(Option<Command>),
    Timer,
}

impl Driver {
    /// Each turn: wait for the first of the three, read the clock once, feed a bounded batch, drain.
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let due = self.shard.poll_timeout();
            let deadline = due.map(|(at, _)| at);
            let wake = tokio::select! {
                readable = self.udp.readable() => match readable {
                    Ok(()) => Wake::Readable,
                    Err(error) => {
                        error!(%error, "the WebRTC socket is gone");
                        return;
                    }
                },
                command = commands.recv() => Wake::Command(command),
                () = timer(deadline) => Wake::Timer,
            };
            let now = clock::monotonic();
            // Whatever woke the loop, a deadline that has passed is served: under load the timer may never win.
            if let Some((deadline, reason)) = due.filter(|(deadline, _)| *deadline <= now) {
                trace!(?reason, "timer");
                self.meters
                    .timer_lateness
                    .record(now.duration_since(deadline).as_secs_f64());
                self.shard.handle_timeout(now);
                self.drain();
            }
            match wake {
                Wake::Timer => {}
                Wake::Readable => self.receive(now),
                Wake::Command(None | Some(Command::Stop)) => return,
                Wake::Command(Some(first)) => {
                    if self.obey_batch(now, first, &mut commands) == Flow::Stop {
                        return;
                    }
                }
            }
        }
    }

    fn receive(&mut self, now: Instant) {
        for _ in 0..DATAGRAMS_A_TURN {
            let Some(received) = self.udp.try_receive() else {
                break;
            };
            self.meters.datagrams_in.increment(1);
            let Received { tuple, contents } = received;
            self.shard
                .handle_input(now, Input::Datagram { tuple, contents });
            self.drain();
        }
    }

    fn obey_batch(
        &mut self,
        now: Instant,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Flow {
        let mut next = Some(first);
        for _ in 0..COMMANDS_A_TURN {
            match next.take() {
                None => break,
                Some(Command::Stop) => return Flow::Stop,
                Some(command) => self.obey_and_drain(now, command),
            }
            next = commands.try_recv().ok();
        }
        // The batch is full: the command that was taken out last is still to be obeyed.
        match next {
            Some(Command::Stop) => Flow::Stop,
            Some(command) => {
                self.obey_and_drain(now, command);
                Flow::Continue
            }
            None => Flow::Continue,
        }
    }

    /// A publisher's bytes are timed from the read to the last datagram that came of them.
    fn obey_and_drain(&mut self, now: Instant, command: Command) {
        let read_at = if let Command::RtmpData { read_at, .. } = &command {
            Some(*read_at)
        } else {
            None
        };
        let answer = self.obey(now, command);
        let transmitted = self.drain();
        // What it changed is on its way to the disk by now, and the answer goes after it.
        if let Some(answer) = answer {
            self.outlets.shows.then(answer);
        }
        if let (true, Some(read_at)) = (transmitted, read_at) {
            let passed = clock::monotonic().saturating_duration_since(read_at);
            self.meters.ingest_to_egress.record(passed.as_secs_f64());
        }
    }

    /// Gives the answer that is to wait until what changed is kept, if there is one.
    fn obey(&mut self, now: Instant, command: Command) -> Option<Answer> {
        let shard = &mut self.shard;
        match command {
            Command::RtmpOpened { conn, writer } => {
                self.outlets.rtmp_opened(conn, writer);
                shard.handle_input(now, Input::RtmpOpened { conn });
            }
            Command::RtmpData { conn, data, .. } => {
                shard.handle_input(now, Input::RtmpData { conn, data })
            }
            Command::RtmpClosed { conn } => {
                self.outlets.rtmp_closed(conn);
                shard.handle_input(now, Input::RtmpClosed { conn });
            }
            Command::PublishDecided { conn, decision } => {
                let let_in = decision.as_ref().ok().cloned();
                let decision = decision.map(|permit| permit.stream);
                shard.handle_input(now, Input::PublishDecided { conn, decision });
                if let Some(permit) = let_in
                    && shard.is_publishing(conn)
                {
                    self.outlets.let_in_by_rtmp(conn, &permit);
                }
            }
            Command::Publish {
                stream,
                sdp,
                grant,
                reply,
            } => {
                let answered = shard.publish_offer(now, &stream, &sdp);
                if answered.is_ok() {
                    self.outlets.let_in(&stream, &grant);
                }
                give(reply, answered);
            }
            Command::RemoveHolder { stream, key, reply } => {
                let holds = self.outlets.is_published_with(&stream, &key);
                give(reply, holds && shard.remove_publisher(now, &stream).is_ok());
            }
            Command::Thumbnail { stream, reply } => match shard.thumbnail(now, &stream) {
                Some(answer) => give(reply, answer),
                None => self.outlets.passing.thumbnails.wait(&stream, reply),
            },
            Command::Child { child, event } => {
                self.outlets.children.note(child, &event);
                shard.handle_input(now, Input::Child { child, event });
            }
            Command::Av1Decoded => shard.handle_input(now, Input::Av1Decoded),
            Command::TcpOpened { tuple, writer } => self.outlets.tcp_opened(tuple, writer),
            Command::TcpDatagram { tuple, contents } => {
                self.meters.datagrams_in.increment(1);
                shard.handle_input(now, Input::Datagram { tuple, contents });
            }
            Command::TcpClosed { tuple } => {
                self.outlets.tcp_closed(tuple);
                shard.handle_input(now, Input::DatagramsClosed { tuple });
            }
            Command::Ask(question) => question.put(shard, now),
            Command::Change(change) => {
                return change.put(shard, now, self.outlets.shows.ready());
            }
            // Handled by whoever takes commands out of the queue.
            Command::Stop => {}
        }
        None
    }

    /// Does all that the engine wants done; whether a datagram was among it.
    fn drain(&mut self) -> bool {
        let mut transmitted = false;
        while let Some(output) = self.shard.poll_output() {
            transmitted |= matches!(output, engine::Output::Transmit { .. });
            self.outlets.put(output, &self.udp);
        }
        self.outlets.flush();
        transmitted
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Continue,
    Stop,
}

async fn timer(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// A turn's bounds keep one source from starving the others; the rest waits in its queue for the next turn.
const DATAGRAMS_A_TURN: usize = 64;
const COMMANDS_A_TURN: usize = 64;
