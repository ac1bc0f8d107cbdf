//! What of a show outlives the process: written down by one task, read at the next start.
//!
//! ```text
//!  media thread --Keeper--> [bounded queue] --> Scribe --> Book (SQLite)
//!        ^                                        |
//!        '-- refused while it cannot be kept      '--> the answer to whoever asked, once it is on the disk
//! ```
//!
//! The media thread never waits. A request that changes cues is refused before it changes anything while the store
//! fails or the queue is nearly full; what was accepted is answered only once it is written down.

mod book;
mod scribe;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cues::Change;
use engine::{Keep, SavedStream, StreamName};
use media::UnixMillis;
use metrics::counter;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tracing::{error, info, warn};

use self::{book::Book, scribe::Scribe};
use super::clock;
use crate::{Error, config::Config, store::Store};

/// A change that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unkept {
    /// Nothing has changed.
    #[error(
        "nothing is changed, since it could not be kept: the store cannot be written; make room on the disk of \
         `store.path` and let it be written to, see the log, and try again"
    )]
    Refused,
    /// It has happened, and may be lost if the server is killed now.
    #[error(
        "it is accepted, but the store cannot be written; make room on the disk of `store.path`, see the log, and ask \
         again with the same `Idempotency-Key`, which inserts nothing twice"
    )]
    Accepted,
}

/// An answer that waits until what it says is on the disk.
pub(crate) struct Answer(Box<dyn FnOnce(Result<(), Unkept>) + Send>);

impl Answer {
    pub(crate) fn new(give: impl FnOnce(Result<(), Unkept>) + Send + 'static) -> Self {
        Self(Box::new(give))
    }

    pub(crate) fn give(self, kept: Result<(), Unkept>) {
        (self.0)(kept);
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// What waits for the disk.
#[derive(Debug)]
enum Entry {
    Keep(Note),
    Answer(Answer),
}

/// What is to be written down.
#[derive(Debug)]
struct Note {
    stream: StreamName,
    keep: Keep,
    at: UnixMillis,
}

/// What the media thread holds: hands over what is to be kept. Never waits.
#[derive(Debug)]
pub(crate) struct Keeper {
    entries: mpsc::Sender<Entry>,
    failing: Arc<AtomicBool>,
    /// Where shows stand that there was no room to tell of.
    late: BTreeMap<StreamName, Keep>,
}

impl Keeper {
    /// Whether what is accepted now can be kept.
    pub(crate) fn ready(&self) -> Result<(), Unkept> {
        let has_room = self.entries.capacity() > CHANGES_ROOM;
        if has_room && !self.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Unkept::Refused)
    }

    /// Has it written down.
    pub(crate) fn keep(&mut self, stream: StreamName, keep: Keep) {
        let has_room = self.entries.capacity() > SPARE_ROOM;
        if has_room {
            while let Some((stream, keep)) = self.late.pop_first() {
                self.send(stream, keep);
            }
        }
        match &keep {
            Keep::Show(_) if !has_room => {
                self.late.insert(stream, keep);
                return;
            }
            // On which frame a cue took effect is all that is lost.
            Keep::Cues(changes) if !has_room && changes.iter().all(is_settled) => return,
            Keep::Ended => drop(self.late.remove(&stream)),
            Keep::Show(_) | Keep::Cues(_) => {}
        }
        self.send(stream, keep);
    }

    fn send(&self, stream: StreamName, keep: Keep) {
        let at = clock::wall();
        if let Err(error) = self
            .entries
            .try_send(Entry::Keep(Note { stream, keep, at }))
        {
            error!(%error, "what is to outlive the server is lost: the queue is full or its task is gone");
            counter!("shopcast_shows_lost_total").increment(1);
        }
    }

    /// Gives the answer once all that was handed over before is written down.
    pub(crate) fn then(&self, answer: Answer) {
        use mpsc::error::TrySendError::{Closed, Full};
        match self.entries.try_send(Entry::Answer(answer)) {
            Ok(()) => {}
            Err(Full(entry) | Closed(entry)) => {
                if let Entry::Answer(answer) = entry {
                    answer.give(Err(Unkept::Accepted));
                }
            }
        }
    }
}

const fn is_settled(change: &Change) -> bool {
    matches!(change, Change::Settled { .. })
}

/// Everything there is of shows at the start.
#[derive(Debug)]
pub(crate) struct Shows {
    pub(crate) keeper: Keeper,
    /// Those that go on.
    pub(crate) saved: Vec<SavedStream>,
    /// Ends some time after the keeper is gone.
    pub(crate) scribe: Running,
}

/// The scribe at work.
#[derive(Debug)]
pub(crate) struct Running(JoinHandle<()>);

/// Reads what the last process left, and begins to write.
///
/// # Errors
/// A database that fails.
pub(crate) async fn start(config: &Config, store: &Store) -> Result<Shows, Error> {
    let failed = |source| Error::Store {
        path: config.store.path.clone(),
        source,
    };
    let book = Book::new(store);
    let settings = &config.streams;
    let now = clock::wall();
    book.prune(now, settings.keep.0).await.map_err(failed)?;
    let mut saved = book.read(now).await.map_err(failed)?;
    if saved.len() > settings.streams_max {
        let (all, max) = (saved.len(), settings.streams_max);
        warn!(
            all,
            max, "more shows were kept than `streams.streams_max`; the newest go on"
        );
        saved.truncate(settings.streams_max);
    }
    for SavedStream {
        name, show, cues, ..
    } in &saved
    {
        let (epoch, cues) = (show.epoch, cues.cues.len());
        info!(stream = %name, epoch, cues, "a show goes on when its publisher returns");
    }
    book.begin().await.map_err(failed)?;
    let (entries, waiting) = mpsc::channel(ENTRIES_MAX);
    let failing = Arc::new(AtomicBool::new(false));
    let scribe = Scribe::new(book, Arc::clone(&failing), settings.keep.0);
    Ok(Shows {
        keeper: Keeper {
            entries,
            failing,
            late: BTreeMap::new(),
        },
        saved,
        scribe: Running(tokio::spawn(scribe.run(waiting))),
    })
}

impl Running {
    /// Waits for the scribe, which ends once the keeper is gone and all is written, no longer than until `by`.
    pub(crate) async fn end(mut self, by: Instant) {
        match timeout_at(by.max(Instant::now() + LAST_WORDS), &mut self.0).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => error!(%error, "the task that keeps shows ended by a panic"),
            Err(_) => {
                self.0.abort();
                error!("the store did not take the last of the shows before the server ended");
            }
        }
    }
}

/// What may wait for the disk: at 2.5 KiB for a cue with its answer 20 MiB at worst, and a disk that is away for a second
/// while 64 streams use their whole burst.
const ENTRIES_MAX: usize = 8192;
/// With less room than this, where shows stand waits outside, one piece of news for each.
const SPARE_ROOM: usize = 4096;
/// With less room than this, changes are refused. What they and the streams' beginnings and ends need once they are
/// accepted fits in.
const CHANGES_ROOM: usize = 1024;
/// What was accepted last is written down even if requests took all the time there was.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
