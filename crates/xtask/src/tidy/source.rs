//! What Rust files must not contain, by crate.

use super::lexer::{self, Token, starts};
use super::{File, Finding};

/// A file above this has more than one idea in it.
const LINES_MAX: usize = 700;
/// How far above an `unsafe` its SAFETY line may stand.
const SAFETY_LINES: usize = 8;
/// The agent and everything below it: they speak to drives themselves.
const NO_PROCESS: &[&str] = &["agent", "wipe", "drive", "machine", "report", "sys"];
/// Nothing in the environment may change what is erased.
const NO_ENVIRONMENT: &[&str] = &["agent", "wipe", "drive", "sys"];
/// Parts of `std::process` that start nothing.
const HARMLESS: &[&str] = &["ExitCode", "Termination", "exit", "id", "abort"];
/// Crates whose types must become the wire schema in `agent::compose` only.
const NO_SERIALIZE: &[&str] = &["agent", "wipe", "drive", "machine", "sys"];
/// The folder of the one crate that may be unsafe.
const SYS: &str = "crates/sys/";

/// Folders that the lists above name.
pub fn named() -> impl Iterator<Item = String> {
    let crates = [NO_PROCESS, NO_ENVIRONMENT, NO_SERIALIZE].concat();
    crates
        .into_iter()
        .map(|name| format!("crates/{name}/src/"))
        .chain([SYS.to_owned()])
}

/// Every check of one file.
pub fn check(file: &File) -> Vec<Finding> {
    let tokens = lexer::shipped(&file.text);
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        let message = format!("{lines} lines; split it by idea, {LINES_MAX} is the limit");
        findings.push(Finding::new(&file.path, LINES_MAX, message));
    }
    if file.path.starts_with(SYS) {
        findings.extend(safety_lines(file));
    } else {
        // Tests too: the border holds for everything that is compiled.
        findings.extend(mentions(&lexer::tokens(&file.text), "unsafe").map(|line| {
            Finding::new(
                &file.path,
                line,
                "unsafe outside crates/sys; make a safe door for it there",
            )
        }));
    }
    let Some(krate) = krate(&file.path) else {
        return findings;
    };
    // Examples, benches and tests in files of their own are not shipped.
    let shipped = file.path.starts_with(&format!("crates/{krate}/src/"));
    if !shipped || file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
        return findings;
    }
    if NO_PROCESS.contains(&krate) {
        findings.extend(processes(file, &tokens));
    }
    if NO_ENVIRONMENT.contains(&krate) {
        findings.extend(environment(file, &tokens));
    }
    if NO_SERIALIZE.contains(&krate) {
        findings.extend(serializers(&tokens).into_iter().map(|line| {
            Finding::new(
                &file.path,
                line,
                "Serialize outside `report`; turn the value into a type of `report` in agent::compose",
            )
        }));
    }
    findings
}

fn krate(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.split('/').next()
}

fn mentions<'a>(tokens: &'a [Token], name: &'a str) -> impl Iterator<Item = usize> + 'a {
    tokens
        .iter()
        .filter(move |token| token.text == name)
        .map(|token| token.line)
}

/// Lines where a type becomes serializable: `derive(…, Serialize, …)` or `impl Serialize for`. A
/// function that takes such types is fine.
fn serializers(tokens: &[Token]) -> Vec<usize> {
    let mut in_derive = false;
    let mut lines = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "derive" => in_derive = true,
            "]" => in_derive = false,
            "Serialize" if in_derive || starts(&tokens[index + 1..], &["for"]) => {
                lines.push(token.line);
            }
            _ => {}
        }
    }
    lines
}

/// Each `unsafe` of a body has a SAFETY comment just above.
fn safety_lines(file: &File) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let tokens = lexer::tokens(&file.text);
    let blocks = tokens
        .windows(2)
        .filter(|pair| pair[0].text == "unsafe" && matches!(pair[1].text.as_str(), "{" | "impl"));
    blocks
        .map(|pair| pair[0].line)
        .filter(|line| {
            let above = &lines[line.saturating_sub(SAFETY_LINES + 1)..(*line).min(lines.len())];
            !above.iter().any(|text| text.contains("SAFETY:"))
        })
        .map(|line| {
            Finding::new(
                &file.path,
                line,
                "unsafe without a SAFETY line; state the kernel's contract above it",
            )
        })
        .collect()
}

/// `process::X` for any X that can start something, by path or by import, and hiding it by another name.
fn processes(file: &File, tokens: &[Token]) -> Vec<Finding> {
    let message = "starts a process; raz speaks to drives itself (ARCHITECTURE.md, invariant 6)";
    let mut findings = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let rest = &tokens[index + 1..];
        let found = match token.text.as_str() {
            "process" => {
                let names = names_behind(rest).unwrap_or_default();
                let renamed = starts(rest, &["as"]);
                (renamed || names.iter().any(|name| !HARMLESS.contains(&name.as_str())))
                    && is_std(tokens, index)
            }
            "execv" | "execve" | "execvp" | "execveat" | "fexecve" | "posix_spawn" | "fork"
            | "vfork" => starts(rest, &["("]),
            _ => false,
        };
        if found {
            findings.push(Finding::new(&file.path, token.line, message));
        }
    }
    findings
}

/// Whether the token's path begins with `std`, or with the token itself: then it was imported.
fn is_std(tokens: &[Token], index: usize) -> bool {
    let before: Vec<&str> = tokens[..index]
        .iter()
        .rev()
        .take(3)
        .map(|token| token.text.as_str())
        .collect();
    match before.as_slice() {
        [":", ":", root, ..] => *root == "std",
        _ => true,
    }
}

/// The names behind `::`: one, or those in braces; None when no `::` follows.
pub fn names_behind(rest: &[Token]) -> Option<Vec<String>> {
    if !starts(rest, &[":", ":"]) {
        return None;
    }
    match rest.get(2)?.text.as_str() {
        "{" => Some(
            rest[3..]
                .iter()
                .take_while(|token| token.text != "}")
                .filter(|token| token.text != ",")
                .map(|token| token.text.clone())
                .collect(),
        ),
        name => Some(vec![name.to_owned()]),
    }
}

/// `env::var` and its kin, by path or by import.
fn environment(file: &File, tokens: &[Token]) -> Vec<Finding> {
    let read = |name: &String| matches!(name.as_str(), "var" | "var_os" | "vars" | "vars_os");
    tokens
        .iter()
        .enumerate()
        .filter(|(index, token)| {
            token.text == "env"
                && names_behind(&tokens[index + 1..]).is_some_and(|names| names.iter().any(read))
        })
        .map(|(_, token)| {
            Finding::new(
                &file.path,
                token.line,
                "reads the environment; nothing there may change what is erased: take an argument",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<usize> {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        check(&file)
            .into_iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn unsafe_is_found_outside_sys_and_in_tests() {
        let text = "fn a() {}\n// unsafe is a word here\n#[cfg(test)]\nmod t { fn b() { unsafe { c() } } }\n";
        assert_eq!(findings("crates/wipe/src/a.rs", text), [4]);
        assert_eq!(
            findings("crates/wipe/src/a.rs", "#![forbid(unsafe_code)]"),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn unsafe_in_sys_needs_its_line() {
        let good = "// SAFETY: the kernel reads it only.\nunsafe { a() };\n";
        let bad = "fn b() {\n    unsafe { a() };\n}\n";
        assert_eq!(findings("crates/sys/src/a.rs", good), Vec::<usize>::new());
        assert_eq!(findings("crates/sys/src/a.rs", bad), [2]);
    }

    #[test]
    fn starting_a_process_is_found_in_every_spelling() {
        for text in [
            "use std::process::Command;",
            "use std::process::{Command, ExitCode};",
            "use std::{io, process::Command};",
            "use std::process; fn a() { process::Command::new(x); }",
            "use std::process as p;",
            "fn a() { std::process::Command::new(x); }",
            "fn a() { libc::fork(); }",
        ] {
            assert_eq!(findings("crates/drive/src/a.rs", text), [1], "{text}");
        }
    }

    #[test]
    fn an_exit_code_starts_nothing_and_tests_may_start_things() {
        for text in [
            "use std::process::ExitCode;",
            "use std::process::{ExitCode, exit};",
            "fn a() { crate::process::run(); }",
            "fn process(x: u8) {}",
            "#[cfg(test)]\nmod tests { use std::process::Command; }",
            "// std::process::Command",
        ] {
            assert_eq!(
                findings("crates/agent/src/a.rs", text),
                Vec::<usize>::new(),
                "{text}"
            );
        }
        assert_eq!(
            findings("crates/xtask/src/a.rs", "use std::process::Command;"),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn reading_the_environment_is_found() {
        for text in [
            "fn a() { std::env::var(\"X\"); }",
            "use std::env::{args, var_os};",
        ] {
            assert_eq!(findings("crates/agent/src/a.rs", text), [1], "{text}");
        }
        assert_eq!(
            findings("crates/agent/src/a.rs", "use std::env::args;"),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn serialize_belongs_to_report() {
        let text = "#[derive(Clone, Serialize)]\nstruct A;";
        assert_eq!(findings("crates/drive/src/a.rs", text), [1]);
        assert_eq!(
            findings("crates/drive/src/a.rs", "impl serde::Serialize for A {}"),
            [1]
        );
        assert_eq!(
            findings("crates/report/src/a.rs", text),
            Vec::<usize>::new()
        );
        assert_eq!(
            findings(
                "crates/drive/src/a.rs",
                "use serde::Serialize;\n#[derive(Deserialize)] struct A;\nfn a<T: Serialize>(t: T) {}"
            ),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn a_long_file_is_found() {
        let text = "\n".repeat(LINES_MAX + 1);
        assert_eq!(findings("tests/src/a.rs", &text), [LINES_MAX]);
    }
}
