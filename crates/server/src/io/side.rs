//! The side channel over HTTP: one bounded broadcast per stream.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use engine::StreamName;
use serde::Deserialize;
use tokio::sync::broadcast;

use super::delivery::Deliveries;

/// One message, read once for all followers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SideMessage {
    /// Its `type`, which is its event's name.
    pub(crate) kind: String,
    /// The newest cue it tells of, where it says so itself.
    pub(crate) last_seq: Option<u64>,
    /// Its JSON text, as every carrier has it.
    pub(crate) text: Arc<str>,
    /// The numbers of the cues in it.
    pub(crate) cues: Arc<[u64]>,
}

impl SideMessage {
    /// Reads the two fields that an event needs beside the text.
    pub(crate) fn new(text: Arc<str>, cues: Arc<[u64]>) -> Self {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "type")]
            kind: String,
            last_seq: Option<u64>,
        }
        match serde_json::from_str::<Head>(&text) {
            Ok(Head { kind, last_seq }) => Self {
                kind,
                last_seq,
                text,
                cues,
            },
            // Ours cannot fail; a nameless event is still delivered.
            Err(_) => Self {
                kind: "message".into(),
                last_seq: None,
                text,
                cues,
            },
        }
    }
}

/// The streams that are followed, or were.
#[derive(Debug, Default)]
pub(crate) struct SideChannels {
    /// What became of the cues in what they carried.
    pub(crate) deliveries: Deliveries,
    streams: Mutex<BTreeMap<StreamName, broadcast::Sender<Arc<SideMessage>>>>,
}

/// There are as many followers as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyFollowers;

impl SideChannels {
    /// Gives `text` to everyone who follows `stream`. A slow one loses its oldest messages and notices.
    pub(crate) fn publish(&self, stream: &StreamName, text: Arc<str>, cues: Arc<[u64]>) {
        let mut streams = self.lock();
        let Some(followers) = streams.get(stream) else {
            return;
        };
        if followers
            .send(Arc::new(SideMessage::new(text, cues)))
            .is_err()
        {
            streams.remove(stream);
        }
    }

    /// Every message from now on.
    pub(crate) fn follow(
        &self,
        stream: &StreamName,
        followers_max: usize,
    ) -> Result<broadcast::Receiver<Arc<SideMessage>>, TooManyFollowers> {
        let mut streams = self.lock();
        let followers = streams
            .entry(stream.clone())
            .or_insert_with(|| broadcast::Sender::new(MESSAGES_MAX));
        if followers.receiver_count() >= followers_max {
            return Err(TooManyFollowers);
        }
        Ok(followers.subscribe())
    }

    /// Forgets a stream that nobody follows after all, so that asking for names that do not exist costs no memory.
    pub(crate) fn forget_unfollowed(&self, stream: &StreamName) {
        let mut streams = self.lock();
        if streams
            .get(stream)
            .is_some_and(|followers| followers.receiver_count() == 0)
        {
            streams.remove(stream);
        }
    }

    /// The stream is over: its followers come to an end after what is still queued.
    pub(crate) fn end(&self, stream: &StreamName) {
        self.lock().remove(stream);
        self.deliveries.end(stream);
    }

    /// How many follow `stream`.
    pub(crate) fn followers(&self, stream: &StreamName) -> usize {
        self.lock()
            .get(stream)
            .map_or(0, broadcast::Sender::receiver_count)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamName, broadcast::Sender<Arc<SideMessage>>>> {
        // Nothing under this lock can leave the map half changed.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With a heartbeat a second and a message per cue this is several seconds of a burst at the rate limit; a follower
/// that is further behind is better served by a new snapshot.
const MESSAGES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::TryRecvError;

    use super::*;

    #[test]
    fn the_kind_and_the_newest_seq_are_read_from_the_text() {
        let heartbeat = SideMessage::new(
            r#"{"type":"heartbeat","epoch":1,"last_seq":9}"#.into(),
            [].into(),
        );
        assert_eq!(
            (heartbeat.kind.as_str(), heartbeat.last_seq),
            ("heartbeat", Some(9))
        );
        let cues = SideMessage::new(r#"{"type":"cues","cues":[]}"#.into(), [].into());
        assert_eq!((cues.kind.as_str(), cues.last_seq), ("cues", None));
    }

    #[test]
    fn a_slow_follower_notices_and_the_end_ends_it() {
        let channels = SideChannels::default();
        let stream = StreamName::parse("show").unwrap();
        let mut slow = channels.follow(&stream, 1).unwrap();
        assert_eq!(channels.follow(&stream, 1).unwrap_err(), TooManyFollowers);
        for _ in 0..=MESSAGES_MAX {
            channels.publish(&stream, r#"{"type":"cues","cues":[]}"#.into(), [].into());
        }
        assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(1)));
        channels.end(&stream);
        for _ in 0..MESSAGES_MAX {
            assert_eq!(slow.try_recv().unwrap().kind, "cues");
        }
        assert_eq!(slow.try_recv(), Err(TryRecvError::Closed));
    }

    #[test]
    fn nobody_following_costs_nothing() {
        let channels = SideChannels::default();
        let stream = StreamName::parse("show").unwrap();
        drop(channels.follow(&stream, 1).unwrap());
        channels.publish(&stream, "{}".into(), [].into());
        assert_eq!(channels.followers(&stream), 0);
        assert!(channels.lock().is_empty());
    }
}
