//! What an earlier owner's administration left in the firmware: passwords, a program for Windows, a
//! Windows key.
//!
//! Passwords are what the maker's driver shows (`firmware-attributes`,
//! Documentation/ABI/testing/sysfs-class-firmware-attributes: Dell, HP, Lenovo); without one nothing
//! is known of them. ACPI's tables are read where the kernel shows them. WPBT (Microsoft, *Windows
//! Platform Binary Table*) hands Windows a program of the firmware's at each start: Absolute
//! (Computrace) comes back that way, and so do makers' updaters. MSDM holds the key of a preinstalled
//! Windows: its last five characters are kept, which Windows itself shows, and no more. Whether
//! remote management (AMT) is provisioned no file of the kernel says.

use crate::roots::Reader;

/// What was found in the firmware.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locks {
    /// Passwords that the firmware knows, set or not; empty where no driver shows them.
    pub passwords: Vec<FirmwarePassword>,
    /// The firmware hands Windows a program (WPBT); absent where the kernel shows no ACPI tables.
    pub platform_binary: Option<bool>,
    /// The firmware holds a Windows key (MSDM).
    pub windows_key: Option<WindowsKey>,
}

/// One of the firmware's passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwarePassword {
    /// What it is asked for, such as `bios-admin` or `power-on`; else the driver's name of it.
    pub role: String,
    /// It is set; absent where the driver does not say.
    pub set: Option<bool>,
}

/// A Windows key of the firmware's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowsKey {
    /// Its last five characters; absent where the table holds no key of the known form.
    pub ends: Option<String>,
}

impl Locks {
    /// At least one password is set. Absent where none is known of.
    #[must_use]
    pub fn password_set(&self) -> Option<bool> {
        let states = self.passwords.iter().filter_map(|password| password.set);
        states.reduce(|any, set| any || set)
    }
}

const ATTRIBUTES: &str = "class/firmware-attributes";
const TABLES: &str = "firmware/acpi/tables";

pub(crate) fn read(reader: &mut Reader) -> Locks {
    let tables = reader.sys_list(TABLES);
    let has = |name: &str| tables.iter().any(|table| table == name);
    let windows_key = has("MSDM").then(|| {
        let table = reader.sys_bytes(&format!("{TABLES}/MSDM"));
        let key = table.as_deref().and_then(windows_key);
        if key.is_none() {
            reader.odd("ACPI table MSDM holds no key of the known form");
        }
        WindowsKey { ends: key }
    });
    Locks {
        passwords: passwords(reader),
        platform_binary: (!tables.is_empty()).then(|| has("WPBT")),
        windows_key,
    }
}

fn passwords(reader: &mut Reader) -> Vec<FirmwarePassword> {
    let mut passwords = Vec::new();
    for driver in reader.sys_list(ATTRIBUTES) {
        let folder = format!("{ATTRIBUTES}/{driver}/authentication");
        for name in reader.sys_list(&folder) {
            let role = reader.sys_text(&format!("{folder}/{name}/role"));
            let set = reader.sys_number(&format!("{folder}/{name}/is_enabled"));
            passwords.push(FirmwarePassword {
                role: role.unwrap_or(name),
                set: set.map(|set| set != 0),
            });
        }
    }
    passwords
}

/// The last five characters of the key: behind the table's header (36 bytes, ACPI 6.5 §5.2.6) stand
/// version, flags, type, flags and length of the data, 4 bytes each, then the key, `XXXXX` five times
/// with dashes between.
fn windows_key(table: &[u8]) -> Option<String> {
    let key = table.get(56..85)?;
    let formed = key.iter().enumerate().all(|(index, byte)| match index % 6 {
        5 => *byte == b'-',
        _ => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
    });
    let ends = key.get(24..)?;
    formed.then(|| String::from_utf8_lossy(ends).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(key: &[u8]) -> Vec<u8> {
        let mut table = b"MSDM".to_vec();
        table.resize(56, 0);
        table.extend(key);
        table
    }

    #[test]
    fn only_the_last_five_characters_of_a_windows_key_are_kept() {
        let key = b"ABCDE-FGHJK-23456-LMNPQ-7RSTV";
        assert_eq!(windows_key(&table(key)).as_deref(), Some("7RSTV"));
    }

    #[test]
    fn what_has_not_the_form_of_a_key_is_none() {
        for other in [
            &b""[..],
            b"ABCDE-FGHJK-23456-LMNPQ-7RST",
            b"ABCDE+FGHJK-23456-LMNPQ-7RSTV",
            b"ABCDE-FGHJK-23456-LMNPQ-7RST\x1b",
            b"abcde-FGHJK-23456-LMNPQ-7RSTV",
        ] {
            assert_eq!(windows_key(&table(other)), None);
        }
        assert_eq!(windows_key(b"MSDM"), None);
    }
}
