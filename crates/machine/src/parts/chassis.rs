//! The kind of case, by its SMBIOS code (DSP0134 §7.4.1).

/// Chassis type code, lock bit removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChassisKind {
    /// The code.
    pub code: u8,
}

impl ChassisKind {
    /// Name as the specification spells it (also what GLPI stores); `None` for other, unknown and
    /// codes that the specification does not have.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.code {
            0x03 => "Desktop",
            0x04 => "Low Profile Desktop",
            0x05 => "Pizza Box",
            0x06 => "Mini Tower",
            0x07 => "Tower",
            0x08 => "Portable",
            0x09 => "Laptop",
            0x0A => "Notebook",
            0x0B => "Hand Held",
            0x0C => "Docking Station",
            0x0D => "All in One",
            0x0E => "Sub Notebook",
            0x0F => "Space-saving",
            0x10 => "Lunch Box",
            0x11 => "Main Server Chassis",
            0x12 => "Expansion Chassis",
            0x13 => "SubChassis",
            0x14 => "Bus Expansion Chassis",
            0x15 => "Peripheral Chassis",
            0x16 => "RAID Chassis",
            0x17 => "Rack Mount Chassis",
            0x18 => "Sealed-case PC",
            0x19 => "Multi-system chassis",
            0x1A => "Compact PCI",
            0x1B => "Advanced TCA",
            0x1C => "Blade",
            0x1D => "Blade Enclosure",
            0x1E => "Tablet",
            0x1F => "Convertible",
            0x20 => "Detachable",
            0x21 => "IoT Gateway",
            0x22 => "Embedded PC",
            0x23 => "Mini PC",
            0x24 => "Stick PC",
            _ => return None,
        })
    }

    /// It is meant to run from a battery; `None` when the code does not tell.
    #[must_use]
    pub fn portable(self) -> Option<bool> {
        self.name()?;
        Some(matches!(self.code, 0x08..=0x0B | 0x0E | 0x1E..=0x20))
    }
}
