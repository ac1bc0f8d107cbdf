//! A tiny publisher, written apart from the crate's own writers, and a session to point it at.

#![allow(dead_code, reason = "each test file uses the part it needs")]
#![allow(unreachable_pub, reason = "shared by several test crates")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use rtmp::{Config, Error, Event, Input, Output, Session};

/// x264, baseline, zerolatency, 854x480, 25 frames/s.
pub const AVCC: &[u8] = b"\x01\x42\xc0\x1e\xff\xe1\x00\x19\x67\x42\xc0\x1e\xda\x03\x60\xf7\x9b\xc0\
    \x44\x00\x00\x03\x00\x04\x00\x00\x03\x00\xca\x3c\x58\xba\x80\x01\x00\x04\x68\xce\x0f\xc8";
/// OpenH264, 640x360.
pub const OTHER_AVCC: &[u8] = b"\x01\x42\xc0\x1e\xff\xe1\x00\x0f\x67\x42\xc0\x1e\x8c\x8d\x40\x50\
    \x17\xfc\xb0\x0f\x08\x84\x6a\x01\x00\x04\x68\xce\x3c\x80";

pub const AUDIO: u8 = 8;
pub const VIDEO: u8 = 9;
pub const DATA: u8 = 18;
pub const COMMAND: u8 = 20;

/// A session, the time it is told, and what came out of it.
pub struct Peer {
    pub session: Session,
    pub now: Instant,
    pub sent: Vec<u8>,
    pub events: Vec<Event>,
    pub closed: bool,
    pub accept: bool,
}

impl Peer {
    /// A connection just accepted.
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the origin of this test's virtual time"
        )]
        let now = Instant::now();
        let session = Session::new(config, now);
        Self {
            session,
            now,
            sent: vec![],
            events: vec![],
            closed: false,
            accept: true,
        }
    }

    /// One that has shaken hands.
    pub fn shaken() -> Self {
        let mut peer = Self::new();
        peer.feed(&handshake()).unwrap();
        peer.sent.clear();
        peer
    }

    /// One that publishes `live/demo` on message stream 1.
    pub fn publishing() -> Self {
        let mut peer = Self::shaken();
        peer.feed(&publish("live", "demo")).unwrap();
        assert!(peer.said("NetStream.Publish.Start"));
        peer.events.clear();
        peer.sent.clear();
        peer
    }

    /// Gives the session bytes and takes everything it has to say.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.input(Input::Data(Bytes::copy_from_slice(bytes)))
    }

    pub fn input(&mut self, input: Input) -> Result<(), Error> {
        let outcome = self.session.handle_input(self.now, input);
        self.drain();
        outcome
    }

    /// Lets time pass, deadline by deadline.
    pub fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some((when, _)) = self.session.poll_timeout().filter(|(when, _)| *when <= end) {
            assert!(when >= self.now, "a deadline in the past");
            self.now = when;
            self.session.handle_timeout(when);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert!(!self.closed, "something after the close: {output:?}");
            match output {
                Output::Send(bytes) => self.sent.extend_from_slice(&bytes),
                Output::Close => self.closed = true,
                Output::Event(event) => {
                    let asked = matches!(event, Event::Publish { .. });
                    self.events.push(event);
                    if asked && self.accept {
                        let _ = self.session.handle_input(self.now, Input::Accept);
                    }
                }
            }
        }
    }

    /// Whether a text is somewhere in what was sent.
    pub fn said(&self, text: &str) -> bool {
        self.sent
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    }

    pub fn drops(&self) -> Vec<&'static str> {
        self.events
            .iter()
            .filter_map(|event| {
                if let Event::Dropped { what } = event {
                    Some(*what)
                } else {
                    None
                }
            })
            .collect()
    }

    /// Times of the frames so far: audio and video as they came.
    pub fn times(&self) -> Vec<i64> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Video { dts_ms, .. } => Some(*dts_ms),
                Event::Audio { pts_ms, .. } => Some(*pts_ms),
                _ => None,
            })
            .collect()
    }
}

/// C0, C1 and C2.
pub fn handshake() -> Vec<u8> {
    [&[3, 0, 0, 0, 0, 9, 0, 124, 2][..], &[0x5a; 1528 + 1536]].concat()
}

/// connect to publish, in the usual order, in chunks of 128 bytes.
pub fn publish(app: &str, key: &str) -> Vec<u8> {
    let chunks = Chunks::default();
    let named = |name: &str, transaction, arguments: &[u8]| {
        let payload = [
            amf_string(name),
            amf_number(transaction),
            arguments.to_vec(),
        ]
        .concat();
        chunks.message(3, 0, COMMAND, 0, &payload)
    };
    let key = [vec![5], amf_string(key)].concat();
    let publish = [
        amf_string("publish"),
        amf_number(5.0),
        key.clone(),
        amf_string("live"),
    ];
    [
        named(
            "connect",
            1.0,
            &amf_object(&[("app", app), ("type", "nonprivate")]),
        ),
        named("releaseStream", 2.0, &key),
        named("FCPublish", 3.0, &key),
        named("createStream", 4.0, &[5]),
        chunks.message(8, 0, COMMAND, 1, &publish.concat()),
    ]
    .concat()
}

/// A command of any kind on any message stream.
pub fn command(stream: u32, name: &str, transaction: f64, arguments: &[u8]) -> Vec<u8> {
    let payload = [
        amf_string(name),
        amf_number(transaction),
        arguments.to_vec(),
    ]
    .concat();
    Chunks::default().message(3, 0, COMMAND, stream, &payload)
}

pub fn amf_string(text: &str) -> Vec<u8> {
    [&[2][..], &amf_name(text)].concat()
}

pub fn amf_number(number: f64) -> Vec<u8> {
    [&[0][..], &number.to_be_bytes()].concat()
}

pub fn amf_object(properties: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = vec![3];
    for (name, value) in properties {
        bytes.extend(amf_name(name));
        bytes.extend(amf_string(value));
    }
    bytes.extend([0, 0, 9]);
    bytes
}

fn amf_name(text: &str) -> Vec<u8> {
    [
        &u16::try_from(text.len()).unwrap().to_be_bytes()[..],
        text.as_bytes(),
    ]
    .concat()
}

/// How a message is cut.
#[derive(Clone, Copy)]
pub struct Chunks {
    pub size: usize,
    /// Write chunk stream ids in this many bytes.
    pub csid_bytes: usize,
    /// Repeat the extended timestamp on fmt 3 chunks.
    pub repeat_extended: bool,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            size: 128,
            csid_bytes: 1,
            repeat_extended: true,
        }
    }
}

impl Chunks {
    /// Says that chunks have another size from here on.
    pub fn resized(self, size: usize) -> (Self, Vec<u8>) {
        let payload = u32::try_from(size).unwrap().to_be_bytes();
        let plain = Self {
            csid_bytes: 1,
            ..self
        };
        (Self { size, ..self }, plain.message(2, 0, 1, 0, &payload))
    }

    /// A whole message.
    pub fn message(&self, csid: u32, time: u32, kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        self.parts(csid, time, kind, stream, payload).concat()
    }

    /// A message chunk by chunk.
    pub fn parts(
        &self,
        csid: u32,
        time: u32,
        kind: u8,
        stream: u32,
        payload: &[u8],
    ) -> Vec<Vec<u8>> {
        let extended = time >= 0xff_ffff;
        let mut parts = Vec::new();
        let mut rest = payload;
        loop {
            let first = parts.is_empty();
            let mut part = self.basic(if first { 0 } else { 3 }, csid);
            if first {
                part.extend(&time.min(0xff_ffff).to_be_bytes()[1..]);
                part.extend(&u32::try_from(payload.len()).unwrap().to_be_bytes()[1..]);
                part.push(kind);
                part.extend(stream.to_le_bytes());
            }
            if extended && (first || self.repeat_extended) {
                part.extend(time.to_be_bytes());
            }
            let (now, later) = rest.split_at(self.size.min(rest.len()));
            part.extend(now);
            parts.push(part);
            rest = later;
            if rest.is_empty() {
                return parts;
            }
        }
    }

    pub fn basic(&self, fmt: u8, csid: u32) -> Vec<u8> {
        let low = |value: u32| u8::try_from(value & 0xff).unwrap();
        match self.csid_bytes {
            1 => vec![fmt << 6 | low(csid)],
            2 => vec![fmt << 6, low(csid - 64)],
            _ => vec![fmt << 6 | 1, low(csid - 64), low((csid - 64) >> 8)],
        }
    }
}

pub fn video_header(avcc: &[u8]) -> Vec<u8> {
    [&[0x17, 0, 0, 0, 0][..], avcc].concat()
}

/// A coded frame of one NAL unit: IDR or not, filled up to a length.
pub fn video_frame(idr: bool, length: usize) -> Vec<u8> {
    let head = [if idr { 0x17 } else { 0x27 }, 1, 0, 0, 0];
    let unit = [
        &[if idr { 0x65 } else { 0x41 }, 0x88][..],
        &vec![0xab; length - 2],
    ]
    .concat();
    [
        &head[..],
        &u32::try_from(length).unwrap().to_be_bytes(),
        &unit,
    ]
    .concat()
}

/// A packet of the extended header: `kind` is frame type and packet type.
pub fn extended(kind: u8, fourcc: &str, body: &[u8]) -> Vec<u8> {
    [&[0x80 | kind][..], fourcc.as_bytes(), body].concat()
}

/// Units behind four bytes of length.
pub fn access_unit(units: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for unit in units {
        out.extend(u32::try_from(unit.len()).unwrap().to_be_bytes());
        out.extend_from_slice(unit);
    }
    out
}

pub const AUDIO_HEADER: &[u8] = &[0xaf, 0, 0x11, 0x90];
pub const AUDIO_FRAME: &[u8] = &[0xaf, 1, 0x21, 0x10, 0x04];

/// A video message on message stream 1.
pub fn video(time: u32, payload: &[u8]) -> Vec<u8> {
    Chunks::default().message(6, time, VIDEO, 1, payload)
}

/// An audio message on message stream 1.
pub fn audio(time: u32, payload: &[u8]) -> Vec<u8> {
    Chunks::default().message(4, time, AUDIO, 1, payload)
}
