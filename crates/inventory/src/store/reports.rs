//! Reports and their receipts: stored once, as they came, never changed.

use super::stations::station_in;
use super::{Store, StoreError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use report::api::{SignedReceipt, StationState};
use report::receipt::{Link, issue, sha256_hex};
use report::sign::StationKey;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
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
    /// Fingerprint of the station.
    pub fingerprint: String,
    /// Name of the station.
    pub station: String,
    /// When it was stored.
    pub received_s: i64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What the list shows.
    pub summary: Summary,
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

const ENTRY: &str = "report_id, number, report.fingerprint, station.name AS station, received_s,
     machine, maker, model, serial, grade, drives_total, drives_verified, sha256";

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
        let report_id = new.report_id.to_string();
        let there = sqlx::query(
            "SELECT bytes, receipt_bytes, receipt_signature FROM report WHERE report_id = $1",
        )
        .bind(&report_id)
        .fetch_optional(&mut *write)
        .await?;
        if let Some(row) = there {
            let bytes: Vec<u8> = row.try_get("bytes")?;
            return Ok(match bytes == new.bytes {
                true => Storing::Again(read_receipt(&row)?),
                false => Storing::OtherBytes,
            });
        }
        let last =
            sqlx::query("SELECT number, receipt_bytes FROM report ORDER BY number DESC LIMIT 1")
                .fetch_optional(&mut *write)
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
        )
        .map_err(|error| StoreError::Row(error.to_string()))?;
        let receipt_bytes = STANDARD
            .decode(&signed.bytes_base64)
            .map_err(|error| StoreError::Row(error.to_string()))?;
        sqlx::query(
            "INSERT INTO report (report_id, number, fingerprint, received_s, machine, maker, model,
                 serial, grade, drives_total, drives_verified, sha256, receipt_bytes,
                 receipt_signature, signature, bytes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(&report_id)
        .bind(receipt.number.cast_signed())
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
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(Storing::New(signed))
    }

    /// The last report of each machine, the newest first.
    pub async fn machines(&self, offset: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "SELECT {ENTRY} FROM report JOIN station ON station.fingerprint = report.fingerprint
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
            "SELECT {ENTRY} FROM report JOIN station ON station.fingerprint = report.fingerprint
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
        T: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 'q + Send,
    {
        let sql = format!(
            "SELECT {ENTRY}, receipt_bytes, receipt_signature, signature, bytes
             FROM report JOIN station ON station.fingerprint = report.fingerprint
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
        station: row.try_get("station")?,
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
