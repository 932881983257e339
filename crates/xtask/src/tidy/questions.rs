//! Discovery only asks (SAFETY.md): it names no module of commands that change a drive.
//!
//! The encoders of those stand in modules called `change`, beside `command`, whose commands ask.

use super::lexer;
use super::{File, Finding};

/// Files that ask.
const ASKS: &str = "crates/drive/src/discover";
/// Modules of commands that change a drive.
const CHANGES: &str = "change";

/// Every place where such a module is named; the word itself, whatever it stands for there.
pub fn check(file: &File) -> Vec<Finding> {
    if !file.path.starts_with(ASKS) {
        return Vec::new();
    }
    lexer::shipped(&file.text)
        .iter()
        .filter(|token| token.text == CHANGES)
        .map(|token| {
            let message = "discovery only asks; commands that change a drive need a claim";
            Finding::new(&file.path, token.line, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        check(&file).len()
    }

    #[test]
    fn naming_a_module_of_changes_is_found_where_drives_are_asked() {
        let asks = "crates/drive/src/discover/answers/ata.rs";
        for text in [
            "use crate::ata::change;",
            "use crate::ata::{change, command};",
            "use crate::ata::{command, change};",
            "fn a() { crate::nvme::change::format_nvm(x); }",
            "fn a() { change::b(); }",
        ] {
            assert_eq!(findings(asks, text), 1, "{text}");
            assert_eq!(findings("crates/wipe/src/native/ata.rs", text), 0);
        }
        for text in [
            "fn a(changes: u8) {}",
            "use crate::ata::command;",
            "// ata::change",
        ] {
            assert_eq!(findings(asks, text), 0, "{text}");
        }
    }
}
