//! What is on screen at one pts, and the cues that put it there.

use std::sync::Arc;

use media::Pts;

use crate::{codec::EncodedCue, model::Op, payload::Payload};

/// A card on screen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActiveCard {
    /// The caller's name of the card.
    pub card_id: String,
    /// Number of the cue whose payload shows.
    pub seq: u64,
    /// Revision of that cue.
    pub rev: u32,
    /// Threshold of the show that put the card on screen.
    pub since: Pts,
    /// First pts at which it is gone by itself; `None`: stays until hidden.
    pub until: Option<Pts>,
    /// What it says.
    pub payload: Payload,
}

/// The fold's running value: the cards on screen, oldest show first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    cards: Vec<OnScreen>,
}

/// One card and the fewest cues that fold to it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OnScreen {
    show: Arc<EncodedCue>,
    /// Updates that moved the end, each within the life that the one before it gives.
    prolonging: Vec<Arc<EncodedCue>>,
    /// The newest of `show` and its updates.
    newest: Arc<EncodedCue>,
    until: Option<Pts>,
}

impl Screen {
    /// Applies the next cue in the order of (pts, seq).
    pub(crate) fn apply(&mut self, cue: &Arc<EncodedCue>) {
        self.expire(cue.cue.pts);
        let card = self
            .cards
            .iter()
            .position(|card| card.show.cue.card_id == cue.cue.card_id);
        match (cue.cue.op, card) {
            (Op::Show, card) => {
                card.map(|at| self.cards.remove(at));
                self.cards.push(OnScreen::new(Arc::clone(cue)));
            }
            (Op::Update, Some(at)) => self.cards[at].update(Arc::clone(cue)),
            (Op::Hide, Some(at)) => drop(self.cards.remove(at)),
            (Op::Clear, _) => self.cards.clear(),
            (Op::Update | Op::Hide, None) | (Op::Cancel, _) => {}
        }
    }

    /// Takes off the cards whose end is at or before `pts`: an end is exclusive.
    pub(crate) fn expire(&mut self, pts: Pts) {
        self.cards
            .retain(|card| card.until.is_none_or(|until| pts < until));
    }

    pub(crate) fn has(&self, card_id: &str) -> bool {
        self.cards
            .iter()
            .any(|card| card.show.cue.card_id == card_id)
    }

    /// Names of the cards on screen.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.cards.iter().map(|card| card.show.cue.card_id.as_str())
    }

    /// Names of the product cards on screen, flash sales among them.
    pub(crate) fn products(&self) -> impl Iterator<Item = &str> {
        self.cards
            .iter()
            .filter(|card| {
                card.newest
                    .cue
                    .payload
                    .as_ref()
                    .is_some_and(Payload::is_product)
            })
            .map(|card| card.show.cue.card_id.as_str())
    }

    /// How often the end of a card on screen was put off, in the fewest steps; 0 for other cards.
    pub(crate) fn prolonged(&self, card_id: &str) -> usize {
        let card = self
            .cards
            .iter()
            .find(|card| card.show.cue.card_id == card_id);
        card.map_or(0, |card| card.prolonging.len())
    }

    pub(crate) fn active(&self) -> Vec<ActiveCard> {
        self.cards.iter().filter_map(OnScreen::active).collect()
    }

    /// The fewest cues that fold to this screen, in the order of (pts, seq).
    pub(crate) fn cues(&self) -> Vec<Arc<EncodedCue>> {
        let mut cues: Vec<_> = self
            .cards
            .iter()
            .flat_map(OnScreen::cues)
            .cloned()
            .collect();
        cues.sort_by_key(|cue| (cue.cue.pts, cue.cue.seq));
        cues
    }
}

impl OnScreen {
    fn new(show: Arc<EncodedCue>) -> Self {
        let until = show.cue.end();
        Self {
            newest: Arc::clone(&show),
            show,
            prolonging: Vec::new(),
            until,
        }
    }

    fn update(&mut self, update: Arc<EncodedCue>) {
        if let Some(end) = update.cue.end() {
            self.until = Some(end);
            self.prolonging.push(Arc::clone(&update));
            self.prolonging = shortest_chain(self.show.cue.end(), &self.prolonging);
        }
        self.newest = update;
    }

    fn active(&self) -> Option<ActiveCard> {
        // The codec admits no show or update without a payload.
        let payload = self.newest.cue.payload.clone()?;
        Some(ActiveCard {
            card_id: self.newest.cue.card_id.clone(),
            seq: self.newest.cue.seq,
            rev: self.newest.cue.rev,
            since: self.show.cue.pts,
            until: self.until,
            payload,
        })
    }

    fn cues(&self) -> impl Iterator<Item = &Arc<EncodedCue>> {
        let known = |cue: &Arc<EncodedCue>| cue.cue.seq == self.newest.cue.seq;
        let has_newest = known(&self.show) || self.prolonging.iter().any(known);
        let newest = (!has_newest).then_some(&self.newest);
        std::iter::once(&self.show)
            .chain(&self.prolonging)
            .chain(newest)
    }
}

/// The fewest of `updates` (in order, each within the life of the card as all before it leave it)
/// that keep the card alive from its show on and give it the end that the last of them gives.
///
/// From each reach the update that reaches furthest is taken, until one of that end is within
/// reach: the last of those, which may be the newest of all. Every step gets further, because the
/// update after the last one within reach was within that one's life.
fn shortest_chain(show_end: Option<Pts>, updates: &[Arc<EncodedCue>]) -> Vec<Arc<EncodedCue>> {
    let mut chain = Vec::new();
    let Some(end) = updates.last().map(|last| last.cue.end()) else {
        return chain;
    };
    let mut reach = show_end;
    for _ in updates {
        if reach == end {
            break;
        }
        let within = |update: &&Arc<EncodedCue>| reach.is_none_or(|end| update.cue.pts < end);
        let ends = |update: &&Arc<EncodedCue>| update.cue.end() == end;
        let mut last_first = updates.iter().rev().filter(within);
        let furthest = || {
            updates
                .iter()
                .filter(within)
                .max_by_key(|update| update.cue.end())
        };
        let Some(next) = last_first.find(ends).or_else(furthest) else {
            break;
        };
        reach = next.cue.end();
        chain.push(Arc::clone(next));
    }
    chain
}
