//! What the WebRTC side wants out and tells.

use std::time::Instant;

use sfu::{ClosedReason, Event, SessionId};

use crate::{
    api::{Output, PublisherId},
    shard::{Role, Shard},
    stream::Effects,
};

impl Shard {
    /// Moves what the WebRTC side wants out, and acts on what it tells.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(output) = self.sfu.poll_output() {
            match output {
                sfu::Output::Transmit { tuple, contents } => {
                    self.out.push_back(Output::Transmit { tuple, contents });
                }
                sfu::Output::Admit { tuple } => {
                    self.out.push_back(Output::DatagramsAdmit { tuple });
                }
                sfu::Output::Close { tuple } => {
                    self.out.push_back(Output::DatagramsClose { tuple });
                }
                sfu::Output::Event(session, event) => self.session_event(now, session, event),
            }
        }
    }

    fn session_event(&mut self, now: Instant, session: SessionId, event: Event) {
        if let Event::Closed { reason } = event {
            self.session_closed(now, session, reason);
            return;
        }
        let Some(peer) = self.sessions.get(&session) else {
            return;
        };
        let Some(stream) = self.streams.get_mut(&peer.stream) else {
            return;
        };
        let fx = &mut Effects {
            now,
            out: &mut self.out,
            sfu: &mut self.sfu,
            budget: &mut self.budget,
        };
        match (peer.role, event) {
            (Role::Viewer, Event::Connected) => stream.viewer_connected(fx, session),
            (Role::Viewer, Event::ChannelOpen) => stream.greet(fx, session),
            (Role::Viewer, Event::RepeatsOpen) => stream.greet_again(fx, session),
            (Role::Viewer, Event::TextAcknowledged(seqs)) => {
                stream.acknowledged(fx, session, &seqs);
            }
            (Role::Viewer, Event::Said(said)) => stream.said(fx, session, &said),
            // Another may have taken the stream from it.
            (Role::Publisher, Event::Ingest(ingest))
                if stream.publisher() == Some(PublisherId::Whip(session)) =>
            {
                stream.rtp(fx, ingest);
            }
            (Role::Viewer | Role::Publisher, _) => {}
        }
    }

    fn session_closed(&mut self, now: Instant, session: SessionId, reason: ClosedReason) {
        let Some(peer) = self.sessions.remove(&session) else {
            return;
        };
        match peer.role {
            Role::Viewer => {
                if let Some(stream) = self.streams.get_mut(&peer.stream) {
                    stream.viewer_gone(now, session);
                }
            }
            Role::Publisher => self.release(now, PublisherId::Whip(session), Some(peer.stream)),
        }
        if reason == ClosedReason::Peer {
            self.parted.push_back(session);
            if self.parted.len() > PARTED_MAX {
                self.parted.pop_front();
            }
        }
        self.out.push_back(Output::SessionClosed {
            session: session.0,
            reason,
        });
    }
}

/// More than close at once: the request to end it comes within a second.
const PARTED_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

    use media::UnixMillis;

    use super::*;
    use crate::{Config, api::StreamName, shard::Peer};

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant has no other constructor"
    )]
    fn who_ended_by_itself_may_still_ask_for_it_once() {
        let now = Instant::now();
        let config = Config::new(sfu::Config::new(vec!["192.0.2.1:8189".parse().unwrap()]));
        let mut shard = Shard::new(config, now, UnixMillis(1_700_000_000_000), 1).unwrap();
        let mut asked_after = |session, reason| {
            let peer = Peer {
                stream: StreamName::parse("show").unwrap(),
                role: Role::Publisher,
            };
            shard.sessions.insert(SessionId(session), peer);
            shard.session_closed(now, SessionId(session), reason);
            [shard.leave(now, session), shard.leave(now, session)]
        };
        assert_eq!(asked_after(1, ClosedReason::Peer), [true, false]);
        assert_eq!(asked_after(2, ClosedReason::ConsentLost), [false, false]);
    }
}
