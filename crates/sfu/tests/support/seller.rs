//! A publisher by WHIP and the shard it publishes to, in virtual time, with a network that can lose
//! things.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses its part of the harness, and may fail where it likes"
)]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use sfu::{
    ClosedReason, Config, Event, FiveTuple, Ingest, Input, Output, PublishOffer, Refusal,
    SessionId, Sfu,
};
use str0m::{
    Candidate, Event as RtcEvent, Input as RtcInput, Output as RtcOutput, Rtc, RtcConfig,
    change::SdpAnswer,
    crypto::CryptoProvider,
    media::{Direction, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer},
    net::{Protocol, Receive},
    rtp::RtpWrite,
};

/// One way.
pub const LATENCY: Duration = Duration::from_millis(10);
const SERVER: &str = "192.0.2.1:8189";
const SELLER: &str = "198.51.100.7:6000";
const SESSION: SessionId = SessionId(1);

/// A publisher, a shard and the network between.
pub struct World {
    pub now: Instant,
    pub sfu: Sfu,
    pub rtc: Rtc,
    video: Mid,
    audio: Mid,
    /// What has come of the publisher's packets.
    pub ingest: Vec<Ingest>,
    pub connected: bool,
    pub closed: Option<ClosedReason>,
    /// Where the world sees it; a NAT may change it.
    pub address: SocketAddr,
    pub answer: String,
    /// How often the publisher was asked for a key frame.
    pub asked: usize,
    /// Given a datagram from the publisher: whether the network loses it.
    pub loses: Loses,
    wire: BTreeMap<(Instant, u64), (bool, Vec<u8>)>,
    sent: u64,
    sequence: u64,
    audio_sequence: u64,
    deadline: Instant,
}

/// A network's mood.
type Loses = Box<dyn FnMut(&[u8]) -> bool>;

/// An offer and the publisher that made it.
fn offer(now: Instant, rids: &[&str]) -> (Rtc, String, str0m::change::SdpPendingOffer, Mid, Mid) {
    offer_with(RtcConfig::new(), now, rids)
}

fn offer_with(
    config: RtcConfig,
    now: Instant,
    rids: &[&str],
) -> (Rtc, String, str0m::change::SdpPendingOffer, Mid, Mid) {
    let mut rtc = config.set_rtp_mode(true).build(now);
    let candidate = Candidate::host(SELLER.parse().unwrap(), "udp").unwrap();
    rtc.add_local_candidate(candidate);
    let mut changes = rtc.sdp_api();
    let mut simulcast = Simulcast::new();
    for rid in rids {
        simulcast.add_send_layer(SimulcastLayer::new(rid));
    }
    let simulcast = (!rids.is_empty()).then_some(simulcast);
    let video = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast);
    let audio = changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let (offer, pending) = changes.apply().unwrap();
    (rtc, offer.to_sdp_string(), pending, video, audio)
}

/// The refusal of an offer that was changed on the way, if it is refused.
pub fn refusal(change: impl FnOnce(&mut String)) -> Option<Refusal> {
    let now = start();
    let (_, mut sdp, ..) = offer(now, &[]);
    change(&mut sdp);
    let mut sfu = Sfu::new(Config::new(vec![SERVER.parse().unwrap()]), now).unwrap();
    let answer = sfu.accept_publisher(
        now,
        PublishOffer {
            session: SESSION,
            sdp: &sdp,
        },
    );
    answer.err()
}

/// The answer to an offer that was changed on the way.
pub fn answer(change: impl FnOnce(&mut String)) -> String {
    let now = start();
    let (_, mut sdp, ..) = offer(now, &[]);
    change(&mut sdp);
    let mut sfu = Sfu::new(Config::new(vec![SERVER.parse().unwrap()]), now).unwrap();
    let offer = PublishOffer {
        session: SESSION,
        sdp: &sdp,
    };
    sfu.accept_publisher(now, offer)
        .expect("the offer is good")
        .sdp
}

#[expect(
    clippy::disallowed_methods,
    reason = "where virtual time begins does not matter"
)]
fn start() -> Instant {
    Instant::now()
}

impl World {
    /// A publisher that has connected; its offer's text may be changed on the way.
    pub fn connected(change: impl FnOnce(&mut String)) -> Self {
        let world = Self::tried(change);
        assert!(world.connected);
        world
    }

    /// A publisher a second after its offer was answered.
    pub fn tried(change: impl FnOnce(&mut String)) -> Self {
        Self::offering(RtcConfig::new(), &[], change)
    }

    /// A publisher that has connected, with a crypto provider of the test's own.
    pub fn with_crypto(provider: CryptoProvider) -> Self {
        let config = RtcConfig::new().set_crypto_provider(Arc::new(provider));
        let world = Self::offering(config, &[], |_| {});
        assert!(world.connected);
        world
    }

    /// A publisher of several encodings, each with its name.
    pub fn simulcast(rids: &[&str]) -> Self {
        let world = Self::offering(RtcConfig::new(), rids, |_| {});
        assert!(world.connected);
        world
    }

    fn offering(config: RtcConfig, rids: &[&str], change: impl FnOnce(&mut String)) -> Self {
        let now = start();
        let (mut rtc, mut sdp, pending, video, audio) = offer_with(config, now, rids);
        change(&mut sdp);
        let mut sfu = Sfu::new(Config::new(vec![SERVER.parse().unwrap()]), now).unwrap();
        let answer = sfu
            .accept_publisher(
                now,
                PublishOffer {
                    session: SESSION,
                    sdp: &sdp,
                },
            )
            .expect("the offer is good");
        assert!(answer.video && answer.audio);
        assert!(answer.sdp.contains("a=recvonly") && !answer.sdp.contains("a=sendrecv"));
        let parsed = SdpAnswer::from_sdp_string(&answer.sdp).unwrap();
        rtc.sdp_api().accept_answer(pending, parsed).unwrap();
        let mut world = Self {
            now,
            sfu,
            rtc,
            video,
            audio,
            ingest: Vec::new(),
            connected: false,
            closed: None,
            address: SELLER.parse().unwrap(),
            answer: answer.sdp,
            asked: 0,
            loses: Box::new(|_| false),
            wire: BTreeMap::new(),
            sent: 0,
            sequence: 65_000,
            audio_sequence: 7,
            deadline: now,
        };
        world.run(Duration::from_secs(1));
        world
    }

    /// The sequence numbers of video go on somewhere else.
    pub fn jump(&mut self, numbers: u64) {
        self.sequence += numbers;
    }

    /// Somebody sends a datagram.
    pub fn forge(&mut self, remote: SocketAddr, contents: &[u8]) {
        let tuple = FiveTuple {
            protocol: sfu::Protocol::Udp,
            local: SERVER.parse().unwrap(),
            remote,
        };
        self.sfu
            .handle_input(self.now, Input::Datagram { tuple, contents });
        self.drain();
    }

    /// The source of the video, the payload type it goes by, and the sequence number it has reached.
    pub fn video_stream(&mut self) -> (u32, u8, u64) {
        let payload_type = self.video_payload_type();
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(self.video, None).unwrap();
        (*stream.ssrc(), payload_type, self.sequence)
    }

    /// The payload type video goes by; retransmissions have another.
    pub fn video_payload_type(&self) -> u8 {
        *self.rtc.media(self.video).unwrap().remote_pts()[0]
    }

    /// The payload type sound goes by.
    pub fn audio_payload_type(&self) -> u8 {
        *self.rtc.media(self.audio).unwrap().remote_pts()[0]
    }

    /// Sends one RTP packet of video.
    pub fn video(&mut self, rtp_time: u32, marker: bool, payload: &[u8]) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.write(self.video, None, sequence, rtp_time, marker, payload);
    }

    /// Sends one RTP packet of an encoding of the video.
    pub fn layer(&mut self, rid: &str, sequence: u64, rtp_time: u32, marker: bool, payload: &[u8]) {
        let rid = Some(Rid::from(rid));
        self.write(self.video, rid, sequence, rtp_time, marker, payload);
    }

    /// Sends one Opus packet.
    pub fn audio(&mut self, rtp_time: u32, payload: &[u8]) {
        self.audio_sequence += 1;
        let sequence = self.audio_sequence;
        self.write(self.audio, None, sequence, rtp_time, false, payload);
    }

    fn write(
        &mut self,
        mid: Mid,
        rid: Option<Rid>,
        sequence: u64,
        rtp_time: u32,
        marker: bool,
        payload: &[u8],
    ) {
        let payload_type: Pt = self.rtc.media(mid).unwrap().remote_pts()[0];
        let payload: Arc<[u8]> = payload.into();
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, rid).unwrap();
        let write = RtpWrite::new(payload_type, sequence.into(), rtp_time, self.now, payload)
            .marker(marker)
            .nackable(mid == self.video);
        stream.write_rtp(write);
        self.rtc.handle_input(RtcInput::Timeout(self.now)).unwrap();
        self.pump();
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        self.pump();
        self.drain();
        while let Some(next) = self.next_time().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.turn();
        }
        self.now = end;
    }

    fn next_time(&self) -> Option<Instant> {
        let wire = self.wire.keys().next().map(|(at, _)| *at);
        let sfu = self.sfu.poll_timeout().map(|(at, _)| at);
        [wire, sfu, Some(self.deadline)].into_iter().flatten().min()
    }

    fn turn(&mut self) {
        while let Some(entry) = self
            .wire
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            let (to_server, contents) = entry.remove();
            if to_server {
                self.sfu.handle_input(
                    self.now,
                    Input::Datagram {
                        tuple: FiveTuple {
                            protocol: sfu::Protocol::Udp,
                            local: SERVER.parse().unwrap(),
                            remote: self.address,
                        },
                        contents: &contents,
                    },
                );
                self.drain();
            } else {
                let (from, to): (SocketAddr, SocketAddr) =
                    (SERVER.parse().unwrap(), SELLER.parse().unwrap());
                let receive = Receive::new(Protocol::Udp, from, to, &contents).unwrap();
                let input = RtcInput::Receive(self.now, receive);
                self.rtc.handle_input(input).unwrap();
                self.pump();
            }
        }
        self.sfu.handle_timeout(self.now);
        self.drain();
        if self.deadline <= self.now {
            self.rtc.handle_input(RtcInput::Timeout(self.now)).unwrap();
            self.pump();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.sfu.poll_output() {
            match output {
                // What goes to where it no longer is gets lost.
                Output::Transmit { tuple, contents } if tuple.remote == self.address => {
                    self.post(false, contents);
                }
                Output::Transmit { .. } => {}
                Output::Admit { tuple } | Output::Close { tuple } => panic!("{tuple:?}"),
                Output::Event(_, Event::Connected) => self.connected = true,
                Output::Event(_, Event::Ingest(ingest)) => self.ingest.push(ingest),
                Output::Event(_, Event::Closed { reason }) => self.closed = Some(reason),
                Output::Event(_, event) => panic!("{event:?}"),
            }
        }
    }

    fn pump(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                RtcOutput::Timeout(at) => {
                    self.deadline = at.max(self.now + Duration::from_millis(1));
                    return;
                }
                RtcOutput::Transmit(transmit) => {
                    let contents: Vec<u8> = transmit.contents.into();
                    if !(self.loses)(&contents) {
                        self.post(true, contents);
                    }
                }
                RtcOutput::Event(RtcEvent::KeyframeRequest(_)) => self.asked += 1,
                RtcOutput::Event(_) => {}
            }
        }
    }

    fn post(&mut self, to_server: bool, contents: Vec<u8>) {
        self.sent += 1;
        let at = (self.now + LATENCY, self.sent);
        self.wire.insert(at, (to_server, contents));
    }
}
