//! What a person plugs in beside drives: a keyboard and a network cable. The screen says which is missing.
//!
//! Asked of the kernel every two seconds, by small files that are no drive's. What cannot be read is not called
//! missing.

use super::Session;
use crate::ui::Network;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two questions.
const AGAIN: Duration = Duration::from_secs(2);
/// Keys of a keyboard that somebody can answer with (`linux/input-event-codes.h`): Q, P, Enter, Space. Buttons for
/// power and volume are keyboards to the kernel, too.
const KEYS: [u32; 4] = [16, 25, 28, 57];

/// What is watched.
#[derive(Debug, Default)]
pub struct Plugged {
    asked: Option<Instant>,
    /// The session is on a virtual terminal: on a serial line the keyboard is another machine's.
    has_console: bool,
}

impl Plugged {
    /// For the terminal that `proc` shows as this process's standard input.
    pub fn of(proc: &Path) -> Self {
        let terminal = fs::read_link(proc.join("self/fd/0")).unwrap_or_default();
        let name = terminal.to_str().unwrap_or_default();
        let number = name.strip_prefix("/dev/tty").unwrap_or_default();
        Self {
            asked: None,
            has_console: !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()),
        }
    }
}

impl Session {
    pub(super) fn tick_plugged(&mut self) {
        let asked = self.plugged.asked;
        if asked.is_some_and(|asked| asked.elapsed() < AGAIN) {
            return;
        }
        self.plugged.asked = Some(Instant::now());
        let roots = &self.machine.roots;
        self.state.header.network = network(&roots.sys);
        self.state.lacks_keyboard = self.plugged.has_console && lacks_keyboard(&roots.proc);
    }
}

/// The wired network cards: raz drives no others.
fn network(sys: &Path) -> Network {
    let Ok(entries) = fs::read_dir(sys.join("class/net")) else {
        return Network::Plugged;
    };
    let mut network = Network::NoCard;
    for card in entries.flatten().map(|entry| entry.path()) {
        let has = |name: &str| card.join(name).exists();
        if !has("device") || has("wireless") || has("phy80211") {
            continue;
        }
        // A card that is down does not say.
        let carrier = fs::read_to_string(card.join("carrier"));
        match carrier.is_ok_and(|carrier| carrier.trim() == "1") {
            true => return Network::Plugged,
            false => network = Network::NoCable,
        }
    }
    network
}

/// None of the kernel's input devices has the keys that an answer takes.
fn lacks_keyboard(proc: &Path) -> bool {
    let Ok(devices) = fs::read_to_string(proc.join("bus/input/devices")) else {
        return false;
    };
    let mut keys = devices
        .lines()
        .filter_map(|line| line.strip_prefix("B: KEY="));
    !keys.any(|bits| KEYS.iter().all(|key| has_key(bits, *key)))
}

/// The kernel's bitmap of keys: words of 64 bits in hexadecimal, the last one first in number.
fn has_key(bits: &str, key: u32) -> bool {
    let word = bits.split_whitespace().rev().nth((key / 64) as usize);
    let word = word.and_then(|word| u64::from_str_radix(word, 16).ok());
    word.is_some_and(|word| word >> (key % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::{Plugged, lacks_keyboard, network};
    use crate::ui::Network;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn card(sys: &Path, name: &str, files: &[&str], carrier: Option<&str>) {
        let card = sys.join("class/net").join(name);
        fs::create_dir_all(&card).unwrap();
        for file in files {
            fs::write(card.join(file), "").unwrap();
        }
        if let Some(carrier) = carrier {
            fs::write(card.join("carrier"), carrier).unwrap();
        }
    }

    #[test]
    fn one_wired_card_with_a_cable_is_enough_and_no_other_counts() {
        let folder = tempfile::tempdir().unwrap();
        let sys = folder.path();
        assert_eq!(network(sys), Network::Plugged, "what cannot be read");
        card(sys, "lo", &[], Some("1\n"));
        card(sys, "wlan0", &["device", "wireless"], Some("1\n"));
        card(sys, "wlan1", &["device", "phy80211"], Some("1\n"));
        assert_eq!(network(sys), Network::NoCard);
        card(sys, "eth0", &["device"], None);
        card(sys, "eth1", &["device"], Some("0\n"));
        assert_eq!(network(sys), Network::NoCable);
        card(sys, "eth2", &["device"], Some("1\n"));
        assert_eq!(network(sys), Network::Plugged);
    }

    #[test]
    fn buttons_are_no_keyboard() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path();
        assert!(!lacks_keyboard(proc), "what cannot be read");
        fs::create_dir_all(proc.join("bus/input")).unwrap();
        let shows = |text: &str| fs::write(proc.join("bus/input/devices"), text).unwrap();
        // As Linux 6.12 shows them: a power button, hotkeys of a laptop, a mouse.
        let buttons = "N: Name=\"Power Button\"\nH: Handlers=kbd event0 \nB: KEY=10000000000000 0\n\n\
             N: Name=\"Video Bus\"\nB: KEY=3e000b00000000 0 0 0\n\n\
             N: Name=\"Mouse\"\nB: KEY=1f0000 0 0 0 0\nB: KEY=zz\n\n";
        shows(buttons);
        assert!(lacks_keyboard(proc));
        let keyboard = "N: Name=\"AT Translated Set 2 keyboard\"\n\
             B: KEY=402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe\n";
        shows(&format!("{buttons}{keyboard}"));
        assert!(!lacks_keyboard(proc));
    }

    #[test]
    fn keyboard_is_asked_for_on_a_virtual_terminal_only() {
        for (terminal, has_console) in [
            ("/dev/tty1", true),
            ("/dev/tty63", true),
            ("/dev/ttyS0", false),
            ("/dev/tty", false),
            ("/dev/pts/1", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("self/fd")).unwrap();
            symlink(terminal, folder.path().join("self/fd/0")).unwrap();
            assert_eq!(
                Plugged::of(folder.path()).has_console,
                has_console,
                "{terminal}"
            );
        }
    }
}
