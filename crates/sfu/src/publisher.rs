//! One publisher: its packets in the order they were sent, whole pictures of them, and when to ask
//! for a key frame.

mod audio;
mod keyframes;
mod layers;
mod sync;
mod video;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use str0m::{
    Event as RtcEvent, RtcError,
    media::{KeyframeRequestKind, Mid, Rid},
    rtp::RtpPacket,
};

use crate::{
    Config, Ingest, Output, Reason, RtpCodec, datagram,
    publisher::{audio::Audio, keyframes::Keyframes, layers::Layers, sync::Sync},
    session::Signals,
    transport::Transport,
};

/// A track the answer has promised to take.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) mid: Mid,
    pub(crate) payload_type: u8,
    /// Of the stream and of its retransmissions, as the offer says.
    pub(crate) ssrc: Option<(u32, Option<u32>)>,
    /// The names of its encodings; none where there is one.
    pub(crate) rids: Vec<Rid>,
}

/// One publisher.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) transport: Transport,
    video: Option<Layers>,
    audio: Option<Audio>,
    keyframes: Keyframes,
    sync: Sync,
    /// Tracks whose SSRC the offer did not say: payload type and section.
    unknown: Vec<(u8, Mid)>,
    ingest: VecDeque<Ingest>,
}

impl Publisher {
    pub(crate) fn new(
        now: Instant,
        mut transport: Transport,
        video: Option<(RtpCodec, Expected)>,
        audio: Option<Expected>,
    ) -> Self {
        let mut unknown = Vec::new();
        let picture = video.as_ref().map(|(_, track)| track);
        for track in picture.into_iter().chain(&audio) {
            match track.ssrc {
                Some((stream, repair)) => {
                    let mut api = transport.rtc.direct_api();
                    api.expect_stream_rx(stream.into(), repair.map(Into::into), track.mid, None);
                }
                // What has names says them.
                None if track.rids.is_empty() => unknown.push((track.payload_type, track.mid)),
                None => {}
            }
        }
        Self {
            transport,
            keyframes: Keyframes::new(now),
            video: video.map(|(codec, track)| {
                Layers::new(codec, track.payload_type, track.mid, &track.rids)
            }),
            audio: audio.map(|track| Audio::new(track.payload_type)),
            sync: Sync::default(),
            unknown,
            ingest: VecDeque::new(),
        }
    }

    /// Parameter sets that the offer names.
    pub(crate) fn know(&mut self, parameter_sets: &[Bytes]) {
        if let Some(video) = &mut self.video {
            video.know(parameter_sets);
        }
    }

    /// Whether there will be video, and sound.
    pub(crate) fn tracks(&self) -> (bool, bool) {
        (self.video.is_some(), self.audio.is_some())
    }

    /// Takes a datagram that is this publisher's.
    pub(crate) fn receive(&mut self, now: Instant, contents: &[u8]) {
        self.learn(contents);
        self.transport.receive(now, contents);
    }

    /// An offer without `a=ssrc` from a client without the `mid` extension leaves the payload type
    /// to tell a track (RFC 8843 section 9.2).
    fn learn(&mut self, contents: &[u8]) {
        if self.unknown.is_empty() {
            return;
        }
        let Some((payload_type, ssrc)) = datagram::rtp_head(contents) else {
            return;
        };
        if let Some(n) = self.unknown.iter().position(|(of, _)| *of == payload_type) {
            let (_, mid) = self.unknown.swap_remove(n);
            let mut api = self.transport.rtc.direct_api();
            api.expect_stream_rx(ssrc.into(), None, mid, None);
        }
    }

    /// Moves the clocks on: gives up what is too late, asks again for a key frame.
    pub(crate) fn advance(&mut self, now: Instant) -> Result<(), RtcError> {
        self.release(now);
        self.ask(now);
        self.transport.advance(now)
    }

    /// When to call again, and why.
    pub(crate) fn deadline(&self, config: &Config) -> (Instant, Reason) {
        let video = self.video.as_ref().and_then(Layers::deadline);
        let audio = self.audio.as_ref().and_then(Audio::deadline);
        let keyframe = self.video.as_ref().map(|_| self.keyframes.deadline());
        let keyframe = keyframe.filter(|_| self.transport.is_connected());
        let own = [video, audio, keyframe].into_iter().flatten();
        own.map(|at| (at, Reason::Ingest))
            .fold(self.transport.deadline(config), Ord::min)
    }

    /// Hands on what the transport has, until it only waits; what has come of it is
    /// [`poll`](Self::poll)ed.
    pub(crate) fn drain(
        &mut self,
        now: Instant,
        outputs: &mut VecDeque<Output>,
    ) -> Result<Signals, RtcError> {
        let mut signals = Signals::default();
        loop {
            while let Some(event) = self.transport.poll(now, outputs)? {
                self.take_event(now, event, &mut signals);
            }
            self.release(now);
            // What is asked for now leaves now.
            if !self.ask(now) {
                break;
            }
            self.transport.advance(now)?;
        }
        signals.closed |= !self.transport.rtc.is_alive();
        Ok(signals)
    }

    /// What has come of the packets, in order.
    pub(crate) fn poll(&mut self) -> Option<Ingest> {
        self.ingest.pop_front()
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of the transport's many events a publisher needs these"
    )]
    fn take_event(&mut self, now: Instant, event: RtcEvent, signals: &mut Signals) {
        match event {
            RtcEvent::Connected => signals.connected = true,
            RtcEvent::Closed => signals.closed = true,
            RtcEvent::RtpPacket(packet) => self.take_packet(now, packet),
            // Nothing is said on a publisher's data channel.
            RtcEvent::ChannelOpen(id, _) => self.transport.rtc.direct_api().close_data_channel(id),
            _ => {}
        }
    }

    fn take_packet(&mut self, now: Instant, packet: RtpPacket) {
        let payload_type = *packet.header.payload_type;
        let report = packet.last_sender_info;
        if let Some(video) = &mut self.video
            && video.payload_type == payload_type
        {
            let stream = self
                .transport
                .rtc
                .direct_api()
                .stream_rx(&packet.header.ssrc)
                .and_then(|stream| stream.rid());
            if video.push(now, stream, packet) {
                self.sync.video_report(report);
            }
        } else if let Some(audio) = &mut self.audio
            && audio.payload_type == payload_type
        {
            self.sync.audio_report(report);
            audio.push(now, packet);
        }
    }

    /// Takes what is in order, and what waited too long for what was before it.
    fn release(&mut self, now: Instant) {
        if let Some(video) = &mut self.video {
            let changed = video.release(now, &mut self.keyframes, &mut self.ingest);
            if changed {
                self.sync.video_changed();
            }
        }
        if let Some(audio) = &mut self.audio {
            audio.release(now, &mut self.ingest);
        }
        if let (Some(video), Some(audio)) = (&self.video, &self.audio)
            && let Some((stamps, offset)) = video.stamps()
            && let Some((video_time, audio_time)) = self.sync.together(stamps, audio.stamps())
        {
            self.ingest.push_back(Ingest::Together {
                audio_time,
                video_time: video_time + offset,
            });
        }
    }

    /// Asks for a key frame if it is time to. True if it did.
    fn ask(&mut self, now: Instant) -> bool {
        let Some(video) = self
            .video
            .as_ref()
            .filter(|_| self.transport.is_connected())
        else {
            return false;
        };
        if !self.keyframes.is_due(now) {
            return false;
        }
        let mut api = self.transport.rtc.direct_api();
        for rid in video.live(now) {
            if let Some(stream) = api.stream_rx_by_mid(video.mid, rid) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        }
        self.keyframes.asked(now);
        true
    }
}

/// How long a packet that is missing is waited for: one request after a round trip, and another.
const WAIT: Duration = Duration::from_millis(200);
/// Packets kept meanwhile: a second of 10 Mbit/s.
const HELD_MAX: usize = 1_024;
