//! Which stream key each stream is published with, and that nobody publishes with a key that has ended.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use access::{Grant, KeyRecord};
use engine::StreamName;
use media::UnixMillis;
use tokio::{sync::Notify, time::Instant};
use tracing::{info, warn};

use crate::{
    gate::Gate,
    io::{clock, command::ShardHandle},
};

/// The streams that were last published with a stream key. The media thread notes who begins and what ends, in the order
/// in which it happens, so that what is here is what is.
#[derive(Debug, Default)]
pub(crate) struct Publishing {
    by_stream: Mutex<BTreeMap<StreamName, Holding>>,
    changed: Notify,
}

/// A key in use.
#[derive(Debug)]
struct Holding {
    key: String,
    /// When to see whether it still is one.
    look_at: Instant,
}

impl Publishing {
    /// A stream is published by whoever was granted it. Its key is looked at again at once: it may have ended between
    /// the decision and now.
    pub(crate) fn begins(&self, stream: &StreamName, grant: &Grant) {
        match grant {
            Grant::Key(KeyRecord { id, .. }) => {
                let (key, look_at) = (id.clone(), Instant::now());
                let holding = Holding { key, look_at };
                self.by_stream().insert(stream.clone(), holding);
                self.changed.notify_one();
            }
            Grant::Anyone | Grant::Operator | Grant::Token { .. } => {
                self.by_stream().remove(stream);
            }
        }
    }

    /// A stream is over.
    pub(crate) fn ended(&self, stream: &StreamName) {
        self.by_stream().remove(stream);
    }

    /// Whether a stream was last published with this key.
    pub(crate) fn is_with(&self, stream: &StreamName, key: &str) -> bool {
        let by_stream = self.by_stream();
        by_stream.get(stream).is_some_and(|held| held.key == key)
    }

    /// In `after`, or sooner if that was said before, the key is looked at again if it is in use.
    pub(crate) fn look(&self, stream: &StreamName, key: &str, after: Duration) {
        let at = Instant::now() + after;
        if let Some(held) = self.by_stream().get_mut(stream)
            && held.key == key
            && at < held.look_at
        {
            held.look_at = at;
            self.changed.notify_one();
        }
    }

    /// Resolves when a key is to be looked at; it is due again after [`LOOK_EVERY`]. For one caller.
    async fn due(&self) -> (StreamName, String) {
        loop {
            let next = self.by_stream().values().map(|held| held.look_at).min();
            let Some(next) = next else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.changed.notified() => continue,
            }
            let now = Instant::now();
            let mut by_stream = self.by_stream();
            let due = by_stream.iter_mut().find(|(_, held)| held.look_at <= now);
            if let Some((stream, held)) = due {
                held.look_at = now + LOOK_EVERY;
                return (stream.clone(), held.key.clone());
            }
        }
    }

    fn by_stream(&self) -> MutexGuard<'_, BTreeMap<StreamName, Holding>> {
        self.by_stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Disconnects whoever publishes with a key that has ended, for as long as the media thread runs.
pub(crate) async fn keep_to_keys(gate: Arc<Gate>, shard: ShardHandle) {
    loop {
        let (stream, key) = tokio::select! {
            due = gate.publishing.due() => due,
            () = shard.gone() => return,
        };
        if let Some(again) = look(&gate, &shard, &stream, &key).await {
            gate.publishing.look(&stream, &key, again);
        }
    }
}

/// Looks at one key in use; in how long to look again, where that is sooner than usual.
async fn look(
    gate: &Gate,
    shard: &ShardHandle,
    stream: &StreamName,
    key: &str,
) -> Option<Duration> {
    let now = clock::wall();
    match gate.keys.lasts(stream, key, now).await {
        Ok(Some(ends)) => return ends.map(|ends| until(ends, now)),
        Ok(None) => {}
        Err(error) => {
            warn!(%error, "a stream key in use cannot be looked up; it is tried again");
            return Some(TRY_AGAIN);
        }
    }
    let Ok(gone) = shard.remove_holder(stream.clone(), key.into()).await else {
        warn!(%stream, key, "its key has ended, and the media thread does not answer; it is tried again");
        return Some(TRY_AGAIN);
    };
    if gone {
        info!(%stream, key, "the publisher was disconnected: its key has ended");
    }
    None
}

/// From `now` until `then`.
pub(crate) fn until(then: UnixMillis, now: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(then.0.saturating_sub(now.0)).unwrap_or(0))
}

/// Keys that end by the API are looked at when they do. This is for what the command line does to the same database:
/// one look-up for each stream.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const TRY_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::{advance, timeout};

    use super::*;

    fn name(text: &str) -> StreamName {
        StreamName::parse(text).unwrap()
    }

    fn with(key: &str) -> Grant {
        Grant::Key(KeyRecord {
            id: key.into(),
            stream: "show".into(),
            expires: None,
        })
    }

    /// Which key is due now, if one is.
    async fn due(publishing: &Publishing) -> Option<String> {
        let (_, key) = timeout(Duration::ZERO, publishing.due()).await.ok()?;
        Some(key)
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_in_use_is_looked_at_at_once_then_now_and_then_and_when_it_is_to_end() {
        let publishing = Publishing::default();
        publishing.begins(&name("show"), &with("k1"));
        assert_eq!(due(&publishing).await.as_deref(), Some("k1"));
        assert_eq!(due(&publishing).await, None);
        advance(LOOK_EVERY - Duration::from_secs(1)).await;
        assert_eq!(due(&publishing).await, None);
        advance(Duration::from_secs(1)).await;
        assert_eq!(due(&publishing).await.as_deref(), Some("k1"));

        // Replaced with a grace of three seconds, while somebody waits.
        let mut waiting = pin!(publishing.due());
        assert!(timeout(Duration::ZERO, waiting.as_mut()).await.is_err());
        publishing.look(&name("show"), "k1", Duration::from_secs(3));
        publishing.look(&name("show"), "k1", Duration::from_secs(60));
        publishing.look(&name("show"), "k2", Duration::ZERO);
        let began = Instant::now();
        assert_eq!(waiting.await, (name("show"), "k1".into()));
        assert_eq!(began.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_or_published_otherwise_is_forgotten() {
        let publishing = Publishing::default();
        for stream in ["a", "b", "c"] {
            publishing.begins(&name(stream), &with(stream));
        }
        publishing.ended(&name("a"));
        publishing.begins(&name("b"), &Grant::Operator);
        assert!(publishing.is_with(&name("c"), "c") && !publishing.is_with(&name("c"), "a"));
        assert_eq!(due(&publishing).await.as_deref(), Some("c"));
        assert_eq!(due(&publishing).await, None);
        publishing.ended(&name("c"));
        assert!(publishing.by_stream().is_empty());
    }

    #[test]
    fn what_has_passed_is_not_waited_for() {
        let (now, later) = (UnixMillis(1000), UnixMillis(3500));
        assert_eq!(until(later, now), Duration::from_millis(2500));
        assert_eq!(until(now, later), Duration::ZERO);
    }
}
