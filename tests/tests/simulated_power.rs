//! The power goes, a bus is reset, a drive stands still, each in the middle of what a drive does to
//! itself, before the shipped kernel and the shipped raz. What the drives hold is looked at here.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, ensure};
use lab::bench::{Bench, scenario};
use lab::guest::{Guest, Said, Setup};
use lab::scenario::{Audit, PATIENCE};
use lab::truth::{OLD_BYTES, contents, is_as_reported, use_up};
use lab::wire::Unit;
use report::schema::{Drive, Erasure, HiddenState, Level, OutcomeWord, SanitizeVerdict};
use serde_json::Value;
use sim::ata::disk::AtaDisk;
use sim::ata::options::Options;
use sim::clock::Clock;
use sim::device::{Event, ScsiAnswer, ScsiDevice};
use sim::scsi::{ScsiDisk, ScsiOptions};

const SECTORS: u64 = 8 << 11;

/// Tells of each ATA command that came by a pass-through of 16 bytes, when it was carried out.
struct Watched {
    disk: Arc<Mutex<AtaDisk>>,
    /// The command, and the low byte of its feature.
    seen: Sender<(u8, u8)>,
    /// Called behind each of them: what happens before its answer goes back.
    meanwhile: Box<dyn FnMut(u8) + Send>,
    /// Nothing reaches the drive any more, and nothing comes back.
    is_cut: Arc<AtomicBool>,
}

impl ScsiDevice for Watched {
    fn command(&mut self, cdb: &[u8], out: &[u8]) -> Option<ScsiAnswer> {
        if self.is_cut.load(Ordering::Acquire) {
            return None;
        }
        let answer = self.disk.lock().unwrap().command(cdb, out);
        if cdb[0] == 0x85 {
            (self.meanwhile)(cdb[14]);
            // A scenario that waits for none has let go of them.
            let _ = self.seen.send((cdb[14], cdb[4]));
        }
        answer.filter(|_| !self.is_cut.load(Ordering::Acquire))
    }

    fn event(&mut self, event: Event) {
        self.disk.lock().unwrap().event(event);
    }
}

/// A drive full of old bytes, behind which somebody looks.
struct Used {
    disk: Arc<Mutex<AtaDisk>>,
    seen: Receiver<(u8, u8)>,
    unit: Unit,
}

impl Used {
    fn new(options: Options, clock: &Clock) -> Self {
        Self::with(options, clock, &Arc::default(), |_| ())
    }

    fn with(
        mut options: Options,
        clock: &Clock,
        is_cut: &Arc<AtomicBool>,
        meanwhile: impl FnMut(u8) + Send + 'static,
    ) -> Self {
        options.sectors = SECTORS;
        let mut disk = AtaDisk::new(options, clock.clone());
        use_up(disk.cells_mut());
        let disk = Arc::new(Mutex::new(disk));
        let (sender, seen) = mpsc::channel();
        let watched = Watched {
            disk: disk.clone(),
            seen: sender,
            meanwhile: Box::new(meanwhile),
            is_cut: is_cut.clone(),
        };
        Self {
            disk,
            seen,
            unit: Unit::new(Arc::new(Mutex::new(watched))),
        }
    }

    /// Waits until the drive was sent this ATA command so often.
    fn wait_for(&self, command: u8, times: usize) -> anyhow::Result<()> {
        let mut left = times;
        while left > 0 {
            left -= usize::from(self.seen.recv_timeout(PATIENCE)?.0 == command);
        }
        Ok(())
    }

    /// Waits until the drive was told to sanitize, and asked so often how far it is.
    fn wait_for_questions(&self, times: usize) -> anyhow::Result<()> {
        // SANITIZE STATUS EXT is feature 0.
        while !matches!(self.seen.recv_timeout(PATIENCE)?, (0xB4, 1..)) {}
        self.wait_for(0xB4, times)
    }

    fn event(&self, event: Event) {
        self.disk.lock().unwrap().event(event);
    }

    fn left(&self) -> usize {
        self.disk.lock().unwrap().cells().find(OLD_BYTES).len()
    }

    fn is_as_reported(&self, entry: &Drive) -> anyhow::Result<()> {
        is_as_reported(self.disk.lock().unwrap().cells(), entry)
    }
}

fn options(serial: &str, wwn: u64, kind: Options) -> Options {
    Options {
        serial: serial.into(),
        wwn,
        ..kind
    }
}

/// What `raz drives` says of the drive with this serial.
fn listed(guest: &Guest, serial: &str) -> anyhow::Result<Value> {
    guest.run(&format!("disk {serial}"))?;
    let said = guest.run("raz drives --json 2>/dev/null")?;
    let drives: Value = serde_json::from_str(&said.text).context(said.text)?;
    let drives = drives.as_array().context("no list")?;
    let drive = drives.iter().find(|drive| drive["serial"] == serial);
    drive
        .cloned()
        .with_context(|| format!("{serial}: not listed"))
}

/// The command that erases these drives, and the folder of its report.
fn wipe(guest: &Guest, serials: &[&str], report: &str, more: &str) -> anyhow::Result<String> {
    let mut line = "raz wipe".to_owned();
    for serial in serials {
        let id = listed(guest, serial)?["id"]
            .as_str()
            .context("no id")?
            .to_owned();
        line += &format!(" {id} --confirm {id}");
    }
    Ok(format!("{line} --report /run/{report} {more}"))
}

fn wiped(guest: &Guest, line: &str, status: u8) -> anyhow::Result<Said> {
    let done = guest.run(line)?;
    println!("$ {line}\n{}[{}]", done.text, done.status);
    ensure!(done.status == status, "{done:?}");
    Ok(done)
}

/// The report that a machine keeps, as an auditor gets it.
fn audit(bench: &Bench, guest: &Guest, report: &str) -> anyhow::Result<Audit> {
    let folder = bench.path().join(report);
    fs::create_dir(&folder)?;
    for file in ["report.json", "report.json.sig", "allowed_signers"] {
        let bytes = guest.file(&format!("/run/{report}/{file}"))?;
        fs::write(folder.join(file), bytes)?;
    }
    Audit::of(folder, Some("raz"))
}

fn erasure(entry: &Drive) -> anyhow::Result<&Erasure> {
    entry.erasure.as_ref().context("no erasure")
}

#[test]
fn power_cut_in_a_security_erase_locks_the_drive_and_unlock_opens_it_for_another_run() {
    scenario("cut-security", |bench| {
        let mut kind = Options::magnetic();
        kind.sanitize.supported = false;
        kind.lies.erase_power_cut = true;
        let mut options = options("ATA-CUT", 0x5000_c500_0000_0031, kind);
        options.security.enhanced_time = Duration::from_secs(2);
        let used = Used::new(options, &Clock::of_host());
        let before = used.left();
        let setup = |name| Setup::new(name).simulated(used.unit.clone());

        let guest = Guest::boot(bench, &setup("first"))?;
        let line = wipe(&guest, &["ATA-CUT"], "cut", "--level purge")?;
        let running = guest.begin(&line)?;
        // SECURITY ERASE UNIT: the drive is off in the middle of it, and so is the machine.
        used.wait_for(0xF4, 1)?;
        drop(running);
        guest.running.pull_the_plug()?;
        ensure!(used.disk.lock().unwrap().is_off());
        let left = used.left();
        ensure!(
            0 < left && left < before,
            "{left} of {before} places with old bytes"
        );
        used.event(Event::PowerOn);
        used.disk.lock().unwrap().options_mut().lies.erase_power_cut = false;

        let guest = Guest::boot(bench, &setup("second"))?;
        let id = listed(&guest, "ATA-CUT")?["id"]
            .as_str()
            .context("no id")?
            .to_owned();
        let plan = guest.run(&format!("raz plan {id} --level purge"))?;
        println!("{}", plan.text);
        ensure!(
            plan.text.contains("refused: locked") && plan.text.contains("raz unlock"),
            "{plan:?}"
        );
        let line = wipe(&guest, &["ATA-CUT"], "locked", "--level purge")?;
        let refused = wiped(&guest, &line, 3)?;
        ensure!(
            refused.text.contains("nothing was written to any drive"),
            "{refused:?}"
        );
        ensure!(used.left() == left, "a refused drive was changed");

        let unlocked = guest.run(&format!("raz unlock {id}"))?;
        ensure!(
            unlocked.status == 0 && unlocked.text.contains("its password was raz's and is gone"),
            "{unlocked:?}"
        );
        ensure!(used.left() == left, "unlocking erases nothing");
        let line = wipe(&guest, &["ATA-CUT"], "out", "--level purge")?;
        wiped(&guest, &line, 0)?;
        let audit = audit(bench, &guest, "out")?;
        let entry = audit.drive("ATA-CUT")?;
        let erasure = erasure(entry)?;
        let sanitize = erasure.own_erases.first().context("no sanitize")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Purge
                && sanitize.verdict == SanitizeVerdict::ClaimedByDrive,
            "{}: {sanitize:?}",
            erasure.outcome_text
        );
        used.is_as_reported(entry)?;
        let left = used.left();
        ensure!(left == 0, "{left} places with old bytes");
        Ok(())
    });
}

const SET_MAX_ADDRESS_EXT: u8 = 0x37;

#[test]
fn power_cut_while_hidden_capacity_is_restored_leaves_the_old_size_or_the_new_one() {
    scenario("cut-restore", |bench| {
        let serials = ["ATA-HPA-LATE", "ATA-HPA-EARLY", "ATA-AMAC"];
        // The power goes when one of them has carried out its first SET MAX, and before anybody hears
        // of that: the others are before theirs or behind it.
        let is_cut = Arc::new(AtomicBool::new(false));
        let drives: Vec<Used> = (0x5000_c500_0000_0041..)
            .zip(serials)
            .map(|(wwn, serial)| {
                let kind = Options {
                    accessible: Some(SECTORS - 2048),
                    amac: serial == "ATA-AMAC",
                    hpa: serial != "ATA-AMAC",
                    dco: false,
                    ..Options::magnetic()
                };
                let options = options(serial, wwn, kind);
                let (cut, cuts) = (is_cut.clone(), serial == "ATA-HPA-LATE");
                Used::with(options, &Clock::of_host(), &is_cut, move |command| {
                    if cuts && command == SET_MAX_ADDRESS_EXT {
                        cut.store(true, Ordering::Release);
                    }
                })
            })
            .collect();
        let setup = |name| {
            drives.iter().fold(Setup::new(name), |setup, used| {
                setup.simulated(used.unit.clone())
            })
        };
        let before: Vec<usize> = drives.iter().map(Used::left).collect();

        let guest = Guest::boot(bench, &setup("first"))?;
        let line = wipe(&guest, &serials, "cut", "")?;
        let running = guest.begin(&line)?;
        drives[0].wait_for(SET_MAX_ADDRESS_EXT, 1)?;
        drop(running);
        guest.running.pull_the_plug()?;
        for used in &drives {
            used.event(Event::PowerOff);
            used.event(Event::PowerOn);
        }
        is_cut.store(false, Ordering::Release);
        let after: Vec<usize> = drives.iter().map(Used::left).collect();
        ensure!(after == before, "something was erased before the cut");

        let guest = Guest::boot(bench, &setup("second"))?;
        let mut sizes = Vec::new();
        for serial in serials {
            let drive = listed(&guest, serial)?;
            println!("{drive}");
            let bytes = drive["capacity_bytes"].as_u64().context("no capacity")?;
            ensure!(
                [SECTORS - 2048, SECTORS].contains(&(bytes / 512)),
                "{drive}"
            );
            sizes.push(bytes / 512);
        }
        // It was carried out, and nobody heard of it.
        ensure!(sizes[0] == SECTORS, "{sizes:?}");
        let line = wipe(&guest, &serials, "out", "")?;
        wiped(&guest, &line, 0)?;
        let audit = audit(bench, &guest, "out")?;
        for (serial, used) in serials.iter().zip(&drives) {
            let entry = audit.drive(serial)?;
            let hidden = &entry.hidden_capacity;
            let erasure = erasure(entry)?;
            ensure!(
                hidden.state == HiddenState::None
                    && entry.capacity_bytes == SECTORS * 512
                    && erasure.outcome == OutcomeWord::Verified
                    && erasure.achieved_level == Level::Clear,
                "{serial}: {hidden:?}: {}",
                erasure.outcome_text
            );
            used.is_as_reported(entry)?;
            let left = used.left();
            ensure!(left == 0, "{serial}: {left} places with old bytes");
        }
        Ok(())
    });
}

#[test]
fn bus_reset_in_a_sanitize_ends_nothing_and_is_waited_out() {
    scenario("reset", |bench| {
        let clock = Clock::by_hand();
        let mut kind = Options::default();
        kind.sanitize.block_time = Duration::from_secs(60);
        // Time passes when raz asks how far it is, and not before the reset.
        let is_reset = Arc::new(AtomicBool::new(false));
        let (theirs, time) = (is_reset.clone(), clock.clone());
        let options = options("ATA-RESET", 0x5000_c500_0000_0051, kind);
        let used = Used::with(options, &clock, &Arc::default(), move |command| {
            if command == 0xB4 && theirs.load(Ordering::Acquire) {
                time.advance(Duration::from_secs(15));
            }
        });
        let setup = Setup::new("pc").with_peers().simulated(used.unit.clone());
        let guest = Guest::boot(bench, &setup)?;
        let line = wipe(&guest, &["ATA-RESET"], "out", "--level purge")?;
        // raz in the background: the reset comes from the same console.
        let begun = format!("{{ {line}; echo $? >/run/status; }} >/run/log 2>&1 &");
        guest.run(&begun)?;
        used.wait_for_questions(2)?;
        let path = guest.run("disk ATA-RESET")?;
        let reset = guest.run(&format!("sg_reset -d {}", path.text.trim()))?;
        ensure!(reset.status == 0, "{reset:?}");
        is_reset.store(true, Ordering::Release);
        guest.run("wait")?;
        let log = guest.run("cat /run/log /run/status")?;
        println!("{}", log.text);
        let audit = audit(bench, &guest, "out")?;
        let entry = audit.drive("ATA-RESET")?;
        let erasure = erasure(entry)?;
        let sanitize = erasure.own_erases.first().context("no sanitize")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Purge
                && sanitize.verdict == SanitizeVerdict::ClaimedByDrive
                && sanitize.in_progress_seen > 2,
            "{}: {sanitize:?}",
            erasure.outcome_text
        );
        used.is_as_reported(entry)?;
        ensure!(used.left() == 0, "{} places with old bytes", used.left());
        Ok(())
    });
}

/// That raz gives it up by itself after two hours is held in process, where nobody waits for them. Here
/// a person stops it.
#[test]
fn drive_that_stands_still_at_655_for_hours_is_stopped_without_a_claim() {
    scenario("stuck", |bench| {
        let clock = Clock::by_hand();
        let mut kind = Options::default();
        kind.lies.stuck_at = Some(655);
        let options = options("ATA-STUCK", 0x5000_c500_0000_0061, kind);
        let time = clock.clone();
        let used = Used::with(options, &clock, &Arc::default(), move |command| {
            if command == 0xB4 {
                time.advance(Duration::from_secs(3600));
            }
        });
        let setup = Setup::new("pc").simulated(used.unit.clone());
        let guest = Guest::boot(bench, &setup)?;
        let line = wipe(&guest, &["ATA-STUCK"], "out", "--level purge")?;
        let begun = format!("{line} >/run/log 2>&1 & wiping=$!");
        guest.run(&begun)?;
        used.wait_for_questions(3)?;
        let done = guest.run("kill -INT $wiping; wait $wiping")?;
        let log = guest.run("cat /run/log")?;
        println!("{}", log.text);
        ensure!(done.status == 1, "{done:?}: {log:?}");
        let audit = audit(bench, &guest, "out")?;
        let erasure = erasure(audit.drive("ATA-STUCK")?)?;
        let sanitize = erasure.own_erases.first().context("no sanitize")?;
        ensure!(
            erasure.outcome == OutcomeWord::NotComplete
                && erasure.achieved_level == Level::None
                && sanitize.verdict == SanitizeVerdict::Unknown
                && sanitize.in_progress_seen > 1,
            "{}: {sanitize:?}",
            erasure.outcome_text
        );
        ensure!(used.left() > 0, "something was erased");
        Ok(())
    });
}

/// Tells a drive to erase itself, past the machine. It says that it was switched on first.
fn begin_sanitize(drive: &Mutex<impl ScsiDevice>, cdb: &[u8], out: &[u8]) -> anyhow::Result<()> {
    let mut drive = drive.lock().unwrap();
    drive.command(&[0; 6], &[]).context("no answer")?;
    let answer = drive.command(cdb, out).context("no answer")?;
    ensure!(answer.status == 0, "{answer:?}");
    Ok(())
}

/// One drive of each kind, and what tells it to erase itself: BLOCK ERASE EXT, and OVERWRITE.
#[test]
fn drive_that_still_erases_itself_is_listed_with_how_far_it_is_and_refused_until_then() {
    const BLOCK_ERASE_EXT: [u8; 16] = [
        0x85, 0x07, 0, 0, 0x12, 0, 0, 0x42, 0x72, 0, 0x45, 0, 0x6B, 0, 0xB4, 0,
    ];
    const OVERWRITE: [u8; 10] = [0x48, 0x81, 0, 0, 0, 0, 0, 0, 8, 0];
    const OVERWRITE_LIST: [u8; 8] = [1, 0, 0, 4, 0xA5, 0xA5, 0xA5, 0xA5];
    const TIME: Duration = Duration::from_secs(1000);
    scenario("busy", |bench| {
        let clock = Clock::by_hand();
        let mut kind = Options::default();
        kind.sanitize.block_time = TIME;
        let ata = Used::new(options("ATA-BUSY", 0x5000_c500_0000_0071, kind), &clock);
        let mut sas = ScsiOptions::disk("SAS-BUSY", 0x5000_c500_0000_0072, SECTORS);
        sas.clock = clock.clone();
        sas.sanitize.overwrite = Some(TIME);
        let mut sas = ScsiDisk::new(sas);
        use_up(sas.cells_mut());
        let sas = Arc::new(Mutex::new(sas));
        let serials = ["ATA-BUSY", "SAS-BUSY"];
        let begin = || {
            begin_sanitize(&*ata.disk, &BLOCK_ERASE_EXT, &[])?;
            begin_sanitize(&*sas, &OVERWRITE, &OVERWRITE_LIST)?;
            clock.advance(TIME / 4);
            for event in [Event::PowerOff, Event::PowerOn] {
                ata.event(event);
                sas.lock().unwrap().event(event);
            }
            anyhow::Ok(())
        };
        let is_erasing = |guest: &Guest, serials: &[&str]| {
            for serial in serials {
                let drive = listed(guest, serial)?;
                println!("{drive}");
                let refusals = drive["refusals"].to_string();
                ensure!(
                    refusals.contains("erasing itself (sanitize, 25 %)")
                        && !refusals.contains("silent"),
                    "{serial}: {refusals}"
                );
            }
            Ok(())
        };
        let sas_unit = Unit::new(sas.clone());
        let setup = Setup::new("first")
            .simulated(ata.unit.clone())
            .simulated(sas_unit.clone());
        let guest = Guest::boot(bench, &setup)?;
        let line = wipe(&guest, &serials, "out", "")?;

        // Their power was cut under a kernel that knows them.
        begin()?;
        is_erasing(&guest, &serials)?;
        let (before, cells) = (ata.left(), contents(sas.lock().unwrap().cells()));
        let refused = wiped(&guest, &line, 3)?;
        ensure!(
            refused.text.contains("erasing itself (sanitize, 25 %)")
                && refused.text.contains("nothing was written to any drive"),
            "{refused:?}"
        );
        ensure!(
            before == ata.left() && cells == contents(sas.lock().unwrap().cells()),
            "a refused drive was changed"
        );
        clock.advance(TIME);
        wiped(&guest, &line, 0)?;
        let audit = audit(bench, &guest, "out")?;
        ata.is_as_reported(audit.drive("ATA-BUSY")?)?;
        is_as_reported(sas.lock().unwrap().cells(), audit.drive("SAS-BUSY")?)?;

        // A machine starts while one of them is at it: its kernel knows no capacity.
        begin()?;
        guest.running.pull_the_plug()?;
        let setup = Setup::new("second").simulated(sas_unit);
        let guest = Guest::boot(bench, &setup)?;
        is_erasing(&guest, &["SAS-BUSY"])?;
        clock.advance(TIME);
        guest.run("for d in /sys/block/sd*/device/rescan; do echo 1 >$d; done")?;
        let drive = listed(&guest, "SAS-BUSY")?;
        ensure!(drive["refusals"] == serde_json::json!([]), "{drive}");
        Ok(())
    });
}

/// Answers no reads of a kernel's, which asks for its mode pages first. The firmware would wait for
/// ever.
struct Unreadable {
    disk: ScsiDisk,
    is_asked: bool,
}

impl ScsiDevice for Unreadable {
    fn command(&mut self, cdb: &[u8], out: &[u8]) -> Option<ScsiAnswer> {
        // MODE SENSE(6) and (10); READ(10) and (16).
        self.is_asked |= matches!(cdb[0], 0x1A | 0x5A);
        let is_read = matches!(cdb[0], 0x28 | 0x88);
        match is_read && self.is_asked {
            true => None,
            false => self.disk.command(cdb, out),
        }
    }

    fn event(&mut self, event: Event) {
        self.disk.event(event);
    }
}

/// The kernel looks for its partitions, gets no answer, and ends no driver's load before it has one.
#[test]
fn drive_that_answers_no_read_while_the_machine_starts_holds_up_neither_boot_nor_drives() {
    scenario("holds-up", |bench| {
        let disk = |serial, wwn| ScsiDisk::new(ScsiOptions::disk(serial, wwn, SECTORS));
        let silent = Unreadable {
            disk: disk("SAS-SILENT", 0x5000_c500_0000_0081),
            is_asked: false,
        };
        let fine = disk("SAS-FINE", 0x5000_c500_0000_0082);
        let setup = Setup::new("pc")
            .simulated(Unit::new(Arc::new(Mutex::new(silent))))
            .simulated(Unit::new(Arc::new(Mutex::new(fine))));
        let guest = Guest::boot(bench, &setup)?;
        let log = guest.run("cat /run/coldplug.log")?;
        println!("{}", log.text);
        ensure!(log.text.contains("still loading: virtio_scsi"), "{log:?}");
        // In the background: a process ends with its last call to the kernel, and one hangs.
        guest.run("disk SAS-FINE; raz drives --json >/run/drives 2>/dev/null &")?;
        let said =
            guest.run("until grep -q '^]' /run/drives; do sleep 1; done; cat /run/drives")?;
        let drives: Value = serde_json::from_str(&said.text).context(said.text)?;
        let refusals = |serial: &str| {
            let mut drives = drives.as_array().into_iter().flatten();
            let drive = drives.find(|drive| drive["serial"] == serial);
            drive.map(|drive| drive["refusals"].to_string())
        };
        ensure!(
            refusals("SAS-FINE").as_deref() == Some("[]")
                && refusals("SAS-SILENT").is_some_and(|why| why.contains("silent")),
            "{drives}"
        );
        Ok(())
    });
}
