//! One viewer: a str0m transport, and how far it has been sent each track.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use media::TrackKind;
use str0m::{
    Event as RtcEvent, Input as RtcInput, Output as RtcOutput, Rtc, RtcError,
    channel::ChannelId,
    media::{KeyframeRequest, Mid},
    net::{Protocol, Receive},
    rtp::Ssrc,
};

use crate::{
    ClosedReason, Config, Error, Output, Reason, RenditionPacket, SessionStats, StreamId,
    capture::CaptureClock,
    catch_up, datagram,
    fanout::{HeaderTemplate, seal_burst},
    path::Path,
    profile,
    track::Track,
};

/// One viewer.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) stream: StreamId,
    /// The viewer's own ICE user name fragment.
    pub(crate) ufrag: String,
    video_mid: Option<Mid>,
    rtc: Rtc,
    video: Option<Track>,
    audio: Option<Track>,
    rtx: Option<Ssrc>,
    channel: Option<ChannelId>,
    opened: Instant,
    /// When an authenticated connectivity check last came.
    heard: Instant,
    path: Path,
    /// When packets from the cache were last sent.
    answered: Option<Instant>,
    /// What went wrong first while connecting.
    trouble: Option<String>,
    /// When the first flight of the handshake left.
    shaking_since: Option<Instant>,
    /// Until when the viewer's reports are not listened to.
    quiet_until: Option<Instant>,
    catch_up: Option<CatchUp>,
    rtc_deadline: Instant,
    stats: SessionStats,
}

/// What a session's transport reported.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Signals {
    pub(crate) connected: bool,
    pub(crate) channel_open: bool,
    pub(crate) keyframe_wanted: bool,
    pub(crate) closed: bool,
}

/// What a session is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) stream: StreamId,
    pub(crate) ufrag: String,
    pub(crate) video_mid: Option<Mid>,
    pub(crate) rtc: Rtc,
    pub(crate) video: Option<HeaderTemplate>,
    pub(crate) audio: Option<HeaderTemplate>,
    pub(crate) rtx: Option<Ssrc>,
    pub(crate) channel: Option<ChannelId>,
}

impl Session {
    pub(crate) fn new(parts: Parts, now: Instant) -> Self {
        let Parts {
            stream,
            ufrag,
            video_mid,
            rtc,
            video,
            audio,
            rtx,
            channel,
        } = parts;
        let track = |header| Track { header, next: None };
        Self {
            stream,
            ufrag,
            video_mid,
            rtc,
            video: video.map(track),
            audio: audio.map(track),
            rtx,
            channel,
            opened: now,
            heard: now,
            path: Path::default(),
            answered: None,
            trouble: None,
            shaking_since: None,
            quiet_until: None,
            catch_up: None,
            rtc_deadline: now,
            stats: SessionStats::default(),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.stats.connected
    }

    pub(crate) fn stats(&self) -> SessionStats {
        self.stats
    }

    /// Takes a datagram that is this viewer's. What the transport cannot read is dropped: anybody
    /// can forge a source address, so a bad record must not end a session (RFC 6347 section
    /// 4.1.2.7).
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &[u8],
    ) {
        if datagram::is_rtcp(contents) && self.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        self.note_profile(contents);
        let Ok(receive) = Receive::new(Protocol::Udp, source, destination, contents) else {
            self.stats.datagrams_rejected += 1;
            return;
        };
        if let Err(error) = self.rtc.handle_input(RtcInput::Receive(now, receive)) {
            self.stats.datagrams_rejected += 1;
            if !self.is_connected() {
                self.trouble.get_or_insert_with(|| error.to_string());
            }
        }
    }

    /// An authenticated connectivity check has come (RFC 7675: consent to be sent to).
    pub(crate) fn heard(&mut self, now: Instant, source: SocketAddr, nominates: bool) {
        self.heard = now;
        if nominates {
            self.path.nominated(now, source);
        }
    }

    /// Moves the transport's clock on.
    pub(crate) fn advance(&mut self, now: Instant) -> Result<(), RtcError> {
        self.rtc.handle_input(RtcInput::Timeout(now))
    }

    /// Why the session is over by the clock alone, if it is.
    pub(crate) fn expired(&self, now: Instant, config: &Config) -> Option<ClosedReason> {
        if !self.is_connected() && now >= self.opened + config.half_open_timeout {
            // A handshake that failed is told apart from a viewer who never came.
            let failed = self.trouble.clone().map(ClosedReason::Failed);
            return Some(failed.unwrap_or(ClosedReason::HalfOpen));
        }
        if self.is_connected() && now >= self.heard + config.consent_timeout {
            return Some(ClosedReason::ConsentLost);
        }
        None
    }

    /// When to call again, and why.
    pub(crate) fn deadline(&self, config: &Config) -> (Instant, Reason) {
        let own = if self.is_connected() {
            (self.heard + config.consent_timeout, Reason::Consent)
        } else {
            (self.opened + config.half_open_timeout, Reason::HalfOpen)
        };
        let transport = (self.rtc_deadline, Reason::Transport);
        let catch_up = self.catch_up.map(|next| (next.due, Reason::CatchUp));
        let all = [Some(own), Some(transport), catch_up];
        all.into_iter().flatten().min().unwrap_or(own)
    }

    /// Hands on what the transport has, until it only waits. str0m keeps a single received packet
    /// and no second timeout, so this follows every input.
    pub(crate) fn drain(
        &mut self,
        now: Instant,
        outputs: &mut VecDeque<Output>,
    ) -> Result<Signals, RtcError> {
        let mut signals = Signals::default();
        loop {
            match self.rtc.poll_output()? {
                RtcOutput::Timeout(at) => {
                    // It may ask for now; a millisecond later is soon enough and never a hot loop.
                    self.rtc_deadline = at.max(now + TIMER_GRAIN);
                    signals.closed |= !self.rtc.is_alive();
                    return Ok(signals);
                }
                RtcOutput::Transmit(transmit) => {
                    self.note_sent(now, &transmit.contents);
                    let destination = self.path.resolve(transmit.destination, &transmit.contents);
                    let contents = transmit.contents.into();
                    outputs.push_back(Output::Transmit {
                        destination,
                        contents,
                    });
                }
                RtcOutput::Event(event) => self.take_event(event, &mut signals),
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a viewer sends no media; str0m's enum grows"
    )]
    fn take_event(&mut self, event: RtcEvent, signals: &mut Signals) {
        match event {
            RtcEvent::Connected => {
                self.stats.connected = true;
                signals.connected = true;
            }
            RtcEvent::ChannelOpen(id, _) if Some(id) == self.channel => {
                self.stats.channel_open = true;
                signals.channel_open = true;
            }
            // Only the channel both sides know of is used; what a viewer opens or says besides is
            // not listened to.
            RtcEvent::ChannelOpen(id, _) => self.rtc.direct_api().close_data_channel(id),
            RtcEvent::ChannelClose(id) if Some(id) == self.channel => {
                self.stats.channel_open = false;
            }
            RtcEvent::KeyframeRequest(KeyframeRequest { .. }) => {
                self.stats.keyframe_requests += 1;
                signals.keyframe_wanted = true;
            }
            RtcEvent::MediaEgressStats(egress) if Some(egress.mid) == self.video_mid => {
                self.stats.nacks = egress.nacks;
                self.stats.rtt = egress.rtt.or(self.stats.rtt);
            }
            RtcEvent::Closed => signals.closed = true,
            _ => {}
        }
    }

    /// Sends live packets of a track, those that continue what the viewer has. True if there was
    /// anything to send; then [`advance`](Self::advance) and [`drain`](Self::drain).
    pub(crate) fn send(
        &mut self,
        kind: TrackKind,
        packets: &[RenditionPacket],
        clock: &CaptureClock,
    ) -> bool {
        let track = match kind {
            TrackKind::Video => &mut self.video,
            TrackKind::Audio => &mut self.audio,
        };
        // Who is still catching up finds the live packets in the cache.
        let behind = kind == TrackKind::Video && self.catch_up.is_some();
        let Some(track) = track.as_mut().filter(|_| self.stats.connected && !behind) else {
            return false;
        };
        let packets = track.wanted(kind, packets);
        self.write(kind, packets, clock, packets.iter())
    }

    /// Begins to send the group in the cache, as new packets after what was sent. At most once in
    /// `config.keyframe_interval`, and not when there is none: the viewer then gets the next IDR as
    /// it comes.
    pub(crate) fn begin_catch_up(
        &mut self,
        now: Instant,
        cached: &[RenditionPacket],
        config: &Config,
    ) -> bool {
        let recently = |at: Instant| now.saturating_duration_since(at) < config.keyframe_interval;
        let (Some(track), Some(first)) = (&mut self.video, cached.first()) else {
            return false;
        };
        if !self.stats.connected || self.answered.is_some_and(recently) {
            return false;
        }
        // A viewer that cannot ask for packets again has none of its own to leave out of account.
        let quiet = (self.answered.is_none() && track.header.is_repairable()).then(|| {
            let handshake = self.shaking_since.map(|since| now - since);
            catch_up::quiet(handshake.unwrap_or_default())
        });
        self.answered = Some(now);
        track.restart_at(first);
        self.catch_up = Some(CatchUp { due: now, quiet });
        true
    }

    /// Sends the next run of the past if it is due. True if there was anything to send; then
    /// [`advance`](Self::advance) and [`drain`](Self::drain).
    pub(crate) fn catch_up(
        &mut self,
        now: Instant,
        cached: &[RenditionPacket],
        clock: &CaptureClock,
    ) -> bool {
        let Some(CatchUp { due, quiet }) = self.catch_up else {
            return false;
        };
        let Some(track) = self.video.as_mut().filter(|_| due <= now) else {
            return false;
        };
        let rest = track.rest_of(cached);
        let run = catch_up::next_run(rest);
        self.catch_up = (run.len() < rest.len()).then_some(CatchUp {
            due: now + catch_up::INTERVAL,
            quiet,
        });
        if let Some(quiet) = quiet {
            self.quiet_until = Some(now + quiet);
            self.write(TrackKind::Video, run, clock, catch_up::order(run))
        } else {
            self.write(TrackKind::Video, run, clock, run.iter())
        }
    }

    /// Counts an answer to a viewer's request.
    pub(crate) fn note_answer(&mut self) {
        self.stats.keyframe_answers += 1;
    }

    fn write<'a>(
        &mut self,
        kind: TrackKind,
        packets: &'a [RenditionPacket],
        clock: &CaptureClock,
        ordered: impl Iterator<Item = &'a RenditionPacket>,
    ) -> bool {
        let track = match kind {
            TrackKind::Video => &mut self.video,
            TrackKind::Audio => &mut self.audio,
        };
        let (Some(track), Some(last)) = (track, packets.last()) else {
            return false;
        };
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx(&track.header.ssrc()) else {
            return false;
        };
        seal_burst(stream, &mut track.header, clock, ordered);
        track.next = Some(last.index + 1);
        for packet in packets {
            self.stats.packets_sent += 1;
            self.stats.bytes_sent += u64::try_from(packet.payload.len()).unwrap_or(u64::MAX);
        }
        true
    }

    /// Queues a text on the data channel.
    pub(crate) fn send_text(&mut self, text: &str) -> Result<(), Error> {
        let channel = self.channel.filter(|_| self.stats.channel_open);
        let mut channel = channel
            .and_then(|id| self.rtc.channel(id))
            .ok_or(Error::ChannelNotOpen)?;
        match channel.write(false, text.as_bytes()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::ChannelFull),
            Err(_) => Err(Error::ChannelNotOpen),
        }
    }

    /// Says goodbye (RTCP BYE, DTLS close_notify) if there is anybody to say it to.
    pub(crate) fn close(&mut self, now: Instant, outputs: &mut VecDeque<Output>) {
        if self.is_connected() && self.rtc.close().is_ok() {
            // A transport that fails to say goodbye is gone all the same.
            let _ = self.drain(now, outputs);
        }
    }

    /// Takes note of a datagram on its way out.
    fn note_sent(&mut self, now: Instant, contents: &[u8]) {
        if datagram::is_dtls(contents) {
            self.shaking_since.get_or_insert(now);
            self.note_profile(contents);
        } else if self
            .rtx
            .is_some_and(|rtx| datagram::rtp_ssrc(contents) == Some(*rtx))
        {
            self.stats.retransmitted += 1;
        }
    }

    fn note_profile(&mut self, datagram: &[u8]) {
        if self.stats.srtp_profile.is_none() && !self.stats.connected {
            self.stats.srtp_profile = profile::announced(datagram);
        }
    }
}

/// A viewer on the way from the last IDR to what is live.
#[derive(Debug, Clone, Copy)]
struct CatchUp {
    /// When the next run goes.
    due: Instant,
    /// The viewer has just come: runs go in their own order, each followed by this much quiet.
    quiet: Option<Duration>,
}

/// The shortest time a transport is left alone after it asked to be called at once.
const TIMER_GRAIN: Duration = Duration::from_millis(1);
