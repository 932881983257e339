//! From `raz wipe` on the command line, which is the consent, to the first byte written: the real
//! program, with discovery, identities, refusals, claim and exclusive open. Beside it the engine
//! alone, which is what a person at the live image's screen waits for after the last letter.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::devices::{Backing, Drive, Folder};
use super::figures::{Finding, Subject, Wanted};
use super::{Bench, Group, Site, child, progress};
use crate::run;

const COUNTS: [usize; 2] = [1, 24];
const DRIVE_BYTES: u64 = 64 << 20;
/// Until the last drive's first byte.
const WANTED: Wanted = Wanted::AtMost(0.3);

/// `raz wipe` and the engine alone, on one drive and on many.
pub fn group(bench: &Bench, raz: &Path) -> anyhow::Result<Group> {
    let most = COUNTS.into_iter().max().unwrap_or(0);
    let (folder, drives) =
        Folder::with_drives(bench.root, &vec![DRIVE_BYTES; most], Backing::Memory)?;
    let site = Site {
        backing: Backing::Memory,
        folder: &folder,
        drives: &drives,
        limits: None,
    };
    let heading = format!("Start of a run, up to {most} × {} MiB", DRIVE_BYTES >> 20);
    let variant = bench.shipped();
    // The very first write pays for space that was never touched.
    bench.raz(variant, 1, site)?;
    let mut settings = Vec::new();
    for count in COUNTS {
        let site = Site {
            drives: site.drives.get(..count).context("too few drives")?,
            ..site
        };
        let subject = |name: &str, command: &Command| Subject {
            name: format!("{name}, {}", super::drives(count)),
            command: child::typed(command),
            bytes: site.bytes(),
            runs: Vec::new(),
        };
        let whole = subject("raz wipe", &wipe(raz, site.drives)?);
        let engine = subject("engine", &bench.raz_command(variant, 1, site)?);
        settings.push((site, whole, engine));
    }
    for round in 1..=bench.rounds {
        progress(&heading, &format!("round {round} of {}", bench.rounds));
        for (site, whole, engine) in &mut settings {
            let commands = vec![wipe(raz, site.drives)?];
            let (seen, _) =
                child::measure(commands, site.drives, bench.scratch, bench.interruption)?;
            ensure!(
                seen.first_write_seconds.is_some(),
                "raz wipe ended without a write to each drive"
            );
            whole.runs.push(seen);
            engine.runs.push(bench.raz(variant, 1, *site)?);
        }
    }
    let subjects: Vec<Subject> = settings
        .into_iter()
        .flat_map(|(_, whole, engine)| [whole, engine])
        .collect();
    let findings = subjects.iter().filter_map(|subject| {
        Finding::new(
            &subject.name,
            "s to the last drive's first write",
            subject.spread(|run| run.first_write_seconds),
            Some(WANTED),
        )
    });
    Ok(Group {
        heading,
        notes: vec![
            "raz wipe: from its start to the movement of every drive's own counter, as fine as 5 ms"
                .to_owned(),
            "engine: from its start to the last drive's first request sent".to_owned(),
        ],
        backing: site.backing,
        drives_bytes: site.drives_bytes(),
        limit_bytes_per_second: None,
        findings: findings.collect(),
        subjects,
    })
}

/// The command over drives that are ours, with the id of each as `raz drives` says it.
fn wipe(raz: &Path, drives: &[Drive]) -> anyhow::Result<Command> {
    ensure!(!drives.is_empty(), "raz without a drive");
    let paths = drives
        .iter()
        .map(Drive::check)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let said = run::output(run::program(raz).args(["drives", "--json"]).args(&paths))?;
    let ids = ids(&said, &paths)?;
    let mut command = child::command(&raz.display().to_string(), ["wipe"]);
    for (path, id) in paths.iter().zip(&ids) {
        command.arg(path).args(["--confirm", id]);
    }
    Ok(command)
}

#[derive(Deserialize)]
struct Listed {
    path: PathBuf,
    id: String,
}

/// The ids of exactly these drives, in their order.
fn ids(json: &str, paths: &[&Path]) -> anyhow::Result<Vec<String>> {
    let listed: Vec<Listed> = serde_json::from_str(json).context("parsing raz's drives")?;
    paths
        .iter()
        .map(|path| {
            let mut same = listed.iter().filter(|one| one.path == **path);
            match (same.next(), same.next()) {
                (Some(one), None) => Ok(one.id.clone()),
                _ => anyhow::bail!("raz does not list {} once", path.display()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drive_is_confirmed_by_its_own_id() {
        let json = r#"[{"path":"/dev/loop2","id":"B"},{"path":"/dev/loop1","id":"A","bytes":1}]"#;
        let (one, two) = (Path::new("/dev/loop1"), Path::new("/dev/loop2"));
        assert_eq!(ids(json, &[one, two]).expect("both"), ["A", "B"]);
        assert!(ids(json, &[Path::new("/dev/loop3")]).is_err());
        assert!(ids("[]", &[one]).is_err() && ids("", &[one]).is_err());
        let twice = r#"[{"path":"/dev/loop1","id":"A"},{"path":"/dev/loop1","id":"B"}]"#;
        assert!(ids(twice, &[one]).is_err());
    }
}
