//! Taking back what has not happened yet.

use std::{sync::Arc, time::Instant};

use super::{
    At, LiveClock, LoggedCue, Placed, Receipt, Timeline, ending, next_rev, ticks_to_ms_ceil,
};
use crate::{
    codec::{EncodedCue, encode},
    error::{CancelError, InsertError},
    model::{Cue, Op},
};

impl Timeline {
    /// Takes back a cue while every viewer can still hear of it before its frame: at least the lead
    /// before its threshold. Doing it again gives the same answer.
    ///
    /// # Errors
    /// See [`CancelError`]; nothing changes then.
    pub fn cancel(
        &mut self,
        now: Instant,
        seq: u64,
        clock: &LiveClock,
    ) -> Result<Receipt, CancelError> {
        if let Some(receipt) = self.cancelled_by(seq) {
            return Ok(receipt);
        }
        self.highest = self.highest.max(clock.highest_pts);
        let target = self.cancellable(seq)?;
        self.bucket.check(now)?;
        let cue = self.cancel_of(&target, clock)?;
        let mut without = self.fold.clone();
        without.insert(Arc::clone(&cue));
        // What it would have taken off stays, and may then be one card too many.
        for (pts, screen) in without.screens_from(cue.cue.pts) {
            self.has_room(pts, &screen, "")?;
        }
        self.bucket.take(now);
        let receipt = self.commit_cancel(cue, &target);
        self.forget();
        Ok(receipt)
    }

    /// Moves a cue to another time: takes it back, and inserts the same anew, or does neither. The
    /// first receipt is of the cue that takes it back.
    ///
    /// # Errors
    /// See [`CancelError`]; nothing changes then.
    pub fn reschedule(
        &mut self,
        now: Instant,
        seq: u64,
        at: At,
        clock: &LiveClock,
    ) -> Result<[Receipt; 2], CancelError> {
        self.highest = self.highest.max(clock.highest_pts);
        let target = self.cancellable(seq)?;
        self.bucket.check(now)?;
        let cancel = self.cancel_of(&target, clock)?;
        let placed = self.place(at, clock)?;
        let of = &target.cue.cue;
        let moved = Cue {
            epoch: clock.epoch,
            seq: cancel.cue.seq + 1,
            rev: next_rev(cancel.cue.rev).map_err(InsertError::from)?,
            pts: placed.pts,
            payload: ending(of.payload.clone(), target.ends, placed.pts, clock),
            ..of.clone()
        };
        let moved = Arc::new(encode(moved).map_err(InsertError::from)?);
        let mut without = self.fold.clone();
        without.insert(Arc::clone(&cancel));
        self.admit(&without, &moved)?;
        self.bucket.take(now);
        let cancelled = self.commit_cancel(cancel, &target);
        let moved = self.commit(moved, &placed, target.ends);
        self.forget();
        Ok([cancelled, moved])
    }

    /// The answer to an earlier cancel of the same cue.
    fn cancelled_by(&self, seq: u64) -> Option<Receipt> {
        let mut later = self.log.range(seq.checked_add(1)?..);
        let (_, logged) = later.find(|(_, logged)| logged.cue.cue.target == Some(seq))?;
        Some(Receipt {
            cue: Arc::clone(&logged.cue),
            utc: logged.utc,
            late_by_ms: 0,
            replayed: true,
        })
    }

    fn cancellable(&self, seq: u64) -> Result<LoggedCue, CancelError> {
        let target = self.get(seq).ok_or(CancelError::NoSuchCue { seq })?;
        let cue = &target.cue.cue;
        if cue.op == Op::Cancel {
            return Err(CancelError::IsCancel { seq });
        }
        if target.taken_back {
            return Err(CancelError::Cancelled { seq });
        }
        let soonest = self.soonest();
        if cue.pts < soonest {
            return Err(CancelError::TooLate {
                seq,
                pts: cue.pts,
                late_by_ms: ticks_to_ms_ceil(soonest.since(cue.pts)),
            });
        }
        Ok(target)
    }

    fn cancel_of(
        &self,
        target: &LoggedCue,
        clock: &LiveClock,
    ) -> Result<Arc<EncodedCue>, InsertError> {
        let of = &target.cue.cue;
        let cue = Cue {
            stream: self.stream.clone(),
            epoch: clock.epoch,
            seq: self.last_seq + 1,
            card_id: of.card_id.clone(),
            rev: next_rev(self.rev(&of.card_id))?,
            op: Op::Cancel,
            pts: of.pts,
            duration: None,
            payload: None,
            target: Some(of.seq),
        };
        Ok(Arc::new(encode(cue)?))
    }

    fn commit_cancel(&mut self, cue: Arc<EncodedCue>, target: &LoggedCue) -> Receipt {
        let placed = Placed {
            pts: target.cue.cue.pts,
            utc: target.utc,
            late_by_ms: 0,
        };
        if let Some(logged) = self.log.get_mut(&target.cue.cue.seq) {
            logged.taken_back = true;
        }
        self.commit(cue, &placed, None)
    }
}
