//! One shard and its viewers in one thread and in virtual time, with a network that can lose
//! things.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test and benchmark uses its part of the harness, and may fail where it likes"
)]

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use media::{Frame, H264Config, MediaTime, Timescale, TrackKind, VideoConfig};
use sfu::{
    ClosedReason, Config, Event, FiveTuple, Input, MediaDescription, Offer, Output, Rendition,
    SessionId, Sfu, StreamId, VideoDescription,
};
use str0m::{
    Candidate, Event as RtcEvent, Input as RtcInput, Output as RtcOutput, Rtc,
    change::SdpAnswer,
    channel::{ChannelConfig, ChannelId},
    media::{Direction, KeyframeRequestKind, MediaKind, Mid, SenderFeedback},
    net::{Protocol, Receive, TcpType},
    rtp::RtpPacket,
};

/// The stream of most tests.
pub const STREAM: StreamId = StreamId(1);
/// Where the shard is.
pub const SERVER: &str = "192.0.2.1:8189";
/// One way.
pub const LATENCY: Duration = Duration::from_millis(10);
/// The stream's constants.
pub const K_VIDEO: u32 = 4_000_000_000;
pub const K_AUDIO: u32 = 77;

/// A shard, its viewers and the network between.
pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub sfu: Sfu,
    pub viewers: BTreeMap<SessionId, Viewer>,
    pub events: Vec<(Instant, SessionId, Event)>,
    /// TCP connections that became a session's, and that were let go.
    pub admitted: Vec<FiveTuple>,
    pub closed_connections: Vec<FiveTuple>,
    /// Given a datagram for a viewer: whether the network loses it.
    pub loses: Loses,
    /// The same of a datagram from a viewer.
    pub loses_answer: Loses,
    /// How long the next datagram is under way.
    pub latency: Latency,
    /// A way to a viewer that carries little.
    pub narrow: Option<Narrow>,
    wire: BTreeMap<(Instant, u64), Datagram>,
    sent: u64,
    pub video: Rendition,
    pub audio: Rendition,
    /// What viewers who join come by.
    pub protocol: sfu::Protocol,
    /// Frames of 1/30 s since the stream began.
    pub frames: i64,
}

/// A network's mood.
type Loses = Box<dyn FnMut(&[u8]) -> bool>;
type Latency = Box<dyn FnMut() -> Duration>;

struct Datagram {
    source: SocketAddr,
    destination: SocketAddr,
    contents: Vec<u8>,
}

/// A link's rate and the tenth of a second that its queue holds; what is more gets lost.
pub struct Narrow {
    pub to: SocketAddr,
    pub bytes_per_second: f64,
    pub queued: f64,
    pub since: Instant,
}

impl Narrow {
    fn carries(&mut self, now: Instant, to: SocketAddr, contents: &[u8]) -> bool {
        if to != self.to {
            return true;
        }
        let gone = now.duration_since(self.since).as_secs_f64() * self.bytes_per_second;
        self.since = now;
        self.queued = (self.queued - gone).max(0.0);
        let length = u32::try_from(contents.len()).unwrap().into();
        let fits = self.queued + length <= self.bytes_per_second / 10.0;
        self.queued += if fits { length } else { 0.0 };
        fits
    }
}

/// A player.
pub struct Viewer {
    pub rtc: Rtc,
    /// Where the world sees it; a NAT may change it.
    pub address: SocketAddr,
    /// Where it thinks it is.
    pub local: SocketAddr,
    /// What its datagrams come by.
    pub protocol: sfu::Protocol,
    pub answer: String,
    pub video: Mid,
    pub audio: Mid,
    pub channel: Option<ChannelId>,
    pub packets: Vec<(Instant, RtpPacket)>,
    pub texts: Vec<String>,
    pub reports: Vec<(Mid, SenderFeedback)>,
    pub closed: bool,
    deadline: Instant,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "where virtual time begins does not matter"
        )]
        let start = Instant::now();
        let mut config = Config::new(vec![SERVER.parse().unwrap()]);
        change(&mut config);
        let mut video = Rendition::video(K_VIDEO);
        video.set_video_config(&h264_config().into());
        Self {
            now: start,
            start,
            sfu: Sfu::new(config, start).unwrap(),
            viewers: BTreeMap::new(),
            events: Vec::new(),
            admitted: Vec::new(),
            closed_connections: Vec::new(),
            loses: Box::new(|_| false),
            loses_answer: Box::new(|_| false),
            latency: Box::new(|| LATENCY),
            narrow: None,
            wire: BTreeMap::new(),
            sent: 0,
            video,
            audio: Rendition::audio(K_AUDIO),
            protocol: sfu::Protocol::Udp,
            frames: 0,
        }
    }

    /// A viewer posts its offer and has the answer at once.
    pub fn join(&mut self, session: u64) -> SessionId {
        self.join_as(session, |_| {})
    }

    /// The same, with the offer's text changed on the way.
    pub fn join_as(&mut self, session: u64, change: impl FnOnce(&mut String)) -> SessionId {
        let id = SessionId(session);
        let address =
            SocketAddr::from(([198, 51, 100, 1], 5_000 + u16::try_from(session).unwrap()));
        let (mut viewer, mut offer, pending) = Viewer::new(address, self.protocol, self.now);
        change(&mut offer);
        let config = VideoConfig::from(h264_config());
        let media = MediaDescription {
            video: Some(VideoDescription::Source(&config)),
            audio: true,
        };
        let offer = Offer {
            session: id,
            stream: STREAM,
            sdp: &offer,
            media,
        };
        let answer = self
            .sfu
            .accept_offer(self.now, offer)
            .expect("the offer is good");
        let parsed = SdpAnswer::from_sdp_string(&answer.sdp).expect("str0m reads the answer");
        viewer
            .rtc
            .sdp_api()
            .accept_answer(pending, parsed)
            .expect("the answer fits the offer");
        viewer.answer = answer.sdp;
        self.viewers.insert(id, viewer);
        self.pump(id);
        self.drain_sfu();
        id
    }

    /// Joins and waits until the session is up.
    pub fn join_and_connect(&mut self, session: u64) -> SessionId {
        let id = self.join(session);
        self.run(Duration::from_millis(1_000));
        assert!(
            self.is_connected(id),
            "session {session} connects within a second"
        );
        id
    }

    pub fn is_connected(&self, id: SessionId) -> bool {
        self.events
            .iter()
            .any(|(_, of, event)| *of == id && *event == Event::Connected)
    }

    pub fn closed(&self, id: SessionId) -> Option<&ClosedReason> {
        self.events.iter().find_map(|(_, of, event)| match event {
            Event::Closed { reason } if *of == id => Some(reason),
            Event::Closed { .. }
            | Event::Connected
            | Event::ChannelOpen
            | Event::RepeatsOpen
            | Event::TextAcknowledged(_)
            | Event::Said(_)
            | Event::Ingest(_) => None,
        })
    }

    /// The publisher's next video frame, and its sound.
    pub fn publish_frame(&mut self, keyframe: bool, bytes: usize) {
        let frame = self.video_frame(keyframe, bytes);
        let packets = self.video.push(&frame).unwrap();
        self.sfu
            .forward(self.now, STREAM, TrackKind::Video, packets);
        self.drain_sfu();
        let pts = MediaTime::new(480_000 + self.frames * 1_600, Timescale::OPUS);
        let payload = Bytes::from_static(&[0xfc; 120]);
        let sound = Frame {
            track: TrackKind::Audio,
            dts: pts,
            pts,
            keyframe: true,
            payload,
        };
        let packets = self.audio.push(&sound).unwrap();
        self.sfu
            .forward(self.now, STREAM, TrackKind::Audio, packets);
        self.drain_sfu();
        self.frames += 1;
    }

    fn video_frame(&self, keyframe: bool, bytes: usize) -> Frame {
        let pts = MediaTime::new(900_000 + self.frames * 3_000, Timescale::VIDEO);
        let number = u32::try_from(self.frames).unwrap();
        Frame {
            track: TrackKind::Video,
            dts: pts,
            pts,
            keyframe,
            payload: slice(keyframe, number, bytes),
        }
    }

    /// Publishes `frames` at 30 a second, a key frame every `gop`.
    pub fn publish(&mut self, frames: i64, gop: i64, bytes: usize) {
        for _ in 0..frames {
            self.publish_frame(self.frames % gop == 0, bytes);
            self.run(Duration::from_nanos(33_333_333));
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(next) = self.next_time().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.turn();
        }
        self.now = end;
    }

    fn next_time(&self) -> Option<Instant> {
        let wire = self.wire.keys().next().map(|(at, _)| *at);
        let sfu = self.sfu.poll_timeout().map(|(at, _)| at);
        let viewers = self.viewers.values().map(|viewer| viewer.deadline).min();
        [wire, sfu, viewers].into_iter().flatten().min()
    }

    fn turn(&mut self) {
        while let Some(entry) = self
            .wire
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            let datagram = entry.remove();
            self.deliver(&datagram);
        }
        self.sfu.handle_timeout(self.now);
        self.drain_sfu();
        let due: Vec<SessionId> = self
            .viewers
            .iter()
            .filter(|(_, viewer)| viewer.deadline <= self.now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let viewer = self.viewers.get_mut(&id).unwrap();
            viewer
                .rtc
                .handle_input(RtcInput::Timeout(self.now))
                .unwrap();
            self.pump(id);
        }
    }

    fn deliver(&mut self, datagram: &Datagram) {
        let Datagram {
            source,
            destination,
            contents,
        } = datagram;
        if *destination == SERVER.parse().unwrap() {
            let sender = self.viewers.values();
            let mut sender = sender.filter(|viewer| viewer.address == *source);
            let protocol = sender.next().map_or(sfu::Protocol::Udp, |it| it.protocol);
            let tuple = FiveTuple {
                protocol,
                ..udp(*source)
            };
            self.receive_by(tuple, contents);
            return;
        }
        let found = self
            .viewers
            .iter_mut()
            .find(|(_, viewer)| viewer.address == *destination);
        let Some((id, viewer)) = found else { return };
        let id = *id;
        let protocol = match viewer.protocol {
            sfu::Protocol::Udp => Protocol::Udp,
            sfu::Protocol::Tcp => Protocol::Tcp,
        };
        let receive = Receive::new(protocol, *source, viewer.local, contents).unwrap();
        viewer
            .rtc
            .handle_input(RtcInput::Receive(self.now, receive))
            .unwrap();
        self.pump(id);
    }

    /// Gives the shard a datagram, whoever made it up.
    pub fn receive(&mut self, source: SocketAddr, contents: &[u8]) {
        self.receive_by(udp(source), contents);
    }

    /// The same, by whatever way.
    pub fn receive_by(&mut self, tuple: FiveTuple, contents: &[u8]) {
        let input = Input::Datagram { tuple, contents };
        self.sfu.handle_input(self.now, input);
        self.drain_sfu();
    }

    pub fn drain_sfu(&mut self) {
        while let Some(output) = self.sfu.poll_output() {
            match output {
                Output::Transmit { tuple, contents } => {
                    assert_eq!(tuple.local, SERVER.parse().unwrap());
                    let now = self.now;
                    let fits = |narrow: &mut Narrow| narrow.carries(now, tuple.remote, &contents);
                    if self.narrow.as_mut().is_none_or(fits) && !(self.loses)(&contents) {
                        self.post(tuple.local, tuple.remote, contents);
                    }
                }
                Output::Admit { tuple } => self.admitted.push(tuple),
                Output::Close { tuple } => self.closed_connections.push(tuple),
                Output::Event(id, event) => self.events.push((self.now, id, event)),
            }
        }
    }

    fn post(&mut self, source: SocketAddr, destination: SocketAddr, contents: Vec<u8>) {
        self.sent += 1;
        let key = (self.now + (self.latency)(), self.sent);
        self.wire.insert(
            key,
            Datagram {
                source,
                destination,
                contents,
            },
        );
    }

    /// Drains one viewer.
    pub fn pump(&mut self, id: SessionId) {
        let viewer = self.viewers.get_mut(&id).unwrap();
        let mut out = VecDeque::new();
        loop {
            match viewer.rtc.poll_output().unwrap() {
                RtcOutput::Timeout(at) => {
                    viewer.deadline = at.max(self.now + Duration::from_millis(1));
                    break;
                }
                RtcOutput::Transmit(transmit) => out.push_back(transmit),
                RtcOutput::Event(event) => viewer.take(self.now, event),
            }
        }
        let address = viewer.address;
        for transmit in out {
            if !(self.loses_answer)(&transmit.contents) {
                self.post(address, transmit.destination, transmit.contents.into());
            }
        }
    }

    /// The viewer asks for a key frame.
    pub fn ask_for_keyframe(&mut self, id: SessionId) {
        let viewer = self.viewers.get_mut(&id).unwrap();
        let mid = viewer.video;
        let mut api = viewer.rtc.direct_api();
        api.stream_rx_by_mid(mid, None)
            .expect("video has begun")
            .request_keyframe(KeyframeRequestKind::Pli);
        viewer
            .rtc
            .handle_input(RtcInput::Timeout(self.now))
            .unwrap();
        self.pump(id);
    }
}

impl Viewer {
    fn new(
        address: SocketAddr,
        protocol: sfu::Protocol,
        now: Instant,
    ) -> (Self, String, str0m::change::SdpPendingOffer) {
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(now);
        let candidate = match protocol {
            sfu::Protocol::Udp => Candidate::host(address, "udp"),
            sfu::Protocol::Tcp => {
                let candidate = Candidate::builder().tcp().host(address);
                candidate.tcptype(TcpType::Active).build()
            }
        };
        rtc.add_local_candidate(candidate.unwrap());
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let audio = changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let channel = changes.add_channel_with_config(ChannelConfig {
            label: "cues".to_owned(),
            negotiated: Some(0),
            ..ChannelConfig::default()
        });
        let (offer, pending) = changes.apply().unwrap();
        let viewer = Self {
            rtc,
            address,
            local: address,
            protocol,
            answer: String::new(),
            video,
            audio,
            channel: Some(channel),
            packets: Vec::new(),
            texts: Vec::new(),
            reports: Vec::new(),
            closed: false,
            deadline: now,
        };
        (viewer, offer.to_sdp_string(), pending)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest says nothing to these tests"
    )]
    fn take(&mut self, now: Instant, event: RtcEvent) {
        match event {
            RtcEvent::RtpPacket(packet) => self.packets.push((now, packet)),
            RtcEvent::ChannelData(data) => {
                self.texts.push(String::from_utf8(data.data).unwrap());
            }
            RtcEvent::SenderFeedback(report) => self.reports.push((report.mid, report)),
            RtcEvent::Closed => self.closed = true,
            _ => {}
        }
    }

    /// What came on the video track, in the order it came.
    pub fn video_packets(&self) -> impl Iterator<Item = &RtpPacket> {
        let clock = str0m::media::Frequency::NINETY_KHZ;
        self.packets
            .iter()
            .map(|(_, packet)| packet)
            .filter(move |packet| packet.time.frequency() == clock)
    }

    /// The numbers of the frames that came whole, in the order of their sequence numbers, each
    /// once.
    pub fn whole_frames(&self) -> Vec<u32> {
        let mut by_number: BTreeMap<u64, &RtpPacket> = BTreeMap::new();
        for packet in self.video_packets() {
            by_number.insert(*packet.seq_no, packet);
        }
        let mut frames = Vec::new();
        let mut last: Option<u64> = None;
        let (mut whole, mut number) = (true, None);
        for (seq, packet) in by_number {
            whole &= last.is_none_or(|last| last + 1 == seq);
            last = Some(seq);
            number = number.or_else(|| frame_number(&packet.payload));
            if packet.header.marker {
                if let (true, Some(number)) = (whole, number) {
                    frames.push(number);
                }
                (whole, number) = (true, None);
            }
        }
        frames
    }
}

/// A configuration as an encoder would make it; nobody here decodes.
pub fn h264_config() -> H264Config {
    H264Config {
        avcc: Bytes::from_static(&[1, 0x42, 0xe0, 0x1f]),
        sps: vec![Bytes::from_static(&[
            0x67, 0x42, 0xe0, 0x1f, 0x8c, 0x8d, 0x40,
        ])],
        pps: vec![Bytes::from_static(&[0x68, 0xce, 0x3c, 0x80])],
        profile_level: [0x42, 0xe0, 0x1f],
        width: 1280,
        height: 720,
        frame_rate: None,
        reorder_frames: Some(0),
    }
}

/// An access unit of one slice, its number in the first octets.
pub fn slice(keyframe: bool, number: u32, bytes: usize) -> Bytes {
    let mut nal = vec![if keyframe { 0x65 } else { 0x41 }];
    nal.extend_from_slice(&number.to_be_bytes());
    nal.resize(bytes.max(6), 0x5a);
    let mut unit = u32::try_from(nal.len()).unwrap().to_be_bytes().to_vec();
    unit.extend_from_slice(&nal);
    Bytes::from(unit)
}

/// The number in a slice's first packet.
fn frame_number(payload: &[u8]) -> Option<u32> {
    let at = match payload[0] & 0x1f {
        1 | 5 => 1,
        28 if payload[1] & 0x80 != 0 => 2,
        _ => return None,
    };
    Some(u32::from_be_bytes(
        payload.get(at..at + 4)?.try_into().unwrap(),
    ))
}

/// The way from an address by UDP.
pub fn udp(remote: SocketAddr) -> FiveTuple {
    FiveTuple {
        protocol: sfu::Protocol::Udp,
        local: SERVER.parse().unwrap(),
        remote,
    }
}

/// Whether a datagram is protected media rather than STUN, DTLS or RTCP (RFC 7983, RFC 5761).
pub fn is_media(datagram: &[u8]) -> bool {
    datagram[0] >> 6 == 2 && !(192..=223).contains(&datagram[1])
}
