//! What a session's data channel carries both ways: which texts have certainly arrived, and what the
//! viewer says.
//!
//! str0m tells of SCTP's acknowledgements one number only, the bytes of the channel that are not
//! acknowledged yet (`buffered_amount`; sctp-proto 0.10 lowers it for cumulative acknowledgements and
//! for gap blocks alike, RFC 9260 section 3.3.4). Because of the gap blocks it does not follow from few
//! bytes left that the oldest are through: a lost text of 400 bytes and five heartbeats after it that came
//! leave 400, as do five that are under way. What does follow: a text of which nothing but whole chunks
//! can be missing is through once fewer bytes are left than its smallest chunk has. So an acknowledgement
//! is told late at times, while texts follow each other faster than a round trip, and never early.

use std::collections::VecDeque;

use crate::{Event, TextMark};

/// Both ways of a session's data channel.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// Sent and not known to have arrived, oldest first.
    watched: VecDeque<Watched>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
struct Watched {
    /// Bytes of its smallest chunk, at least.
    chunk_min: usize,
    mark: TextMark,
}

impl Texts {
    /// A text of this length was queued. Of more than [`WATCHED_MAX`] the oldest is no longer asked after.
    pub(crate) fn watch(&mut self, length: usize, mark: TextMark) {
        if self.watched.len() == WATCHED_MAX {
            self.watched.pop_front();
        }
        let chunk_min = if length <= CHUNK_MAX { length } else { 1 };
        self.watched.push_back(Watched { chunk_min, mark });
    }

    /// Whether any text is asked after.
    pub(crate) fn are_watched(&self) -> bool {
        !self.watched.is_empty()
    }

    /// This many bytes of the channel are not acknowledged.
    pub(crate) fn unacknowledged(&mut self, bytes: usize) {
        // In order: what came before its predecessors is not the viewer's yet.
        while let Some(text) = self.watched.pop_front_if(|text| bytes < text.chunk_min) {
            self.events.push_back(Event::TextAcknowledged(text.mark));
        }
    }

    /// The viewer has said something.
    pub(crate) fn received(&mut self, binary: bool, said: Vec<u8>) {
        let is_text = !binary && said.len() <= SAID_LEN_MAX;
        let said = if is_text { said } else { Vec::new() };
        self.events.push_back(Event::Said(said));
    }

    /// What there is to tell.
    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

/// The channel's send buffer takes 128 KiB at most; texts of 256 bytes fill it with as many.
const WATCHED_MAX: usize = 512;
/// A text of at most this length goes as one chunk: str0m fits chunks into datagrams of 1150 bytes.
const CHUNK_MAX: usize = 900;
/// Longest thing a viewer has to say, bytes; what is longer is told as empty.
const SAID_LEN_MAX: usize = 8 << 10;
