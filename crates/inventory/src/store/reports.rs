//! Reports and their receipts: stored once, as they came, never changed.

use super::stations::{Station, station_in};
use super::{Store, StoreError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use report::api::{Imported, SignedReceipt, StationState};
use report::receipt::{Link, issue, sha256_hex};
use report::sign::StationKey;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

/// A report whose signature holds, ready to be stored.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// Its id.
    pub report_id: Uuid,
    /// Fingerprint of the key that signed it.
    pub fingerprint: String,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// The armored signature.
    pub signature: String,
    /// What the list shows.
    pub summary: Summary,
}

/// A report in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Key of the machine: reports of the same machine share it.
    pub machine: String,
    /// Maker.
    pub maker: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Serial.
    pub serial: Option<String>,
    /// Grade.
    pub grade: Option<String>,
    /// Drives that were found.
    pub drives_total: i64,
    /// Drives that are verified and whose numbers agree with that.
    pub drives_verified: i64,
}

/// A stored report without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub report_id: Uuid,
    /// Number of its receipt.
    pub number: i64,
    /// Fingerprint of the key that signed it.
    pub fingerprint: String,
    /// Whose word stands for that key.
    pub source: Source,
    /// When it was stored.
    pub received_s: i64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What the list shows.
    pub summary: Summary,
}

/// Whose word stands for the key that signed a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An accepted station of this name sent it.
    Station(String),
    /// A person brought it.
    Imported(Imported),
}

/// A stored report with all that proves it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The report in one line.
    pub entry: Entry,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// The station's armored signature.
    pub signature: String,
    /// The receipt.
    pub receipt: SignedReceipt,
}

/// The answer to an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storing {
    /// Stored now.
    New(SignedReceipt),
    /// The same bytes were here: the first receipt again.
    Again(SignedReceipt),
    /// Other bytes are here under this id.
    OtherBytes,
    /// The station is not accepted (any more).
    NotAccepted,
}

/// The answer to an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Importing {
    /// Stored now, under the receipt with this number.
    New(i64),
    /// The same bytes were here, under the receipt with this number.
    Again(i64),
    /// Other bytes are here under this id.
    OtherBytes,
    /// The key is of a station of the service.
    OfStation(Box<Station>),
    /// Nobody confirmed the key.
    NotConfirmed,
}

const ENTRY: &str = "report_id, number, report.fingerprint, station.name AS station, imported_by,
     import_reason, received_s, machine, maker, model, serial, grade, drives_total, drives_verified,
     sha256";

/// The key of an imported report may be of no station.
const FROM: &str = "FROM report LEFT JOIN station ON station.fingerprint = report.fingerprint";

impl Store {
    /// Stores a report and its receipt in one transaction, or gives the first receipt again.
    pub async fn store_report(
        &self,
        new: &NewReport,
        service_key: &StationKey,
        now: Timestamp,
    ) -> Result<Storing, StoreError> {
        let mut write = self.write().await?;
        match station_in(&mut write, &new.fingerprint)
            .await?
            .map(|station| station.state)
        {
            Some(StationState::Accepted) => {}
            Some(StationState::Pending | StationState::Revoked) | None => {
                return Ok(Storing::NotAccepted);
            }
        }
        let there = sqlx::query(
            "SELECT bytes, receipt_bytes, receipt_signature FROM report WHERE report_id = $1",
        )
        .bind(new.report_id.to_string())
        .fetch_optional(&mut *write)
        .await?;
        if let Some(row) = there {
            let bytes: Vec<u8> = row.try_get("bytes")?;
            return Ok(match bytes == new.bytes {
                true => Storing::Again(read_receipt(&row)?),
                false => Storing::OtherBytes,
            });
        }
        let (_, signed) = put(&mut write, new, None, service_key, now).await?;
        write.commit().await?;
        Ok(Storing::New(signed))
    }

    /// Stores a report of no station, and its receipt, in one transaction: for a person who has
    /// `confirmed` its key. A report that is here stays as it came first.
    pub async fn import_report(
        &self,
        new: &NewReport,
        imported: &Imported,
        confirmed: bool,
        service_key: &StationKey,
        now: Timestamp,
    ) -> Result<Importing, StoreError> {
        let mut write = self.write().await?;
        let there = sqlx::query("SELECT number, bytes FROM report WHERE report_id = $1")
            .bind(new.report_id.to_string())
            .fetch_optional(&mut *write)
            .await?;
        if let Some(row) = there {
            let bytes: Vec<u8> = row.try_get("bytes")?;
            return Ok(match bytes == new.bytes {
                true => Importing::Again(row.try_get("number")?),
                false => Importing::OtherBytes,
            });
        }
        // A person decides on a station's key by accepting or revoking it, and in no other way.
        if let Some(station) = station_in(&mut write, &new.fingerprint).await? {
            return Ok(Importing::OfStation(Box::new(station)));
        }
        if !confirmed {
            return Ok(Importing::NotConfirmed);
        }
        let (number, _) = put(&mut write, new, Some(imported), service_key, now).await?;
        write.commit().await?;
        Ok(Importing::New(number))
    }

    /// The last report of each machine, the newest first.
    pub async fn machines(&self, offset: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "SELECT {ENTRY} {FROM}
             WHERE number = (SELECT MAX(number) FROM report other
                             WHERE other.machine = report.machine)
             ORDER BY number DESC LIMIT $1 OFFSET $2"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(limit)
            .bind(offset)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read_entry)
            .collect()
    }

    /// All reports of a machine, the newest first.
    pub async fn reports_of(&self, machine: &str) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "SELECT {ENTRY} {FROM}
             WHERE machine = $1 ORDER BY number DESC"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(machine)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read_entry)
            .collect()
    }

    /// The report with this id.
    pub async fn report(&self, report_id: Uuid) -> Result<Option<Stored>, StoreError> {
        self.stored("report_id = $1", report_id.to_string()).await
    }

    /// The report whose receipt has this number.
    pub async fn report_number(&self, number: i64) -> Result<Option<Stored>, StoreError> {
        self.stored("number = $1", number).await
    }

    /// Number of the last receipt; 0 before the first.
    pub async fn last_number(&self) -> Result<i64, StoreError> {
        let last = sqlx::query_scalar("SELECT COALESCE(MAX(number), 0) FROM report");
        Ok(last.fetch_one(&self.pool).await?)
    }

    async fn stored<'q, T>(&self, condition: &str, value: T) -> Result<Option<Stored>, StoreError>
    where
        T: sqlx::Encode<'q, Sqlite> + sqlx::Type<Sqlite> + 'q + Send,
    {
        let sql = format!(
            "SELECT {ENTRY}, receipt_bytes, receipt_signature, signature, bytes {FROM}
             WHERE {condition}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(value)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Stored {
            entry: read_entry(&row)?,
            bytes: row.try_get("bytes")?,
            signature: row.try_get("signature")?,
            receipt: read_receipt(&row)?,
        }))
    }
}

/// Issues the receipt that follows the last one, and enters it with its report.
async fn put(
    write: &mut Transaction<'static, Sqlite>,
    new: &NewReport,
    imported: Option<&Imported>,
    service_key: &StationKey,
    now: Timestamp,
) -> Result<(i64, SignedReceipt), StoreError> {
    let last = sqlx::query("SELECT number, receipt_bytes FROM report ORDER BY number DESC LIMIT 1")
        .fetch_optional(&mut **write)
        .await?;
    let link = match last {
        None => Link::start(),
        Some(row) => {
            let bytes: Vec<u8> = row.try_get("receipt_bytes")?;
            Link::after(row.try_get::<i64, _>("number")?.unsigned_abs(), &bytes)
        }
    };
    let (receipt, signed) = issue(
        service_key,
        &link,
        new.report_id,
        &new.bytes,
        &new.fingerprint,
        now,
        imported.cloned(),
    )
    .map_err(|error| StoreError::Row(error.to_string()))?;
    let receipt_bytes = STANDARD
        .decode(&signed.bytes_base64)
        .map_err(|error| StoreError::Row(error.to_string()))?;
    let number = receipt.number.cast_signed();
    sqlx::query(
        "INSERT INTO report (report_id, number, fingerprint, received_s, machine, maker, model,
             serial, grade, drives_total, drives_verified, sha256, receipt_bytes,
             receipt_signature, signature, bytes, imported_by, import_reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(new.report_id.to_string())
    .bind(number)
    .bind(&new.fingerprint)
    .bind(now.as_second())
    .bind(&new.summary.machine)
    .bind(&new.summary.maker)
    .bind(&new.summary.model)
    .bind(&new.summary.serial)
    .bind(&new.summary.grade)
    .bind(new.summary.drives_total)
    .bind(new.summary.drives_verified)
    .bind(sha256_hex(&new.bytes))
    .bind(receipt_bytes)
    .bind(&signed.signature)
    .bind(&new.signature)
    .bind(&new.bytes)
    .bind(imported.map(|imported| &imported.by))
    .bind(imported.and_then(|imported| imported.reason.as_ref()))
    .execute(&mut **write)
    .await?;
    Ok((number, signed))
}

fn read_receipt(row: &SqliteRow) -> Result<SignedReceipt, StoreError> {
    let bytes: Vec<u8> = row.try_get("receipt_bytes")?;
    Ok(SignedReceipt {
        bytes_base64: STANDARD.encode(bytes),
        signature: row.try_get("receipt_signature")?,
    })
}

fn read_entry(row: &SqliteRow) -> Result<Entry, StoreError> {
    let report_id: String = row.try_get("report_id")?;
    Ok(Entry {
        report_id: report_id
            .parse()
            .map_err(|_| StoreError::Row(format!("report id {report_id:?}")))?,
        number: row.try_get("number")?,
        fingerprint: row.try_get("fingerprint")?,
        source: read_source(row)?,
        received_s: row.try_get("received_s")?,
        sha256: row.try_get("sha256")?,
        summary: Summary {
            machine: row.try_get("machine")?,
            maker: row.try_get("maker")?,
            model: row.try_get("model")?,
            serial: row.try_get("serial")?,
            grade: row.try_get("grade")?,
            drives_total: row.try_get("drives_total")?,
            drives_verified: row.try_get("drives_verified")?,
        },
    })
}

fn read_source(row: &SqliteRow) -> Result<Source, StoreError> {
    if let Some(by) = row.try_get("imported_by")? {
        return Ok(Source::Imported(Imported::new(
            by,
            row.try_get("import_reason")?,
        )));
    }
    let station: Option<String> = row.try_get("station")?;
    let gone = || StoreError::Row("a report's station is gone".to_owned());
    station.map(Source::Station).ok_or_else(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    /// A folder of a service from before there were imports.
    #[tokio::test]
    async fn database_of_the_version_before_keeps_its_reports_and_takes_imports() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        let (station, stranger) = (
            StationKey::generate().unwrap(),
            StationKey::generate().unwrap(),
        );
        let before = Store::open_at(&path, 3).await.unwrap();
        before.add_token("t", 10).await.unwrap();
        let enrolled = before.enrol("t", station.public(), "banc", 0).await;
        enrolled.unwrap();
        let id = Uuid::from_u128(1);
        sqlx::query(
            "INSERT INTO report (report_id, number, fingerprint, received_s, machine, maker, model,
                 serial, grade, drives_total, drives_verified, sha256, receipt_bytes,
                 receipt_signature, signature, bytes)
             VALUES ($1, 1, $2, 5, 'm', 'M', NULL, 'S', 'B', 2, 1, 'digest', $3, 'rs', 's', $4)",
        )
        .bind(id.to_string())
        .bind(station.fingerprint())
        .bind(b"receipt".as_slice())
        .bind(b"bytes".as_slice())
        .execute(&before.pool)
        .await
        .unwrap();
        before.pool.close().await;

        let store = Store::open(&path).await.unwrap();
        let kept = store.report_number(1).await.unwrap().unwrap();
        assert_eq!(kept.entry.source, Source::Station("banc".into()));
        assert_eq!(kept.entry.fingerprint, station.fingerprint());
        assert_eq!((kept.entry.report_id, kept.entry.received_s), (id, 5));
        assert_eq!(
            (kept.bytes.as_slice(), kept.signature.as_str()),
            (b"bytes".as_slice(), "s")
        );
        assert_eq!(kept.receipt.signature, "rs");
        assert_eq!(
            store.reports_of("m").await.unwrap(),
            vec![kept.entry.clone()]
        );

        let new = NewReport {
            report_id: Uuid::from_u128(2),
            fingerprint: stranger.fingerprint(),
            bytes: b"other".to_vec(),
            signature: "s".into(),
            summary: kept.entry.summary,
        };
        let by = Imported::new("Camille".into(), None);
        let now = Timestamp::UNIX_EPOCH;
        let imported = store.import_report(&new, &by, true, &station, now).await;
        assert_eq!(imported.unwrap(), Importing::New(2));
        let newest = store.reports_of("m").await.unwrap().remove(0);
        assert_eq!(newest.source, Source::Imported(by));
    }
}
