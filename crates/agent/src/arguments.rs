//! What `raz.*` arguments ask of a session: the kernel's command line, and a file that says the same
//! (`file`).
//!
//! Total: any bytes give arguments and oddities. Words and quotes are split as the kernel does
//! it (`next_arg` in `lib/cmdline.c`). An oddity never repeats a value: a misspelt argument may
//! hold the token. What is odd keeps the unattended mode off, because a misspelt `raz.keep=`
//! would erase the drive that someone wanted to keep.

use crate::cli;
use crate::i18n::{Language, Text, Words, fill};
use crate::keyboard::Layout;
use crate::upload::client::Server;
use crate::upload::pin::Pin;
use std::fmt;
use wipe::plan::Wanted;

mod file;

/// A text that is never shown: neither `Debug` nor `Display` give it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// What the command line asks for. Absent is the default of a person at the console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `raz.server=https://host:port`.
    pub server: Option<Server>,
    /// `raz.pin=` SHA-256 of the service's certificate.
    pub pin: Option<Pin>,
    /// `raz.token=` single-use enrolment token.
    pub token: Option<Secret>,
    /// `raz.lang=fr` or `en`.
    pub language: Option<Language>,
    /// `raz.keyboard=fr`: the layout of the console's keyboard.
    pub keyboard: Option<Layout>,
    /// `raz.level=clear`, `purge` or `auto`. With the last two, drives that can erase themselves do so
    /// first, and the others are overwritten all the same; only after `purge` does the report say of
    /// them that Purge was asked for and not reached. Clear without it.
    pub level: Option<Wanted>,
    /// `raz.poweroff`: power off at the end.
    pub poweroff: bool,
    /// `raz.keep=SERIAL,…`, repeatable: serials or ids that are never erased.
    pub keep: Vec<String>,
    /// `raz.removable=erase`: removable drives may be in an unattended plan.
    pub removable_erase: bool,
    /// `raz.events=PORT`: where the event stream goes.
    pub events: Option<String>,
    /// `raz.auto=erase`: make the plan unattended.
    pub auto_erase: bool,
    /// `raz.medium=UUID`: the file system that raz was started from.
    pub medium: Option<String>,
    /// `raz.boot=`: `net` where it came over a network, `disc` or `file` where the boot menu was read from no
    /// drive of its own (`drive::medium`).
    pub boot: Option<String>,
    /// `raz.operator=`: name for the report.
    pub operator: Option<String>,
    /// `raz.lot=`: lot number for the report.
    pub lot: Option<String>,
    /// What could not be used.
    pub oddities: Vec<Oddity>,
}

/// Something about the arguments that a person should correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// No argument of raz.
    Unknown {
        /// Beginning of its name.
        name: String,
    },
    /// Given several times; the last counts.
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// A value that cannot be used, or none, or one too many.
    Value {
        /// Its name.
        name: &'static str,
    },
    /// Not UTF-8.
    NotText {
        /// Its name.
        name: &'static str,
    },
    /// A line of the file that is no TOML: nothing of the file counts.
    Line {
        /// Its number, from 1.
        line: usize,
    },
}

impl Oddity {
    /// In words, without the value.
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        let (text, name) = match self {
            Self::Line { line } => {
                return fill(
                    Text::ConfigurationLine.says(language),
                    &[file::NAME, &line.to_string()],
                );
            }
            Self::Unknown { name } => (Text::ArgumentUnknown, name.as_str()),
            Self::Twice { name } => (Text::ArgumentTwice, *name),
            Self::Value { name } => (Text::ArgumentValue, *name),
            Self::NotText { name } => (Text::ArgumentNotText, *name),
        };
        fill(text.says(language), &[name])
    }
}

const NAMES: [&str; 15] = [
    "raz.level",
    "raz.server",
    "raz.pin",
    "raz.token",
    "raz.lang",
    "raz.keyboard",
    "raz.poweroff",
    "raz.keep",
    "raz.removable",
    "raz.events",
    "raz.auto",
    "raz.medium",
    "raz.boot",
    "raz.operator",
    "raz.lot",
];

impl Arguments {
    /// Parses a command line, and before it the file that goes with it where there is one.
    #[must_use]
    pub fn parse(file: Option<&[u8]>, line: &[u8]) -> Self {
        let mut arguments = Self::default();
        if let Some(file) = file {
            arguments.take_file(file);
        }
        let mut seen = [false; NAMES.len()];
        for (name, value) in words(line) {
            if !is_ours(name) {
                continue;
            }
            let Some(index) = NAMES.iter().position(|known| known.as_bytes() == name) else {
                arguments
                    .oddities
                    .push(Oddity::Unknown { name: shown(name) });
                continue;
            };
            let name = NAMES[index];
            if seen[index] && name != "raz.keep" {
                arguments.oddities.push(Oddity::Twice { name });
            }
            seen[index] = true;
            match value.map(std::str::from_utf8) {
                Some(Err(_)) => arguments.oddities.push(Oddity::NotText { name }),
                Some(Ok(value)) => arguments.take(name, Some(value.trim())),
                None => arguments.take(name, None),
            }
        }
        arguments
    }

    /// Why `raz.auto=erase` is not followed. Empty when nothing speaks against it; the arming in
    /// the inventory is still the second key.
    #[must_use]
    pub fn unattended_refusals(&self) -> Vec<Words> {
        let mut refusals = self.mistakes();
        if self.server.is_none() {
            refusals.push(Text::UnattendedNoServer.words());
        }
        refusals
    }

    /// What is to be corrected, whoever decides about the drives. Empty when nothing is.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Words> {
        let mut mistakes = Vec::new();
        if self.server.is_some() && self.pin.is_none() {
            mistakes.push(Text::UnattendedNoPin.words());
        }
        if !self.oddities.is_empty() {
            let words: Vec<Words> = self
                .oddities
                .iter()
                .map(|oddity| Words::of(|language| oddity.words(language)))
                .collect();
            let words = Words::joined(&words, "; ");
            mistakes.push(Words::of(|language| {
                fill(
                    Text::UnattendedOddity.says(language),
                    &[words.says(language)],
                )
            }));
        }
        mistakes
    }

    fn take(&mut self, name: &'static str, value: Option<&str>) {
        let usable = match (name, value) {
            ("raz.poweroff", None) => {
                self.poweroff = true;
                true
            }
            ("raz.poweroff", Some(_)) | (_, None | Some("")) => false,
            ("raz.server", Some(value)) => put(&mut self.server, Server::parse(value).ok()),
            ("raz.pin", Some(value)) => put(&mut self.pin, Pin::parse(value).ok()),
            ("raz.token", Some(value)) => put(&mut self.token, Some(Secret::new(value.to_owned()))),
            ("raz.lang", Some(value)) => put(&mut self.language, Language::parse(value)),
            ("raz.keyboard", Some(value)) => put(&mut self.keyboard, Layout::parse(value)),
            ("raz.keep", Some(value)) => self.keep_all(value),
            ("raz.removable", Some(value)) => {
                self.removable_erase = value == "erase";
                self.removable_erase
            }
            ("raz.level", Some(value)) => put(&mut self.level, cli::level(value).ok()),
            ("raz.events", Some(value)) => put(&mut self.events, Some(value.to_owned())),
            ("raz.auto", Some(value)) => {
                self.auto_erase = value == "erase";
                self.auto_erase
            }
            ("raz.medium", Some(value)) => put(&mut self.medium, medium(value)),
            ("raz.boot", Some(value)) => {
                let known = ["net", "disc", "file"].contains(&value);
                put(&mut self.boot, known.then(|| value.to_owned()))
            }
            ("raz.operator", Some(value)) => put(&mut self.operator, person_text(value)),
            ("raz.lot", Some(value)) => put(&mut self.lot, person_text(value)),
            (_, Some(_)) => false,
        };
        if !usable {
            self.oddities.push(Oddity::Value { name });
        }
    }

    fn keep_all(&mut self, list: &str) -> bool {
        let mut all = true;
        for serial in list.split(',').map(str::trim) {
            if serial.is_empty() {
                all = false;
            } else {
                self.keep.push(serial.to_owned());
            }
        }
        all
    }
}

/// `raz` and no further letter or digit, in any case: `raz.`, but also the slips `raz_` and
/// `RAZ.`, and not another program's `razor`.
fn is_ours(name: &[u8]) -> bool {
    let raz = name
        .get(..3)
        .is_some_and(|begin| begin.eq_ignore_ascii_case(b"raz"));
    raz && !name.get(3).is_some_and(u8::is_ascii_alphanumeric)
}

/// Puts a usable value in its place; an unusable one also removes an earlier one.
fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    *place = value;
    place.is_some()
}

/// Characters of file system and ISO 9660 identifiers.
fn medium(value: &str) -> Option<String> {
    let plain = value
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plain && value.len() <= 64).then(|| value.to_owned())
}

fn person_text(value: &str) -> Option<String> {
    let plain = !value.chars().any(char::is_control) && value.chars().count() <= 200;
    plain.then(|| value.to_owned())
}

/// The beginning of an unknown name: enough to find the slip, too short for a token written
/// without its equals sign.
fn shown(name: &[u8]) -> String {
    let safe = |b: &&u8| b.is_ascii_lowercase() || b"._-".contains(*b);
    let shown: Vec<u8> = name.iter().take(16).take_while(safe).copied().collect();
    let cut = if shown.len() < name.len() { "~" } else { "" };
    format!("{}{cut}", String::from_utf8_lossy(&shown))
}

/// Words as `next_arg` splits them: at blanks outside double quotes; quotes around the whole
/// word or the whole value are taken off, others stay.
fn words(line: &[u8]) -> Vec<(&[u8], Option<&[u8]>)> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return words;
        }
        let mut quoted = false;
        let end = rest.iter().position(|byte| {
            quoted ^= *byte == b'"';
            !quoted && (byte.is_ascii_whitespace() || *byte == 0)
        });
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.strip_prefix(b"\0").unwrap_or(after);
        let word = unquoted(word);
        let equals = word.iter().position(|byte| *byte == b'=');
        words.push(match equals {
            Some(at) => {
                let (name, value) = word.split_at(at);
                (name, Some(unquoted(value.get(1..).unwrap_or_default())))
            }
            None => (word, None),
        });
    }
}

fn unquoted(text: &[u8]) -> &[u8] {
    match text.strip_prefix(b"\"") {
        Some(inner) => inner.strip_suffix(b"\"").unwrap_or(inner),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Layout, Oddity};
    use crate::i18n::{Language, Words};

    fn pin() -> String {
        "Ab:".repeat(31) + "cD"
    }

    #[test]
    fn a_whole_command_line_is_read() {
        let line = format!(
            "BOOT_IMAGE=/vmlinuz quiet console=ttyS0 raz.server=https://10.0.2.2:8443 raz.pin={} \
             raz.token=abc raz.lang=en raz.keyboard=be raz.poweroff raz.keep=S1,S2 \"raz.keep=WD 33\" raz.keep=\"S 4\" \
             raz.removable=erase raz.level=purge raz.events=raz.events raz.auto=erase raz.medium=2026-01-02-03-04-05-00 \
             raz.boot=net raz.operator=\"Anne Müller\" raz.lot=L7\n",
            pin()
        );
        let read = Arguments::parse(None, line.as_bytes());
        assert_eq!(read.oddities, vec![]);
        assert_eq!(
            read.server.as_ref().map(ToString::to_string).as_deref(),
            Some("https://10.0.2.2:8443")
        );
        assert_eq!(
            read.pin.map(|p| p.to_string()),
            Some("ab".repeat(31) + "cd")
        );
        assert_eq!(read.token.as_ref().map(|t| t.expose()), Some("abc"));
        assert_eq!(read.language, Some(Language::English));
        assert_eq!(read.keyboard, Layout::parse("be"));
        assert_eq!(read.keep, ["S1", "S2", "WD 33", "S 4"]);
        assert!(read.poweroff && read.removable_erase && read.auto_erase);
        assert_eq!(read.boot.as_deref(), Some("net"));
        assert_eq!(read.level, Some(wipe::plan::Wanted::Purge));
        assert_eq!(read.events.as_deref(), Some("raz.events"));
        assert_eq!(read.medium.as_deref(), Some("2026-01-02-03-04-05-00"));
        assert_eq!(read.operator.as_deref(), Some("Anne Müller"));
        assert_eq!(read.lot.as_deref(), Some("L7"));
        assert!(read.unattended_refusals().is_empty());
    }

    #[test]
    fn nothing_is_asked_by_an_ordinary_command_line() {
        let read = Arguments::parse(None, b"root=/dev/sda1 ro quiet splash razor=1x");
        assert!(
            !read.auto_erase
                && !read.removable_erase
                && read.level.is_none()
                && read.keep.is_empty()
        );
        assert_eq!(read.oddities, vec![]);
        assert_eq!(Arguments::parse(None, b""), Arguments::default());
    }

    #[test]
    fn neither_debug_nor_oddities_give_the_token_away() {
        let secrets = [
            "raz.token=TOPsecret1",
            "raz.tokne=TOPsecret1",
            "raz.tokenTOPsecret1",
            "RAZ.TOKEN=TOPsecret1",
            "raz.token=TOPsecret1 raz.token=TOPsecret1",
            "raz.pin=TOPsecret1",
            "raz.server=https://user:TOPsecret1@host",
            "raz.auto=TOPsecret1",
            "raz.token=TOPsecret1\u{7f}",
        ];
        for line in secrets {
            let read = Arguments::parse(None, line.as_bytes());
            let mut said = format!("{read:?} {:?}", read.token);
            for words in read.unattended_refusals() {
                said += &words.french;
                said += &words.english;
            }
            assert!(!said.contains("secret1"), "{line}: {said}");
        }
    }

    #[test]
    fn unattended_needs_server_and_pin() {
        let english = |line: &str| {
            Words::joined(
                &Arguments::parse(None, line.as_bytes()).unattended_refusals(),
                "",
            )
            .english
        };
        assert!(english("raz.auto=erase").contains("raz.server="));
        assert!(english("raz.auto=erase raz.server=https://h:1").contains("without raz.pin="));
        assert!(english(&format!("raz.auto=erase raz.pin={}", pin())).contains("raz.server="));
        let whole = format!("raz.auto=erase raz.server=https://h:1 raz.pin={}", pin());
        assert_eq!(english(&whole), "");
    }

    #[test]
    fn a_misspelt_keep_keeps_the_unattended_mode_off() {
        let pin = pin();
        for slip in [
            "raz.kep=S1",
            "raz_keep=S1",
            "Raz.keep=S1",
            "raz.keep",
            "raz.keep=",
            "raz.keep=S1,,S2",
            "raz-keep=S1",
        ] {
            let line = format!("raz.auto=erase raz.server=https://h:1 raz.pin={pin} {slip}");
            let read = Arguments::parse(None, line.as_bytes());
            assert!(!read.unattended_refusals().is_empty(), "{slip}");
        }
    }

    #[test]
    fn no_argument_lets_a_session_take_drives_over_a_network() {
        for line in ["raz.networked=erase", "raz.networked"] {
            let read = Arguments::parse(None, line.as_bytes());
            let name = "raz.networked".to_owned();
            assert_eq!(read.oddities, [Oddity::Unknown { name }]);
        }
    }

    #[test]
    fn values_that_cannot_be_used_do_not_take_effect() {
        for line in [
            "raz.auto=yes",
            "raz.auto",
            "raz.removable=true",
            "raz.poweroff=0",
            "raz.lang=tlh",
            "raz.keyboard=azerty",
            "raz.pin=12",
            "raz.server=http://h:1",
            "raz.server=https://h/path",
            "raz.medium=../x",
            "raz.boot=disk",
            "raz.auto=Erase",
        ] {
            let read = Arguments::parse(None, line.as_bytes());
            assert_eq!(read.oddities.len(), 1, "{line}");
            assert_eq!(
                Arguments {
                    oddities: vec![],
                    ..read
                },
                Arguments::default(),
                "{line}"
            );
        }
    }

    #[test]
    fn the_last_of_two_counts_and_is_reported() {
        let read = Arguments::parse(None, b"raz.lot=1 raz.lot=2");
        assert_eq!(read.lot.as_deref(), Some("2"));
        assert_eq!(read.oddities, [Oddity::Twice { name: "raz.lot" }]);
        let off = Arguments::parse(None, b"raz.auto=erase raz.auto=off");
        assert!(!off.auto_erase);
    }

    #[test]
    fn quotes_split_as_in_the_kernel() {
        let read = Arguments::parse(
            None,
            b"a=\"raz.auto=erase b\" raz.lot=\"x y\"z raz.operator=\"open end",
        );
        assert!(!read.auto_erase);
        assert_eq!(read.lot.as_deref(), Some("x y\"z"));
        assert_eq!(read.operator.as_deref(), Some("open end"));
    }

    #[test]
    fn bytes_that_are_no_text_are_an_oddity() {
        let read = Arguments::parse(None, b"raz.keep=S\xff1");
        assert_eq!(read.oddities, [Oddity::NotText { name: "raz.keep" }]);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(line in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = Arguments::parse(None, &line);
        }

        #[test]
        fn raz_like_lines_never_panic(line in "(raz\\.(keep|auto|pin|token|lot)?[=\", a-z\u{e9}]{0,9} ?){0,6}") {
            let read = Arguments::parse(None, line.as_bytes());
            let _ = read.unattended_refusals();
        }
    }
}
