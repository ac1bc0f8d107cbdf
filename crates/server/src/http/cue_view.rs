//! Cues and cards as the API shows them.

use cues::{ActiveCard, LoggedCue, Payload, Receipt, rfc3339_millis};
use media::{Pts, UnixMillis};
use serde::Serialize;
use utoipa::ToSchema;

use super::{cue_payload::PayloadBody, cue_request::OpName};

/// A cue was accepted.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ReceiptBody {
    /// Its number: one more than the cue before it.
    seq: u64,
    /// How many cues named this card, this one included.
    rev: u32,
    /// The threshold, final: the cue holds from the first frame at or past it. 90 kHz.
    pts: i64,
    /// The threshold's UTC, RFC 3339 with milliseconds.
    #[schema(format = DateTime)]
    utc: String,
    /// How much later than asked the threshold lies, milliseconds.
    late_by_ms: i64,
}

/// One cue.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CueView {
    stream: String,
    /// The publish session in which it was accepted, from 1.
    epoch: u32,
    seq: u64,
    card_id: String,
    rev: u32,
    op: OpName,
    /// The threshold. 90 kHz.
    pts: i64,
    /// The threshold's UTC, RFC 3339 with milliseconds.
    #[schema(format = DateTime)]
    utc: String,
    /// How much later than asked the threshold lies, milliseconds.
    late_by_ms: i64,
    /// How long the card stays; null: until hidden, or unchanged.
    duration_ms: Option<i64>,
    /// What the payload is; null without one.
    kind: Option<&'static str>,
    payload: Option<PayloadBody>,
    /// Number of the cue that this one takes back; null but for a cancel.
    takes_back: Option<u64>,
    /// Whether this one was taken back: then it has no effect.
    taken_back: bool,
    /// The first frame in presentation order at or past the threshold, once it is known. 90 kHz.
    frame_pts: Option<i64>,
    /// That frame's UTC.
    #[schema(format = DateTime)]
    frame_utc: Option<String>,
    /// The cue's bytes as every carrier has them, base64url without padding.
    encoded: String,
}

/// Cues after a number.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CueList {
    /// The cues' bytes as every carrier has them, base64url without padding, in order.
    pub(super) cues: Vec<String>,
}

/// The cards on screen at one pts.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct StateBody {
    /// The pts this is the state at. 90 kHz.
    pts: i64,
    /// Oldest show first.
    cards: Vec<CardView>,
}

/// A card on screen.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CardView {
    card_id: String,
    /// Number of the cue whose payload shows.
    seq: u64,
    /// Revision of that cue.
    rev: u32,
    /// Threshold of the show that put it on screen. 90 kHz.
    since: i64,
    /// First pts at which it is gone by itself; null: stays until hidden. 90 kHz.
    until: Option<i64>,
    /// What the payload is.
    kind: &'static str,
    payload: PayloadBody,
}

impl From<&Receipt> for ReceiptBody {
    fn from(receipt: &Receipt) -> Self {
        let cue = &receipt.cue.cue;
        Self {
            seq: cue.seq,
            rev: cue.rev,
            pts: cue.pts.0,
            utc: rfc3339_millis(receipt.utc),
            late_by_ms: receipt.late_by_ms,
        }
    }
}

impl From<&LoggedCue> for CueView {
    fn from(logged: &LoggedCue) -> Self {
        let cue = &logged.cue.cue;
        // The epoch's anchor is linear, so the frame's UTC lies as far from the threshold's as its pts does.
        let frame_utc = |frame: Pts| {
            let ms = frame.since(cue.pts).div_euclid(TICKS_PER_MS);
            rfc3339_millis(UnixMillis(logged.utc.0.saturating_add(ms)))
        };
        Self {
            stream: cue.stream.clone(),
            epoch: cue.epoch,
            seq: cue.seq,
            card_id: cue.card_id.clone(),
            rev: cue.rev,
            op: cue.op.into(),
            pts: cue.pts.0,
            utc: rfc3339_millis(logged.utc),
            late_by_ms: logged.late_by_ms,
            duration_ms: cue.duration.map(|ticks| ticks.div_euclid(TICKS_PER_MS)),
            kind: cue.payload.as_ref().map(Payload::kind),
            payload: cue.payload.as_ref().map(PayloadBody::from),
            takes_back: cue.target,
            taken_back: logged.taken_back,
            frame_pts: logged.frame_pts.map(|pts| pts.0),
            frame_utc: logged.frame_pts.map(frame_utc),
            encoded: logged.cue.to_base64url(),
        }
    }
}

impl StateBody {
    pub(super) fn new(pts: Pts, cards: &[ActiveCard]) -> Self {
        Self {
            pts: pts.0,
            cards: cards.iter().map(CardView::from).collect(),
        }
    }
}

impl From<&ActiveCard> for CardView {
    fn from(card: &ActiveCard) -> Self {
        Self {
            card_id: card.card_id.clone(),
            seq: card.seq,
            rev: card.rev,
            since: card.since.0,
            until: card.until.map(|pts| pts.0),
            kind: card.payload.kind(),
            payload: PayloadBody::from(&card.payload),
        }
    }
}

const TICKS_PER_MS: i64 = 90;
