//! Arming: a person allows unattended erasing, until a time and for a number of machines.
//!
//! One of the two keys of an unattended erase. At most one arming holds at a time; a new one
//! replaces it. Past ones stay on record.

use super::stations::station_in;
use super::{Store, StoreError};
use report::api::StationState;
use sqlx::Row;

/// The arming that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Its number, from 1.
    pub number: i64,
    /// Its end.
    pub until_s: i64,
    /// Most machines.
    pub machines_max: i64,
    /// Machines so far.
    pub machines: i64,
}

/// The answer to one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, until then.
    Yes {
        /// End of the arming.
        until_s: i64,
    },
    /// Nobody armed, or the time is over.
    NotArmed,
    /// The number of machines is reached.
    Full(Armed),
    /// The query names no machine, so that it cannot be counted.
    NoMachine,
    /// The station is not accepted (any more).
    NotAccepted,
}

impl Store {
    /// Arms, in place of an arming that holds.
    pub async fn arm(
        &self,
        until_s: i64,
        machines_max: u32,
        now_s: i64,
    ) -> Result<Armed, StoreError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE arming SET disarmed_s = $1 WHERE disarmed_s IS NULL")
            .bind(now_s)
            .execute(&mut *write)
            .await?;
        let number: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(number), 0) + 1 FROM arming")
            .fetch_one(&mut *write)
            .await?;
        sqlx::query(
            "INSERT INTO arming (number, armed_s, until_s, machines_max) VALUES ($1, $2, $3, $4)",
        )
        .bind(number)
        .bind(now_s)
        .bind(until_s)
        .bind(i64::from(machines_max))
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(Armed {
            number,
            until_s,
            machines_max: i64::from(machines_max),
            machines: 0,
        })
    }

    /// Ends the arming that holds; false when none did.
    pub async fn disarm(&self, now_s: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE arming SET disarmed_s = $1 WHERE disarmed_s IS NULL AND until_s > $1",
        )
        .bind(now_s)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The arming that holds now.
    pub async fn armed(&self, now_s: i64) -> Result<Option<Armed>, StoreError> {
        armed_in(&mut *self.pool.acquire().await?, now_s).await
    }

    /// Whether this machine may be erased unattended; a machine counts once in each arming.
    pub async fn ask(
        &self,
        machine: &str,
        fingerprint: &str,
        now_s: i64,
    ) -> Result<Answer, StoreError> {
        let machine = machine.trim();
        if machine.is_empty() {
            return Ok(Answer::NoMachine);
        }
        let mut write = self.write().await?;
        match station_in(&mut write, fingerprint)
            .await?
            .map(|station| station.state)
        {
            Some(StationState::Accepted) => {}
            Some(StationState::Pending | StationState::Revoked) | None => {
                return Ok(Answer::NotAccepted);
            }
        }
        let Some(armed) = armed_in(&mut write, now_s).await? else {
            return Ok(Answer::NotArmed);
        };
        let counted: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM arming_machine WHERE arming_number = $1 AND machine = $2",
        )
        .bind(armed.number)
        .bind(machine)
        .fetch_one(&mut *write)
        .await?;
        if counted == 0 {
            if armed.machines >= armed.machines_max {
                return Ok(Answer::Full(armed));
            }
            sqlx::query(
                "INSERT INTO arming_machine (arming_number, machine, fingerprint, first_s)
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(armed.number)
            .bind(machine)
            .bind(fingerprint)
            .bind(now_s)
            .execute(&mut *write)
            .await?;
            write.commit().await?;
        }
        Ok(Answer::Yes {
            until_s: armed.until_s,
        })
    }
}

async fn armed_in(
    connection: &mut sqlx::SqliteConnection,
    now_s: i64,
) -> Result<Option<Armed>, StoreError> {
    let row = sqlx::query(
        "SELECT number, until_s, machines_max,
                (SELECT COUNT(*) FROM arming_machine WHERE arming_number = number) AS machines
         FROM arming
         WHERE disarmed_s IS NULL AND until_s > $1
         ORDER BY number DESC LIMIT 1",
    )
    .bind(now_s)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Armed {
        number: row.try_get("number")?,
        until_s: row.try_get("until_s")?,
        machines_max: row.try_get("machines_max")?,
        machines: row.try_get("machines")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::store;
    use report::sign::StationKey;

    async fn accepted(store: &Store, token: &str) -> String {
        let key = StationKey::generate().unwrap();
        store.add_token(token, 10).await.unwrap();
        store.enrol(token, key.public(), "a", 0).await.unwrap();
        store.accept(&key.fingerprint(), 0).await.unwrap();
        key.fingerprint()
    }

    #[tokio::test]
    async fn arming_holds_until_its_time_for_its_number_of_machines() {
        let (_folder, store) = store().await;
        let station = accepted(&store, "t").await;
        let ask = async |machine: &str, now_s| store.ask(machine, &station, now_s).await.unwrap();
        assert_eq!(ask("m1", 0).await, Answer::NotArmed);
        store.arm(100, 2, 0).await.unwrap();
        assert_eq!(ask("m1", 1).await, Answer::Yes { until_s: 100 });
        assert_eq!(ask("m1", 2).await, Answer::Yes { until_s: 100 });
        assert_eq!(ask(" ", 2).await, Answer::NoMachine);
        assert_eq!(ask("m2", 99).await, Answer::Yes { until_s: 100 });
        assert!(matches!(ask("m3", 99).await, Answer::Full(_)));
        assert_eq!(
            ask("m1", 100).await,
            Answer::NotArmed,
            "the end itself is over"
        );

        let second = store.arm(200, 1, 100).await.unwrap();
        assert_eq!((second.number, second.machines), (2, 0));
        assert_eq!(ask("m3", 101).await, Answer::Yes { until_s: 200 });
        assert!(store.disarm(102).await.unwrap());
        assert!(!store.disarm(103).await.unwrap());
        assert_eq!(ask("m3", 103).await, Answer::NotArmed);
    }

    #[tokio::test]
    async fn only_accepted_stations_are_armed() {
        let (_folder, store) = store().await;
        store.arm(100, 9, 0).await.unwrap();
        assert_eq!(
            store.ask("m", "SHA256:none", 1).await.unwrap(),
            Answer::NotAccepted
        );
        let pending = StationKey::generate().unwrap();
        store.add_token("p", 10).await.unwrap();
        store.enrol("p", pending.public(), "a", 0).await.unwrap();
        let answer = store.ask("m", &pending.fingerprint(), 1).await.unwrap();
        assert_eq!(answer, Answer::NotAccepted);
        let station = accepted(&store, "t").await;
        store.revoke(&station, 1).await.unwrap();
        assert_eq!(
            store.ask("m", &station, 1).await.unwrap(),
            Answer::NotAccepted
        );
        assert_eq!(store.armed(1).await.unwrap().unwrap().machines, 0);
    }

    #[tokio::test]
    async fn machines_that_ask_at_once_never_exceed_the_number() {
        let (_folder, store) = store().await;
        let station = accepted(&store, "t").await;
        store.arm(100, 3, 0).await.unwrap();
        let asking: Vec<_> = (0..12)
            .map(|number| {
                let (store, station) = (store.clone(), station.clone());
                tokio::spawn(async move { store.ask(&format!("m{number}"), &station, 1).await })
            })
            .collect();
        let mut yes = 0;
        for answer in asking {
            yes += usize::from(matches!(answer.await.unwrap().unwrap(), Answer::Yes { .. }));
        }
        assert_eq!(yes, 3);
    }
}
