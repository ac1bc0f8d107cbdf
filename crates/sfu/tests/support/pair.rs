//! Two str0m peers without SDP: a server whose DTLS is listened to, and a client.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test and benchmark uses its part of the harness, and may fail where it likes"
)]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use str0m::{
    Candidate, Event, Input, Output, Rtc, RtcConfig,
    media::{MediaKind, Mid},
    net::{Protocol, Receive},
    rtp::{RtpPacket, RtpWrite, Ssrc},
};

use super::{listener::Listener, own_srtp::Taken};

/// A server and a client, connected in memory.
pub struct Pair {
    pub server: Rtc,
    pub client: Rtc,
    pub now: Instant,
    pub ssrc: u32,
    pub payload_type: u8,
    pub received: Vec<RtpPacket>,
    listener: &'static Listener,
}

impl Pair {
    /// Two peers with media declared and keys exchanged.
    pub fn connected() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "where virtual time begins does not matter"
        )]
        let now = Instant::now();
        let (listened, listener) = Listener::provider();
        let config = |provider| {
            RtcConfig::new()
                .set_rtp_mode(true)
                .set_crypto_provider(Arc::new(provider))
        };
        let mut server = config(listened).set_ice_lite(true).build(now);
        let mut client = config(str0m::crypto::from_feature_flags()).build(now);
        introduce(&mut server, &mut client);
        let mut pair = Self {
            server,
            client,
            now,
            ssrc: SSRC,
            payload_type: 108,
            received: Vec::new(),
            listener,
        };
        pair.shake_hands();
        pair
    }

    /// The keying material of the server's DTLS.
    pub fn taken(&self) -> Taken {
        self.listener.taken()
    }

    /// Which half of the material is the server's.
    pub fn server_is_dtls_client(&self) -> bool {
        false
    }

    fn shake_hands(&mut self) {
        for _ in 0..1_000 {
            let to_client = drain(&mut self.server, &mut Vec::new());
            let to_server = drain(&mut self.client, &mut self.received);
            for datagram in &to_client {
                receive(
                    &mut self.client,
                    self.now,
                    server_address(),
                    client_address(),
                    datagram,
                );
                drain_into(
                    &mut self.client,
                    self.now,
                    &mut self.server,
                    &mut self.received,
                );
            }
            for datagram in &to_server {
                receive(
                    &mut self.server,
                    self.now,
                    client_address(),
                    server_address(),
                    datagram,
                );
            }
            self.now += Duration::from_millis(5);
            self.server.handle_input(Input::Timeout(self.now)).unwrap();
            self.client.handle_input(Input::Timeout(self.now)).unwrap();
            if self.server.is_connected() && self.client.is_connected() {
                return;
            }
        }
        panic!("the peers do not connect");
    }

    /// What the server sends for one packet.
    pub fn server_writes(&mut self, write: RtpWrite) -> Vec<u8> {
        drain(&mut self.server, &mut Vec::new());
        let mut api = self.server.direct_api();
        api.stream_tx(&Ssrc::from(SSRC)).unwrap().write_rtp(write);
        self.server.handle_input(Input::Timeout(self.now)).unwrap();
        let sent = drain(&mut self.server, &mut Vec::new());
        let media = |datagram: &Vec<u8>| datagram[0] >> 6 == 2 && datagram[1] & 0x7f == 108;
        sent.into_iter()
            .find(media)
            .expect("the packet goes out at once")
    }

    /// Gives the client a datagram from the server.
    pub fn client_receives(&mut self, datagram: &[u8]) {
        receive(
            &mut self.client,
            self.now,
            server_address(),
            client_address(),
            datagram,
        );
        drain(&mut self.client, &mut self.received);
    }
}

/// What SDP would have said.
fn introduce(server: &mut Rtc, client: &mut Rtc) {
    server.add_local_candidate(Candidate::host(server_address(), "udp").unwrap());
    client.add_local_candidate(Candidate::host(client_address(), "udp").unwrap());
    client.add_remote_candidate(Candidate::host(server_address(), "udp").unwrap());
    let mid = Mid::from("0");
    let (mut of_server, mut of_client) = (server.direct_api(), client.direct_api());
    of_server.set_remote_fingerprint(of_client.local_dtls_fingerprint().clone());
    of_client.set_remote_fingerprint(of_server.local_dtls_fingerprint().clone());
    of_server.set_remote_ice_credentials(of_client.local_ice_credentials());
    of_client.set_remote_ice_credentials(of_server.local_ice_credentials());
    of_server.set_ice_controlling(false);
    of_client.set_ice_controlling(true);
    of_server.start_dtls(false).unwrap();
    of_client.start_dtls(true).unwrap();
    of_server.declare_media(mid, MediaKind::Video);
    of_client.declare_media(mid, MediaKind::Video);
    of_server.declare_stream_tx(SSRC.into(), Some((SSRC + 1).into()), mid, None);
    of_client.expect_stream_rx(SSRC.into(), Some((SSRC + 1).into()), mid, None);
}

fn receive(rtc: &mut Rtc, now: Instant, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
    let receive = Receive::new(Protocol::Udp, from, to, datagram).unwrap();
    rtc.handle_input(Input::Receive(now, receive)).unwrap();
}

fn drain_into(from: &mut Rtc, now: Instant, to: &mut Rtc, received: &mut Vec<RtpPacket>) {
    for datagram in drain(from, received) {
        receive(to, now, client_address(), server_address(), &datagram);
    }
}

/// All a peer has to send; what it received goes to `received`.
pub fn drain(rtc: &mut Rtc, received: &mut Vec<RtpPacket>) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    loop {
        match rtc.poll_output().unwrap() {
            Output::Timeout(_) => return sent,
            Output::Transmit(transmit) => sent.push(transmit.contents.into()),
            Output::Event(Event::RtpPacket(packet)) => received.push(packet),
            Output::Event(_) => {}
        }
    }
}

fn server_address() -> SocketAddr {
    "192.0.2.1:8189".parse().unwrap()
}

fn client_address() -> SocketAddr {
    "198.51.100.1:5000".parse().unwrap()
}

const SSRC: u32 = 0x1234_5678;
