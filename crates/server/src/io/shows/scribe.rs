//! The scribe: the one task that writes shows down, all that waits in one transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use metrics::{gauge, histogram};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{error, info};

use super::{Answer, Entry, Note, Unkept, book::Book};
use crate::io::clock;

#[derive(Debug)]
pub(super) struct Scribe {
    book: Book,
    failing: Arc<AtomicBool>,
    keep: Duration,
}

impl Scribe {
    pub(super) fn new(book: Book, failing: Arc<AtomicBool>, keep: Duration) -> Self {
        gauge!("shopcast_shows_failing").set(0);
        Self {
            book,
            failing,
            keep,
        }
    }

    /// Writes until nobody hands anything over any more.
    pub(super) async fn run(self, mut waiting: mpsc::Receiver<Entry>) {
        let mut pruning = interval(PRUNE_EVERY);
        pruning.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                taken = waiting.recv_many(&mut batch, BATCH_MAX) => {
                    if taken == 0 {
                        break;
                    }
                    let (notes, answers) = sorted(batch.drain(..));
                    self.write(&notes, answers).await;
                }
                _ = pruning.tick() => self.prune().await,
            }
        }
        if let Err(error) = self.book.end().await {
            error!(%error, "the next start takes this end for a crash");
        }
    }

    /// Tries until it is written: what comes later must not be written before it.
    async fn write(&self, notes: &[Note], answers: Vec<Answer>) {
        let mut answers = Some(answers);
        let mut pause = PAUSE_MIN;
        loop {
            let begun = clock::monotonic();
            let written = match notes {
                [] => Ok(()),
                notes => self.book.write(notes).await,
            };
            let kept = written.as_ref().map_err(|_| Unkept::Accepted).copied();
            // Told before the answers: whoever got one may ask for the next thing at once.
            self.tell(&written);
            for answer in answers.take().into_iter().flatten() {
                answer.give(kept);
            }
            if written.is_ok() {
                let passed = clock::monotonic().saturating_duration_since(begun);
                histogram!("shopcast_shows_commit_seconds").record(passed.as_secs_f64());
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn tell(&self, written: &Result<(), sqlx::Error>) {
        let failed = self.failing.swap(written.is_err(), Ordering::Relaxed);
        match written {
            Err(error) if !failed => {
                error!(%error, "the store cannot be written: cues are refused until it can");
                gauge!("shopcast_shows_failing").set(1);
            }
            Ok(()) if failed => {
                info!("the store can be written again: cues are taken");
                gauge!("shopcast_shows_failing").set(0);
            }
            Ok(()) | Err(_) => {}
        }
    }

    async fn prune(&self) {
        if let Err(error) = self.book.prune(clock::wall(), self.keep).await {
            error!(%error, "old shows cannot be removed from the store");
        }
    }
}

fn sorted(batch: impl Iterator<Item = Entry>) -> (Vec<Note>, Vec<Answer>) {
    let (mut notes, mut answers) = (Vec::new(), Vec::new());
    for entry in batch {
        match entry {
            Entry::Keep(note) => notes.push(note),
            Entry::Answer(answer) => answers.push(answer),
        }
    }
    (notes, answers)
}

/// Entries in one transaction: what keeps a disk busy for some 10 ms.
const BATCH_MAX: usize = 1024;
/// Between two tries at a store that is locked, full or broken; each try waits for a lock itself.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
