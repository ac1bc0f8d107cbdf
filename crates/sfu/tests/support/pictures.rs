//! Pictures with numbers, as a publisher sends them.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses its part of the harness, and may fail where it likes"
)]

use std::time::Duration;

use sfu::{AccessUnit, Ingest, VideoPacket};

use super::seller::{LATENCY, World};

/// x264, baseline, 854x480.
pub const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xda, 0x03, 0x60, 0xf7, 0x9b, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x03, 0x00, 0xca, 0x3c, 0x58, 0xba, 0x80,
];
pub const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
pub const FRAME: Duration = Duration::from_nanos(33_333_333);

/// The payloads of a picture: parameter sets before a key frame, and a slice in three fragments.
pub fn picture(number: u32, keyframe: bool) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    if keyframe {
        let mut sets = vec![0x78];
        for set in [SPS, PPS] {
            sets.extend(u16::try_from(set.len()).unwrap().to_be_bytes());
            sets.extend(set);
        }
        payloads.push(sets);
    }
    let kind = if keyframe { 5 } else { 1 };
    // first_mb_in_slice 0, slice_type 7 or 5, pps_id 0: the bits 1 0001000 1 and 1 00110 1.
    let head: [u8; 2] = if keyframe { [0x88, 0x80] } else { [0x9a, 0x00] };
    for (n, flags) in [0x80, 0, 0x40].into_iter().enumerate() {
        let mut fragment = vec![0x7c, flags | kind];
        if n == 0 {
            fragment.extend(head);
        }
        fragment.extend(number.to_be_bytes());
        fragment.resize(900, 0x5a);
        payloads.push(fragment);
    }
    payloads
}

impl World {
    /// Thirty pictures a second, every `gop`-th a key frame, with sound.
    pub fn publish(&mut self, numbers: std::ops::Range<u32>, gop: u32) {
        for number in numbers {
            let payloads = picture(number, number % gop == 0);
            for (n, payload) in payloads.iter().enumerate() {
                // It wraps after thirty pictures.
                let rtp_time = (u32::MAX - 90_000).wrapping_add(number * 3_000);
                self.video(rtp_time, n + 1 == payloads.len(), payload);
            }
            self.audio(number * 1_600, &[0xfc, 1, 2]);
            self.run(FRAME);
        }
        self.run(LATENCY * 2);
    }

    pub fn units(&self) -> Vec<&AccessUnit> {
        let units = self.ingest.iter().filter_map(|ingest| match ingest {
            Ingest::VideoUnit(unit) => Some(unit),
            Ingest::VideoPacket(_)
            | Ingest::VideoDamaged
            | Ingest::Audio { .. }
            | Ingest::Forged { .. }
            | Ingest::Together { .. } => None,
        });
        units.collect()
    }

    pub fn packets(&self) -> Vec<&VideoPacket> {
        let packets = self.ingest.iter().filter_map(|ingest| match ingest {
            Ingest::VideoPacket(packet) => Some(packet),
            Ingest::VideoUnit(_)
            | Ingest::VideoDamaged
            | Ingest::Audio { .. }
            | Ingest::Forged { .. }
            | Ingest::Together { .. } => None,
        });
        packets.collect()
    }
}

/// The number in a unit's first slice.
pub fn number(unit: &AccessUnit) -> u32 {
    u32::from_be_bytes(unit.payload[7..11].try_into().unwrap())
}
