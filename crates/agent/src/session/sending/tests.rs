use super::{Tell, Teller, Told, send_all};
use crate::i18n::Words;
use crate::upload::client::Posted;
use crate::upload::spool::{Pause, SpoolError};
use std::sync::mpsc;
use std::time::Duration;
use uuid::Uuid;

const OURS: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn refused() -> Posted {
    Posted::Refused {
        status: 403,
        problem: Words::verbatim("the station is revoked"),
    }
}

/// What an attempt brought is not what a drain goes by.
fn waits() -> Posted {
    Posted::Retry {
        why: Words::verbatim("busy"),
    }
}

/// Passes at once.
struct AtOnce;

impl Pause for AtOnce {
    fn pause(&self, _duration: Duration) -> bool {
        true
    }

    fn stopped(&self) -> bool {
        false
    }

    fn fraction(&self) -> f64 {
        1.0
    }
}

/// The attempts of a drain, and how many reports it leaves.
type Drain = (Vec<(Uuid, Posted)>, Result<usize, SpoolError>);

/// What is told of these drains.
fn told(drains: Vec<Drain>) -> Vec<Told> {
    let (sender, heard) = mpsc::channel();
    let mut drains = drains.into_iter();
    let drain = |tell: &mut Tell<'_>| {
        let (attempts, left) = drains.next().expect("no drain is left to be made");
        for (id, posted) in &attempts {
            tell(*id, posted);
        }
        left
    };
    send_all(drain, &AtOnce, &sender);
    drop(sender);
    heard.iter().collect()
}

#[test]
fn each_drain_that_is_over_says_what_the_service_refused() {
    let all = told(vec![
        (vec![(OTHER, waits()), (OURS, refused())], Ok(1)),
        (vec![(OURS, refused())], Ok(1)),
        // Stored while the drain was under way, and not tried by it.
        (vec![], Ok(1)),
        (vec![(OURS, waits())], Ok(0)),
    ]);
    let overs: Vec<Vec<Uuid>> = all
        .iter()
        .filter_map(|told| match told {
            Told::Over(refused) => Some(refused.keys().copied().collect()),
            Told::Attempt(..) | Told::LedgerOpen { .. } | Told::Failed(_) => None,
        })
        .collect();
    assert_eq!(overs, [vec![OURS], vec![OURS], vec![]]);
    assert_eq!(all.len(), 4 + 3, "{all:?}");
}

#[test]
fn spool_that_fails_is_told_and_tried_again() {
    let failure = SpoolError::Receipt { report_id: OURS };
    let all = told(vec![(vec![], Err(failure)), (vec![(OURS, waits())], Ok(0))]);
    assert!(matches!(&all[0], Told::Failed(why) if why.contains("not base64")));
    assert!(matches!(&all[2], Told::Over(refused) if refused.is_empty()));
}

/// Otherwise the end of the run would be waited for for ever.
#[test]
fn thread_that_falls_is_told() {
    let (sender, heard) = mpsc::channel();
    let fallen = std::thread::spawn(move || {
        let _teller = Teller(sender);
        panic!("on purpose");
    });
    assert!(fallen.join().is_err());
    assert!(matches!(heard.recv(), Ok(Told::Failed(_))));
}
