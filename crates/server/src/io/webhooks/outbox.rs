//! The outbox: messages and deliveries in the database.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use media::UnixMillis;
use sqlx::{FromRow, SqlitePool};
use webhooks::{DeliveryId, EventType, Record, State};

use super::payload::Event;
use crate::store::{self, Store};

/// Reads and writes deliveries. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    pool: SqlitePool,
    keep: Duration,
    log_max: usize,
}

/// One delivery as the log has it.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) message: String,
    #[sqlx(rename = "type")]
    pub(crate) kind: String,
    pub(crate) stream: String,
    pub(crate) endpoint: String,
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) created_ms: i64,
    pub(crate) due_ms: i64,
    pub(crate) attempted_ms: Option<i64>,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<&'static str>,
    pub(crate) endpoint: Option<String>,
    pub(crate) stream: Option<String>,
    /// Only those with a smaller number.
    pub(crate) before: Option<i64>,
    /// At most so many.
    pub(crate) limit: u32,
}

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Deliveries that wait or are under way.
    pub(crate) pending: u32,
    /// When the oldest of them was created.
    pub(crate) oldest_ms: Option<i64>,
}

/// A delivery that waits.
#[derive(Debug, FromRow)]
pub(super) struct Pending {
    pub(super) id: i64,
    pub(super) endpoint: String,
    pub(super) stream: String,
    pub(super) attempts: u32,
    pub(super) due_ms: i64,
}

/// A stream that receivers were told of, and of no end.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Believed {
    pub(super) stream: String,
    pub(super) epoch: u32,
    pub(super) interrupted: bool,
}

/// What an attempt sends.
#[derive(Debug, FromRow)]
pub(super) struct Parcel {
    pub(super) message: String,
    pub(super) body: String,
}

impl Outbox {
    pub(super) fn new(store: &Store, keep: Duration, log_max: usize) -> Self {
        let pool = store.pool().clone();
        Self {
            pool,
            keep,
            log_max,
        }
    }

    /// Writes an event and a delivery to each of `endpoints`, all or nothing, and gives the deliveries' numbers.
    pub(super) async fn write(
        &self,
        event: &Event,
        endpoints: &[Arc<str>],
    ) -> Result<Vec<i64>, sqlx::Error> {
        let mut transaction = store::begin(&self.pool).await?;
        let mut ids = Vec::with_capacity(endpoints.len());
        if !endpoints.is_empty() {
            // Without a full stop: "the message id and the timestamp not be … allowed to include any `.`".
            let message = format!("msg_{:032x}", rand::random::<u128>());
            sqlx::query("INSERT INTO webhook_messages (id, type, stream, body, created_ms) VALUES (?, ?, ?, ?, ?)")
                .bind(&message)
                .bind(event.kind.as_str())
                .bind(&*event.stream)
                .bind(event.body())
                .bind(event.at.0)
                .execute(&mut *transaction)
                .await?;
            for endpoint in endpoints {
                let inserted = sqlx::query(
                    "INSERT INTO webhook_deliveries (message, endpoint, state, attempts, due_ms) \
                     VALUES (?, ?, 'pending', 0, ?)",
                )
                .bind(&message)
                .bind(&**endpoint)
                .bind(event.at.0)
                .execute(&mut *transaction)
                .await?;
                ids.push(inserted.last_insert_rowid());
            }
        }
        let streams = match event.kind {
            EventType::StreamLive | EventType::StreamResumed => {
                "INSERT INTO webhook_streams (stream, epoch, interrupted) VALUES (?1, ?2, 0) \
                 ON CONFLICT (stream) DO UPDATE SET epoch = ?2, interrupted = 0"
            }
            EventType::StreamInterrupted => {
                "UPDATE webhook_streams SET interrupted = 1, epoch = ?2 WHERE stream = ?1"
            }
            EventType::StreamEnded => "DELETE FROM webhook_streams WHERE stream = ?1",
            EventType::StreamVerdict => {
                transaction.commit().await?;
                return Ok(ids);
            }
        };
        sqlx::query(streams)
            .bind(&*event.stream)
            .bind(event.epoch)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(ids)
    }

    /// Streams that receivers believe to go on.
    pub(super) async fn live(&self) -> Result<Vec<Believed>, sqlx::Error> {
        sqlx::query_as("SELECT stream, epoch, interrupted FROM webhook_streams ORDER BY stream")
            .fetch_all(&self.pool)
            .await
    }

    /// There is nobody left who could believe anything.
    pub(super) async fn forget_streams(&self) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM webhook_streams")
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// What waits, in the order in which it happened.
    pub(super) async fn pending(&self) -> Result<Vec<Pending>, sqlx::Error> {
        sqlx::query_as(
            "SELECT d.id, d.endpoint, m.stream, d.attempts, d.due_ms FROM webhook_deliveries d \
             JOIN webhook_messages m ON m.id = d.message WHERE d.state = 'pending' ORDER BY d.id",
        )
        .fetch_all(&self.pool)
        .await
    }

    /// What an attempt sends; `None` if it has been forgotten.
    pub(super) async fn parcel(&self, id: DeliveryId) -> Result<Option<Parcel>, sqlx::Error> {
        sqlx::query_as(
            "SELECT d.message, m.body FROM webhook_deliveries d \
             JOIN webhook_messages m ON m.id = d.message WHERE d.id = ?",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await
    }

    /// Writes down what has become of a delivery.
    pub(super) async fn record(
        &self,
        id: DeliveryId,
        record: &Record,
        now: UnixMillis,
    ) -> Result<(), sqlx::Error> {
        let (state, due, ended) = match record.state {
            State::Pending { due } => ("pending", due.0, None),
            State::Delivered => ("delivered", now.0, Some(now.0)),
            State::Failed => ("failed", now.0, Some(now.0)),
        };
        sqlx::query(
            "UPDATE webhook_deliveries SET state = ?, attempts = ?, due_ms = ?, ended_ms = ?, error = ?, \
             attempted_ms = iif(?6, ?7, attempted_ms), status = iif(?6, ?8, status) WHERE id = ?9",
        )
        .bind(state)
        .bind(record.attempts)
        .bind(due)
        .bind(ended)
        .bind(&record.error)
        .bind(record.attempted)
        .bind(now.0)
        .bind(record.status)
        .bind(id.0)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// Begins a delivery again.
    pub(super) async fn requeue(&self, id: i64, now: UnixMillis) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, due_ms = ?, ended_ms = NULL WHERE id = ?",
        )
        .bind(now.0)
        .bind(id)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// Gives up what waits for endpoints that are no longer in the configuration.
    pub(super) async fn orphan(&self, names: &[&str], now: UnixMillis) -> Result<(), sqlx::Error> {
        let names = serde_json::to_string(names).expect("strings are always JSON");
        sqlx::query(
            "UPDATE webhook_deliveries SET state = 'failed', ended_ms = ?, \
             error = 'the configuration no longer has this endpoint' \
             WHERE state = 'pending' AND endpoint NOT IN (SELECT value FROM json_each(?))",
        )
        .bind(now.0)
        .bind(names)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// Forgets what ended too long ago, or is too much.
    pub(super) async fn prune(&self, now: UnixMillis) -> Result<(), sqlx::Error> {
        let keep = i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX);
        let log_max = i64::try_from(self.log_max).unwrap_or(i64::MAX);
        let mut transaction = store::begin(&self.pool).await?;
        sqlx::query(
            "DELETE FROM webhook_deliveries WHERE ended_ms IS NOT NULL AND (ended_ms < ? OR id IN \
             (SELECT id FROM webhook_deliveries WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC, id DESC \
             LIMIT -1 OFFSET ?))",
        )
        .bind(now.0.saturating_sub(keep))
        .bind(log_max)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM webhook_messages WHERE NOT EXISTS \
             (SELECT 1 FROM webhook_deliveries d WHERE d.message = webhook_messages.id)",
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    /// Deliveries, newest first.
    pub(super) async fn page(&self, filter: &Filter) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query_as(
            "SELECT d.id, d.message, m.type, m.stream, d.endpoint, d.state, d.attempts, m.created_ms, d.due_ms, \
             d.attempted_ms, d.status, d.error FROM webhook_deliveries d \
             JOIN webhook_messages m ON m.id = d.message \
             WHERE (?1 IS NULL OR d.state = ?1) AND (?2 IS NULL OR d.endpoint = ?2) \
             AND (?3 IS NULL OR m.stream = ?3) AND (?4 IS NULL OR d.id < ?4) ORDER BY d.id DESC LIMIT ?5",
        )
        .bind(filter.state)
        .bind(&filter.endpoint)
        .bind(&filter.stream)
        .bind(filter.before)
        .bind(filter.limit)
        .fetch_all(&self.pool)
        .await
    }

    /// One delivery.
    pub(super) async fn one(&self, id: i64) -> Result<Option<Row>, sqlx::Error> {
        let before = id.checked_add(1);
        let filter = Filter {
            before,
            limit: 1,
            ..Filter::default()
        };
        let mut page = self.page(&filter).await?;
        Ok(page.pop().filter(|row| row.id == id))
    }

    /// How each endpoint that something waits for stands.
    pub(super) async fn standings(&self) -> Result<BTreeMap<String, Standing>, sqlx::Error> {
        let rows: Vec<(String, u32, Option<i64>)> = sqlx::query_as(
            "SELECT d.endpoint, count(*), min(m.created_ms) FROM webhook_deliveries d \
             JOIN webhook_messages m ON m.id = d.message WHERE d.state = 'pending' GROUP BY d.endpoint",
        )
        .fetch_all(&self.pool)
        .await?;
        let standing = |(name, pending, oldest_ms)| (name, Standing { pending, oldest_ms });
        Ok(rows.into_iter().map(standing).collect())
    }
}
