//! What a cue is.

use std::fmt;

use media::Pts;

use crate::{check, error::Error, payload::Payload};

/// One change of what is on screen, holding from the first frame at or past [`pts`](Self::pts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// The stream's name: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub stream: String,
    /// The publish session in which it was accepted, from 1. The timeline goes on across epochs.
    pub epoch: u32,
    /// Its number: the stream's first cue is 1, each next one is one more.
    pub seq: u64,
    /// The caller's own name of the card: 1 to 64 of `A-Z a-z 0-9 . _ -`; empty for a clear.
    pub card_id: String,
    /// How many cues named this card, this one included; for a clear, how many clears there were.
    pub rev: u32,
    /// What it does.
    pub op: Op,
    /// The threshold: 0 to 2^53 - 1, so that JavaScript holds it exactly.
    pub pts: Pts,
    /// How long the card stays from `pts` on, 90 kHz ticks, exclusive: 90 (1 ms) to 7 776 000 000
    /// (24 h). `None`: until hidden (show), end unchanged (update). Show and update only.
    pub duration: Option<i64>,
    /// What the card says; present for show and update, absent for the others.
    pub payload: Option<Payload>,
    /// Number of the cue that is taken back; for a cancel only, and below its own.
    pub target: Option<u64>,
}

impl Cue {
    /// Longest life of a card in 90 kHz ticks: 24 h.
    pub const DURATION_MAX: i64 = 24 * 3600 * 90_000;
    /// Shortest life of a card in 90 kHz ticks: 1 ms, the resolution of requests.
    pub const DURATION_MIN: i64 = 90;
    /// Largest number JavaScript holds exactly (ECMA-262 `Number.MAX_SAFE_INTEGER`).
    pub const NUMBER_MAX: u64 = (1 << 53) - 1;

    /// First pts at which the card is gone by itself; `None` when the cue sets no end.
    pub fn end(&self) -> Option<Pts> {
        self.duration.map(|ticks| self.pts.offset(ticks))
    }

    /// Holds every rule of docs/spec/cue.md but the length limit, which is the codec's.
    ///
    /// # Errors
    /// [`Error::Field`] for the first field that breaks its rule.
    pub fn check(&self) -> Result<(), Error> {
        check::cue(self)
    }
}

/// What a cue does to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Puts the card on screen, in place of what it showed before.
    Show,
    /// Replaces the payload of a card on screen, and its end if the cue has a duration.
    Update,
    /// Takes the card off the screen.
    Hide,
    /// Takes every card off the screen.
    Clear,
    /// Takes back a cue whose threshold, which is its own too, has not come.
    Cancel,
}

impl Op {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Update => "update",
            Self::Hide => "hide",
            Self::Clear => "clear",
            Self::Cancel => "cancel",
        }
    }

    /// The operation of this name.
    ///
    /// # Errors
    /// [`Error::Field`] for any other text.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "show" => Ok(Self::Show),
            "update" => Ok(Self::Update),
            "hide" => Ok(Self::Hide),
            "clear" => Ok(Self::Clear),
            "cancel" => Ok(Self::Cancel),
            _ => Err(Error::Field {
                field: "op",
                problem: "is not an operation",
                remedy: "send show, update, hide, clear or cancel",
            }),
        }
    }

    /// Whether it says what a card looks like, and so needs a payload.
    pub const fn has_payload(self) -> bool {
        matches!(self, Self::Show | Self::Update)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
