//! The manifests: lints, the arrows between our crates, and what must not reach the agent.

use anyhow::{Context, bail};
use toml::{Table, Value};

use super::{File, Finding};

/// The arrows of ARCHITECTURE.md: whom each crate may depend on. The lab may use all.
const ARROWS: &[(&str, &[&str])] = &[
    ("sys", &[]),
    ("drive", &["sys"]),
    ("wipe", &["drive", "sys"]),
    ("machine", &["drive", "sys"]),
    ("report", &[]),
    ("sim", &["drive", "sys"]),
    ("agent", &["wipe", "drive", "sys", "machine", "report"]),
    ("inventory", &["report"]),
    ("xtask", &[]),
    ("fuzz", &["drive", "machine", "report"]),
];
/// May depend on anything of ours.
const LAB: &str = "lab";
/// Drives that do not exist: in tests only.
const FAKES: &str = "sim";

/// A crate's manifest.
struct Manifest<'a> {
    file: &'a File,
    name: String,
    table: Table,
}

fn manifests(files: &[File]) -> anyhow::Result<Vec<Manifest<'_>>> {
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.toml"))
    {
        let table: Table = file
            .text
            .parse()
            .with_context(|| format!("parsing {}", file.path))?;
        let name = table
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(Value::as_str);
        if let Some(name) = name.map(str::to_owned) {
            found.push(Manifest { file, name, table });
        }
    }
    Ok(found)
}

/// Every crate but sys inherits the workspace's lints; sys repeats them, but for the one about unsafe.
pub fn lints(files: &[File]) -> anyhow::Result<Vec<Finding>> {
    let Some(workspace) = files.iter().find(|file| file.path == "Cargo.toml") else {
        bail!("no Cargo.toml at the root");
    };
    let workspace: Table = workspace.text.parse().context("parsing Cargo.toml")?;
    let wanted = workspace
        .get("workspace")
        .and_then(|table| table.get("lints"))
        .context("no [workspace.lints]")?;
    let mut findings = Vec::new();
    if lint(wanted, "rust", "unsafe_code") != Some("forbid") {
        findings.push(Finding::new(
            "Cargo.toml",
            0,
            "[workspace.lints.rust] must have unsafe_code = \"forbid\"",
        ));
    }
    for manifest in manifests(files)? {
        let path = &manifest.file.path;
        let lints = manifest.table.get("lints");
        if manifest.name != "sys" {
            let inherits = lints
                .and_then(|table| table.get("workspace"))
                .and_then(Value::as_bool);
            if inherits != Some(true) {
                findings.push(Finding::new(
                    path,
                    0,
                    "add `lints.workspace = true`: unsafe is forbidden outside sys",
                ));
            }
            continue;
        }
        for group in ["rust", "clippy"] {
            for name in wanted
                .get(group)
                .and_then(Value::as_table)
                .into_iter()
                .flat_map(Table::keys)
            {
                let own = lints.and_then(|table| lint(table, group, name));
                if name != "unsafe_code" && own.is_none() {
                    let message = format!("sys repeats the workspace's lints: add {group} {name}");
                    findings.push(Finding::new(path, 0, message));
                }
            }
        }
    }
    Ok(findings)
}

fn lint<'a>(lints: &'a Value, group: &str, name: &str) -> Option<&'a str> {
    lints.get(group)?.get(name)?.as_str()
}

/// No arrow between our crates that the architecture does not have.
pub fn arrows(files: &[File]) -> anyhow::Result<Vec<Finding>> {
    let manifests = manifests(files)?;
    let ours: Vec<&str> = manifests
        .iter()
        .map(|manifest| manifest.name.as_str())
        .collect();
    let mut findings = Vec::new();
    for manifest in &manifests {
        if manifest.name == LAB {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == manifest.name) else {
            let message = "a crate that ARCHITECTURE.md does not have; add it there and to the arrows of tidy";
            findings.push(Finding::new(&manifest.file.path, 0, message));
            continue;
        };
        for (section, is_shipped) in [
            ("dependencies", true),
            ("build-dependencies", true),
            ("dev-dependencies", false),
        ] {
            let Some(dependencies) = manifest.table.get(section).and_then(Value::as_table) else {
                continue;
            };
            for name in dependencies
                .keys()
                .filter(|name| ours.contains(&name.as_str()))
            {
                // Tests may use the fakes.
                if allowed.contains(&name.as_str()) || (!is_shipped && name == FAKES) {
                    continue;
                }
                let message = format!(
                    "{} must not depend on {name}: no such arrow in ARCHITECTURE.md",
                    manifest.name
                );
                let line = line_of(&manifest.file.text, name);
                findings.push(Finding::new(&manifest.file.path, line, message));
            }
        }
    }
    Ok(findings)
}

/// The line of a manifest that starts with this key.
fn line_of(text: &str, key: &str) -> usize {
    text.lines()
        .position(|line| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        })
        .map_or(0, |index| index + 1)
}

/// `tree` is what `cargo tree -p agent -e normal --prefix none` says.
pub fn no_fakes(tree: &str) -> Vec<Finding> {
    let listed = tree
        .lines()
        .any(|line| line.split_whitespace().next() == Some(FAKES));
    let message = "the agent's dependencies list sim; the shipped program has no fake in it";
    listed
        .then(|| Finding::new("crates/agent/Cargo.toml", 0, message))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n[workspace.lints.clippy]\ntodo = \"deny\"\n";

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.into(),
            text: text.into(),
        }
    }

    fn messages(findings: &[Finding]) -> String {
        findings
            .iter()
            .map(|finding| format!("{}:{} {}\n", finding.path, finding.line, finding.message))
            .collect()
    }

    #[test]
    fn a_crate_without_the_workspace_lints_is_found() {
        let files = [
            file("Cargo.toml", WORKSPACE),
            file("crates/wipe/Cargo.toml", "[package]\nname = \"wipe\"\n"),
            file(
                "crates/drive/Cargo.toml",
                "[package]\nname = \"drive\"\n[lints]\nworkspace = true\n",
            ),
            file(
                "crates/sys/Cargo.toml",
                "[package]\nname = \"sys\"\n[lints.rust]\nmissing_docs = \"warn\"\n",
            ),
        ];
        let found = messages(&lints(&files).unwrap());
        assert!(
            found.contains("crates/wipe") && found.contains("clippy todo"),
            "{found}"
        );
        assert!(!found.contains("crates/drive"), "{found}");
    }

    #[test]
    fn a_workspace_that_allows_unsafe_is_found() {
        let files = [file(
            "Cargo.toml",
            "[workspace.lints.rust]\nmissing_docs = \"warn\"\n",
        )];
        assert_eq!(lints(&files).unwrap().len(), 1);
    }

    #[test]
    fn an_arrow_against_the_architecture_is_found_with_its_line() {
        let files = [
            file("Cargo.toml", WORKSPACE),
            file(
                "crates/wipe/Cargo.toml",
                "[package]\nname = \"wipe\"\n[dependencies]\nreport.workspace = true\ndrive.workspace = true\n[dev-dependencies]\nsim.workspace = true\n",
            ),
            file("crates/report/Cargo.toml", "[package]\nname = \"report\"\n"),
            file(
                "crates/drive/Cargo.toml",
                "[package]\nname = \"drive\"\n[dependencies]\nsim = { path = \"../sim\" }\n",
            ),
            file("crates/sim/Cargo.toml", "[package]\nname = \"sim\"\n"),
            file(
                "tests/Cargo.toml",
                "[package]\nname = \"lab\"\n[dependencies]\nsim.workspace = true\n",
            ),
            file("crates/new/Cargo.toml", "[package]\nname = \"new\"\n"),
        ];
        let found = messages(&arrows(&files).unwrap());
        assert!(
            found.contains("crates/wipe/Cargo.toml:4 wipe must not depend on report"),
            "{found}"
        );
        assert!(
            found.contains("crates/drive/Cargo.toml:4 drive must not depend on sim"),
            "{found}"
        );
        assert!(found.contains("crates/new/Cargo.toml:0"), "{found}");
        assert_eq!(found.lines().count(), 3, "{found}");
    }

    #[test]
    fn a_fake_in_the_agents_tree_is_found() {
        assert_eq!(
            no_fakes("agent v0.1.0\nsimd-adler32 v0.3.7\ndrive v0.1.0 (x)\n"),
            []
        );
        assert_eq!(no_fakes("agent v0.1.0\nsim v0.1.0 (crates/sim)\n").len(), 1);
    }
}
