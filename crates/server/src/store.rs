//! What outlives the process: one SQLite file, its schema brought up to date at every start.
//!
//! Each kind of record has its own file beside the code that uses it; this one only opens the database. Nothing here is
//! on the way of a frame.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Duration,
};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

use crate::Error;

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Store(SqlitePool);

impl Store {
    /// Opens the file, makes it if it is not there, and brings its schema up to date. An empty `path` is a database in
    /// memory, which ends with the process.
    ///
    /// # Errors
    /// A path that cannot be written, a file that is not ours, or one that a newer version made.
    pub(crate) async fn open(path: &str) -> Result<Self, Error> {
        let wrong = |source| Error::Store {
            path: path.into(),
            source,
        };
        let options = if path.is_empty() {
            SqliteConnectOptions::new().in_memory(true)
        } else {
            own(Path::new(path)).map_err(|error| wrong(error.into()))?;
            SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
        };
        let options = options
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered is on the disk, also when the power fails.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        // While another process opens or closes the file, SQLite answers "locked" without waiting (its page on WAL:
        // "Sometimes Queries Return SQLITE_BUSY In WAL Mode").
        let give_up = Instant::now() + BUSY;
        loop {
            match connect(options.clone()).await {
                Ok(pool) => return Ok(Self(pool)),
                Err(error) if is_busy(&error) && Instant::now() < give_up => sleep(PAUSE).await,
                Err(error) => return Err(wrong(error)),
            }
        }
    }

    /// For queries. What reads and then writes begins with [`begin`].
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.0
    }

    /// Ends all connections; what is written is written.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

/// Begins a transaction that writes. It waits for whoever else writes to the file before it reads anything: one that has
/// read already is told "locked" without waiting.
///
/// By a first statement that would write, and not by `BEGIN IMMEDIATE`: sqlx believes a transaction that SQLite has undone
/// by itself, because the disk is full, to be there still, and never takes a `BEGIN` of one's own again.
pub(crate) async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("DELETE FROM _sqlx_migrations WHERE FALSE")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    // One connection: SQLite has one writer anyway, and in memory each connection would be a database of its own.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(BUSY)
        .connect_with(options)
        .await?;
    MIGRATIONS.run(&pool).await?;
    // The first write: what is not told to wait shows here.
    begin(&pool).await?.commit().await?;
    Ok(pool)
}

/// Whether another connection is in the way, for now.
fn is_busy(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Migrate(error) = error
        && let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = &**error
    {
        return is_busy(error);
    }
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// Makes the file if it is not there. It holds what only the operator may read.
fn own(path: &Path) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?
        .set_permissions(Permissions::from_mode(0o600))
}

/// The low byte of a result code that says so (SQLite, "Result and Error Codes").
const SQLITE_BUSY: i32 = 5;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// A command line that works on the same file while the server runs holds the lock for milliseconds.
const BUSY: Duration = Duration::from_secs(5);

/// Between two tries to open it.
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new() -> Self {
            let folder =
                std::env::temp_dir().join(format!("shopcast-store-{:016x}", rand::random::<u64>()));
            Self(folder)
        }

        fn file(&self) -> String {
            self.0.join("deeper/shopcast.db").display().to_string()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // Nothing more can be done about a folder that stays.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const INSERT: &str = "INSERT INTO stream_keys VALUES ('k1', 'show', x'00', 1, NULL)";

    async fn keys(store: &Store) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM stream_keys")
            .fetch_one(store.pool())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_restart_and_only_its_owner_reads_it() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).await.unwrap();
        sqlx::query(INSERT).execute(store.pool()).await.unwrap();
        store.close().await;
        let store = Store::open(&folder.file()).await.unwrap();
        assert_eq!(keys(&store).await, 1);
        let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(store.pool())
            .await
            .unwrap();
        assert_eq!(synchronous, 2, "FULL");
    }

    #[tokio::test]
    async fn in_memory_each_store_is_its_own() {
        let (one, other) = (
            Store::open("").await.unwrap(),
            Store::open("").await.unwrap(),
        );
        sqlx::query(INSERT).execute(one.pool()).await.unwrap();
        assert_eq!((keys(&one).await, keys(&other).await), (1, 0));
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_by_its_name_and_left_as_it_is() {
        let folder = Folder::new();
        let file = folder.file();
        own(Path::new(&file)).unwrap();
        let text = "not a database, but long enough to have a header ".repeat(4);
        fs::write(&file, &text).unwrap();
        let said = Store::open(&file).await.unwrap_err().to_string();
        assert!(
            said.contains(&file) && said.contains("store.path"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}
