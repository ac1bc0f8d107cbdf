//! Whom a request is from when it comes by a proxy: `X-Forwarded-For`, believed of proxies that are trusted.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::config::ProxyNet;

/// The proxies that are trusted; those on this machine always are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// Those in `networks`, and those on this machine.
    pub(crate) fn new(networks: &[ProxyNet]) -> Self {
        Self(networks.iter().map(|network| network.0).collect())
    }

    /// Whether `address` is that of a proxy, and so may speak for many.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.0.iter().any(|network| network.contains(&address))
    }

    /// Whose a request is that `peer` sent. Each proxy adds whom it was asked by at the end, so it is read from there, and
    /// no further than to the first that is not trusted: what stands before that may be made up.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut hops = lines.flat_map(|line| line.to_str().unwrap_or("").rsplit(','));
        let mut client = peer;
        while self.trusts(client) {
            let Some(before) = hops.next().and_then(|hop| address(hop.trim())) else {
                break;
            };
            client = before;
        }
        client
    }
}

/// Some proxies add the port.
fn address(hop: &str) -> Option<IpAddr> {
    let alone = hop.parse().ok();
    alone.or_else(|| hop.parse().ok().map(|hop: SocketAddr| hop.ip()))
}

/// What proxies of every kind send; few send `Forwarded` (RFC 7239).
const FORWARDED_FOR: &str = "x-forwarded-for";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_clients() {
        let proxies = Proxies::new(&["10.0.0.0/8".parse().unwrap()]);
        for (peer, lines, client) in [
            ("203.0.113.9", &["192.0.2.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("127.0.0.1", &["192.0.2.1:40000"], "192.0.2.1"),
            ("::1", &["[2001:db8::1]:40000"], "2001:db8::1"),
            // Made up by the client, and what its proxies said of it.
            ("10.0.0.1", &["1.1.1.1, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["1.1.1.1", "192.0.2.1,10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["1.1.1.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1, "], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            let lines = lines.iter().map(|line| line.parse().unwrap());
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line);
            }
            let found = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(found.to_string(), client, "{peer} {headers:?}");
        }
    }

    #[test]
    fn this_machine_is_trusted_and_others_only_if_they_are_named() {
        let none = Proxies::default();
        let named = Proxies::new(&["192.0.2.7".parse().unwrap()]);
        for (address, by_none, by_named) in [
            ("127.0.0.1", true, true),
            ("::1", true, true),
            ("192.0.2.7", false, true),
            ("192.0.2.8", false, false),
        ] {
            let address = address.parse().unwrap();
            let trusted = (none.trusts(address), named.trusts(address));
            assert_eq!(trusted, (by_none, by_named), "{address}");
        }
    }
}
