//! Which of a peer's ways media takes: the controlled side's half of ICE (RFC 8445 section 8.1).
//!
//! A lite agent sends no checks. A peer proves each way by its own, and nominates the one it wants;
//! of several the one of highest priority is used. A NAT that gives the peer a new port leaves the
//! priority as it was, so a way that has gone quiet gives place to the one that is checked now.
//! Chromium and Safari nominate with every check on the pair they have selected, and there only.
//! Others (Firefox, pion, aioice) nominate once and keep the pair alive with plain checks; those
//! move media only when nothing has come by the old way for longer than they leave between two.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{FiveTuple, Protocol};

/// A peer's nominated ways.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// The one last heard of last.
    known: VecDeque<Path>,
    chosen: Option<FiveTuple>,
    /// The ICE session they are of.
    generation: u32,
}

#[derive(Debug)]
struct Path {
    tuple: FiveTuple,
    priority: u64,
    /// When it last proved itself.
    heard: Instant,
}

impl Paths {
    /// The way media goes, once the peer has nominated one.
    pub(crate) fn chosen(&self) -> Option<FiveTuple> {
        self.chosen
    }

    /// An authenticated check of the ICE session `generation` has come that nominates its path;
    /// `priority` is the one it carries. True if it is the first of a new session.
    pub(crate) fn nominated(
        &mut self,
        now: Instant,
        tuple: FiveTuple,
        generation: u32,
        priority: u32,
    ) -> bool {
        if generation < self.generation {
            return false;
        }
        // RFC 8445 section 9: what a restart replaces goes on until the new session has a path.
        let begins = generation > self.generation;
        if begins {
            self.generation = generation;
            self.known.clear();
            self.chosen = None;
        }
        let priority = pair_priority(priority, tuple.protocol);
        self.note(now, tuple, priority);
        let chosen = self
            .known
            .iter()
            .find(|path| Some(path.tuple) == self.chosen);
        let keeps = chosen.is_some_and(|chosen| {
            let quiet = now.saturating_duration_since(chosen.heard) >= QUIET;
            !quiet && chosen.priority >= priority
        });
        if !keeps {
            self.chosen = Some(tuple);
        }
        begins
    }

    /// An authenticated check has come that nominates nothing: the way lives, and takes the place of
    /// one that does not.
    pub(crate) fn checked(
        &mut self,
        now: Instant,
        tuple: FiveTuple,
        generation: u32,
        priority: u32,
    ) {
        if generation != self.generation {
            return;
        }
        let is_dead = |path: &Path| now.saturating_duration_since(path.heard) >= DEAD;
        let mut known = self.known.iter();
        let takes_over = known
            .any(|path| Some(path.tuple) == self.chosen && path.tuple != tuple && is_dead(path));
        let is_known = self.known.iter().any(|path| path.tuple == tuple);
        if takes_over || is_known {
            self.note(now, tuple, pair_priority(priority, tuple.protocol));
        }
        if takes_over {
            self.chosen = Some(tuple);
        }
    }

    fn note(&mut self, now: Instant, tuple: FiveTuple, priority: u64) {
        self.known.retain(|path| path.tuple != tuple);
        self.known.push_back(Path {
            tuple,
            priority,
            heard: now,
        });
        if self.known.len() > PATHS_MAX {
            self.known.pop_front();
        }
    }

    /// A way is gone: the one last heard of is the best that is left.
    pub(crate) fn closed(&mut self, tuple: FiveTuple) {
        self.known.retain(|path| path.tuple != tuple);
        if self.chosen == Some(tuple) {
            let latest = self.known.iter().max_by_key(|path| path.heard);
            self.chosen = latest.map(|path| path.tuple);
        }
    }
}

/// RFC 8445 section 6.1.2.3, the peer controlling: `2^32*MIN(G,D) + 2*MAX(G,D) + (G>D?1:0)`.
fn pair_priority(remote: u32, protocol: Protocol) -> u64 {
    // Section 5.1.2.1, with libwebrtc's type preference for a host's TCP; addresses are not told
    // apart, the peer's priorities do that.
    let type_preference = match protocol {
        Protocol::Udp => 126,
        Protocol::Tcp => 90,
    };
    let (ours, theirs) = (
        (type_preference << 24) | (65_535 << 8) | 255,
        u64::from(remote),
    );
    (ours.min(theirs) << 32) + 2 * ours.max(theirs) + u64::from(theirs > ours)
}

/// Browsers check the path they use every 2.5 s; two paths in turn leave neither quiet for long.
const QUIET: Duration = Duration::from_secs(2);
/// Plain checks are 5 s apart, a fifth more or less (RFC 7675 section 5.1).
const DEAD: Duration = Duration::from_secs(8);
const PATHS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: u32 = (126 << 24) | (65_535 << 8) | 255;

    fn udp(port: u16) -> FiveTuple {
        FiveTuple {
            protocol: Protocol::Udp,
            local: ([192, 0, 2, 1], 8189).into(),
            remote: ([198, 51, 100, 1], port).into(),
        }
    }

    fn tcp(port: u16) -> FiveTuple {
        FiveTuple {
            protocol: Protocol::Tcp,
            ..udp(port)
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "where virtual time begins does not matter"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn media_follows_a_peer_whose_old_address_has_gone_quiet() {
        let (mut paths, start) = (Paths::default(), start());
        assert_eq!(paths.chosen(), None);
        paths.nominated(start, udp(1), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(1)));
        paths.nominated(start + Duration::from_millis(1_900), udp(2), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(1)));
        paths.nominated(start + Duration::from_secs(2), udp(2), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(2)));
        paths.nominated(start + Duration::from_secs(5), udp(1), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(1)), "and back again");
    }

    #[test]
    fn a_second_path_beside_a_live_one_changes_nothing_unless_it_is_better() {
        let (mut paths, start) = (Paths::default(), start());
        for second in 0..20 {
            let now = start + Duration::from_secs(second);
            paths.nominated(now, tcp(1), 0, HOST);
            paths.nominated(now, tcp(2), 0, HOST);
            paths.nominated(now, tcp(3), 0, HOST - 1);
            assert_eq!(paths.chosen(), Some(tcp(1)));
        }
        paths.nominated(start + Duration::from_secs(20), udp(1), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(1)), "UDP is better than TCP");
        paths.nominated(start + Duration::from_secs(20), tcp(1), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(1)));
        assert!(pair_priority(HOST + 1, Protocol::Udp) > pair_priority(HOST, Protocol::Udp));
    }

    #[test]
    fn a_check_that_nominates_nothing_moves_media_only_off_a_dead_path() {
        let (mut paths, start) = (Paths::default(), start());
        let at = |second| start + Duration::from_secs(second);
        paths.checked(at(0), udp(1), 0, HOST);
        assert_eq!(paths.chosen(), None, "nothing was nominated yet");
        paths.nominated(at(0), udp(1), 0, HOST);
        paths.checked(at(5), udp(1), 0, HOST);
        paths.checked(at(6), udp(2), 0, HOST);
        paths.checked(at(10), udp(1), 0, HOST);
        paths.checked(at(17), udp(2), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(1)));
        paths.checked(at(18), udp(2), 1, HOST);
        assert_eq!(paths.chosen(), Some(udp(1)), "of another ICE session");
        paths.checked(at(18), udp(2), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(2)), "the NAT has a new port");
        paths.checked(at(23), udp(1), 0, HOST);
        assert_eq!(paths.chosen(), Some(udp(2)));
    }

    #[test]
    fn a_restart_takes_over_with_its_first_path_and_never_looks_back() {
        let (mut paths, start) = (Paths::default(), start());
        assert!(!paths.nominated(start, udp(1), 0, HOST));
        assert!(paths.nominated(start, tcp(2), 2, 1));
        assert_eq!(paths.chosen(), Some(tcp(2)));
        let later = start + Duration::from_secs(9);
        assert!(!paths.nominated(later, udp(1), 0, HOST));
        assert!(!paths.nominated(later, udp(1), 1, HOST));
        assert_eq!(paths.chosen(), Some(tcp(2)));
    }

    #[test]
    fn a_connection_that_is_gone_leaves_the_path_last_heard_of() {
        let (mut paths, start) = (Paths::default(), start());
        let at = |second| start + Duration::from_secs(second);
        paths.nominated(at(0), tcp(1), 0, 1);
        paths.nominated(at(1), tcp(2), 0, 1);
        paths.nominated(at(1), tcp(3), 0, HOST);
        paths.closed(tcp(3));
        assert_eq!(paths.chosen(), Some(tcp(2)));
        paths.closed(tcp(1));
        paths.closed(tcp(2));
        assert_eq!(paths.chosen(), None);
        for port in 0..20 {
            paths.nominated(at(2), udp(port), 0, HOST);
        }
        assert_eq!(paths.known.len(), PATHS_MAX);
    }
}
