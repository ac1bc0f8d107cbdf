//! Deadlines of a session.

use std::{fmt, time::Instant};

use super::State;
use crate::Config;

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The handshake has to be complete.
    Handshake,
    /// A publish has to be accepted.
    Publish,
    /// Audio or video has to arrive.
    Media,
    /// A silent publisher is pinged; does not end the session.
    Ping,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "handshake",
            Self::Publish => "publish",
            Self::Media => "next audio or video message",
            Self::Ping => "answer to a ping",
        })
    }
}

/// The moments that deadlines count from.
#[derive(Debug)]
pub(super) struct Timers {
    /// The connection, the end of the handshake, the last unpublish, or the last media message.
    since: Instant,
    /// The last bytes, or the last ping.
    heard: Instant,
}

impl Timers {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            heard: now,
        }
    }

    pub(super) const fn received(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(super) const fn pinged(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The wait for a publish begins.
    pub(super) const fn commanding(&mut self, now: Instant) {
        self.since = now;
    }

    /// Media came, or may come from now on.
    pub(super) const fn media(&mut self, now: Instant) {
        self.since = now;
    }

    /// The next deadline in a state.
    pub(super) fn next(&self, config: &Config, state: &State) -> Option<(Instant, Reason)> {
        let (span, reason) = match state {
            State::Handshaking(_) => (config.handshake_timeout, Reason::Handshake),
            State::Commanding | State::Asking { .. } => (config.publish_timeout, Reason::Publish),
            State::Publishing { .. } => (config.idle_timeout, Reason::Media),
            State::Closed(_) => return None,
        };
        let end = (self.since + span, reason);
        if matches!(state, State::Publishing { .. }) {
            let ping = self.heard + config.ping_interval;
            if ping < end.0 {
                return Some((ping, Reason::Ping));
            }
        }
        Some(end)
    }

    /// The deadline that has passed, the one that ends the session first.
    pub(super) fn expired(&self, now: Instant, config: &Config, state: &State) -> Option<Reason> {
        if matches!(state, State::Publishing { .. }) && now >= self.since + config.idle_timeout {
            return Some(Reason::Media);
        }
        self.next(config, state)
            .filter(|(when, _)| now >= *when)
            .map(|(_, reason)| reason)
    }
}
