//! Nothing is lost: power cuts at any point, a service that is down, an answer that is lost.

use crate::service::{BOTH, Book, Listener, Proof, Reply, report};
use agent::upload::client::{Client, Posted, Server};
use agent::upload::spool::{Backoff, EntryState, Pause, Spool, SpoolError, Stop};
use report::sign::StationKey;
use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// A pause that passes at once and does what the test says.
struct Scripted<Script> {
    waited: RefCell<Vec<Duration>>,
    script: RefCell<Script>,
}

impl<Script: FnMut(usize) -> bool> Scripted<Script> {
    fn new(script: Script) -> Self {
        Self {
            waited: RefCell::default(),
            script: RefCell::new(script),
        }
    }
}

impl<Script: FnMut(usize) -> bool> Pause for Scripted<Script> {
    fn pause(&self, duration: Duration) -> bool {
        self.waited.borrow_mut().push(duration);
        (self.script.borrow_mut())(self.waited.borrow().len())
    }

    fn stopped(&self) -> bool {
        false
    }

    fn fraction(&self) -> f64 {
        1.0
    }
}

fn never() -> Scripted<impl FnMut(usize) -> bool> {
    Scripted::new(|_| panic!("a pause was not expected"))
}

struct Bench {
    home: TempDir,
    key: StationKey,
    spool: Spool,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::open(&home.path().join("spool")).unwrap();
        Self {
            home,
            key: StationKey::generate().unwrap(),
            spool,
        }
    }

    fn store(&self) -> (Uuid, Vec<u8>) {
        let id = Uuid::new_v4();
        let (bytes, signature) = report(&self.key, id);
        self.spool
            .store(id, &bytes, &signature, "signers\n")
            .unwrap();
        (id, bytes)
    }

    fn state(&self, id: Uuid) -> EntryState {
        let entries = self.spool.entries().unwrap();
        entries
            .into_iter()
            .find(|entry| entry.report_id == id)
            .unwrap()
            .state
    }

    fn folder(&self, id: Uuid) -> std::path::PathBuf {
        self.home.path().join("spool").join(id.to_string())
    }

    fn client(&self, listener: &Listener, pin: &Proof, book: &Arc<Mutex<Book>>) -> Client {
        let service_key = book.lock().unwrap().key.public().clone();
        listener.client(pin.pin()).with_service_key(service_key)
    }
}

fn drain(spool: &Spool, client: &Client, pause: &dyn Pause) -> (usize, Vec<String>) {
    let mut told = Vec::new();
    let left = spool
        .drain(client, Backoff::default(), pause, &mut |_, posted| {
            told.push(match posted {
                Posted::Accepted { .. } => "accepted".to_owned(),
                Posted::Retry { .. } => "retry".to_owned(),
                Posted::Refused { status, .. } => format!("refused {status}"),
            });
        })
        .unwrap();
    (left, told)
}

#[test]
fn a_stored_report_is_there_byte_for_byte_and_unsent() {
    let bench = Bench::new();
    let (id, bytes) = bench.store();
    let folder = bench.folder(id);
    assert_eq!(fs::read(folder.join("report.json")).unwrap(), bytes);
    assert!(
        fs::read_to_string(folder.join("report.json.sig"))
            .unwrap()
            .starts_with("-----BEGIN SSH")
    );
    assert_eq!(
        fs::read_to_string(folder.join("allowed_signers")).unwrap(),
        "signers\n"
    );
    assert_eq!(bench.state(id), EntryState::Unsent);
    let again = bench.spool.store(id, &bytes, "other", "other").unwrap();
    assert_eq!(again, folder);
    assert_ne!(
        fs::read_to_string(folder.join("report.json.sig")).unwrap(),
        "other"
    );
}

#[test]
fn an_id_never_gets_other_bytes() {
    let bench = Bench::new();
    let (id, bytes) = bench.store();
    let other = bench.spool.store(id, b"{}", "sig", "signers");
    assert!(matches!(other, Err(SpoolError::OtherBytes { report_id }) if report_id == id));
    assert_eq!(
        fs::read(bench.folder(id).join("report.json")).unwrap(),
        bytes
    );
}

#[test]
fn a_power_cut_while_storing_leaves_nothing_that_looks_stored() {
    let bench = Bench::new();
    let id = Uuid::new_v4();
    let (bytes, signature) = report(&bench.key, id);
    let partial = bench
        .home
        .path()
        .join("spool")
        .join(format!(".{id}.partial"));
    let cuts: [&[(&str, &[u8])]; 4] = [
        &[],
        &[("report.json", &bytes[..5])],
        &[("report.json", &bytes), ("report.json.sig", b"")],
        &[
            ("report.json", &bytes),
            ("report.json.sig", signature.as_bytes()),
            ("allowed_signers", b"s"),
        ],
    ];
    for files in cuts {
        fs::create_dir(&partial).unwrap();
        for (name, bytes) in files {
            fs::write(partial.join(name), bytes).unwrap();
        }
        assert_eq!(bench.spool.entries().unwrap(), vec![]);
        bench
            .spool
            .store(id, &bytes, &signature, "signers")
            .unwrap();
        assert_eq!(bench.state(id), EntryState::Unsent);
        assert_eq!(
            fs::read(bench.folder(id).join("report.json")).unwrap(),
            bytes
        );
        assert!(!partial.exists());
        fs::remove_dir_all(bench.folder(id)).unwrap();
    }
}

/// Takes a folder that holds report and whole receipt, and cuts it back to each earlier state.
#[test]
fn a_power_cut_while_storing_the_receipt_leaves_the_report_unsent_and_sendable() {
    let bench = Bench::new();
    let (id, bytes) = bench.store();
    let proof = Proof::new("raz.example");
    let book = Book::new(&bench.key);
    let theirs = Arc::clone(&book);
    let listener = Listener::start(&proof, move |request| theirs.lock().unwrap().take(&request));
    let client = bench.client(&listener, &proof, &book);
    assert_eq!(
        drain(&bench.spool, &client, &never()),
        (0, vec!["accepted".into()])
    );
    assert_eq!(bench.state(id), EntryState::Sent);
    let folder = bench.folder(id);
    let receipt = fs::read(folder.join("receipt.json")).unwrap();
    let signature = fs::read(folder.join("receipt.json.sig")).unwrap();
    type Cut<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>);
    let cuts: Vec<Cut<'_>> = vec![
        (
            "neither",
            Box::new(|folder| {
                fs::remove_file(folder.join("receipt.json")).unwrap();
                fs::remove_file(folder.join("receipt.json.sig")).unwrap();
            }),
        ),
        (
            "signature only",
            Box::new(|folder| fs::remove_file(folder.join("receipt.json")).unwrap()),
        ),
        (
            "half written aside",
            Box::new(|folder| {
                fs::remove_file(folder.join("receipt.json")).unwrap();
                fs::write(folder.join(".receipt.json.partial"), &receipt[..9]).unwrap();
            }),
        ),
        (
            "emptied by the file system",
            Box::new(|folder| fs::write(folder.join("receipt.json"), b"").unwrap()),
        ),
        (
            "half of it",
            Box::new(|folder| {
                fs::write(folder.join("receipt.json"), &receipt[..receipt.len() / 2]).unwrap()
            }),
        ),
        (
            "signature empty",
            Box::new(|folder| fs::write(folder.join("receipt.json.sig"), b"").unwrap()),
        ),
    ];
    for (name, cut) in cuts {
        cut(&folder);
        assert_eq!(bench.state(id), EntryState::Unsent, "{name}");
        assert_eq!(
            drain(&bench.spool, &client, &never()),
            (0, vec!["accepted".into()]),
            "{name}"
        );
        assert_eq!(bench.state(id), EntryState::Sent, "{name}");
        assert_eq!(
            fs::read(folder.join("receipt.json")).unwrap(),
            receipt,
            "{name}"
        );
        assert_eq!(
            fs::read(folder.join("receipt.json.sig")).unwrap(),
            signature,
            "{name}"
        );
        assert_eq!(
            fs::read(folder.join("report.json")).unwrap(),
            bytes,
            "{name}"
        );
    }
    assert_eq!(book.lock().unwrap().reports.len(), 1);
}

#[test]
fn a_receipt_for_other_bytes_does_not_count() {
    let bench = Bench::new();
    let (first, _) = bench.store();
    let (second, _) = bench.store();
    let proof = Proof::new("raz.example");
    let book = Book::new(&bench.key);
    let theirs = Arc::clone(&book);
    let listener = Listener::start(&proof, move |request| theirs.lock().unwrap().take(&request));
    let client = bench.client(&listener, &proof, &book);
    assert_eq!(drain(&bench.spool, &client, &never()).0, 0);
    fs::copy(
        bench.folder(first).join("receipt.json"),
        bench.folder(second).join("receipt.json"),
    )
    .unwrap();
    assert_eq!(bench.state(second), EntryState::Unsent);
}

#[test]
fn what_cannot_be_sent_is_listed_as_damaged_with_the_reason() {
    let bench = Bench::new();
    let cases: [(&str, Option<&[u8]>); 4] = [
        ("report.json", None),
        ("report.json", Some(b"")),
        ("report.json.sig", None),
        ("report.json.sig", Some(b"")),
    ];
    for (name, bytes) in cases {
        let (id, _) = bench.store();
        let file = bench.folder(id).join(name);
        match bytes {
            Some(bytes) => fs::write(file, bytes).unwrap(),
            None => fs::remove_file(file).unwrap(),
        }
        match bench.state(id) {
            EntryState::Damaged(why) => assert!(why.starts_with(name), "{why}"),
            state => panic!("{name}: {state:?}"),
        }
    }
    fs::write(bench.home.path().join("spool/notes.txt"), "x").unwrap();
    assert_eq!(bench.spool.entries().unwrap().len(), 4);
    assert_eq!(bench.spool.unsent().unwrap(), vec![]);
}

#[test]
fn a_service_that_comes_back_gets_every_report_once() {
    let bench = Bench::new();
    let stored = [bench.store(), bench.store()];
    let proof = Proof::new("raz.example");
    let book = Book::new(&bench.key);
    let gone = Listener::start(&proof, |_| Reply::Close);
    let address = gone.address;
    let client = bench.client(&gone, &proof, &book);
    drop(gone);
    let (theirs, back) = (Arc::clone(&book), RefCell::new(None));
    let pause = Scripted::new(|pauses| {
        if pauses == 3 {
            let theirs = Arc::clone(&theirs);
            let take = move |request| theirs.lock().unwrap().take(&request);
            *back.borrow_mut() = Some(Listener::start_at(address, &proof, BOTH, take));
        }
        true
    });
    let (left, told) = drain(&bench.spool, &client, &pause);
    assert_eq!(left, 0);
    assert_eq!(
        told.iter().filter(|word| *word == "accepted").count(),
        2,
        "{told:?}"
    );
    assert_eq!(*pause.waited.borrow(), [1, 2, 4].map(Duration::from_secs));
    let book = book.lock().unwrap();
    assert_eq!(book.arrived.len(), 2);
    for (id, bytes) in stored {
        assert_eq!(book.reports[&id].0, bytes);
        assert_eq!(bench.state(id), EntryState::Sent);
    }
}

#[test]
fn an_answer_lost_after_the_service_stored_it_is_asked_for_again_with_the_same_bytes() {
    let bench = Bench::new();
    let (id, bytes) = bench.store();
    let proof = Proof::new("raz.example");
    let book = Book::new(&bench.key);
    let theirs = Arc::clone(&book);
    let listener = Listener::start(&proof, move |request| {
        let mut book = theirs.lock().unwrap();
        let reply = book.take(&request);
        if book.arrived.len() == 1 {
            Reply::Close
        } else {
            reply
        }
    });
    let client = bench.client(&listener, &proof, &book);
    let pause = Scripted::new(|_| true);
    assert_eq!(
        drain(&bench.spool, &client, &pause),
        (0, vec!["retry".into(), "accepted".into()])
    );
    drop(listener);
    let book = book.lock().unwrap();
    assert_eq!(book.arrived, [bytes.clone(), bytes]);
    assert_eq!(book.last.number, 1, "one receipt for one report");
    let receipt = fs::read(bench.folder(id).join("receipt.json")).unwrap();
    assert_eq!(report::receipt::sha256_hex(&receipt), book.last.sha256);
}

#[test]
fn a_refused_report_stays_and_holds_up_no_other() {
    let bench = Bench::new();
    let ids = [bench.store().0, bench.store().0, bench.store().0];
    let bad = *ids.iter().min().unwrap();
    let proof = Proof::new("raz.example");
    let book = Book::new(&bench.key);
    let theirs = Arc::clone(&book);
    let listener = Listener::start(&proof, move |request| {
        let reply = theirs.lock().unwrap().take(&request);
        if theirs.lock().unwrap().arrived.len() == 1 {
            return Reply::problem(422, "schema", "not a report");
        }
        reply
    });
    let client = bench.client(&listener, &proof, &book);
    let (left, told) = drain(&bench.spool, &client, &never());
    assert_eq!(
        (left, told),
        (
            1,
            vec!["refused 422".into(), "accepted".into(), "accepted".into()]
        )
    );
    assert_eq!(bench.state(bad), EntryState::Unsent);
    assert_eq!(
        drain(&bench.spool, &client, &never()),
        (0, vec!["accepted".into()])
    );
}

#[test]
fn stopping_leaves_everything_in_the_spool() {
    let bench = Bench::new();
    let (id, bytes) = bench.store();
    let server = Server::parse("https://127.0.0.1:1").unwrap();
    let client = Client::new(server, Proof::new("x").pin()).unwrap();
    let pause = Scripted::new(|pauses| pauses < 10);
    let (left, told) = drain(&bench.spool, &client, &pause);
    assert_eq!((left, told.len()), (1, 10));
    let seconds: Vec<u64> = pause
        .waited
        .borrow()
        .iter()
        .map(Duration::as_secs)
        .collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    assert_eq!(
        fs::read(bench.folder(id).join("report.json")).unwrap(),
        bytes
    );
    let stop = Stop::default();
    stop.stop();
    assert_eq!(drain(&bench.spool, &client, &stop), (1, vec![]));
}

#[test]
fn stop_ends_a_wait_under_way() {
    let stop = Arc::new(Stop::default());
    let theirs = Arc::clone(&stop);
    let waiting = std::thread::spawn(move || theirs.pause(Duration::from_secs(86_400)));
    stop.stop();
    assert!(!waiting.join().unwrap());
    assert!(stop.stopped());
}

#[test]
fn pauses_are_between_half_and_whole_and_never_overflow() {
    let backoff = Backoff::default();
    assert_eq!(backoff.delay(0, 0.0), Duration::from_millis(500));
    assert_eq!(backoff.delay(3, 1.0), Duration::from_secs(8));
    assert_eq!(backoff.delay(u32::MAX, 1.0), Duration::from_secs(60));
    assert_eq!(backoff.delay(31, 0.5), Duration::from_secs(45));
}
