//! Tokens and stations of netboot: whoever asks gets a token, so what comes of it is bounded and ends.

use super::stations::Station;
use super::{Store, StoreError};
use report::api::StationState;
use report::receipt::sha256_hex;

/// Stations that wait for a person at once.
const WAITING_MAX: i64 = 64;
/// A station that waits and is silent for so long is forgotten: its machine is off, and its key gone.
const SILENT_SECONDS_MAX: i64 = 24 * 3600;
/// A station that waits asks every other second; that it did is written down this often.
const HEARD_EVERY_SECONDS: i64 = 600;

impl Store {
    /// Keeps the digest of a token that a machine was given which starts over the network, and forgets
    /// those that came to nothing.
    pub async fn add_netboot_token(
        &self,
        token: &str,
        expires_s: i64,
        now_s: i64,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        forget(&mut write, now_s).await?;
        sqlx::query("INSERT INTO token (sha256, expires_s, netboot) VALUES ($1, $2, 1)")
            .bind(sha256_hex(token.as_bytes()))
            .bind(expires_s)
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }

    /// Whether a station enrolled with this token.
    pub async fn is_used(&self, token: &str) -> Result<bool, StoreError> {
        let used_by: Option<Option<String>> =
            sqlx::query_scalar("SELECT used_by FROM token WHERE sha256 = $1")
                .bind(sha256_hex(token.as_bytes()))
                .fetch_optional(&self.pool)
                .await?;
        Ok(used_by.flatten().is_some())
    }

    /// Notes that a station of netboot still waits.
    pub async fn heard(&self, station: &Station, now_s: i64) -> Result<(), StoreError> {
        let is_new = |heard_s| now_s - heard_s >= HEARD_EVERY_SECONDS;
        if station.state != StationState::Pending || !station.heard_s.is_some_and(is_new) {
            return Ok(());
        }
        sqlx::query("UPDATE station SET heard_s = $1 WHERE fingerprint = $2")
            .bind(now_s)
            .bind(&station.fingerprint)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Whether one more station of netboot may wait, when those that are silent are forgotten.
pub(super) async fn has_room(
    write: &mut sqlx::SqliteConnection,
    now_s: i64,
) -> Result<bool, StoreError> {
    forget(write, now_s).await?;
    let waiting: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM station WHERE state = 'pending' AND heard_s IS NOT NULL",
    )
    .fetch_one(write)
    .await?;
    Ok(waiting < WAITING_MAX)
}

/// Forgets stations that wait and are silent, and tokens of netboot that nobody used in time. A station that
/// was accepted or revoked stays.
async fn forget(write: &mut sqlx::SqliteConnection, now_s: i64) -> Result<(), StoreError> {
    let silent = "SELECT fingerprint FROM station WHERE state = 'pending' AND heard_s < $1";
    for sql in [
        format!("DELETE FROM token WHERE netboot = 1 AND used_by IN ({silent})"),
        "DELETE FROM station WHERE state = 'pending' AND heard_s < $1".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now_s - SILENT_SECONDS_MAX)
            .execute(&mut *write)
            .await?;
    }
    sqlx::query("DELETE FROM token WHERE netboot = 1 AND used_by IS NULL AND expires_s <= $1")
        .bind(now_s)
        .execute(&mut *write)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::stations::Enrolment;
    use crate::store::testing::store;
    use report::sign::StationKey;

    async fn enrol(store: &Store, number: i64, now_s: i64) -> (Enrolment, String) {
        let token = format!("t{number}");
        store
            .add_netboot_token(&token, now_s + 1, now_s)
            .await
            .unwrap();
        let key = StationKey::generate().unwrap();
        let enrolled = store.enrol(&token, key.public(), "pc", now_s).await;
        (enrolled.unwrap(), key.fingerprint())
    }

    async fn pending(store: &Store) -> i64 {
        let stations = store.stations().await.unwrap();
        let waits = |station: &&Station| station.state == StationState::Pending;
        i64::try_from(stations.iter().filter(waits).count()).unwrap()
    }

    #[tokio::test]
    async fn stations_of_netboot_that_wait_are_bounded_and_forgotten_when_they_are_silent() {
        let (_folder, store) = store().await;
        let mut fingerprints = Vec::new();
        for number in 0..WAITING_MAX {
            let (enrolled, fingerprint) = enrol(&store, number, 0).await;
            assert!(matches!(enrolled, Enrolment::Station(_)), "{enrolled:?}");
            fingerprints.push(fingerprint);
        }
        let full = enrol(&store, 100, 1).await.0;
        assert_eq!(full, Enrolment::Full);
        // A person's token has its place.
        store.add_token("person", 100).await.unwrap();
        let key = StationKey::generate().unwrap();
        let enrolled = store.enrol("person", key.public(), "bench", 1).await;
        assert!(matches!(enrolled.unwrap(), Enrolment::Station(_)));

        store.accept(&fingerprints[0], 2).await.unwrap();
        let alive = store.station(&fingerprints[1]).await.unwrap().unwrap();
        store.heard(&alive, SILENT_SECONDS_MAX).await.unwrap();
        let later = enrol(&store, 101, SILENT_SECONDS_MAX + 1).await.0;
        assert!(matches!(later, Enrolment::Station(_)), "{later:?}");
        // The one that still asks, the person's, the new one; and the accepted one is there.
        assert_eq!(pending(&store).await, 3);
        assert!(store.station(&fingerprints[0]).await.unwrap().is_some());
        assert!(store.station(&fingerprints[1]).await.unwrap().is_some());
        assert_eq!(store.station(&fingerprints[2]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn token_of_netboot_enrols_one_key_that_waits_and_is_gone_when_its_time_is_over() {
        let (_folder, store) = store().await;
        let enrolled = enrol(&store, 1, 0).await.0;
        let Enrolment::Station(station) = enrolled else {
            panic!("{enrolled:?}");
        };
        assert_eq!(station.state, StationState::Pending);
        let other = StationKey::generate().unwrap();
        let again = store.enrol("t1", other.public(), "b", 0).await.unwrap();
        assert_eq!(again, Enrolment::TokenUsed);

        store.add_netboot_token("t2", 10, 0).await.unwrap();
        let late = store.enrol("t2", other.public(), "b", 10).await.unwrap();
        assert_eq!(late, Enrolment::TokenExpired);
        store.add_netboot_token("t3", 20, 10).await.unwrap();
        let gone = store.enrol("t2", other.public(), "b", 10).await.unwrap();
        assert_eq!(gone, Enrolment::TokenUnknown);
    }
}
