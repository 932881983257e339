//! raz against fio's best and against other erasers on the same drives, round by round.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::devices::{Backing, Folder};
use super::figures::Subject;
use super::fio::{Direction, HugePages, Setting};
use super::options::Options;
use super::peers::{self, Peer};
use super::raz::Variant;
use super::{Bench, Group, Site, child, progress, targets};

/// One program of a round.
pub enum Entrant {
    Raz(Variant),
    Peer(Peer),
}

impl Entrant {
    pub fn name(&self) -> String {
        match self {
            Self::Raz(variant) => variant.name(),
            Self::Peer(peer) => peer.name.to_owned(),
        }
    }
}

/// One drive and several at once, of each backing that was asked for.
pub fn groups(bench: &Bench, options: &Options, nwipe: &[Peer]) -> anyhow::Result<Vec<Group>> {
    let settings = options.settings(bench.conditions.has("aes"), nwipe);
    let Some(drives_most) = settings.iter().map(|(drives, _)| *drives).max() else {
        return Ok(Vec::new());
    };
    let _huge_pages = HugePages::reserve(drives_most, &Setting::grid(drives_most))?;
    let bytes = options.gib << 30;
    let backings: &[Backing] = if options.file_backed {
        &[Backing::Memory, Backing::File]
    } else {
        &[Backing::Memory]
    };
    let mut groups = Vec::new();
    for backing in backings {
        let all = vec![bytes; drives_most];
        let (folder, drives) = Folder::with_drives(bench.root, &all, *backing)?;
        for (count, entrants) in &settings {
            let site = Site {
                backing: *backing,
                folder: &folder,
                drives: drives.get(..*count).context("too few drives")?,
                limits: None,
            };
            let heading = format!("{count} × {} GiB, {}", options.gib, backing.name());
            groups.push(bench.versus(heading, site, entrants)?);
        }
    }
    Ok(groups)
}

impl Bench<'_> {
    /// fio's best first, then the rounds.
    fn versus(&self, heading: String, site: Site, entrants: &[Entrant]) -> anyhow::Result<Group> {
        progress(&heading, "looking for fio's best");
        let (write, read) = self.fio_best(site)?;
        let (subjects, remarks) = self.rounds(&heading, site, (write, read), entrants)?;
        let findings = entrants
            .iter()
            .filter_map(|entrant| match entrant {
                Entrant::Raz(variant) => Some(*variant),
                Entrant::Peer(_) => None,
            })
            .flat_map(|variant| {
                targets::findings(variant, &subjects, site.drives.len(), self.conditions)
            })
            .collect();
        let count = site.drives.len();
        let (write, read) = (write.shown(count), read.shown(count));
        Ok(Group {
            heading,
            notes: [format!("fio's best: write {write}, read {read}")]
                .into_iter()
                .chain(remarks)
                .collect(),
            backing: site.backing,
            drives_bytes: site.drives_bytes(),
            limit_bytes_per_second: None,
            subjects,
            findings,
        })
    }

    /// Every program once a round, fio first; and what is to be known of the peers.
    pub fn rounds(
        &self,
        heading: &str,
        site: Site,
        fio: (Setting, Setting),
        entrants: &[Entrant],
    ) -> anyhow::Result<(Vec<Subject>, BTreeSet<String>)> {
        let subject = |name: &str, commands: &[Command], separator| Subject {
            name: name.to_owned(),
            command: child::typed_all(commands, separator),
            bytes: site.bytes(),
            runs: Vec::new(),
        };
        let mut subjects = vec![subject("fio's best", &site.fio_commands(fio)?, "; ")];
        for entrant in entrants {
            let commands = self.commands(entrant, site)?;
            subjects.push(subject(&entrant.name(), &commands, " & "));
        }
        let mut remarks = BTreeSet::new();
        for round in 1..=self.rounds {
            progress(heading, &format!("round {round} of {}", self.rounds));
            let mut runs = vec![self.fio_both(fio, site)?];
            for entrant in entrants {
                self.interruption
                    .rest(Duration::from_secs(site.rest_seconds()))?;
                runs.push(match entrant {
                    Entrant::Raz(variant) => self.raz(*variant, 1, site)?,
                    Entrant::Peer(_) => {
                        let commands = self.commands(entrant, site)?;
                        let (seen, said) =
                            child::measure(commands, site.drives, self.scratch, self.interruption)?;
                        let chose = peers::generator(&said);
                        remarks
                            .extend(chose.map(|chose| format!("{} took {chose}", entrant.name())));
                        seen
                    }
                });
            }
            for (subject, run) in subjects.iter_mut().zip(runs) {
                subject.runs.push(run);
            }
        }
        Ok((subjects, remarks))
    }

    fn commands(&self, entrant: &Entrant, site: Site) -> anyhow::Result<Vec<Command>> {
        match entrant {
            Entrant::Raz(variant) => Ok(vec![self.raz_command(*variant, 1, site)?]),
            Entrant::Peer(peer) => peer.commands(site.drives),
        }
    }

    /// The settings that write and that read in the least time.
    fn fio_best(&self, site: Site) -> anyhow::Result<(Setting, Setting)> {
        let grid = Setting::grid(site.drives.len());
        let first = *grid.first().context("an empty grid")?;
        // The very first write pays for space that was never touched.
        self.fio(first, Direction::Write, site)?;
        let mut best = [(first, f64::INFINITY); 2];
        for setting in grid {
            for (best, direction) in best.iter_mut().zip([Direction::Write, Direction::Read]) {
                let run = self.fio(setting, direction, site)?;
                let seconds = run.write_seconds.or(run.verify_seconds);
                if let Some(seconds) = seconds.filter(|seconds| *seconds < best.1) {
                    *best = (setting, seconds);
                }
            }
        }
        let [(write, _), (read, _)] = best;
        Ok((write, read))
    }
}
