//! Main memory: what the kernel can use, and the slots that the firmware describes.
//!
//! Whether it works is the memory check's business, not this module's.

use crate::parts::smbios::{MemoryDevice, Smbios};
use crate::roots::Reader;

/// Main memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// `MemTotal`: what firmware and integrated graphics left to the kernel.
    pub total_bytes: Option<u64>,
    /// Sum of the modules; absent unless every populated slot states its size.
    pub installed_bytes: Option<u64>,
    /// Highest capacity that the maker states for all arrays together.
    pub capacity_max_bytes: Option<u64>,
    /// Slots of main memory, also empty ones: SMBIOS type 17 without flash and video memory.
    pub slots: Vec<MemoryDevice>,
}

impl Memory {
    /// What is built in: the modules' sum where the firmware states it plausibly, else what the
    /// kernel can use, which is somewhat less.
    #[must_use]
    pub fn fitted_bytes(&self) -> Option<u64> {
        self.installed_bytes.max(self.total_bytes)
    }

    /// Slots that the firmware calls empty.
    #[must_use]
    pub fn slots_empty(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| slot.populated == Some(false))
            .count()
    }
}

pub(crate) fn read(reader: &mut Reader, smbios: Option<&Smbios>) -> Memory {
    let total_bytes = total(reader);
    let mut memory = Memory {
        total_bytes,
        ..Memory::default()
    };
    if let Some(smbios) = smbios {
        let main: Vec<_> = smbios
            .memory_arrays
            .iter()
            .filter(|array| array.main_memory)
            .collect();
        let belongs = |device: &&MemoryDevice| {
            main.is_empty()
                || main
                    .iter()
                    .any(|array| device.array_handle == Some(array.handle))
        };
        memory.slots = smbios
            .memory_devices
            .iter()
            .filter(belongs)
            .cloned()
            .collect();
        memory.capacity_max_bytes = main
            .iter()
            .filter_map(|array| array.capacity_max_bytes)
            .reduce(u64::saturating_add);
        memory.installed_bytes = memory
            .slots
            .iter()
            .filter(|slot| slot.populated != Some(false))
            .map(|slot| slot.capacity_bytes)
            .try_fold(0u64, |sum, bytes| Some(sum.saturating_add(bytes?)))
            .filter(|sum| *sum != 0);
    }
    if let (Some(installed), Some(total)) = (memory.installed_bytes, memory.total_bytes)
        && installed < total
    {
        reader.odd(format!(
            "memory modules add up to {installed} bytes, less than the {total} that the kernel uses"
        ));
    }
    memory
}

/// `MemTotal` of `/proc/meminfo`, in KiB although it says kB (proc(5)).
fn total(reader: &mut Reader) -> Option<u64> {
    let text = reader.proc_text("meminfo")?;
    let kib = text.lines().find_map(|line| {
        let value = line.strip_prefix("MemTotal:")?.trim();
        value.strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    if kib.is_none() {
        reader.odd("meminfo: no MemTotal in it");
    }
    kib.and_then(|kib| kib.checked_mul(1024))
}
