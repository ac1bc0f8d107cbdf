//! The steps that several transitions share.

use std::time::Instant;

use crate::{Error, ToChild};

use super::{Cause, Event, Output, Running, State, Supervisor};

impl Supervisor {
    /// Asks for a process; the start-up deadline runs from here, because a start that takes for ever is
    /// as bad as a child that never gets ready.
    pub(super) fn spawn(&mut self, now: Instant) {
        self.counters.spawns += 1;
        self.outputs.push_back(Output::Spawn);
        self.state = State::Spawning { since: now };
    }

    /// The child may send frames' packets from now on: hands it what has waited.
    pub(super) fn ready(&mut self, now: Instant) {
        let State::Starting { since, with } = &self.state else {
            return;
        };
        let after = now.saturating_duration_since(*since);
        let mut running = Running::new(now);
        self.outputs.push_back(Output::Event(Event::Up { after }));
        for (pts, payload) in self.pending.drain() {
            if running.frame_sent(now, &self.config) {
                let frame = ToChild::Frame { pts, payload };
                self.outputs.push_back(Output::Send(frame));
            }
        }
        let with = with.clone();
        self.state = State::Running { with, running };
    }

    /// Ends a child that did nothing wrong: by asking when it runs, else by force, for it holds nothing
    /// worth waiting for.
    pub(super) fn stop(&mut self, now: Instant) {
        if matches!(self.state, State::Running { .. }) {
            self.outputs.push_back(Output::Send(ToChild::Stop));
            self.state = State::Stopping {
                deadline: now + self.config.stop_grace,
            };
        } else {
            self.kill(Cause::Asked);
        }
    }

    pub(super) fn kill(&mut self, cause: Cause) {
        self.outputs.push_back(Output::Kill(cause.clone()));
        self.state = State::Killing { cause };
    }

    /// The process is no more: what comes next depends on whether it was told to go.
    pub(super) fn gone(&mut self, now: Instant, cause: Cause) {
        let asked = cause == Cause::Asked;
        if !asked {
            self.counters.deaths += 1;
        }
        let retry_in = (!asked && self.wanted.is_some()).then(|| {
            let wait = self.config.back_off(self.failures);
            self.failures = self.failures.saturating_add(1);
            wait
        });
        self.outputs
            .push_back(Output::Event(Event::Down { cause, retry_in }));
        match retry_in {
            Some(wait) => self.state = State::BackingOff { until: now + wait },
            None if self.wanted.is_some() => self.spawn(now),
            None => self.state = State::Idle,
        }
    }

    pub(super) fn unexpected(&mut self, input: &'static str) -> Result<(), Error> {
        self.counters.inputs_unexpected += 1;
        Err(Error::Unexpected {
            input,
            status: self.status(),
        })
    }
}
