//! The computer around the drives, in the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The computer around the drives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// SMBIOS type 1 manufacturer.
    pub maker: Option<String>,
    /// SMBIOS type 1 product name.
    pub model: Option<String>,
    /// SMBIOS type 1 serial.
    pub serial: Option<String>,
    /// SMBIOS type 1 UUID.
    pub uuid: Option<String>,
    /// SMBIOS type 3 chassis kind in words.
    pub chassis: Option<String>,
    /// Base board maker, model, serial.
    pub board: Option<String>,
    /// BIOS vendor, version, date.
    pub bios: Option<String>,
    /// Processors.
    pub cpus: Vec<Cpu>,
    /// RAM that the kernel sees.
    pub memory_total_bytes: Option<u64>,
    /// DIMM slots (SMBIOS type 17), also empty ones.
    pub memory_slots: Vec<MemorySlot>,
    /// Physical network adapters.
    pub networks: Vec<Network>,
    /// Batteries.
    pub batteries: Vec<Battery>,
    /// Graphics adapters, `vendor:device` in hexadecimal and driver.
    pub graphics: Vec<String>,
    /// Screens by EDID.
    pub displays: Vec<Display>,
    /// `uefi` or `bios`.
    pub firmware_mode: Option<String>,
    /// Secure Boot is on.
    pub secure_boot: Option<bool>,
    /// The kernel's lockdown: `none`, `integrity` or `confidentiality`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lockdown: Option<String>,
    /// TPM version, such as `2.0`; `none` when the kernel found none.
    pub tpm: Option<String>,
    /// Passwords that the firmware knows, set or not, by what it asks them for. Empty where the kernel
    /// has no driver that shows them, and in reports of versions that did not look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firmware_passwords: Vec<FirmwarePassword>,
    /// The firmware hands Windows a program at each start (ACPI table WPBT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_binary: Option<bool>,
    /// Last five characters of the Windows key in the firmware (ACPI table MSDM); `unknown` where the
    /// table has another form; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows_key_ends: Option<String>,
    /// What was odd or unreadable.
    pub oddities: Vec<String>,
}

/// One of the firmware's passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirmwarePassword {
    /// Such as `bios-admin` or `power-on`.
    pub role: String,
    /// It is set.
    pub set: Option<bool>,
}

/// One processor package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cpu {
    /// Brand string.
    pub model: String,
    /// Physical cores.
    pub cores: Option<u32>,
    /// Hardware threads.
    pub threads: Option<u32>,
}

/// One DIMM slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemorySlot {
    /// Device locator as printed on the board.
    pub locator: String,
    /// Module size; 0 for an empty slot; absent when unknown.
    pub size_bytes: Option<u64>,
    /// Such as `DDR4`.
    pub kind: Option<String>,
    /// Configured speed in MT/s.
    pub speed_mts: Option<u32>,
    /// Module maker.
    pub maker: Option<String>,
    /// Part number.
    pub part: Option<String>,
    /// Module serial.
    pub serial: Option<String>,
}

/// One network adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// Kernel name.
    pub name: String,
    /// Hardware address.
    pub mac: String,
    /// Kernel driver.
    pub driver: Option<String>,
    /// Wireless adapter.
    pub wireless: bool,
}

/// One battery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Battery {
    /// Kernel name.
    pub name: String,
    /// Maker and model.
    pub model: Option<String>,
    /// Capacity by design.
    pub capacity_design_mwh: Option<u64>,
    /// Capacity when full now.
    pub capacity_full_mwh: Option<u64>,
    /// Full over design, at most 100.
    pub health_percent: Option<u8>,
    /// Charge cycles; absent when the battery does not count.
    pub cycles: Option<u32>,
}

/// One screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Display {
    /// Connector name.
    pub connector: String,
    /// EDID maker, product and name.
    pub model: Option<String>,
    /// Preferred width in pixels.
    pub width_px: Option<u32>,
    /// Preferred height in pixels.
    pub height_px: Option<u32>,
    /// Width in centimetres.
    pub width_cm: Option<u8>,
    /// Height in centimetres.
    pub height_cm: Option<u8>,
}
