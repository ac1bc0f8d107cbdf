//! Where a proxy is: a network or one address.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::NetworkError;

/// The network that a proxy is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyNet(pub(crate) IpNet);

impl FromStr for ProxyNet {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let one = text.parse::<IpAddr>().map(IpNet::from);
        let net = one.or_else(|_| text.parse()).map_err(|_| {
            NetworkError::new(format!(
                "`{text}` is no network; write 10.0.0.0/8, 2001:db8::/32, or the one address of a proxy"
            ))
        })?;
        if net.prefix_len() == 0 {
            return Err(NetworkError::new(format!(
                "`{text}` is everybody, who could then claim to be anybody; name the proxies' network"
            )));
        }
        Ok(Self(net))
    }
}

impl fmt::Display for ProxyNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for ProxyNet {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for ProxyNet {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_or_an_address_is_taken_and_everybody_is_not() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(text.parse::<ProxyNet>().unwrap().to_string(), shown);
        }
        for (wrong, hint) in [
            ("", "10.0.0.0/8"),
            ("proxy.example", "10.0.0.0/8"),
            ("10.0.0.0/33", "10.0.0.0/8"),
            ("0.0.0.0/0", "everybody"),
            ("::/0", "everybody"),
        ] {
            let said = wrong.parse::<ProxyNet>().unwrap_err().to_string();
            assert!(said.contains(hint) && said.contains(wrong), "{said}");
        }
    }
}
