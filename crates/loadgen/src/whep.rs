//! One WHEP viewer: ICE, DTLS and SRTP for real, receiver reports and NACKs as str0m sends them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use hyper::Method;
use str0m::{
    Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig,
    change::SdpAnswer,
    media::{Direction, MediaKind},
    net::{Protocol, Receive},
    rtp::RtpPacket,
};
use tokio::{net::UdpSocket, time::timeout};

use crate::{clock, http::Http, report::Report};

/// RFC 6184 section 5.4: payload structures that can begin a key frame.
const NAL_IDR: u8 = 5;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// What one viewer has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    packets: u64,
    first: Option<Instant>,
    first_key: Option<Instant>,
    /// By SSRC: lowest and highest sequence number, and how many came.
    sequences: BTreeMap<u32, (u64, u64, u64)>,
    last_media: Option<Instant>,
    longest_silence: Duration,
}

/// Watches until `until`; an error is what ended it before.
pub(crate) async fn watch(
    server: &str,
    stream: &str,
    until: Instant,
    report: &Report,
) -> anyhow::Result<()> {
    let http = Http::new(server);
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let local = socket.local_addr()?;
    let mut rtc = RtcConfig::new().set_rtp_mode(true).build(clock::now());
    rtc.add_local_candidate(Candidate::host(local, "udp")?);
    let posted = clock::now();
    let location = negotiate(&http, &mut rtc, stream).await?;
    let mut seen = Seen::default();
    let result = run(&mut rtc, &socket, local, until, &mut seen, report).await;
    report.whep_seen(posted, &seen);
    http.send(Method::DELETE, &location, None).await?;
    result
}

async fn negotiate(http: &Http, rtc: &mut Rtc, stream: &str) -> anyhow::Result<String> {
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    let (offer, pending) = changes.apply().context("two media sections are a change")?;
    let answer = http
        .send(
            Method::POST,
            &format!("/whep/{stream}"),
            Some(offer.to_sdp_string()),
        )
        .await?;
    if answer.status != 201 {
        bail!(
            "WHEP answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    let sdp = SdpAnswer::from_sdp_string(&String::from_utf8_lossy(&answer.body))?;
    rtc.sdp_api().accept_answer(pending, sdp)?;
    answer.location.context("no Location")
}

async fn run(
    rtc: &mut Rtc,
    socket: &UdpSocket,
    local: SocketAddr,
    until: Instant,
    seen: &mut Seen,
    report: &Report,
) -> anyhow::Result<()> {
    let mut buffer = vec![0; 2048];
    loop {
        let deadline = match rtc.poll_output()? {
            Output::Transmit(transmit) => {
                socket
                    .send_to(&transmit.contents, transmit.destination)
                    .await?;
                continue;
            }
            Output::Event(event) => {
                take(event, seen, report)?;
                continue;
            }
            Output::Timeout(deadline) => deadline,
        };
        if clock::now() >= until {
            return Ok(());
        }
        let wait = deadline.min(until).saturating_duration_since(clock::now());
        match timeout(wait, socket.recv_from(&mut buffer)).await {
            Ok(received) => {
                let (length, source) = received?;
                let contents = buffer[..length].try_into()?;
                let receive = Receive {
                    proto: Protocol::Udp,
                    source,
                    destination: local,
                    contents,
                };
                rtc.handle_input(Input::Receive(clock::now(), receive))?;
            }
            Err(_elapsed) => rtc.handle_input(Input::Timeout(clock::now()))?,
        }
    }
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "of the transport's many events a viewer needs these"
)]
fn take(event: Event, seen: &mut Seen, report: &Report) -> anyhow::Result<()> {
    match event {
        Event::RtpPacket(packet) => seen.packet(clock::now(), &packet, report),
        Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
            bail!("ICE disconnected")
        }
        _ => {}
    }
    Ok(())
}

impl Seen {
    fn packet(&mut self, now: Instant, packet: &RtpPacket, report: &Report) {
        if packet.payload.is_empty() {
            return;
        }
        report.packet(packet.payload.len());
        self.packets += 1;
        self.first.get_or_insert(now);
        if let Some(last) = self.last_media.replace(now) {
            self.longest_silence = self.longest_silence.max(now - last);
        }
        if begins_key_frame(&packet.payload) {
            self.first_key.get_or_insert(now);
        }
        let sequence = *packet.seq_no;
        let entry = self
            .sequences
            .entry(*packet.header.ssrc)
            .or_insert((sequence, sequence, 0));
        *entry = (entry.0.min(sequence), entry.1.max(sequence), entry.2 + 1);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.sequences
            .values()
            .map(|(low, high, came)| (high - low + 1).saturating_sub(*came))
            .sum()
    }

    pub(crate) const fn packets(&self) -> u64 {
        self.packets
    }

    pub(crate) fn join(&self, posted: Instant) -> (Option<Duration>, Option<Duration>) {
        (
            self.first.map(|at| at - posted),
            self.first_key.map(|at| at - posted),
        )
    }

    pub(crate) const fn longest_silence(&self) -> Duration {
        self.longest_silence
    }
}

fn begins_key_frame(payload: &[u8]) -> bool {
    let kind = payload[0] & 0x1f;
    match kind {
        NAL_IDR | STAP_A => true,
        // The FU header's start bit and type: RFC 6184 section 5.8.
        FU_A => payload
            .get(1)
            .is_some_and(|header| header & 0x80 != 0 && header & 0x1f == NAL_IDR),
        _ => false,
    }
}
