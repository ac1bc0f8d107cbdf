//! Whose datagram is this, and the answers to connectivity checks.
//!
//! By the way it came once that way has proved itself, else, for a binding request, by the user name
//! fragment it was sent to. No session is ever asked, and what proves nothing reaches none.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};

use str0m::{crypto::Sha1HmacProvider, ice::StunMessage};

use crate::{FiveTuple, SessionId, datagram};

/// Where sessions are to be found.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    by_tuple: HashMap<FiveTuple, Owner>,
    by_ufrag: HashMap<String, SessionId>,
    known: BTreeMap<SessionId, Known>,
    /// Ways that have stopped being a session's, and whose they were.
    released: Vec<(SessionId, FiveTuple)>,
}

/// Whose a way is.
#[derive(Debug, Clone, Copy)]
struct Owner {
    session: SessionId,
    /// When it last proved so.
    heard: Instant,
}

#[derive(Debug)]
struct Known {
    /// Of the ICE session there is, and of the one a restart has begun; the latest last.
    ice: VecDeque<Ice>,
    /// Proven ways, the one last heard of last.
    tuples: VecDeque<FiveTuple>,
}

/// What the checks of one ICE session must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ice {
    /// Counts a session's restarts.
    pub(crate) generation: u32,
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    /// The peer's.
    pub(crate) remote_ufrag: String,
}

/// What a datagram is to its session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An authenticated connectivity check.
    Check(Check),
    /// A check that takes this side for the controlling one: nothing but a reply comes of it.
    Conflict { reply: Vec<u8> },
    /// Anything else, by a way that has proved itself.
    Other,
}

/// An authenticated connectivity check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) generation: u32,
    /// It says that this path is the one to use.
    pub(crate) nominates: bool,
    pub(crate) priority: u32,
    pub(crate) reply: Vec<u8>,
    /// The way was not this session's before.
    pub(crate) is_first: bool,
}

/// A datagram's session.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) session: SessionId,
    pub(crate) kind: Kind,
}

impl Routes {
    /// Adds a session that answers to `ice`.
    pub(crate) fn add(&mut self, session: SessionId, ice: Ice) {
        self.by_ufrag.insert(ice.ufrag.clone(), session);
        let known = Known {
            ice: VecDeque::from([ice]),
            tuples: VecDeque::new(),
        };
        self.known.insert(session, known);
    }

    /// The ICE sessions of a session, the latest last; there is one, or two during a restart.
    pub(crate) fn ice(&self, session: SessionId) -> impl DoubleEndedIterator<Item = &Ice> {
        let known = self.known.get(&session);
        known.into_iter().flat_map(|known| &known.ice)
    }

    /// A restart has begun: checks may be of `ice` too, instead of an earlier restart that came to
    /// nothing.
    pub(crate) fn restart(&mut self, session: SessionId, ice: Ice) {
        let Some(known) = self.known.get_mut(&session) else {
            return;
        };
        for given_up in known.ice.drain(1..) {
            self.by_ufrag.remove(&given_up.ufrag);
        }
        self.by_ufrag.insert(ice.ufrag.clone(), session);
        known.ice.push_back(ice);
    }

    /// A restart is through: checks of the ICE session before it are no longer answered.
    pub(crate) fn retire(&mut self, session: SessionId, latest: u32) {
        let Some(known) = self.known.get_mut(&session) else {
            return;
        };
        while let Some(old) = known.ice.pop_front_if(|ice| ice.generation < latest) {
            self.by_ufrag.remove(&old.ufrag);
        }
    }

    pub(crate) fn remove(&mut self, session: SessionId) {
        let Some(known) = self.known.remove(&session) else {
            return;
        };
        for ice in known.ice {
            self.by_ufrag.remove(&ice.ufrag);
        }
        for tuple in known.tuples {
            self.release(session, tuple);
        }
    }

    /// A connection is gone. Whose it was.
    pub(crate) fn closed(&mut self, tuple: FiveTuple) -> Option<SessionId> {
        let Owner { session, .. } = self.by_tuple.remove(&tuple)?;
        if let Some(known) = self.known.get_mut(&session) {
            known.tuples.retain(|other| *other != tuple);
        }
        Some(session)
    }

    /// The next way that has stopped being a session's.
    pub(crate) fn poll_released(&mut self) -> Option<(SessionId, FiveTuple)> {
        self.released.pop()
    }

    /// The session a datagram belongs to. A binding request that proves to know the session's
    /// password makes the way it came the session's, also in the middle of a session: that is how a
    /// peer whose NAT rebinds is followed.
    pub(crate) fn find(
        &mut self,
        now: Instant,
        tuple: FiveTuple,
        contents: &[u8],
        hmac: &dyn Sha1HmacProvider,
    ) -> Option<Route> {
        if !datagram::is_stun(contents) {
            let Owner { session, .. } = *self.by_tuple.get(&tuple)?;
            return Some(Route {
                session,
                kind: Kind::Other,
            });
        }
        let message = StunMessage::parse(contents).ok()?;
        // A lite agent sends no requests, so there are no responses for it.
        if !message.is_binding_request() {
            return None;
        }
        // RFC 8445 section 7.2.2: "USERNAME ... the username fragment provided by the peer,
        // followed by ':'".
        let (local, remote) = message.split_username()?;
        let session = *self.by_ufrag.get(local)?;
        let known = self.known.get_mut(&session)?;
        let ice = known.ice.iter().find(|ice| ice.ufrag == local)?;
        let sha1 = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
        if remote != ice.remote_ufrag || !message.verify(ice.pwd.as_bytes(), sha1) {
            return None;
        }
        let priority = message.prio()?;
        // RFC 8445 section 7.3.1.1; section 6.1.1: a lite agent is always the controlled one.
        if message.ice_controlled().is_some() {
            let reply = StunMessage::binding_role_conflict_reply(message.trans_id());
            let reply = sealed(reply, &ice.pwd, hmac)?;
            return Some(Route {
                session,
                kind: Kind::Conflict { reply },
            });
        }
        let reply = StunMessage::binding_reply(message.trans_id(), mapped(tuple.remote));
        let mut check = Check {
            generation: ice.generation,
            nominates: message.use_candidate(),
            priority,
            reply: sealed(reply, &ice.pwd, hmac)?,
            is_first: false,
        };
        check.is_first = self.prove(now, session, tuple)?;
        Some(Route {
            session,
            kind: Kind::Check(check),
        })
    }

    /// The way is the session's from now on: whether it was not before. `None` while it is another's,
    /// which anybody could take from it who can forge an address and has a session of his own.
    fn prove(&mut self, now: Instant, session: SessionId, tuple: FiveTuple) -> Option<bool> {
        let before = self.by_tuple.get(&tuple);
        let is_first = before.is_none_or(|owner| owner.session != session);
        let is_anothers =
            |owner: &Owner| now.saturating_duration_since(owner.heard) < LET_GO && is_first;
        if before.is_some_and(is_anothers) {
            return None;
        }
        let owner = Owner {
            session,
            heard: now,
        };
        self.by_tuple.insert(tuple, owner);
        let known = self.known.get_mut(&session)?;
        known.tuples.retain(|other| *other != tuple);
        known.tuples.push_back(tuple);
        if known.tuples.len() > TUPLES_MAX
            && let Some(longest_quiet) = known.tuples.pop_front()
        {
            self.release(session, longest_quiet);
        }
        Some(is_first)
    }

    fn release(&mut self, session: SessionId, tuple: FiveTuple) {
        // Another session may have proved the same way since: a port freed and taken again.
        let owner = self.by_tuple.get(&tuple);
        if owner.is_some_and(|owner| owner.session == session) {
            self.by_tuple.remove(&tuple);
            self.released.push((session, tuple));
        }
    }

    pub(crate) fn addresses(&self) -> usize {
        self.by_tuple.len()
    }
}

/// A message as it is sent: signed with the password of the side that was asked (RFC 8445 section
/// 7.3.1, RFC 8489 section 9.1).
pub(crate) fn sealed(
    message: StunMessage<'_>,
    pwd: &str,
    hmac: &dyn Sha1HmacProvider,
) -> Option<Vec<u8>> {
    let mut bytes = vec![0; MESSAGE_MAX];
    let sha1 = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
    let length = message
        .to_bytes(Some(pwd.as_bytes()), &mut bytes, sha1)
        .ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// RFC 8489 section 14.2 knows IPv4 and IPv6; an address mapped into the other would not be the
/// peer's own.
fn mapped(remote: SocketAddr) -> SocketAddr {
    SocketAddr::new(remote.ip().to_canonical(), remote.port())
}

/// A port that is freed may be given to another peer, whose checks are then dropped for so long. Browsers check every 2.5 s,
/// others every 5 s.
const LET_GO: Duration = Duration::from_secs(12);
/// A browser tries one pair per interface and family; a NAT rebinds now and then.
const TUPLES_MAX: usize = 8;
/// The longest message there is to send names a user: two fragments of 256 characters.
const MESSAGE_MAX: usize = 768;
