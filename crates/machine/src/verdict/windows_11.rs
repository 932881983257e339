//! Whether Windows 11 would install: what speaks against it.
//!
//! The answer is never yes: Microsoft's list of processors is dated data that raz does not carry,
//! and the size of the drive is not known here. Limits: Microsoft's published requirements (64-bit
//! and 2 cores, 4 GB, UEFI, TPM 2.0, 720 lines; SSE4.2 and POPCNT since 24H2).

use super::fact::cores;
use crate::facts::MachineFacts;
use crate::parts::firmware::FirmwareMode;

/// Answer for Windows 11.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Windows11 {
    /// Not as the machine stands, for these reasons.
    No(Vec<Obstacle>),
    /// Nothing that was read speaks against it; the processor list was not consulted.
    Unknown,
}

/// One requirement that is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The processor is not 64-bit.
    Not64Bit,
    /// Fewer than two cores.
    SingleCore,
    /// No SSE4.2 or no POPCNT.
    InstructionSet,
    /// Less than 4 GB.
    Memory,
    /// The firmware has no UEFI.
    NoUefi,
    /// The TPM is older than 2.0.
    OldTpm,
    /// The built-in screen has fewer than 720 lines.
    Screen,
}

impl Obstacle {
    /// In French.
    #[must_use]
    pub fn label_fr(self) -> &'static str {
        match self {
            Self::Not64Bit => "processeur 32 bits",
            Self::SingleCore => "un seul cœur",
            Self::InstructionSet => "pas de SSE4.2 ou de POPCNT",
            Self::Memory => "moins de 4 Go de mémoire",
            Self::NoUefi => "pas d'UEFI",
            Self::OldTpm => "TPM antérieur à 2.0",
            Self::Screen => "écran de moins de 720 lignes",
        }
    }

    /// In English.
    #[must_use]
    pub fn label_en(self) -> &'static str {
        match self {
            Self::Not64Bit => "32-bit processor",
            Self::SingleCore => "a single core",
            Self::InstructionSet => "no SSE4.2 or no POPCNT",
            Self::Memory => "less than 4 GB of memory",
            Self::NoUefi => "no UEFI",
            Self::OldTpm => "TPM older than 2.0",
            Self::Screen => "screen with fewer than 720 lines",
        }
    }
}

/// 4 GB less what firmware and graphics withhold from the kernel where modules are not stated.
const MEMORY_BYTES_MIN: u64 = 3500 << 20;

pub(super) fn judge(machine: &MachineFacts) -> Windows11 {
    let features = machine.cpus.iter().find_map(|cpu| cpu.features);
    let bios = machine
        .smbios
        .as_ref()
        .and_then(|smbios| smbios.bios.as_ref());
    // Booted by BIOS proves nothing: the setup may be switched. SMBIOS says what it can do.
    let uefi = machine.firmware.mode == Some(FirmwareMode::Uefi)
        || bios.is_none_or(|bios| bios.uefi_supported != Some(false));
    let tpm = machine
        .firmware
        .tpm
        .as_ref()
        .and_then(|tpm| tpm.version_major);
    let mut screens = machine.displays.iter().filter(|display| display.internal);
    let obstacles: Vec<Obstacle> = [
        (
            Obstacle::Not64Bit,
            features.is_some_and(|features| !features.long_mode),
        ),
        (
            Obstacle::SingleCore,
            cores(machine).is_some_and(|cores| cores < 2),
        ),
        (
            Obstacle::InstructionSet,
            features.is_some_and(|features| !features.sse4_2 || !features.popcnt),
        ),
        (
            Obstacle::Memory,
            machine
                .memory
                .fitted_bytes()
                .is_some_and(|b| b < MEMORY_BYTES_MIN),
        ),
        (Obstacle::NoUefi, !uefi),
        (Obstacle::OldTpm, tpm.is_some_and(|version| version < 2)),
        (
            Obstacle::Screen,
            screens.any(|s| s.edid.height_px.is_some_and(|lines| lines < 720)),
        ),
    ]
    .into_iter()
    .filter_map(|(obstacle, stands)| stands.then_some(obstacle))
    .collect();
    if obstacles.is_empty() {
        Windows11::Unknown
    } else {
        Windows11::No(obstacles)
    }
}
