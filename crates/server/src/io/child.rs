//! Transcoding children: processes, their pipes and what they say.
//!
//! Each child is one task on the server's runtime, so that a pipe never makes the media thread wait. The engine's
//! supervisor decides when one is started and killed; here it is done, and each step is told once and in order:
//! spawned, messages, exited.

mod busy;
mod pipes;
mod program;

use std::{
    collections::BTreeMap, convert::Infallible, io, process::ExitStatus, sync::Arc, time::Duration,
};

use bytes::BytesMut;
use engine::{ChildEvent, ChildId, ChildKind, StreamName};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Child,
    runtime::Handle,
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
    },
    time::{interval, timeout},
};
use tracing::{Instrument, info, info_span, warn};
use transcode::{Decoder, FromChild, ToChild};

use super::command::{Command, ShardHandle};
use crate::telemetry::Meters;
use pipes::{log_lines, write};
pub(crate) use program::Program;

/// The children of one shard.
#[derive(Debug)]
pub(crate) struct Children {
    program: Program,
    shard: ShardHandle,
    runtime: Handle,
    meters: Arc<Meters>,
    running: BTreeMap<ChildId, Running>,
}

#[derive(Debug)]
struct Running {
    queue: mpsc::Sender<ToChild>,
    kill: Arc<Notify>,
}

impl Children {
    /// No children yet; each will be `program`, served on `runtime`.
    pub(crate) fn new(
        program: Program,
        shard: ShardHandle,
        runtime: Handle,
        meters: Arc<Meters>,
    ) -> Self {
        runtime.spawn(tell_what_it_decodes(program.clone(), shard.clone()));
        Self {
            program,
            shard,
            runtime,
            meters,
            running: BTreeMap::new(),
        }
    }

    /// Starts a child.
    pub(crate) fn spawn(&mut self, child: ChildId, stream: &StreamName) {
        let (queue, pending) = mpsc::channel(messages_max(child.kind));
        let kill = Arc::new(Notify::new());
        let task = Task {
            child,
            shard: self.shard.clone(),
            kill: Arc::clone(&kill),
            queue: queue.downgrade(),
            meters: Arc::clone(&self.meters),
        };
        let program = self.program.clone();
        let span = info_span!("transcoder", %stream, of = name(child.kind));
        self.runtime
            .spawn(async move { task.run(program, pending).await }.instrument(span));
        self.running.insert(child, Running { queue, kill });
    }

    /// Queues a message. When the child does not read, a frame of sound is dropped and counted; without any other message
    /// the two would misunderstand each other, and pictures be decoded without those they refer to, so then the child is
    /// killed.
    pub(crate) fn send(&self, child: ChildId, message: ToChild) {
        let Some(child) = self.running.get(&child) else {
            return;
        };
        if let Err(TrySendError::Full(message)) = child.queue.try_send(message) {
            self.meters.transcoder_frames_dropped.increment(1);
            if !matches!(message, ToChild::Frame { .. }) {
                child.kill.notify_one();
            }
        }
    }

    /// Kills a child; its exit is told like any other.
    pub(crate) fn kill(&self, child: ChildId) {
        if let Some(child) = self.running.get(&child) {
            child.kill.notify_one();
        }
    }

    /// Notes what is about to be told to the engine: after an exit there is no child any more.
    pub(crate) fn note(&mut self, child: ChildId, event: &ChildEvent) {
        if matches!(event, ChildEvent::Exited { .. }) {
            self.running.remove(&child);
        }
    }
}

/// Once that is known.
async fn tell_what_it_decodes(mut program: Program, shard: ShardHandle) {
    program.checked().await;
    if program.decodes_av1() {
        // Refused only when the shard ends.
        let _ = shard.send(Command::Av1Decoded).await;
    }
}

struct Task {
    child: ChildId,
    shard: ShardHandle,
    kill: Arc<Notify>,
    /// To see how much waits in it.
    queue: mpsc::WeakSender<ToChild>,
    meters: Arc<Meters>,
}

impl Task {
    async fn run(self, mut program: Program, pending: mpsc::Receiver<ToChild>) {
        let description = tokio::select! {
            // Both at once: whoever is killed is not started.
            biased;
            () = self.kill.notified() => "killed before it was started".into(),
            () = program.checked() => self.start(&program, pending).await,
        };
        self.meters.transcoder_exits.increment(1);
        self.tell(ChildEvent::Exited { description }).await;
    }

    /// Starts it and serves it to its end; says how it ended.
    async fn start(&self, program: &Program, pending: mpsc::Receiver<ToChild>) -> String {
        match program.start() {
            Ok(child) => {
                info!(pid = child.id(), "transcoder started");
                self.meters.transcoder_starts.increment(1);
                self.tell(ChildEvent::Spawned).await;
                self.serve(child, pending).await
            }
            Err(error) => {
                warn!(program = %program.display(), %error, "the transcoder cannot be started");
                format!("{}: {error}", program.display())
            }
        }
    }

    /// Until the child is gone; says how it ended.
    async fn serve(&self, mut child: Child, pending: mpsc::Receiver<ToChild>) -> String {
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return "started without its pipes".into();
        };
        // Ends with the pipe, and so shortly after the child.
        tokio::spawn(log_lines(stderr).in_current_span());
        let said = tokio::select! {
            end = self.read(stdout) => match end {
                Ok(()) => None,
                Err(error) => Some(error.to_string()),
            },
            never = write(stdin, pending) => match never {},
            never = self.measure(child.id()) => match never {},
            () = self.kill.notified() => {
                self.look_at(child.id());
                Some("killed".into())
            }
        };
        let status = match &said {
            // The output ended: the child is about to exit by itself.
            None => timeout(EXIT_TIME_MAX, child.wait()).await.ok(),
            Some(_) => None,
        };
        let status = match status {
            Some(status) => status,
            None => child.kill().await.and(child.wait().await),
        };
        let status = describe(status);
        info!(%status, said, "transcoder ended");
        match said {
            Some(said) => format!("{said}; {status}"),
            None => status,
        }
    }

    /// Logs how a child is that is about to be killed: afterwards nobody can tell.
    fn look_at(&self, pid: Option<u32>) {
        let condition = pid.and_then(busy::condition);
        let busy = pid.and_then(busy::processor_time);
        let waiting = self
            .queue
            .upgrade()
            .map(|queue| queue.max_capacity() - queue.capacity());
        info!(pid, condition, ?busy, waiting, "transcoder is killed");
    }

    /// Tells of the child's processor time.
    async fn measure(&self, pid: Option<u32>) -> Infallible {
        let mut turns = interval(MEASURE_EVERY);
        let (mut told, mut since) = (Duration::ZERO, turns.tick().await);
        loop {
            let now = turns.tick().await;
            // Unknown where there is no /proc: then what was estimated stays.
            let Some(busy) = pid.and_then(busy::processor_time) else {
                continue;
            };
            let (used, span) = (busy.saturating_sub(told), now - since);
            (told, since) = (busy, now);
            self.tell(ChildEvent::Busy { used, span }).await;
        }
    }

    async fn read(&self, mut stdout: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut decoder = Decoder::<FromChild>::new();
        let mut buffer = BytesMut::with_capacity(READ_BYTES);
        while stdout.read_buf(&mut buffer).await? > 0 {
            decoder.push(&buffer);
            buffer.clear();
            for message in decoder.by_ref() {
                match message {
                    Ok(message) => self.tell(ChildEvent::Message(message)).await,
                    Err(error) => {
                        self.tell(ChildEvent::Garbled).await;
                        return Err(io::Error::other(error));
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell(&self, event: ChildEvent) {
        // Refused only when the shard ends, and then nobody asks any more.
        let _ = self
            .shard
            .send(Command::Child {
                child: self.child,
                event,
            })
            .await;
    }
}

fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("exit status unknown: {error}"),
    }
}

/// As the log calls it.
pub(crate) const fn name(kind: ChildKind) -> &'static str {
    match kind {
        ChildKind::Sound => "sound",
        ChildKind::Video => "video",
        ChildKind::Thumbnail => "thumbnail",
    }
}

/// A child that is so far behind is not coming back in time.
const fn messages_max(kind: ChildKind) -> usize {
    match kind {
        // AAC frames of 5.5 s.
        ChildKind::Sound => 256,
        // A whole group of pictures comes at once where a child begins in its middle.
        ChildKind::Video => 1_256,
        // One picture, and a word before and after it.
        ChildKind::Thumbnail => 8,
    }
}

const READ_BYTES: usize = 16 << 10;
const MEASURE_EVERY: Duration = Duration::from_secs(2);
const EXIT_TIME_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry;

    fn children(program: &str) -> (Children, mpsc::Receiver<Command>, StreamName) {
        let (shard, queue) = ShardHandle::new();
        let children = Children::new(
            Program::unchecked(program),
            shard,
            Handle::current(),
            telemetry::meters(),
        );
        (children, queue, StreamName::parse("show").unwrap())
    }

    async fn next(queue: &mut mpsc::Receiver<Command>) -> ChildEvent {
        let command = queue.recv().await.unwrap();
        let Command::Child {
            child: CHILD,
            event,
        } = command
        else {
            panic!("{command:?}")
        };
        event
    }

    fn description(event: &ChildEvent) -> &str {
        let ChildEvent::Exited { description } = event else {
            panic!("{event:?}")
        };
        description
    }

    const CHILD: ChildId = ChildId {
        stream: 7,
        kind: ChildKind::Sound,
    };

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_exit() {
        let (mut children, mut queue, stream) = children("/no/such/program");
        children.spawn(CHILD, &stream);
        let event = next(&mut queue).await;
        assert!(description(&event).contains("/no/such/program"));
        children.note(CHILD, &event);
        assert!(children.running.is_empty());
    }

    #[tokio::test]
    async fn a_child_is_spawned_and_killed_and_the_exit_is_last() {
        // `cat` without arguments waits on its input as a transcoder does.
        let (mut children, mut queue, stream) = children("cat");
        children.spawn(CHILD, &stream);
        assert!(matches!(next(&mut queue).await, ChildEvent::Spawned));
        children.kill(CHILD);
        assert!(description(&next(&mut queue).await).contains("killed"));
    }

    #[tokio::test]
    async fn a_child_that_talks_nonsense_is_told_and_killed() {
        // `yes` writes lines of `y`: a length field of 2 GB.
        let (mut children, mut queue, stream) = children("yes");
        children.spawn(CHILD, &stream);
        assert!(matches!(next(&mut queue).await, ChildEvent::Spawned));
        assert!(matches!(next(&mut queue).await, ChildEvent::Garbled));
        assert!(description(&next(&mut queue).await).contains("message"));
    }
}
