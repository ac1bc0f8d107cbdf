//! One viewer's record, fed by hand.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const MS: Duration = Duration::from_millis(1);
const K: u32 = 4_000_000_000;

fn cue(seq: u64, pts: i64) -> String {
    let text = json!({ "seq": seq, "pts": pts, "op": "show", "payload": null }).to_string();
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn snapshot(k: u32, last_seq: u64, cues: &[String]) -> String {
    json!({ "type": "snapshot", "k": k, "live_pts": 90_000, "last_seq": last_seq, "cues": cues })
        .to_string()
}

fn cues(cues: &[String]) -> String {
    json!({ "type": "cues", "cues": cues }).to_string()
}

fn heartbeat(last_seq: u64) -> String {
    json!({ "type": "heartbeat", "last_seq": last_seq }).to_string()
}

/// A viewer that joined behind cue 3.
fn joined() -> Log {
    let mut log = Log::default();
    assert_eq!(
        log.message(Duration::ZERO, &snapshot(K, 3, &[cue(3, 80_000)])),
        None
    );
    log
}

fn rtp(pts: u32) -> u32 {
    pts.wrapping_add(K)
}

#[test]
fn the_margin_is_from_the_cue_to_the_first_packet_at_its_threshold() {
    let mut log = joined();
    log.rtp(MS * 10, rtp(93_000));
    assert!(log.is_ready());
    assert_eq!(log.message(MS * 20, &cues(&[cue(4, 99_500)])), None);
    log.rtp(MS * 50, rtp(99_000));
    assert_eq!(log.get(4).unwrap().margin_ms(), None);
    log.rtp(MS * 80, rtp(102_000));
    log.rtp(MS * 90, rtp(105_000));
    assert_eq!(log.get(4).unwrap().frame, Some(MS * 80));
    assert_eq!(log.get(4).unwrap().margin_ms().unwrap().round(), 60.0);
}

#[test]
fn a_cue_behind_its_frame_is_late_by_what_it_was() {
    let mut log = joined();
    for n in 0..5 {
        log.frame(MS * (33 * n), 90_000 + 3000 * i64::from(n));
    }
    log.message(MS * 200, &cues(&[cue(4, 95_000)]));
    // The first frame past it was 96 000, at 66 ms.
    assert_eq!(log.get(4).unwrap().margin_ms().unwrap().round(), -134.0);
}

#[test]
fn rtp_timestamps_wrap() {
    let mut log = Log::default();
    log.message(Duration::ZERO, &snapshot(u32::MAX - 91_000, 0, &[]));
    let at = |pts: u32| pts.wrapping_add(u32::MAX - 91_000);
    log.rtp(MS, at(90_500));
    log.rtp(MS * 2, at(93_500));
    assert!(log.passed(93_500) && !log.passed(93_501));
    // An older packet, sent again, takes nothing back.
    log.rtp(MS * 3, at(90_600));
    assert!(log.passed(93_500));
}

#[test]
fn a_missing_number_is_pulled_and_counted() {
    let mut log = joined();
    assert_eq!(log.message(MS, &cues(&[cue(6, 1)])), Some(3));
    assert_eq!(log.message(MS * 2, &cues(&[cue(5, 1)])), Some(3));
    log.pulled(
        MS * 3,
        json!({ "cues": [cue(4, 1), cue(5, 1)] })
            .to_string()
            .as_bytes(),
    );
    assert_eq!(log.message(MS * 4, &heartbeat(6)), None);
    assert_eq!(log.message(MS * 5, &heartbeat(7)), Some(6));
    let pulled: Vec<_> = log.cues().map(|(seq, cue)| (seq, cue.pulled)).collect();
    assert_eq!(pulled, [(4, true), (5, false), (6, false)]);
    assert_eq!(log.tally.gaps, 3);
    // An empty answer is the end of it.
    log.pulled(MS * 6, br#"{"cues":[]}"#);
    assert_eq!(log.message(MS * 7, &heartbeat(7)), None);
}

#[test]
fn what_comes_again_is_a_duplicate_and_changes_nothing() {
    let mut log = joined();
    log.message(MS, &cues(&[cue(4, 99_000)]));
    log.message(MS * 9, &cues(&[cue(4, 99_000)]));
    assert_eq!(log.tally.duplicates, 1);
    assert_eq!(log.get(4).unwrap().told, Some(MS));
    // The rest of the first snapshot is nobody's cue.
    log.message(MS * 10, &cues(&[cue(2, 1)]));
    assert_eq!(log.get(2), None);
}

#[test]
fn a_later_snapshot_brings_what_was_missed() {
    let mut log = joined();
    log.message(MS, &snapshot(K, 5, &[cue(3, 1), cue(5, 99_000)]));
    assert_eq!(log.get(5).unwrap().told, Some(MS));
    assert_eq!(log.message(MS * 2, &heartbeat(5)), None);
    assert_eq!((log.tally.snapshots, log.tally.duplicates), (2, 0));
}

#[test]
fn a_stream_that_begins_anew_counts_from_the_start() {
    let mut log = joined();
    log.message(MS, &cues(&[cue(4, 99_000)]));
    log.message(MS * 2, &snapshot(K + 1, 0, &[]));
    assert_eq!(log.cues().count(), 0);
    log.message(MS * 3, &cues(&[cue(1, 99_000)]));
    assert!(log.get(1).unwrap().told.is_some());
    assert_eq!(log.tally.restarts, 1);
}

#[test]
fn in_band_alone_is_not_told() {
    let mut log = joined();
    let cue = Cue::from_json(br#"{"seq":4,"pts":99000,"op":"show"}"#).unwrap();
    log.in_band(MS * 7, &cue);
    log.frame(MS * 7, 99_000);
    let arrival = log.get(4).unwrap();
    assert_eq!((arrival.in_band, arrival.told), (Some(MS * 7), None));
    assert_eq!(arrival.frame, Some(MS * 7));
}

#[test]
fn what_was_taken_back_is_out_of_band() {
    let mut log = joined();
    let text =
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"seq":5,"pts":99000,"op":"cancel","payload":{"seq":4}}"#);
    log.message(MS, &cues(&[cue(4, 99_000), text]));
    assert!(log.is_out_of_band(4) && log.is_out_of_band(5));
    assert!(!log.is_out_of_band(6));
}

#[test]
fn what_cannot_be_read_is_counted() {
    let mut log = joined();
    assert_eq!(log.message(MS, "{"), None);
    assert_eq!(log.message(MS, &cues(&["%".to_owned()])), None);
    assert_eq!(log.tally.unreadable, 2);
}

proptest! {
    /// However frames and cues are mixed, a frame's time is that of the first at or past the threshold.
    #[test]
    fn the_frame_of_a_cue_is_the_first_at_or_past_it(
        steps in prop::collection::vec((any::<bool>(), 0i64..100_000), 1..100),
    ) {
        let (mut log, mut frames, mut thresholds) = (joined(), Vec::new(), Vec::new());
        for (n, (is_frame, pts)) in (1u32..).zip(steps) {
            if is_frame {
                log.frame(MS * n, pts);
                frames.push((pts, MS * n));
            } else {
                let seq = 4 + thresholds.len() as u64;
                log.message(MS * n, &cues(&[cue(seq, pts)]));
                thresholds.push((seq, pts));
            }
        }
        for (seq, pts) in thresholds {
            let first = frames.iter().find(|(frame, _)| *frame >= pts).map(|(_, at)| *at);
            prop_assert_eq!(log.get(seq).unwrap().frame, first);
        }
    }
}
