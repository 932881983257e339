//! What tells one drive from every other, and the two texts made of it.
//!
//! [`Identity::recorded`] is the string that the report carries and from which the pattern's key
//! is derived; [`Identity::id`] is the short form that a person types or a command line names.
//! Neither holds the kernel's name of the drive, which changes between boots, unless nothing
//! else is known, and then [`Identity::is_path_only`] says so.

use std::fmt::Write;

/// Serial, world-wide name and area of a drive, each as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// The drive's own serial, trimmed. Never the bridge's when the drive's could be read.
    pub serial: Option<String>,
    /// WWN, EUI-64 or NGUID in lower-case hexadecimal with its kind: `wwn-…`, `eui-…`, `nguid-…`;
    /// for a loop device `file-DEVICE-INODE-OFFSET` of its backing file.
    pub world_wide: Option<String>,
    /// What part of the drive this is: `nsid-1`, `lun-0`, `boot0`; empty for a whole simple drive.
    pub area: String,
    /// Bus position, used only where neither serial nor world-wide name is known.
    pub bus_path: String,
}

impl Identity {
    /// The identity as recorded: `serial=…;world_wide=…;area=…`, or `path=…;area=…` when nothing
    /// better is known. `;`, `=` and `%` inside values are percent-encoded, so the text is
    /// unambiguous. UTF-8, no line breaks.
    #[must_use]
    pub fn recorded(&self) -> String {
        let mut text = String::new();
        let mut field = |name: &str, value: &str| {
            if !text.is_empty() {
                text.push(';');
            }
            text.push_str(name);
            text.push('=');
            for c in value.chars() {
                if matches!(c, ';' | '=' | '%') || c.is_control() {
                    let mut bytes = [0; 4];
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        let _ = write!(text, "%{byte:02x}");
                    }
                } else {
                    text.push(c);
                }
            }
        };
        if self.is_path_only() {
            field("path", &self.bus_path);
        } else {
            field("serial", self.serial.as_deref().unwrap_or(""));
            field("world_wide", self.world_wide.as_deref().unwrap_or(""));
        }
        field("area", &self.area);
        text
    }

    /// Neither serial nor world-wide name is known.
    #[must_use]
    pub fn is_path_only(&self) -> bool {
        self.serial.is_none() && self.world_wide.is_none()
    }

    /// Short id for people and command lines: the serial's letters and digits (or `path`), a
    /// dash, and six hexadecimal digits of the BLAKE3 digest of the recorded identity.
    #[must_use]
    pub fn id(&self) -> String {
        let digest = blake3::hash(self.recorded().as_bytes()).to_hex();
        let name = self.serial.as_deref().or(self.world_wide.as_deref());
        let slug: String = name
            .unwrap_or("path")
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        format!("{slug}-{}", &digest.as_str()[..6])
    }

    /// Whether two drives cannot be told apart by what they say: all that is recorded is the same,
    /// or serial and area are and one of the two has no world-wide name to differ by. Two areas of
    /// one drive (boot areas, namespaces, units) differ. Drives of which only the path is known
    /// say nothing, so they collide with none.
    #[must_use]
    pub fn collides_with(&self, other: &Self) -> bool {
        if self.is_path_only() || other.is_path_only() {
            return false;
        }
        self.recorded() == other.recorded()
            || (self.serial.is_some()
                && self.serial == other.serial
                && (self.world_wide.is_none() || other.world_wide.is_none())
                && self.area == other.area)
    }
}

/// Why a claimed drive is not known any more to be the one that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityLost {
    /// The kernel does not show the claimed disk any more, in words. Whether what has its name now is
    /// the same drive, found anew, nobody asked.
    #[error("{0}")]
    Gone(String),
    /// It is there and does not say who it is, in words.
    #[error("{0}")]
    Silent(String),
    /// It says that it is another one. Both as [`Identity::recorded`].
    #[error("identifies as {found} now, not as {confirmed}")]
    Another {
        /// What was read.
        found: String,
        /// What was confirmed.
        confirmed: String,
    },
}

#[cfg(test)]
mod tests {
    use super::Identity;

    fn serial(text: &str) -> Identity {
        Identity {
            serial: Some(text.into()),
            ..Identity::default()
        }
    }

    #[test]
    fn recorded_text_cannot_be_forged_by_separators_in_a_serial() {
        let honest = Identity {
            world_wide: Some("wwn-1".into()),
            ..serial("A")
        };
        let forged = serial("A;world_wide=wwn-1");
        assert_ne!(honest.recorded(), forged.recorded());
        assert_eq!(
            forged.recorded(),
            "serial=A%3bworld_wide%3dwwn-1;world_wide=;area="
        );
    }

    #[test]
    fn areas_of_one_drive_have_ids_of_their_own_and_do_not_collide() {
        let boot = Identity {
            area: "boot0".into(),
            ..serial("0xcafe")
        };
        assert_ne!(boot.id(), serial("0xcafe").id());
        assert!(!boot.collides_with(&serial("0xcafe")));
    }

    #[test]
    fn same_serial_without_world_wide_name_collides() {
        let named = Identity {
            world_wide: Some("wwn-1".into()),
            ..serial("DUP")
        };
        assert!(serial("DUP").collides_with(&named));
        assert!(serial("DUP").collides_with(&serial("DUP")));
        let other = Identity {
            world_wide: Some("wwn-2".into()),
            ..serial("DUP")
        };
        assert!(!other.collides_with(&named));
    }
}
