//! A claimed drive as the engine sees it. The only place where `wipe` meets `drive::claim`.

use crate::native::ata::AtaSanitize;
use crate::native::boot_area::Area;
use crate::native::format::NvmeFormat;
use crate::native::mmc::MmcSanitize;
use crate::native::nvme::NvmeSanitize;
use crate::native::scsi::ScsiSanitize;
use crate::native::security::{self, EnhancedErase};
use crate::native::{self, Patience, Sanitize, Technique, witness};
use crate::target::{Control, Target};
use drive::claim::Claimed;
use drive::claim::boot_area::BootArea;
use drive::facts::{Medium, SanitizeCommands};
use drive::identity::IdentityLost;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;
use sys::aligned::AlignedBuffer;

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

/// The drive's erase by itself, in the way that was planned; `None` when the drive, asked anew by the
/// claim, has no such command.
#[must_use]
pub fn sanitize(claimed: &Arc<Claimed>, technique: Technique) -> Option<native::Order> {
    let facts = claimed.facts();
    Some(native::Order {
        drive: commands(claimed, technique)?,
        technique,
        medium: Arc::new(Door(Arc::clone(claimed))),
        patience: Patience::of(matches!(facts.medium, Medium::Rotating { .. })),
    })
}

fn commands(claimed: &Arc<Claimed>, technique: Technique) -> Option<Arc<dyn Sanitize>> {
    let facts = claimed.facts();
    let port = Arc::new(claimed.port());
    let has = |test: fn(&drive::facts::Sanitize) -> bool| facts.sanitize.as_ref().is_ok_and(test);
    let has = match technique {
        Technique::BlockErase => has(|offered| offered.block_erase),
        Technique::CryptoErase => has(|offered| offered.crypto_erase),
        Technique::Overwrite => has(|offered| offered.overwrite),
        Technique::EnhancedErase => {
            let bound = security::bound(facts.security.enhanced_erase?, facts.capacity_bytes);
            return Some(Arc::new(EnhancedErase::new(port, bound)));
        }
        Technique::Format => {
            let format = facts.format.as_ref().ok()?;
            return Some(Arc::new(NvmeFormat::new(
                port,
                *format,
                facts.capacity_bytes,
            )));
        }
    };
    Some(match facts.sanitize.as_ref().ok()?.commands {
        _ if !has => return None,
        SanitizeCommands::Ata => Arc::new(AtaSanitize::new(port)),
        SanitizeCommands::Scsi(characteristics) => {
            Arc::new(ScsiSanitize::new(port, characteristics))
        }
        SanitizeCommands::Nvme(capabilities) => Arc::new(NvmeSanitize::new(port, capabilities)),
        SanitizeCommands::Mmc(erasing) => {
            let since = Instant::now();
            let claimed = Arc::clone(claimed);
            let hold = move |number| -> Result<Box<dyn Area>, String> {
                Ok(Box::new(claimed.boot_area(number)?))
            };
            Arc::new(MmcSanitize::new(
                port,
                erasing,
                Box::new(hold),
                Box::new(move || since.elapsed()),
            ))
        }
    })
}

impl Area for BootArea {
    fn bytes(&self) -> u64 {
        self.bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.read_at(buffer, offset_bytes)
    }

    fn lift(&mut self) -> Result<(), String> {
        self.lift()
    }

    fn write_at(&self, bytes: &[u8], offset_bytes: u64) -> io::Result<()> {
        self.write_at(bytes, offset_bytes)
    }

    fn flush(&self) -> io::Result<()> {
        self.flush()
    }

    fn protect(&mut self) -> Result<(), String> {
        self.protect()
    }
}

struct Door(Arc<Claimed>);

/// Single sectors, past the page cache: the claim's descriptor is open for direct I/O.
impl witness::Medium for Door {
    fn sector_bytes(&self) -> usize {
        self.0.facts().logical_sector_bytes as usize
    }

    fn sectors(&self) -> u64 {
        let facts = self.0.facts();
        facts.capacity_bytes / u64::from(facts.logical_sector_bytes).max(1)
    }

    fn read(&self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut aligned = AlignedBuffer::new(buffer.len())?;
        let offset = sector * buffer.len() as u64;
        sys::block::read_at(self.0.file().as_fd(), &mut aligned, offset)?;
        buffer.copy_from_slice(&aligned);
        Ok(())
    }

    fn write(&self, sector: u64, bytes: &[u8]) -> io::Result<()> {
        let mut aligned = AlignedBuffer::new(bytes.len())?;
        aligned.copy_from_slice(bytes);
        let offset = sector * bytes.len() as u64;
        sys::block::write_at(self.0.file().as_fd(), &aligned, offset)
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Control for Door {
    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }

    fn recheck_identity(&self) -> Result<String, IdentityLost> {
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
