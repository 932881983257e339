//! Who uses a drive now: mounts, swap, and block devices built on it.
//!
//! Read from `/proc` and sysfs alone. Mounts of other mount namespaces do not show here; the
//! exclusive open of `claim` is what stops those. Formats: `proc_pid_mountinfo(5)`, `proc_swaps(5)`.

use crate::discover::Roots;
use crate::discover::sysfs::Node;
use crate::facts::Use;
use std::path::Path;

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    device_number: (u32, u32),
    at: String,
    source: String,
}

/// The uses of a whole drive and its partitions.
pub(crate) fn uses(roots: &Roots, node: &Node) -> Vec<Use> {
    let read = |name: &str| {
        std::fs::read(roots.proc.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    };
    let mounts = mounts(&read("self/mountinfo"));
    let swaps = swaps(&read("swaps"));
    let mut found = Vec::new();
    let mut parts = node.partitions();
    parts.insert(0, node.clone());
    for part in &parts {
        let number = part.device_number();
        // btrfs and overlays mount under anonymous numbers (major 0): their source names the device.
        let named =
            |source: &str| kernel_name(roots, source).as_deref() == Some(part.name.as_str());
        for mount in &mounts {
            let same_number = Some(mount.device_number) == number;
            if same_number || (mount.device_number.0 == 0 && named(&mount.source)) {
                found.push(Use::Mounted {
                    device: part.name.clone(),
                    at: mount.at.clone(),
                });
            }
        }
        if swaps.iter().any(|source| named(source)) {
            found.push(Use::Swap {
                device: part.name.clone(),
            });
        }
        found.extend(part.holders().into_iter().map(|by| Use::Held {
            device: part.name.clone(),
            by,
        }));
    }
    found
}

/// The kernel's name of a `/dev/…` path, through whatever links lead there.
fn kernel_name(roots: &Roots, source: &str) -> Option<String> {
    let relative = source.strip_prefix("/dev/")?;
    let node = roots.dev.join(relative);
    let resolved = node.canonicalize().unwrap_or(node);
    let dev = roots
        .dev
        .canonicalize()
        .unwrap_or_else(|_| roots.dev.clone());
    let below = resolved.strip_prefix(&dev).unwrap_or(Path::new(relative));
    Some(below.to_str()?.replace('/', "!"))
}

fn mounts(mountinfo: &str) -> Vec<Mount> {
    mountinfo.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ');
    let (major, minor) = fields.nth(2)?.split_once(':')?;
    Some(Mount {
        device_number: (major.parse().ok()?, minor.parse().ok()?),
        at: unescape(fields.nth(1)?),
        source: unescape(after.split(' ').nth(1).unwrap_or("")),
    })
}

fn swaps(text: &str) -> Vec<String> {
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .map(unescape)
        .collect()
}

/// Undoes the kernel's `\040` form of blanks; anything else stays as it is.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'\\'
            && let Some(octal) = tail.get(..3)
            && let Ok(octal) = std::str::from_utf8(octal)
            && let Ok(byte) = u8::from_str_radix(octal, 8)
        {
            bytes.push(byte);
            rest = tail.get(3..).unwrap_or(&[]);
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{mounts, swaps, unescape};
    use proptest::prelude::{any, proptest};

    #[test]
    fn mount_point_with_a_blank_is_written_as_people_see_it() {
        let read = mounts(
            "36 35 8:1 / /media/my\\040disk rw,noatime shared:1 - ext4 /dev/sda1 rw\nrubbish\n",
        );
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].device_number, (8, 1));
        assert_eq!(read[0].at, "/media/my disk");
        assert_eq!(read[0].source, "/dev/sda1");
    }

    #[test]
    fn swap_list_is_read_below_its_heading() {
        let text = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2\n";
        assert_eq!(swaps(text), ["/dev/sda2"]);
        assert_eq!(swaps(""), Vec::<String>::new());
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(unescape("a\\04"), "a\\04");
        assert_eq!(unescape("a\\999b\\"), "a\\999b\\");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(bytes in any::<Vec<u8>>()) {
            let text = String::from_utf8_lossy(&bytes);
            let _ = (mounts(&text), swaps(&text), unescape(&text));
        }
    }
}
