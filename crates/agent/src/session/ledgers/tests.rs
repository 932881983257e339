use super::{Asking, END_TRIES, insist};
use crate::cli;
use crate::i18n::Language;
use crate::session::{Session, Stage};
use crate::survey::Survey;
use crate::ui::{Plan, Service};
use crate::upload::client::{Client, ClientError, Server};
use crate::upload::ledgers::Found;
use crate::upload::pin::Pin;
use crate::upload::spool::Pause;
use crate::work::Order;
use crate::{compose, ledger};
use drive::claim::{Consent, ConsentSource};
use drive::facts::{DriveFacts, HiddenCapacity, Medium, Transport};
use drive::identity::Identity;
use drive::medium::BootMedium;
use report::event::{Event, Line};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;
use wipe::ledger::Mark;
use wipe::outcome::{Conclusion, PassKind, Shortfall};
use wipe::pattern::{Cipher, Seed};

const CAPACITY: u64 = 1 << 30;
const RUN: Uuid = Uuid::from_u128(7);

pub(in crate::session) fn facts() -> DriveFacts {
    DriveFacts {
        bus_path: "pci-0/ata1".into(),
        model: Some("MODEL".into()),
        identity: Identity {
            serial: Some("SERIAL-1".into()),
            ..Identity::default()
        },
        capacity_bytes: CAPACITY,
        medium: Medium::Rotating { rpm: 7200 },
        hidden: HiddenCapacity::NotApplicable,
        ..DriveFacts::unasked("sdz", Transport::Ata)
    }
}

/// The ledger of an erasure of this drive, about two thirds written.
fn found(facts: &DriveFacts) -> Found {
    let start = ledger::Start {
        seed: Seed([7; 32]),
        cipher: Cipher::ChaCha8,
        resumes: None,
        journal: None,
    };
    let mark = Mark {
        mark_bytes: CAPACITY / 3 * 2 / 512 * 512,
        holes: Vec::new(),
    };
    let heading = start.heading(facts, &[PassKind::Pattern]);
    Found {
        drive: ledger::service::name(facts).unwrap(),
        run: RUN,
        sequence: 4,
        document: compose::ledger(&heading, 4, &mark).to_bytes().unwrap(),
    }
}

/// A session that lists this drive, of a station that a service has accepted.
struct Bench {
    folder: TempDir,
    session: Session,
}

impl Bench {
    fn new(facts: &DriveFacts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = folder.path().join("cmdline");
        let port = folder.path().join("events");
        std::fs::write(
            &arguments,
            format!("raz.lang=en raz.events={}", port.display()),
        )
        .unwrap();
        let options = cli::Session {
            arguments,
            configuration: folder.path().join("raz.toml"),
            keys: "/nonexistent".into(),
            spool: folder.path().join("run/spool"),
            key: None,
            tty: None,
        };
        let mut session = Session::begin(&options).unwrap();
        session.looking = None;
        session.survey = Some(Survey {
            drives: vec![facts.clone()],
            boot_medium: BootMedium::NotNamed,
            unseen: Vec::new(),
        });
        // Nobody is there: no call of these tests goes out.
        let server = Server::parse("https://127.0.0.1:9").unwrap();
        session.client = Some(Arc::new(Client::new(server, Pin::of(b"x")).unwrap()));
        session.state.header.service = Service::Accepted;
        session.show_rows();
        Self { folder, session }
    }

    /// The question as it is under way; what answers it.
    fn asks(&mut self, facts: &DriveFacts) -> Sender<Result<Vec<Found>, ClientError>> {
        let (sender, answer) = mpsc::channel();
        self.session.ledgers.asking = Some(Asking {
            drives: vec![ledger::service::name(facts).unwrap()],
            answer,
        });
        sender
    }

    fn hears(&mut self, facts: &DriveFacts, found: Found) {
        self.asks(facts).send(Ok(vec![found])).unwrap();
        self.session.tick_ledgers();
        assert!(self.session.ledgers.asking.is_none(), "it is asked again");
    }

    fn order(&self, facts: &DriveFacts) -> Order {
        Order {
            facts: facts.clone(),
            plan: wipe::plan::plan(facts, &wipe::plan::Wishes::default()),
            consent: Consent {
                id: facts.identity.id(),
                source: ConsentSource::Typed,
            },
            armed_until: None,
            restoration: None,
            thaw: None,
        }
    }

    fn ledger_events(&self) -> Vec<(String, String)> {
        let written = self.session.events.as_ref().unwrap();
        assert!(written.flush(Duration::from_secs(60)));
        let text = std::fs::read_to_string(self.folder.path().join("events")).unwrap();
        text.lines()
            .filter_map(
                |line| match serde_json::from_str::<Line>(line).unwrap().event {
                    Event::Ledger { state, detail, .. } => Some((state, detail)),
                    _ => None,
                },
            )
            .collect()
    }
}

#[test]
fn ledger_of_the_service_is_shown_before_consent_and_gone_on_from() {
    let facts = facts();
    let mut bench = Bench::new(&facts);
    bench.hears(&facts, found(&facts));
    let said = bench.session.state.rows[0].resumes.clone().unwrap();
    assert!(
        said.starts_with("resumes at 66 %: an erasure begun 20"),
        "{said}"
    );
    assert!(said.ends_with("every byte will be read back"), "{said}");
    bench.session.state.language = Language::French;
    bench.session.show_rows();
    let said = bench.session.state.rows[0].resumes.clone().unwrap();
    assert!(said.starts_with("reprise à 66 % :"), "{said}");

    let order = bench.order(&facts);
    let start = bench.session.start(&order).unwrap();
    assert_eq!(start.seed.0, [7; 32]);
    assert_eq!(start.cipher, Cipher::ChaCha8);
    assert!(start.journal.is_some());
    assert_eq!(
        start.resumes.unwrap().mark.mark_bytes,
        CAPACITY / 3 * 2 / 512 * 512
    );
    // It goes on with the run that it resumes, and ends that.
    assert_eq!(bench.session.ledgers.kept[0].runs, [RUN]);
    let states: Vec<_> = bench
        .ledger_events()
        .into_iter()
        .map(|(state, _)| state)
        .collect();
    assert_eq!(states, ["offered", "resumes"]);
}

#[test]
fn ledger_that_does_not_fit_is_named_and_the_run_begins_anew() {
    let facts = facts();
    let mut other_size = facts.clone();
    other_size.capacity_bytes *= 2;
    let mut of_another = found(&other_size);
    of_another.sequence = 9;
    let mut torn = found(&facts);
    torn.document.truncate(100);
    let mut hostile = found(&facts);
    hostile.document = b"\x1b[2J{\"schema\":\"raz-ledger@v1\"}".to_vec();
    for (found, why) in [
        (of_another, "bytes"),
        (torn, "not written to its end"),
        (hostile, "other than"),
    ] {
        let mut bench = Bench::new(&facts);
        bench.hears(&facts, found);
        assert_eq!(bench.session.state.rows[0].resumes, None);
        let message = bench.session.state.message.clone().unwrap();
        assert!(
            message.contains("is ignored") && message.contains(why),
            "{message}"
        );
        let order = bench.order(&facts);
        let start = bench.session.start(&order).unwrap();
        assert!(start.resumes.is_none() && start.journal.is_some());
        assert_ne!(start.seed.0, [7; 32]);
        // With the end of its own run the old one is over, too: its pattern is gone.
        let runs = &bench.session.ledgers.kept[0].runs;
        assert!(
            runs.len() == 2 && runs[0] != RUN && runs[1] == RUN,
            "{runs:?}"
        );
        let events = bench.ledger_events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert!(
            events[0].0 == "ignored" && events[0].1.contains(why),
            "{events:?}"
        );
    }
}

#[test]
fn ledger_makes_no_drive_eligible_and_chooses_none() {
    let mut facts = facts();
    facts.read_only = true;
    let mut bench = Bench::new(&facts);
    bench.hears(&facts, found(&facts));
    let row = &bench.session.state.rows[0];
    assert!(matches!(row.plan, Plan::Refused { .. }));
    assert!(row.resumes.is_none() && !row.selected && !row.consented);

    facts.read_only = false;
    let mut bench = Bench::new(&facts);
    bench.hears(&facts, found(&facts));
    let row = &bench.session.state.rows[0];
    assert!(row.resumes.is_some() && !row.selected && !row.consented);
}

#[test]
fn service_that_does_not_answer_holds_nothing_up_and_is_asked_again() {
    let facts = facts();
    let mut bench = Bench::new(&facts);
    let silent = bench.asks(&facts);
    for _ in 0..100 {
        bench.session.tick_ledgers();
        assert!(bench.session.ledgers.asking.is_some());
    }
    // A run that begins meanwhile begins anew.
    let order = bench.order(&facts);
    assert!(bench.session.start(&order).unwrap().resumes.is_none());
    silent.send(Err(ClientError::Address)).unwrap();
    bench.session.tick_ledgers();
    let asking = bench.session.ledgers.asking.as_ref().unwrap();
    assert_eq!(asking.drives, [ledger::service::name(&facts).unwrap()]);
}

#[test]
fn nothing_is_asked_before_the_station_is_accepted() {
    let facts = facts();
    let mut bench = Bench::new(&facts);
    for state in [
        Service::None,
        Service::Connecting,
        Service::Pending,
        Service::Revoked,
    ] {
        bench.session.state.header.service = state;
        bench.session.tick_ledgers();
        assert!(bench.session.ledgers.asking.is_none(), "{state:?}");
    }
    bench.session.state.header.service = Service::Accepted;
    bench.session.tick_ledgers();
    assert!(bench.session.ledgers.asking.is_some());
}

/// A drive that left is another's affair until it comes back: what was known of it is asked anew.
#[test]
fn drive_that_comes_back_is_asked_for_anew() {
    let facts = facts();
    let mut bench = Bench::new(&facts);
    bench.hears(&facts, found(&facts));
    bench.session.survey.as_mut().unwrap().drives.clear();
    bench.session.tick_ledgers();
    assert!(bench.session.ledgers.found.is_empty());
    bench
        .session
        .survey
        .as_mut()
        .unwrap()
        .drives
        .push(facts.clone());
    bench.session.ledgers.asked = None;
    bench.session.tick_ledgers();
    assert!(bench.session.ledgers.asking.is_some());
}

/// Until the receipt a power cut must still be resumable; what was cut off stays so after it.
#[test]
fn only_ledgers_of_runs_that_reached_their_end_are_over_with_the_report() {
    let report = Uuid::from_u128(1);
    for (conclusion, is_over) in [
        (vec![Shortfall::WriteErrors { bytes: 512 }], true),
        (vec![Shortfall::Interrupted], false),
        (vec![Shortfall::Stalled { seconds: 60 }], false),
        (
            vec![Shortfall::Vanished, Shortfall::WriteErrors { bytes: 512 }],
            false,
        ),
    ] {
        let facts = facts();
        let mut bench = Bench::new(&facts);
        bench.hears(&facts, found(&facts));
        let order = bench.order(&facts);
        bench.session.start(&order).unwrap();
        let mut run = crate::work::not_started(order, String::new()).unwrap();
        run.outcome.conclusion = Conclusion::NotComplete(conclusion.clone());
        bench.session.stage = Stage::Done {
            runs: vec![run],
            report: Some(report),
            place: crate::session::finish::Place::Sending,
            end: crate::session::finish::End::default(),
            kind: bench.session.kind(),
        };
        bench.session.end_ledgers_with(report);
        let ends = bench.session.ledgers.ends.lock()[&report].clone();
        assert_eq!(!ends.is_empty(), is_over, "{conclusion:?}");
    }
}

struct NoPause {
    pauses: AtomicUsize,
    goes_on: bool,
}

impl Pause for NoPause {
    fn pause(&self, _: Duration) -> bool {
        self.pauses.fetch_add(1, Ordering::Relaxed);
        self.goes_on
    }

    fn stopped(&self) -> bool {
        !self.goes_on
    }

    fn fraction(&self) -> f64 {
        0.5
    }
}

#[test]
fn ending_is_tried_a_few_times_and_no_longer_than_the_sending_lasts() {
    for (answers_after, goes_on, calls, ends) in [
        (1, true, 1, true),
        (2, true, 2, true),
        (99, true, END_TRIES, false),
        (99, false, 1, false),
    ] {
        let pause = NoPause {
            pauses: AtomicUsize::new(0),
            goes_on,
        };
        let mut called = 0;
        let ended = insist(&pause, || {
            called += 1;
            if called >= answers_after {
                Ok(())
            } else {
                Err(())
            }
        });
        assert_eq!((called, ended.is_ok()), (calls, ends));
        assert!(pause.pauses.load(Ordering::Relaxed) < END_TRIES);
    }
}
