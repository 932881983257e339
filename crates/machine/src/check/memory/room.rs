//! How much may be taken, so that the kernel never has to end a program for want of memory: the one that it
//! would end may be erasing drives.

use crate::roots::{Reader, Roots};

/// Left to the kernel and all programs, always. The live image at rest needs less than a half of it; an erase
/// of 60 drives takes 70 MiB (docs/performance.md).
pub const RESERVE_BYTES_MIN: u64 = 150 << 20;
/// Part of all memory that is left, too: the kernel's own tables grow with it.
const RESERVE_SHARE: u64 = 20;

/// What the kernel says of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
    /// `MemTotal`.
    pub total_bytes: u64,
    /// `MemAvailable`: what can be had without writing anything out.
    pub available_bytes: u64,
}

impl Available {
    /// What must stay available; `asked` where that is more.
    #[must_use]
    pub fn reserve_bytes(&self, asked: u64) -> u64 {
        RESERVE_BYTES_MIN
            .max(self.total_bytes / RESERVE_SHARE)
            .max(asked)
    }

    /// What may be taken above the reserve.
    #[must_use]
    pub fn room_bytes(&self, asked: u64) -> u64 {
        self.available_bytes
            .saturating_sub(self.reserve_bytes(asked))
    }

    /// The rest of the machine has begun to use the reserve up: memory goes back to it.
    #[must_use]
    pub fn is_tight(&self, asked: u64) -> bool {
        self.available_bytes < self.reserve_bytes(asked) / 2
    }
}

/// From `/proc/meminfo`, in KiB although it says kB (proc(5)).
#[must_use]
pub fn available(roots: &Roots) -> Option<Available> {
    let text = Reader::new(roots).proc_text("meminfo")?;
    Some(Available {
        total_bytes: field(&text, "MemTotal:")?,
        available_bytes: field(&text, "MemAvailable:")?,
    })
}

/// Bytes of a line of `/proc/meminfo`.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn machine(total_mib: u64, available_mib: u64) -> Available {
        Available {
            total_bytes: total_mib * MIB,
            available_bytes: available_mib * MIB,
        }
    }

    #[test]
    fn a_reserve_is_left_on_every_machine() {
        assert_eq!(machine(480, 300).room_bytes(0), 150 * MIB);
        assert_eq!(machine(480, 120).room_bytes(0), 0);
        assert_eq!(machine(16_000, 15_000).room_bytes(0), 14_200 * MIB);
        assert_eq!(machine(16_000, 15_000).room_bytes(1000 * MIB), 14_000 * MIB);
    }

    #[test]
    fn memory_is_tight_when_half_of_the_reserve_is_gone() {
        assert!(!machine(480, 75).is_tight(0));
        assert!(machine(480, 74).is_tight(0));
    }

    #[test]
    fn what_meminfo_does_not_say_is_unknown() {
        let text = "MemTotal:   1000 kB\nMemFree:  10 kB\nMemAvailable: x kB\n";
        assert_eq!(field(text, "MemTotal:"), Some(1_024_000));
        assert_eq!(field(text, "MemAvailable:"), None);
        assert_eq!(field(text, "HardwareCorrupted:"), None);
        assert_eq!(
            field("MemTotal: 18446744073709551615 kB", "MemTotal:"),
            None
        );
    }
}
