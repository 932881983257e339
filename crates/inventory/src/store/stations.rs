//! Tokens and stations: enrolled by a token, accepted by a person, revoked for good.

use super::{Store, StoreError, netboot};
use report::api::StationState;
use report::receipt::sha256_hex;
use report::sign::{PublicKey, is_plain_name};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Name of the service itself in `allowed_signers`; no station gets it.
pub const SERVICE_NAME: &str = "raz-inventory";

/// One enrolled station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// `SHA256:…` of its key.
    pub fingerprint: String,
    /// Name that the service gave: a plain name, unique.
    pub name: String,
    /// Its key.
    pub public_key: PublicKey,
    /// Where it stands.
    pub state: StationState,
    /// When it enrolled.
    pub enrolled_s: i64,
    /// When a person accepted it.
    pub accepted_s: Option<i64>,
    /// When a person revoked it.
    pub revoked_s: Option<i64>,
    /// When it was last heard of while it waited, of one that enrolled itself by netboot.
    pub heard_s: Option<i64>,
}

/// The answer to an enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// The station as it stands now.
    Station(Station),
    /// No such token.
    TokenUnknown,
    /// Its time is over.
    TokenExpired,
    /// Another key used it.
    TokenUsed,
    /// The key was revoked.
    Revoked,
    /// Too many that enrolled themselves wait for a person.
    Full,
}

/// The answer to a person's decision on a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Done.
    Done(Station),
    /// No station has this fingerprint.
    Unknown,
    /// It stands so that this cannot be done.
    NotFrom(StationState),
}

impl Store {
    /// Keeps a token's digest.
    pub async fn add_token(&self, token: &str, expires_s: i64) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO token (sha256, expires_s) VALUES ($1, $2)")
            .bind(sha256_hex(token.as_bytes()))
            .bind(expires_s)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends every token that holds and is not used; says how many.
    pub async fn end_tokens(&self, now_s: i64) -> Result<u64, StoreError> {
        let ended =
            sqlx::query("UPDATE token SET expires_s = $1 WHERE used_by IS NULL AND expires_s > $1")
                .bind(now_s)
                .execute(&self.pool)
                .await?;
        Ok(ended.rows_affected())
    }

    /// Uses up a token and enters the station as pending. The same key with the same token again
    /// gets the same answer: its first answer may have been lost.
    pub async fn enrol(
        &self,
        token: &str,
        public_key: &PublicKey,
        wanted_name: &str,
        now_s: i64,
    ) -> Result<Enrolment, StoreError> {
        let fingerprint = public_key.fingerprint();
        // Looked up by digest: how long that takes says nothing of the token.
        let sha256 = sha256_hex(token.as_bytes());
        let mut write = self.write().await?;
        let row = sqlx::query("SELECT expires_s, used_by, netboot FROM token WHERE sha256 = $1")
            .bind(&sha256)
            .fetch_optional(&mut *write)
            .await?;
        let Some(row) = row else {
            return Ok(Enrolment::TokenUnknown);
        };
        let used_by: Option<String> = row.try_get("used_by")?;
        let known = station_in(&mut write, &fingerprint).await?;
        match (used_by, known) {
            (Some(user), Some(station)) if user == fingerprint => match station.state {
                StationState::Revoked => return Ok(Enrolment::Revoked),
                StationState::Pending | StationState::Accepted => {
                    return Ok(Enrolment::Station(station));
                }
            },
            (Some(_), _) => return Ok(Enrolment::TokenUsed),
            (None, _) if row.try_get::<i64, _>("expires_s")? <= now_s => {
                return Ok(Enrolment::TokenExpired);
            }
            (None, Some(station)) if station.state == StationState::Revoked => {
                return Ok(Enrolment::Revoked);
            }
            (None, Some(_)) => {}
            (None, None) => {
                let by_netboot = row.try_get::<i64, _>("netboot")? != 0;
                if by_netboot && !netboot::has_room(&mut write, now_s).await? {
                    return Ok(Enrolment::Full);
                }
                let name = free_name(&mut write, wanted_name).await?;
                sqlx::query(
                    "INSERT INTO station
                         (fingerprint, name, public_key, state, enrolled_s, heard_s)
                     VALUES ($1, $2, $3, 'pending', $4, $5)",
                )
                .bind(&fingerprint)
                .bind(name)
                .bind(public_key.line(""))
                .bind(now_s)
                .bind(by_netboot.then_some(now_s))
                .execute(&mut *write)
                .await?;
            }
        }
        sqlx::query("UPDATE token SET used_by = $1 WHERE sha256 = $2")
            .bind(&fingerprint)
            .bind(&sha256)
            .execute(&mut *write)
            .await?;
        let station = station_in(&mut write, &fingerprint).await?;
        write.commit().await?;
        station
            .map(Enrolment::Station)
            .ok_or_else(|| StoreError::Row(format!("station {fingerprint} is gone")))
    }

    /// The station with this key fingerprint.
    pub async fn station(&self, fingerprint: &str) -> Result<Option<Station>, StoreError> {
        sqlx::query("SELECT * FROM station WHERE fingerprint = $1")
            .bind(fingerprint)
            .fetch_optional(&self.pool)
            .await?
            .map(read)
            .transpose()
    }

    /// All stations: those that wait first, then the newest.
    pub async fn stations(&self) -> Result<Vec<Station>, StoreError> {
        sqlx::query(
            "SELECT * FROM station
             ORDER BY CASE state WHEN 'pending' THEN 0 ELSE 1 END, enrolled_s DESC, name",
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(read)
        .collect()
    }

    /// A person compared the fingerprint on both screens.
    pub async fn accept(&self, fingerprint: &str, now_s: i64) -> Result<Decision, StoreError> {
        let mut write = self.write().await?;
        let Some(station) = station_in(&mut write, fingerprint).await? else {
            return Ok(Decision::Unknown);
        };
        match station.state {
            StationState::Pending => {}
            StationState::Accepted => return Ok(Decision::Done(station)),
            // Its old signatures would become valid again, and its key may be in other hands.
            StationState::Revoked => return Ok(Decision::NotFrom(StationState::Revoked)),
        }
        sqlx::query(
            "UPDATE station SET state = 'accepted', accepted_s = $1 WHERE fingerprint = $2",
        )
        .bind(now_s)
        .bind(fingerprint)
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        let accepted = Station {
            state: StationState::Accepted,
            accepted_s: Some(now_s),
            ..station
        };
        Ok(Decision::Done(accepted))
    }

    /// The station's key counts no longer, for good.
    pub async fn revoke(&self, fingerprint: &str, now_s: i64) -> Result<Decision, StoreError> {
        let mut write = self.write().await?;
        let Some(station) = station_in(&mut write, fingerprint).await? else {
            return Ok(Decision::Unknown);
        };
        match station.state {
            StationState::Pending | StationState::Accepted => {}
            StationState::Revoked => return Ok(Decision::Done(station)),
        }
        // ssh-keygen refuses a line whose valid-before is not after its valid-after.
        let now_s = now_s.max(
            station
                .accepted_s
                .map_or(now_s, |accepted_s| accepted_s + 1),
        );
        sqlx::query("UPDATE station SET state = 'revoked', revoked_s = $1 WHERE fingerprint = $2")
            .bind(now_s)
            .bind(fingerprint)
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(Decision::Done(Station {
            state: StationState::Revoked,
            revoked_s: Some(now_s),
            ..station
        }))
    }
}

/// The station as it stands inside a write.
pub(super) async fn station_in(
    write: &mut sqlx::SqliteConnection,
    fingerprint: &str,
) -> Result<Option<Station>, StoreError> {
    sqlx::query("SELECT * FROM station WHERE fingerprint = $1")
        .bind(fingerprint)
        .fetch_optional(write)
        .await?
        .map(read)
        .transpose()
}

fn read(row: SqliteRow) -> Result<Station, StoreError> {
    let public_key: String = row.try_get("public_key")?;
    let state: String = row.try_get("state")?;
    let state = match state.as_str() {
        "pending" => StationState::Pending,
        "accepted" => StationState::Accepted,
        "revoked" => StationState::Revoked,
        _ => return Err(StoreError::Row(format!("station state {state:?}"))),
    };
    Ok(Station {
        fingerprint: row.try_get("fingerprint")?,
        name: row.try_get("name")?,
        public_key: PublicKey::parse_line(&public_key)
            .map_err(|error| StoreError::Row(error.to_string()))?,
        state,
        enrolled_s: row.try_get("enrolled_s")?,
        accepted_s: row.try_get("accepted_s")?,
        revoked_s: row.try_get("revoked_s")?,
        heard_s: row.try_get("heard_s")?,
    })
}

/// The wanted name made plain, with a number when it is taken.
async fn free_name(write: &mut sqlx::SqliteConnection, wanted: &str) -> Result<String, StoreError> {
    let base = plain(wanted);
    let taken: Vec<String> = sqlx::query_scalar("SELECT name FROM station")
        .fetch_all(write)
        .await?;
    let free = |name: &String| {
        !name.eq_ignore_ascii_case(SERVICE_NAME)
            && !taken.iter().any(|other| other.eq_ignore_ascii_case(name))
    };
    let numbered = (2_u64..).map(|number| format!("{base}-{number}"));
    let name = std::iter::once(base.clone()).chain(numbered).find(free);
    Ok(name.unwrap_or(base))
}

fn plain(wanted: &str) -> String {
    let kept: String = wanted
        .trim()
        .chars()
        .map(|c| {
            if is_plain_name(&format!("a{c}")) {
                c
            } else {
                '-'
            }
        })
        .take(48)
        .collect();
    match kept.trim_matches('-') {
        "" => "station".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::store;
    use report::sign::StationKey;

    fn station(enrolment: Enrolment) -> Station {
        match enrolment {
            Enrolment::Station(station) => station,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn token_enrols_one_key_until_it_expires() {
        let (_folder, store) = store().await;
        let (a, b) = (
            StationKey::generate().unwrap(),
            StationKey::generate().unwrap(),
        );
        store.add_token("t", 100).await.unwrap();
        let first = station(store.enrol("t", a.public(), "banc 2", 99).await.unwrap());
        assert_eq!(
            (first.name.as_str(), first.state),
            ("banc-2", StationState::Pending)
        );
        let again = station(store.enrol("t", a.public(), "other", 500).await.unwrap());
        assert_eq!(again, first, "a retry gets the first answer, also later");
        let other = store.enrol("t", b.public(), "b", 99).await.unwrap();
        assert_eq!(other, Enrolment::TokenUsed);

        store.add_token("u", 100).await.unwrap();
        let late = store.enrol("u", b.public(), "b", 100).await.unwrap();
        assert_eq!(late, Enrolment::TokenExpired);
        let unknown = store.enrol("v", b.public(), "b", 0).await.unwrap();
        assert_eq!(unknown, Enrolment::TokenUnknown);
        assert_eq!(store.stations().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn names_become_plain_and_unique() {
        let (_folder, store) = store().await;
        let wanted = [
            "raz-inventory",
            "Banc",
            "banc",
            "<b>'; DROP TABLE station",
            "é*",
            "",
        ];
        let mut names = Vec::new();
        for (number, name) in wanted.iter().enumerate() {
            let token = number.to_string();
            store.add_token(&token, 100).await.unwrap();
            let key = StationKey::generate().unwrap();
            let enrolment = store.enrol(&token, key.public(), name, 0).await.unwrap();
            names.push(station(enrolment).name);
        }
        let given = [
            "raz-inventory-2",
            "Banc",
            "banc-2",
            "b----DROP-TABLE-station",
            "station",
            "station-2",
        ];
        assert_eq!(names, given);
        assert!(names.iter().all(|name| is_plain_name(name)));
    }

    #[tokio::test]
    async fn revoked_is_for_good() {
        let (_folder, store) = store().await;
        let key = StationKey::generate().unwrap();
        let fingerprint = key.fingerprint();
        for token in ["t", "u"] {
            store.add_token(token, 100).await.unwrap();
        }
        assert_eq!(
            store.accept(&fingerprint, 0).await.unwrap(),
            Decision::Unknown
        );
        store.enrol("t", key.public(), "a", 0).await.unwrap();
        store.accept(&fingerprint, 1).await.unwrap();
        store.revoke(&fingerprint, 1).await.unwrap();
        let again = store.accept(&fingerprint, 3).await.unwrap();
        assert_eq!(again, Decision::NotFrom(StationState::Revoked));
        for token in ["t", "u"] {
            let enrolment = store.enrol(token, key.public(), "a", 3).await.unwrap();
            assert_eq!(enrolment, Enrolment::Revoked);
        }
        let stored = store.station(&fingerprint).await.unwrap().unwrap();
        assert_eq!((stored.accepted_s, stored.revoked_s), (Some(1), Some(2)));
    }
}
