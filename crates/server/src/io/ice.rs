//! Where WebRTC is reached: its sockets, the candidates peers are told of, and what speaks against them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};
use tracing::{info, warn};
use webhooks::Scope;

use super::udp::BoundUdp;
use crate::{
    Error,
    config::{Advertised, Config, TcpListen, Webrtc, is_link_local},
};

/// Bound sockets, and what peers are told of them.
#[derive(Debug)]
pub(crate) struct IceSockets {
    pub(crate) udp: BoundUdp,
    pub(crate) tcp: Option<TcpListener>,
    pub(crate) candidates: Candidates,
}

/// What every answer lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Candidates {
    pub(crate) udp: Vec<SocketAddr>,
    pub(crate) tcp: Vec<SocketAddr>,
}

impl IceSockets {
    /// Binds what the configuration names.
    ///
    /// # Errors
    /// An address that cannot be listened on.
    pub(crate) async fn bind(config: &Webrtc) -> Result<Self, Error> {
        let udp = BoundUdp::bind(config.listen, config.socket_buffer.as_usize())
            .map_err(Error::listen("webrtc.listen", config.listen))?;
        let tcp = bind_tcp(config, udp.local).await?;
        let interfaces = if udp.local.ip().is_unspecified() {
            interfaces().unwrap_or_else(|error| {
                warn!(%error, "the addresses of this machine are not known; set `webrtc.advertised_addresses`");
                Vec::new()
            })
        } else {
            Vec::new()
        };
        let choose = |listen| choose(listen, &config.advertised_addresses, &interfaces);
        let tcp_at = tcp.as_ref().map(TcpListener::local_addr).transpose();
        let tcp_at = tcp_at.map_err(Error::system("address of the WebRTC TCP listener"))?;
        let candidates = Candidates {
            udp: choose(udp.local),
            tcp: tcp_at.map(choose).unwrap_or_default(),
        };
        Ok(Self {
            udp,
            tcp,
            candidates,
        })
    }

    /// Says what peers are told, and warns of what will keep them from connecting.
    pub(crate) async fn look(&self, config: &Config) {
        let Candidates { udp, tcp } = &self.candidates;
        info!(?udp, ?tcp, "WebRTC candidates");
        let facts = Facts {
            candidates: &self.candidates,
            http: config.http.listen.ip(),
            unreached_udp: self.unreached_udp().await,
            unreached_tcp: self.unreached_tcp().await,
            buffer: self.udp.buffer,
            buffer_wanted: config.webrtc.socket_buffer.as_usize(),
        };
        for verdict in facts.verdicts() {
            warn!("{verdict}");
        }
    }

    /// Candidates where a datagram from here does not arrive.
    async fn unreached_udp(&self) -> Vec<SocketAddr> {
        let mut unreached = Vec::new();
        for candidate in &self.candidates.udp {
            let arrived = timeout(PROBE_TIME_MAX, self.udp_arrives(*candidate)).await;
            if !matches!(arrived, Ok(Ok(()))) {
                unreached.push(*candidate);
            }
        }
        unreached
    }

    /// Sends a binding request (RFC 8489 section 6) and waits for it on the socket, which nobody else reads yet.
    async fn udp_arrives(&self, candidate: SocketAddr) -> io::Result<()> {
        let ours = UdpSocket::from_std(self.udp.try_clone()?)?;
        let any: IpAddr = match candidate {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let stranger = UdpSocket::bind((any, 0)).await?;
        let mut request = [0; 20];
        request[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
        request[8..].copy_from_slice(&rand::random::<[u8; 12]>());
        stranger.send_to(&request, candidate).await?;
        let mut buffer = [0; 64];
        // Whatever else has come is for nobody: there is no session yet.
        while ours.recv_from(&mut buffer).await?.0 != request.len() || buffer[..20] != request {}
        Ok(())
    }

    async fn unreached_tcp(&self) -> Vec<SocketAddr> {
        let mut unreached = Vec::new();
        for candidate in &self.candidates.tcp {
            let connected = timeout(PROBE_TIME_MAX, TcpStream::connect(candidate)).await;
            if !matches!(connected, Ok(Ok(_))) {
                unreached.push(*candidate);
            }
        }
        unreached
    }
}

async fn bind_tcp(config: &Webrtc, udp: SocketAddr) -> Result<Option<TcpListener>, Error> {
    let listen = match config.tcp_listen {
        TcpListen::Off => return Ok(None),
        TcpListen::At(address) => address,
        TcpListen::Same => udp,
    };
    let bound = TcpListener::bind(listen).await;
    // Where the system chose UDP's port, TCP's may be taken.
    let chosen = config.tcp_listen == TcpListen::Same && config.listen.port() == 0;
    let bound = match bound {
        Err(error) if chosen && error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind((listen.ip(), 0)).await
        }
        bound => bound,
    };
    bound
        .map(Some)
        .map_err(Error::listen("webrtc.tcp_listen", listen))
}

fn interfaces() -> io::Result<Vec<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    Ok(interfaces.iter().map(if_addrs::Interface::ip).collect())
}

/// The addresses peers are told of a listener: those that are advertised, or its own, which for a wildcard are the
/// machine's.
fn choose(listen: SocketAddr, advertised: &[Advertised], interfaces: &[IpAddr]) -> Vec<SocketAddr> {
    let mut chosen: Vec<SocketAddr> = if !advertised.is_empty() {
        let at = |a: &Advertised| SocketAddr::new(a.ip, a.port.unwrap_or_else(|| listen.port()));
        advertised.iter().map(at).collect()
    } else if !listen.ip().is_unspecified() {
        vec![listen]
    } else {
        // `[::]` takes both families, `0.0.0.0` one.
        let fits = |ip: &&IpAddr| {
            !is_link_local(**ip) && !ip.is_unspecified() && (listen.is_ipv6() || ip.is_ipv4())
        };
        let (own, others): (Vec<_>, Vec<_>) = interfaces
            .iter()
            .filter(fits)
            .partition(|ip| ip.is_loopback());
        // Who could use a loopback address can use any other.
        let mut usable = if others.is_empty() { own } else { others };
        if usable.is_empty() {
            usable.push(Ipv4Addr::LOCALHOST.into());
        }
        let at = |ip| SocketAddr::new(ip, listen.port());
        usable.into_iter().map(at).collect()
    };
    let mut seen = std::collections::BTreeSet::new();
    chosen.retain(|address| seen.insert(*address));
    chosen.truncate(CANDIDATES_MAX);
    chosen
}

/// What is known at the start.
struct Facts<'a> {
    candidates: &'a Candidates,
    /// Where HTTP listens.
    http: IpAddr,
    unreached_udp: Vec<SocketAddr>,
    unreached_tcp: Vec<SocketAddr>,
    buffer: usize,
    buffer_wanted: usize,
}

impl Facts<'_> {
    /// What will keep peers from connecting, each with its remedy.
    fn verdicts(&self) -> Vec<String> {
        let all = || self.candidates.udp.iter().chain(&self.candidates.tcp);
        let mut verdicts = Vec::new();
        if all().all(|candidate| candidate.ip().is_loopback()) && !self.http.is_loopback() {
            verdicts.push(
                "WebRTC peers on other machines cannot connect: every candidate is a loopback address. Set \
                 `webrtc.listen` to 0.0.0.0:8189 or [::]:8189, or name this machine's address in \
                 `webrtc.advertised_addresses`"
                    .to_owned(),
            );
        } else if is_public(self.http) && !all().any(|candidate| is_public(candidate.ip())) {
            verdicts.push(format!(
                "WebRTC peers on the internet cannot connect: HTTP is at the public address {}, every candidate is \
                 private. Name the public address in `webrtc.advertised_addresses`",
                self.http
            ));
        }
        for (unreached, key, protocol) in [
            (&self.unreached_udp, "webrtc.listen", "UDP"),
            (&self.unreached_tcp, "webrtc.tcp_listen", "TCP"),
        ] {
            for candidate in unreached {
                verdicts.push(format!(
                    "the {protocol} candidate {candidate} is not reached from this machine: open its port in the \
                     firewall, or correct `{key}` or `webrtc.advertised_addresses`. Behind a NAT that does not lead \
                     back (no hairpinning) this says nothing about other machines"
                ));
            }
        }
        if self.buffer < self.buffer_wanted {
            verdicts.push(format!(
                "the kernel grants the WebRTC socket buffers of {} KiB, `webrtc.socket_buffer` asks for {} KiB: large \
                 bursts will lose datagrams. Raise net.core.rmem_max and net.core.wmem_max (sysctl)",
                self.buffer >> 10,
                self.buffer_wanted >> 10
            ));
        }
        verdicts
    }
}

/// On the internet, as far as an address says.
fn is_public(ip: IpAddr) -> bool {
    Scope::of(ip) == Scope::Public
}

/// More only make checks slower: a peer tries each of its addresses with each of them.
const CANDIDATES_MAX: usize = 16;
const PROBE_TIME_MAX: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn chosen(listen: &str, advertised: &[&str], interfaces: &[&str]) -> Vec<SocketAddr> {
        let advertised: Vec<_> = advertised
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let interfaces: Vec<_> = interfaces
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        choose(listen.parse().unwrap(), &advertised, &interfaces)
    }

    const MACHINE: [&str; 7] = [
        "127.0.0.1",
        "::1",
        "10.0.0.7",
        "169.254.3.4",
        "fe80::1",
        "2001:db8::7",
        "10.0.0.7",
    ];

    #[test]
    fn a_wildcard_becomes_the_machines_addresses_of_its_families() {
        assert_eq!(
            chosen("0.0.0.0:5", &[], &MACHINE),
            addresses(&["10.0.0.7:5"])
        );
        assert_eq!(
            chosen("[::]:5", &[], &MACHINE),
            addresses(&["10.0.0.7:5", "[2001:db8::7]:5"])
        );
        assert_eq!(
            chosen("[::]:5", &[], &MACHINE[..2]),
            addresses(&["127.0.0.1:5", "[::1]:5"]),
            "a machine without a network serves itself"
        );
        assert_eq!(chosen("0.0.0.0:5", &[], &[]), addresses(&["127.0.0.1:5"]));
    }

    #[test]
    fn one_address_stands_for_itself_and_what_is_advertised_for_all() {
        assert_eq!(
            chosen("10.0.0.7:5", &[], &MACHINE),
            addresses(&["10.0.0.7:5"])
        );
        for listen in ["0.0.0.0:5", "10.0.0.7:5"] {
            let advertised = [
                "203.0.113.5",
                "203.0.113.6:9",
                "2001:db8::9",
                "203.0.113.5:5",
            ];
            assert_eq!(
                chosen(listen, &advertised, &MACHINE),
                addresses(&["203.0.113.5:5", "203.0.113.6:9", "[2001:db8::9]:5"])
            );
        }
        let many: Vec<String> = (0..99).map(|n| format!("10.1.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(chosen("0.0.0.0:5", &[], &many).len(), CANDIDATES_MAX);
    }

    fn verdicts(candidates: &[&str], http: &str) -> Vec<String> {
        let candidates = Candidates {
            udp: addresses(candidates),
            tcp: Vec::new(),
        };
        let facts = Facts {
            candidates: &candidates,
            http: http.parse().unwrap(),
            unreached_udp: Vec::new(),
            unreached_tcp: Vec::new(),
            buffer: 1,
            buffer_wanted: 1,
        };
        facts.verdicts()
    }

    #[test]
    fn what_keeps_peers_from_connecting_is_said_with_its_remedy() {
        let only = |verdicts: Vec<String>, words: [&str; 2]| {
            assert_eq!(verdicts.len(), 1, "{verdicts:?}");
            assert!(
                words.iter().all(|word| verdicts[0].contains(word)),
                "{verdicts:?}"
            );
        };
        only(
            verdicts(&["127.0.0.1:5", "[::1]:5"], "0.0.0.0"),
            ["loopback", "webrtc.listen"],
        );
        only(
            verdicts(&["10.0.0.7:5"], "8.8.8.8"),
            ["private", "webrtc.advertised_addresses"],
        );
        for (candidate, http) in [
            ("127.0.0.1:5", "127.0.0.1"),
            ("10.0.0.7:5", "0.0.0.0"),
            ("8.8.8.8:5", "8.8.8.8"),
            ("10.0.0.7:5", "10.0.0.7"),
        ] {
            assert!(
                verdicts(&[candidate], http).is_empty(),
                "{candidate} {http}"
            );
        }
        let facts = Facts {
            candidates: &Candidates::default(),
            http: Ipv4Addr::LOCALHOST.into(),
            unreached_udp: addresses(&["203.0.113.5:5"]),
            unreached_tcp: addresses(&["203.0.113.5:443"]),
            buffer: 212_992,
            buffer_wanted: 4 << 20,
        };
        let said = facts.verdicts();
        assert!(said[0].contains("UDP candidate 203.0.113.5:5"), "{said:?}");
        assert!(said[1].contains("webrtc.tcp_listen"), "{said:?}");
        assert!(
            said[2].contains("208 KiB") && said[2].contains("net.core.rmem_max"),
            "{said:?}"
        );
    }

    #[tokio::test]
    async fn own_candidates_are_reached_and_others_are_not() {
        for listen in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
            let config = Webrtc {
                listen: listen.parse().unwrap(),
                ..Webrtc::default()
            };
            let mut sockets = IceSockets::bind(&config).await.unwrap();
            assert!(!sockets.candidates.tcp.is_empty());
            assert_eq!(sockets.unreached_udp().await, []);
            assert_eq!(sockets.unreached_tcp().await, []);
            // Nobody listens at the discard port.
            sockets.candidates.udp = addresses(&["127.0.0.1:9"]);
            sockets.candidates.tcp = addresses(&["127.0.0.1:9"]);
            assert_eq!(sockets.unreached_udp().await, sockets.candidates.udp);
            assert_eq!(sockets.unreached_tcp().await, sockets.candidates.tcp);
        }
    }

    #[tokio::test]
    async fn tcp_can_be_off_or_elsewhere() {
        let config = |tcp_listen| Webrtc {
            listen: "127.0.0.1:0".parse().unwrap(),
            tcp_listen,
            ..Webrtc::default()
        };
        let off = IceSockets::bind(&config(TcpListen::Off)).await.unwrap();
        assert!(off.tcp.is_none() && off.candidates.tcp.is_empty());
        let elsewhere = TcpListen::At("127.0.0.2:0".parse().unwrap());
        let elsewhere = IceSockets::bind(&config(elsewhere)).await.unwrap();
        assert_eq!(elsewhere.candidates.tcp[0].ip().to_string(), "127.0.0.2");
    }
}
