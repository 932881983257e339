//! One block device's folder below `/sys`, read without trust in its contents.
//!
//! Nothing here opens a device node: sysfs alone answers when a drive does not. The root is a
//! parameter, so that a folder is a machine. Layout: the kernel's
//! `Documentation/ABI/stable/sysfs-block`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest attribute that is read; VPD pages are the largest.
const ATTRIBUTE_BYTES_MAX: u64 = 64 * 1024;

/// A whole block device or a partition.
#[derive(Clone, Debug)]
pub struct Node {
    /// Kernel name as sysfs writes it (`cciss!c0d0` keeps its `!`).
    pub name: String,
    /// Folder of the device, links resolved.
    pub dir: PathBuf,
    /// Root of sysfs, links resolved.
    root: PathBuf,
}

impl Node {
    /// The whole block device `name`; `None` when it is not there or leads out of the root.
    pub fn whole(sys: &Path, name: &str) -> Option<Self> {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return None;
        }
        let root = sys.canonicalize().ok()?;
        let dir = root.join("block").join(name).canonicalize().ok()?;
        dir.starts_with(&root).then(|| Self {
            name: name.to_owned(),
            dir,
            root,
        })
    }

    /// The partitions below a whole device, by name.
    pub fn partitions(&self) -> Vec<Self> {
        names(&self.dir)
            .into_iter()
            .filter(|name| self.dir.join(name).join("partition").is_file())
            .map(|name| Self {
                dir: self.dir.join(&name),
                name,
                root: self.root.clone(),
            })
            .collect()
    }

    /// The device's folder and those above it, nearest first, down to (not including) the root.
    pub fn ancestors(&self) -> impl Iterator<Item = &Path> {
        self.dir
            .ancestors()
            .take_while(|dir| *dir != self.root && dir.starts_with(&self.root))
    }

    /// The nearest folder above whose own name satisfies `wanted`.
    pub fn ancestor(&self, wanted: impl Fn(&str) -> bool) -> Option<&Path> {
        self.ancestors().find(|dir| wanted(file_name(dir)))
    }

    /// Text of an attribute, trimmed; `None` when absent or empty.
    pub fn text(&self, attribute: &str) -> Option<String> {
        text(&self.dir.join(attribute))
    }

    /// A decimal attribute.
    pub fn number(&self, attribute: &str) -> Option<u64> {
        self.text(attribute)?.parse().ok()
    }

    /// Major and minor number from the `dev` attribute.
    pub fn device_number(&self) -> Option<(u32, u32)> {
        let text = self.text("dev")?;
        let (major, minor) = text.split_once(':')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }

    /// Size in bytes: the kernel counts in units of 512 whatever the sector size.
    pub fn capacity_bytes(&self) -> u64 {
        self.number("size").unwrap_or(0).saturating_mul(512)
    }

    /// Names of the block devices built on this one (md, dm, bcache).
    pub fn holders(&self) -> Vec<String> {
        names(&self.dir.join("holders"))
    }

    /// Position in the machine, without the numbers that the kernel hands out anew at each
    /// attachment (SCSI hosts, block names): what is left names a slot or a port.
    pub fn position(&self) -> String {
        let relative = self.dir.strip_prefix(&self.root).unwrap_or(&self.dir);
        let mut parts: Vec<&str> = relative
            .components()
            .filter_map(|c| c.as_os_str().to_str())
            .collect();
        if parts.first() == Some(&"devices") {
            parts.remove(0);
        }
        // `virtual/block/loop3` has no place: its name is all there is.
        if parts.first() != Some(&"virtual")
            && let Some(at) = parts.iter().rposition(|part| *part == "block")
        {
            parts.remove(at);
            if at + 1 == parts.len() {
                parts.pop();
            }
        }
        let parts: Vec<String> = parts
            .iter()
            .filter(|part| !numbered(part, "host") && !part.starts_with("target"))
            .map(|part| match scsi_address(part) {
                Some([_, channel, target, lun]) => format!("scsi-{channel}:{target}:{lun}"),
                None => (*part).to_owned(),
            })
            .collect();
        parts.join("/")
    }
}

/// Text of a file, trimmed of blanks and NULs; `None` when absent or empty. Bytes that are not
/// UTF-8 and control characters become replacement characters: what a stick says of itself must not
/// steer the terminal on which its name is read.
pub fn text(path: &Path) -> Option<String> {
    let bytes = bytes(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let plain = |c: char| match c.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => c,
    };
    (!text.is_empty()).then(|| text.chars().map(plain).collect())
}

/// Bytes of an attribute file; `None` when it cannot be read or is empty.
pub fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(ATTRIBUTE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

/// Names in a folder, sorted; empty when there is none.
pub fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Last component as text, empty when it is not UTF-8.
pub fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
}

/// Whether `name` is `prefix` followed by decimal digits only.
pub fn numbered(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Host, channel, target and LUN of a SCSI device folder such as `2:0:0:1`.
pub fn scsi_address(name: &str) -> Option<[u64; 4]> {
    let mut address = [0; 4];
    let mut fields = name.split(':');
    for slot in &mut address {
        *slot = fields.next()?.parse().ok()?;
    }
    fields.next().is_none().then_some(address)
}
