//! The database: SQLite in write-ahead mode, each commit on the medium before it is answered.
//!
//! The command line opens the same file while the service runs. Writers take the lock at their
//! first statement (`BEGIN IMMEDIATE`), so that what a transaction has read cannot change before
//! it writes: one arming count, one end of the receipt chain. SQL stays in what PostgreSQL reads
//! too; times are passed in as seconds since 1970.

pub mod arming;
pub mod ledgers;
pub mod netboot;
pub mod reports;
pub mod stations;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlSafeStr, Sqlite, SqlitePool, Transaction};
use std::path::Path;
use std::time::Duration;

/// The steps to the tables of this version, in order. One that was shipped never changes.
const MIGRATIONS: [(&str, &str); 4] = [
    ("start", include_str!("../migrations/0001_start.sql")),
    ("ledger", include_str!("../migrations/0002_ledger.sql")),
    ("netboot", include_str!("../migrations/0003_netboot.sql")),
    ("import", include_str!("../migrations/0004_import.sql")),
];

/// What the database answers when it cannot.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQL or medium.
    #[error("database")]
    Sql(#[from] sqlx::Error),
    /// The schema cannot be brought up to date.
    #[error("database schema")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this program never writes.
    #[error("database row: {0}")]
    Row(String),
}

/// The open database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens or makes the database file, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_at(path, MIGRATIONS.len()).await
    }

    /// With the tables of the first `versions` steps.
    async fn open_at(path: &Path, versions: usize) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await?;
        let migrations = MIGRATIONS.iter().zip(1..).take(versions);
        let migrations = migrations.map(|((name, sql), version)| {
            let sql = (*sql).into_sql_str();
            Migration::new(version, (*name).into(), MigrationType::Simple, sql, false)
        });
        Migrator::with_migrations(migrations.collect())
            .run(&pool)
            .await?;
        Ok(Self { pool })
    }

    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[cfg(test)]
pub mod testing {
    //! A database of its own for each test.

    use super::Store;

    /// An empty database; the folder lives as long as the first value.
    pub async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("inventory.sqlite"))
            .await
            .unwrap();
        (folder, store)
    }
}
