//! Simulated NVMe drives with TCG before the shipped kernel, whose own sed-opal speaks the sessions,
//! and the shipped raz: what they physically hold is looked at here.

use std::fs;
use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
use lab::bench::{Bench, scenario};
use lab::fabric::Subsystem;
use lab::guest::{Guest, Said, Setup};
use lab::scenario::Audit;
use lab::truth::{contents, is_as_reported};
use lab::wire::nvme_tcp::Target;
use report::schema::{Level, OutcomeWord};
use serde_json::Value;
use sim::clock::Clock;
use sim::nvme::NvmeDrive;
use sim::nvme::options::Options;
use sim::tcg::{self, Lies, Owner};

const SECRET: &[u8] = b"OLD-BYTES";
const SECTORS: u64 = 8 << 11;
const SPARES: u64 = 512;
/// Sectors of the shadow MBR.
const SHADOW: u64 = 256;
const PSID: &str = "VUTSRQPONMLKJIHGFEDCBA9876543210";
const WRONG: &str = "VUTSRQPONMLKJIHGFEDCBA9876543211";

/// A drive behind a target, whose owner has locked it, with old bytes in every place.
struct Owned {
    serial: &'static str,
    drive: Arc<Mutex<NvmeDrive>>,
    /// Connections are served as long as it is there.
    _target: Target,
    subsystem: Subsystem,
}

impl Owned {
    fn new(serial: &'static str, lies: Lies) -> anyhow::Result<Self> {
        let owner = Owner {
            ranges: vec![0..SECTORS / 2, SECTORS / 2..SECTORS],
            shadow_mbr: Some(vec![0; usize::try_from(SHADOW * 512)?]),
            is_open: false,
        };
        let mut options = Options {
            serial: serial.into(),
            spares: SPARES,
            tcg: Some(tcg::Options {
                psid: PSID.as_bytes().try_into()?,
                owner: Some(owner),
                lies,
                ..tcg::Options::default()
            }),
            ..Options::default()
        };
        // The kernel takes no two namespaces of one name.
        for (name, byte) in options.nguid.iter_mut().zip(serial.bytes()) {
            *name = byte;
        }
        for (name, byte) in options.eui64.iter_mut().zip(serial.bytes().rev()) {
            *name = byte;
        }
        options.namespaces[0].sectors = SECTORS;
        options.switches.over_fabrics = true;
        let mut drive = NvmeDrive::new(options, Clock::by_hand());
        let cells = drive.cells_mut(1).context("a namespace")?;
        for round in 0..2_u64 {
            for address in 0..cells.addresses() {
                let mut sector = [SECRET, &address.to_be_bytes(), &round.to_be_bytes()].concat();
                sector.resize(512, 0x20);
                cells.write(address, &sector);
            }
        }
        let nqn = drive.nqn();
        let drive = Arc::new(Mutex::new(drive));
        let target = Target::listen(&nqn, drive.clone())?;
        let port = target.port();
        Ok(Self {
            serial,
            drive,
            _target: target,
            subsystem: Subsystem { port, nqn },
        })
    }

    fn left(&self) -> usize {
        self.drive.lock().unwrap().find(SECRET)
    }

    fn contents(&self) -> Vec<Option<Vec<u8>>> {
        contents(self.drive.lock().unwrap().cells(1).unwrap())
    }

    fn id(&self, guest: &Guest) -> anyhow::Result<String> {
        let listed = guest.run("raz drives --json 2>/dev/null")?;
        let listed: Value = serde_json::from_str(&listed.text).context(listed.text)?;
        let drives = listed.as_array().context("no list")?;
        let mut ours = drives.iter().filter(|drive| drive["serial"] == self.serial);
        let drive = ours.next().context("not listed")?;
        Ok(drive["id"].as_str().context("no id")?.to_owned())
    }

    fn wipe(&self, guest: &Guest, report: &str) -> anyhow::Result<Said> {
        let id = self.id(guest)?;
        let line = format!("raz wipe {id} --confirm {id} --report /run/{report} --networked");
        let said = guest.run(&line)?;
        println!("{}", said.text);
        Ok(said)
    }

    /// As a barcode reader types it.
    fn revert(&self, guest: &Guest, psid: &str) -> anyhow::Result<Said> {
        let id = self.id(guest)?;
        let line = format!("echo {psid} | raz revert {id} --confirm {id} --networked");
        let said = guest.run(&line)?;
        println!("{}", said.text);
        Ok(said)
    }

    /// Erased by an ordinary overwrite, as an auditor sees it.
    fn is_erased(&self, bench: &Bench, guest: &Guest, report: &str) -> anyhow::Result<()> {
        let folder = bench.path().join(report);
        fs::create_dir(&folder)?;
        for file in ["report.json", "report.json.sig", "allowed_signers"] {
            let bytes = guest.file(&format!("/run/{report}/{file}"))?;
            fs::write(folder.join(file), bytes)?;
        }
        let audit = Audit::of(folder, Some("raz"))?;
        let entry = audit.drive(self.serial)?;
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified && erasure.achieved_level == Level::Clear,
            "{}",
            erasure.outcome_text
        );
        is_as_reported(self.drive.lock().unwrap().cells(1).context("cells")?, entry)
    }
}

#[test]
fn locked_drive_is_refused_until_its_psid_frees_it_and_then_erased() {
    scenario("tcg-revert", |bench| {
        let owned = Owned::new("TCG-HONEST", Lies::default())?;
        let guest = Guest::boot(bench, &Setup::new("pc").subsystem(&owned.subsystem))?;
        let (before, left) = (owned.contents(), owned.left());
        let refused = owned.wipe(&guest, "refused")?;
        ensure!(
            refused.status == 3 && refused.text.contains("TCG-locked: a shadow MBR"),
            "{refused:?}"
        );
        let planned = guest.run("raz plan")?;
        ensure!(
            planned.text.contains("TCG-locked") && planned.text.contains("raz revert"),
            "{planned:?}"
        );

        let wrong = owned.revert(&guest, WRONG)?;
        ensure!(
            wrong.status == 1
                && wrong.text.contains("STILL LOCKED")
                && wrong.text.contains("does not take this PSID"),
            "{wrong:?}"
        );
        let short = owned.revert(&guest, "VUTSRQPO")?;
        ensure!(short.status == 2, "{short:?}");
        ensure!(
            owned.contents() == before && owned.left() == left,
            "a drive that was not reverted is changed"
        );

        let right = owned.revert(&guest, PSID)?;
        ensure!(
            right.status == 0 && right.text.contains("proves no erasure"),
            "{right:?}"
        );
        ensure!(!right.text.contains(PSID), "the PSID is shown");
        let left = owned.left();
        ensure!(left == 0, "{left} places with old bytes under the old key");
        let again = owned.revert(&guest, PSID)?;
        ensure!(
            again.status == 3 && again.text.contains("not in use"),
            "{again:?}"
        );

        let wiped = owned.wipe(&guest, "out")?;
        ensure!(wiped.status == 0, "{wiped:?}");
        owned.is_erased(bench, &guest, "out")
    });
}

#[test]
fn revert_that_lies_frees_no_drive_and_erases_none_by_itself() {
    scenario("tcg-liars", |bench| {
        let stays = Owned::new(
            "TCG-STAYS",
            Lies {
                revert_stays_locked: true,
                ..Lies::default()
            },
        )?;
        let keeps = Owned::new(
            "TCG-KEEPS",
            Lies {
                revert_keeps_data: true,
                ..Lies::default()
            },
        )?;
        let setup = Setup::new("pc").subsystem(&stays.subsystem);
        let guest = Guest::boot(bench, &setup.subsystem(&keeps.subsystem))?;
        let said = stays.revert(&guest, PSID)?;
        ensure!(
            said.status == 1 && said.text.contains("STILL LOCKED, although it answered"),
            "{said:?}"
        );
        let refused = stays.wipe(&guest, "refused")?;
        ensure!(refused.status == 3, "{refused:?}");

        let said = keeps.revert(&guest, PSID)?;
        ensure!(
            said.status == 0 && said.text.contains("proves no erasure"),
            "{said:?}"
        );
        ensure!(keeps.left() > 0, "the liar has erased its data");
        let wiped = keeps.wipe(&guest, "out")?;
        ensure!(wiped.status == 0, "{wiped:?}");
        // What has an address is overwritten, and no more is said of it.
        keeps.is_erased(bench, &guest, "out")
    });
}
