//! One peer's ICE, DTLS and SRTP: what a viewer's session and a publisher's have in common.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use str0m::{
    Event, Input, Output as RtcOutput, Rtc, RtcError, crypto::Sha1HmacProvider, net::Receive,
    rtp::Ssrc,
};

use crate::{
    ClosedReason, Config, FiveTuple, Output, Reason, SrtpProfile, datagram, paths::Paths, profile,
    routes::Check, stand_in::StandIn,
};

/// One peer's transport.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) rtc: Rtc,
    /// What a restart of ICE is answered with, apart from its credentials.
    pub(crate) fragment: Box<str>,
    stand_in: StandIn,
    connected: bool,
    opened: Instant,
    /// When an authenticated connectivity check last came.
    heard: Instant,
    paths: Paths,
    /// When media last went over to another way.
    moved: Option<Instant>,
    /// What went wrong first while connecting.
    trouble: Option<String>,
    /// When the first flight of the handshake left.
    shaking_since: Option<Instant>,
    deadline: Instant,
    profile: Option<SrtpProfile>,
    rejected: u64,
    /// Packets that left on this stream are counted.
    rtx: Option<Ssrc>,
    retransmitted: u64,
    bytes_retransmitted: u64,
}

impl Transport {
    pub(crate) fn new(now: Instant, rtc: Rtc, stand_in: StandIn, fragment: Box<str>) -> Self {
        Self {
            rtc,
            fragment,
            stand_in,
            connected: false,
            opened: now,
            heard: now,
            paths: Paths::default(),
            moved: None,
            trouble: None,
            shaking_since: None,
            deadline: now,
            profile: None,
            rejected: 0,
            rtx: None,
            retransmitted: 0,
            bytes_retransmitted: 0,
        }
    }

    /// Counts what leaves on `rtx` as retransmissions.
    pub(crate) fn count_retransmissions(&mut self, rtx: Option<Ssrc>) {
        self.rtx = rtx;
    }

    /// ICE and DTLS are through.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// What protects the media, once DTLS has agreed.
    pub(crate) fn profile(&self) -> Option<SrtpProfile> {
        self.profile
    }

    /// Datagrams it could not read.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Packets sent again.
    pub(crate) fn retransmitted(&self) -> u64 {
        self.retransmitted
    }

    /// Bytes of them, as they left.
    pub(crate) fn bytes_retransmitted(&self) -> u64 {
        self.bytes_retransmitted
    }

    /// How long the handshake has taken so far: two round trips or more by its end.
    pub(crate) fn handshake(&self, now: Instant) -> Duration {
        self.shaking_since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Takes a datagram that is this peer's. What the transport cannot read is dropped: anybody can
    /// forge a source address, so a bad record must not end a session (RFC 6347 section 4.1.2.7).
    pub(crate) fn receive(&mut self, now: Instant, contents: &[u8]) {
        self.note_profile(contents);
        let Ok(receive) = self.stand_in.receive(contents) else {
            self.rejected += 1;
            return;
        };
        self.take(now, receive);
    }

    fn take(&mut self, now: Instant, receive: Receive<'_>) {
        if let Err(error) = self.rtc.handle_input(Input::Receive(now, receive)) {
            self.rejected += 1;
            if !self.connected {
                self.trouble.get_or_insert_with(|| error.to_string());
            }
        }
    }

    /// An authenticated connectivity check has come (RFC 7675: consent to be sent to). True if it
    /// ends a restart of ICE: the new session has its first path.
    pub(crate) fn heard(
        &mut self,
        now: Instant,
        tuple: FiveTuple,
        check: &Check,
        hmac: &dyn Sha1HmacProvider,
    ) -> bool {
        self.heard = now;
        let (before, nominated) = (self.paths.chosen(), check.nominates);
        let begins = if nominated {
            self.paths
                .nominated(now, tuple, check.generation, check.priority)
        } else {
            self.paths
                .checked(now, tuple, check.generation, check.priority);
            false
        };
        if before.is_some() && self.paths.chosen() != before {
            self.moved = Some(now);
        }
        if !nominated {
            return false;
        }
        if let Some(message) = self.stand_in.check(now, hmac)
            && let Ok(receive) = self.stand_in.receive(&message)
        {
            self.take(now, receive);
        }
        begins
    }

    /// Media went over to another way so lately that reports still tell of what was lost on the old one.
    pub(crate) fn has_moved(&self, now: Instant) -> bool {
        let lately = |at: Instant| now.saturating_duration_since(at) < MOVED_FOR;
        self.moved.is_some_and(lately)
    }

    /// A way is the peer's no longer.
    pub(crate) fn closed(&mut self, tuple: FiveTuple) {
        self.paths.closed(tuple);
    }

    /// Moves the transport's clock on.
    pub(crate) fn advance(&mut self, now: Instant) -> Result<(), RtcError> {
        self.rtc.handle_input(Input::Timeout(now))
    }

    /// Why it is over by the clock alone, if it is.
    pub(crate) fn expired(&self, now: Instant, config: &Config) -> Option<ClosedReason> {
        if !self.connected && now >= self.opened + config.half_open_timeout {
            // A handshake that failed is told apart from a peer who never came.
            let failed = self.trouble.clone().map(ClosedReason::Failed);
            return Some(failed.unwrap_or(ClosedReason::HalfOpen));
        }
        if self.connected && now >= self.heard + config.consent_timeout {
            return Some(ClosedReason::ConsentLost);
        }
        None
    }

    /// When to call again, and why.
    pub(crate) fn deadline(&self, config: &Config) -> (Instant, Reason) {
        let own = if self.connected {
            (self.heard + config.consent_timeout, Reason::Consent)
        } else {
            (self.opened + config.half_open_timeout, Reason::HalfOpen)
        };
        own.min((self.deadline, Reason::Transport))
    }

    /// Hands on what the transport has until something happens, `None` when it only waits. str0m
    /// keeps a single received packet and no second timeout, so this is called until `None` after
    /// every input.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        outputs: &mut VecDeque<Output>,
    ) -> Result<Option<Event>, RtcError> {
        loop {
            match self.rtc.poll_output()? {
                RtcOutput::Timeout(at) => {
                    // It may ask for now; a millisecond later is soon enough and never a hot loop.
                    self.deadline = at.max(now + TIMER_GRAIN);
                    return Ok(None);
                }
                RtcOutput::Transmit(transmit) => {
                    // The peer's checks have been answered; these are answers to the stand-in's.
                    if datagram::is_stun(&transmit.contents) {
                        continue;
                    }
                    self.note_sent(now, &transmit.contents);
                    if let Some(tuple) = self.paths.chosen() {
                        let contents = transmit.contents.into();
                        outputs.push_back(Output::Transmit { tuple, contents });
                    }
                }
                RtcOutput::Event(event) => {
                    self.connected |= matches!(event, Event::Connected);
                    return Ok(Some(event));
                }
            }
        }
    }

    /// Says goodbye (RTCP BYE, DTLS close_notify) if there is anybody to say it to.
    pub(crate) fn close(&mut self, now: Instant, outputs: &mut VecDeque<Output>) {
        if self.connected && self.rtc.close().is_ok() {
            // A transport that fails to say goodbye is gone all the same.
            while let Ok(Some(_)) = self.poll(now, outputs) {}
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
            self.retransmitted += 1;
            self.bytes_retransmitted += u64::try_from(contents.len()).unwrap_or(0);
        }
    }

    fn note_profile(&mut self, datagram: &[u8]) {
        if self.profile.is_none() && !self.connected {
            self.profile = profile::announced(datagram);
        }
    }
}

/// The shortest time a transport is left alone after it asked to be called at once.
const TIMER_GRAIN: Duration = Duration::from_millis(1);
/// Two of str0m's statistics and a report.
const MOVED_FOR: Duration = Duration::from_secs(5);
