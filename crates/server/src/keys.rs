//! Stream keys, kept: who may publish which stream by typing one text into an encoder.

use access::{KeyHash, KeyRecord, StreamKey};
use engine::StreamName;
use media::UnixMillis;
use sqlx::{Row as _, Sqlite, Transaction, sqlite::SqliteRow};

use crate::store::{self, Store};

/// The stream keys of the database.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Store);

/// A key as it is listed: never the key itself, which is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) stream: String,
    pub(crate) created: UnixMillis,
    pub(crate) expires: Option<UnixMillis>,
}

/// A key that was just made; its text is shown once.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) listed: Listed,
    pub(crate) key: StreamKey,
}

/// What could not be done with keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// More would only be forgotten.
    #[error("stream `{stream}` has {KEYS_MAX} keys, as many as it may; revoke one first")]
    Full { stream: String },
    /// Revoked, expired, or of another stream.
    #[error("stream `{stream}` has no key `{id}`; list its keys")]
    NoKey { stream: String, id: String },
    /// The database does not do what it should.
    #[error("stream keys cannot be read or written now: {0}")]
    Store(#[from] sqlx::Error),
}

impl Keys {
    /// The keys in this database.
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// From now on nothing can be looked up, for tests.
    #[cfg(test)]
    pub(crate) async fn close(&self) {
        self.0.pool().close().await;
    }

    /// Makes a key for a stream, which need not exist yet.
    pub(crate) async fn create(
        &self,
        stream: &StreamName,
        now: UnixMillis,
    ) -> Result<Made, KeysError> {
        let mut change = store::begin(self.0.pool()).await?;
        let made = insert(&mut change, stream, now).await?;
        change.commit().await?;
        Ok(made)
    }

    /// The keys of a stream that have not ended, oldest first.
    pub(crate) async fn list(
        &self,
        stream: &StreamName,
        now: UnixMillis,
    ) -> Result<Vec<Listed>, KeysError> {
        let rows = sqlx::query(
            "SELECT id, stream, created_ms, expires_ms FROM stream_keys WHERE stream = ?1 AND (expires_ms IS NULL OR \
             expires_ms > ?2) ORDER BY created_ms, id",
        )
        .bind(stream.as_str())
        .bind(now.0)
        .fetch_all(self.0.pool())
        .await?;
        rows.iter()
            .map(listed)
            .collect::<Result<_, _>>()
            .map_err(KeysError::from)
    }

    /// Makes a key in the place of another, which ends at `old_ends`.
    pub(crate) async fn rotate(
        &self,
        stream: &StreamName,
        id: &str,
        old_ends: UnixMillis,
        now: UnixMillis,
    ) -> Result<Made, KeysError> {
        let mut change = store::begin(self.0.pool()).await?;
        // One that ends sooner anyway still does.
        let ended = sqlx::query(
            "UPDATE stream_keys SET expires_ms = min(coalesce(expires_ms, ?1), ?1) WHERE stream = ?2 AND id = ?3 AND \
             (expires_ms IS NULL OR expires_ms > ?4)",
        )
        .bind(old_ends.0)
        .bind(stream.as_str())
        .bind(id)
        .bind(now.0)
        .execute(&mut *change)
        .await?;
        if ended.rows_affected() == 0 {
            return Err(no_key(stream, id));
        }
        let made = insert(&mut change, stream, now).await?;
        change.commit().await?;
        Ok(made)
    }

    /// Ends a key for good.
    pub(crate) async fn revoke(&self, stream: &StreamName, id: &str) -> Result<(), KeysError> {
        let gone = sqlx::query("DELETE FROM stream_keys WHERE stream = ?1 AND id = ?2")
            .bind(stream.as_str())
            .bind(id)
            .execute(self.0.pool())
            .await?;
        match gone.rows_affected() {
            0 => Err(no_key(stream, id)),
            _ => Ok(()),
        }
    }

    /// Whether a key is still one, and when it ends; `None` when it has.
    pub(crate) async fn lasts(
        &self,
        stream: &StreamName,
        id: &str,
        now: UnixMillis,
    ) -> Result<Option<Option<UnixMillis>>, KeysError> {
        let row = sqlx::query(
            "SELECT expires_ms FROM stream_keys WHERE stream = ?1 AND id = ?2 AND (expires_ms IS NULL OR expires_ms > ?3)",
        )
        .bind(stream.as_str())
        .bind(id)
        .bind(now.0)
        .fetch_optional(self.0.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let ends = row.try_get::<Option<i64>, _>("expires_ms")?;
        Ok(Some(ends.map(UnixMillis)))
    }

    /// What is known of the key with this hash.
    pub(crate) async fn look_up(&self, hash: KeyHash) -> Result<Option<KeyRecord>, KeysError> {
        let row = sqlx::query(
            "SELECT id, stream, created_ms, expires_ms FROM stream_keys WHERE hash = ?1",
        )
        .bind(&hash.0[..])
        .fetch_optional(self.0.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let Listed {
            id,
            stream,
            expires,
            ..
        } = listed(&row)?;
        Ok(Some(KeyRecord {
            id,
            stream,
            expires,
        }))
    }
}

/// Makes room by forgetting what has ended, then a key.
async fn insert(
    change: &mut Transaction<'_, Sqlite>,
    stream: &StreamName,
    now: UnixMillis,
) -> Result<Made, KeysError> {
    sqlx::query("DELETE FROM stream_keys WHERE expires_ms <= ?1")
        .bind(now.0)
        .execute(&mut **change)
        .await?;
    let key = StreamKey::from_random(rand::random());
    let id = format!("{:016x}", rand::random::<u64>());
    let made = sqlx::query(
        "INSERT INTO stream_keys (id, stream, hash, created_ms, expires_ms) SELECT ?1, ?2, ?3, ?4, NULL WHERE (SELECT \
         count(*) FROM stream_keys WHERE stream = ?2) < ?5",
    )
    .bind(&id)
    .bind(stream.as_str())
    .bind(&key.hash().0[..])
    .bind(now.0)
    .bind(KEYS_MAX)
    .execute(&mut **change)
    .await?;
    if made.rows_affected() == 0 {
        return Err(KeysError::Full {
            stream: stream.to_string(),
        });
    }
    let listed = Listed {
        id,
        stream: stream.to_string(),
        created: now,
        expires: None,
    };
    Ok(Made { listed, key })
}

fn listed(row: &SqliteRow) -> Result<Listed, sqlx::Error> {
    Ok(Listed {
        id: row.try_get("id")?,
        stream: row.try_get("stream")?,
        created: UnixMillis(row.try_get("created_ms")?),
        expires: row.try_get::<Option<i64>, _>("expires_ms")?.map(UnixMillis),
    })
}

fn no_key(stream: &StreamName, id: &str) -> KeysError {
    KeysError::NoKey {
        stream: stream.to_string(),
        id: id.chars().take(32).collect(),
    }
}

/// Of one stream: a few encoders, each with its own, and the ones they replace.
const KEYS_MAX: i64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    async fn keys() -> Keys {
        Keys::new(Store::open("").await.unwrap())
    }

    fn show() -> StreamName {
        StreamName::parse("show").unwrap()
    }

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(ms)
    }

    #[tokio::test]
    async fn a_key_is_found_by_itself_alone_and_is_not_kept() {
        let keys = keys().await;
        let made = keys.create(&show(), at(1000)).await.unwrap();
        let found = keys.look_up(made.key.hash()).await.unwrap().unwrap();
        assert_eq!(
            (found.id.as_str(), found.stream.as_str()),
            (made.listed.id.as_str(), "show")
        );
        let other = StreamKey::from_random([0; 32]);
        assert_eq!(keys.look_up(other.hash()).await.unwrap(), None);
        assert_eq!(keys.list(&show(), at(1000)).await.unwrap(), [made.listed]);
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM stream_keys")
            .fetch_all(keys.0.pool())
            .await
            .unwrap();
        assert_eq!(rows, [made.key.hash().0.to_vec()]);
    }

    #[tokio::test]
    async fn a_rotated_key_lasts_as_long_as_it_is_given() {
        let keys = keys().await;
        let old = keys.create(&show(), at(1000)).await.unwrap();
        let new = keys
            .rotate(&show(), &old.listed.id, at(5000), at(2000))
            .await
            .unwrap();
        let found = keys.look_up(old.key.hash()).await.unwrap().unwrap();
        assert_eq!(found.expires, Some(at(5000)));
        // Asked again, it does not get longer.
        keys.rotate(&show(), &old.listed.id, at(9000), at(2500))
            .await
            .unwrap();
        let found = keys.look_up(old.key.hash()).await.unwrap().unwrap();
        assert_eq!(found.expires, Some(at(5000)));
        let lasts = async |now| keys.lasts(&show(), &old.listed.id, at(now)).await.unwrap();
        assert_eq!(lasts(4999).await, Some(Some(at(5000))));
        assert_eq!(lasts(5000).await, None);
        assert_eq!(keys.list(&show(), at(4999)).await.unwrap().len(), 3);
        assert_eq!(keys.list(&show(), at(5000)).await.unwrap().len(), 2);
        let late = keys
            .rotate(&show(), &old.listed.id, at(9000), at(5000))
            .await;
        assert!(matches!(late, Err(KeysError::NoKey { .. })));
        assert!(
            keys.look_up(new.key.hash())
                .await
                .unwrap()
                .unwrap()
                .expires
                .is_none()
        );
    }

    #[tokio::test]
    async fn a_revoked_key_is_gone_and_only_of_its_own_stream() {
        let keys = keys().await;
        let made = keys.create(&show(), at(1000)).await.unwrap();
        let other = StreamName::parse("other").unwrap();
        for (stream, id) in [(&other, made.listed.id.as_str()), (&show(), "nonsense")] {
            assert!(matches!(
                keys.revoke(stream, id).await,
                Err(KeysError::NoKey { .. })
            ));
        }
        let lasts = async || keys.lasts(&show(), &made.listed.id, at(1)).await.unwrap();
        assert_eq!(lasts().await, Some(None));
        keys.revoke(&show(), &made.listed.id).await.unwrap();
        assert_eq!(lasts().await, None);
        assert_eq!(keys.look_up(made.key.hash()).await.unwrap(), None);
        assert!(keys.list(&show(), at(1000)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_stream_has_a_bounded_number_of_keys_and_ended_ones_make_room() {
        let keys = keys().await;
        let first = keys.create(&show(), at(1)).await.unwrap();
        for _ in 1..KEYS_MAX {
            keys.create(&show(), at(1)).await.unwrap();
        }
        assert!(matches!(
            keys.create(&show(), at(2)).await,
            Err(KeysError::Full { .. })
        ));
        let other = StreamName::parse("other").unwrap();
        keys.create(&other, at(2)).await.unwrap();
        // Replaced at once, a key needs no more room than it had.
        let full = keys.rotate(&show(), &first.listed.id, at(5), at(2)).await;
        assert!(matches!(full, Err(KeysError::Full { .. })));
        assert_eq!(
            keys.list(&show(), at(2)).await.unwrap()[0].expires,
            None,
            "nothing was changed"
        );
        keys.rotate(&show(), &first.listed.id, at(2), at(2))
            .await
            .unwrap();
    }
}
