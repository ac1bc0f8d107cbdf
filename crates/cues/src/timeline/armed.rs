//! Prepared cues: judged when they are prepared, numbered and placed when one call fires them, all
//! with one threshold.

use std::{sync::Arc, time::Instant};

use super::{At, Change, CueRequest, LiveClock, Numbers, Placed, Receipt, Timeline};
use crate::{
    check,
    codec::{EncodedCue, encode},
    error::{ArmError, InsertError},
    model::Op,
};

/// What stands under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Armed {
    /// Cues that wait to be fired; their `at` and idempotency key mean nothing.
    Waiting(Vec<CueRequest>),
    /// They were fired, and this is the answer for whoever asks again.
    Fired(Vec<Receipt>),
}

impl Timeline {
    /// Most cues of one name: what a change of scene needs.
    pub const ARMED_CUES_MAX: usize = 8;
    /// Most names, fired ones among them until they are forgotten.
    pub const ARMED_MAX: usize = 64;

    /// Prepares cues under a name, in place of what stood there.
    ///
    /// # Errors
    /// See [`ArmError`]; what stood there stays then.
    pub fn arm(&mut self, name: &str, mut requests: Vec<CueRequest>) -> Result<(), ArmError> {
        let refused = |index: usize, error| ArmError::Refused { index, error };
        check::name("name", name).map_err(|error| refused(0, error.into()))?;
        let (count, max) = (requests.len(), Self::ARMED_CUES_MAX);
        if !(1..=max).contains(&count) {
            return Err(ArmError::Count { count, max });
        }
        for (index, request) in requests.iter_mut().enumerate() {
            if request.op == Op::Clear {
                request.card_id.clear();
            }
            request
                .check()
                .map_err(|error| refused(index, error.into()))?;
        }
        if !self.armed.contains_key(name) && !self.has_room_to_arm() {
            let max = Self::ARMED_MAX;
            return Err(ArmError::Full { max });
        }
        self.put_armed(name, Armed::Waiting(requests));
        Ok(())
    }

    /// Forgets what stands under a name; false if nothing does.
    pub fn disarm(&mut self, name: &str) -> bool {
        let stood = self.armed.remove(name).is_some();
        if stood {
            let name = name.to_owned();
            self.changes.push(Change::Disarmed { name });
        }
        stood
    }

    fn put_armed(&mut self, name: &str, armed: Armed) {
        self.changes.push(Change::Armed {
            name: name.to_owned(),
            armed: armed.clone(),
        });
        self.armed.insert(name.to_owned(), armed);
    }

    /// What stands under which name.
    pub fn armed(&self) -> impl Iterator<Item = (&str, &Armed)> {
        self.armed
            .iter()
            .map(|(name, armed)| (name.as_str(), armed))
    }

    /// Inserts the cues of a name, all with one threshold, or none of them. Firing again gives the
    /// same answer.
    ///
    /// # Errors
    /// See [`ArmError`]; nothing changes then.
    pub fn fire(
        &mut self,
        now: Instant,
        name: &str,
        at: At,
        clock: &LiveClock,
    ) -> Result<Vec<Receipt>, ArmError> {
        let requests = match self.armed.get(name) {
            Some(Armed::Waiting(requests)) => requests.clone(),
            Some(Armed::Fired(receipts)) => {
                let replayed = receipts.iter().cloned();
                return Ok(replayed
                    .map(|receipt| Receipt {
                        replayed: true,
                        ..receipt
                    })
                    .collect());
            }
            None => {
                let name = name.chars().take(64).collect();
                return Err(ArmError::NotArmed { name });
            }
        };
        self.highest = self.highest.max(clock.highest_pts);
        let first = |error| ArmError::Refused { index: 0, error };
        let placed = self.place(at, clock).map_err(first)?;
        let (mut bucket, mut fold) = (self.bucket.clone(), self.fold.clone());
        let mut cues = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            let refused = |error| ArmError::Refused { index, error };
            bucket.check(now).map_err(refused)?;
            bucket.take(now);
            let cue = self.draft_after(&cues, request, clock, &placed);
            let cue = cue.map_err(refused)?;
            self.admit(&fold, &cue).map_err(refused)?;
            fold.insert(Arc::clone(&cue));
            cues.push(cue);
        }
        self.bucket = bucket;
        let receipts: Vec<Receipt> = cues
            .into_iter()
            .zip(&requests)
            .map(|(cue, request)| self.commit(cue, &placed, request.ends))
            .collect();
        self.put_armed(name, Armed::Fired(receipts.clone()));
        self.forget();
        Ok(receipts)
    }

    /// The cue that comes after others that are not in the log yet.
    fn draft_after(
        &self,
        others: &[Arc<EncodedCue>],
        request: &CueRequest,
        clock: &LiveClock,
        placed: &Placed,
    ) -> Result<Arc<EncodedCue>, InsertError> {
        let of_card = |cue: &&Arc<EncodedCue>| cue.cue.card_id == request.card_id;
        let earlier = others.iter().rev().find(of_card);
        let numbers = Numbers {
            seq: self.last_seq + 1 + others.len() as u64,
            rev: earlier.map_or_else(|| self.rev(&request.card_id), |cue| cue.cue.rev),
        };
        let cue = encode(self.draft(request, clock, placed.pts, numbers)?)?;
        Ok(Arc::new(cue))
    }

    /// Makes room for another name, if only fired ones stand in the way.
    fn has_room_to_arm(&mut self) -> bool {
        if self.armed.len() < Self::ARMED_MAX {
            return true;
        }
        let oldest = |armed: &Armed| match armed {
            Armed::Fired(receipts) => receipts.first().map(|receipt| receipt.cue.cue.seq),
            Armed::Waiting(_) => None,
        };
        let fired = self
            .armed
            .iter()
            .filter_map(|(name, armed)| Some((oldest(armed)?, name.clone())));
        match fired.min() {
            Some((_, name)) => self.disarm(&name),
            None => false,
        }
    }
}
