//! The life of one stream's transcoding child, as a pure machine.
//!
//! ```text
//!            Want            Spawned            Ready
//!   Idle ----------> Spawning ------> Starting ------> Running
//!    ^  [Spawn]          |    [Start]     |    [Frames]   |
//!    |                   |                |               | Unwant, or other configuration [Stop]
//!    |        Exited     |                |               v
//!    |  .----------------+----------------+-----.      Stopping -- 1 s --> Killing
//!    |  v                                       |         | Exited           | Exited
//!    | BackingOff -- 100 ms .. 5 s --> Spawning |         v                  v
//!    |  ^                                       |       Idle, or Spawning when still wanted
//!    |  | Exited                                |
//!    |  Killing <-- [Kill] -- no Ready in 3 s, no packet in 3 s, Failed, garbage
//!    '-- Unwant (a child that has not started is killed, not asked)
//! ```
//!
//! Frames that come while no child runs wait in a short queue whose oldest is dropped, so the stream's
//! other tracks never notice.

mod actions;
mod config;
mod output;
mod pending;
mod running;

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;
use media::MediaTime;

use crate::{Error, FromChild, SourcePicture, Start, ToChild};
use pending::Pending;
use running::Running;

pub use config::Config;
pub use output::{Cause, Counters, Event, Output, Reason, Status};

/// What the driver tells the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// This conversion is wanted. Wanting the same again changes nothing; another one, or the same of another
    /// source, replaces the child.
    Want(Start),
    /// None is wanted any more.
    Unwant,
    /// The process asked for by [`Output::Spawn`] exists.
    Spawned,
    /// The process is gone, whatever the reason, or could not be started. Every message it sent has been
    /// handed in before, none comes after.
    Exited,
    /// One access unit of the source.
    Frame {
        /// Where its first decoded sample plays.
        pts: MediaTime,
        /// One raw_data_block or one Opus packet.
        payload: Bytes,
    },
    /// One picture of the source. Without a child that takes it, it is forgotten: its group is the driver's to keep.
    Picture(SourcePicture),
    /// The next picture that comes back is to be an IDR.
    Keyframe,
    /// What the child said.
    Message(FromChild),
    /// What the child said is no message.
    Garbled,
}

/// Decides when the child lives; see the module's diagram.
#[derive(Debug)]
pub struct Supervisor {
    config: Config,
    wanted: Option<Start>,
    state: State,
    /// Deaths in a row, none of them after a healthy life.
    failures: u32,
    pending: Pending,
    outputs: VecDeque<Output>,
    counters: Counters,
}

#[derive(Debug)]
enum State {
    Idle,
    Spawning {
        since: Instant,
    },
    Starting {
        since: Instant,
        with: Start,
    },
    Running {
        with: Start,
        running: Running,
    },
    /// Asked to finish.
    Stopping {
        deadline: Instant,
    },
    /// Killed; whether that was our wish decides if the next one comes at once.
    Killing {
        cause: Cause,
    },
    BackingOff {
        until: Instant,
    },
}

impl Supervisor {
    /// A supervisor that wants no child yet.
    pub fn new(config: Config, _now: Instant) -> Self {
        Self {
            pending: Pending::new(config.pending_frames_max),
            config,
            wanted: None,
            state: State::Idle,
            failures: 0,
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes one input; drain [`poll_output`](Self::poll_output) afterwards.
    ///
    /// # Errors
    /// An input that the driver's contract rules out in this state. It is counted and otherwise ignored.
    pub fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Error> {
        match input {
            Input::Want(start) => self.want(now, start),
            Input::Unwant => self.unwant(now),
            Input::Spawned => return self.spawned(),
            Input::Exited => return self.exited(now),
            Input::Frame { pts, payload } => self.frame(now, pts, payload),
            Input::Picture(picture) => self.picture(now, picture),
            Input::Keyframe => self.keyframe(),
            Input::Message(message) => return self.message(now, message),
            Input::Garbled => return self.garbled(),
        }
        Ok(())
    }

    /// Acts on every deadline that has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some((deadline, reason)) = self.poll_timeout() else {
            return;
        };
        if now < deadline {
            return;
        }
        match reason {
            Reason::StartUp => self.kill(Cause::NotReady),
            Reason::Hang => self.kill(Cause::Hung),
            Reason::StopGrace => self.kill(Cause::Asked),
            Reason::BackOff => self.spawn(now),
        }
    }

    /// The next thing to do, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what is waited for until then.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        match &self.state {
            State::Spawning { since } | State::Starting { since, .. } => {
                Some((*since + self.config.start_up_max, Reason::StartUp))
            }
            State::Running { running, .. } => {
                Some((running.hang_deadline(&self.config)?, Reason::Hang))
            }
            State::Stopping { deadline } => Some((*deadline, Reason::StopGrace)),
            State::BackingOff { until } => Some((*until, Reason::BackOff)),
            State::Idle | State::Killing { .. } => None,
        }
    }

    /// Where the child is in its life.
    pub fn status(&self) -> Status {
        match &self.state {
            State::Idle => Status::Idle,
            State::Spawning { .. } | State::Starting { .. } => Status::Starting,
            State::Running { .. } => Status::Running,
            State::Stopping { .. } | State::Killing { .. } => Status::Stopping,
            State::BackingOff { .. } => Status::BackingOff,
        }
    }

    /// What has happened since the supervisor was made.
    pub fn counters(&self) -> Counters {
        Counters {
            frames_dropped: self.counters.frames_dropped + self.pending.dropped(),
            ..self.counters
        }
    }

    fn want(&mut self, now: Instant, start: Start) {
        if self.wanted.as_ref() == Some(&start) {
            return;
        }
        // Frames of another configuration would be noise to the next decoder.
        self.pending.clear();
        self.wanted = Some(start);
        // Its failures were perhaps the old configuration's.
        self.failures = 0;
        match &self.state {
            State::Idle | State::BackingOff { .. } => self.spawn(now),
            State::Starting { .. } | State::Running { .. } => self.stop(now),
            // One being spawned is told what is wanted when it exists.
            State::Spawning { .. } | State::Stopping { .. } | State::Killing { .. } => {}
        }
    }

    fn unwant(&mut self, now: Instant) {
        self.wanted = None;
        self.failures = 0;
        self.pending.clear();
        match &self.state {
            State::Spawning { .. } | State::Starting { .. } | State::Running { .. } => {
                self.stop(now);
            }
            State::BackingOff { .. } => self.state = State::Idle,
            State::Idle | State::Stopping { .. } | State::Killing { .. } => {}
        }
    }

    fn spawned(&mut self) -> Result<(), Error> {
        // Killed before it had come up; its exit is still to come.
        if matches!(self.state, State::Killing { .. }) {
            return Ok(());
        }
        let (State::Spawning { since }, Some(start)) = (&self.state, &self.wanted) else {
            return self.unexpected("Spawned");
        };
        self.outputs
            .push_back(Output::Send(ToChild::Start(start.clone())));
        self.state = State::Starting {
            since: *since,
            with: start.clone(),
        };
        Ok(())
    }

    fn exited(&mut self, now: Instant) -> Result<(), Error> {
        let cause = match &self.state {
            State::Idle | State::BackingOff { .. } => return self.unexpected("Exited"),
            State::Spawning { .. } | State::Starting { .. } | State::Running { .. } => {
                Cause::Exited
            }
            State::Stopping { .. } => Cause::Asked,
            State::Killing { cause } => cause.clone(),
        };
        self.gone(now, cause);
        Ok(())
    }

    fn frame(&mut self, now: Instant, pts: MediaTime, payload: Bytes) {
        if let State::Running { running, with } = &mut self.state
            && self.wanted.as_ref() == Some(with)
        {
            if running.frame_sent(now, &self.config) {
                let frame = ToChild::Frame { pts, payload };
                self.outputs.push_back(Output::Send(frame));
            } else {
                self.counters.frames_dropped += 1;
            }
        } else if self.wanted.is_some() {
            self.pending.push(pts, payload);
        }
    }

    fn picture(&mut self, now: Instant, picture: SourcePicture) {
        let State::Running { running, with } = &mut self.state else {
            return;
        };
        if self.wanted.as_ref() != Some(with) {
            self.counters.frames_dropped += 1;
            return;
        }
        // One that is not to come back is no question. Of too many the child is given the rest as such: others refer to them.
        let wanted = picture.wanted && running.frame_sent(now, &self.config);
        self.counters.frames_dropped += u64::from(picture.wanted && !wanted);
        let picture = SourcePicture { wanted, ..picture };
        self.outputs
            .push_back(Output::Send(ToChild::Picture(picture)));
    }

    fn keyframe(&mut self) {
        if let State::Running { with, .. } = &self.state
            && self.wanted.as_ref() == Some(with)
        {
            self.outputs.push_back(Output::Send(ToChild::Keyframe));
        }
    }

    fn message(&mut self, now: Instant, message: FromChild) -> Result<(), Error> {
        match (&mut self.state, message) {
            (State::Starting { .. }, FromChild::Ready) => self.ready(now),
            (State::Running { .. }, FromChild::Packet { pts, payload }) => {
                self.answered(now);
                self.outputs.push_back(Output::Packet { pts, payload });
            }
            (State::Running { .. }, FromChild::Picture(picture)) => {
                self.answered(now);
                self.outputs.push_back(Output::Picture(picture));
            }
            (State::Running { .. }, FromChild::Jpeg(jpeg)) => {
                self.answered(now);
                self.outputs.push_back(Output::Jpeg(jpeg));
            }
            (State::Running { .. }, FromChild::Configuration(configuration)) => {
                self.outputs.push_back(Output::Configuration(configuration));
            }
            (State::Starting { .. } | State::Running { .. }, FromChild::Failed { message }) => {
                self.kill(Cause::Failed(message));
            }
            // What it still says on its way out concerns nobody.
            (State::Stopping { .. } | State::Killing { .. }, _) => {}
            (State::Idle | State::Spawning { .. } | State::BackingOff { .. }, _)
            | (
                State::Starting { .. },
                FromChild::Packet { .. }
                | FromChild::Picture(_)
                | FromChild::Jpeg(_)
                | FromChild::Configuration(_),
            )
            | (State::Running { .. }, FromChild::Ready) => return self.unexpected("Message"),
        }
        Ok(())
    }

    /// What was asked is being answered.
    fn answered(&mut self, now: Instant) {
        if let State::Running { running, .. } = &mut self.state
            && running.packet_came(now, &self.config)
        {
            self.failures = 0;
        }
        self.counters.packets += 1;
    }

    fn garbled(&mut self) -> Result<(), Error> {
        match &self.state {
            State::Starting { .. } | State::Running { .. } => {
                self.kill(Cause::Garbled);
            }
            State::Stopping { .. } | State::Killing { .. } => {}
            State::Idle | State::Spawning { .. } | State::BackingOff { .. } => {
                return self.unexpected("Garbled");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
