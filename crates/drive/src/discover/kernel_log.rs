//! What the kernel log says of host protected areas that libata met or opened at probe.
//!
//! With `libata.ignore_hpa=1` the kernel raises the limit before anyone can ask for it, by a
//! *volatile* SET MAX ADDRESS: READ NATIVE MAX ADDRESS then agrees with IDENTIFY DEVICE, and only
//! the log knows that the bytes hide again after a power cycle. Lines: `ata_hpa_resize` in the
//! kernel's `drivers/ata/libata-core.c`. Reading the log is the caller's work.

/// One line about a host protected area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HpaLine {
    /// Addressable sectors when the kernel met the drive.
    pub current_sectors: u64,
    /// Sectors that the drive says it has.
    pub native_sectors: u64,
    /// Sectors after the kernel raised the limit; `None` when it left it.
    pub unlocked_sectors: Option<u64>,
    /// The kernel's words.
    pub text: String,
}

/// The last line in `log` about the ATA device `device` (such as `ata1.00`).
pub fn hpa(log: &str, device: &str) -> Option<HpaLine> {
    log.lines().rev().find_map(|line| hpa_line(line, device))
}

fn hpa_line(line: &str, device: &str) -> Option<HpaLine> {
    let start = line.find(device)?;
    // `ata1.00` must not be found inside `sata1.00`.
    let before = line.get(..start)?.chars().next_back();
    if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let text = line.get(start..)?.trim_end();
    let words = text.strip_prefix(device)?.strip_prefix(": ")?;
    let (current, native, unlocked) =
        if let Some(rest) = words.strip_prefix("HPA detected: current ") {
            let (current, native) = rest.split_once(", native ")?;
            (current, native, None)
        } else {
            let rest = words.strip_prefix("HPA unlocked: ")?;
            let (moved, native) = rest.split_once(", native ")?;
            let (current, unlocked) = moved.split_once(" -> ")?;
            (current, native, Some(unlocked))
        };
    Some(HpaLine {
        current_sectors: current.parse().ok()?,
        native_sectors: native.parse().ok()?,
        unlocked_sectors: match unlocked {
            Some(sectors) => Some(sectors.parse().ok()?),
            None => None,
        },
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{HpaLine, hpa};
    use proptest::prelude::{any, proptest};

    const LOG: &str = "\
6,100,1000,-;ata1.00: HPA detected: current 900, native 1000
6,101,1001,-;ata2.00: HPA unlocked: 1953525167 -> 1953525168, native 1953525168
6,102,1002,-;ata2.00: ATA-8: ST1000, CC43, max UDMA/133
<6>[    1.234567] ata12.01: HPA detected: current 10, native 20\n";

    #[test]
    fn hpa_opened_by_the_kernel_is_found_by_device() {
        assert_eq!(
            hpa(LOG, "ata2.00"),
            Some(HpaLine {
                current_sectors: 1_953_525_167,
                native_sectors: 1_953_525_168,
                unlocked_sectors: Some(1_953_525_168),
                text: "ata2.00: HPA unlocked: 1953525167 -> 1953525168, native 1953525168".into(),
            })
        );
        let left =
            hpa(LOG, "ata1.00").map(|l| (l.current_sectors, l.native_sectors, l.unlocked_sectors));
        assert_eq!(left, Some((900, 1000, None)));
        assert_eq!(hpa(LOG, "ata12.01").map(|l| l.native_sectors), Some(20));
    }

    #[test]
    fn other_devices_lines_are_not_taken() {
        assert_eq!(hpa(LOG, "ata2.01"), None);
        assert_eq!(
            hpa("sata1.00: HPA detected: current 1, native 2", "ata1.00"),
            None
        );
        assert_eq!(
            hpa("ata1.00: HPA detected: current x, native 2", "ata1.00"),
            None
        );
    }

    proptest! {
        #[test]
        fn any_log_is_read_without_panic(bytes in any::<Vec<u8>>()) {
            let text = format!("ata1.00: HPA unlocked: {}", String::from_utf8_lossy(&bytes));
            let _ = hpa(&text, "ata1.00");
            let _ = hpa(&String::from_utf8_lossy(&bytes), "");
        }
    }
}
