//! One viewer: a str0m transport, and how far it has been sent each track.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use media::{TrackKind, VideoCodec};
use str0m::{
    Event as RtcEvent, RtcError,
    channel::ChannelId,
    media::{KeyframeRequest, Mid},
};

use crate::{
    Config, Error, Event, Output, Reason, RenditionPacket, SessionStats, StreamId, TextMark,
    capture::CaptureClock,
    catch_up, datagram,
    fanout::{HeaderTemplate, seal_burst},
    narrow::{Link, LinkReport},
    texts::Texts,
    track::Track,
    transport::Transport,
};

/// One viewer.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) stream: StreamId,
    pub(crate) transport: Transport,
    video_mid: Option<Mid>,
    video_codec: Option<VideoCodec>,
    video: Option<Track>,
    audio: Option<Track>,
    channel: Option<ChannelId>,
    /// What the viewer has opened for texts that are said again.
    repeats: Option<ChannelId>,
    /// Such a channel was open before.
    repeated: bool,
    texts: Texts,
    /// When it could be sent media.
    connected_at: Option<Instant>,
    /// When it last asked for a key frame.
    asked: Option<Instant>,
    /// When packets from the cache were last sent.
    answered: Option<Instant>,
    /// Until when the viewer's reports are not listened to.
    quiet_until: Option<Instant>,
    catch_up: Option<CatchUp>,
    link: Link,
    stats: SessionStats,
}

/// What a session's transport reported.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Signals {
    pub(crate) connected: bool,
    pub(crate) channel_open: bool,
    pub(crate) repeats_open: bool,
    pub(crate) keyframe_wanted: bool,
    pub(crate) closed: bool,
    pub(crate) link: Option<LinkReport>,
}

/// What a session is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) stream: StreamId,
    pub(crate) transport: Transport,
    pub(crate) video_mid: Option<Mid>,
    pub(crate) video_codec: Option<VideoCodec>,
    pub(crate) video: Option<HeaderTemplate>,
    pub(crate) audio: Option<HeaderTemplate>,
    pub(crate) channel: Option<ChannelId>,
}

impl Session {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            stream,
            transport,
            video_mid,
            video_codec,
            video,
            audio,
            channel,
        } = parts;
        let track = |header| Track { header, next: None };
        Self {
            stream,
            transport,
            video_mid,
            video_codec,
            video: video.map(track),
            audio: audio.map(track),
            channel,
            repeats: None,
            repeated: false,
            texts: Texts::default(),
            connected_at: None,
            asked: None,
            answered: None,
            quiet_until: None,
            catch_up: None,
            link: Link::default(),
            stats: SessionStats::default(),
        }
    }

    /// What its video is sent as, if there is any.
    pub(crate) fn video_codec(&self) -> Option<VideoCodec> {
        self.video.as_ref().and(self.video_codec)
    }

    pub(crate) fn stats(&self) -> SessionStats {
        SessionStats {
            retransmitted: self.transport.retransmitted(),
            datagrams_rejected: self.transport.rejected(),
            srtp_profile: self.transport.profile(),
            connected: self.transport.is_connected(),
            narrow: self.link.is_narrow(),
            ..self.stats
        }
    }

    /// Packets to the viewer have got lost of late.
    pub(crate) fn is_lossy(&self, now: Instant) -> bool {
        self.link.is_lossy(now)
    }

    /// Takes a datagram that is this viewer's.
    pub(crate) fn receive(&mut self, now: Instant, contents: &[u8]) {
        if datagram::is_rtcp(contents) && self.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        self.transport.receive(now, contents);
    }

    /// When to call again, and why.
    pub(crate) fn deadline(&self, config: &Config) -> (Instant, Reason) {
        let transport = self.transport.deadline(config);
        let catch_up = self.catch_up.map(|next| next.due);
        let due = self.link.due().or(catch_up);
        due.map_or(transport, |due| (due, Reason::CatchUp).min(transport))
    }

    /// Hands on what the transport has, until it only waits.
    pub(crate) fn drain(
        &mut self,
        now: Instant,
        outputs: &mut VecDeque<Output>,
    ) -> Result<Signals, RtcError> {
        let mut signals = Signals::default();
        while let Some(event) = self.transport.poll(now, outputs)? {
            self.take_event(event, &mut signals);
        }
        signals.closed |= !self.transport.rtc.is_alive();
        if !signals.closed {
            self.settle_texts();
        }
        Ok(signals)
    }

    /// Learns which texts have arrived. After the transport's events, because of a channel that is gone it
    /// says that nothing is left to acknowledge.
    fn settle_texts(&mut self) {
        let channel = self.channel.filter(|_| self.stats.channel_open);
        let channel = channel.filter(|_| self.texts.are_watched());
        if let Some(mut channel) = channel.and_then(|id| self.transport.rtc.channel(id)) {
            self.texts.unacknowledged(channel.buffered_amount());
        }
    }

    /// What there is to tell of its data channel.
    pub(crate) fn poll_text(&mut self) -> Option<Event> {
        self.texts.poll()
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a viewer sends no media; str0m's enum grows"
    )]
    fn take_event(&mut self, event: RtcEvent, signals: &mut Signals) {
        match event {
            RtcEvent::Connected => signals.connected = true,
            RtcEvent::ChannelOpen(id, _) if Some(id) == self.channel => {
                self.stats.channel_open = true;
                signals.channel_open = true;
            }
            RtcEvent::ChannelData(data) if Some(data.id) == self.channel => {
                self.texts.received(data.binary, data.data);
            }
            RtcEvent::ChannelOpen(id, label) if label == REPEATS && self.repeats.is_none() => {
                self.repeats = Some(id);
                // Once: what is said then is long, and opening costs a viewer nothing.
                signals.repeats_open = !std::mem::replace(&mut self.repeated, true);
            }
            RtcEvent::ChannelClose(id) if Some(id) == self.repeats => self.repeats = None,
            // Only the channels that the side channel's description names are used; what a viewer opens or says besides is
            // not listened to.
            RtcEvent::ChannelOpen(id, _) => self.transport.rtc.direct_api().close_data_channel(id),
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
                signals.link = egress.loss.map(|loss| LinkReport {
                    loss,
                    sent: egress.bytes,
                    resent: self.transport.bytes_retransmitted(),
                });
            }
            RtcEvent::Closed => signals.closed = true,
            _ => {}
        }
    }

    /// Sends live packets of a track, those that continue what the viewer has. True if there was
    /// anything to send; then [`Transport::advance`] and [`drain`](Self::drain).
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
        let behind = kind == TrackKind::Video && (self.catch_up.is_some() || self.link.is_narrow());
        let Some(track) = track
            .as_mut()
            .filter(|_| self.transport.is_connected() && !behind)
        else {
            return false;
        };
        let packets = track.wanted(kind, packets);
        self.write(kind, packets, clock, packets.iter())
    }

    /// Whether a request for a key frame, which has just come, is one to answer; `newest` is when the
    /// stream last had a picture.
    ///
    /// Chromium that is sent no pictures asks every three seconds though it lacks none. Answered, it
    /// would show the last group again and again, and not the last picture. One that cannot go on asks
    /// five times a second. And who has just come may not have seen what there was: a browser decodes
    /// pictures, and shows none of them, before its page has somewhere to show them.
    pub(crate) fn needs_keyframe(&mut self, now: Instant, newest: Option<Instant>) -> bool {
        let within = |at: Option<Instant>, span| {
            at.is_some_and(|at| now.saturating_duration_since(at) < span)
        };
        let asked = self.asked.replace(now);
        within(newest, STILL) || within(asked, INSISTS) || within(self.connected_at, NEW)
    }

    /// It can be sent media from now on.
    pub(crate) fn note_connected(&mut self, now: Instant) {
        self.connected_at = Some(now);
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
        if !self.transport.is_connected() || self.answered.is_some_and(recently) {
            return false;
        }
        // A viewer that cannot ask for packets again has none of its own to leave out of account.
        let quiet = (self.answered.is_none() && track.header.is_repairable())
            .then(|| catch_up::quiet(self.transport.handshake(now)));
        self.answered = Some(now);
        if self.link.is_narrow() {
            self.link.restart(track, first);
        } else {
            track.restart_at(first);
            self.catch_up = Some(CatchUp { due: now, quiet });
        }
        true
    }

    /// Takes what the viewer's reports say of its link; `offered` is how many bytes of video the
    /// stream has had so far.
    pub(crate) fn judge_link(&mut self, now: Instant, report: LinkReport, offered: u64) {
        if self.transport.has_moved(now) {
            self.link.excuse();
            return;
        }
        let was_narrow = self.link.is_narrow();
        if self.link.judge(now, report, offered) {
            // From where it is to what is live.
            self.catch_up = Some(CatchUp {
                due: now,
                quiet: None,
            });
        } else if self.link.is_narrow() && !was_narrow {
            self.catch_up = None;
            self.stats.narrowed += 1;
        }
    }

    /// Sends the next run of the past if it is due. True if there was anything to send; then
    /// [`Transport::advance`] and [`drain`](Self::drain).
    pub(crate) fn catch_up(
        &mut self,
        now: Instant,
        cached: &[RenditionPacket],
        clock: &CaptureClock,
    ) -> bool {
        if let (Some(track), true) = (&mut self.video, self.link.is_narrow()) {
            let resent = self.transport.bytes_retransmitted();
            let run = self.link.take(now, resent, track, cached);
            return self.write(TrackKind::Video, &run, clock, run.iter());
        }
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
        let mut api = self.transport.rtc.direct_api();
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

    /// Queues a text on the data channel; with `mark`, [`Event::TextAcknowledged`] is to follow.
    pub(crate) fn send_text(&mut self, text: &str, mark: Option<TextMark>) -> Result<(), Error> {
        let channel = self.channel.filter(|_| self.stats.channel_open);
        let mut channel = channel
            .and_then(|id| self.transport.rtc.channel(id))
            .ok_or(Error::ChannelNotOpen)?;
        match channel.write(false, text.as_bytes()) {
            Ok(true) => {
                if let Some(mark) = mark {
                    self.texts.watch(text.len(), mark);
                }
                Ok(())
            }
            Ok(false) => Err(Error::ChannelFull),
            Err(_) => Err(Error::ChannelNotOpen),
        }
    }

    /// Says a text again, where the viewer has opened a channel for that; true if it has. Nobody minds if it is lost.
    pub(crate) fn repeat_text(&mut self, text: &str) -> bool {
        let channel = self.repeats.and_then(|id| self.transport.rtc.channel(id));
        channel.is_some_and(|mut channel| channel.write(false, text.as_bytes()).is_ok())
    }
}

/// A stream without a picture for so long stands still.
const STILL: Duration = Duration::from_secs(2);
/// Longer than the three seconds after which Chromium misses pictures, shorter than twice that.
const NEW: Duration = Duration::from_secs(5);
/// Who asks again within this time needs what it asks for.
const INSISTS: Duration = Duration::from_secs(1);
/// The label of the channel on which texts are said again (docs/spec/side-channel.md).
const REPEATS: &str = "repeats";

/// A viewer on the way from the last IDR to what is live.
#[derive(Debug, Clone, Copy)]
struct CatchUp {
    /// When the next run goes.
    due: Instant,
    /// The viewer has just come: runs go in their own order, each followed by this much quiet.
    quiet: Option<Duration>,
}
