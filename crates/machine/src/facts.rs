//! All facts of one machine, read once.

use crate::parts::battery::{self, Power};
use crate::parts::chassis::ChassisKind;
use crate::parts::cpu::{self, Cpu};
use crate::parts::display::{self, Display, Gpu};
use crate::parts::firmware::{self, Firmware};
use crate::parts::locks::{self, Locks};
use crate::parts::memory::{self, Memory};
use crate::parts::network::{self, Nic};
use crate::parts::smbios::{self, Smbios};
use crate::roots::{Reader, Roots};
use crate::text::Label;

/// What the machine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineFacts {
    /// The firmware's tables; absent when there are none.
    pub smbios: Option<Smbios>,
    /// Processor packages.
    pub cpus: Vec<Cpu>,
    /// Main memory.
    pub memory: Memory,
    /// Batteries and mains.
    pub power: Power,
    /// Physical network adapters.
    pub nics: Vec<Nic>,
    /// Screens that gave an EDID.
    pub displays: Vec<Display>,
    /// Graphics adapters.
    pub gpus: Vec<Gpu>,
    /// Boot mode, Secure Boot, TPM.
    pub firmware: Firmware,
    /// What an earlier owner left in the firmware.
    pub locks: Locks,
    /// What could not be read or makes no sense.
    pub oddities: Vec<String>,
}

impl MachineFacts {
    /// Maker of the computer (SMBIOS type 1).
    #[must_use]
    pub fn maker(&self) -> Option<&Label> {
        self.smbios.as_ref()?.system.as_ref()?.maker.as_ref()
    }

    /// Product name of the computer (SMBIOS type 1).
    #[must_use]
    pub fn model(&self) -> Option<&Label> {
        self.smbios.as_ref()?.system.as_ref()?.product.as_ref()
    }

    /// Serial of the computer (SMBIOS type 1).
    #[must_use]
    pub fn serial(&self) -> Option<&Label> {
        self.smbios.as_ref()?.system.as_ref()?.serial.as_ref()
    }

    /// UUID of the computer (SMBIOS type 1).
    #[must_use]
    pub fn uuid(&self) -> Option<&Label> {
        self.smbios.as_ref()?.system.as_ref()?.uuid.as_ref()
    }

    /// Kind of case (SMBIOS type 3).
    #[must_use]
    pub fn chassis(&self) -> Option<ChassisKind> {
        Some(self.smbios.as_ref()?.chassis.as_ref()?.kind)
    }

    /// The machine is meant to run from a battery: by its case, or, where that does not tell, by
    /// having one. `None` when nothing tells.
    #[must_use]
    pub fn portable(&self) -> Option<bool> {
        let by_case = self.chassis().and_then(ChassisKind::portable);
        by_case.or_else(|| (!self.power.batteries.is_empty()).then_some(true))
    }
}

/// Reads the machine below `roots`.
#[must_use]
pub fn facts(roots: &Roots) -> MachineFacts {
    let mut reader = Reader::new(roots);
    let smbios = smbios(&mut reader);
    let memory = memory::read(&mut reader, smbios.as_ref());
    MachineFacts {
        smbios,
        cpus: cpu::read(&mut reader),
        memory,
        power: battery::read(&mut reader),
        nics: network::read(&mut reader),
        displays: display::displays(&mut reader),
        gpus: display::gpus(&mut reader),
        firmware: firmware::read(&mut reader),
        locks: locks::read(&mut reader),
        oddities: reader.oddities,
    }
}

pub(crate) fn smbios(reader: &mut Reader) -> Option<Smbios> {
    let table = reader.sys_bytes("firmware/dmi/tables/DMI")?;
    let entry = reader
        .sys_bytes("firmware/dmi/tables/smbios_entry_point")
        .unwrap_or_default();
    let mut smbios = smbios::parse(&entry, &table);
    for oddity in smbios.oddities.drain(..) {
        reader.odd(format!("SMBIOS: {oddity}"));
    }
    Some(smbios)
}
