//! What a timeline is asked and what it answers.

use std::{sync::Arc, time::Duration};

use media::{Pts, UnixMillis, UtcAnchor, time::span_to_ticks};

use crate::{check, codec::EncodedCue, error::Error, model::Op, payload::Payload};

/// Longest idempotency key, characters.
const KEY_LEN_MAX: usize = 128;

/// When what a card offers ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// At this pts.
    Pts(Pts),
    /// At what is live at this wall clock.
    Utc(UnixMillis),
    /// This long after the cue's threshold.
    After(Duration),
}

/// A cue as its caller wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CueRequest {
    /// The caller's name of the card; ignored for a clear.
    pub card_id: String,
    /// What to do.
    pub op: Op,
    /// How long the card stays, 1 ms to 24 h; `None`: until hidden (show), end unchanged (update).
    pub duration: Option<Duration>,
    /// What the card says; for show and update only, which need it.
    pub payload: Option<Payload>,
    /// When.
    pub at: At,
    /// When what the payload offers ends; for the kinds that say it. Whatever stands in the
    /// payload's own `ends` is then replaced. `None`: it stays.
    pub ends: Option<Ends>,
    /// Refuse unless the card's newest revision is this one; 0: unless the card is new.
    pub if_rev: Option<u32>,
    /// 1 to 128 printable ASCII characters: makes a retry safe.
    pub idempotency_key: Option<String>,
}

/// When a cue is to hold from. It never does so before the newest frame plus the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// As soon as can be.
    Now,
    /// From this pts.
    Pts(Pts),
    /// From what is live at this wall clock.
    Utc(UnixMillis),
    /// This much after what is live now.
    After(Duration),
}

/// Where the stream stands when a request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveClock {
    /// The publish session, from 1.
    pub epoch: u32,
    /// Highest pts of an ingested video frame.
    pub highest_pts: Pts,
    /// What is live now: smoothed pts at arrival, going on through a stall.
    pub live_pts: Pts,
    /// The server's wall clock now, so that `live_pts` is what this UTC maps to.
    pub live_utc: UnixMillis,
    /// The linear map of the epoch, for what is reported and for playlists.
    pub anchor: UtcAnchor,
}

/// A request was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The cue, with its final threshold, number and bytes.
    pub cue: Arc<EncodedCue>,
    /// UTC of the threshold by the epoch's anchor, as PROGRAM-DATE-TIME counts.
    pub utc: UnixMillis,
    /// How much later than asked the threshold lies, milliseconds rounded up; 0 for [`At::Now`].
    pub late_by_ms: i64,
    /// This is the answer to an earlier request with the same idempotency key.
    pub replayed: bool,
}

/// What a timeline knows of a cue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedCue {
    /// The cue.
    pub cue: Arc<EncodedCue>,
    /// UTC of the threshold by the anchor of the epoch that accepted the cue.
    pub utc: UnixMillis,
    /// As in its [`Receipt`].
    pub late_by_ms: i64,
    /// Another cue has taken it back.
    pub taken_back: bool,
    /// When what it offers was asked to end, which moves with the cue.
    pub ends: Option<Ends>,
    /// The first frame in presentation order at or past the threshold, once no other can come.
    pub frame_pts: Option<Pts>,
}

impl CueRequest {
    /// What can be judged without knowing the stream.
    pub(super) fn check(&self) -> Result<(), Error> {
        let ticks = self.duration.map(span_to_ticks);
        if self.op == Op::Cancel {
            return Err(Error::Field {
                field: "op",
                problem: "is cancel",
                remedy: "send show, update, hide or clear; a cue is taken back by its number",
            });
        }
        check::content(self.op, &self.card_id, ticks, self.payload.as_ref())?;
        let can_end = self.payload.as_ref().is_some_and(Payload::can_end);
        if self.ends.is_some() && !can_end {
            return Err(Error::Field {
                field: "payload.ends",
                problem: "is set",
                remedy: "only a flash sale, a coupon or a poll ends",
            });
        }
        if self.op == Op::Clear && self.if_rev.is_some() {
            let remedy = "leave it out of a clear, which is about no one card";
            return Err(Error::Field {
                field: "if_rev",
                problem: "is set",
                remedy,
            });
        }
        Ok(())
    }

    /// The key, if there is one and it has the form of one.
    pub(super) fn key(&self) -> Result<Option<&str>, Error> {
        let Some(key) = self.idempotency_key.as_deref() else {
            return Ok(None);
        };
        let printable = key.bytes().all(|b| (b' '..=b'~').contains(&b));
        if printable && (1..=KEY_LEN_MAX).contains(&key.len()) {
            return Ok(Some(key));
        }
        let problem = "is not a key";
        let remedy = "send 1 to 128 printable ASCII characters, for example a UUID";
        Err(Error::Field {
            field: "idempotency_key",
            problem,
            remedy,
        })
    }
}

impl LiveClock {
    /// The pts that `at` asks for.
    pub(super) fn asked(&self, at: At) -> Pts {
        match at {
            At::Now => self.live_pts,
            At::Pts(pts) => pts,
            // architecture.md "One clock": the live map, not the anchor, so that an encoder whose
            // clock drifts does not move an announced moment.
            At::Utc(utc) => {
                let ms = utc.0.saturating_sub(self.live_utc.0);
                self.live_pts.offset(ms.saturating_mul(90))
            }
            At::After(span) => self.live_pts.after(span),
        }
    }

    /// The pts at which what a cue of this threshold offers ends.
    pub(super) fn end(&self, ends: Ends, threshold: Pts) -> Pts {
        match ends {
            Ends::Pts(pts) => pts,
            Ends::Utc(utc) => self.asked(At::Utc(utc)),
            Ends::After(span) => threshold.after(span),
        }
    }
}
