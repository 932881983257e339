//! Ledgers of erasures under way: at most one open one for each drive, its document as it came.
//!
//! A run that is ended keeps its row, without the document: what comes late, or is replayed, finds
//! it ended.

use super::stations::station_in;
use super::{Store, StoreError};
use report::api::StationState;
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

/// An erasure that nobody resumed for so long is not resumed any more: the run is ended.
const OPEN_S_MAX: i64 = 90 * 24 * 3600;

/// The answer to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noting {
    /// As asked for, now or before.
    Done,
    /// The first document of the run is kept.
    Begun,
    /// The run is ended.
    Ended,
    /// A document of this sequence or a higher one is here.
    NotNewer,
    /// The run is that of another drive.
    OtherDrive,
    /// The station is not accepted (any more).
    NotAccepted,
}

/// A document to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The run.
    pub run: Uuid,
    /// Of the document, within the run.
    pub sequence: i64,
    /// As it came.
    pub document: Vec<u8>,
}

struct Known {
    drive: String,
    sequence: i64,
    document: Option<Vec<u8>>,
}

impl Store {
    /// Keeps a document of a drive's run, in place of an older one or of another run's.
    pub async fn keep_ledger(
        &self,
        drive: &str,
        new: &Open,
        fingerprint: &str,
        now_s: i64,
    ) -> Result<Noting, StoreError> {
        let mut write = self.write().await?;
        if !is_accepted(&mut write, fingerprint).await? {
            return Ok(Noting::NotAccepted);
        }
        end_old(&mut write, now_s).await?;
        match known(&mut write, new.run).await? {
            None => {
                end_where(&mut write, "drive = $2", drive, now_s).await?;
                insert(
                    &mut write,
                    drive,
                    (new.run, new.sequence, Some(&new.document)),
                    fingerprint,
                    now_s,
                )
                .await?;
                write.commit().await?;
                return Ok(Noting::Begun);
            }
            Some(known) if known.drive != drive => return Ok(Noting::OtherDrive),
            Some(Known { document: None, .. }) => return Ok(Noting::Ended),
            Some(Known {
                sequence,
                document: Some(document),
                ..
            }) => {
                if sequence == new.sequence && document == new.document {
                    return Ok(Noting::Done);
                }
                if new.sequence <= sequence {
                    return Ok(Noting::NotNewer);
                }
                sqlx::query(
                    "UPDATE ledger SET sequence = $1, document = $2, fingerprint = $3,
                         changed_s = $4
                     WHERE run = $5",
                )
                .bind(new.sequence)
                .bind(&new.document)
                .bind(fingerprint)
                .bind(now_s)
                .bind(new.run.to_string())
                .execute(&mut *write)
                .await?;
            }
        }
        write.commit().await?;
        Ok(Noting::Done)
    }

    /// Ends a run for good, also one of which nothing was kept: what is under way may come yet.
    pub async fn end_ledger(
        &self,
        drive: &str,
        run: Uuid,
        fingerprint: &str,
        now_s: i64,
    ) -> Result<Noting, StoreError> {
        let mut write = self.write().await?;
        if !is_accepted(&mut write, fingerprint).await? {
            return Ok(Noting::NotAccepted);
        }
        match known(&mut write, run).await? {
            None => insert(&mut write, drive, (run, 0, None), fingerprint, now_s).await?,
            Some(known) if known.drive != drive => return Ok(Noting::OtherDrive),
            Some(Known { document: None, .. }) => return Ok(Noting::Done),
            Some(_) => end_where(&mut write, "run = $2", &run.to_string(), now_s).await?,
        }
        write.commit().await?;
        Ok(Noting::Done)
    }

    /// The open ledger of a drive.
    pub async fn open_ledger(&self, drive: &str, now_s: i64) -> Result<Option<Open>, StoreError> {
        let row = sqlx::query(
            "SELECT run, sequence, document FROM ledger
             WHERE drive = $1 AND document IS NOT NULL AND changed_s > $2",
        )
        .bind(drive)
        .bind(now_s - OPEN_S_MAX)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let run: String = row.try_get("run")?;
        Ok(Some(Open {
            run: run
                .parse()
                .map_err(|_| StoreError::Row(format!("run {run:?}")))?,
            sequence: row.try_get("sequence")?,
            document: row.try_get("document")?,
        }))
    }
}

async fn is_accepted(write: &mut SqliteConnection, fingerprint: &str) -> Result<bool, StoreError> {
    let station = station_in(write, fingerprint).await?;
    Ok(station.is_some_and(|station| station.state == StationState::Accepted))
}

async fn known(write: &mut SqliteConnection, run: Uuid) -> Result<Option<Known>, StoreError> {
    let row = sqlx::query("SELECT drive, sequence, document FROM ledger WHERE run = $1")
        .bind(run.to_string())
        .fetch_optional(write)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Known {
        drive: row.try_get("drive")?,
        sequence: row.try_get("sequence")?,
        document: row.try_get("document")?,
    }))
}

async fn insert(
    write: &mut SqliteConnection,
    drive: &str,
    (run, sequence, document): (Uuid, i64, Option<&Vec<u8>>),
    fingerprint: &str,
    now_s: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ledger (run, drive, fingerprint, changed_s, sequence, document)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(run.to_string())
    .bind(drive)
    .bind(fingerprint)
    .bind(now_s)
    .bind(sequence)
    .bind(document)
    .execute(write)
    .await?;
    Ok(())
}

/// Ends every open run that has waited for too long.
async fn end_old(write: &mut SqliteConnection, now_s: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE ledger SET document = NULL WHERE document IS NOT NULL AND changed_s <= $1")
        .bind(now_s - OPEN_S_MAX)
        .execute(write)
        .await?;
    Ok(())
}

async fn end_where(
    write: &mut SqliteConnection,
    condition: &'static str,
    value: &str,
    now_s: i64,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE ledger SET document = NULL, changed_s = $1
         WHERE document IS NOT NULL AND {condition}"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(now_s)
        .bind(value)
        .execute(write)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Noting, OPEN_S_MAX, Open};
    use crate::store::Store;
    use crate::store::testing::store;
    use report::sign::StationKey;
    use uuid::Uuid;

    const A: Uuid = Uuid::from_u128(0xa);
    const B: Uuid = Uuid::from_u128(0xb);

    fn open(run: Uuid, sequence: i64, text: &str) -> Open {
        Open {
            run,
            sequence,
            document: text.into(),
        }
    }

    async fn accepted(store: &Store) -> String {
        let key = StationKey::generate().unwrap();
        let token = key.fingerprint();
        store.add_token(&token, 10).await.unwrap();
        store.enrol(&token, key.public(), "a", 0).await.unwrap();
        store.accept(&token, 0).await.unwrap();
        token
    }

    #[tokio::test]
    async fn ledger_that_is_ended_stays_ended_whatever_comes_late() {
        let (_folder, store) = store().await;
        let station = accepted(&store).await;
        let keep = async |new: Open| store.keep_ledger("d", &new, &station, 1).await.unwrap();
        let end = async |run| store.end_ledger("d", run, &station, 1).await.unwrap();
        let found = async || store.open_ledger("d", 2).await.unwrap();
        assert_eq!(keep(open(A, 1, "one")).await, Noting::Begun);
        assert_eq!(keep(open(A, 5, "five")).await, Noting::Done);
        assert_eq!(keep(open(A, 5, "five")).await, Noting::Done, "sent again");
        assert_eq!(keep(open(A, 5, "other")).await, Noting::NotNewer);
        assert_eq!(keep(open(A, 4, "four")).await, Noting::NotNewer);
        assert_eq!(found().await, Some(open(A, 5, "five")));

        assert_eq!(keep(open(B, 1, "new run")).await, Noting::Begun);
        assert_eq!(keep(open(A, 6, "late")).await, Noting::Ended);
        assert_eq!(end(A).await, Noting::Done);
        assert_eq!(found().await, Some(open(B, 1, "new run")));
        assert_eq!(end(B).await, Noting::Done);
        assert_eq!(end(B).await, Noting::Done, "sent again");
        assert_eq!(keep(open(B, 2, "late")).await, Noting::Ended);
        assert_eq!(found().await, None);

        let c = Uuid::from_u128(0xc);
        assert_eq!(end(c).await, Noting::Done, "the end overtakes what it ends");
        assert_eq!(keep(open(c, 1, "late")).await, Noting::Ended);
        assert_eq!(found().await, None);
    }

    #[tokio::test]
    async fn run_is_of_one_drive() {
        let (_folder, store) = store().await;
        let station = accepted(&store).await;
        store
            .keep_ledger("d", &open(A, 1, "d"), &station, 1)
            .await
            .unwrap();
        let other = open(A, 2, "e");
        let kept = store.keep_ledger("e", &other, &station, 1).await.unwrap();
        assert_eq!(kept, Noting::OtherDrive);
        let ended = store.end_ledger("e", A, &station, 1).await.unwrap();
        assert_eq!(ended, Noting::OtherDrive);
        assert_eq!(store.open_ledger("e", 1).await.unwrap(), None);
        assert!(store.open_ledger("d", 1).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn ledger_that_nobody_resumed_for_90_days_is_ended() {
        let (_folder, store) = store().await;
        let station = accepted(&store).await;
        let keep = async |drive, new, now_s| {
            store
                .keep_ledger(drive, &new, &station, now_s)
                .await
                .unwrap()
        };
        keep("d", open(A, 1, "d"), 100).await;
        let last = 100 + OPEN_S_MAX;
        assert!(store.open_ledger("d", last - 1).await.unwrap().is_some());
        assert_eq!(store.open_ledger("d", last).await.unwrap(), None);
        keep("e", open(B, 1, "e"), last).await;
        let again = keep("d", open(A, 2, "d"), last).await;
        assert_eq!(again, Noting::Ended);
    }

    #[tokio::test]
    async fn only_accepted_stations_keep_and_end() {
        let (_folder, store) = store().await;
        let station = accepted(&store).await;
        store
            .keep_ledger("d", &open(A, 1, "d"), &station, 1)
            .await
            .unwrap();
        store.revoke(&station, 2).await.unwrap();
        for fingerprint in [station.as_str(), "SHA256:none"] {
            let new = open(A, 2, "x");
            let kept = store.keep_ledger("d", &new, fingerprint, 3).await.unwrap();
            assert_eq!(kept, Noting::NotAccepted);
            let ended = store.end_ledger("d", A, fingerprint, 3).await.unwrap();
            assert_eq!(ended, Noting::NotAccepted);
        }
        let kept = store.open_ledger("d", 3).await.unwrap();
        assert_eq!(kept, Some(open(A, 1, "d")));
    }

    /// A folder of a service from before there were ledgers.
    #[tokio::test]
    async fn database_of_the_version_before_gets_the_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        let before = Store::open_at(&path, 1).await.unwrap();
        before.add_token("t", 10).await.unwrap();
        before.pool.close().await;
        let store = Store::open(&path).await.unwrap();
        assert_eq!(store.open_ledger("d", 0).await.unwrap(), None);
        let key = StationKey::generate().unwrap();
        let enrolment = store.enrol("t", key.public(), "a", 0).await.unwrap();
        assert!(matches!(
            enrolment,
            crate::store::stations::Enrolment::Station(_)
        ));
    }
}
