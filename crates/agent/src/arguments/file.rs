//! `raz.toml`: the same arguments in a file, for whoever writes a stick and no command line.
//!
//! The boot menu hands the file of the medium over, as `/raz.toml` in the initramfs. A key is the name of an
//! argument without `raz.`; what a value must be is said by the argument. The kernel's command line counts
//! more than the file.

use super::{Arguments, NAMES, Oddity, shown};
use toml::{Table, Value};

/// The file's name, in what is said of it.
pub(super) const NAME: &str = "raz.toml";

impl Arguments {
    /// Takes what a file asks for. Total: a file that cannot be read is an oddity, like every single value.
    pub(super) fn take_file(&mut self, file: &[u8]) {
        let Ok(text) = std::str::from_utf8(file) else {
            self.oddities.push(Oddity::NotText { name: NAME });
            return;
        };
        match text.parse::<Table>() {
            Ok(table) => {
                for (key, value) in &table {
                    self.take_value(key, value);
                }
            }
            // Its own words would show the line, and the line may hold the token.
            Err(error) => {
                let before = error.span().map_or(0, |span| span.start);
                let lines = text.bytes().take(before).filter(|byte| *byte == b'\n');
                let line = lines.count() + 1;
                self.oddities.push(Oddity::Line { line });
            }
        }
    }

    fn take_value(&mut self, key: &str, value: &Value) {
        let is_named = |name: &&&str| name.strip_prefix("raz.") == Some(key);
        // What raz was started from is for the boot menu to say, not for a file that is copied.
        let known = NAMES.iter().find(is_named);
        let Some(name) = known.filter(|name| !["raz.medium", "raz.boot"].contains(*name)) else {
            let name = shown(key.as_bytes());
            self.oddities.push(Oddity::Unknown { name });
            return;
        };
        match value {
            Value::Boolean(true) if *name == "raz.poweroff" => self.take(name, None),
            Value::Boolean(false) if *name == "raz.poweroff" => {}
            Value::String(text) => self.take(name, Some(text.trim())),
            Value::Array(list) if *name == "raz.keep" => {
                for item in list {
                    // A serial with a comma in it would be taken for two.
                    match item.as_str().filter(|serial| !serial.contains(',')) {
                        Some(serial) => self.take(name, Some(serial.trim())),
                        None => self.oddities.push(Oddity::Value { name }),
                    }
                }
            }
            _ => self.oddities.push(Oddity::Value { name }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    fn of(file: &str, line: &str) -> Arguments {
        Arguments::parse(Some(file.as_bytes()), line.as_bytes())
    }

    #[test]
    fn file_asks_for_what_a_command_line_can_ask_for() {
        let file = format!(
            "server = \"https://10.0.2.2:8443\"\npin = \"{}\"\ntoken = \"abc\"\nlang = \"en\"\n\
             level = \"auto\"\npoweroff = true\nkeep = [\"S1\", \"WD 33\"]\nremovable = \"erase\"\n\
             auto = \"erase\"\noperator = \"Anne\"\nlot = \"L7\"\nevents = \"port\"\n",
            "ab".repeat(32)
        );
        let line = format!(
            "raz.server=https://10.0.2.2:8443 raz.pin={} raz.token=abc raz.lang=en raz.level=auto \
             raz.poweroff raz.keep=S1 \"raz.keep=WD 33\" raz.removable=erase raz.auto=erase \
             raz.operator=Anne raz.lot=L7 raz.events=port",
            "ab".repeat(32)
        );
        let read = of(&file, "");
        assert_eq!(read, of("", &line));
        assert_eq!(read.oddities, []);
        assert!(read.auto_erase && read.poweroff && read.keep.len() == 2);
    }

    #[test]
    fn command_line_counts_more_and_what_is_kept_adds_up() {
        let read = of(
            "lang = \"fr\"\nkeep = [\"S1\"]\nauto = \"erase\"",
            "raz.lang=en raz.keep=S2 raz.auto=off",
        );
        assert_eq!(read.language, Some(Language::English));
        assert_eq!(read.keep, ["S1", "S2"]);
        assert!(!read.auto_erase);
    }

    #[test]
    fn the_files_that_the_image_brings_ask_for_nothing() {
        let template = include_str!("../../../../image/boot/raz.toml");
        assert_eq!(of(template, ""), Arguments::default());
        // Each line of it that can be switched on is one that raz knows.
        let on: String = template
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.contains(" = "))
            .map(|line| format!("{line}\n"))
            .collect();
        let read = of(&on, "");
        let odd: Vec<String> = read
            .oddities
            .iter()
            .map(|oddity| oddity.words(Language::English))
            .collect();
        assert_eq!(
            odd,
            ["raz.lot", "raz.operator", "raz.token"].map(|name| format!("{name}: unusable value"))
        );
        assert!(read.auto_erase && read.poweroff && read.server.is_some() && read.pin.is_some());
    }

    #[test]
    fn what_is_odd_in_a_file_keeps_the_unattended_mode_off_and_shows_no_value() {
        let whole = format!(
            "server = \"https://h:1\"\npin = \"{}\"\nauto = \"erase\"\n",
            "ab".repeat(32)
        );
        assert!(of(&whole, "").unattended_refusals().is_empty());
        for slip in [
            "kep = [\"TOPsecret1\"]",
            "keep = \"\"",
            "keep = [1]",
            "keep = [\"TOPsecret1,S2\"]",
            "keep = [\"\"]",
            "medium = \"TOPsecret1\"",
            "boot = \"net\"",
            "token = 1",
            "token = TOPsecret1",
            "token = \"TOPsecret1",
            "poweroff = \"TOPsecret1\"",
            "[server]\nurl = \"TOPsecret1\"",
            "lang = \"TOPsecret1\"",
        ] {
            let read = of(&format!("{whole}{slip}\n"), "");
            let said = crate::i18n::Words::joined(&read.unattended_refusals(), "; ");
            assert!(!said.english.is_empty(), "{slip}");
            assert!(
                !said.english.contains("secret1"),
                "{slip}: {}",
                said.english
            );
            assert!(!said.french.contains("secret1"), "{slip}: {}", said.french);
        }
    }

    #[test]
    fn line_that_cannot_be_read_is_named() {
        let read = of("lang = \"fr\"\n\ntoken = abc\n", "");
        assert_eq!(read.oddities, [Oddity::Line { line: 3 }]);
        let read = Arguments::parse(Some(b"lot = \"\xff\""), b"");
        assert_eq!(read.oddities, [Oddity::NotText { name: NAME }]);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_files_never_panic(file in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = Arguments::parse(Some(&file), b"").unattended_refusals();
        }

        #[test]
        fn toml_like_files_never_panic(file in "((keep|auto|pin|token|lot|poweroff) = [\\[\\]\"a-z0-9,\u{e9}]{0,9}\n){0,6}") {
            let _ = Arguments::parse(Some(file.as_bytes()), b"").unattended_refusals();
        }
    }
}
