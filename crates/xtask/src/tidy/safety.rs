//! SAFETY.md: the tests and files that it names are there.
//!
//! A hazard whose test was renamed or lost would otherwise look guarded. Whether the test fails
//! without the constraint is not for a program to say.

use std::collections::BTreeSet;

use super::lexer::{self, Token, starts};
use super::{File, Finding};

const PAGE: &str = "SAFETY.md";
/// Column of a table that holds tests; the text before the first `|` is column 0.
const TESTS_COLUMN: usize = 3;
/// In prose a quoted name of this many words is a test's; shorter ones can be a field's.
const WORDS_MIN: usize = 4;

/// Paths that this check names.
pub fn named() -> impl Iterator<Item = &'static str> {
    [PAGE].into_iter()
}

/// Names in the third column of a table, long names elsewhere, and paths of Rust files everywhere.
pub fn check(files: &[File]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return Vec::new();
    };
    let tests: BTreeSet<String> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .flat_map(|file| tests(&lexer::tokens(&file.text)))
        .collect();
    let mut findings = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        let is_table = line.starts_with('|');
        for (column, text) in line.split('|').enumerate() {
            for quoted in text.split('`').skip(1).step_by(2) {
                let message = if quoted.ends_with(".rs") {
                    let path = format!("crates/{quoted}");
                    (!files.iter().any(|file| file.path == path))
                        .then(|| format!("there is no {path}"))
                } else if (is_table && column == TESTS_COLUMN) || is_long_name(quoted) {
                    (!tests.contains(quoted)).then(|| {
                        format!("no test is named {quoted}; a hazard without one goes to section 5")
                    })
                } else {
                    None
                };
                findings.extend(message.map(|message| Finding::new(PAGE, index + 1, message)));
            }
        }
    }
    findings
}

fn is_long_name(quoted: &str) -> bool {
    quoted
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && quoted.split('_').count() >= WORDS_MIN
}

/// Functions behind `#[test]`, those in `proptest!` among them, or `#[tokio::test(…)]`.
fn tests(tokens: &[Token]) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_test = false;
    for (index, token) in tokens.iter().enumerate() {
        let rest = &tokens[index + 1..];
        let before = index.checked_sub(1).map_or("", |at| &tokens[at].text);
        match token.text.as_str() {
            "test" if matches!(before, "[" | ":") => {
                is_test |= starts(rest, &["]"]) || starts(rest, &["("]);
            }
            "fn" => {
                let name = rest.first().filter(|_| is_test);
                found.extend(name.map(|name| name.text.clone()));
                is_test = false;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_test_or_file_that_is_gone_is_found_with_its_line() {
        let page = "\
# Safety
Both `limits` and `not_reached`, never `a_test_that_is_gone`.
| hazard | constraint | test |
|---|---|---|
| one | `prove`, `drive/src/claim.rs` | `plain`, `on_tokio`, `in_proptest` |
| two | `drive/src/gone.rs` | `renamed`, `support_function` |
";
        let tests = "\
#[test]
fn plain() {}
fn support_function() {}
#[tokio::test(flavor = \"x\")]
async fn on_tokio() {}
proptest! {
    #[test]
    fn in_proptest(x in 0..1) {}
}
#[cfg(test)]
mod t { fn renamed() {} }
";
        let files = [
            file(PAGE, page),
            file("crates/drive/src/claim.rs", ""),
            file("crates/drive/tests/a.rs", tests),
        ];
        let found: Vec<String> = check(&files)
            .into_iter()
            .map(|finding| format!("{} {}", finding.line, finding.message))
            .collect();
        let expected = [
            "2 no test is named a_test_that_is_gone",
            "6 there is no crates/drive/src/gone.rs",
            "6 no test is named renamed",
            "6 no test is named support_function",
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
