//! Entry points for fuzzing what only this crate can call. None of it may panic, hang, or remember
//! more than the limits allow.

use std::time::{Duration, Instant};

mod picture;

use crate::{
    AccessUnit, RtpCodec,
    ingest::{Depacketiser, Fault, Output, Packet, Popped, Reorder, Timestamp},
};

/// A publisher's packets of that codec, each given as a byte of flags, two of length and a payload, from the
/// network to access units.
///
/// The flags: 1 the marker bit, 2 the next frame's timestamp, 12 how the sequence number goes on
/// (4: one is lost, 8: one comes twice, 12: two bytes of the payload say where to), 240 how many
/// 10 ms pass before.
pub fn publish(start: Instant, codec: RtpCodec, data: &[u8]) {
    let mut publisher = Publisher::new(start, codec);
    let mut rest = data;
    while let Some(([flags, high, low], after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (payload, after) = after.split_at(length);
        rest = after;
        publisher.send(*flags, payload);
    }
    publisher.check_end();
}

struct Publisher {
    now: Instant,
    reorder: Reorder<Sent>,
    timestamp: Timestamp,
    receiver: Receiver,
    seq: u64,
    rtp_time: u32,
    pushed: u64,
}

struct Sent {
    rtp_time: u32,
    marker: bool,
    payload: Vec<u8>,
}

impl Publisher {
    fn new(now: Instant, codec: RtpCodec) -> Self {
        Self {
            now,
            reorder: Reorder::new(WAIT, HELD_MAX),
            timestamp: Timestamp::default(),
            receiver: Receiver::new(codec),
            seq: 1 << 16,
            rtp_time: u32::MAX - 1000,
            pushed: 0,
        }
    }

    fn send(&mut self, flags: u8, payload: &[u8]) {
        self.now += Duration::from_millis(10) * u32::from(flags >> 4);
        if flags >> 4 == 15 {
            self.reorder.set_wait(WAIT / 2);
        }
        if flags & 2 != 0 {
            self.rtp_time = self.rtp_time.wrapping_add(3000);
        }
        self.seq += match flags & 12 {
            4 => 2,
            8 => 0,
            _ => 1,
        };
        if let (12, Some([high, low, ..])) = (flags & 12, payload.first_chunk::<2>()) {
            self.seq = (self.seq & !0xffff) | u64::from(u16::from_be_bytes([*high, *low]));
        }
        let sent = Sent {
            rtp_time: self.rtp_time,
            marker: flags & 1 != 0,
            payload: payload.to_vec(),
        };
        let _ = self.receiver.depacketiser.look(payload);
        self.reorder.push(self.now, self.seq, sent);
        self.pushed += 1;
        self.receive();
    }

    fn receive(&mut self) {
        while let Some(popped) = self.reorder.pop(self.now) {
            match popped {
                Popped::Packet { seq, item } => {
                    let rtp_time = self.timestamp.extend(item.rtp_time);
                    assert_eq!(rtp_time & 0xffff_ffff, i64::from(item.rtp_time));
                    self.receiver.take(seq, rtp_time, &item);
                }
                Popped::Gap { missing } => {
                    assert!(missing > 0);
                    self.receiver.skip(Some(missing));
                }
                Popped::Restart => self.receiver.skip(None),
            }
        }
        let deadline = self.reorder.deadline();
        assert!(deadline.is_none_or(|deadline| deadline > self.now));
    }

    /// After the longest wait nothing is left, and every packet was given or counted.
    fn check_end(&mut self) {
        self.now += WAIT;
        self.receive();
        assert_eq!(self.reorder.deadline(), None);
        let counters = self.reorder.counters();
        assert_eq!(
            (counters.missing, counters.restarts),
            (self.receiver.missing, self.receiver.restarts)
        );
        let dropped = counters.duplicates + counters.late + counters.strays;
        let accounted = self.receiver.packets + dropped;
        // One stray may still wait for a second.
        assert!(self.pushed == accounted || self.pushed == accounted + 1);
    }
}

/// Holds the depacketiser to its word.
struct Receiver {
    depacketiser: Depacketiser,
    judge: picture::Judge,
    next: Option<u64>,
    after_gap: bool,
    /// Nothing but a key frame may come.
    wants_keyframe: bool,
    configured: bool,
    packets: u64,
    missing: u64,
    restarts: u64,
}

impl Receiver {
    fn new(codec: RtpCodec) -> Self {
        Self {
            depacketiser: Depacketiser::new(codec),
            judge: picture::Judge::new(codec),
            next: None,
            after_gap: false,
            wants_keyframe: false,
            configured: false,
            packets: 0,
            missing: 0,
            restarts: 0,
        }
    }

    fn take(&mut self, seq: u64, rtp_time: i64, sent: &Sent) {
        assert!(self.next.is_none_or(|next| next == seq), "in order");
        self.next = seq.checked_add(1);
        self.packets += 1;
        self.depacketiser.push(Packet {
            payload: &sent.payload,
            rtp_time,
            marker: sent.marker,
            after_gap: std::mem::take(&mut self.after_gap),
        });
        let mut units = 0;
        while let Some(output) = self.depacketiser.poll_output() {
            match output {
                Output::Unit(unit) => {
                    self.check(&unit);
                    units += 1;
                }
                Output::Damaged { fault, .. } => {
                    assert!(!fault.to_string().is_empty());
                    self.wants_keyframe = true;
                }
                Output::Withheld { .. } => {}
                Output::Ignored { fault, .. } => assert!(matches!(fault, Fault::Reserved(_))),
            }
        }
        assert!(units <= 2, "the one before, by its time, and this one");
    }

    fn skip(&mut self, missing: Option<u64>) {
        self.after_gap = true;
        self.missing += missing.unwrap_or(0);
        self.restarts += u64::from(missing.is_none());
        self.next = self.next.zip(missing).map(|(next, missing)| next + missing);
    }

    fn check(&mut self, unit: &AccessUnit) {
        assert!(unit.keyframe || self.configured && !self.wants_keyframe);
        self.configured |= unit.config.is_some();
        assert!(self.configured && (unit.keyframe || unit.config.is_none()));
        self.wants_keyframe = false;
        self.judge.check(unit);
    }
}

const WAIT: Duration = Duration::from_millis(100);
const HELD_MAX: usize = 32;
