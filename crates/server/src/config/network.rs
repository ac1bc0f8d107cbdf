//! Values that say where WebRTC is reached: advertised addresses, the TCP listener, ICE servers.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::secret::Secret;

/// An address peers can reach this server at; without a port, at the listener's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertised {
    /// The address.
    pub ip: IpAddr,
    /// The port of both UDP and TCP, where a NAT changes it.
    pub port: Option<u16>,
}

/// Where WebRTC takes TCP connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TcpListen {
    /// At the address and port of UDP.
    #[default]
    Same,
    /// Nowhere.
    Off,
    /// There.
    At(SocketAddr),
}

/// A STUN or TURN server that peers are told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// `stun:`, `stuns:`, `turn:` or `turns:` (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// Of TURN.
    #[serde(default)]
    pub username: String,
    /// Of TURN: the password, which every peer is told.
    #[serde(default)]
    pub credential: Secret,
}

/// What is wrong with one of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NetworkError(String);

impl NetworkError {
    pub(super) fn new(what: String) -> Self {
        Self(what)
    }
}

impl FromStr for Advertised {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (ip, port) = match (text.parse::<IpAddr>(), text.parse::<SocketAddr>()) {
            (Ok(ip), _) => (ip, None),
            (_, Ok(address)) => (address.ip(), Some(address.port())),
            _ => {
                return Err(NetworkError(format!(
                    "`{text}` is not an address; write 203.0.113.5, 203.0.113.5:8189, 2001:db8::5 or \
                     [2001:db8::5]:8189 (a host name will not do: browsers take candidates as they are)"
                )));
            }
        };
        let ip = ip.to_canonical();
        if ip.is_unspecified() || ip.is_multicast() || is_link_local(ip) || port == Some(0) {
            return Err(NetworkError(format!(
                "`{text}` is nowhere a peer could send to; name the address peers see this server at"
            )));
        }
        Ok(Self { ip, port })
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}

impl FromStr for TcpListen {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        match text {
            "" => Ok(Self::Off),
            "same" => Ok(Self::Same),
            address => address.parse().map(Self::At).map_err(|_| {
                NetworkError(format!(
                    "`{text}` is neither `same` (as webrtc.listen), nor an address and port like \
                     127.0.0.1:8189, nor empty (off)"
                ))
            }),
        }
    }
}

impl fmt::Display for TcpListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::Off => Ok(()),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl IceServer {
    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// Names the value and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        if self.urls.is_empty() {
            return Err(NetworkError("`urls` is empty; name at least one".into()));
        }
        let needs_credential = |url: &String| url.starts_with("turn");
        for url in &self.urls {
            check_url(url)?;
        }
        if self.urls.iter().any(needs_credential)
            && (self.username.is_empty() || self.credential.is_empty())
        {
            let what = "a TURN server needs `username` and `credential` (RFC 8656 section 5)";
            return Err(NetworkError(what.into()));
        }
        for (key, value) in [
            ("username", &self.username),
            ("credential", &self.credential.0),
        ] {
            // OBS splits the header at every comma, also inside of quotes.
            let fits = |c: char| (' '..='~').contains(&c) && !matches!(c, '"' | '\\' | ',');
            if value.len() > VALUE_MAX || !value.chars().all(fits) {
                return Err(NetworkError(format!(
                    "`{key}` must be at most {VALUE_MAX} ASCII characters without comma, quote and backslash: it \
                     goes into a Link header"
                )));
            }
        }
        Ok(())
    }

    /// The server as `Link` header values, one per URL (RFC 9725 section 4.6).
    pub fn links(&self) -> impl Iterator<Item = String> {
        self.urls.iter().map(|url| {
            let link = format!("<{url}>; rel=\"ice-server\"");
            if url.starts_with("turn") {
                format!(
                    "{link}; username=\"{}\"; credential=\"{}\"; credential-type=\"password\"",
                    self.username, self.credential.0
                )
            } else {
                link
            }
        })
    }
}

fn check_url(url: &str) -> Result<(), NetworkError> {
    let wrong = || {
        NetworkError(format!(
            "`{url}` is no ICE server's URL; write stun:HOST:PORT or turn:HOST:PORT?transport=udp (also stuns:, turns:)"
        ))
    };
    let (scheme, rest) = url.split_once(':').ok_or_else(wrong)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_~:[]?=".contains(&b);
    let known = matches!(scheme, "stun" | "stuns" | "turn" | "turns");
    if !known || rest.is_empty() || url.len() > VALUE_MAX || !rest.bytes().all(plain) {
        return Err(wrong());
    }
    Ok(())
}

/// Reachable from one link only, and of no use without its name.
pub(crate) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

impl<'de> Deserialize<'de> for Advertised {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Advertised {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TcpListen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for TcpListen {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

const VALUE_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advertised_address_has_a_port_or_not_and_is_somewhere() {
        for text in [
            "203.0.113.5",
            "203.0.113.5:9",
            "2001:db8::5",
            "[2001:db8::5]:9",
        ] {
            assert_eq!(text.parse::<Advertised>().unwrap().to_string(), text);
        }
        for wrong in [
            "shop.example",
            "0.0.0.0",
            "[::]:9",
            "169.254.1.1",
            "fe80::1",
            "224.0.0.1",
            "",
            "1.2.3.4:0",
        ] {
            let said = wrong.parse::<Advertised>().unwrap_err().to_string();
            assert!(said.contains(&format!("`{wrong}`")), "{said}");
        }
    }

    #[test]
    fn tcp_is_where_udp_is_unless_said_otherwise() {
        for text in ["same", "", "127.0.0.1:443", "[::1]:443"] {
            assert_eq!(text.parse::<TcpListen>().unwrap().to_string(), text);
        }
        assert!("on".parse::<TcpListen>().is_err());
    }

    fn server(url: &str, username: &str, credential: &str) -> IceServer {
        IceServer {
            urls: vec![url.into()],
            username: username.into(),
            credential: Secret(credential.into()),
        }
    }

    #[test]
    fn ice_servers_become_links_obs_can_read() {
        let stun = server("stun:stun.example:3478", "", "");
        assert_eq!(stun.check(), Ok(()));
        let links: Vec<_> = stun.links().collect();
        assert_eq!(links, ["<stun:stun.example:3478>; rel=\"ice-server\""]);
        let turn = server("turn:turn.example?transport=udp", "shop", "s3cret");
        assert_eq!(turn.check(), Ok(()));
        let links: Vec<_> = turn.links().collect();
        assert_eq!(
            links,
            [
                "<turn:turn.example?transport=udp>; rel=\"ice-server\"; username=\"shop\"; credential=\"s3cret\"; \
              credential-type=\"password\""
            ]
        );
        let shown = format!("{turn:?}{}", toml::to_string(&turn).unwrap());
        assert!(
            shown.contains("shop") && !shown.contains("s3cret"),
            "{shown}"
        );
    }

    #[test]
    fn what_would_break_the_header_is_refused() {
        for wrong in [
            server("http://stun.example", "", ""),
            server("stun:", "", ""),
            server("stun:a,b", "", ""),
            server("stun:a>; rel=\"x\"", "", ""),
            server("turn:turn.example", "", ""),
            server("turn:turn.example", "shop", ""),
            server("turn:turn.example", "shop", "a,b"),
            server("turn:turn.example", "sh\"op", "b"),
            server("turn:turn.example", "shop", "a\r\nb"),
            IceServer {
                urls: vec![],
                username: String::new(),
                credential: Secret::default(),
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
