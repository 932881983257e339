//! How the machine booted: UEFI or BIOS, Secure Boot, the kernel's lockdown, TPM.
//!
//! Secure Boot is the `SecureBoot` variable (UEFI 2.10 §3.3): the caller has mounted efivarfs, or
//! the answer is unknown. Nothing is asked of the TPM.

use crate::roots::Reader;

/// Firmware state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// How the kernel was started; absent when `/sys/firmware` is.
    pub mode: Option<FirmwareMode>,
    /// Secure Boot; absent when unknown.
    pub secure_boot: Option<SecureBoot>,
    /// What the kernel keeps from root: `none`, `integrity` or `confidentiality`
    /// (Documentation/ABI: `security/lockdown`, on securityfs, which the caller has mounted).
    pub lockdown: Option<String>,
    /// TPM that the kernel drives. `None` may also be one that is switched off in the setup.
    pub tpm: Option<Tpm>,
}

/// How the kernel was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirmwareMode {
    /// By UEFI.
    Uefi,
    /// By a BIOS or a compatibility module.
    Bios,
}

/// State of Secure Boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureBoot {
    /// Enforced in this boot.
    Enabled,
    /// Present and not enforced.
    Disabled,
    /// UEFI without the variable.
    Unsupported,
}

/// A TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tpm {
    /// Major version, 1 or 2; absent when the kernel does not say.
    pub version_major: Option<u8>,
}

const SECURE_BOOT: &str = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

pub(crate) fn read(reader: &mut Reader) -> Firmware {
    let mode = if reader.sys_exists("firmware/efi") {
        Some(FirmwareMode::Uefi)
    } else {
        reader.sys_exists("firmware").then_some(FirmwareMode::Bios)
    };
    let secure_boot = match mode {
        Some(FirmwareMode::Uefi) => secure_boot(reader),
        Some(FirmwareMode::Bios) | None => None,
    };
    let lockdown = reader
        .sys_text("kernel/security/lockdown")
        .and_then(|states| chosen(&states));
    let tpm = reader.sys_exists("class/tpm/tpm0").then(|| Tpm {
        version_major: reader
            .sys_number("class/tpm/tpm0/tpm_version_major")
            .and_then(|version| u8::try_from(version).ok()),
    });
    Firmware {
        mode,
        secure_boot,
        lockdown,
        tpm,
    }
}

/// The word in brackets: `none [integrity] confidentiality`.
fn chosen(states: &str) -> Option<String> {
    let (_, after) = states.split_once('[')?;
    let (word, _) = after.split_once(']')?;
    Some(word.to_owned())
}

fn secure_boot(reader: &mut Reader) -> Option<SecureBoot> {
    let Some(variable) = reader.sys_bytes(SECURE_BOOT) else {
        if reader.sys_list("firmware/efi/efivars").is_empty() {
            reader.odd("Secure Boot unknown: no EFI variables to read");
            return None;
        }
        return Some(SecureBoot::Unsupported);
    };
    // Four bytes of attributes, then the value.
    match variable.as_slice() {
        [_, _, _, _, 0] => Some(SecureBoot::Disabled),
        [_, _, _, _, 1] => Some(SecureBoot::Enabled),
        other => {
            reader.odd(format!("Secure Boot variable makes no sense: {other:02x?}"));
            None
        }
    }
}
