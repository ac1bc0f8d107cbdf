//! A publisher made of bytes, and a shard driven in virtual time.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "each test uses its part; an Instant has no other origin"
)]

use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use cues::{At, CueRequest, Level, Notice, Op, Payload};
use engine::{Config, ConnId, Input, Output, Shard, StreamName};
use media::UnixMillis;

/// x264, 320x180, 30 fps, constrained baseline.
pub(crate) const AVCC: &[u8] = &[
    0x01, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0x9f,
    0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0xa4,
    0x80, 0x01, 0x00, 0x05, 0x68, 0xcb, 0x83, 0xcb, 0x20,
];

/// The same with two B-frames: High profile, `max_num_reorder_frames` 2.
pub(crate) const AVCC_B_FRAMES: &[u8] = &[
    0x01, 0x64, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41,
    0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42,
    0x99, 0x60, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
];

/// AAC-LC, 48 kHz, stereo.
pub(crate) const ASC: &[u8] = &[0x11, 0x90];

/// UTC at the start of every test.
pub(crate) const WALL: UnixMillis = UnixMillis(1_700_000_000_000);

/// The stream of the tests that have one.
pub(crate) fn name() -> StreamName {
    StreamName::parse("show").unwrap()
}

/// A notice that says its card's id, asked for under the key `key-<id>`.
pub(crate) fn notice(card_id: &str, at: At) -> CueRequest {
    CueRequest {
        card_id: card_id.into(),
        op: Op::Show,
        duration: None,
        payload: Some(Payload::Notice(Notice {
            level: Level::Info,
            text: card_id.into(),
        })),
        at,
        ends: None,
        if_rev: None,
        idempotency_key: Some(format!("key-{card_id}")),
    }
}

/// An offer of H.264 in one direction.
pub(crate) fn offer(direction: &str) -> String {
    let fingerprint = ["AB"; 32].join(":");
    [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        &format!("a={direction}"),
        "a=rtcp-mux",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        &format!("a=fingerprint:sha-256 {fingerprint}"),
        "a=setup:actpass",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1",
        "",
    ]
    .join("\r\n")
}

/// A shard and the virtual time it lives in.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) shard: Shard,
    pub(crate) now: Instant,
    pub(crate) out: Vec<Output>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(WALL)
    }

    /// One that begins at another UTC, with random numbers of its own.
    pub(crate) fn at(wall: UnixMillis) -> Self {
        Self::with(wall, |_| {})
    }

    /// One that is configured otherwise.
    pub(crate) fn with(wall: UnixMillis, change: impl FnOnce(&mut Config)) -> Self {
        let now = Instant::now();
        let mut config = Config::new(sfu::Config::new(vec!["127.0.0.1:8189".parse().unwrap()]));
        change(&mut config);
        Self {
            shard: Shard::new(config, now, wall, wall.0.unsigned_abs()).unwrap(),
            now,
            out: Vec::new(),
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.shard.handle_input(self.now, input);
        self.drain();
    }

    pub(crate) fn send(&mut self, conn: ConnId, data: Bytes) {
        self.input(Input::RtmpData { conn, data });
    }

    /// Lets time pass, acting on every deadline on the way.
    pub(crate) fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some((at, _)) = self.shard.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.shard.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    pub(crate) fn drain(&mut self) {
        self.out
            .extend(std::iter::from_fn(|| self.shard.poll_output()));
    }

    /// A publisher of `stream`, accepted.
    pub(crate) fn publish(&mut self, conn: u64, stream: &str) -> Publisher {
        let publisher = self.ask_to_publish(conn, stream);
        let decision = Ok(StreamName::parse(stream).unwrap());
        self.input(Input::PublishDecided {
            conn: publisher.conn,
            decision,
        });
        publisher
    }

    /// A publisher that waits for its answer.
    pub(crate) fn ask_to_publish(&mut self, conn: u64, key: &str) -> Publisher {
        self.ask_to_publish_in("live", conn, key)
    }

    /// The same in another application.
    pub(crate) fn ask_to_publish_in(&mut self, app: &str, conn: u64, key: &str) -> Publisher {
        let conn = ConnId(conn);
        self.input(Input::RtmpOpened { conn });
        self.send(conn, hello());
        self.send(conn, Bytes::from(vec![0; 1536]));
        self.send(conn, chunk(2, 1, 0, 0, &65_536_u32.to_be_bytes()));
        self.send(
            conn,
            command(0, |amf| {
                amf.string("connect").number(1.0).object(&[("app", app)])
            }),
        );
        self.send(
            conn,
            command(0, |amf| amf.string("createStream").number(2.0).null()),
        );
        self.send(
            conn,
            command(1, |amf| {
                amf.string("publish")
                    .number(3.0)
                    .null()
                    .string(key)
                    .string("live")
            }),
        );
        Publisher { conn }
    }

    /// Sends `count` frames of 30 fps video in real time, from frame number `first`, an IDR every `gop` frames.
    pub(crate) fn frames(&mut self, publisher: &Publisher, first: u32, count: u32, gop: u32) {
        for n in first..first + count {
            let data = publisher.video(n * 1000 / 30, n % gop == 0);
            self.send(publisher.conn, data);
            self.pass(Duration::from_nanos(33_333_333));
        }
    }
}

/// One RTMP connection that publishes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Publisher {
    pub(crate) conn: ConnId,
}

impl Publisher {
    pub(crate) fn video_config(self, avcc: &[u8]) -> Bytes {
        chunk(6, 9, 1, 0, &[&[0x17, 0, 0, 0, 0], avcc].concat())
    }

    pub(crate) fn audio_config(self) -> Bytes {
        self.audio_config_of(ASC)
    }

    pub(crate) fn audio_config_of(self, asc: &[u8]) -> Bytes {
        chunk(4, 8, 1, 0, &[&[0xaf, 0], asc].concat())
    }

    pub(crate) fn video(self, ms: u32, keyframe: bool) -> Bytes {
        // A slice header: first_mb 0, slice_type 7 (I) or 5 (P), both exp-Golomb, then anything.
        let (tag, nal) = if keyframe {
            (0x17, [0x65, 0x88, 1, 2])
        } else {
            (0x27, [0x41, 0x9a, 1, 2])
        };
        let mut body = vec![tag, 1, 0, 0, 0, 0, 0, 0, 4];
        body.extend(nal);
        chunk(6, 9, 1, ms, &body)
    }

    /// An access unit of these NAL units, shown `composition_ms` after `ms`.
    pub(crate) fn access_unit(self, ms: u32, composition_ms: u8, nals: &[&[u8]]) -> Bytes {
        let keyframe = nals.iter().any(|nal| nal[0] & 0x1f == 5);
        let tag = if keyframe { 0x17 } else { 0x27 };
        let mut body = vec![tag, 1, 0, 0, composition_ms];
        for nal in nals {
            body.extend(u32::try_from(nal.len()).unwrap().to_be_bytes());
            body.extend(*nal);
        }
        chunk(6, 9, 1, ms, &body)
    }

    /// A packet of video by the extended header; `kind` is frame type and packet type.
    pub(crate) fn extended_video(self, ms: u32, kind: u8, fourcc: &str, body: &[u8]) -> Bytes {
        let message = [&[0x80 | kind][..], fourcc.as_bytes(), body].concat();
        chunk(6, 9, 1, ms, &message)
    }

    /// The same of audio; `kind` is the packet type.
    pub(crate) fn extended_audio(self, ms: u32, kind: u8, fourcc: &str, body: &[u8]) -> Bytes {
        let message = [&[0x90 | kind][..], fourcc.as_bytes(), body].concat();
        chunk(4, 8, 1, ms, &message)
    }

    pub(crate) fn audio(self, ms: u32) -> Bytes {
        chunk(4, 8, 1, ms, &[0xaf, 1, 0x21, 0x10, 0x05])
    }
}

fn hello() -> Bytes {
    let mut bytes = vec![3];
    bytes.resize(1 + 1536, 0);
    bytes.into()
}

fn chunk(csid: u8, kind: u8, message_stream: u32, ms: u32, body: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(csid);
    out.put_uint(ms.into(), 3);
    out.put_uint(body.len() as u64, 3);
    out.put_u8(kind);
    out.put_u32_le(message_stream);
    // Commands precede Set Chunk Size nowhere here, and none is longer than the 128 bytes that hold before it.
    out.put_slice(body);
    out.freeze()
}

fn command(message_stream: u32, fill: impl FnOnce(&mut Amf) -> &mut Amf) -> Bytes {
    let mut amf = Amf(BytesMut::new());
    fill(&mut amf);
    chunk(3, 20, message_stream, 0, &amf.0)
}

struct Amf(BytesMut);

impl Amf {
    fn text(&mut self, text: &str) {
        self.0.put_u16(u16::try_from(text.len()).unwrap());
        self.0.put_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) -> &mut Self {
        self.0.put_u8(2);
        self.text(text);
        self
    }

    fn number(&mut self, number: f64) -> &mut Self {
        self.0.put_u8(0);
        self.0.put_f64(number);
        self
    }

    fn null(&mut self) -> &mut Self {
        self.0.put_u8(5);
        self
    }

    fn object(&mut self, pairs: &[(&str, &str)]) -> &mut Self {
        self.0.put_u8(3);
        for (key, value) in pairs {
            self.text(key);
            self.string(value);
        }
        self.0.put_slice(&[0, 0, 9]);
        self
    }
}
