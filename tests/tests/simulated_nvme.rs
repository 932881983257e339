//! Simulated NVMe drives before the shipped kernel and the shipped raz, by NVMe/TCP: what they
//! physically hold is looked at here.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lab::bench::{Bench, scenario};
use lab::fabric::Subsystem;
use lab::guest::{Guest, Setup};
use lab::scenario::{Audit, PATIENCE};
use lab::truth::{contents, is_as_reported};
use lab::wire::nvme_tcp::Target;
use report::schema::{
    Drive, Erasure, Level, OutcomeWord, Sanitize, SanitizeTechnique, SanitizeVerdict,
};
use serde_json::Value;
use sim::clock::Clock;
use sim::device::{Event, NvmeAnswer, NvmeDevice};
use sim::nvme::options::Options;
use sim::nvme::{NvmeDrive, Queue};

const SECRET: &[u8] = b"OLD-BYTES";
/// Of each namespace.
const SECTORS: u64 = 8 << 11;
const SPARES: u64 = 512;
const PURGE: &str = "--level purge --networked";

/// Time passes for a drive only when it is asked how far its sanitize is: so much each time.
const STEP: Duration = Duration::from_secs(15);

/// Four questions, between which raz waits for more than the second that no honest drive is below.
const BLOCK_ERASE: Duration = Duration::from_secs(60);

struct Asked {
    drive: Arc<Mutex<NvmeDrive>>,
    clock: Clock,
    stands_still: Arc<AtomicBool>,
    /// Told of each question that comes behind a Sanitize command.
    asked: Sender<()>,
}

impl NvmeDevice for Asked {
    fn admin(&mut self, entry: &[u8; 64], out: &[u8]) -> Option<NvmeAnswer> {
        let asks = entry[0] == 0x02 && entry[40] == 0x81;
        if asks && !self.stands_still.load(Ordering::Acquire) {
            self.clock.advance(STEP);
        }
        let mut drive = self.drive.lock().unwrap();
        if asks && !sanitizes(&drive).is_empty() {
            // A scenario that waits for none has let go of them.
            let _ = self.asked.send(());
        }
        drive.admin(entry, out)
    }

    fn io(&mut self, entry: &[u8; 64], out: &[u8]) -> Option<NvmeAnswer> {
        self.drive.lock().unwrap().io(entry, out)
    }

    fn event(&mut self, event: Event) {
        self.drive.lock().unwrap().event(event);
    }
}

/// A drive behind a target, with old bytes in every place, those that no address points to as well.
struct Used {
    drive: Arc<Mutex<NvmeDrive>>,
    stands_still: Arc<AtomicBool>,
    asked: Receiver<()>,
    target: Target,
    subsystem: Subsystem,
}

impl Used {
    fn new(serial: &str, change: impl FnOnce(&mut Options)) -> anyhow::Result<Self> {
        let mut options = Options {
            serial: serial.into(),
            spares: SPARES,
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
        options.durations.block_erase = BLOCK_ERASE;
        change(&mut options);
        let namespaces = options.namespaces.len();
        let clock = Clock::by_hand();
        let mut drive = NvmeDrive::new(options, clock.clone());
        for nsid in 1..=u32::try_from(namespaces)? {
            let cells = drive.cells_mut(nsid).context("a namespace")?;
            for round in 0..2_u64 {
                for address in 0..cells.addresses() {
                    let mut sector =
                        [SECRET, &address.to_be_bytes(), &round.to_be_bytes()].concat();
                    sector.resize(512, 0x20);
                    cells.write(address, &sector);
                }
            }
        }
        let places = usize::try_from(SECTORS + SPARES)? * namespaces;
        let found = drive.find(SECRET);
        ensure!(found == places, "{found} of {places} with old bytes");
        let nqn = drive.nqn();
        let drive = Arc::new(Mutex::new(drive));
        let stands_still = Arc::new(AtomicBool::new(false));
        let (sender, asked) = mpsc::channel();
        let device = Asked {
            drive: drive.clone(),
            clock,
            stands_still: stands_still.clone(),
            asked: sender,
        };
        let target = Target::listen(&nqn, Arc::new(Mutex::new(device)))?;
        let port = target.port();
        Ok(Self {
            drive,
            stands_still,
            asked,
            target,
            subsystem: Subsystem { port, nqn },
        })
    }

    fn left(&self) -> usize {
        self.drive.lock().unwrap().find(SECRET)
    }

    fn contents(&self, nsid: u32) -> Vec<Option<Vec<u8>>> {
        contents(self.drive.lock().unwrap().cells(nsid).unwrap())
    }

    fn is_as_reported(&self, entry: &Drive) -> anyhow::Result<()> {
        is_as_reported(self.drive.lock().unwrap().cells(1).context("cells")?, entry)
    }

    /// Opcodes of what was sent to change it, or what is on it.
    fn changes(&self) -> Vec<u8> {
        let drive = self.drive.lock().unwrap();
        let commands = drive.commands().iter();
        let changes = commands.filter(|command| match command.queue {
            Queue::Io => matches!(command.entry[0], 0x01 | 0x04 | 0x08 | 0x09),
            Queue::Admin => matches!(command.entry[0], 0x0D | 0x15 | 0x80 | 0x84),
        });
        changes.map(|command| command.entry[0]).collect()
    }

    /// The namespaces that Format NVM was sent for: the kernel numbers them as it finds them.
    fn formatted(&self) -> Vec<u32> {
        let drive = self.drive.lock().unwrap();
        let commands = drive.commands().iter();
        let formats = commands
            .filter(|command| command.queue == Queue::Admin && command.entry[0] == 0x80)
            .filter_map(|command| command.entry[4..8].try_into().ok());
        formats.map(u32::from_le_bytes).collect()
    }

    fn sanitizes(&self) -> Vec<Option<u16>> {
        sanitizes(&self.drive.lock().unwrap())
    }
}

/// How each Sanitize command was answered.
fn sanitizes(drive: &NvmeDrive) -> Vec<Option<u16>> {
    let commands = drive.commands().iter();
    let sanitizes = commands
        .filter(|command| command.queue == Queue::Admin && command.entry[0] == 0x84)
        .map(|command| command.status);
    sanitizes.collect()
}

/// What `raz drives` calls the drive with this serial; the first namespace of several.
fn id(guest: &Guest, serial: &str) -> anyhow::Result<String> {
    let listed = guest.run("raz drives --json 2>/dev/null")?;
    let listed: Value = serde_json::from_str(&listed.text).context(listed.text)?;
    let drives = listed.as_array().context("no list")?;
    let mut ours = drives.iter().filter(|drive| drive["serial"] == serial);
    let drive = ours
        .next()
        .with_context(|| format!("{serial}: not listed"))?;
    ensure!(drive["transport"] == "network", "{drive}");
    Ok(drive["id"].as_str().context("no id")?.to_owned())
}

/// The command for the drive with this serial, and the folder of its report.
fn wipe(guest: &Guest, serial: &str, report: &str, more: &str) -> anyhow::Result<String> {
    let id = id(guest, serial)?;
    Ok(format!(
        "raz wipe {id} --confirm {id} --report /run/{report} {more}"
    ))
}

/// The report that a machine keeps, as an auditor gets it.
fn audit(bench: &Bench, guest: &Guest, report: &str) -> anyhow::Result<Audit> {
    let folder = bench.path().join(report);
    fs::create_dir(&folder)?;
    for file in ["report.json", "report.json.sig", "allowed_signers"] {
        fs::write(
            folder.join(file),
            guest.file(&format!("/run/{report}/{file}"))?,
        )?;
    }
    // A key of this run has the command line's name.
    let audit = Audit::of(folder, Some("raz"))?;
    println!("{} -> {}", audit.command, audit.said);
    Ok(audit)
}

/// Has the drive purged, with this exit status; gives back what the signed report says of it.
fn purged(
    bench: &Bench,
    guest: &Guest,
    serial: &str,
    report: &str,
    status: u8,
) -> anyhow::Result<(Drive, Erasure, Sanitize)> {
    let done = guest.run(&wipe(guest, serial, report, PURGE)?)?;
    println!("{}", done.text);
    ensure!(done.status == status, "{done:?}");
    reported(bench, guest, serial, report)
}

fn reported(
    bench: &Bench,
    guest: &Guest,
    serial: &str,
    report: &str,
) -> anyhow::Result<(Drive, Erasure, Sanitize)> {
    let entry = audit(bench, guest, report)?.drive(serial)?.clone();
    let erasure = entry.erasure.clone().context("no erasure")?;
    let sanitize = erasure.own_erases.first().cloned().context("no sanitize")?;
    Ok((entry, erasure, sanitize))
}

#[test]
fn drive_by_a_wire_is_refused_without_the_word_for_it_and_purged_with_it() {
    scenario("nvme-purge", |bench| {
        let used = Used::new("NVME-HONEST", |_| ())?;
        let guest = Guest::boot(bench, &Setup::new("pc").subsystem(&used.subsystem))?;
        let before = used.contents(1);

        let refused = guest.run(&wipe(&guest, "NVME-HONEST", "refused", "--level purge")?)?;
        println!("{refused:?}");
        ensure!(
            refused.status == 3 && refused.text.contains("refused: networked"),
            "{refused:?}"
        );
        ensure!(
            used.changes().is_empty() && used.contents(1) == before,
            "a refused drive was changed: {:?}",
            used.changes()
        );

        let (entry, erasure, sanitize) = purged(bench, &guest, "NVME-HONEST", "out", 0)?;
        ensure!(
            entry.transport == "network"
                && erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Purge
                && sanitize.verdict == SanitizeVerdict::ClaimedByDrive
                && sanitize.in_progress_seen > 0,
            "{}: {sanitize:?}",
            erasure.outcome_text
        );
        ensure!(
            erasure
                .not_reached
                .iter()
                .any(|text| text.contains("networked storage")),
            "{:?}",
            erasure.not_reached
        );
        let left = used.left();
        ensure!(left == 0, "{left} places with old bytes");
        used.is_as_reported(&entry)?;
        ensure!(used.sanitizes() == [Some(0)], "{:?}", used.sanitizes());
        Ok(())
    });
}

#[test]
fn success_of_another_time_is_no_purge_and_the_overwrite_follows() {
    scenario("nvme-stale", |bench| {
        let used = Used::new("STALE-NVME", |options| {
            // The very command that raz sends, once upon a time.
            options.earlier_sanitize = Some(0x0202);
            options.switches.sanitize_purge = false;
            options.lies.swallows_sanitize = true;
        })?;
        let guest = Guest::boot(bench, &Setup::new("pc").subsystem(&used.subsystem))?;
        let (entry, erasure, sanitize) = purged(bench, &guest, "STALE-NVME", "out", 1)?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.requested_level == Level::Purge
                && erasure.achieved_level == Level::Clear
                && sanitize.verdict == SanitizeVerdict::Refuted
                && sanitize.witnesses.kept > 0,
            "{}: {sanitize:?}",
            erasure.outcome_text
        );
        ensure!(used.sanitizes() == [Some(0)], "{:?}", used.sanitizes());
        used.is_as_reported(&entry)?;
        let left = used.left();
        ensure!(left > 0, "nothing is left of what no overwrite reaches");
        Ok(())
    });
}

/// FFFFh of progress looks done, and status 3 says that it is not. The drive then takes nothing but
/// another sanitize, so no witnesses can stand on the medium, and nothing is claimed of that one.
#[test]
fn failed_sanitize_is_no_purge_and_the_next_rung_lets_the_drive_be_overwritten() {
    scenario("nvme-failing", |bench| {
        let used = Used::new("FAILING-NVME", |options| {
            options.lies.sanitize_failures = 1;
        })?;
        let guest = Guest::boot(bench, &Setup::new("pc").subsystem(&used.subsystem))?;
        let (entry, erasure, _) = purged(bench, &guest, "FAILING-NVME", "out", 1)?;
        let tried: Vec<_> = erasure
            .own_erases
            .iter()
            .map(|erase| (erase.technique, erase.verdict))
            .collect();
        let expected = [
            (SanitizeTechnique::BlockErase, SanitizeVerdict::Refuted),
            (SanitizeTechnique::CryptoErase, SanitizeVerdict::Unknown),
        ];
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Clear
                && tried == expected,
            "{}: {tried:?}",
            erasure.outcome_text
        );
        ensure!(
            used.sanitizes() == [Some(0), Some(0)],
            "{:?}",
            used.sanitizes()
        );
        used.is_as_reported(&entry)
    });
}

#[test]
fn drive_lost_while_it_erases_itself_is_not_claimed_and_is_refused_until_it_is_done() {
    scenario("nvme-cut", |bench| {
        let used = Used::new("NVME-CUT", |_| ())?;
        used.stands_still.store(true, Ordering::Release);
        let guest = Guest::boot(bench, &Setup::new("pc").subsystem(&used.subsystem))?;
        let line = wipe(&guest, "NVME-CUT", "lost", PURGE)?;
        let running = guest.begin(&line)?;
        // With the second question the first is answered.
        for _ in 0..2 {
            used.asked.recv_timeout(PATIENCE)?;
        }
        used.target.cut();
        used.drive.lock().unwrap().event(Event::PowerOff);
        let done = running.end()?;
        println!("{}", done.text);
        ensure!(done.status == 1, "{done:?}");
        let (_, erasure, sanitize) = reported(bench, &guest, "NVME-CUT", "lost")?;
        ensure!(
            erasure.outcome == OutcomeWord::NotComplete
                && erasure.achieved_level == Level::None
                && sanitize.verdict == SanitizeVerdict::Unknown
                && sanitize.reasons[0].contains("lost in its erase")
                && sanitize.in_progress_seen > 0,
            "{}: {sanitize:?}",
            erasure.outcome_text
        );
        ensure!(used.left() > 0, "the lost drive is erased already");

        // The kernel has given up on it.
        guest.run("until [ ! -e /dev/nvme0n1 ]; do sleep 1; done")?;

        // With its power back it goes on by itself. Until it is done it is refused, with how far it is: it
        // would take neither reads nor a second command.
        used.drive.lock().unwrap().event(Event::PowerOn);
        used.target.mend();
        used.stands_still.store(false, Ordering::Release);
        guest.connect()?;
        let early = guest.run(&wipe(&guest, "NVME-CUT", "early", PURGE)?)?;
        ensure!(
            early.status == 3
                && early.text.contains("erasing itself (sanitize, ")
                && early.text.contains("nothing was written to any drive"),
            "{early:?}"
        );
        ensure!(used.sanitizes() == [Some(0)], "{:?}", used.sanitizes());
        guest.run("while raz drives | grep -q 'erasing itself'; do sleep 1; done")?;
        let (entry, erasure, _) = purged(bench, &guest, "NVME-CUT", "out", 0)?;
        ensure!(
            used.sanitizes() == [Some(0), Some(0)],
            "{:?}",
            used.sanitizes()
        );
        ensure!(
            erasure.outcome == OutcomeWord::Verified && erasure.achieved_level == Level::Purge,
            "{}",
            erasure.outcome_text
        );
        used.is_as_reported(&entry)?;
        let left = used.left();
        ensure!(left == 0, "{left} places with old bytes");
        Ok(())
    });
}

#[test]
fn purge_that_reaches_too_far_or_is_not_there_is_refused_and_clear_or_a_format_is_not() {
    scenario("nvme-refused", |bench| {
        let two = Used::new("TWO-NVME", |options| {
            let namespace = options.namespaces[0];
            options.namespaces.push(namespace);
        })?;
        let plain = Used::new("PLAIN-NVME", |options| {
            options.switches.sanitize_block_erase = false;
            options.switches.sanitize_overwrite = false;
            options.switches.sanitize_crypto_erase = false;
        })?;
        let guest = Guest::boot(
            bench,
            &Setup::new("pc")
                .subsystem(&two.subsystem)
                .subsystem(&plain.subsystem),
        )?;
        let before = [two.contents(1), two.contents(2), plain.contents(1)];

        for (serial, reason) in [
            ("TWO-NVME", "other namespaces"),
            ("PLAIN-NVME", "SANICAP 0"),
        ] {
            let line = wipe(&guest, serial, "refused", PURGE)?;
            let refused = guest.run(&line)?;
            println!("{}", refused.text);
            ensure!(
                refused.status == 3
                    && refused
                        .text
                        .contains("Purge was asked for and cannot be reached")
                    && refused.text.contains(reason)
                    && refused.text.contains("nothing was written to any drive"),
                "{refused:?}"
            );
        }
        ensure!(
            two.changes().is_empty()
                && plain.changes().is_empty()
                && before == [two.contents(1), two.contents(2), plain.contents(1)],
            "a refused drive was changed"
        );

        let done = guest.run(&wipe(&guest, "PLAIN-NVME", "out", "--networked")?)?;
        println!("{}", done.text);
        ensure!(done.status == 0, "{done:?}");
        let audit = audit(bench, &guest, "out")?;
        let entry = audit.drive("PLAIN-NVME")?;
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Clear
                && erasure.own_erases.is_empty(),
            "{}",
            erasure.outcome_text
        );
        is_as_reported(
            plain.drive.lock().unwrap().cells(1).context("cells")?,
            entry,
        )?;
        let left = plain.left();
        ensure!(left > 0, "no overwrite reaches the spares");
        ensure!(two.changes().is_empty(), "another drive was changed");

        // The best that one namespace of several has: a format of its own, which is no purge.
        let done = guest.run(&wipe(
            &guest,
            "TWO-NVME",
            "auto",
            "--level auto --networked",
        )?)?;
        println!("{}", done.text);
        ensure!(done.status == 0, "{done:?}");
        let (entry, erasure, format) = reported(bench, &guest, "TWO-NVME", "auto")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Clear
                && erasure.own_erases.len() == 1
                && format.technique == SanitizeTechnique::NvmeFormat
                && format.verdict == SanitizeVerdict::ClaimedByDrive,
            "{}: {format:?}",
            erasure.outcome_text
        );
        let formatted = two.formatted();
        let [nsid @ (1 | 2)] = formatted[..] else {
            bail!("{formatted:?}");
        };
        let drive = two.drive.lock().unwrap();
        let cells = drive.cells(nsid).context("cells")?;
        is_as_reported(cells, &entry)?;
        let left = cells.find(SECRET);
        ensure!(
            left.is_empty(),
            "{left:?} in the namespace that was formatted"
        );
        drop(drive);
        let other = 3 - nsid;
        ensure!(
            two.contents(other) == before[usize::try_from(other)? - 1],
            "the namespace beside it was changed"
        );
        Ok(())
    });
}
