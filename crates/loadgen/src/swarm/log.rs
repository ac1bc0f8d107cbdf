//! What reached one viewer and when, in the time it is told.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::message::{Cue, Message, Pulled};

/// How long it is remembered when a frame came: no cue is later.
const FRAMES_KEPT: Duration = Duration::from_secs(60);
/// Numbers past a gap that are remembered; what is beyond them is pulled with it.
const BEYOND_MAX: usize = 1024;

/// One viewer's record.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// `rtp = (pts + k) mod 2^32`, once a snapshot said so.
    k: Option<u32>,
    /// The newest cue of the first snapshot: those after it are this viewer's.
    joined: Option<u64>,
    /// Every cue up to it has come or never will.
    complete: u64,
    /// The highest number that the server has spoken of.
    heard: u64,
    /// Numbers that came past a gap.
    beyond: BTreeSet<u64>,
    /// The highest pts received, or that of the snapshot before there is one.
    newest: i64,
    /// When the highest pts rose to what.
    frames: VecDeque<(i64, Duration)>,
    cues: BTreeMap<u64, Arrival>,
    /// Cues whose frame has not come, by threshold.
    waiting: BTreeSet<(i64, u64)>,
    taken_back: BTreeSet<u64>,
    pub(crate) tally: Tally,
}

/// What happened to one viewer, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) snapshots: u64,
    /// Cues that the side channel brought again.
    pub(crate) duplicates: u64,
    /// Times that a number was missing.
    pub(crate) gaps: u64,
    /// Messages and cues that could not be read.
    pub(crate) unreadable: u64,
    /// Times that the stream began anew, with all numbers.
    pub(crate) restarts: u64,
}

/// When one cue and its frame came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) pts: i64,
    /// By the side channel, or by a pull.
    pub(crate) told: Option<Duration>,
    pub(crate) pulled: bool,
    pub(crate) in_band: Option<Duration>,
    /// When the first frame at or past its threshold came.
    pub(crate) frame: Option<Duration>,
    pub(crate) goes_in_band: bool,
}

impl Arrival {
    /// How long the cue came before its frame, ms; negative when it came late.
    pub(crate) fn margin_ms(&self) -> Option<f64> {
        Some((self.frame?.as_secs_f64() - self.told?.as_secs_f64()) * 1000.0)
    }
}

impl Log {
    /// Takes a side-channel message. Gives the number after which cues are to be pulled, when some are missing.
    pub(crate) fn message(&mut self, now: Duration, text: &str) -> Option<u64> {
        match serde_json::from_str(text) {
            Ok(Message::Snapshot {
                k,
                live_pts,
                last_seq,
                cues,
            }) => self.snapshot(now, (k, live_pts, last_seq), &cues),
            Ok(Message::Cues { cues }) => self.take(now, &cues, false),
            Ok(Message::Heartbeat { last_seq }) => {
                self.heard = self.heard.max(last_seq);
                let missing = self.joined.is_some() && last_seq > self.complete;
                return missing.then(|| self.gap());
            }
            Ok(Message::Unknown) => {}
            Err(_) => self.tally.unreadable += 1,
        }
        (!self.beyond.is_empty()).then(|| self.gap())
    }

    /// Takes the answer to a pull of what is after `after`.
    pub(crate) fn pulled(&mut self, now: Duration, body: &[u8]) {
        match serde_json::from_slice(body) {
            Ok(Pulled { cues }) => self.take(now, &cues, true),
            Err(_) => self.tally.unreadable += 1,
        }
    }

    fn gap(&mut self) -> u64 {
        self.tally.gaps += 1;
        self.complete
    }

    fn snapshot(
        &mut self,
        now: Duration,
        (k, live_pts, last_seq): (u32, i64, u64),
        cues: &[String],
    ) {
        if self.k.is_some_and(|known| known != k) || last_seq < self.complete {
            *self = Self {
                tally: self.tally,
                ..Self::default()
            };
            self.tally.restarts += 1;
        }
        self.tally.snapshots += 1;
        self.k = Some(k);
        if self.joined.is_none() {
            self.joined = Some(last_seq);
            self.complete = last_seq;
            self.newest = live_pts;
        }
        // A later one brings what was missed; what it does not bring no longer matters.
        for cue in self.read(cues) {
            if cue.seq > self.complete {
                self.told(now, &cue, false);
            }
        }
        self.advance(last_seq);
    }

    fn take(&mut self, now: Duration, cues: &[String], pulled: bool) {
        let mut answered = None;
        for cue in self.read(cues) {
            self.heard = self.heard.max(cue.seq);
            answered = answered.max(Some(cue.seq));
            self.told(now, &cue, pulled);
            if self.joined.is_some() && cue.seq > self.complete && self.beyond.len() < BEYOND_MAX {
                self.beyond.insert(cue.seq);
            }
        }
        // What the answer left out is not to be had; an empty one has all there is.
        let through = if pulled {
            answered.unwrap_or(self.heard)
        } else {
            0
        };
        self.advance(through);
    }

    fn read(&mut self, cues: &[String]) -> Vec<Cue> {
        let read: Vec<_> = cues
            .iter()
            .filter_map(|text| Cue::from_base64url(text))
            .collect();
        self.tally.unreadable += (cues.len() - read.len()) as u64;
        read
    }

    /// Moves on to `seq`, and over what came already behind it.
    fn advance(&mut self, seq: u64) {
        self.complete = self.complete.max(seq);
        while self.beyond.remove(&(self.complete + 1)) {
            self.complete += 1;
        }
        self.beyond = self.beyond.split_off(&(self.complete + 1));
    }

    fn told(&mut self, now: Duration, cue: &Cue, pulled: bool) {
        if self.joined.is_none_or(|joined| cue.seq <= joined) {
            // The rest of a long first snapshot.
            return;
        }
        self.taken_back.extend(cue.takes_back());
        let arrival = self.arrival(cue);
        if arrival.told.is_none() {
            (arrival.told, arrival.pulled) = (Some(now), pulled);
        } else if !pulled {
            self.tally.duplicates += 1;
        }
    }

    /// Takes a cue that came with the picture.
    pub(crate) fn in_band(&mut self, now: Duration, cue: &Cue) {
        if self.joined.is_some_and(|joined| cue.seq > joined) {
            self.arrival(cue).in_band.get_or_insert(now);
        }
    }

    fn arrival(&mut self, cue: &Cue) -> &mut Arrival {
        let frame = self.frame_of(cue.pts);
        if frame.is_none() {
            self.waiting.insert((cue.pts, cue.seq));
        }
        self.cues.entry(cue.seq).or_insert_with(|| Arrival {
            pts: cue.pts,
            told: None,
            pulled: false,
            in_band: None,
            frame,
            goes_in_band: cue.goes_in_band(),
        })
    }

    /// When the first frame at or past `pts` came; of what is long past, not before when.
    fn frame_of(&self, pts: i64) -> Option<Duration> {
        let at = self.frames.partition_point(|(frame, _)| *frame < pts);
        self.frames.get(at).map(|(_, at)| *at)
    }

    /// A video packet came.
    pub(crate) fn rtp(&mut self, now: Duration, timestamp: u32) {
        let Some(k) = self.k else { return };
        let low = u32::try_from(self.newest.rem_euclid(1 << 32)).unwrap_or_default();
        let step = timestamp.wrapping_sub(k).wrapping_sub(low).cast_signed();
        self.frame(now, self.newest + i64::from(step));
    }

    /// Pictures up to `pts` came.
    pub(crate) fn frame(&mut self, now: Duration, pts: i64) {
        if self.frames.back().is_some_and(|(newest, _)| pts <= *newest) {
            return;
        }
        self.newest = pts;
        self.frames.push_back((pts, now));
        while self
            .frames
            .front()
            .is_some_and(|(_, at)| *at + FRAMES_KEPT < now)
        {
            self.frames.pop_front();
        }
        while let Some((threshold, seq)) = self.waiting.first().copied()
            && threshold <= pts
        {
            self.waiting.pop_first();
            if let Some(arrival) = self.cues.get_mut(&seq) {
                arrival.frame.get_or_insert(now);
            }
        }
    }

    /// It has its snapshot and pictures.
    pub(crate) fn is_ready(&self) -> bool {
        self.joined.is_some() && !self.frames.is_empty()
    }

    /// Cue `seq` came after this viewer had joined.
    pub(crate) fn awaits(&self, seq: u64) -> bool {
        self.joined.is_some_and(|joined| seq > joined)
    }

    /// The frame of `pts` has come.
    pub(crate) fn passed(&self, pts: i64) -> bool {
        self.frames.back().is_some_and(|(newest, _)| *newest >= pts)
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Arrival> {
        self.cues.get(&seq)
    }

    pub(crate) fn cues(&self) -> impl Iterator<Item = (u64, &Arrival)> {
        self.cues.iter().map(|(seq, arrival)| (*seq, arrival))
    }

    /// It is in no part: it was taken back before its frame, or takes another back.
    pub(crate) fn is_out_of_band(&self, seq: u64) -> bool {
        self.taken_back.contains(&seq) || self.get(seq).is_some_and(|cue| !cue.goes_in_band)
    }
}

#[cfg(test)]
#[path = "log_test.rs"]
mod tests;
