//! What became of cues on their way over HTTP: counted by the responses, far from the media thread.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cues::{
    delivery::{Ledger, Tally, Verdict, Viewer},
    painted::Painted,
};
use engine::StreamName;
use media::Pts;

use super::clock;

/// The streams there are.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    streams: Mutex<BTreeMap<StreamName, Arc<Mutex<Way>>>>,
    sessions: AtomicU64,
}

/// One stream's side channels over HTTP.
#[derive(Debug, Default)]
struct Way {
    ledger: Ledger,
    live: Pts,
    sessions: BTreeMap<u64, Viewer>,
    /// Of these the response has ended, the oldest first: a player may still have something to report.
    ended: VecDeque<(Instant, u64)>,
}

/// Why a report is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// There is no such session, or it ended too long ago.
    NoSession,
    /// It says more than one thing a second.
    TooMany,
}

impl Deliveries {
    /// A cue is accepted, while so many sessions follow.
    pub(crate) fn accept(&self, stream: &StreamName, seq: u64, threshold: Pts, frame_ticks: i64) {
        let way = self.way(stream);
        let mut way = lock(&way);
        let sessions = way.sessions.len() - way.ended.len();
        way.ledger.accept(seq, threshold, frame_ticks, sessions);
    }

    /// The newest frame of a stream; told each second, of every stream there is.
    pub(crate) fn live(&self, stream: &StreamName, live: Pts) {
        lock(&self.way(stream)).live = live;
    }

    /// The number of a session to be, never used again by this process.
    pub(crate) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    /// A session follows a stream, which there is, from now on; gives what is to be told of its events.
    pub(crate) fn join(&self, stream: &StreamName, number: u64) -> Following {
        let way = self.way(stream);
        let mut inner = lock(&way);
        inner.forget(clock::monotonic());
        inner.sessions.insert(number, Viewer::default());
        drop(inner);
        Following { way, number }
    }

    /// A session's player says what it has painted; what each word was worth.
    pub(crate) fn painted(
        &self,
        stream: &StreamName,
        session: u64,
        now: Instant,
        said: &[Painted],
    ) -> Result<Vec<Verdict>, NotTaken> {
        let way = self.known(stream).ok_or(NotTaken::NoSession)?;
        let mut way = lock(&way);
        way.forget(now);
        let Way {
            ledger,
            live,
            sessions,
            ..
        } = &mut *way;
        let viewer = sessions.get_mut(&session).ok_or(NotTaken::NoSession)?;
        if !viewer.may_report(now) {
            return Err(NotTaken::TooMany);
        }
        let judged = said.iter().map(|one| ledger.painted(viewer, *live, *one));
        Ok(judged.collect())
    }

    /// Media with these cues went out as a whole; of how many of them it is counted.
    pub(crate) fn fetched(&self, stream: &StreamName, ids: &[u32]) -> u64 {
        self.known(stream)
            .map_or(0, |way| lock(&way).ledger.fetched(ids))
    }

    /// The numbers of a cue; none are zeros.
    pub(crate) fn tally(&self, stream: &StreamName, seq: u64) -> Tally {
        let tally = self
            .known(stream)
            .and_then(|way| lock(&way).ledger.tally(seq));
        tally.unwrap_or_default()
    }

    /// The stream is over.
    pub(crate) fn end(&self, stream: &StreamName) {
        lock(&self.streams).remove(stream);
    }

    fn known(&self, stream: &StreamName) -> Option<Arc<Mutex<Way>>> {
        lock(&self.streams).get(stream).cloned()
    }

    fn way(&self, stream: &StreamName) -> Arc<Mutex<Way>> {
        let mut streams = lock(&self.streams);
        Arc::clone(streams.entry(stream.clone()).or_default())
    }
}

impl Way {
    /// Lets go of sessions that ended some time ago, and of the oldest when there are many.
    fn forget(&mut self, now: Instant) {
        while let Some((at, number)) = self.ended.front().copied() {
            let is_old = now.saturating_duration_since(at) >= GRACE;
            if !is_old && self.ended.len() <= ENDED_MAX {
                return;
            }
            self.ended.pop_front();
            self.sessions.remove(&number);
        }
    }
}

/// One open response; its session ends with it.
#[derive(Debug)]
pub(crate) struct Following {
    way: Arc<Mutex<Way>>,
    number: u64,
}

impl Following {
    /// The connection has taken an event with these cues; how many of them for the first time.
    pub(crate) fn sent(&self, seqs: &[u64]) -> u64 {
        let Way {
            ledger, sessions, ..
        } = &mut *lock(&self.way);
        let viewer = sessions.get_mut(&self.number);
        viewer.map_or(0, |viewer| ledger.sent(viewer, seqs))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let now = clock::monotonic();
        let mut way = lock(&self.way);
        way.ended.push_back((now, self.number));
        way.forget(now);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is a plain value after each call; a panicked holder leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A player reports each second, and a browser takes some to find its connection again.
const GRACE: Duration = Duration::from_secs(30);
/// Sessions of 200 bytes: those who come and go within the grace of one stream.
const ENDED_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: Pts = Pts(900_000);

    fn show() -> StreamName {
        StreamName::parse("show").unwrap()
    }

    fn join(deliveries: &Deliveries) -> Following {
        deliveries.join(&show(), deliveries.next_session())
    }

    fn on_time(seq: u64) -> [Painted; 1] {
        [Painted {
            seq,
            pts: THRESHOLD,
            first: THRESHOLD,
            late_ms: 0,
        }]
    }

    #[test]
    fn a_session_reports_until_a_while_after_its_response_has_ended() {
        let deliveries = Deliveries::default();
        let (stays, leaves) = (join(&deliveries), join(&deliveries));
        let left = leaves.number;
        deliveries.accept(&show(), 1, THRESHOLD, 3_000);
        deliveries.live(&show(), THRESHOLD);
        assert_eq!(
            (stays.sent(&[1]), leaves.sent(&[1]), stays.sent(&[1])),
            (1, 1, 0)
        );
        drop(leaves);
        deliveries.accept(&show(), 2, THRESHOLD, 3_000);
        let now = clock::monotonic();
        let painted = |session, now| deliveries.painted(&show(), session, now, &on_time(1));
        for session in [stays.number, left] {
            assert!(matches!(
                painted(session, now).unwrap()[..],
                [Verdict::Counted { .. }]
            ));
        }
        assert_eq!(painted(left, now), Ok(vec![Verdict::Repeated]));
        assert_eq!(painted(left, now + GRACE), Err(NotTaken::NoSession));
        assert_eq!(painted(99, now), Err(NotTaken::NoSession));
        let tally = deliveries.tally(&show(), 1);
        assert_eq!((tally.sessions, tally.sent, tally.painted), (2, 2, 2));
        assert_eq!(deliveries.tally(&show(), 2).sessions, 1, "one had left");
        assert_eq!(deliveries.fetched(&show(), &[1, 2, 3]), 2);
    }

    #[test]
    fn reports_of_a_session_are_limited_and_those_of_another_are_not() {
        let deliveries = Deliveries::default();
        let (one, two) = (join(&deliveries), join(&deliveries));
        let now = clock::monotonic();
        let say = |session: &Following| deliveries.painted(&show(), session.number, now, &[]);
        let taken = (0..20).filter(|_| say(&one).is_ok()).count();
        assert!(taken < 10, "{taken}");
        assert_eq!(say(&one), Err(NotTaken::TooMany));
        assert!(say(&two).is_ok());
    }

    #[test]
    fn who_comes_and_goes_leaves_nothing_behind() {
        let deliveries = Deliveries::default();
        for _ in 0..ENDED_MAX + 100 {
            drop(join(&deliveries));
        }
        let way = deliveries.known(&show()).unwrap();
        assert!(lock(&way).sessions.len() <= ENDED_MAX + 1);
        deliveries.end(&show());
        assert!(deliveries.known(&show()).is_none());
    }
}
