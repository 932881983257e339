//! Which slot a physical address belongs to, where the firmware leaves no doubt: a wrong name would have a good
//! module thrown away and the bad one kept.

use std::collections::BTreeSet;

use crate::parts::smbios::{MemoryDevice, RangeOwner, Smbios};

/// The slot's name as printed on the board; `None` where it is not sure.
///
/// Sure is the only module of the machine, or the one module whose range (SMBIOS type 20) has the address and is
/// not interleaved with another's, or the only module of the array whose range (type 19) has it. Ranges of one
/// table that name different modules for the address make it unsure.
#[must_use]
pub fn of_address(smbios: &Smbios, address: u64) -> Option<String> {
    let modules: Vec<&MemoryDevice> = smbios
        .memory_devices
        .iter()
        .filter(|device| device.populated != Some(false) && is_main(smbios, device))
        .collect();
    if let [only] = modules[..] {
        return name(&modules, only);
    }
    let ranges = smbios
        .memory_ranges
        .iter()
        .filter(|range| (range.first_byte..=range.last_byte).contains(&address));
    let (mut by_module, mut by_array) = (BTreeSet::new(), BTreeSet::new());
    for range in ranges {
        match range.owner {
            // An unknown depth may be interleaved.
            RangeOwner::Module(_) if range.interleave_depth.is_none_or(|depth| depth > 1) => {
                return None;
            }
            RangeOwner::Module(handle) => by_module.insert(handle),
            RangeOwner::Array(handle) => by_array.insert(handle),
        };
    }
    let one_of = |set: &BTreeSet<u16>| match set.len() {
        1 => set.first().copied(),
        _ => None,
    };
    if !by_module.is_empty() {
        let handle = one_of(&by_module)?;
        let module = modules.iter().find(|device| device.handle == handle)?;
        return name(&modules, module);
    }
    let handle = one_of(&by_array)?;
    let mut in_array = modules
        .iter()
        .filter(|device| device.array_handle == Some(handle));
    match (in_array.next(), in_array.next()) {
        (Some(only), None) => name(&modules, only),
        _ => None,
    }
}

fn is_main(smbios: &Smbios, device: &MemoryDevice) -> bool {
    let mut main = smbios
        .memory_arrays
        .iter()
        .filter(|array| array.main_memory)
        .peekable();
    main.peek().is_none() || main.any(|array| device.array_handle == Some(array.handle))
}

/// A name that another module has too names neither: then the bank stands beside it, or there is none.
fn name(modules: &[&MemoryDevice], device: &MemoryDevice) -> Option<String> {
    let locator = |device: &MemoryDevice| Some(device.locator.as_ref()?.specific()?.to_owned());
    let bank = |device: &MemoryDevice| Some(device.bank.as_ref()?.specific()?.to_owned());
    let long = |device: &MemoryDevice| Some(format!("{} / {}", bank(device)?, locator(device)?));
    let is_alone = |name: &dyn Fn(&MemoryDevice) -> Option<String>| {
        let own = name(device);
        let same = modules.iter().filter(|other| name(other) == own).count();
        own.filter(|_| same == 1)
    };
    is_alone(&locator).or_else(|| is_alone(&long))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::smbios::{MemoryArray, MemoryRange};
    use crate::text::Label;

    fn module(handle: u16, array: u16, locator: &str, bank: &str) -> MemoryDevice {
        MemoryDevice {
            handle,
            array_handle: Some(array),
            locator: Label::new(locator.as_bytes()),
            bank: Label::new(bank.as_bytes()),
            populated: Some(true),
            capacity_bytes: Some(1 << 30),
            kind: None,
            form: None,
            speed_mts: None,
            speed_configured_mts: None,
            maker: None,
            part: None,
            serial: None,
        }
    }

    fn array(handle: u16, main_memory: bool) -> MemoryArray {
        MemoryArray {
            handle,
            main_memory,
            slots: None,
            capacity_max_bytes: None,
            corrects_errors: None,
        }
    }

    fn range(owner: RangeOwner, first_byte: u64, last_byte: u64, depth: Option<u8>) -> MemoryRange {
        MemoryRange {
            owner,
            first_byte,
            last_byte,
            interleave_depth: depth,
        }
    }

    const GIB: u64 = 1 << 30;

    /// Two modules in two arrays, with a range of their own each.
    fn two(depth: Option<u8>) -> Smbios {
        Smbios {
            memory_arrays: vec![array(1, true), array(2, true)],
            memory_devices: vec![module(10, 1, "DIMM A", ""), module(20, 2, "DIMM B", "")],
            memory_ranges: vec![
                range(RangeOwner::Module(10), 0, GIB - 1, depth),
                range(RangeOwner::Module(20), GIB, 2 * GIB - 1, depth),
                range(RangeOwner::Array(1), 0, GIB - 1, None),
                range(RangeOwner::Array(2), GIB, 2 * GIB - 1, None),
            ],
            ..Smbios::default()
        }
    }

    fn slot(smbios: &Smbios, address: u64) -> Option<String> {
        of_address(smbios, address)
    }

    #[test]
    fn module_with_a_range_of_its_own_is_named() {
        let smbios = two(Some(0));
        assert_eq!(slot(&smbios, GIB - 1).as_deref(), Some("DIMM A"));
        assert_eq!(slot(&smbios, GIB).as_deref(), Some("DIMM B"));
        assert_eq!(slot(&smbios, 2 * GIB), None);
    }

    #[test]
    fn interleaved_or_doubtful_ranges_name_none() {
        assert_eq!(slot(&two(Some(2)), GIB), None);
        assert_eq!(slot(&two(None), GIB), None);
        let mut both = two(Some(1));
        both.memory_ranges
            .push(range(RangeOwner::Module(10), 0, 2 * GIB - 1, Some(0)));
        assert_eq!(slot(&both, GIB), None);
        let mut lost = two(Some(1));
        lost.memory_ranges[1].owner = RangeOwner::Module(99);
        assert_eq!(slot(&lost, GIB), None);
    }

    #[test]
    fn array_with_one_module_names_it_and_with_two_none() {
        let mut smbios = two(None);
        smbios.memory_ranges.drain(..2);
        assert_eq!(slot(&smbios, GIB).as_deref(), Some("DIMM B"));
        smbios.memory_devices.push(module(21, 2, "DIMM C", ""));
        assert_eq!(slot(&smbios, GIB), None);
    }

    #[test]
    fn only_module_is_named_without_any_range() {
        let mut smbios = Smbios {
            memory_arrays: vec![array(1, true), array(9, false)],
            memory_devices: vec![module(10, 1, "DIMM 0", ""), module(90, 9, "BIOS ROM", "")],
            ..Smbios::default()
        };
        let mut empty = module(11, 1, "DIMM 1", "");
        empty.populated = Some(false);
        smbios.memory_devices.push(empty);
        assert_eq!(slot(&smbios, 5).as_deref(), Some("DIMM 0"));
        // A second one that may be there.
        smbios.memory_devices[2].populated = None;
        assert_eq!(slot(&smbios, 5), None);
    }

    #[test]
    fn slots_of_one_name_are_told_apart_by_their_bank_or_not_named() {
        let mut smbios = two(Some(0));
        for (device, bank) in smbios.memory_devices.iter_mut().zip(["BANK 0", "BANK 1"]) {
            device.locator = Label::new(b"DIMM");
            device.bank = Label::new(bank.as_bytes());
        }
        assert_eq!(slot(&smbios, 0).as_deref(), Some("BANK 0 / DIMM"));
        smbios.memory_devices[1].bank = smbios.memory_devices[0].bank.clone();
        assert_eq!(slot(&smbios, 0), None);
    }
}
