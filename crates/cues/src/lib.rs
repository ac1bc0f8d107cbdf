//! Timed metadata: the cue, the timeline that folds it, and its carriers.
//!
//! | module | source |
//! |---|---|
//! | [`codec`], [`Cue`], [`InBandSnapshot`] | `docs/spec/cue.md` |
//! | [`saved`] | `docs/spec/saved-show.md` |
//! | [`Timeline`], [`Fold`] | `docs/spec/cue.md`, "The fold" and "Insertion" |
//! | [`channel`] | `docs/spec/side-channel.md` |
//! | [`painted`] | `docs/spec/side-channel.md`, "What a player reports" |
//! | [`delivery`] | `docs/api.md`, "Proof of delivery" |
//! | [`emsg`] | ISO/IEC 23009-1 section 5.10.3.3; AOM "Carriage of ID3 Timed Metadata in CMAF" |
//! | [`id3`] | ID3v2.4.0 main structure sections 3 and 4, native frames section 4.2.6 |
//! | [`daterange`] | draft-pantos-hls-rfc8216bis-22 section 4.4.5.1 |
//! | [`sei`] | `docs/spec/sei.md` |
//! | [`rfc3339`] | RFC 3339 section 5.6 |
//!
//! The origin keeps one [`Timeline`] per stream. A request becomes a cue whose threshold is final
//! at once; the cue is encoded once and every carrier carries those bytes. Whoever receives cues
//! puts them into a [`Fold`], in any order and any number of times, and asks it for the state at
//! the pts of the frame it shows.
//!
//! ```text
//! let receipt = timeline.insert(now, request, &clock)?;   // answer the caller
//! packager.cue(receipt.cue.clone());                      // in band
//! let changes = timeline.take_changes();                  // to be kept
//! let texts = channel::cues(&[receipt.cue]);              // side channel, at once
//! timeline.observe_frame(frame.stream_pts());             // for each video frame, decode order
//! ```
//!
//! It knows nothing of commerce, HTTP, sockets or the clock, and does not decide who may insert.

pub mod channel;
mod check;
pub mod codec;
pub mod daterange;
pub mod delivery;
pub mod emsg;
mod error;
mod fold;
pub mod id3;
mod model;
pub mod painted;
mod payload;
pub mod rfc3339;
mod screen;
pub mod sei;
mod snapshot;
mod timeline;

pub use codec::{EncodedCue, decode, encode, saved};
pub use error::{ArmError, CancelError, Error, InsertError};
pub use fold::Fold;
pub use model::{Cue, Op};
pub use payload::{App, Coupon, Currency, FlashSale, Level, Notice, Payload, Poll, Price, Product};
pub use rfc3339::{parse_rfc3339, rfc3339_millis};
pub use screen::ActiveCard;
pub use snapshot::InBandSnapshot;
pub use timeline::{
    Armed, At, Change, CueRequest, Ends, LiveClock, LoggedCue, Memory, Receipt, Saved, SavedAnswer,
    Timeline, TimelineConfig,
};
