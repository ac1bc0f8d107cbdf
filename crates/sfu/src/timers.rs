//! One deadline per session, the earliest first.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use crate::{Reason, SessionId};

/// The sessions' deadlines in order, so that nothing ever asks each session.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Instant, SessionId)>,
    of: BTreeMap<SessionId, (Instant, Reason)>,
}

impl Timers {
    /// Sets a session's only deadline.
    pub(crate) fn set(&mut self, session: SessionId, at: Instant, reason: Reason) {
        if let Some((old, _)) = self.of.insert(session, (at, reason)) {
            if old == at {
                return;
            }
            self.order.remove(&(old, session));
        }
        self.order.insert((at, session));
    }

    pub(crate) fn remove(&mut self, session: SessionId) {
        if let Some((at, _)) = self.of.remove(&session) {
            self.order.remove(&(at, session));
        }
    }

    /// The session most overdue at `now`; its deadline is forgotten.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<SessionId> {
        let (at, session) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.remove(session);
        Some(session)
    }

    pub(crate) fn next(&self) -> Option<(Instant, Reason)> {
        let (_, session) = self.order.first()?;
        self.of.get(session).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "where virtual time begins does not matter"
    )]
    fn the_earliest_comes_first_and_each_session_has_one() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.set(SessionId(1), at(30), Reason::Consent);
        timers.set(SessionId(2), at(20), Reason::Transport);
        timers.set(SessionId(3), at(20), Reason::HalfOpen);
        timers.set(SessionId(1), at(10), Reason::Transport);
        assert_eq!(timers.next(), Some((at(10), Reason::Transport)));
        assert_eq!(timers.pop_due(at(9)), None);
        timers.remove(SessionId(2));
        assert_eq!(timers.pop_due(at(20)), Some(SessionId(1)));
        assert_eq!(timers.pop_due(at(20)), Some(SessionId(3)));
        assert_eq!((timers.pop_due(at(99)), timers.next()), (None, None));
        assert!(timers.order.is_empty() && timers.of.is_empty());
    }
}
