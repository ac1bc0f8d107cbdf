//! The book: shows in the database.

use std::{sync::Arc, time::Duration};

use cues::{Change, LoggedCue, Saved, SavedAnswer, TimelineConfig, saved};
use engine::{Keep, SavedStream, Show, StreamName};
use media::{Pts, UnixMillis, UtcAnchor};
use sqlx::{FromRow, SqliteConnection, SqlitePool};
use tracing::error;

use super::Note;
use crate::store::{self, Store};

/// Writes and reads shows.
#[derive(Debug, Clone)]
pub(super) struct Book {
    pool: SqlitePool,
}

#[derive(Debug, FromRow)]
struct ShowRow {
    stream: String,
    k: u32,
    k_audio: u32,
    epoch: u32,
    anchor_ms: i64,
    highest_pts: i64,
    next_msn: i64,
    discontinuities: i64,
    target_duration_s: Option<u32>,
    video_part_ms: Option<u32>,
    audio_part_ms: Option<u32>,
    frame_ticks: Option<u32>,
    frame_rate_milli: Option<u32>,
    orderly: bool,
    numbers_used: i64,
}

#[derive(Debug, FromRow)]
struct CueRow {
    seq: i64,
    cue: Vec<u8>,
    utc_ms: i64,
    late_by_ms: i64,
    ends: Option<Vec<u8>>,
    frame_pts: Option<i64>,
}

#[derive(Debug, FromRow)]
struct AnswerRow {
    key: String,
    at_ms: i64,
    request: Vec<u8>,
    receipt: Vec<u8>,
}

type Done = Result<(), sqlx::Error>;

impl Book {
    pub(super) fn new(store: &Store) -> Self {
        let pool = store.pool().clone();
        Self { pool }
    }

    /// Writes all of it down, or nothing.
    pub(super) async fn write(&self, notes: &[Note]) -> Done {
        let mut transaction = store::begin(&self.pool).await?;
        for Note { stream, keep, at } in notes {
            match keep {
                Keep::Show(show) => put_show(&mut transaction, stream, show, *at).await?,
                Keep::Cues(changes) => {
                    for change in changes {
                        put_change(&mut transaction, stream, change, *at).await?;
                    }
                }
                Keep::Ended => remove(&mut transaction, stream.as_str()).await?,
            }
        }
        transaction.commit().await
    }

    /// From here on an end is disorderly unless [`end`](Self::end) says otherwise.
    pub(super) async fn begin(&self) -> Done {
        self.set_orderly(false).await
    }

    /// Everything is written down.
    pub(super) async fn end(&self) -> Done {
        self.set_orderly(true).await
    }

    async fn set_orderly(&self, orderly: bool) -> Done {
        sqlx::query("UPDATE shows SET orderly = ?")
            .bind(orderly)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Forgets shows that are older than `keep`, and answers whose time is over or that are too many.
    pub(super) async fn prune(&self, now: UnixMillis, keep: Duration) -> Done {
        let mut transaction = store::begin(&self.pool).await?;
        let old: Vec<String> = sqlx::query_scalar("SELECT stream FROM shows WHERE updated_ms <= ?")
            .bind(before(now, keep))
            .fetch_all(&mut *transaction)
            .await?;
        for stream in old {
            remove(&mut transaction, &stream).await?;
        }
        let limits = TimelineConfig::default();
        sqlx::query(
            "DELETE FROM show_answers WHERE at_ms < ?1 OR id <= (SELECT a.id FROM show_answers a \
             WHERE a.stream = show_answers.stream ORDER BY a.id DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(before(now, limits.idempotency_window))
        .bind(i64::try_from(limits.idempotency_max).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    /// The shows that were kept, newest first. What cannot be read is left out, and logged.
    pub(super) async fn read(&self, now: UnixMillis) -> Result<Vec<SavedStream>, sqlx::Error> {
        let rows: Vec<ShowRow> =
            sqlx::query_as("SELECT * FROM shows ORDER BY updated_ms DESC, stream")
                .fetch_all(&self.pool)
                .await?;
        let mut shows = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(name) = StreamName::parse(&row.stream) else {
                error!(stream = row.stream, "a show in the store has no name");
                continue;
            };
            let show = row.show();
            let cues = self.cues(&row.stream, now).await?;
            let numbers_used = self.numbers_used(&row, &cues).await?;
            shows.push(SavedStream {
                name,
                show,
                cues,
                numbers_used,
            });
        }
        Ok(shows)
    }

    /// The highest number that may mean a cue. Written down where it is not the newest cue's: the next end may be an
    /// orderly one, with no cue before it.
    async fn numbers_used(&self, row: &ShowRow, cues: &Saved) -> Result<u64, sqlx::Error> {
        let kept = cues.cues.iter().map(|logged| logged.cue.cue.seq).max();
        let kept = kept.unwrap_or(0).max(cues.memory.forgotten_seq);
        let used = kept.max(u64::try_from(row.numbers_used).unwrap_or(0));
        if row.orderly {
            return Ok(used);
        }
        let used = used.saturating_add(NUMBERS_SKIPPED);
        sqlx::query("UPDATE shows SET numbers_used = ? WHERE stream = ?")
            .bind(integer(used))
            .bind(&row.stream)
            .execute(&self.pool)
            .await?;
        Ok(used)
    }

    async fn cues(&self, stream: &str, now: UnixMillis) -> Result<Saved, sqlx::Error> {
        let cues: Vec<CueRow> = sqlx::query_as(
            "SELECT seq, cue, utc_ms, late_by_ms, ends, frame_pts FROM show_cues WHERE stream = ? ORDER BY seq",
        )
        .bind(stream)
        .fetch_all(&self.pool)
        .await?;
        let answers: Vec<AnswerRow> = sqlx::query_as(
            "SELECT key, at_ms, request, receipt FROM show_answers WHERE stream = ? ORDER BY id",
        )
        .bind(stream)
        .fetch_all(&self.pool)
        .await?;
        let armed: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT name, armed FROM show_armed WHERE stream = ? ORDER BY name")
                .bind(stream)
                .fetch_all(&self.pool)
                .await?;
        let memory: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT memory FROM show_memories WHERE stream = ?")
                .bind(stream)
                .fetch_optional(&self.pool)
                .await?;
        let of = |what: &str, id: &dyn std::fmt::Display| format!("{stream}: {what} {id}");
        let armed = armed.into_iter().filter_map(|(name, bytes)| {
            let armed = readable(of("prepared cues", &name), saved::read_armed(&bytes))?;
            Some((name, armed))
        });
        let memory =
            memory.and_then(|bytes| readable(of("memory", &""), saved::read_memory(&bytes)));
        Ok(Saved {
            cues: cues
                .into_iter()
                .filter_map(|row| readable(of("cue", &row.seq), row.cue()))
                .collect(),
            answers: answers
                .into_iter()
                .filter_map(|row| readable(of("answer", &row.key), row.answer(now)))
                .collect(),
            armed: armed.collect(),
            memory: memory.unwrap_or_default(),
            highest: Pts::default(),
        })
    }
}

impl ShowRow {
    fn show(&self) -> Show {
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Show {
            rtp_offsets: [self.k, self.k_audio],
            epoch: self.epoch,
            anchor: UtcAnchor(UnixMillis(self.anchor_ms)),
            highest: Pts(self.highest_pts),
            hls: hls::Continuity {
                next_msn: number(self.next_msn),
                discontinuities: number(self.discontinuities),
                target_duration_s: self.target_duration_s,
                video_part_ms: self.video_part_ms,
                audio_part_ms: self.audio_part_ms,
                measured: self.frame_ticks.zip(self.frame_rate_milli),
            },
        }
    }
}

impl CueRow {
    fn cue(&self) -> Result<LoggedCue, cues::Error> {
        let cue = Arc::new(cues::decode(&self.cue)?);
        let ends = self.ends.as_deref().map(saved::read_ends).transpose()?;
        let (utc, frame) = (UnixMillis(self.utc_ms), self.frame_pts.map(Pts));
        Ok(LoggedCue::restored(cue, utc, self.late_by_ms, ends, frame))
    }
}

impl AnswerRow {
    fn answer(&self, now: UnixMillis) -> Result<SavedAnswer, cues::Error> {
        // A clock that was set back makes an answer young, not old.
        let age = u64::try_from(now.0.saturating_sub(self.at_ms)).unwrap_or(0);
        Ok(SavedAnswer {
            age: Duration::from_millis(age),
            request: saved::read_request(&self.request)?,
            receipt: saved::read_receipt(&self.receipt)?,
        })
    }
}

async fn put_show(
    connection: &mut SqliteConnection,
    stream: &StreamName,
    show: &Show,
    at: UnixMillis,
) -> Done {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT OR REPLACE INTO shows (stream, k, k_audio, epoch, anchor_ms, highest_pts, next_msn, discontinuities, \
         target_duration_s, video_part_ms, audio_part_ms, frame_ticks, frame_rate_milli, updated_ms, orderly, numbers_used) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, \
         COALESCE((SELECT numbers_used FROM shows WHERE stream = ?1), 0))",
    )
    .bind(stream.as_str())
    .bind(show.rtp_offsets[0])
    .bind(show.rtp_offsets[1])
    .bind(show.epoch)
    .bind(show.anchor.0.0)
    .bind(show.highest.0)
    .bind(number(show.hls.next_msn))
    .bind(number(show.hls.discontinuities))
    .bind(show.hls.target_duration_s)
    .bind(show.hls.video_part_ms)
    .bind(show.hls.audio_part_ms)
    .bind(show.hls.measured.map(|(ticks, _)| ticks))
    .bind(show.hls.measured.map(|(_, rate_milli)| rate_milli))
    .bind(at.0)
    .execute(connection)
    .await
    .map(drop)
}

async fn put_change(
    connection: &mut SqliteConnection,
    stream: &StreamName,
    change: &Change,
    at: UnixMillis,
) -> Done {
    let stream = stream.as_str();
    match change {
        Change::Accepted(logged) => put_cue(connection, stream, logged).await,
        Change::Answered { request, receipt } => {
            sqlx::query(
                "INSERT OR REPLACE INTO show_answers (stream, key, at_ms, request, receipt) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(stream)
            .bind(request.idempotency_key.as_deref().unwrap_or_default())
            .bind(at.0)
            .bind(saved::request(request))
            .bind(saved::receipt(receipt))
            .execute(connection)
            .await
            .map(drop)
        }
        Change::Armed { name, armed } => {
            sqlx::query("INSERT OR REPLACE INTO show_armed (stream, name, armed) VALUES (?, ?, ?)")
                .bind(stream)
                .bind(name)
                .bind(saved::armed(armed))
                .execute(connection)
                .await
                .map(drop)
        }
        Change::Disarmed { name } => {
            sqlx::query("DELETE FROM show_armed WHERE stream = ? AND name = ?")
                .bind(stream)
                .bind(name)
                .execute(connection)
                .await
                .map(drop)
        }
        Change::Settled { seq, frame_pts } => {
            sqlx::query("UPDATE show_cues SET frame_pts = ? WHERE stream = ? AND seq = ?")
                .bind(frame_pts.0)
                .bind(stream)
                .bind(integer(*seq))
                .execute(connection)
                .await
                .map(drop)
        }
        Change::Forgotten { seqs, memory } => {
            for seq in seqs {
                sqlx::query("DELETE FROM show_cues WHERE stream = ? AND seq = ?")
                    .bind(stream)
                    .bind(integer(*seq))
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query("INSERT OR REPLACE INTO show_memories (stream, memory) VALUES (?, ?)")
                .bind(stream)
                .bind(saved::memory(memory))
                .execute(connection)
                .await
                .map(drop)
        }
    }
}

async fn put_cue(connection: &mut SqliteConnection, stream: &str, logged: &LoggedCue) -> Done {
    sqlx::query(
        "INSERT OR REPLACE INTO show_cues (stream, seq, cue, utc_ms, late_by_ms, ends, frame_pts) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(stream)
    .bind(integer(logged.cue.cue.seq))
    .bind(&logged.cue.bytes[..])
    .bind(logged.utc.0)
    .bind(logged.late_by_ms)
    .bind(logged.ends.map(saved::ends))
    .bind(logged.frame_pts.map(|pts| pts.0))
    .execute(connection)
    .await
    .map(drop)
}

/// Removes all there is of a stream.
async fn remove(connection: &mut SqliteConnection, stream: &str) -> Done {
    for query in [
        "DELETE FROM shows WHERE stream = ?",
        "DELETE FROM show_cues WHERE stream = ?",
        "DELETE FROM show_memories WHERE stream = ?",
        "DELETE FROM show_answers WHERE stream = ?",
        "DELETE FROM show_armed WHERE stream = ?",
    ] {
        sqlx::query(query)
            .bind(stream)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn readable<T>(what: String, read: Result<T, cues::Error>) -> Option<T> {
    read.inspect_err(
        |error| error!(what, %error, "left out: the store holds what this version cannot read"),
    )
    .ok()
}

fn before(now: UnixMillis, span: Duration) -> i64 {
    now.0
        .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

fn integer(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// After a crash: more cues than a stream takes while the store is behind by a minute and a half.
const NUMBERS_SKIPPED: u64 = 1000;

#[cfg(test)]
mod tests;
