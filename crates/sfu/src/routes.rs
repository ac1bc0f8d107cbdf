//! Whose datagram is this?
//!
//! By its source address once that address has proved itself, else, for a binding request, by the
//! user name fragment it was sent to. No session is ever asked, and what proves nothing reaches
//! none.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
};

use str0m::{crypto::Sha1HmacProvider, ice::StunMessage};

use crate::{SessionId, datagram};

/// Where sessions are to be found.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    by_address: HashMap<SocketAddr, SessionId>,
    by_ufrag: HashMap<String, SessionId>,
    known: BTreeMap<SessionId, Known>,
}

#[derive(Debug)]
struct Known {
    ufrag: String,
    pwd: String,
    /// Proven addresses, the oldest first.
    addresses: VecDeque<SocketAddr>,
}

/// What a datagram is to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An authenticated connectivity check.
    Check {
        /// It says that this path is the one to use.
        nominates: bool,
    },
    Other,
}

/// A datagram's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) session: SessionId,
    pub(crate) kind: Kind,
}

impl Routes {
    /// Adds a session that answers to `ufrag`, with the password `pwd`.
    pub(crate) fn add(&mut self, session: SessionId, ufrag: String, pwd: String) {
        self.by_ufrag.insert(ufrag.clone(), session);
        self.known.insert(
            session,
            Known {
                ufrag,
                pwd,
                addresses: VecDeque::new(),
            },
        );
    }

    pub(crate) fn remove(&mut self, session: SessionId) {
        let Some(known) = self.known.remove(&session) else {
            return;
        };
        self.by_ufrag.remove(&known.ufrag);
        for address in known.addresses {
            // Another session may have proved the same address since: a port freed and taken again.
            if self.by_address.get(&address) == Some(&session) {
                self.by_address.remove(&address);
            }
        }
    }

    /// The session a datagram belongs to. A binding request that proves to know the session's
    /// password makes its source address the session's, also in the middle of a session: that is
    /// how a viewer whose NAT rebinds is followed.
    pub(crate) fn find(
        &mut self,
        source: SocketAddr,
        contents: &[u8],
        hmac: &dyn Sha1HmacProvider,
    ) -> Option<Route> {
        if !datagram::is_stun(contents) {
            let session = *self.by_address.get(&source)?;
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
        let (local, _) = message.split_username()?;
        let session = *self.by_ufrag.get(local)?;
        let known = self.known.get_mut(&session)?;
        let sha1 = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
        if !message.verify(known.pwd.as_bytes(), sha1) {
            return None;
        }
        if self.by_address.insert(source, session) != Some(session) {
            known.addresses.push_back(source);
            if known.addresses.len() > ADDRESSES_MAX
                && let Some(oldest) = known.addresses.pop_front()
                && self.by_address.get(&oldest) == Some(&session)
            {
                self.by_address.remove(&oldest);
            }
        }
        Some(Route {
            session,
            kind: Kind::Check {
                nominates: message.use_candidate(),
            },
        })
    }

    pub(crate) fn addresses(&self) -> usize {
        self.by_address.len()
    }
}

/// A browser tries one pair per interface and family; a NAT rebinds now and then.
const ADDRESSES_MAX: usize = 8;
