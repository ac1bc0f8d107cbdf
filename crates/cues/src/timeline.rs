//! The one writer of a stream's cues: gives each request its threshold and its number.

mod armed;
mod bucket;
mod cancel;
mod change;
mod frames;
mod receipts;
mod request;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use media::{Pts, UnixMillis, time::span_to_ticks, time::ticks_to_span};

pub use self::armed::Armed;
pub use self::change::{Change, Memory, Saved, SavedAnswer};
pub use self::request::{At, CueRequest, Ends, LiveClock, LoggedCue, Receipt};
use self::{bucket::Bucket, frames::Frames, receipts::Receipts};
use crate::{
    codec::{EncodedCue, encode},
    error::{Error, InsertError},
    fold::Fold,
    model::{Cue, Op},
    payload::Payload,
    screen::{ActiveCard, Screen},
};

/// How often a card's end may be put off past the life it has, before it must be shown again. With
/// [`TimelineConfig::CARDS_MAX_LIMIT`] this bounds an in-band snapshot: 8 cards of a show, 4
/// prolonging updates and a newest one.
pub(crate) const PROLONGED_MAX: usize = 4;

/// Limits of one stream's cues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineConfig {
    /// From the newest ingested frame to the earliest threshold; default 300 ms, at least a tick.
    /// Lower: cards come sooner and more viewers get them late. Higher: the other way round.
    pub lead: Duration,
    /// Product cards on screen at once; default 3, at most
    /// [`CARDS_MAX_LIMIT`](Self::CARDS_MAX_LIMIT).
    pub cards_max: usize,
    /// Sustained cues per second; default 10, at least 1.
    pub cues_per_second: u32,
    /// Cues at once after a quiet time; default 50, at least 1.
    pub burst: u32,
    /// How far ahead of live a cue may be scheduled; default 24 h.
    pub ahead_max: Duration,
    /// Cues that may wait for their frame; default 1000, at most half of `log_max`. It also bounds
    /// what falls on the first frame after a stall.
    pub scheduled_max: usize,
    /// Cues kept; default 16384, at least 64: half an hour at the sustained rate, 4.5 h at one a
    /// second, 32 MiB at worst. When full, cues without effect on the later part of the log go.
    pub log_max: usize,
    /// How long an idempotency key is remembered; default 24 h.
    pub idempotency_window: Duration,
    /// How many keys are remembered, the oldest giving way; default 16384, 32 MiB at worst.
    pub idempotency_max: usize,
}

impl TimelineConfig {
    /// Most product cards any configuration can allow, and most cards of all kinds.
    pub const CARDS_MAX_LIMIT: usize = 8;

    fn within_limits(self) -> Self {
        let log_max = self.log_max.max(64);
        Self {
            cards_max: self.cards_max.min(Self::CARDS_MAX_LIMIT),
            scheduled_max: self.scheduled_max.min(log_max / 2),
            log_max,
            ..self
        }
    }
}

impl Default for TimelineConfig {
    fn default() -> Self {
        Self {
            lead: Duration::from_millis(300),
            cards_max: 3,
            cues_per_second: 10,
            burst: 50,
            ahead_max: Duration::from_hours(24),
            scheduled_max: 1000,
            log_max: 16_384,
            idempotency_window: Duration::from_hours(24),
            idempotency_max: 16_384,
        }
    }
}

/// A stream's cues, in the order they were accepted and in the order they take effect.
///
/// Its answers to viewers are folds of what it holds; it never sends anything itself.
#[derive(Debug)]
pub struct Timeline {
    stream: String,
    config: TimelineConfig,
    fold: Fold,
    /// By number.
    log: BTreeMap<u64, LoggedCue>,
    last_seq: u64,
    /// Highest number that was forgotten, 0 if none was.
    forgotten_seq: u64,
    /// Newest revision by card; the empty name counts clears.
    revs: BTreeMap<String, u32>,
    /// Newest frame, by pts.
    highest: Pts,
    bucket: Bucket,
    receipts: Receipts,
    frames: Frames,
    /// Prepared cues, by the name that fires them.
    armed: BTreeMap<String, Armed>,
    /// What was accepted and not yet told.
    changes: Vec<Change>,
}

/// A new cue's number, and the newest revision of its card before it.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    seq: u64,
    rev: u32,
}

/// Where a cue was put.
struct Placed {
    pts: Pts,
    utc: UnixMillis,
    late_by_ms: i64,
}

impl Timeline {
    /// A timeline without cues. Configuration beyond its limits is brought within them.
    pub fn new(stream: impl Into<String>, config: TimelineConfig) -> Self {
        let config = config.within_limits();
        Self {
            stream: stream.into(),
            bucket: Bucket::new(config.cues_per_second, config.burst),
            receipts: Receipts::new(config.idempotency_window, config.idempotency_max),
            config,
            fold: Fold::new(),
            log: BTreeMap::new(),
            last_seq: 0,
            forgotten_seq: 0,
            revs: BTreeMap::new(),
            highest: Pts::default(),
            frames: Frames::default(),
            armed: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// Accepts a request: from here on its cue's threshold, number and bytes are final.
    ///
    /// # Errors
    /// See [`InsertError`]; a refused request changes nothing and costs nothing of the rate.
    pub fn insert(
        &mut self,
        now: Instant,
        mut request: CueRequest,
        clock: &LiveClock,
    ) -> Result<Receipt, InsertError> {
        if request.op == Op::Clear {
            // One form: a clear names no card, whatever its caller filled in.
            request.card_id.clear();
        }
        if let Some(receipt) = self.receipts.replay(now, &request)? {
            return Ok(receipt);
        }
        request.check()?;
        self.highest = self.highest.max(clock.highest_pts);
        self.bucket.check(now)?;
        let placed = self.place(request.at, clock)?;
        let numbers = Numbers {
            seq: self.last_seq + 1,
            rev: self.rev(&request.card_id),
        };
        let cue = Arc::new(encode(self.draft(&request, clock, placed.pts, numbers)?)?);
        self.admit(&self.fold, &cue)?;
        self.bucket.take(now);
        let receipt = self.commit(cue, &placed, request.ends);
        if request.idempotency_key.is_some() {
            self.changes.push(Change::Answered {
                request: request.clone(),
                receipt: receipt.clone(),
            });
        }
        self.receipts.remember(now, request, &receipt);
        self.forget();
        Ok(receipt)
    }

    /// Tells that a video frame of this pts was ingested; in decode order, every one of them.
    pub fn observe_frame(&mut self, pts: Pts) {
        self.highest = self.highest.max(pts);
        for (seq, first) in self.frames.observe(pts) {
            if let Some(logged) = self.log.get_mut(&seq) {
                logged.frame_pts = Some(first);
                self.changes.push(Change::Settled {
                    seq,
                    frame_pts: first,
                });
            }
        }
    }

    /// The cards on screen at `pts`, oldest show first. Right from the [`horizon`](Self::horizon)
    /// on.
    pub fn state(&self, pts: Pts) -> Vec<ActiveCard> {
        self.fold.state(pts)
    }

    /// The fewest cues that fold to the state at `from` and every cue past it, in the order of
    /// (pts, seq). Stays true with later cues as long as `from` is not past the newest frame.
    pub fn snapshot_cues(&self, from: Pts) -> Vec<Arc<EncodedCue>> {
        self.fold.snapshot_cues(from)
    }

    /// The fewest cues that fold to the state at `at`, for an in-band snapshot.
    pub fn active_cues(&self, at: Pts) -> Vec<Arc<EncodedCue>> {
        self.fold.active_cues(at)
    }

    /// The cues with a threshold in `range`, in the order of (pts, seq).
    pub fn between(&self, range: Range<Pts>) -> &[Arc<EncodedCue>] {
        self.fold.between(range)
    }

    /// What is known of the cues numbered past `seq`, in the order of their numbers; `None` when
    /// some of them were forgotten, so that the asker needs a snapshot: with a hide left out, a
    /// card it knows would stay.
    pub fn after(&self, seq: u64) -> Option<Vec<LoggedCue>> {
        let known = seq >= self.forgotten_seq;
        let after = seq.checked_add(1).map(|next| self.log.range(next..));
        known.then(|| {
            after
                .into_iter()
                .flatten()
                .map(|(_, logged)| logged.clone())
                .collect()
        })
    }

    /// The highest number that was forgotten, 0 if none was: every cue past it is known.
    pub const fn forgotten_seq(&self) -> u64 {
        self.forgotten_seq
    }

    /// What is known of one cue; `None` for a number not given yet, or forgotten.
    pub fn get(&self, seq: u64) -> Option<LoggedCue> {
        self.log.get(&seq).cloned()
    }

    /// A card's newest revision, 0 for one without any.
    fn rev(&self, card_id: &str) -> u32 {
        self.revs.get(card_id).copied().unwrap_or(0)
    }

    /// The newest number, 0 before the first cue.
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The pts from which states are known; `None`: all of them.
    pub const fn horizon(&self) -> Option<Pts> {
        self.fold.horizon()
    }

    /// cues.md "Insertion": pts = max(asked, highest ingested pts + lead).
    fn place(&self, at: At, clock: &LiveClock) -> Result<Placed, InsertError> {
        if self.fold.count_after(self.highest) >= self.config.scheduled_max {
            return Err(InsertError::TooManyScheduled {
                max: self.config.scheduled_max,
            });
        }
        let asked = clock.asked(at);
        let ahead = asked.since(clock.live_pts);
        if ahead > span_to_ticks(self.config.ahead_max) {
            let max = self.config.ahead_max;
            return Err(InsertError::TooFarAhead {
                ahead: ticks_to_span(ahead),
                max,
            });
        }
        let pts = asked.max(self.soonest());
        let late_by_ms = match at {
            // "Now" asks for the earliest threshold there is, and gets it.
            At::Now => 0,
            At::Pts(_) | At::Utc(_) | At::After(_) => ticks_to_ms_ceil(pts.since(asked)),
        };
        Ok(Placed {
            pts,
            utc: clock.anchor.utc(pts),
            late_by_ms,
        })
    }

    /// The earliest threshold there is.
    fn soonest(&self) -> Pts {
        // Past the newest frame even without a lead: what lies at or before it is settled.
        self.highest
            .after(self.config.lead)
            .max(self.highest.offset(1))
    }

    fn draft(
        &self,
        request: &CueRequest,
        clock: &LiveClock,
        pts: Pts,
        numbers: Numbers,
    ) -> Result<Cue, InsertError> {
        let current = numbers.rev;
        match request.if_rev {
            Some(asked) if asked != current => {
                let card_id = request.card_id.clone();
                return Err(InsertError::RevConflict {
                    card_id,
                    asked,
                    current,
                });
            }
            Some(_) | None => {}
        }
        let rev = next_rev(current)?;
        let payload = ending(request.payload.clone(), request.ends, pts, clock);
        Ok(Cue {
            stream: self.stream.clone(),
            epoch: clock.epoch,
            seq: numbers.seq,
            card_id: request.card_id.clone(),
            rev,
            op: request.op,
            pts,
            duration: request.duration.map(span_to_ticks),
            payload,
            target: None,
        })
    }

    /// Holds what a cue may do to the screen, at its threshold and with all that is scheduled past
    /// it.
    fn admit(&self, fold: &Fold, cue: &Arc<EncodedCue>) -> Result<(), InsertError> {
        let Cue {
            ref card_id,
            op,
            pts,
            ..
        } = cue.cue;
        match op {
            Op::Update | Op::Hide if !fold.screen(pts).has(card_id) => {
                return Err(InsertError::NotOnScreen {
                    card_id: card_id.clone(),
                    pts,
                });
            }
            Op::Hide | Op::Clear | Op::Cancel => return Ok(()),
            Op::Show | Op::Update => {}
        }
        for (pts, screen) in fold.screens_with(cue) {
            self.has_room(pts, &screen, card_id)?;
            if screen.prolonged(card_id) > PROLONGED_MAX {
                let card_id = card_id.clone();
                return Err(InsertError::ProlongedTooOften {
                    card_id,
                    max: PROLONGED_MAX,
                });
            }
        }
        Ok(())
    }

    /// Holds how many cards may be on a screen; `card_id` is the one that would be too many.
    fn has_room(&self, pts: Pts, screen: &Screen, card_id: &str) -> Result<(), InsertError> {
        let products = screen.products().collect::<Vec<_>>();
        let limits = [
            ("product cards", products, self.config.cards_max),
            (
                "cards",
                screen.names().collect(),
                TimelineConfig::CARDS_MAX_LIMIT,
            ),
        ];
        let mut limits = limits.into_iter();
        let full = limits.find(|(_, cards, max)| cards.len() > *max);
        let Some((of, cards, cards_max)) = full else {
            return Ok(());
        };
        let others = cards.into_iter().filter(|card| *card != card_id);
        Err(InsertError::CardsFull {
            cards_max,
            of,
            pts,
            cards: others.map(str::to_owned).collect(),
        })
    }

    fn commit(&mut self, cue: Arc<EncodedCue>, placed: &Placed, ends: Option<Ends>) -> Receipt {
        let Placed {
            pts,
            utc,
            late_by_ms,
        } = *placed;
        let seq = cue.cue.seq;
        self.last_seq = seq;
        self.revs.insert(cue.cue.card_id.clone(), cue.cue.rev);
        self.fold.insert(Arc::clone(&cue));
        self.frames.watch(pts, seq);
        let logged = LoggedCue {
            cue: Arc::clone(&cue),
            utc,
            late_by_ms,
            ends,
            taken_back: false,
            frame_pts: None,
        };
        self.changes.push(Change::Accepted(logged.clone()));
        self.log.insert(seq, logged);
        Receipt {
            cue,
            utc,
            late_by_ms,
            replayed: false,
        }
    }

    /// Makes room when the log is full: forgets the cues of its first quarter that have no effect
    /// on the rest. At most half of the log waits for its frame, so no new cue falls into that
    /// quarter.
    fn forget(&mut self) {
        if self.log.len() <= self.config.log_max {
            return;
        }
        let Some(quarter) = self.fold.nth(self.config.log_max / 4) else {
            return;
        };
        self.fold.trim(quarter.cue.pts);
        let all = self.fold.between(Pts(i64::MIN)..Pts(i64::MAX));
        let kept: BTreeSet<u64> = all.iter().map(|cue| cue.cue.seq).collect();
        let seqs = self.log.keys().copied();
        let gone: Vec<u64> = seqs.filter(|seq| !kept.contains(seq)).collect();
        self.forgotten_seq = gone.last().copied().unwrap_or(0).max(self.forgotten_seq);
        self.log.retain(|seq, _| kept.contains(seq));
        let cards: BTreeSet<&str> = all.iter().map(|cue| cue.cue.card_id.as_str()).collect();
        self.revs
            .retain(|card, _| card.is_empty() || cards.contains(card.as_str()));
        self.changes.push(Change::Forgotten {
            seqs: gone,
            memory: Memory {
                forgotten_seq: self.forgotten_seq,
                horizon: self.fold.horizon(),
                revs: self.revs.clone(),
            },
        });
    }
}

/// The payload, with its end placed.
fn ending(
    payload: Option<Payload>,
    ends: Option<Ends>,
    threshold: Pts,
    clock: &LiveClock,
) -> Option<Payload> {
    match ends {
        Some(ends) => payload.map(|payload| payload.ending(clock.end(ends, threshold).0)),
        None => payload,
    }
}

fn next_rev(current: u32) -> Result<u32, Error> {
    current.checked_add(1).ok_or(Error::Field {
        field: "card_id",
        problem: "has no revisions left",
        remedy: "use a new card_id",
    })
}

/// Milliseconds of a span that is not negative, rounded up so that only on time is 0.
const fn ticks_to_ms_ceil(ticks: i64) -> i64 {
    ticks / 90 + (ticks % 90 > 0) as i64
}

#[cfg(test)]
mod tests;
