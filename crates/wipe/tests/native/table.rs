//! docs/traps.md: the traps that yield a false "clean", and what becomes of each. Rows about a drive's
//! own sanitize are written from runs; the others are what this file's list says.
//!
//! To renew it after a wanted change: `UPDATE_TRAPS=1 cargo test -p wipe --test native table`, then
//! read the difference.

mod list;
mod peers;

use crate::trap::Run;
use peers::Peers;
use std::fmt::Write as _;
use std::path::PathBuf;

const HEAD: &str = "\
# Traps that yield a false “clean”

Fifty-five ways in which a drive, a bridge, a host or a tool lets an erasure look done that was not, \
and what becomes of each in raz. Firmware lies, bridges swallow, and people misread: *no trap may end \
in a claim that a host could have seen through*.

Rows with a drive (ATA, NVMe, SCSI) are written by the tests that let a simulated drive lie that way \
and look into its cells afterwards (`crates/wipe/tests/native`): the drive's own sanitize, as \
`wipe::native` judges it. “Old bytes left” is the truth in the cells, not what raz saw. The other rows \
are about overwriting and the rest of raz, and are kept by hand. *Not yet defended* means so: nothing in raz stops it.

A lie marked **no host can see it** is claimed all the same: old bytes lie where no read reaches them. \
That is why a drive's word is never called *verified*.

“Other tools” is what hdparm, sg3-utils and nvme-cli make of the same lie, where that was measured \
([traps-peers.md](traps-peers.md)).

";

struct Row {
    cells: [String; 7],
}

impl Row {
    fn of_run(run: &Run, peers: &Peers) -> Self {
        let (word, _) = run.reasons.split_once(':').unwrap_or((&run.reasons, ""));
        let (outcome, certificate) = if run.is_claimed() {
            let outcome = if run.remained {
                "claimed by drive: **no host can see it**"
            } else {
                "claimed by drive"
            };
            (
                outcome.to_owned(),
                "claimed by the drive, never verified".to_owned(),
            )
        } else {
            let word_on_paper = if word == "refuted" {
                "not erased"
            } else {
                "unknown"
            };
            let says = run.says;
            (
                format!("{word}: “… {says} …”"),
                format!("{word_on_paper}, with this reason"),
            )
        };
        let simulated = simulated(run);
        let others = peers.of(&simulated);
        let remained = if run.remained { "yes" } else { "no" };
        Self {
            cells: [
                String::new(),
                String::new(),
                simulated,
                outcome,
                remained.to_owned(),
                certificate,
                others,
            ],
        }
    }

    fn of_text(known: &list::Known) -> Self {
        let [simulated, outcome, certificate] = known.texts.map(str::to_owned);
        let cells = [
            String::new(),
            String::new(),
            simulated,
            outcome,
            "–".into(),
            certificate,
            "–".into(),
        ];
        Self { cells }
    }
}

/// The drive, how it is told to erase, and its lie.
fn simulated(run: &Run) -> String {
    let technique = run.technique.to_string();
    let technique = technique.trim_end_matches(" by the drive");
    format!("{}, {technique}: {}", run.drive, run.name)
}

fn table(runs: &[Run], peers: &Peers) -> String {
    let mut text = HEAD.to_owned();
    text +=
        "| № | Trap | Simulated | raz | Old bytes left | The certificate says | Other tools |\n";
    text += "|---|---|---|---|---|---|---|\n";
    for (number, name, known) in list::traps() {
        let of_text = known.iter().map(Row::of_text);
        let of_runs = runs
            .iter()
            .filter(|run| run.numbers.contains(&number))
            .map(|run| Row::of_run(run, peers));
        let mut rows: Vec<Row> = of_text.chain(of_runs).collect();
        let first = rows.first_mut().expect("a row for every trap");
        first.cells[0] = number.to_string();
        first.cells[1] = name.to_owned();
        for row in rows {
            writeln!(text, "| {} |", row.cells.join(" | ")).expect("a string");
        }
    }
    text
}

#[test]
fn table_of_traps_is_what_the_runs_say() {
    let mut runs = crate::ata::runs();
    runs.extend(crate::security::runs());
    runs.extend(crate::nvme::traps::runs());
    runs.extend(crate::nvme::traps::runs_beside());
    runs.extend(crate::nvme::format::runs());
    runs.extend(crate::scsi::traps::runs());
    runs.extend(crate::mmc::traps::runs());
    runs.extend(crate::mmc::traps::runs_beside());
    // What is renewed is still what was expected.
    runs.iter().for_each(Run::assert_expected);
    let peers = Peers::measured();
    let names: Vec<String> = runs.iter().map(simulated).collect();
    peers.assert_among(&names);
    let text = table(&runs, &peers);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/traps.md");
    if std::env::var_os("UPDATE_TRAPS").is_some() {
        std::fs::write(&file, &text).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    for (line, (new, old)) in text.lines().zip(kept.lines()).enumerate() {
        assert_eq!(new, old, "line {} of docs/traps.md", line + 1);
    }
    assert!(text == kept, "docs/traps.md has other lines at its end");
}

#[test]
fn list_has_each_of_the_55_traps_once() {
    let numbers: Vec<u8> = list::traps().iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=55).collect::<Vec<u8>>());
}
