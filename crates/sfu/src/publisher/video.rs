//! A publisher's video: packets in order, held back only until they can be told from damage, and
//! the pictures they make.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;
use str0m::rtp::RtpPacket;

use crate::{
    Ingest, RtpCodec, VideoPacket,
    ingest::{Depacketiser, Fault, Look, Output, Packet, Popped, Reorder, Scrubber, Timestamp},
    publisher::{HELD_MAX, WAIT, keyframes::Keyframes},
};

/// One encoding of a publisher's video.
#[derive(Debug)]
pub(crate) struct Video {
    order: Reorder<Received>,
    stamps: Timestamp,
    after_gap: bool,
    depacketiser: Depacketiser,
    /// Only H.264 has such messages.
    scrubber: Option<Scrubber>,
    gate: Gate,
}

#[derive(Debug)]
struct Received {
    stamp: u32,
    marker: bool,
    payload: Arc<[u8]>,
}

impl Video {
    pub(crate) fn new(codec: RtpCodec) -> Self {
        Self {
            order: Reorder::new(WAIT, HELD_MAX),
            stamps: Timestamp::default(),
            after_gap: false,
            depacketiser: Depacketiser::new(codec),
            scrubber: (codec == RtpCodec::H264).then(Scrubber::default),
            gate: Gate::default(),
        }
    }

    pub(crate) fn know(&mut self, parameter_sets: &[Bytes]) {
        self.depacketiser.know(parameter_sets);
    }

    pub(crate) fn stamps(&self) -> Timestamp {
        self.stamps
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.order.deadline()
    }

    pub(crate) fn push(&mut self, now: Instant, packet: RtpPacket) {
        let received = Received {
            stamp: packet.header.timestamp,
            marker: packet.header.marker,
            payload: packet.payload,
        };
        self.order.push(now, *packet.seq_no, received);
    }

    pub(crate) fn release(
        &mut self,
        now: Instant,
        keyframes: &mut Keyframes,
        out: &mut VecDeque<Ingest>,
    ) {
        while let Some(popped) = self.order.pop(now) {
            match popped {
                Popped::Packet { item, .. } => self.take(now, item, keyframes, out),
                Popped::Gap { .. } | Popped::Restart => self.after_gap = true,
            }
        }
    }

    /// Tells what one packet, in its order, has made known: the picture before it, itself, and the
    /// picture it ends.
    fn take(
        &mut self,
        now: Instant,
        mut received: Received,
        keyframes: &mut Keyframes,
        out: &mut VecDeque<Ingest>,
    ) {
        let rtp_time = self.stamps.extend(received.stamp);
        let scrubber = self.scrubber.as_mut();
        let count = scrubber.map_or(0, |scrubber| scrubber.scrub(&mut received.payload));
        if count > 0 {
            out.push_back(Ingest::Forged { count });
        }
        self.depacketiser.push(Packet {
            payload: &received.payload,
            rtp_time,
            marker: received.marker,
            after_gap: std::mem::take(&mut self.after_gap),
        });
        let mut own = None;
        let mut is_refused = false;
        while let Some(output) = self.depacketiser.poll_output() {
            match output {
                Output::Unit(unit) => {
                    if unit.keyframe {
                        keyframes.came(now);
                    }
                    if unit.rtp_time == rtp_time {
                        own = Some(Ingest::VideoUnit(unit));
                    } else {
                        out.push_back(Ingest::VideoUnit(unit));
                    }
                }
                Output::Damaged {
                    rtp_time: of,
                    fault,
                } => {
                    // What was lost was before this packet, which may well begin a picture.
                    is_refused |= of == rtp_time && fault != Fault::Lost;
                    keyframes.want();
                    self.gate.close();
                    out.push_back(Ingest::VideoDamaged);
                }
                // What may not be whole was let through until its end showed it.
                Output::Withheld { rtp_time: of } => {
                    is_refused |= of == rtp_time;
                    keyframes.want();
                    if self.gate.close() {
                        out.push_back(Ingest::VideoDamaged);
                    }
                }
                Output::Ignored { .. } => {}
            }
        }
        if !received.payload.is_empty() && !is_refused {
            let seen = self.depacketiser.look(&received.payload);
            let packet = VideoPacket {
                rtp_time,
                marker: received.marker,
                starts_keyframe: false,
                payload: received.payload,
            };
            self.gate.pass(packet, seen, out);
        }
        out.extend(own);
    }
}

/// Lets packets through as they come, from a key frame to the next damage.
#[derive(Debug, Default)]
struct Gate {
    is_open: bool,
    /// What stands before a picture, of which nothing has come: parameter sets, delimiters. They are
    /// small and come together with it.
    head: Vec<VideoPacket>,
    /// Some of that says that a key frame follows.
    announced: bool,
    /// The picture that is coming.
    current: Option<i64>,
}

impl Gate {
    /// True if it was open.
    fn close(&mut self) -> bool {
        self.drop_head();
        std::mem::take(&mut self.is_open)
    }

    fn drop_head(&mut self) {
        self.head.clear();
        self.announced = false;
    }

    fn pass(&mut self, packet: VideoPacket, seen: Look, out: &mut VecDeque<Ingest>) {
        let rtp_time = packet.rtp_time;
        if self.current == Some(rtp_time) {
            if self.is_open {
                out.push_back(Ingest::VideoPacket(packet));
            }
            return;
        }
        if self
            .head
            .first()
            .is_some_and(|first| first.rtp_time != rtp_time)
        {
            self.drop_head();
        }
        self.head.push(packet);
        self.announced |= seen.keyframe;
        if !(seen.picture || self.head.len() > HEAD_MAX) {
            return;
        }
        self.current = Some(rtp_time);
        let mut starts_keyframe = std::mem::take(&mut self.announced) && seen.picture;
        self.is_open |= starts_keyframe;
        for packet in self.head.drain(..).filter(|_| self.is_open) {
            let starts_keyframe = std::mem::take(&mut starts_keyframe);
            out.push_back(Ingest::VideoPacket(VideoPacket {
                starts_keyframe,
                ..packet
            }));
        }
    }
}

/// Nobody sends so much before a slice.
const HEAD_MAX: usize = 64;
