//! docs/traps-peers.md: drives that lie as those of docs/traps.md, and what other tools make of them.
//!
//! To renew it after a wanted change: `UPDATE_PEERS=1 cargo test -p lab --test peers lies`, then
//! `UPDATE_TRAPS=1 cargo test -p wipe --test native table`, then read the differences.

mod drives;

use super::words;
use anyhow::{Context, ensure};
use drives::{Case, Kind};
use lab::bench::{self, scenario};
use lab::guest::{Guest, Setup};
use lab::truth::OLD_BYTES;
use lab::wire::Unit;
use sim::clock::Clock;
use sim::device::ScsiDevice;
use std::fmt::Write as _;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HEAD: &str = "\
# Other tools before the same lies

Simulated drives that lie as those of [traps.md](traps.md), behind the shipped kernel, and what the tools of Debian \
trixie (`tests/peers.lock`) make of them. The lab measures this (`tests/tests/peers/lies.rs`); the table of traps \
repeats it. Each drive is told to erase itself and asked afterwards, when it has had all the time it wants; \
`sg_sanitize` waits and asks by itself.

*Believed*: every exit status is 0 and the last word is that of success. “Old bytes left” is the truth in the cells.

| Drive and lie | Told | Asked | Exit status | It says | Old bytes left | Believed |
|---|---|---|---|---|---|---|
";

/// What came of one drive.
struct Found {
    statuses: Vec<u8>,
    says: String,
    is_success: bool,
    remained: bool,
}

impl Found {
    fn is_believed(&self) -> bool {
        self.is_success && self.statuses.iter().all(|status| *status == 0)
    }

    fn row(&self, case: &Case) -> String {
        let statuses: Vec<String> = self.statuses.iter().map(u8::to_string).collect();
        let yes_or_no = |is_so| if is_so { "yes" } else { "no" };
        let asked = match case.kind.asks() {
            "" => "–".to_owned(),
            line => format!("`{line}`"),
        };
        format!(
            "| {} | `{}` | {asked} | {} | {} | {} | {} |\n",
            case.name,
            case.tells,
            statuses.join(", "),
            self.says,
            yes_or_no(self.remained),
            yes_or_no(self.is_believed()),
        )
    }
}

impl Kind {
    /// How its tool asks what came of it.
    fn asks(self) -> &'static str {
        match self {
            Self::Sanitize => "hdparm --sanitize-status DRIVE",
            Self::Security => "hdparm -I DRIVE",
            Self::Scsi => "",
            Self::Nvme => "nvme sanitize-log DRIVE",
        }
    }

    /// The last word in what the tool said, and whether it is that of success.
    fn last_word(self, said: &str) -> (String, bool) {
        let all = words(said);
        let after = |start: &str| all.split_once(start).map(|(_, rest)| rest);
        let word = match self {
            Self::Sanitize => after("State: "),
            // Of word 128, in hdparm's order.
            Self::Security => after("revision code = 65534 ")
                .and_then(|rest| rest.split_once(" not expired").map(|(flags, _)| flags)),
            Self::Nvme => {
                after("(SSTAT) : ").and_then(|rest| rest.split_once(' ').map(|(status, _)| status))
            }
            Self::Scsi => Some(
                all.split_once("LU name: ")
                    .map_or(all.as_str(), |(_, rest)| {
                        rest.split_once(' ').map_or("", |(_, rest)| rest)
                    }),
            ),
        };
        let Some(word) = word else {
            return ("nothing of it".into(), false);
        };
        let status = word.trim_start_matches("0x");
        let is_success = match self {
            Self::Sanitize => word.ends_with("Completed Without Error"),
            Self::Security => word == "supported not enabled not locked not frozen",
            // The most recent operation: 1 well, 4 well and deallocated.
            Self::Nvme => {
                u32::from_str_radix(status, 16).is_ok_and(|status| matches!(status & 7, 1 | 4))
            }
            Self::Scsi => word.is_empty(),
        };
        let word = match (self, word) {
            (Self::Scsi, "") => "nothing".to_owned(),
            (Self::Nvme, status) => format!("SSTAT {status}"),
            (_, word) => format!("“{}”", word.replace('|', "/")),
        };
        (word, is_success)
    }
}

#[test]
fn what_other_tools_make_of_lies_is_what_is_written_down() {
    scenario("lies", |bench| {
        let clock = Clock::by_hand();
        let cases = drives::all(&clock)?;
        let mut setup = Setup::new("pc").with_peers();
        for case in &cases {
            setup = match &case.drive {
                drives::Drive::Ata(disk) => setup.simulated(unit(disk)),
                drives::Drive::Scsi(disk) => setup.simulated(unit(disk)),
                drives::Drive::Nvme(nvme) => setup.subsystem(&nvme.subsystem),
            };
        }
        let guest = Guest::boot(bench, &setup)?;
        let paths = paths(&guest, &cases)?;
        // A minute of sleep in each: all at once, in the background of the others.
        for (number, (case, path)) in cases.iter().zip(&paths).enumerate() {
            if case.kind == Kind::Scsi {
                let line = case.tells.replace("DRIVE", path);
                let begun =
                    format!("{{ {line}; echo $? >/run/{number}; }} >/run/{number}.log 2>&1 &");
                ensure!(guest.run(&begun)?.status == 0);
            }
        }
        let mut found: Vec<Option<Found>> = cases.iter().map(|_| None).collect();
        for (found, (case, path)) in found.iter_mut().zip(cases.iter().zip(&paths)) {
            if case.kind != Kind::Scsi {
                let told = guest.run(&case.tells.replace("DRIVE", path))?;
                clock.advance(Duration::from_secs(7200));
                let asked = guest.run(&case.kind.asks().replace("DRIVE", path))?;
                println!("{}\n{}{}", case.name, told.text, asked.text);
                let (says, is_success) = case.kind.last_word(&asked.text);
                *found = Some(Found {
                    statuses: vec![told.status, asked.status],
                    says,
                    is_success,
                    remained: case.drive.remained(),
                });
            }
        }
        guest.run("wait")?;
        for (number, (found, case)) in found.iter_mut().zip(&cases).enumerate() {
            if case.kind == Kind::Scsi {
                let status = guest.run(&format!("cat /run/{number}"))?.text;
                let log = guest.run(&format!("cat /run/{number}.log"))?.text;
                println!("{}\n{log}[{status}]", case.name);
                let (says, is_success) = case.kind.last_word(&log);
                *found = Some(Found {
                    statuses: vec![status.trim().parse().context(status)?],
                    says,
                    is_success,
                    remained: case.drive.remained(),
                });
            }
        }
        is_written_down(&cases, &found)
    });
}

fn unit<D: ScsiDevice + 'static>(disk: &Arc<Mutex<D>>) -> Unit {
    Unit::new(disk.clone())
}

/// The device of each; of a namespace, its controller.
fn paths(guest: &Guest, cases: &[Case]) -> anyhow::Result<Vec<String>> {
    let serials: Vec<&str> = cases.iter().map(|case| case.serial.as_str()).collect();
    let line = format!("for serial in {}; do disk $serial; done", serials.join(" "));
    let said = guest.run(&line)?.text;
    let paths = said
        .lines()
        .map(|path| match path.starts_with("/dev/nvme") {
            true => path.trim_end_matches("n1").to_owned(),
            false => path.to_owned(),
        });
    let paths: Vec<String> = paths.collect();
    ensure!(paths.len() == cases.len(), "{said}");
    Ok(paths)
}

fn is_written_down(cases: &[Case], found: &[Option<Found>]) -> anyhow::Result<()> {
    let mut text = HEAD.to_owned();
    for (case, found) in cases.iter().zip(found) {
        let found = found.as_ref().context(case.name)?;
        write!(text, "{}", found.row(case))?;
    }
    let file = bench::root().join("docs/traps-peers.md");
    if std::env::var_os("UPDATE_PEERS").is_some() {
        fs::write(&file, &text)?;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    for (line, (new, old)) in text.lines().zip(kept.lines()).enumerate() {
        ensure!(
            new == old,
            "line {} of docs/traps-peers.md:\n{new}\ninstead of\n{old}",
            line + 1
        );
    }
    ensure!(
        text == kept,
        "docs/traps-peers.md has another number of lines"
    );
    Ok(())
}

impl drives::Drive {
    /// Old bytes are somewhere in its cells.
    fn remained(&self) -> bool {
        match self {
            Self::Ata(disk) => !disk.lock().unwrap().cells().find(OLD_BYTES).is_empty(),
            Self::Scsi(disk) => !disk.lock().unwrap().cells().find(OLD_BYTES).is_empty(),
            Self::Nvme(nvme) => nvme.drive.lock().unwrap().find(OLD_BYTES) > 0,
        }
    }
}
