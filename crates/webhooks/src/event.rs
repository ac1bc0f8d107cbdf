//! The types of events, and which of them a stream's life tells.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    clippy::enum_variant_names,
    reason = "names in full: events of other things than streams will stand beside these"
)]
pub enum EventType {
    /// A stream began: its first media has come.
    StreamLive,
    /// Its publisher left and may return.
    StreamInterrupted,
    /// Its publisher has returned.
    StreamResumed,
    /// It is over.
    StreamEnded,
    /// Its broadcaster should change something.
    StreamVerdict,
}

impl EventType {
    /// Every type, in the order of a stream's life.
    pub const ALL: [Self; 5] = [
        Self::StreamLive,
        Self::StreamInterrupted,
        Self::StreamResumed,
        Self::StreamEnded,
        Self::StreamVerdict,
    ];

    /// Its name: "a hierarchical, and full-stop delimited, list of identifiers" of `[a-zA-Z0-9_]`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StreamLive => "stream.live",
            Self::StreamInterrupted => "stream.interrupted",
            Self::StreamResumed => "stream.resumed",
            Self::StreamEnded => "stream.ended",
            Self::StreamVerdict => "stream.verdict",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventType {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|event| event.as_str() == name);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("`{name}` is not an event; the events are {all}")
        })
    }
}

/// Something happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// An epoch began.
    Live {
        /// Publish session, from 1.
        epoch: u32,
    },
    /// The publisher left.
    Interrupted,
    /// The stream is over.
    Ended,
    /// The broadcaster should change something.
    Verdict,
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The event.
    pub event: EventType,
    /// The stream's epoch, 0 before the first.
    pub epoch: u32,
}

/// Turns what happens to streams into what is told of them: each change once, and no end without a beginning.
///
/// ```text
///            live              interrupted
///  (unknown) ----> told live  ------------> told interrupted
///      ^            ^  |  ^                   |        |
///      |            |__|  |__ live: resumed __|        |
///      |    live: nothing  |                           |
///      '------ ended ------'---------- ended ----------'
/// ```
#[derive(Debug, Default)]
pub struct Lifecycle {
    /// Streams that were told to be live, and have not ended.
    streams: BTreeMap<String, Life>,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    epoch: u32,
    interrupted: bool,
}

impl Lifecycle {
    /// What is to be told of `happening`, if anything.
    pub fn observe(&mut self, stream: &str, happening: Happening) -> Option<Told> {
        let known = self.streams.get_mut(stream);
        let (event, epoch) = match (happening, known) {
            (Happening::Live { epoch }, None) => {
                let interrupted = false;
                let life = Life { epoch, interrupted };
                self.streams.insert(stream.to_owned(), life);
                (EventType::StreamLive, epoch)
            }
            (Happening::Live { epoch }, Some(life)) => {
                life.epoch = epoch;
                // An epoch that began because the publisher changed its format: the stream was live all along.
                if !std::mem::take(&mut life.interrupted) {
                    return None;
                }
                (EventType::StreamResumed, epoch)
            }
            (Happening::Interrupted, Some(life)) if !life.interrupted => {
                life.interrupted = true;
                (EventType::StreamInterrupted, life.epoch)
            }
            (Happening::Ended, Some(_)) => {
                let life = self.streams.remove(stream)?;
                (EventType::StreamEnded, life.epoch)
            }
            (Happening::Verdict, known) => {
                (EventType::StreamVerdict, known.map_or(0, |life| life.epoch))
            }
            // A publisher that came and went without media was never told of.
            (Happening::Interrupted | Happening::Ended, _) => return None,
        };
        Some(Told { event, epoch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(happenings: &[Happening]) -> Vec<(&'static str, u32)> {
        let mut life = Lifecycle::default();
        let told = happenings
            .iter()
            .filter_map(|it| life.observe("show", *it))
            .map(|told| (told.event.as_str(), told.epoch));
        told.collect()
    }

    #[test]
    fn a_return_is_a_resumption_and_a_new_life_is_not() {
        use Happening::{Ended, Interrupted, Live, Verdict};
        let life = [
            Live { epoch: 1 },
            Interrupted,
            Live { epoch: 2 },
            Verdict,
            Interrupted,
            Ended,
            Live { epoch: 1 },
        ];
        assert_eq!(
            told(&life),
            [
                ("stream.live", 1),
                ("stream.interrupted", 1),
                ("stream.resumed", 2),
                ("stream.verdict", 2),
                ("stream.interrupted", 2),
                ("stream.ended", 2),
                ("stream.live", 1),
            ]
        );
    }

    #[test]
    fn a_change_of_format_and_a_publisher_without_media_tell_nothing() {
        use Happening::{Ended, Interrupted, Live, Verdict};
        assert_eq!(
            told(&[Live { epoch: 1 }, Live { epoch: 2 }, Ended]),
            [("stream.live", 1), ("stream.ended", 2)]
        );
        assert_eq!(
            told(&[Interrupted, Ended, Verdict]),
            [("stream.verdict", 0)]
        );
    }

    #[test]
    fn names_are_those_the_standard_allows_and_are_read_back() {
        for event in EventType::ALL {
            let name = event.as_str();
            let plain = |part: &str| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            };
            assert!(name.split('.').all(plain), "{name}");
            assert_eq!(name.parse(), Ok(event));
        }
        let said = "stream.lives".parse::<EventType>().unwrap_err();
        assert!(
            said.contains("`stream.lives`") && said.contains("stream.live,"),
            "{said}"
        );
    }
}
