//! Simulated SAS disks of a storage array before the shipped kernel, which gives them no capacity, and
//! the shipped raz: what they physically hold is looked at here.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, ensure};
use lab::bench::{Bench, scenario};
use lab::guest::{Guest, Said, Setup};
use lab::scenario::Audit;
use lab::truth::{OLD_BYTES, contents, is_as_reported};
use lab::wire::Unit;
use report::schema::{Drive, Level, OutcomeWord};
use serde_json::Value;
use sim::scsi::{FormatLies, Lies, ScsiDisk, ScsiOptions};

const SECTORS: u64 = 8 << 11;
/// Old bytes behind the 512th of each block.
const BEHIND: &[u8] = b"-BEHIND-";

struct Array {
    serial: &'static str,
    disk: Arc<Mutex<ScsiDisk>>,
}

impl Array {
    /// A disk with blocks of 520 bytes, full of old bytes.
    fn new(options: ScsiOptions, serial: &'static str) -> Self {
        let mut disk = ScsiDisk::new(ScsiOptions {
            serial: serial.to_owned(),
            sector_bytes: 520,
            other_sector_bytes: vec![512],
            format: Some(Duration::from_secs(12)),
            ..options
        });
        for address in 0..SECTORS {
            let mut sector = [OLD_BYTES, &address.to_be_bytes()].concat();
            sector.resize(512, 0x20);
            sector.extend(BEHIND);
            disk.cells_mut().write(address, &sector);
        }
        Self {
            serial,
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    fn unit(&self) -> Unit {
        Unit::new(self.disk.clone())
    }

    fn contents(&self) -> Vec<Option<Vec<u8>>> {
        contents(self.disk.lock().unwrap().cells())
    }

    fn left(&self, old: &[u8]) -> usize {
        self.disk.lock().unwrap().cells().find(old).len()
    }

    fn listed(&self, guest: &Guest) -> anyhow::Result<Value> {
        guest.run(&format!("disk {}", self.serial))?;
        let said = guest.run("raz drives --json 2>/dev/null")?;
        let drives: Value = serde_json::from_str(&said.text).context(said.text)?;
        let drives = drives.as_array().context("no list")?;
        let drive = drives.iter().find(|drive| drive["serial"] == self.serial);
        drive.cloned().context("not listed")
    }

    fn id(&self, guest: &Guest) -> anyhow::Result<String> {
        let drive = self.listed(guest)?;
        Ok(drive["id"].as_str().context("no id")?.to_owned())
    }

    fn reformat(&self, guest: &Guest, confirm: &str) -> anyhow::Result<Said> {
        run(
            guest,
            &format!("raz reformat {} --confirm {confirm}", self.id(guest)?),
        )
    }

    fn wipe(&self, guest: &Guest, report: &str) -> anyhow::Result<Said> {
        let id = self.id(guest)?;
        let line = format!("raz wipe {id} --confirm {id} --level auto --report /run/{report}");
        run(guest, &line)
    }
}

fn run(guest: &Guest, line: &str) -> anyhow::Result<Said> {
    let said = guest.run(line)?;
    println!("$ {line}\n{}[{}]", said.text, said.status);
    Ok(said)
}

/// The report that a machine keeps, as an auditor gets it: one drive, verified.
fn verified(bench: &Bench, guest: &Guest, report: &str, level: Level) -> anyhow::Result<Drive> {
    let folder = bench.path().join(report);
    fs::create_dir(&folder)?;
    for file in ["report.json", "report.json.sig", "allowed_signers"] {
        let bytes = guest.file(&format!("/run/{report}/{file}"))?;
        fs::write(folder.join(file), bytes)?;
    }
    let audit = Audit::of(folder, Some("raz"))?;
    let [entry] = &audit.report.drives[..] else {
        anyhow::bail!("{} drives", audit.report.drives.len());
    };
    let erasure = entry.erasure.as_ref().context("no erasure")?;
    ensure!(
        erasure.outcome == OutcomeWord::Verified && erasure.achieved_level == level,
        "{:?}: {}",
        erasure.achieved_level,
        erasure.outcome_text
    );
    ensure!(entry.capacity_bytes == SECTORS * 512, "{entry:?}");
    Ok(entry.clone())
}

#[test]
fn disk_of_a_storage_array_is_reformatted_then_erased_and_a_liar_beside_it_is_as_far_as_a_host_sees()
 {
    scenario("reformat", |bench| {
        let mut options = ScsiOptions::disk("", 0x5000_c500_0000_0031, SECTORS);
        options.sanitize.overwrite = Some(Duration::from_secs(4));
        let honest = Array::new(options, "SAS-520");
        let mut options = ScsiOptions::disk("", 0x5000_c500_0000_0032, SECTORS);
        options.lies = Lies {
            format: FormatLies {
                keeps_data: true,
                ..FormatLies::default()
            },
            ..Lies::default()
        };
        let liar = Array::new(options, "SAS-SWALLOWS");
        let setup = Setup::new("guest")
            .simulated(honest.unit())
            .simulated(liar.unit());
        let guest = Guest::boot(bench, &setup)?;

        for array in [&honest, &liar] {
            let drive = array.listed(&guest)?;
            let refusals = drive["refusals"].to_string();
            ensure!(
                refusals.contains("unserved blocks")
                    && refusals.contains("520")
                    && refusals.contains("raz reformat")
                    && !refusals.contains("no capacity"),
                "{refusals}"
            );
        }
        // Neither is erased as it is, nor formatted by another's id.
        let before = liar.contents();
        let (id, other) = (honest.id(&guest)?, liar.id(&guest)?);
        let said = run(
            &guest,
            &format!("raz wipe {id} --confirm {id} --report /run/no"),
        )?;
        ensure!(said.status == 3, "{said:?}");
        let said = honest.reformat(&guest, &other)?;
        ensure!(said.status == 3 && honest.left(OLD_BYTES) > 0, "{said:?}");

        let said = honest.reformat(&guest, &id)?;
        ensure!(
            said.status == 0
                && said.text.contains("formatting:")
                && said.text.contains("blocks of 512 bytes")
                && said.text.contains("proves no erasure"),
            "{said:?}"
        );
        ensure!(liar.contents() == before, "the other drive was changed");
        // Once is enough.
        let said = honest.reformat(&guest, &id)?;
        ensure!(said.status == 3, "{said:?}");
        let said = honest.wipe(&guest, "honest")?;
        ensure!(said.status == 0, "{said:?}");
        let entry = verified(bench, &guest, "honest", Level::Purge)?;
        is_as_reported(honest.disk.lock().unwrap().cells(), &entry)?;
        for old in [OLD_BYTES, BEHIND] {
            ensure!(honest.left(old) == 0, "{} places", honest.left(old));
        }

        // It says that it is formatted, and holds every byte.
        let said = liar.reformat(&guest, &other)?;
        ensure!(said.status == 0, "{said:?}");
        ensure!(liar.left(OLD_BYTES) > 0, "it lies no more");
        let said = liar.wipe(&guest, "liar")?;
        ensure!(said.status == 0, "{said:?}");
        let entry = verified(bench, &guest, "liar", Level::Clear)?;
        ensure!(entry.serial.as_deref() == Some("SAS-SWALLOWS"), "{entry:?}");
        ensure!(
            liar.left(OLD_BYTES) == 0,
            "what can be addressed is overwritten"
        );
        // What no command of a host reaches stays, and is claimed by nobody: docs/traps.md, 41.
        ensure!(liar.left(BEHIND) > 0, "the model keeps it");
        Ok(())
    });
}
