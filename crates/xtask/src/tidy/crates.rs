//! The manifests: lints, the arrows between our crates, and what must not reach the agent.

use anyhow::{Context, bail};
use toml::{Table, Value};

use super::{File, Finding};

/// The page whose table of crates says whom each may depend on.
const PAGE: &str = "ARCHITECTURE.md";
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

/// A row of the page's table of crates.
struct Row {
    line: usize,
    name: String,
    depends_on: Vec<String>,
}

/// ``| `name` | what it is | name, name |``: the last quoted name of the first column is the
/// package's, and a third column without a name (`–`) is none.
fn rows(page: &File) -> Vec<Row> {
    let lines = page.text.lines().enumerate();
    lines
        .skip_while(|(_, line)| !line.starts_with("| crate |"))
        .skip(2)
        .take_while(|(_, line)| line.starts_with('|'))
        .filter_map(|(index, line)| {
            let mut columns = line.split('|').skip(1);
            let name = columns.next()?.rsplit('`').nth(1)?;
            let depends_on = columns.nth(1)?.split(',').map(str::trim);
            Some(Row {
                line: index + 1,
                name: name.trim_end_matches('/').to_owned(),
                depends_on: depends_on
                    .filter(|name| name.starts_with(char::is_alphanumeric))
                    .map(str::to_owned)
                    .collect(),
            })
        })
        .collect()
}

/// The arrows between our crates are those of the architecture's table, no more and no fewer.
pub fn arrows(files: &[File]) -> anyhow::Result<Vec<Finding>> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        bail!("no {PAGE} at the root");
    };
    let rows = rows(page);
    let manifests = manifests(files)?;
    let ours: Vec<&str> = manifests
        .iter()
        .map(|manifest| manifest.name.as_str())
        .collect();
    let mut findings = Vec::new();
    for row in &rows {
        if !ours.contains(&row.name.as_str()) {
            let message = format!("no crate is named {}; take it out of the table", row.name);
            findings.push(Finding::new(PAGE, row.line, message));
        }
    }
    for manifest in &manifests {
        let Some(row) = rows.iter().find(|row| row.name == manifest.name) else {
            let message = format!("a crate that {PAGE} does not have; add it to the table there");
            findings.push(Finding::new(&manifest.file.path, 0, message));
            continue;
        };
        let section = |name| manifest.table.get(name).and_then(Value::as_table);
        for name in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let is_shipped = name != "dev-dependencies";
            for name in section(name).into_iter().flat_map(Table::keys) {
                // Tests may use the fakes.
                let is_allowed = row.depends_on.contains(name) || (!is_shipped && name == FAKES);
                if !ours.contains(&name.as_str()) || is_allowed {
                    continue;
                }
                let message = format!(
                    "{} must not depend on {name}: no such arrow in {PAGE}",
                    manifest.name
                );
                let line = line_of(&manifest.file.text, name);
                findings.push(Finding::new(&manifest.file.path, line, message));
            }
        }
        for name in &row.depends_on {
            if !section("dependencies").is_some_and(|table| table.contains_key(name)) {
                let message = format!(
                    "says that {} depends on {name}, which its manifest does not",
                    row.name
                );
                findings.push(Finding::new(PAGE, row.line, message));
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

    const TABLE: &str = "\
## 2. Crates

| crate | what it is | depends on |
|---|---|---|
| `drive` | one drive | – |
| `wipe` | the engine | drive |
| `report` | the wire | – |
| `sim` | fakes | – |
| `tests/` (`lab`) | machines | report |

| other | table | drive |
";

    #[test]
    fn an_arrow_that_the_table_does_not_have_is_found_with_its_line() {
        let files = [
            file("Cargo.toml", WORKSPACE),
            file(PAGE, TABLE),
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
                "[package]\nname = \"lab\"\n[dependencies]\nreport.workspace = true\nwipe.workspace = true\n",
            ),
            file("crates/new/Cargo.toml", "[package]\nname = \"new\"\n"),
        ];
        let found = messages(&arrows(&files).unwrap());
        for expected in [
            "crates/wipe/Cargo.toml:4 wipe must not depend on report",
            "crates/drive/Cargo.toml:4 drive must not depend on sim",
            "tests/Cargo.toml:5 lab must not depend on wipe",
            "crates/new/Cargo.toml:0",
        ] {
            assert!(found.contains(expected), "{found}");
        }
        assert_eq!(found.lines().count(), 4, "{found}");
    }

    #[test]
    fn an_arrow_or_a_crate_that_only_the_table_has_is_found_with_its_line() {
        let plain = |name: &str| {
            file(
                &format!("crates/{name}/Cargo.toml"),
                &format!("[package]\nname = \"{name}\"\n"),
            )
        };
        let files = [
            file("Cargo.toml", WORKSPACE),
            file(PAGE, TABLE),
            plain("drive"),
            plain("wipe"),
            plain("report"),
            plain("sim"),
        ];
        let found = messages(&arrows(&files).unwrap());
        assert!(
            found.contains("ARCHITECTURE.md:6 says that wipe"),
            "{found}"
        );
        assert!(found.contains("ARCHITECTURE.md:9 no crate"), "{found}");
        assert_eq!(found.lines().count(), 2, "{found}");
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
