//! A private apt root: trixie's packages without a change to the machine.
//!
//! The mirror is the one in the machine's own apt sources with the suite swapped; third parties'
//! sources are left out. Everything is verified by apt against Debian's archive keyring. Sources,
//! lists and cache lie under target/apt, so it works for root and for anyone else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::lock::Package;
use crate::run;

/// The Debian suite that the image is made from.
const SUITE: &str = "trixie";
/// The metapackage that names the current signed kernel.
pub const KERNEL: &str = "linux-image-amd64";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An apt root with its lists fetched.
pub struct Apt {
    configuration: PathBuf,
}

impl Apt {
    /// Lays out the root under `folder` and fetches the suite's lists.
    pub fn updated(folder: &Path) -> anyhow::Result<Self> {
        let release = fs::read_to_string("/etc/os-release").context("reading /etc/os-release")?;
        let codename = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .map(|name| name.trim_matches('"').to_owned())
            .unwrap_or_else(|| "stable".to_owned());
        let sources = sources(&machine_sources(), &codename);
        if sources.is_empty() {
            bail!(
                "no Debian mirror with suite {codename} in this machine's apt sources: \
                 the image is built on a Debian machine"
            );
        }
        for part in ["lists/partial", "archives/partial", "state"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(folder.join("state/status"), "")?;
        let list = sources
            .iter()
            .map(|source| format!("deb [signed-by={KEYRING}] {source} main non-free-firmware\n"))
            .collect::<String>();
        fs::write(folder.join("sources.list"), list)?;
        let configuration = folder.join("apt.conf");
        fs::write(&configuration, configuration_text(folder)?)?;
        let apt = Self { configuration };
        run::run(
            apt.command("apt-get")
                .args(["update", "--quiet", "--quiet"]),
        )
        .with_context(|| format!("fetching the package lists of {SUITE}"))?;
        Ok(apt)
    }

    /// The newest package of this name in the suite; of [`KERNEL`] the kernel that it names.
    pub fn current(&self, name: &str) -> anyhow::Result<Package> {
        let records = self.show(name)?;
        let newest = records
            .first()
            .with_context(|| format!("{SUITE} has no {name}"))?;
        if name != KERNEL {
            return Ok(newest.package.clone());
        }
        let kernel = newest
            .depends
            .split(',')
            .filter_map(|dependency| dependency.split_whitespace().next())
            .find(|name| name.starts_with("linux-image-"))
            .with_context(|| format!("{KERNEL} depends on no kernel"))?;
        self.current(kernel)
    }

    /// Whether the mirror still has exactly this package.
    pub fn has(&self, package: &Package) -> bool {
        self.show(&package.name)
            .is_ok_and(|records| records.iter().any(|record| record.package == *package))
    }

    /// Downloads a package into `folder` under apt's own file name, and gives back its path.
    pub fn download(&self, package: &Package, folder: &Path) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            fs::remove_file(entry?.path())?;
        }
        let wanted = format!("{}={}", package.name, package.version);
        run::run(
            self.command("apt-get")
                .current_dir(folder)
                .args(["download", "--quiet", "--quiet", &wanted]),
        )?;
        let entry = fs::read_dir(folder)?
            .next()
            .with_context(|| format!("apt brought no {wanted}"))?;
        Ok(entry?.path())
    }

    fn show(&self, name: &str) -> anyhow::Result<Vec<Record>> {
        Ok(records(&run::output(
            self.command("apt-cache").args(["show", name]),
        )?))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = run::program(program);
        command.env("APT_CONFIG", &self.configuration);
        command
    }
}

/// One paragraph of `apt-cache show`.
struct Record {
    package: Package,
    depends: String,
}

/// The paragraphs in apt's order, which is newest first.
fn records(text: &str) -> Vec<Record> {
    text.split("\n\n")
        .filter_map(|paragraph| {
            let field = |name: &str| {
                paragraph
                    .lines()
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                    .map(str::to_owned)
            };
            Some(Record {
                package: Package {
                    name: field("Package")?,
                    version: field("Version")?,
                    sha256: field("SHA256")?,
                },
                depends: field("Depends").unwrap_or_default(),
            })
        })
        .collect()
}

/// apt's settings: our own folders, none of the machine's hooks (they would tidy the machine's
/// cache), but its way to the network (proxy, certificates).
fn configuration_text(folder: &Path) -> anyhow::Result<String> {
    let folder = folder.display();
    let user = run::output(run::program("id").arg("-un"))?;
    let mut text = format!(
        "Dir::Etc::main \"/dev/null\";\n\
         Dir::Etc::parts \"/dev/null\";\n\
         Dir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         Dir::State \"{folder}/state\";\n\
         Dir::State::lists \"{folder}/lists\";\n\
         Dir::State::status \"{folder}/state/status\";\n\
         Dir::Cache \"{folder}\";\n\
         APT::Architecture \"amd64\";\n\
         APT::Architectures {{ \"amd64\"; }};\n\
         APT::Sandbox::User \"{}\";\n\
         Acquire::Languages \"none\";\n",
        user.trim()
    );
    for line in run::output(run::program("apt-config").arg("dump"))?.lines() {
        if ["Acquire::http", "Acquire::https"]
            .iter()
            .any(|prefix| line.starts_with(prefix))
        {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// The text of every sources file of the machine.
fn machine_sources() -> Vec<String> {
    let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        paths.extend(entries.flatten().map(|entry| entry.path()).filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "list" || extension == "sources")
        }));
    }
    paths.sort();
    paths
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}

/// `URI SUITE` of each Debian source with the machine's suite swapped for ours. A source counts
/// when its suite is the machine's own (or its updates or security) and it has `main`: third
/// parties name their suites otherwise.
fn sources(texts: &[String], codename: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts {
        for (uris, suites, components) in entries(text) {
            if !components.iter().any(|component| component == "main") {
                continue;
            }
            for suite in &suites {
                let branch = match suite
                    .strip_prefix(codename)
                    .or_else(|| suite.strip_prefix("stable"))
                {
                    Some(branch @ ("" | "-updates" | "-security")) => branch,
                    Some(_) | None => continue,
                };
                found.extend(uris.iter().map(|uri| format!("{uri} {SUITE}{branch}")));
            }
        }
    }
    found
}

type Entry = (Vec<String>, Vec<String>, Vec<String>);

/// (URIs, suites, components) of both formats: one-line `deb …` and deb822 paragraphs.
fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    for paragraph in text.split("\n\n") {
        let field = |name: &str| -> Vec<String> {
            paragraph
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(|value| value.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default()
        };
        if field("Types").iter().any(|kind| kind == "deb") && field("Enabled") != ["no"] {
            found.push((field("URIs"), field("Suites"), field("Components")));
        }
    }
    for line in text.lines() {
        let Some(rest) = line.trim_start().strip_prefix("deb ") else {
            continue;
        };
        let rest = rest.trim_start();
        // Options in brackets stand before the address.
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let mut words = rest.split_whitespace().map(str::to_owned);
        if let (Some(uri), Some(suite)) = (words.next(), words.next()) {
            found.push((vec![uri], vec![suite], words.collect()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_source_formats_are_swapped_and_third_parties_left_out() {
        let texts = [
            "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\nTypes: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n",
            "deb [arch=amd64 signed-by=/x.gpg] http://mirror.example/debian bookworm main contrib\ndeb-src http://mirror.example/debian bookworm main\n",
            "deb https://vendor.example/apt tool-bookworm main\n",
            "Types: deb\nURIs: https://vendor.example/node\nSuites: nodistro\nComponents: main\n",
            "deb http://mirror.example/debian bookworm-backports main\n",
            "deb http://mirror.example/nonfree bookworm non-free\n",
        ]
        .map(str::to_owned);
        let expected = [
            "http://mirror.example/debian trixie",
            "http://mirror.example/debian trixie-updates",
            "http://mirror.example/security trixie-security",
        ];
        assert_eq!(
            sources(&texts, "bookworm").into_iter().collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn a_disabled_source_is_left_out() {
        let text = "Types: deb\nEnabled: no\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\n";
        assert!(sources(&[text.to_owned()], "bookworm").is_empty());
    }

    #[test]
    fn the_first_record_is_the_newest_and_incomplete_ones_are_dropped() {
        let text = "Package: a\nVersion: 2\nSHA256: bb\nDepends: x (= 1), linux-image-6\n\nPackage: a\nVersion: 1\nSHA256: aa\n\nPackage: broken\n";
        let records = records(text);
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].package.version, "2");
        assert_eq!(records[0].depends, "x (= 1), linux-image-6");
    }
}
