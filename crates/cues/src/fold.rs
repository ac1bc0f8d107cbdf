//! Cues in, in any order and any number of times; the state at any pts out.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use media::Pts;

use crate::{
    codec::EncodedCue,
    screen::{ActiveCard, Screen},
};

/// Cues between two remembered screens: what one question costs at most, whatever the log's length.
const CHECKPOINT_CUES: usize = 256;

/// A set of cues of one stream and its fold: `state(pts)` is all cues with a threshold at or before
/// `pts`, applied in the order of (pts, seq), without those that a cancel takes back.
///
/// It has no limit of its own: whoever fills it calls [`trim`](Self::trim).
#[derive(Debug, Clone)]
pub struct Fold {
    /// In the order of (pts, seq), each once.
    log: Vec<Arc<EncodedCue>>,
    /// `checkpoints[i]` is the screen before `log[i * CHECKPOINT_CUES]`.
    checkpoints: Vec<Screen>,
    horizon: Option<Pts>,
    /// Numbers of the cues that were taken back, whether they have come or not.
    cancelled: BTreeSet<u64>,
}

impl Default for Fold {
    fn default() -> Self {
        Self::new()
    }
}

impl Fold {
    /// The fold of no cue at all.
    pub fn new() -> Self {
        Self {
            log: Vec::new(),
            checkpoints: vec![Screen::default()],
            horizon: None,
            cancelled: BTreeSet::new(),
        }
    }

    /// The fold of a snapshot that holds for every pts at or past `from`.
    pub fn from_snapshot(from: Pts, cues: impl IntoIterator<Item = Arc<EncodedCue>>) -> Self {
        let mut fold = Self::new();
        for cue in cues {
            fold.insert(cue);
        }
        fold.horizon = Some(from);
        fold
    }

    /// Adds a cue; `false` if it is known, or is settled already by lying at or before the
    /// [`horizon`](Self::horizon).
    pub fn insert(&mut self, cue: Arc<EncodedCue>) -> bool {
        // What is not in the snapshot has no effect past it: a show whose hide was left out with it
        // would come back to life.
        if self.horizon.is_some_and(|horizon| cue.cue.pts <= horizon) {
            return false;
        }
        let Err(at) = self.log.binary_search_by_key(&key(&cue), key) else {
            return false;
        };
        let from = match cue.cue.target {
            Some(target) => {
                self.cancelled.insert(target);
                // What is taken back has the same threshold, and a lower number.
                self.log
                    .partition_point(|other| key(other) < (cue.cue.pts, target))
            }
            None => at,
        };
        self.log.insert(at, cue);
        self.checkpoints.truncate(from / CHECKPOINT_CUES + 1);
        self.checkpoint();
        true
    }

    /// The cards on screen at `pts`, oldest show first. Right for every pts at or past the
    /// [`horizon`](Self::horizon).
    pub fn state(&self, pts: Pts) -> Vec<ActiveCard> {
        self.screen(pts).active()
    }

    /// The fewest cues that fold to the state at `from`, and every cue past it: together they fold
    /// to the same state for every pts at or past `from`, and go on doing so with any later cue
    /// past `from`. In the order of (pts, seq).
    pub fn snapshot_cues(&self, from: Pts) -> Vec<Arc<EncodedCue>> {
        let mut cues = self.active_cues(from);
        cues.extend_from_slice(&self.log[self.count_until(from)..]);
        cues
    }

    /// The fewest cues that fold to the state at `at`, without any past it: the in-band snapshot.
    pub fn active_cues(&self, at: Pts) -> Vec<Arc<EncodedCue>> {
        self.screen(at).cues()
    }

    /// The cues with a threshold in `range`, in the order of (pts, seq).
    pub fn between(&self, range: Range<Pts>) -> &[Arc<EncodedCue>] {
        let start = self.log.partition_point(|cue| cue.cue.pts < range.start);
        let end = self.log.partition_point(|cue| cue.cue.pts < range.end);
        self.log.get(start..end).unwrap_or_default()
    }

    /// Forgets what has no effect at or past `before`, which becomes the horizon.
    pub fn trim(&mut self, before: Pts) {
        if self.horizon.is_none_or(|horizon| horizon < before) {
            self.log = self.snapshot_cues(before);
            self.cancelled = self.log.iter().filter_map(|cue| cue.cue.target).collect();
            self.horizon = Some(before);
            self.checkpoints.truncate(1);
            self.checkpoint();
        }
    }

    /// The pts from which states are known; `None`: all of them.
    pub const fn horizon(&self) -> Option<Pts> {
        self.horizon
    }

    /// How many cues it holds.
    pub const fn len(&self) -> usize {
        self.log.len()
    }

    /// Whether it holds no cue.
    pub const fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// The cue at `index` in the order of (pts, seq).
    pub fn nth(&self, index: usize) -> Option<&Arc<EncodedCue>> {
        self.log.get(index)
    }

    /// How many cues have a threshold past `pts`.
    pub fn count_after(&self, pts: Pts) -> usize {
        self.log.len() - self.count_until(pts)
    }

    /// The screen at `pts`.
    pub(crate) fn screen(&self, pts: Pts) -> Screen {
        let mut screen = self.screen_before(self.count_until(pts));
        screen.expire(pts);
        screen
    }

    /// The screens from the threshold of a new cue on, one after each cue at which it changes.
    pub(crate) fn screens_with(
        &self,
        cue: &Arc<EncodedCue>,
    ) -> impl Iterator<Item = (Pts, Screen)> {
        // A new cue has the highest number, so it comes after all others of its pts.
        let at = self.count_until(cue.cue.pts);
        let mut screen = self.screen_before(at);
        std::iter::once(Arc::clone(cue))
            .chain(self.log[at..].iter().cloned())
            .map(move |cue| {
                self.apply(&mut screen, &cue);
                (cue.cue.pts, screen.clone())
            })
    }

    /// The screen once the first `count` cues are applied.
    fn screen_before(&self, count: usize) -> Screen {
        let start = (count / CHECKPOINT_CUES).min(self.checkpoints.len() - 1);
        let mut screen = self.checkpoints[start].clone();
        for cue in &self.log[start * CHECKPOINT_CUES..count] {
            self.apply(&mut screen, cue);
        }
        screen
    }

    fn apply(&self, screen: &mut Screen, cue: &Arc<EncodedCue>) {
        if !self.cancelled.contains(&cue.cue.seq) {
            screen.apply(cue);
        }
    }

    /// The screens from `pts` on, one after each cue at or past it.
    pub(crate) fn screens_from(&self, pts: Pts) -> impl Iterator<Item = (Pts, Screen)> {
        let at = self.log.partition_point(|cue| cue.cue.pts < pts);
        let mut screen = self.screen_before(at);
        self.log[at..].iter().map(move |cue| {
            self.apply(&mut screen, cue);
            (cue.cue.pts, screen.clone())
        })
    }

    fn checkpoint(&mut self) {
        while self.checkpoints.len() * CHECKPOINT_CUES <= self.log.len() {
            self.checkpoints
                .push(self.screen_before(self.checkpoints.len() * CHECKPOINT_CUES));
        }
    }

    fn count_until(&self, pts: Pts) -> usize {
        self.log.partition_point(|cue| cue.cue.pts <= pts)
    }
}

fn key(cue: &Arc<EncodedCue>) -> (Pts, u64) {
    (cue.cue.pts, cue.cue.seq)
}
