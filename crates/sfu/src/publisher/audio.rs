//! A publisher's sound.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use str0m::rtp::RtpPacket;

use crate::{
    Ingest,
    ingest::{Popped, Reorder, Timestamp},
    publisher::{HELD_MAX, WAIT},
};

/// A publisher's Opus track. What is lost is left out: the next packet is told with its own time.
#[derive(Debug)]
pub(crate) struct Audio {
    pub(crate) payload_type: u8,
    order: Reorder<(u32, Arc<[u8]>)>,
    stamps: Timestamp,
}

impl Audio {
    pub(crate) fn new(payload_type: u8) -> Self {
        Self {
            payload_type,
            order: Reorder::new(WAIT, HELD_MAX),
            stamps: Timestamp::default(),
        }
    }

    pub(crate) fn stamps(&self) -> Timestamp {
        self.stamps
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.order.deadline()
    }

    pub(crate) fn push(&mut self, now: Instant, packet: RtpPacket) {
        let item = (packet.header.timestamp, packet.payload);
        self.order.push(now, *packet.seq_no, item);
    }

    pub(crate) fn release(&mut self, now: Instant, out: &mut VecDeque<Ingest>) {
        while let Some(popped) = self.order.pop(now) {
            let Popped::Packet {
                item: (stamp, payload),
                ..
            } = popped
            else {
                continue;
            };
            let rtp_time = self.stamps.extend(stamp);
            if !payload.is_empty() {
                out.push_back(Ingest::Audio { rtp_time, payload });
            }
        }
    }
}
