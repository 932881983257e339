//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md that a program can check.
//!
//! Each check is a pure function from files to findings; each finding names file and line and says
//! what to do. What the compiler or clippy already refuses is not repeated here, but for the border
//! around `unsafe`, which is too dear to hang on one line of a manifest.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::run;

mod crates;
mod fuzz;
mod lexer;
mod openings;
mod questions;
mod safety;
mod source;
mod text;

/// One file of the checkout, with its path from the root.
pub struct File {
    pub path: String,
    pub text: String,
}

/// Something to put right.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    /// From 1; 0 stands for the whole file.
    pub line: usize,
    pub message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

/// Runs every check and prints what was found.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let files = files(root)?;
    let mut findings = Vec::new();
    findings.extend(crates::lints(&files)?);
    findings.extend(crates::arrows(&files)?);
    findings.extend(fuzz::targets(&files));
    findings.extend(safety::check(&files));
    let tree = [
        "tree",
        "--package",
        "agent",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--locked",
    ];
    findings.extend(crates::no_fakes(&run::output(run::cargo(root).args(tree))?));
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        findings.extend(source::check(file));
        findings.extend(openings::check(file));
        findings.extend(questions::check(file));
    }
    for file in &files {
        findings.extend(text::check(file));
    }
    let named = openings::named()
        .chain(safety::named())
        .chain(text::EXEMPT.iter().copied())
        .chain(fuzz::PARSERS.iter().copied())
        .map(str::to_owned)
        .chain(source::named());
    findings.extend(absent(named, &files));
    for finding in &findings {
        eprintln!("{}:{}: {}", finding.path, finding.line, finding.message);
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A check whose list names a file or folder that is gone checks or excuses nothing, silently.
fn absent(named: impl Iterator<Item = String>, files: &[File]) -> Vec<Finding> {
    let is_there = |name: &String| {
        files.iter().any(|file| {
            file.path == *name || (name.ends_with('/') && file.path.starts_with(name.as_str()))
        })
    };
    let named: BTreeSet<String> = named.collect();
    named
        .iter()
        .filter(|name| !is_there(name))
        .map(|name| Finding::new(name, 0, "is not there, but a list of tidy names it"))
        .collect()
}

/// Every text file that is, or is about to be, committed.
fn files(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut git = run::program("git");
    git.current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let mut files = Vec::new();
    for path in run::output(&mut git)?
        .split('\0')
        .filter(|path| !path.is_empty())
    {
        let full = root.join(path);
        // A deleted file is still listed, a link's target is looked at where it lies.
        if !full
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file())
        {
            continue;
        }
        let bytes = fs::read(&full).with_context(|| format!("reading {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_names_what_is_gone_is_found() {
        let files = [File {
            path: "crates/wipe/src/lib.rs".into(),
            text: String::new(),
        }];
        let named = [
            "crates/wipe/src/",
            "crates/wipe/src/lib.rs",
            "crates/wipe/src/lib",
            "crates/agent/src/json.rs",
            "crates/agent/src/",
        ];
        let found: Vec<_> = absent(named.map(str::to_owned).into_iter(), &files)
            .into_iter()
            .map(|finding| finding.path)
            .collect();
        assert_eq!(
            found,
            [
                "crates/agent/src/",
                "crates/agent/src/json.rs",
                "crates/wipe/src/lib"
            ]
        );
    }
}
