//! Where a viewer is, when its address changes under it.
//!
//! str0m sends to the pair with the highest priority that the viewer nominated, and drops a pair
//! only 15 s after its last check. A NAT that gives the viewer a new port leaves the priority as it
//! was, so media would go to the dead port until then. A browser nominates on the pair it has
//! selected only, so the pair it checks now is the one it wants.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::datagram;

/// The address media goes to.
#[derive(Debug, Default)]
pub(crate) struct Path {
    /// Where str0m last sent anything but an answer to a check.
    chosen: Option<SocketAddr>,
    /// Where it goes instead.
    instead: Option<SocketAddr>,
    /// When each address last proved itself, the oldest acquaintance first.
    heard: VecDeque<(SocketAddr, Instant)>,
}

impl Path {
    /// An authenticated check has come that nominates its path.
    pub(crate) fn nominated(&mut self, now: Instant, source: SocketAddr) {
        match self
            .heard
            .iter_mut()
            .find(|(address, _)| *address == source)
        {
            Some((_, at)) => *at = now,
            None => self.heard.push_back((source, now)),
        }
        if self.heard.len() > ADDRESSES_MAX {
            self.heard.pop_front();
        }
        let chosen = self.chosen;
        if chosen == Some(source) {
            self.instead = None;
        } else if chosen.is_some_and(|chosen| self.is_quiet(now, chosen)) {
            self.instead = Some(source);
        }
    }

    fn is_quiet(&self, now: Instant, address: SocketAddr) -> bool {
        let heard = self.heard.iter().find(|(other, _)| *other == address);
        heard.is_none_or(|(_, at)| now.saturating_duration_since(*at) >= QUIET)
    }

    /// Where a datagram that str0m addressed to `destination` goes.
    pub(crate) fn resolve(&mut self, destination: SocketAddr, contents: &[u8]) -> SocketAddr {
        // An answer goes back to where the check came from.
        if datagram::is_stun(contents) {
            return destination;
        }
        if self.chosen != Some(destination) {
            self.chosen = Some(destination);
            self.instead = None;
        }
        self.instead.unwrap_or(destination)
    }
}

/// Browsers check the path they use every 2.5 s; two paths in turn leave neither quiet for long.
const QUIET: Duration = Duration::from_secs(2);
const ADDRESSES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: &[u8] = &[0x80, 96];

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([198, 51, 100, 1], port))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "where virtual time begins does not matter"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn media_follows_a_viewer_whose_old_address_has_gone_quiet() {
        let (mut path, start) = (Path::default(), start());
        path.nominated(start, address(1));
        assert_eq!(path.resolve(address(1), MEDIA), address(1));
        path.nominated(start + Duration::from_secs(2), address(2));
        assert_eq!(path.resolve(address(1), MEDIA), address(2));
        assert_eq!(
            path.resolve(address(1), &[1, 1]),
            address(1),
            "answers to checks go back"
        );
        path.nominated(start + Duration::from_secs(3), address(1));
        assert_eq!(
            path.resolve(address(1), MEDIA),
            address(1),
            "and back again"
        );
    }

    #[test]
    fn a_second_path_beside_a_live_one_changes_nothing() {
        let (mut path, start) = (Path::default(), start());
        for second in 0..20 {
            let now = start + Duration::from_secs(second);
            path.nominated(now, address(1));
            assert_eq!(path.resolve(address(1), MEDIA), address(1));
            path.nominated(now, address(2));
            assert_eq!(path.resolve(address(1), MEDIA), address(1));
        }
    }

    #[test]
    fn what_the_transport_chooses_anew_is_used() {
        let (mut path, start) = (Path::default(), start());
        path.resolve(address(1), MEDIA);
        path.nominated(start, address(2));
        assert_eq!(path.resolve(address(1), MEDIA), address(2));
        assert_eq!(path.resolve(address(3), MEDIA), address(3));
    }
}
