//! A child that is told the worst, and listened to as its supervisor listens.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    sync::mpsc::{self, Sender},
    thread,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use media::h264;
use transcode::{Config, FromChild, Message as _, Picture, Start, ToChild};

use super::source::{Codec, Source, Unit};
use crate::child::{Heard, PATIENCE, Transcoder};

/// What a case ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What was whole came back, from its first on.
    WentOn,
    /// The same without its first pictures, which the decoder kept: it took them for part of what was broken.
    WentOnLater,
    /// The process has ended by itself, as it may.
    Ended(ExitStatus),
    /// It takes and does not give: the supervisor would have killed it.
    Silent,
}

impl Outcome {
    pub(super) const fn goes_on(self) -> bool {
        matches!(self, Self::WentOn | Self::WentOnLater)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WentOn => f.write_str("went on"),
            Self::WentOnLater => f.write_str("went on later"),
            Self::Ended(status) => write!(f, "ended ({status})"),
            Self::Silent => f.write_str("silent"),
        }
    }
}

pub(super) struct Subject<'a> {
    source: &'a Source,
    transcoder: Transcoder,
    input: Option<Sender<Bytes>>,
    /// Where the next group begins.
    next: i64,
    /// Times of pictures that have not come back, and how often each was sent.
    awaited: BTreeMap<i64, u32>,
    /// Of what came last.
    last: Option<i64>,
    configured: bool,
    resident: Vec<u64>,
}

impl<'a> Subject<'a> {
    /// Ready for it.
    pub(super) fn of(source: &'a Source) -> Self {
        Self::told(source, &source.start).ready()
    }

    pub(super) fn ready(self) -> Self {
        assert_eq!(self.transcoder.hear(), Some(FromChild::Ready));
        self
    }

    /// Told another configuration than the source's.
    pub(super) fn told(source: &'a Source, start: &Start) -> Self {
        let mut transcoder = Transcoder::spawn();
        let mut stdin = transcoder.take_input();
        let (input, lines) = mpsc::channel::<Bytes>();
        // A child that does not read keeps this thread waiting, and nobody else.
        thread::spawn(move || lines.iter().try_for_each(|bytes| stdin.write_all(&bytes)));
        let subject = Self {
            source,
            transcoder,
            input: Some(input),
            next: FIRST,
            awaited: BTreeMap::new(),
            last: None,
            configured: false,
            resident: Vec::new(),
        };
        subject.tell(&ToChild::Start(start.clone()));
        subject
    }

    /// All of the source, to the end.
    pub(super) fn whole(mut self) -> Outcome {
        match self.transcoder.listen(Config::default().start_up_max) {
            Heard::Message(FromChild::Ready) => {}
            Heard::Message(message) => {
                assert_eq!(self.take(message), None, "before it is ready");
            }
            Heard::Nothing => {
                self.kill();
                return Outcome::Silent;
            }
            Heard::End => {}
        }
        self.group(&self.source.units);
        self.tell(&ToChild::Stop);
        let mut came = false;
        loop {
            match self.transcoder.listen(Config::default().silence_max) {
                Heard::Message(message) => came |= self.take(message).is_some(),
                Heard::Nothing => {
                    self.kill();
                    return Outcome::Silent;
                }
                Heard::End => break,
            }
        }
        let status = self.ended();
        if came && status.success() {
            Outcome::WentOn
        } else {
            Outcome::Ended(status)
        }
    }

    /// A broken group, then a whole one: what becomes of that.
    pub(super) fn broken_then_whole(&mut self, broken: &[Unit]) -> Outcome {
        self.group(broken);
        self.tell(&ToChild::Keyframe);
        let whole = self.next;
        self.group(&self.source.units);
        match self.until(whole) {
            Some(outcome) if outcome.goes_on() => {
                self.resident.extend(self.resident());
                outcome
            }
            Some(_) => {
                self.kill();
                Outcome::Silent
            }
            None => Outcome::Ended(self.ended()),
        }
    }

    /// It is asked to end, and does.
    pub(super) fn stop(mut self) {
        self.tell(&ToChild::Stop);
        self.input = None;
        loop {
            match self.transcoder.listen(PATIENCE) {
                Heard::Message(message) => self.take(message),
                Heard::Nothing => panic!("it does not end"),
                Heard::End => break,
            };
        }
        let status = self.ended();
        // `av1dec` may still fail over what came last.
        assert!(
            status.success() || self.source.codec == Codec::Av1,
            "{status}"
        );
        // Once it has seen a few of everything it has all that it needs.
        let used = self.resident.get(RESIDENT_AFTER..).unwrap_or_default();
        if let (Some(first), Some(last)) = (used.first(), used.last()) {
            println!(
                "{first} KiB after {RESIDENT_AFTER} cases, {last} KiB after {}",
                self.resident.len()
            );
            assert!(*last <= first + RESIDENT_GROWTH_KIB, "{used:?}");
        }
    }

    fn tell(&self, message: &ToChild) {
        if self.source.is_sound() && *message == ToChild::Keyframe {
            return;
        }
        let mut bytes = BytesMut::new();
        message.encode(&mut bytes).unwrap();
        if let Some(input) = &self.input {
            // Nobody takes it where the process has ended.
            let _ = input.send(bytes.freeze());
        }
    }

    fn group(&mut self, units: &[Unit]) {
        let begin = self.next;
        for unit in units {
            let ticks = begin + unit.turn * self.source.step;
            self.next = self.next.max(ticks + self.source.step);
            *self.awaited.entry(ticks).or_default() += 1;
            self.tell(&self.source.message(ticks, unit.payload.clone()));
        }
    }

    /// Listens until what was sent with the time `whole`, or after it, has come back; `None` at the end of its output.
    fn until(&mut self, whole: i64) -> Option<Outcome> {
        let patience = Config::default().silence_max;
        loop {
            match self.transcoder.listen(patience) {
                Heard::Message(message) => match self.take(message) {
                    Some(at) if at > whole && !self.source.is_sound() => {
                        return Some(Outcome::WentOnLater);
                    }
                    Some(at) if at >= whole => return Some(Outcome::WentOn),
                    Some(_) | None => {}
                },
                Heard::Nothing => return Some(Outcome::Silent),
                Heard::End => return None,
            }
        }
    }

    /// Looks at what it said; the time of a picture or a packet.
    fn take(&mut self, message: FromChild) -> Option<i64> {
        match message {
            FromChild::Configuration(avcc) => {
                h264::parse_avcc(&avcc).unwrap();
                self.configured = true;
                None
            }
            FromChild::Picture(picture) => Some(self.picture(&picture)),
            FromChild::Packet { pts, payload } => {
                let sent = FIRST - DELAY_MAX..self.next + DELAY_MAX;
                assert!(sent.contains(&pts.ticks()), "{pts:?} is not of {sent:?}");
                assert!(!payload.is_empty());
                Some(pts.ticks())
            }
            FromChild::Failed { message } => {
                println!("failed: {message}");
                None
            }
            FromChild::Jpeg(_) => panic!("nobody asked for a JPEG"),
            FromChild::Ready => panic!("ready twice"),
        }
    }

    fn picture(&mut self, picture: &Picture) -> i64 {
        assert!(self.configured, "a picture before its configuration");
        let pts = picture.pts.0;
        let awaited = self.awaited.get_mut(&pts);
        let awaited = awaited.filter(|count| **count > 0);
        *awaited.unwrap_or_else(|| {
            panic!(
                "a picture of {pts}, which was not sent or has come back; the last was {:?}",
                self.last
            )
        }) -= 1;
        assert!(self.last < Some(pts), "{pts} after {:?}", self.last);
        self.last = Some(pts);
        let nals: Vec<Bytes> = h264::nals(&picture.payload).collect();
        let bytes: usize = nals.iter().map(|nal| 4 + nal.len()).sum();
        assert_eq!(bytes, picture.payload.len(), "whole NAL units");
        let idr = nals.iter().any(|nal| nal[0] & 0x1f == h264::NAL_IDR);
        assert_eq!(picture.keyframe, idr);
        pts
    }

    /// As its supervisor would.
    fn kill(&mut self) {
        // Before its input ends, which it would obey.
        self.transcoder.kill();
        self.input = None;
        let status = self.transcoder.exit_within(Duration::from_secs(10));
        assert_eq!(status.signal(), Some(9), "{status}");
    }

    /// How it ended by itself.
    fn ended(&mut self) -> ExitStatus {
        self.input = None;
        let status = self.transcoder.exit_within(Duration::from_secs(10));
        // It was asked to, or nothing can be decoded. Other numbers are faults of ours; a signal is a decoder that crashed.
        let may = matches!(status.code(), Some(0 | 1)) || status.signal().is_some();
        assert!(may, "{status}");
        status
    }

    fn resident(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.transcoder.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

/// On no multiple of a millisecond.
const FIRST: i64 = 900_001;
/// 120 ms: the longest Opus packet, more than encoders put before the first sample and the aligner moves one.
const DELAY_MAX: i64 = 5_760;
const RESIDENT_AFTER: usize = 10;
const RESIDENT_GROWTH_KIB: u64 = 100 << 10;
