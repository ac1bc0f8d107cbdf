//! A publisher of several encodings: all are answered, the largest is told, and when it stops the
//! next, on the same timeline.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

#[path = "support/seller.rs"]
mod seller;

use std::{collections::BTreeMap, time::Duration};

use seller::World;
use sfu::Ingest;

/// Chromium's 640x360 and OpenH264's 320x180, both of Baseline, with one PPS.
const LARGE: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb3, 0x70, 0x10, 0xd0, 0x10, 0x78,
    0x44, 0x23, 0x50,
];
const SMALL: &[u8] = &[
    0x67, 0x42, 0xc0, 0x0d, 0x8c, 0x8d, 0x40, 0xa0, 0xcb, 0xcf, 0x00, 0xf0, 0x88, 0x46, 0xa0,
];
const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
const FRAME: Duration = Duration::from_nanos(33_333_333);

struct Show {
    world: World,
    /// Each encoding's name, parameter set, first timestamp and last sequence number.
    layers: BTreeMap<&'static str, (&'static [u8], u32, u64)>,
    number: u32,
    gop: u32,
}

impl Show {
    fn new(rids: &[&'static str]) -> Self {
        let layer = |(n, rid): (usize, &&'static str)| {
            let sps = if n == 0 { LARGE } else { SMALL };
            (*rid, (sps, u32::try_from(n).unwrap() * 1_000_000_007, 100))
        };
        Self {
            world: World::simulcast(rids),
            layers: rids.iter().enumerate().map(layer).collect(),
            number: 0,
            gop: 15,
        }
    }

    /// Thirty pictures a second of each of `rids`, every `gop`-th a key frame.
    fn publish(&mut self, rids: &[&'static str], pictures: u32) {
        for _ in 0..pictures {
            let keyframe = self.number.is_multiple_of(self.gop);
            for rid in rids {
                let (sps, base, sequence) = self.layers.get_mut(rid).unwrap();
                let mut payloads = Vec::new();
                if keyframe {
                    let mut sets = vec![0x78];
                    for set in [*sps, PPS] {
                        sets.extend(u16::try_from(set.len()).unwrap().to_be_bytes());
                        sets.extend(set);
                    }
                    payloads.push(sets);
                    payloads.push([&[0x65, 0x88, 0x80], [0x5a; 200].as_slice()].concat());
                } else {
                    payloads.push([&[0x41, 0x9a, 0x00], [0x5a; 100].as_slice()].concat());
                }
                let rtp_time = base.wrapping_add(self.number * 3_000);
                for (n, payload) in payloads.iter().enumerate() {
                    *sequence += 1;
                    let last = n + 1 == payloads.len();
                    self.world.layer(rid, *sequence, rtp_time, last, payload);
                }
            }
            self.number += 1;
            self.world.run(FRAME);
        }
    }

    /// The width each picture told has, by the configuration in force, and its time.
    fn told(&self) -> Vec<(u32, i64)> {
        let mut width = 0;
        let mut told = Vec::new();
        for item in &self.world.ingest {
            if let Ingest::VideoUnit(unit) = item {
                if let Some(config) = &unit.config {
                    assert!(unit.keyframe);
                    width = u32::from(config.size().0);
                }
                told.push((width, unit.rtp_time));
            }
        }
        told
    }
}

#[test]
fn every_encoding_is_answered_as_obs_wants_it() {
    let show = Show::new(&["0", "1", "2"]);
    let answer = &show.world.answer;
    assert!(
        answer.contains("\r\na=simulcast:recv 0;1;2\r\n"),
        "{answer}"
    );
    for rid in ["0", "1", "2"] {
        assert!(
            answer.contains(&format!("\r\na=rid:{rid} recv\r\n")),
            "{answer}"
        );
    }
    assert!(answer.contains("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"));
}

#[test]
fn the_largest_is_told_and_a_smaller_one_when_it_stops_until_it_returns() {
    let mut show = Show::new(&["0", "1", "2"]);
    show.publish(&["0", "1", "2"], 60);
    show.publish(&["1", "2"], 90);
    show.publish(&["0", "1", "2"], 60);
    show.world.run(Duration::from_secs(1));
    let told = show.told();
    let widths: Vec<u32> = told.iter().map(|(width, _)| *width).collect();
    let mut changes = widths.clone();
    changes.dedup();
    assert_eq!(changes, [640, 320, 640], "{widths:?}");
    assert!(widths[20..55].iter().all(|width| *width == 640));
    let times: Vec<i64> = told.iter().map(|(_, time)| *time).collect();
    for pair in times.windows(2) {
        assert!(
            pair[0] < pair[1] && pair[1] - pair[0] < 3 * 90_000,
            "one timeline: {pair:?}"
        );
    }
    let (span, real) = (times.last().unwrap() - times[0], i64::from(209 * 3_000));
    assert!((span - real).abs() < 9_000, "{span} ticks for {real}");
    assert!(widths.len() > 60 + 40 + 40, "{} pictures", widths.len());
}

#[test]
fn a_show_begins_with_the_largest_whichever_comes_first_and_waits_for_it_in_vain_for_a_moment_only()
{
    let mut show = Show::new(&["0", "1", "2"]);
    show.publish(&["2", "1", "0"], 30);
    let widths: Vec<u32> = show.told().iter().map(|(width, _)| *width).collect();
    assert_eq!(widths, [640; 30]);
    let mut show = Show::new(&["0", "1", "2"]);
    show.publish(&["2", "1"], 30);
    let told = show.told();
    assert_eq!(told.len(), 30, "nothing that was held is lost");
    assert!(told.iter().all(|(width, _)| *width == 320));
}

#[test]
fn each_encoding_that_comes_is_asked_for_key_frames() {
    let mut show = Show::new(&["0", "1", "2"]);
    show.gop = 1_000;
    show.publish(&["0", "1"], 30);
    let before = show.world.asked;
    show.publish(&["0", "1"], 45);
    assert_eq!(
        show.world.asked,
        before + 2,
        "one of each that comes, two seconds after the last"
    );
}
