//! What is printed on the keys: the layout of the console's keyboard.
//!
//! The image has one table for each layout, which `loadkeys -b` made of Debian's (kbd's format `bkeymap`). A serial
//! line has none: there the other end decides.

use crate::i18n::Language;
use anyhow::{Context, bail, ensure};
use std::os::fd::BorrowedFd;
use std::path::Path;
use stick::configuration::KEYBOARDS;

/// What begins a table.
const MAGIC: &[u8] = b"bkeymap";
/// One byte for each combination of modifiers: whether it has keys of its own.
const COMBINATIONS: usize = 256;
/// Keys of a combination, each two bytes, little-endian.
const KEYS: usize = 128;

/// A layout, by the country whose keyboards have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout(&'static str);

impl Layout {
    /// The layout of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        KEYBOARDS.into_iter().find(|known| *known == name).map(Self)
    }

    /// What people have who read this language, where nobody says what it is.
    #[must_use]
    pub fn of(language: Language) -> Self {
        Self(match language {
            Language::French => "fr",
            Language::English => "us",
        })
    }

    /// Sets the console's keys by the table in `folder`. A terminal that is no console has no keys to set.
    ///
    /// # Errors
    /// When the table cannot be read, or the kernel refuses it.
    pub fn set(self, folder: &Path, terminal: BorrowedFd<'_>) -> anyhow::Result<()> {
        let path = folder.join(format!("{}.bkeymap", self.0));
        let table = std::fs::read(&path).with_context(|| format!("{}: reading", path.display()))?;
        for (combination, key, value) in keys(&table)? {
            match sys::console::set_key(terminal, combination, key, value) {
                Ok(()) => {}
                // A symbol that this kernel does not know: the key stays what it was.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => return Ok(()),
                Err(error) => return Err(error).context("setting the keyboard"),
            }
        }
        Ok(())
    }
}

/// (combination, key code, symbol) of each key of a table.
fn keys(table: &[u8]) -> anyhow::Result<Vec<(u8, u8, u16)>> {
    let Some(rest) = table.strip_prefix(MAGIC) else {
        bail!("not a table of keys");
    };
    let (has, mut rest) = rest.split_at_checked(COMBINATIONS).context("cut short")?;
    let mut found = Vec::new();
    for (combination, _) in (0_u8..=255).zip(has).filter(|(_, has)| **has != 0) {
        let (keys, after) = rest.split_at_checked(2 * KEYS).context("cut short")?;
        rest = after;
        for (key, symbol) in (0_u8..).zip(keys.as_chunks().0) {
            found.push((combination, key, u16::from_le_bytes(*symbol)));
        }
    }
    ensure!(rest.is_empty(), "longer than it says");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<u8> {
        let mut table = MAGIC.to_vec();
        let mut has = [0; COMBINATIONS];
        (has[0], has[2]) = (1, 1);
        table.extend(has);
        for combination in [0_u16, 2] {
            for key in 0..128_u16 {
                table.extend((combination * 1000 + key).to_le_bytes());
            }
        }
        table
    }

    #[test]
    fn each_key_of_each_combination_that_is_there_is_read() {
        let keys = keys(&table()).unwrap();
        assert_eq!(keys.len(), 2 * KEYS);
        assert_eq!(keys[1], (0, 1, 1));
        assert_eq!(keys[KEYS + 127], (2, 127, 2127));
    }

    #[test]
    fn table_that_is_cut_anywhere_or_too_long_is_none() {
        let table = table();
        for length in 0..table.len() {
            assert!(keys(&table[..length]).is_err(), "{length}");
        }
        assert!(keys(&[table, vec![0]].concat()).is_err());
    }

    #[test]
    fn layouts_are_known_by_name_and_follow_the_language() {
        assert_eq!(Layout::parse("fr"), Some(Layout::of(Language::French)));
        assert_eq!(Layout::parse("azerty"), None);
        assert_ne!(Layout::of(Language::French), Layout::of(Language::English));
    }
}
