//! SIGKILL of the service while stations upload: what was acknowledged is there exactly once.

use crate::rig::{Service, Station, client, start};
use report::api::{Signed, SignedReceipt};
use report::receipt::open;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use uuid::Uuid;

const UPLOADERS: usize = 4;
const ROUNDS: usize = 8;

struct Sent {
    id: Uuid,
    bytes: String,
    signed: Signed,
}

/// What stations hold in their spools: each report, and the receipts that they got for it.
#[derive(Default)]
struct Spool {
    reports: Vec<Sent>,
    receipts: HashMap<Uuid, HashSet<String>>,
}

/// Composes and sends reports until the service is gone.
fn upload_until_killed(
    address: &str,
    pin: &str,
    station: &Station,
    spool: &Mutex<Spool>,
    killed: &AtomicBool,
    acknowledged: &Sender<()>,
) {
    let client = client(pin);
    while !killed.load(Ordering::SeqCst) {
        let (id, mut report) = station.report();
        // Large enough that a kill often meets a body or a transaction half way.
        report["limits"] = vec!["x".repeat(1000); 300].into();
        let bytes = report.to_string();
        let signed = station.sign_report(bytes.as_bytes());
        spool.lock().unwrap().reports.push(Sent {
            id,
            bytes,
            signed: signed.clone(),
        });
        let sent = client.post(address).json(&signed).send();
        let Ok(response) = sent else { return };
        let status = response.status().as_u16();
        let Ok(text) = response.text() else { return };
        assert_eq!(status, 201, "{text}");
        spool
            .lock()
            .unwrap()
            .receipts
            .entry(id)
            .or_default()
            .insert(text);
        let _ = acknowledged.send(());
    }
}

#[test]
fn killed_service_has_every_acknowledged_report_exactly_once() {
    let (folder, mut service) = Service::fresh();
    let station = service.accepted();
    let key = service.key();
    let spool = Mutex::new(Spool::default());
    for round in 0..ROUNDS {
        let killed = AtomicBool::new(false);
        let (sender, receiver) = channel();
        let address = service.url("/api/v1/reports");
        let pin = service.pin.clone();
        std::thread::scope(|scope| {
            for _ in 0..UPLOADERS {
                let sender = sender.clone();
                let (address, pin, station) = (&address, &pin, &station);
                let (spool, killed) = (&spool, &killed);
                scope.spawn(move || {
                    upload_until_killed(address, pin, station, spool, killed, &sender);
                });
            }
            // Another number of acknowledgements each round: another moment of the others' work.
            for _ in 0..=round * 3 {
                receiver.recv().unwrap();
            }
            service.kill();
            killed.store(true, Ordering::SeqCst);
        });
        service = start(folder.path());
        let output = service.command(&["receipts", "verify"]);
        assert!(output.status.success(), "round {round}: {output:?}");
    }

    // Stations empty their spools: each report again, whether it was acknowledged or not.
    let Spool {
        reports,
        mut receipts,
    } = spool.into_inner().unwrap();
    assert!(receipts.len() >= ROUNDS && receipts.len() < reports.len());
    let client = service.client();
    for sent in &reports {
        let acknowledged = receipts.contains_key(&sent.id);
        let response = client
            .post(service.url("/api/v1/reports"))
            .json(&sent.signed)
            .send()
            .unwrap();
        let status = response.status().as_u16();
        assert!(
            status == 200 || (status == 201 && !acknowledged),
            "{status} {acknowledged}"
        );
        receipts
            .entry(sent.id)
            .or_default()
            .insert(response.text().unwrap());
        assert_eq!(service.stored(sent.id), sent.bytes.as_bytes());
    }
    let mut numbers = HashSet::new();
    for (id, texts) in &receipts {
        assert_eq!(
            texts.len(),
            1,
            "report {id} has several receipts: {texts:?}"
        );
        for text in texts {
            let signed: SignedReceipt = serde_json::from_str(text).unwrap();
            numbers.insert(open(&signed, &key).unwrap().0.number);
        }
    }
    let total = reports.len();
    assert_eq!(numbers, (1..=total as u64).collect::<HashSet<_>>());
    let words = service.run(&["receipts", "verify"]);
    assert!(
        words.starts_with(&format!("receipts verified: {total},")),
        "{words}"
    );
}
