//! What other tools made of the same lies: docs/traps-peers.md, which the lab measures and writes.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Each lie that was measured, and what came of it in a few words.
pub struct Peers(BTreeMap<String, String>);

impl Peers {
    /// As it is written down.
    pub fn measured() -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/traps-peers.md");
        let text = std::fs::read_to_string(file).expect("docs/traps-peers.md");
        let rows = text.lines().skip_while(|line| !line.starts_with("|---"));
        Self(rows.skip(1).map(row).collect())
    }

    pub fn of(&self, lie: &str) -> String {
        self.0.get(lie).cloned().unwrap_or_else(|| "–".into())
    }

    /// A lie that is none of the table's would be lost without a word.
    pub fn assert_among(&self, lies: &[String]) {
        for measured in self.0.keys() {
            assert!(lies.contains(measured), "{measured} is no run of the table");
        }
    }
}

fn row(line: &str) -> (String, String) {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [lie, told, _, statuses, says, _, believed] = cells[..] else {
        panic!("docs/traps-peers.md: {line}");
    };
    let tool = told.trim_matches('`').split(' ').next().unwrap_or_default();
    let made = match believed {
        "yes" => "**believes it**".to_owned(),
        _ => format!("says {says}"),
    };
    (lie.to_owned(), format!("`{tool}`, exit {statuses}: {made}"))
}
