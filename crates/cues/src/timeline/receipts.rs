//! Answers kept so that a retried request gets the same one.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use super::request::{CueRequest, Receipt};
use crate::error::InsertError;

/// Receipts by idempotency key, for a time and up to a number.
#[derive(Debug)]
pub(super) struct Receipts {
    window: Duration,
    max: usize,
    by_key: BTreeMap<String, (CueRequest, Receipt)>,
    /// Until when which key is remembered, oldest first, each as often as in `by_key`.
    order: VecDeque<(Instant, String)>,
}

impl Receipts {
    pub(super) const fn new(window: Duration, max: usize) -> Self {
        Self {
            window,
            max,
            by_key: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The answer this request got before, if it was asked before.
    pub(super) fn replay(
        &mut self,
        now: Instant,
        request: &CueRequest,
    ) -> Result<Option<Receipt>, InsertError> {
        let Some(key) = request.key()? else {
            return Ok(None);
        };
        self.expire(now);
        match self.by_key.get(key) {
            None => Ok(None),
            Some((before, receipt)) if before == request => Ok(Some(Receipt {
                replayed: true,
                ..receipt.clone()
            })),
            Some(_) => Err(InsertError::KeyReused),
        }
    }

    /// Keeps an answer under the request's key, if it has one that is free.
    pub(super) fn remember(&mut self, now: Instant, request: CueRequest, receipt: &Receipt) {
        self.restore(now, Duration::ZERO, request, receipt);
    }

    /// The same for an answer that was given `age` ago.
    pub(super) fn restore(
        &mut self,
        now: Instant,
        age: Duration,
        request: CueRequest,
        receipt: &Receipt,
    ) {
        let Some(key) = request.idempotency_key.clone() else {
            return;
        };
        let until = now + self.window.saturating_sub(age);
        if self
            .by_key
            .insert(key.clone(), (request, receipt.clone()))
            .is_none()
        {
            self.order.push_back((until, key));
        }
        while self.order.len() > self.max {
            self.pop();
        }
    }

    fn expire(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.by_key.remove(&key);
        }
    }
}
