//! One namespace: where its sectors lie, what is still in the volatile cache, and what erasing it
//! does to both.

use super::lies::{Kept, Lies};
use super::options::{DeallocatedReads, LbaFormat, Switches};
use crate::cells::{Cells, Placement};
use std::collections::{BTreeMap, BTreeSet};

/// A namespace that is allocated.
pub struct Namespace {
    pub nsid: u32,
    pub attached: bool,
    /// Index of its LBA format.
    pub format_index: usize,
    pub format: LbaFormat,
    /// Metadata are transferred at the end of each block's data (FLBAS bit 4).
    pub extended: bool,
    pub cells: Cells,
    /// The media as they lay under earlier LBA formats.
    pub former: Vec<Cells>,
    spares: u64,
    /// Sectors that were written and are not on the medium.
    cache: BTreeMap<u64, Vec<u8>>,
    /// Addresses whose erased blocks cannot be read until they are written.
    unreadable: BTreeSet<u64>,
}

/// How media are erased.
#[derive(Clone, Copy)]
pub enum Erasure {
    /// Every place holds this byte.
    Blocks(u8),
    /// Every place holds these bytes over and over.
    Pattern([u8; 4]),
    /// The key of what was written is gone.
    Key,
}

impl Namespace {
    pub fn new(
        nsid: u32,
        attached: bool,
        sectors: u64,
        (format_index, format): (usize, LbaFormat),
        spares: u64,
    ) -> Self {
        Self {
            nsid,
            attached,
            format_index,
            format,
            extended: false,
            cells: cells(format, sectors, spares),
            former: Vec::new(),
            spares,
            cache: BTreeMap::new(),
            unreadable: BTreeSet::new(),
        }
    }

    pub fn sectors(&self) -> u64 {
        self.cells.addresses()
    }

    pub fn capacity_bytes(&self) -> u64 {
        self.sectors() * u64::from(self.format.data_bytes)
    }

    /// Bytes of one block as it travels.
    pub fn transfer_bytes(&self) -> usize {
        let metadata = if self.extended {
            self.format.metadata_bytes
        } else {
            0
        };
        usize::from(self.format.data_bytes) + usize::from(metadata)
    }

    /// One block as it travels; `None` where it cannot be read. `raw`: blocks that were erased are
    /// readable.
    pub fn read(&self, address: u64, switches: &Switches, raw: bool) -> Option<Vec<u8>> {
        if !raw && self.unreadable.contains(&address) {
            return None;
        }
        let stored = self.cache.get(&address).cloned();
        let mut block = stored
            .or_else(|| self.cells.read(address))
            .unwrap_or_else(|| vec![deallocated_byte(switches); self.cells.sector_bytes()]);
        block.truncate(self.transfer_bytes());
        Some(block)
    }

    /// Writes one block as it travels. Metadata that do not travel with it stay as they are.
    pub fn write(&mut self, address: u64, block: &[u8], cache_sectors: usize) {
        let stored_bytes = self.cells.sector_bytes();
        let mut stored = block.to_vec();
        if stored.len() < stored_bytes {
            let old = self.cache.get(&address).cloned();
            let old = old.or_else(|| self.cells.read(address));
            let old = old.unwrap_or_else(|| vec![0; stored_bytes]);
            stored.extend_from_slice(&old[block.len()..]);
        }
        self.unreadable.remove(&address);
        if cache_sectors == 0 {
            self.cache.remove(&address);
            self.cells.write(address, &stored);
            return;
        }
        self.cache.insert(address, stored);
        if self.cache.len() > cache_sectors {
            self.flush();
        }
    }

    pub fn deallocate(&mut self, address: u64) {
        self.cache.remove(&address);
        self.unreadable.remove(&address);
        self.cells.deallocate(address);
    }

    /// What is in the cache goes to the medium.
    pub fn flush(&mut self) {
        for (address, stored) in std::mem::take(&mut self.cache) {
            self.cells.write(address, &stored);
        }
    }

    /// What is in the cache is gone.
    pub fn lose_cache(&mut self) {
        self.cache.clear();
    }

    /// Erases cache, addressed and spare places, but for what the lies leave. Addresses stay.
    pub fn erase(&mut self, erasure: Erasure, lies: &Lies) {
        self.flush();
        let kept = lies.keeps;
        if lies.only_deallocates || is_kept(kept, self.nsid) {
            return;
        }
        let keeps_key = lies.crypto_erase_keeps_the_key;
        for cells in std::iter::once(&mut self.cells).chain(&mut self.former) {
            let spared = match kept {
                Some(Kept::Spares) => cells.spare_places(),
                _ => BTreeSet::new(),
            };
            match erasure {
                Erasure::Blocks(byte) => cells.fill(&[byte], |place| !spared.contains(&place)),
                Erasure::Pattern(bytes) => cells.fill(&bytes, |place| !spared.contains(&place)),
                Erasure::Key => cells.change_key(!keeps_key),
            }
        }
    }

    /// The media key is another one: nobody can read what was written before, by any path.
    pub fn change_key(&mut self) {
        self.lose_cache();
        for cells in std::iter::once(&mut self.cells).chain(&mut self.former) {
            cells.change_key(true);
        }
    }

    /// No address points to anything.
    pub fn deallocate_all(&mut self, lies: &Lies) {
        self.lose_cache();
        if is_kept(lies.keeps, self.nsid) {
            return;
        }
        self.unreadable.clear();
        self.cells.deallocate_all();
    }

    /// Blocks that were erased cannot be read until they are written.
    pub fn make_unreadable(&mut self) {
        self.unreadable = (0..self.sectors()).collect();
    }

    /// Another LBA format; the media as they lay stay behind.
    pub fn reformat(&mut self, format_index: usize, format: LbaFormat, extended: bool) {
        self.extended = extended && format.metadata_bytes > 0;
        if format_index == self.format_index {
            return;
        }
        let sectors = self.capacity_bytes() / u64::from(format.data_bytes);
        let fresh = cells(format, sectors, self.spares);
        self.former.push(std::mem::replace(&mut self.cells, fresh));
        self.format_index = format_index;
        self.format = format;
        self.unreadable.clear();
    }

    /// How often `needle` stands on the media of this namespace.
    pub fn find(&self, needle: &[u8]) -> usize {
        let media = std::iter::once(&self.cells).chain(&self.former);
        media.map(|cells| cells.find(needle).len()).sum()
    }
}

fn cells(format: LbaFormat, sectors: u64, spares: u64) -> Cells {
    let bytes = usize::from(format.data_bytes) + usize::from(format.metadata_bytes);
    Cells::new(bytes, sectors, spares, Placement::Moving)
}

fn is_kept(kept: Option<Kept>, nsid: u32) -> bool {
    match kept {
        Some(Kept::All) => true,
        Some(Kept::Namespace(kept)) => kept == nsid,
        Some(Kept::Spares) | None => false,
    }
}

fn deallocated_byte(switches: &Switches) -> u8 {
    match switches.deallocated_reads {
        DeallocatedReads::Ones => 0xFF,
        DeallocatedReads::Zeros | DeallocatedReads::Unreported => 0,
    }
}
