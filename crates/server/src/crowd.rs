//! How many connections one address has, so that one host does not take everybody's places.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use access::network;

use crate::proxies::Proxies;

/// Those who are there, by address (of IPv6, by /64). Proxies speak for many and are not counted.
#[derive(Debug)]
pub(crate) struct Crowd {
    of_one_max: usize,
    proxies: Proxies,
    /// As many entries as connections at most, which are bounded.
    seated: Mutex<BTreeMap<IpAddr, usize>>,
}

/// One of them, until it leaves or is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    crowd: Arc<Crowd>,
    of: IpAddr,
    counts: AtomicBool,
}

impl Crowd {
    /// At most `of_one_max` of one address at once.
    pub(crate) fn new(of_one_max: usize, proxies: Proxies) -> Arc<Self> {
        Arc::new(Self {
            of_one_max,
            proxies,
            seated: Mutex::default(),
        })
    }

    /// A seat, if its address has not too many.
    pub(crate) fn seat(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let (of, counts) = (network(address), !self.proxies.trusts(address));
        if counts {
            let mut seated = self.seated.lock().unwrap_or_else(PoisonError::into_inner);
            let already = seated.get(&of).copied().unwrap_or(0);
            if already >= self.of_one_max {
                return None;
            }
            seated.insert(of, already + 1);
        }
        Some(Seat {
            crowd: Arc::clone(self),
            of,
            counts: AtomicBool::new(counts),
        })
    }
}

impl Seat {
    /// It is counted no more.
    pub(crate) fn leave(&self) {
        if !self.counts.swap(false, Ordering::Relaxed) {
            return;
        }
        let seated = &self.crowd.seated;
        let mut seated = seated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = seated.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                seated.remove(&self.of);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(crowd: &Arc<Crowd>, address: &str) -> Option<Seat> {
        crowd.seat(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_so_many_seats_and_each_comes_free_once() {
        let crowd = Crowd::new(2, Proxies::default());
        let (first, second) = (seat(&crowd, "192.0.2.1"), seat(&crowd, "192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(seat(&crowd, "192.0.2.1").is_none());
        assert!(seat(&crowd, "192.0.2.2").is_some());
        first.as_ref().unwrap().leave();
        drop(first);
        let third = seat(&crowd, "::ffff:192.0.2.1");
        assert!(third.is_some() && seat(&crowd, "192.0.2.1").is_none());
        drop((second, third));
        assert!(crowd.seated.lock().unwrap().is_empty());
    }

    #[test]
    fn a_household_is_one_and_a_proxy_is_nobody() {
        let crowd = Crowd::new(1, Proxies::new(&["192.0.2.7".parse().unwrap()]));
        let _held = seat(&crowd, "2001:db8:0:1::1").unwrap();
        assert!(seat(&crowd, "2001:db8:0:1::2").is_none());
        assert!(seat(&crowd, "2001:db8:0:2::1").is_some());
        for proxy in ["127.0.0.1", "::1", "192.0.2.7"] {
            let seats: Vec<_> = (0..9).filter_map(|_| seat(&crowd, proxy)).collect();
            assert_eq!(seats.len(), 9, "{proxy}");
        }
    }
}
