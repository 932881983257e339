//! `wipe` never opens (ARCHITECTURE.md, invariant 3): it is given the descriptor of a claimed drive.
//!
//! By names, not by types: a function elsewhere that opens and does not say so in its name gets past.

use super::lexer::{self, Token, starts};
use super::source::names_behind;
use super::{File, Finding};

/// The crate's shipped files.
const CRATE: &str = "crates/wipe/src/";
/// The one call that may: it reads the kernel's limit of a request from sysfs.
const ALLOWED: (&str, &str) = ("crates/wipe/src/claimed.rs", "read_to_string");
/// Functions that open, whoever defines them.
const OPENERS: &[&str] = &[
    "open", "open64", "openat", "openat2", "openat64", "creat", "claim",
];
/// Constructors of `File`.
const CONSTRUCTORS: &[&str] = &["open", "create", "create_new", "create_buffered", "options"];

/// Paths that this check names.
pub fn named() -> impl Iterator<Item = &'static str> {
    [CRATE, ALLOWED.0].into_iter()
}

/// Every place where the crate opens something.
pub fn check(file: &File) -> Vec<Finding> {
    if !file.path.starts_with(CRATE) || file.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    openings(&lexer::shipped(&file.text))
        .into_iter()
        .filter(|(_, name)| (file.path.as_str(), name.as_str()) != ALLOWED)
        .map(|(line, name)| {
            let message = format!(
                "`{name}` opens a file; wipe is given open drives (ARCHITECTURE.md, invariant 3)"
            );
            Finding::new(&file.path, line, message)
        })
        .collect()
}

/// Line and name of each.
fn openings(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_import = false;
    for (index, token) in tokens.iter().enumerate() {
        let rest = &tokens[index + 1..];
        let before = index.checked_sub(1).map_or("", |at| &tokens[at].text);
        let mut add = |name: &str| found.push((token.line, name.to_owned()));
        match token.text.as_str() {
            "use" => is_import = true,
            ";" => is_import = false,
            "OpenOptions" => add("OpenOptions"),
            // Under another name no check would know them.
            "fs" | "File" if starts(rest, &["as"]) => add(&token.text),
            "fs" => names_behind(rest)
                .unwrap_or_default()
                .iter()
                .filter(|name| !matches!(name.as_str(), "File" | "OpenOptions" | "self"))
                .for_each(|name| add(name)),
            // `open` is found below.
            "File" => names_behind(rest)
                .unwrap_or_default()
                .iter()
                .filter(|name| CONSTRUCTORS[1..].contains(&name.as_str()))
                .for_each(|name| add(name)),
            name if OPENERS.contains(&name) || name.starts_with("open_") => {
                let is_path = starts(rest, &[":", ":"]);
                let is_called = starts(rest, &["("]) && !matches!(before, "." | "fn");
                if !is_path && (is_import || before == ":" || is_called) {
                    add(name);
                }
            }
            _ => {}
        }
    }
    found
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
    fn opening_is_found_in_every_spelling() {
        for text in [
            "fn a() { std::fs::File::open(x); }",
            "fn a() { File::create(x); }",
            "fn a() { File::options().write(true); }",
            "fn a() { OpenOptions::new(); }",
            "use std::fs::{File, OpenOptions};",
            "use std::fs as f;",
            "use std::fs::File as F;",
            "fn a() { std::fs::read_to_string(x); }",
            "fn a() { fs::write(x, y); }",
            "fn a() { sys::block::open_exclusive(x); }",
            "use sys::block::{is_direct, open_read as peek};",
            "fn a() { paths.map(block::open_read_direct); }",
            "fn a() { libc::openat(x, y); }",
            "use drive::claim::claim;",
            "fn a() { drive::claim::claim(x); }",
        ] {
            assert_eq!(findings("crates/wipe/src/a.rs", text), [1], "{text}");
        }
    }

    #[test]
    fn what_opens_nothing_is_left_alone() {
        for text in [
            "use drive::claim::Claimed;",
            "use std::fs::File;\nfn a(file: File) {}",
            "fn open(&self) -> usize { self.open() }",
            "fn a() { let open = [b]; c(&open); self.open_record(1); }",
            "struct A { open: bool }",
            "// File::open",
            "#[cfg(test)]\nmod tests { fn a() { File::open(x); } }",
        ] {
            assert_eq!(
                findings("crates/wipe/src/a.rs", text),
                Vec::<usize>::new(),
                "{text}"
            );
        }
        let text = "fn a() { std::fs::File::open(x); }";
        assert_eq!(findings("crates/drive/src/a.rs", text), Vec::<usize>::new());
        assert_eq!(
            findings("crates/wipe/tests/a.rs", text),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn the_exception_is_one_name_in_one_file() {
        let text = "fn a() { std::fs::read_to_string(x); }\nfn b() { std::fs::read(x); }\n";
        assert_eq!(findings(ALLOWED.0, text), [2]);
    }
}
