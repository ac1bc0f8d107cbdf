//! Counting viewers who have no sessions.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::IpAddr,
    time::{Duration, Instant},
};

/// Who fetched a playlist lately: HLS has no sessions, and a token in the URIs would keep caches from sharing.
#[derive(Debug, Default)]
pub(super) struct Clients {
    last: BTreeMap<u64, Instant>,
    /// No seen time is older than this, so counting before the next one needs no sweep.
    swept: Option<Instant>,
}

impl Clients {
    pub(super) fn seen(&mut self, address: IpAddr, user_agent: &[u8], now: Instant) {
        let mut hasher = DefaultHasher::new();
        (address, user_agent).hash(&mut hasher);
        self.sweep(now);
        let client = hasher.finish();
        if self.last.len() < CLIENTS_MAX || self.last.contains_key(&client) {
            self.last.insert(client, now);
        }
    }

    pub(super) fn count(&mut self, now: Instant) -> usize {
        self.sweep(now);
        self.last.len()
    }

    fn sweep(&mut self, now: Instant) {
        let due = self
            .swept
            .is_none_or(|swept| now.duration_since(swept) >= SWEEP_INTERVAL);
        if due {
            self.last
                .retain(|_, seen| now.duration_since(*seen) <= VIEWER_MEMORY);
            self.swept = Some(now);
        }
    }
}

/// A player without low latency reloads each target duration, 10 s at most.
const VIEWER_MEMORY: Duration = Duration::from_secs(10);
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// 16 bytes each; past it the count stands still rather than the memory growing.
const CLIENTS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::io::clock;

    #[test]
    fn a_viewer_is_a_client_that_came_back_lately() {
        let mut clients = Clients::default();
        let now = clock::monotonic();
        let home = IpAddr::from(Ipv4Addr::LOCALHOST);
        clients.seen(home, b"hls.js", now);
        clients.seen(home, b"hls.js", now + Duration::from_secs(2));
        clients.seen(home, b"ffmpeg", now + Duration::from_secs(2));
        assert_eq!(clients.count(now + Duration::from_secs(3)), 2);
        clients.seen(home, b"hls.js", now + Duration::from_secs(11));
        assert_eq!(clients.count(now + Duration::from_secs(14)), 1);
    }
}
