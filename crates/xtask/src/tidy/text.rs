//! What no committed text may contain: places of one machine, hosts of package registries.

use super::{File, Finding};

/// Made by a program that writes such addresses by itself.
pub const EXEMPT: &[&str] = &["Cargo.lock", "fuzz/Cargo.lock"];

/// Written in halves, so that this file does not find itself.
const REGISTRIES: &[(&str, &str)] = &[
    ("crates", ".io"),
    ("deb.debian", ".org"),
    ("ftp.debian", ".org"),
    ("security.debian", ".org"),
    ("snapshot.debian", ".org"),
    ("pypi", ".org"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
];

const PLACES: &[(&str, &str)] = &[("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/")];

/// Both checks of one file.
pub fn check(file: &File) -> Vec<Finding> {
    if EXEMPT.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for (start, end) in REGISTRIES {
            let host = format!("{start}{end}");
            if line.contains(&host) {
                let message =
                    format!("names the registry host {host}; the package's name is enough");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
        for (start, end) in PLACES {
            let place = format!("{start}{end}");
            if line
                .match_indices(&place)
                .any(|(at, _)| is_absolute(&line[..at]))
            {
                let message = format!(
                    "names a place of one machine ({place}…); use a path from the checkout"
                );
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
    }
    findings
}

/// Whether a path that starts behind `before` starts at the root, and not in the middle of a longer
/// path or address.
fn is_absolute(before: &str) -> bool {
    !before.ends_with(|c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '~' | '*')
    })
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
    fn every_registry_and_every_place_is_found() {
        for (start, end) in REGISTRIES {
            assert_eq!(
                findings("a.md", &format!("one\nhttps://{start}{end}/x")),
                [2]
            );
        }
        for (start, end) in PLACES {
            assert_eq!(
                findings("a.toml", &format!("path = \"{start}{end}x\"")),
                [1]
            );
        }
    }

    #[test]
    fn paths_in_the_middle_and_the_lock_are_left_alone() {
        let (start, end) = PLACES[0];
        assert_eq!(
            findings("a.md", &format!("net{start}{end}x")),
            Vec::<usize>::new()
        );
        let (start, end) = REGISTRIES[0];
        assert_eq!(
            findings("Cargo.lock", &format!("{start}{end}")),
            Vec::<usize>::new()
        );
    }
}
