//! Which addresses a message may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches, as far as a webhook is concerned. Later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Anywhere on the internet.
    Public,
    /// This machine, this network, or set aside: only where the operator allows it.
    Private,
    /// No receiver can be there, or a cloud's metadata service is: never.
    Forbidden,
}

impl Scope {
    /// The scope of `address`. An IPv6 address that carries an IPv4 one is judged by that.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => v4(address),
            IpAddr::V6(address) => v6(address),
        }
    }
}

/// IANA IPv4 Special-Purpose Address Registry (RFC 6890).
fn v4(address: Ipv4Addr) -> Scope {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        // Alibaba's and Oracle's metadata services, in blocks that are otherwise private.
        _ if METADATA_V4.contains(&address) => Scope::Forbidden,
        // "This network", link-local with the metadata services of most clouds, multicast, reserved and broadcast.
        (0, ..) | (169, 254, _) | (224..=255, ..) => Scope::Forbidden,
        // Loopback, RFC 1918, shared address space (RFC 6598).
        (127 | 10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Scope::Private,
        // Protocol assignments, documentation, the old 6to4 relay, benchmarking.
        (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) | (198, 18 | 19, _) => {
            Scope::Private
        }
        _ => Scope::Public,
    }
}

/// IANA IPv6 Special-Purpose Address Registry.
fn v6(address: Ipv6Addr) -> Scope {
    let segments = address.segments();
    if let Some(inner) = carried(segments) {
        return v4(inner);
    }
    match segments {
        _ if METADATA_V6.contains(&address) => Scope::Forbidden,
        [0, 0, 0, 0, 0, 0, 0, 1] => Scope::Private,
        // Unique local, and site-local, which some networks still have.
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Scope::Private,
        // Documentation.
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Scope::Private,
        // Teredo: it carries an IPv4 address, but of a relay's choice.
        [0x2001, 0, ..] => Scope::Forbidden,
        // Other protocol assignments.
        [0x2001, 1..=0x01ff, ..] => Scope::Private,
        [0x2000..=0x3fff, ..] => Scope::Public,
        // Unspecified, link-local, multicast, discard-only, unassigned.
        _ => Scope::Forbidden,
    }
}

/// The IPv4 address inside a mapped (`::ffff:0:0/96`), compatible (`::/96`), NAT64 (RFC 6052, RFC 8215) or 6to4 one.
fn carried(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(join(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0x0064, 0xff9b, 1, _, _, _, high, low] => {
            Some(join(high, low))
        }
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

const METADATA_V4: [Ipv4Addr; 2] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// Amazon's and Google's.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn all(scope: Scope, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(Scope::of(address.parse().unwrap()), scope, "{address}");
        }
    }

    #[test]
    fn the_internet_is_public() {
        all(
            Scope::Public,
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.1",
                "169.253.255.255",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.0",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "223.255.255.255",
                "2606:4700::1111",
                "2a00:1450::1",
                "2002:0101:0101::1",
                "64:ff9b::1.1.1.1",
            ],
        );
    }

    #[test]
    fn this_network_is_private_however_it_is_written() {
        all(
            Scope::Private,
            &[
                "127.0.0.1",
                "127.255.255.254",
                "10.0.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "198.18.0.1",
                "203.0.113.9",
                "::1",
                "fc00::1",
                "fdff::1",
                "fec0::1",
                "2001:db8::1",
                "::ffff:127.0.0.1",
                "::ffff:10.1.2.3",
                "::10.0.0.1",
                "64:ff9b::192.168.0.1",
                "64:ff9b:1::127.0.0.1",
                "2002:7f00:0001::1",
            ],
        );
    }

    #[test]
    fn metadata_services_and_what_no_receiver_has_are_forbidden() {
        all(
            Scope::Forbidden,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "169.254.169.254",
                "169.254.170.2",
                "100.100.100.200",
                "192.0.0.192",
                "224.0.0.1",
                "255.255.255.255",
                "240.0.0.1",
                "::",
                "fe80::1",
                "ff02::1",
                "100::1",
                "2001:0:1::1",
                "4000::1",
                "fd00:ec2::254",
                "::ffff:169.254.169.254",
                "::ffff:0.0.0.0",
                "64:ff9b::169.254.169.254",
                "2002:a9fe:a9fe::1",
            ],
        );
    }
}
