//! What can be wrong with a cue, and why one can be refused.

use std::time::Duration;

use media::Pts;

/// A cue, or bytes that should carry one, break a rule. Always the giver's fault; the same bytes
/// fail again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of a cue or of a request breaks its rule.
    #[error("{field} {problem}: {remedy}")]
    Field {
        /// Path of the field in the cue's JSON, for example `payload.price.currency`.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
        /// What to send instead.
        remedy: &'static str,
    },
    /// The cue does not fit into its carriers.
    #[error("the cue is {len} bytes long, the limit is {max}: shorten its texts")]
    TooLong {
        /// Bytes it has, or would have.
        len: usize,
        /// Bytes it may have.
        max: usize,
    },
    /// The bytes are not JSON at all.
    #[error("the cue is not JSON (line 1, column {column}): send one UTF-8 JSON object")]
    NotJson {
        /// Where the parser gave up.
        column: usize,
    },
    /// An object has a key that the format does not know.
    #[error("{object} has the unknown key {key:?}: send only the keys of docs/spec/cue.md")]
    UnknownKey {
        /// The object, `cue` for the outermost.
        object: &'static str,
        /// The key, cut to 64 characters.
        key: String,
    },
    /// The JSON says a valid cue, but not in the one form that is allowed.
    #[error(
        "the cue is not in canonical form (first difference at byte {offset}): \
         send the keys once, in the order of docs/spec/cue.md, without white space"
    )]
    NotCanonical {
        /// First byte that differs from the canonical form.
        offset: usize,
    },
    /// Bytes of a carrier (emsg box, ID3 tag, side-channel message, time stamp) break its format.
    #[error("{element} at byte {offset}: {problem}")]
    Carrier {
        /// Which element, in the words of its specification.
        element: &'static str,
        /// Offset from the start of the bytes given.
        offset: usize,
        /// What was found and what was wanted.
        problem: &'static str,
    },
}

impl Error {
    /// The field at fault, where there is one: for the `pointer` of a problem document.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::UnknownKey { key, .. } => Some(key),
            Self::TooLong { .. }
            | Self::NotJson { .. }
            | Self::NotCanonical { .. }
            | Self::Carrier { .. } => None,
        }
    }
}

/// Why a [`Timeline`](crate::Timeline) refused a request. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// The request itself is wrong; the same request fails again.
    #[error(transparent)]
    Invalid(#[from] Error),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request: use a new key for a new request")]
    KeyReused,
    /// Someone else changed the card first.
    #[error("{card_id} is at revision {current}, not {asked}: read the state and decide again")]
    RevConflict {
        /// The card.
        card_id: String,
        /// `if_rev` of the request.
        asked: u32,
        /// Its newest revision, 0 if it has none.
        current: u32,
    },
    /// An update or a hide names a card that is not on screen at the threshold.
    #[error("{card_id} is not on screen at pts {pts}: show it first, or hide it while it shows")]
    NotOnScreen {
        /// The card.
        card_id: String,
        /// The threshold the cue would have had.
        pts: Pts,
    },
    /// One more product card, or card of any kind, than may be on screen at once.
    #[error(
        "{} at pts {pts} and at most {cards_max} {of} may show at once: \
         hide one first", on_screen(.cards)
    )]
    CardsFull {
        /// The limit.
        cards_max: usize,
        /// Of what it is: product cards, or cards of any kind.
        of: &'static str,
        /// When it would be passed first.
        pts: Pts,
        /// The other cards on screen then.
        cards: Vec<String>,
    },
    /// The card's end was put off too often; in-band snapshots would grow without bound.
    #[error("{card_id} was prolonged {max} times since it was shown: show it again instead")]
    ProlongedTooOften {
        /// The card.
        card_id: String,
        /// How often it may be prolonged.
        max: usize,
    },
    /// The threshold is too far ahead of live.
    #[error("the cue is {ahead:?} ahead of live and the limit is {max:?}: send it later")]
    TooFarAhead {
        /// From live to what was asked.
        ahead: Duration,
        /// The limit.
        max: Duration,
    },
    /// Too many cues wait for their frame.
    #[error("{max} cues already wait for their frame: send it again when some have shown")]
    TooManyScheduled {
        /// The limit.
        max: usize,
    },
    /// Cues come faster than the stream's rate.
    #[error("more cues than the stream's rate allows: send it again in {retry_after:?}")]
    RateLimited {
        /// When the next one will be taken.
        retry_after: Duration,
    },
}

impl InsertError {
    /// When the same request can succeed without anybody changing anything, `None` if never.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::TooManyScheduled { .. } => Some(Duration::from_secs(1)),
            Self::Invalid(_)
            | Self::KeyReused
            | Self::RevConflict { .. }
            | Self::NotOnScreen { .. }
            | Self::CardsFull { .. }
            | Self::ProlongedTooOften { .. }
            | Self::TooFarAhead { .. } => None,
        }
    }
}

/// Why a cue was not taken back, or not moved. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CancelError {
    /// No cue has this number, or it was forgotten.
    #[error("there is no cue {seq}: ask for the cues there are")]
    NoSuchCue {
        /// The number.
        seq: u64,
    },
    /// Its threshold has come, or is so near that a viewer could show it all the same.
    #[error(
        "cue {seq} holds from pts {pts}; this came {late_by_ms} ms too late to take it back: \
         hide its card instead"
    )]
    TooLate {
        /// The cue.
        seq: u64,
        /// Its threshold.
        pts: Pts,
        /// How much earlier the request had to come.
        late_by_ms: i64,
    },
    /// It takes a cue back itself.
    #[error("cue {seq} takes another one back: insert that one again")]
    IsCancel {
        /// The cue.
        seq: u64,
    },
    /// It was taken back, so it cannot be moved.
    #[error("cue {seq} was taken back: insert it again")]
    Cancelled {
        /// The cue.
        seq: u64,
    },
    /// What would be in its place may not be.
    #[error(transparent)]
    Refused(#[from] InsertError),
}

/// Why cues were not prepared, or not fired. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmError {
    /// No cue, or more than fire at once.
    #[error("{count} cues are prepared at once: send 1 to {max}")]
    Count {
        /// How many were sent.
        count: usize,
        /// How many may be.
        max: usize,
    },
    /// As many prepared names as there may be.
    #[error("{max} names are prepared already: fire one, or remove one")]
    Full {
        /// The limit.
        max: usize,
    },
    /// Nothing is prepared under this name.
    #[error("nothing is prepared as `{name}`: prepare it first, or ask what is")]
    NotArmed {
        /// The name, cut to 64 characters.
        name: String,
    },
    /// One of the cues is refused.
    #[error("cue {index}: {error}")]
    Refused {
        /// Which, from 0.
        index: usize,
        /// Why.
        error: InsertError,
    },
}

fn on_screen(cards: &[String]) -> String {
    format!("{} would be on screen", cards.join(", "))
}
