//! What all viewers of one protocol had of the cues, together.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::log::{Log, Tally};

/// Cues told one by one in the report.
const CUES_TOLD_MAX: usize = 50;

/// A cue that the swarm itself inserted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posted {
    pub(crate) pts: i64,
    /// When the request was sent.
    pub(crate) at: Duration,
    /// How much later than asked the server placed it.
    pub(crate) late_by_ms: u64,
}

/// The viewers of one protocol and their cues.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Pairs of a viewer and a cue that it was to have.
    pub(crate) expected: u64,
    pub(crate) arrived: u64,
    pub(crate) pulled: u64,
    /// Never came by the side channel nor by a pull.
    pub(crate) missed: u64,
    /// Came behind their frame.
    pub(crate) late: u64,
    /// The frame of a cue that was posted did not come.
    pub(crate) without_frame: u64,
    in_band_arrived: u64,
    in_band_late: u64,
    pub(crate) in_band_missing: u64,
    margins: Vec<f64>,
    from_post: Vec<f64>,
    tally: Tally,
    of_cues: BTreeMap<u64, OfCue>,
}

/// The same for one cue.
#[derive(Debug, Default)]
struct OfCue {
    pts: i64,
    arrived: u64,
    missed: u64,
    late: u64,
    least: Option<f64>,
}

impl Outcome {
    /// Of `logs`; with `in_band` parts are to have the cues too.
    pub(crate) fn of(logs: &[&Log], posted: &BTreeMap<u64, Posted>, in_band: bool) -> Self {
        let mut outcome = Self::default();
        let known = known(logs, posted);
        for log in logs {
            outcome.count(&log.tally);
            for (seq, pts) in &known {
                // A cue that somebody else posted may have its frame after the end.
                if log.awaits(*seq) && (log.passed(*pts) || posted.contains_key(seq)) {
                    outcome.expect(log, (*seq, *pts), posted.get(seq), in_band);
                }
            }
        }
        outcome
    }

    fn count(&mut self, tally: &Tally) {
        self.tally.snapshots += tally.snapshots;
        self.tally.duplicates += tally.duplicates;
        self.tally.gaps += tally.gaps;
        self.tally.unreadable += tally.unreadable;
        self.tally.restarts += tally.restarts;
    }

    fn expect(
        &mut self,
        log: &Log,
        (seq, pts): (u64, i64),
        posted: Option<&Posted>,
        in_band: bool,
    ) {
        let arrival = log.get(seq);
        let told = arrival.and_then(|arrival| arrival.told);
        let margin = arrival.and_then(super::log::Arrival::margin_ms);
        let late = margin.is_some_and(|margin| margin < 0.0);
        self.expected += 1;
        self.arrived += u64::from(told.is_some());
        self.pulled += u64::from(arrival.is_some_and(|arrival| arrival.pulled));
        self.missed += u64::from(told.is_none());
        self.late += u64::from(late);
        self.without_frame += u64::from(!log.passed(pts));
        self.margins.extend(margin);
        if let (Some(told), Some(posted)) = (told, posted) {
            self.from_post
                .push((told.as_secs_f64() - posted.at.as_secs_f64()) * 1000.0);
        }
        if in_band && !log.is_out_of_band(seq) {
            let came = arrival.and_then(|arrival| arrival.in_band);
            let frame = arrival.and_then(|arrival| arrival.frame);
            self.in_band_arrived += u64::from(came.is_some());
            self.in_band_missing += u64::from(came.is_none());
            self.in_band_late +=
                u64::from(came.zip(frame).is_some_and(|(came, frame)| came > frame));
        }
        let of_cue = self.of_cues.entry(seq).or_default();
        of_cue.pts = pts;
        of_cue.arrived += u64::from(told.is_some());
        of_cue.missed += u64::from(told.is_none());
        of_cue.late += u64::from(late);
        of_cue.least = margin.into_iter().chain(of_cue.least).reduce(f64::min);
    }

    /// What was expected and did not come.
    pub(crate) const fn lacking(&self) -> u64 {
        self.missed + self.without_frame + self.in_band_missing
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "expected": self.expected, "arrived": self.arrived, "missed": self.missed, "late": self.late,
            "pulled": self.pulled, "without_frame": self.without_frame,
            "duplicates": self.tally.duplicates, "gaps": self.tally.gaps, "unreadable": self.tally.unreadable,
            "snapshots": self.tally.snapshots, "restarts": self.tally.restarts,
            "margin_ms": spread(&self.margins),
            "from_post_ms": spread(&self.from_post),
            "in_band": {
                "arrived": self.in_band_arrived, "missing": self.in_band_missing, "late": self.in_band_late,
            },
            "of_cues": self.of_cues.iter().take(CUES_TOLD_MAX).map(|(seq, of_cue)| json!({
                "seq": seq, "pts": of_cue.pts, "arrived": of_cue.arrived, "missed": of_cue.missed, "late": of_cue.late,
                "least_margin_ms": of_cue.least.map(tenth),
            })).collect::<Vec<_>>(),
        })
    }
}

/// Every cue that anybody heard of, with its threshold.
fn known(logs: &[&Log], posted: &BTreeMap<u64, Posted>) -> BTreeMap<u64, i64> {
    let heard = logs.iter().flat_map(|log| log.cues());
    heard
        .map(|(seq, arrival)| (seq, arrival.pts))
        .chain(posted.iter().map(|(seq, posted)| (*seq, posted.pts)))
        .collect()
}

/// The viewer has had all that there is to have of what was posted.
pub(crate) fn is_settled(log: &Log, posted: &BTreeMap<u64, Posted>, in_band: bool) -> bool {
    posted.keys().filter(|seq| log.awaits(**seq)).all(|seq| {
        log.get(*seq).is_some_and(|arrival| {
            arrival.told.is_some()
                && arrival.frame.is_some()
                && (!in_band || arrival.in_band.is_some())
        })
    })
}

/// Nearest-rank percentiles; of margins the small ones are those to look at, of delays the large ones.
fn spread(values: &[f64]) -> Value {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| {
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().map(tenth)
    };
    json!({
        "count": sorted.len(), "min": sorted.first().copied().map(tenth), "p1": at(1), "p5": at(5), "p50": at(50), "p95": at(95),
        "p99": at(99), "max": at(100),
    })
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A viewer that had its snapshot before cue 1 and its first frame at 90 000.
    fn viewer() -> Log {
        let mut log = Log::default();
        let snapshot = r#"{"type":"snapshot","k":0,"live_pts":90000,"last_seq":0,"cues":[]}"#;
        log.message(Duration::ZERO, snapshot);
        log.frame(MS, 90_000);
        log
    }

    fn tell(log: &mut Log, at: Duration, seq: u64, pts: i64) {
        let cue = json!({ "seq": seq, "pts": pts, "op": "show" }).to_string();
        let cue = BASE64_URL_SAFE_NO_PAD.encode(cue);
        log.message(at, &json!({ "type": "cues", "cues": [cue] }).to_string());
    }

    fn posted(seq: u64, pts: i64) -> BTreeMap<u64, Posted> {
        let posted = Posted {
            pts,
            at: MS,
            late_by_ms: 0,
        };
        BTreeMap::from([(seq, posted)])
    }

    #[test]
    fn each_viewer_is_to_have_each_cue_once() {
        let (mut good, mut late, mut deaf) = (viewer(), viewer(), viewer());
        tell(&mut good, MS * 10, 1, 99_000);
        good.frame(MS * 110, 99_000);
        late.frame(MS * 110, 99_000);
        tell(&mut late, MS * 150, 1, 99_000);
        deaf.frame(MS * 110, 99_000);
        let outcome = Outcome::of(&[&good, &late, &deaf], &posted(1, 99_000), false);
        let told = outcome.to_json();
        assert_eq!((outcome.expected, outcome.arrived), (3, 2));
        assert_eq!((outcome.missed, outcome.late, outcome.lacking()), (1, 1, 1));
        assert_eq!(told["margin_ms"]["min"], -40.0);
        assert_eq!(told["margin_ms"]["max"], 100.0);
        assert_eq!(told["from_post_ms"]["min"], 9.0);
        assert_eq!(told["of_cues"][0]["least_margin_ms"], -40.0);
    }

    #[test]
    fn who_joined_later_is_to_have_nothing_of_it() {
        let mut log = Log::default();
        log.message(
            MS,
            r#"{"type":"snapshot","k":0,"live_pts":90000,"last_seq":1,"cues":[]}"#,
        );
        log.frame(MS, 99_000);
        let outcome = Outcome::of(&[&log], &posted(1, 99_000), true);
        assert_eq!((outcome.expected, outcome.lacking()), (0, 0));
        assert!(is_settled(&log, &posted(1, 99_000), true));
    }

    #[test]
    fn a_frame_that_never_came_is_missed_when_the_cue_was_ours() {
        let mut log = viewer();
        tell(&mut log, MS * 10, 1, 99_000);
        let ours = Outcome::of(&[&log], &posted(1, 99_000), false);
        assert_eq!((ours.without_frame, ours.lacking()), (1, 1));
        let theirs = Outcome::of(&[&log], &BTreeMap::new(), false);
        assert_eq!((theirs.expected, theirs.lacking()), (0, 0));
    }

    #[test]
    fn parts_are_to_have_it_too() {
        let mut log = viewer();
        tell(&mut log, MS * 10, 1, 99_000);
        log.frame(MS * 110, 99_000);
        let before = Outcome::of(&[&log], &posted(1, 99_000), true);
        assert_eq!((before.in_band_missing, before.lacking()), (1, 1));
        assert!(!is_settled(&log, &posted(1, 99_000), true));
        let cue = super::super::message::Cue::from_json(br#"{"seq":1,"pts":99000,"op":"show"}"#);
        log.in_band(MS * 110, &cue.unwrap());
        let after = Outcome::of(&[&log], &posted(1, 99_000), true);
        assert_eq!((after.in_band_arrived, after.lacking()), (1, 0));
        assert!(is_settled(&log, &posted(1, 99_000), true));
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        let told = spread(&values);
        assert_eq!((&told["p1"], &told["p50"]), (&json!(2.0), &json!(100.0)));
        assert_eq!((&told["p99"], &told["max"]), (&json!(198.0), &json!(200.0)));
        assert_eq!(spread(&[])["p50"], Value::Null);
    }
}
