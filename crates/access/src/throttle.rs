//! Wrong credentials are answered late, and whoever sends many of them is told less for a while.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// How much guessing is put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleConfig {
    /// Wrong credentials an address may send in a minute, in a row or spread.
    pub per_minute: u32,
    /// How late a wrong credential is answered at least; up to as much again is added at random.
    pub delay: Duration,
    /// Addresses remembered at once. The one that would be forgiven first is forgotten first.
    pub addresses_max: usize,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            per_minute: 10,
            delay: Duration::from_millis(500),
            // 64 bytes each, twice: half a MiB.
            addresses_max: 4096,
        }
    }
}

/// One bucket an address. Whoever has made no mistake has none, and is never delayed by anybody else's.
#[derive(Debug)]
pub struct Throttle {
    config: ThrottleConfig,
    /// When each bucket will be full again: the later, the more mistakes are in it.
    forgiven: BTreeMap<IpAddr, Instant>,
    /// The same, in the order of the instants.
    order: BTreeSet<(Instant, IpAddr)>,
}

impl Throttle {
    /// Nobody has made a mistake yet.
    pub fn new(config: ThrottleConfig) -> Self {
        Self {
            config,
            forgiven: BTreeMap::new(),
            order: BTreeSet::new(),
        }
    }

    /// Whether one more wrong credential from this address may be answered as such.
    ///
    /// # Errors
    /// How long it must wait.
    pub fn hear(&self, now: Instant, address: IpAddr) -> Result<(), Duration> {
        let Some(forgiven) = self.forgiven.get(&network(address)) else {
            return Ok(());
        };
        // There is room for one more when the bucket, one deeper than now, would still hold `per_minute`.
        let room_at = *forgiven + self.each();
        match room_at.checked_duration_since(now + MINUTE) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => Ok(()),
        }
    }

    /// A credential from this address was wrong: how late to say so. `jitter` is random; all of its range is used.
    pub fn wrong(&mut self, now: Instant, address: IpAddr, jitter: u16) -> Duration {
        self.forget(now);
        let address = network(address);
        let before = self.forgiven.remove(&address);
        if let Some(before) = before {
            self.order.remove(&(before, address));
        }
        // Never more than a minute ahead: a thousand mistakes at once cost no longer than ten.
        let forgiven = (before.unwrap_or(now).max(now) + self.each()).min(now + MINUTE);
        while self.forgiven.len() >= self.config.addresses_max.max(1) {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.forgiven.remove(&oldest);
        }
        self.forgiven.insert(address, forgiven);
        self.order.insert((forgiven, address));
        self.config.delay + self.config.delay * u32::from(jitter) / u32::from(u16::MAX)
    }

    /// How many addresses are remembered.
    pub fn len(&self) -> usize {
        self.forgiven.len()
    }

    /// Nobody is remembered.
    pub fn is_empty(&self) -> bool {
        self.forgiven.is_empty()
    }

    /// What one mistake costs.
    fn each(&self) -> Duration {
        MINUTE / self.config.per_minute.max(1)
    }

    fn forget(&mut self, now: Instant) {
        while let Some((_, address)) = self.order.first().filter(|(at, _)| *at <= now).copied() {
            self.order.pop_first();
            self.forgiven.remove(&address);
        }
    }
}

/// Who counts as one: an IPv4 address, or the /64 of an IPv6 address, which is what one household gets.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// A throttle, an address, and the instant at which it has just made `mistakes`.
    fn after(mistakes: u32) -> (Throttle, IpAddr, Instant) {
        let (mut throttle, now) = (Throttle::new(ThrottleConfig::default()), Instant::now());
        for _ in 0..mistakes {
            throttle.wrong(now, ip("192.0.2.1"), 0);
        }
        (throttle, ip("192.0.2.1"), now)
    }

    #[test]
    fn ten_mistakes_a_minute_are_heard_and_the_next_is_not() {
        for mistakes in 0..10 {
            let (throttle, address, now) = after(mistakes);
            assert_eq!(throttle.hear(now, address), Ok(()), "{mistakes}");
        }
        let (mut throttle, address, now) = after(10);
        assert_eq!(throttle.hear(now, address), Err(6 * SECOND));
        assert_eq!(throttle.hear(now + 5 * SECOND, address), Err(SECOND));
        assert_eq!(throttle.hear(now + 6 * SECOND, address), Ok(()));
        throttle.wrong(now + 6 * SECOND, address, 0);
        assert_eq!(
            throttle.hear(now + 6 * SECOND, address),
            Err(6 * SECOND),
            "one each six seconds from then on"
        );
    }

    #[test]
    fn a_thousand_mistakes_are_forgiven_as_soon_as_ten() {
        let (mut throttle, address, now) = after(1000);
        assert_eq!(throttle.hear(now, address), Err(6 * SECOND));
        throttle.wrong(now + MINUTE, ip("198.51.100.1"), 0);
        assert_eq!(throttle.len(), 1, "after a minute it is forgotten");
    }

    #[test]
    fn others_are_not_held_back() {
        let (throttle, _, now) = after(1000);
        assert_eq!(throttle.hear(now, ip("192.0.2.2")), Ok(()));
    }

    #[test]
    fn an_ipv6_network_is_one_and_a_mapped_address_is_its_ipv4_one() {
        let (mut throttle, _, now) = after(10);
        assert!(throttle.hear(now, ip("::ffff:192.0.2.1")).is_err());
        for host in 0..10 {
            throttle.wrong(now, ip(&format!("2001:db8:0:1::{host:x}")), 0);
        }
        assert!(throttle.hear(now, ip("2001:db8:0:1:ffff::1")).is_err());
        assert_eq!(throttle.hear(now, ip("2001:db8:0:2::1")), Ok(()));
    }

    #[test]
    fn the_table_is_bounded_and_the_least_of_them_is_forgotten() {
        let config = ThrottleConfig {
            addresses_max: 3,
            ..ThrottleConfig::default()
        };
        let (mut throttle, now) = (Throttle::new(config), Instant::now());
        for _ in 0..10 {
            throttle.wrong(now, ip("192.0.2.1"), 0);
        }
        for last in 2..=200_u8 {
            throttle.wrong(now, IpAddr::from([192, 0, 2, last]), 0);
            assert!(throttle.len() <= 3);
            assert_eq!(throttle.order.len(), throttle.len());
        }
        assert!(
            throttle.hear(now, ip("192.0.2.1")).is_err(),
            "a crowd does not wash the worst one out"
        );
    }

    #[test]
    fn a_wrong_credential_is_answered_half_a_second_to_a_second_late() {
        let (mut throttle, address, now) = after(0);
        let half = Duration::from_millis(500);
        assert_eq!(throttle.wrong(now, address, 0), half);
        assert_eq!(throttle.wrong(now, address, u16::MAX), 2 * half);
        let some = throttle.wrong(now, address, 20_000);
        assert!(some > half && some < 2 * half, "{some:?}");
    }
}
