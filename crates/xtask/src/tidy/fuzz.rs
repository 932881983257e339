//! Every family of parsers of what firmware says has a fuzz target (ARCHITECTURE.md, invariant 5).

use super::{File, Finding};

/// Where such parsers lie; the name behind it, of a file or folder, is the family's.
pub const PARSERS: &[&str] = &["crates/drive/src/", "crates/machine/src/parts/"];

/// A public function whose first parameter is bytes is a parser.
pub fn targets(files: &[File]) -> Vec<Finding> {
    let manifest = files.iter().find(|file| file.path == "fuzz/Cargo.toml");
    let mut findings = Vec::new();
    for file in files {
        let Some(family) = family(&file.path) else {
            continue;
        };
        let Some(line) = file.text.lines().position(is_parser) else {
            continue;
        };
        let target = format!("fuzz_targets/{family}.rs");
        let exists = files
            .iter()
            .any(|file| file.path == format!("fuzz/{target}"));
        let listed = manifest.is_some_and(|file| file.text.contains(&format!("\"{target}\"")));
        if !exists || !listed {
            let message =
                format!("a parser without fuzz target: add fuzz/{target} and its [[bin]]");
            findings.push(Finding::new(&file.path, line + 1, message));
        }
    }
    findings
}

fn family(path: &str) -> Option<&str> {
    let rest = PARSERS.iter().find_map(|start| path.strip_prefix(start))?;
    rest.split(['/', '.']).next()
}

fn is_parser(line: &str) -> bool {
    let parameters = line
        .trim_start()
        .strip_prefix("pub fn ")
        .and_then(|rest| rest.split_once('('));
    let first = parameters.and_then(|(_, rest)| rest.split([',', ')']).next());
    first.is_some_and(|first| first.contains(": &") && first.ends_with("[u8]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parser_without_target_is_found_with_its_line() {
        let file = |path: &str, text: &str| File {
            path: path.into(),
            text: text.into(),
        };
        let files = [
            file("fuzz/Cargo.toml", "path = \"fuzz_targets/ata.rs\"\n"),
            file("fuzz/fuzz_targets/ata.rs", ""),
            file("fuzz/fuzz_targets/edid.rs", ""),
            file(
                "crates/drive/src/ata/smart.rs",
                "pub fn parse(page: &[u8]) {}\n",
            ),
            file(
                "crates/drive/src/mmc.rs",
                "\n    pub fn parse(data: &'a [u8], n: u8) {}\n",
            ),
            file(
                "crates/drive/src/line.rs",
                "pub fn ask(&self, cdb: &[u8]) {}\n",
            ),
            file(
                "crates/machine/src/parts/edid.rs",
                "pub fn parse(bytes: &[u8]) {}\n",
            ),
            file(
                "crates/machine/src/text.rs",
                "pub fn new(bytes: &[u8]) {}\n",
            ),
        ];
        let found: Vec<_> = targets(&files)
            .into_iter()
            .map(|finding| (finding.path, finding.line))
            .collect();
        let expected = [
            ("crates/drive/src/mmc.rs".to_owned(), 2),
            ("crates/machine/src/parts/edid.rs".to_owned(), 1),
        ];
        assert_eq!(found, expected);
    }
}
