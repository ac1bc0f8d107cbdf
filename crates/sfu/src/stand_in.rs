//! The one pair str0m's own ICE agent ever hears of.
//!
//! Paths are chosen here ([`paths`](crate::paths)), because that agent knows one ICE session at a
//! time, which a restart must not cut, and local addresses only as candidates, which behind a NAT or
//! with TCP they are not. It still decides when DTLS may begin and is given up, so it is told of the
//! peer's nominations, as if they all came by one way.

use std::{
    net::{Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use str0m::{
    Candidate,
    crypto::Sha1HmacProvider,
    error::NetError,
    ice::{StunMessage, TransId},
    net::{Protocol, Receive},
};

use crate::routes::{Ice, sealed};

/// A pair that stands for all of a peer's ways.
#[derive(Debug)]
pub(crate) struct StandIn {
    protocol: Protocol,
    local: SocketAddr,
    username: String,
    pwd: String,
    /// When it was last nominated.
    checked: Option<Instant>,
}

impl StandIn {
    /// Stands on one of the candidates given to str0m, with the credentials it was given.
    pub(crate) fn new(candidate: &Candidate, ice: &Ice) -> Self {
        Self {
            protocol: candidate.proto(),
            local: candidate.addr(),
            username: format!("{}:{}", ice.ufrag, ice.remote_ufrag),
            pwd: ice.pwd.clone(),
            checked: None,
        }
    }

    /// A datagram as str0m is to see it.
    pub(crate) fn receive<'a>(&self, contents: &'a [u8]) -> Result<Receive<'a>, NetError> {
        Receive::new(self.protocol, REMOTE, self.local, contents)
    }

    /// A check that nominates the pair, when one is due.
    pub(crate) fn check(&mut self, now: Instant, hmac: &dyn Sha1HmacProvider) -> Option<Vec<u8>> {
        let fresh = |at: Instant| now.saturating_duration_since(at) < INTERVAL;
        if self.checked.is_some_and(fresh) {
            return None;
        }
        self.checked = Some(now);
        let id = TransId::new();
        let check = StunMessage::binding_request(&self.username, id, true, 0, PRIORITY, true);
        sealed(check, &self.pwd, hmac)
    }
}

/// Never sent to.
const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 9);
const PRIORITY: u32 = 1;
/// str0m gives up a pair that was not checked for 15 s.
const INTERVAL: Duration = Duration::from_secs(5);
