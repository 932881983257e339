//! A claimed drive as the engine sees it. The only place where `wipe` meets `drive::claim`.

use crate::target::{Control, Target};
use drive::claim::Claimed;
use std::io;
use std::sync::Arc;

/// The bytes of a claimed drive. The claim lasts as long as the target.
#[must_use]
pub fn target(claimed: &Arc<Claimed>) -> Target {
    let facts = claimed.facts();
    Target {
        label: match (&facts.model, &facts.identity.serial) {
            (Some(model), Some(serial)) => format!("{model} {serial}"),
            (Some(name), None) | (None, Some(name)) => format!("{} {name}", facts.path.display()),
            (None, None) => facts.path.display().to_string(),
        },
        capacity_bytes: facts.capacity_bytes,
        logical_sector_bytes: facts.logical_sector_bytes,
        physical_sector_bytes: facts.physical_sector_bytes,
        file: claimed.file(),
        max_request_bytes: limit(&facts.name, "max_sectors_kb")
            .and_then(|kib| kib.checked_mul(1024)),
        optimal_request_bytes: limit(&facts.name, "optimal_io_size"),
    }
}

/// The slow calls of a claimed drive.
#[must_use]
pub fn control(claimed: &Arc<Claimed>) -> Arc<dyn Control> {
    Arc::new(Door(Arc::clone(claimed)))
}

struct Door(Arc<Claimed>);

impl Control for Door {
    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }

    fn recheck_identity(&self) -> Result<String, String> {
        self.0
            .recheck_identity()
            .map(|identity| identity.recorded())
    }

    fn is_present(&self) -> bool {
        self.0.still_present()
    }
}

/// A limit of the drive's queue (`Documentation/ABI/stable/sysfs-block`), unless it is 0, which says
/// nothing. Only a measure of speed: where it cannot be read, the kernel splits what is too long.
fn limit(name: &str, attribute: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/sys/block/{name}/queue/{attribute}")).ok()?;
    text.trim().parse().ok().filter(|limit| *limit > 0)
}
