//! One WHEP viewer: ICE, DTLS and SRTP for real, receiver reports and NACKs as str0m sends them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use hyper::Method;
use socket2::SockRef;
use str0m::{
    Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig,
    change::SdpAnswer,
    channel::{ChannelConfig, Reliability},
    media::{Direction, MediaKind},
    net::{Protocol, Receive},
    rtp::RtpPacket,
};
use tokio::{net::UdpSocket, time::timeout_at};

use crate::{clock, http::Http, report::Report, sdp};

/// RFC 6184 section 5.4: payload structures that can begin a key frame.
const NAL_IDR: u8 = 5;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// Bytes: some seconds of a stream.
const RECEIVE_BUFFER: usize = 1 << 20;

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

/// What a session is to have beside the picture, and how it gets there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wants {
    pub(crate) audio: bool,
    /// The side channel.
    pub(crate) cues: bool,
    /// Send media there instead of to where the answer says.
    pub(crate) via: Option<SocketAddr>,
}

/// A WHEP session.
#[derive(Debug)]
pub(crate) struct Session {
    http: Http,
    location: String,
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    buffer: Vec<u8>,
}

/// Watches until `until`; an error is what ended it before.
pub(crate) async fn watch(
    server: &str,
    stream: &str,
    until: Instant,
    report: &Report,
) -> anyhow::Result<()> {
    let http = Http::new(server);
    let wants = Wants {
        audio: true,
        cues: false,
        via: None,
    };
    let posted = clock::now();
    let mut session = Session::join(&http, stream, wants).await?;
    let mut seen = Seen::default();
    let watching = async {
        loop {
            if let Event::RtpPacket(packet) = session.next().await?
                && seen.packet(clock::now(), &packet)
            {
                report.packet(packet.payload.len());
            }
        }
    };
    let ended: anyhow::Result<()> = timeout_at(until.into(), watching)
        .await
        .unwrap_or_else(|_elapsed| Ok(()));
    report.whep_seen(posted, &seen);
    session.leave().await?;
    ended
}

impl Session {
    pub(crate) async fn join(http: &Http, stream: &str, wants: Wants) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        // What a busy machine does not take at once is to come late, not to be lost. The system may give less.
        let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
        let local = socket.local_addr()?;
        let mut rtc = RtcConfig::new().set_rtp_mode(true).build(clock::now());
        rtc.add_local_candidate(Candidate::host(local, "udp")?);
        let location = negotiate(http, &mut rtc, stream, wants).await?;
        Ok(Self {
            http: http.clone(),
            location,
            rtc,
            socket,
            local,
            buffer: vec![0; 2048],
        })
    }

    /// What happens next; may be given up while it waits.
    ///
    /// # Errors
    /// Also when the way is lost.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            match self.rtc.poll_output()? {
                Output::Transmit(transmit) => {
                    self.socket
                        .send_to(&transmit.contents, transmit.destination)
                        .await?;
                }
                Output::Event(Event::IceConnectionStateChange(
                    IceConnectionState::Disconnected,
                )) => bail!("ICE disconnected"),
                Output::Event(event) => return Ok(event),
                Output::Timeout(deadline) => self.receive(deadline).await?,
            }
        }
    }

    async fn receive(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let received = timeout_at(deadline.into(), self.socket.recv_from(&mut self.buffer)).await;
        let Ok(received) = received else {
            return Ok(self.rtc.handle_input(Input::Timeout(clock::now()))?);
        };
        let (length, source) = received?;
        let receive = Receive {
            proto: Protocol::Udp,
            source,
            destination: self.local,
            contents: self.buffer[..length].try_into()?,
        };
        Ok(self
            .rtc
            .handle_input(Input::Receive(clock::now(), receive))?)
    }

    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        self.http.send(Method::DELETE, &self.location, None).await?;
        Ok(())
    }
}

async fn negotiate(
    http: &Http,
    rtc: &mut Rtc,
    stream: &str,
    wants: Wants,
) -> anyhow::Result<String> {
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    if wants.audio {
        changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    }
    if wants.cues {
        changes.add_channel_with_config(side_channel());
        changes.add_channel_with_config(repeats());
    }
    let (offer, pending) = changes.apply().context("media sections are a change")?;
    let answer = http
        .send(
            Method::POST,
            &format!("/whep/{stream}"),
            Some(offer.to_sdp_string()),
        )
        .await?;
    let body = String::from_utf8_lossy(&answer.body);
    if answer.status != 201 {
        bail!("WHEP answered {}: {body}", answer.status);
    }
    let sdp = match wants.via {
        Some(via) => sdp::through(&body, via),
        None => body.into_owned(),
    };
    let sdp = SdpAnswer::from_sdp_string(&sdp)?;
    rtc.sdp_api().accept_answer(pending, sdp)?;
    answer.location.context("no Location")
}

/// The data channel of `docs/spec/side-channel.md`.
fn side_channel() -> ChannelConfig {
    ChannelConfig {
        label: "cues".to_owned(),
        negotiated: Some(0),
        ..ChannelConfig::default()
    }
}

/// The channel of the same page on which texts are said again.
fn repeats() -> ChannelConfig {
    ChannelConfig {
        label: "repeats".to_owned(),
        ordered: false,
        reliability: Reliability::MaxPacketLifetime { lifetime: 150 },
        ..ChannelConfig::default()
    }
}

impl Seen {
    /// Counts a packet; `false` when it is only padding.
    pub(crate) fn packet(&mut self, now: Instant, packet: &RtpPacket) -> bool {
        if packet.payload.is_empty() {
            return false;
        }
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
        true
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
