//! What a drive physically holds: sectors in places, and more places than addresses.
//!
//! A disk writes in place and moves a bad sector to a spare place, with the old bytes left behind. Flash writes each
//! sector to a fresh place and leaves the old bytes until it needs the place again. So what a host can read is less
//! than what is there, and [`Cells::find`] looks at what is there: the truth that a test holds against every claim.
//!
//! Places are encrypted under numbered keys when the drive encrypts; bytes under a key that is destroyed are noise.

use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Number of a place, from 0.
pub type Place = u64;

/// How a drive places what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Every address has its place: platters.
    InPlace,
    /// Every write takes the place that was free the longest: flash.
    Moving,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sector {
    bytes: Vec<u8>,
    key: u32,
}

/// The places of one drive. A place that was never written holds zeros.
#[derive(Clone, Debug)]
pub struct Cells {
    sector_bytes: usize,
    addresses: u64,
    spares: u64,
    placement: Placement,
    /// Places that hold something, by place.
    sectors: BTreeMap<Place, Sector>,
    /// Where an address is, if not at its own place; `None`: deallocated.
    moved: BTreeMap<u64, Option<Place>>,
    /// Places that no address points to, the longest free first.
    free: VecDeque<Place>,
    /// Key that new bytes are written under.
    key: u32,
    /// Keys that are gone: what is under them cannot be read by anybody.
    destroyed: BTreeSet<u32>,
}

impl Cells {
    /// All zeros, with `spares` places beyond the `addresses`.
    #[must_use]
    pub fn new(sector_bytes: usize, addresses: u64, spares: u64, placement: Placement) -> Self {
        Self {
            sector_bytes,
            addresses,
            spares,
            placement,
            sectors: BTreeMap::new(),
            moved: BTreeMap::new(),
            free: (addresses..addresses + spares).collect(),
            key: 0,
            destroyed: BTreeSet::new(),
        }
    }

    /// Bytes of a sector.
    #[must_use]
    pub fn sector_bytes(&self) -> usize {
        self.sector_bytes
    }

    /// Gives every place another length: a format with other blocks. What fits stays.
    pub fn set_sector_bytes(&mut self, bytes: usize) {
        self.sector_bytes = bytes;
        for sector in self.sectors.values_mut() {
            sector.bytes.resize(bytes, 0);
        }
    }

    /// Sectors that have an address, hidden ones included.
    #[must_use]
    pub fn addresses(&self) -> u64 {
        self.addresses
    }

    /// What an address reads as; `None` when it is deallocated.
    ///
    /// # Panics
    /// Beyond the last address.
    #[must_use]
    pub fn read(&self, address: u64) -> Option<Vec<u8>> {
        self.place(address).map(|place| self.seen(place))
    }

    /// Writes one sector.
    ///
    /// # Panics
    /// Beyond the last address, and where `bytes` are not one sector.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.sector_bytes);
        let old = self.place(address);
        let place = match (self.placement, old) {
            (Placement::InPlace, Some(place)) => place,
            _ => self.take_free(old.unwrap_or(address)),
        };
        if let Some(old) = old.filter(|old| *old != place) {
            self.free.push_back(old);
        }
        self.moved.insert(address, Some(place));
        let sector = Sector {
            bytes: bytes.to_vec(),
            key: self.key,
        };
        self.sectors.insert(place, sector);
    }

    /// Lets an address point to nothing; its bytes stay where they are.
    pub fn deallocate(&mut self, address: u64) {
        if let Some(place) = self.place(address) {
            self.free.push_back(place);
        }
        self.moved.insert(address, None);
    }

    /// Moves an address to a spare place and leaves its old bytes behind, out of everybody's reach:
    /// a reallocated sector. Nothing happens when there is no spare place left.
    pub fn reallocate(&mut self, address: u64) {
        let (Some(old), Some(new)) = (self.place(address), self.free.pop_front()) else {
            return;
        };
        if let Some(sector) = self.sectors.get(&old).cloned() {
            self.sectors.insert(new, sector);
        }
        self.moved.insert(address, Some(new));
    }

    /// Puts the same bytes into every place: an overwrite by the drive, or an erasure of its blocks.
    /// `places` tells which places the drive really does; a lie leaves some.
    pub fn fill(&mut self, pattern: &[u8], places: impl Fn(Place) -> bool) {
        let bytes: Vec<u8> = pattern
            .iter()
            .copied()
            .cycle()
            .take(self.sector_bytes)
            .collect();
        let key = self.key;
        let is_zero = bytes.iter().all(|byte| *byte == 0);
        for place in (0..self.addresses + self.spares).filter(|place| places(*place)) {
            if is_zero {
                self.sectors.remove(&place);
            } else {
                let bytes = bytes.clone();
                self.sectors.insert(place, Sector { bytes, key });
            }
        }
    }

    /// Lets every address point to nothing.
    pub fn deallocate_all(&mut self) {
        for address in 0..self.addresses {
            self.deallocate(address);
        }
    }

    /// New bytes go under a new key; where `destroy_old`, nobody can read what is under the old one.
    pub fn change_key(&mut self, destroy_old: bool) {
        if destroy_old {
            self.destroyed.insert(self.key);
        }
        self.key += 1;
    }

    /// The places, with an address or without, where `needle` stands in bytes that can be read by
    /// somebody: the truth.
    #[must_use]
    pub fn find(&self, needle: &[u8]) -> Vec<Place> {
        let holds = |sector: &Sector| {
            !self.destroyed.contains(&sector.key)
                && sector
                    .bytes
                    .windows(needle.len())
                    .any(|bytes| bytes == needle)
        };
        let places = self.sectors.iter();
        places
            .filter(|(_, sector)| holds(sector))
            .map(|(place, _)| *place)
            .collect()
    }

    /// Whether an address points to this place.
    #[must_use]
    pub fn is_addressed(&self, place: Place) -> bool {
        (0..self.addresses).any(|address| self.place(address) == Some(place))
    }

    /// Every place that an address points to.
    #[must_use]
    pub fn addressed(&self) -> BTreeSet<Place> {
        let addresses = 0..self.addresses;
        addresses
            .filter_map(|address| self.place(address))
            .collect()
    }

    /// The places that no address points to: what is over-provisioned, replaced or deallocated.
    #[must_use]
    pub fn spare_places(&self) -> BTreeSet<Place> {
        self.free.iter().copied().collect()
    }

    fn place(&self, address: u64) -> Option<Place> {
        assert!(
            address < self.addresses,
            "address {address} of {}",
            self.addresses
        );
        self.moved.get(&address).copied().unwrap_or(Some(address))
    }

    fn take_free(&mut self, otherwise: Place) -> Place {
        self.free.pop_front().unwrap_or(otherwise)
    }

    fn seen(&self, place: Place) -> Vec<u8> {
        let Some(sector) = self.sectors.get(&place) else {
            return vec![0; self.sector_bytes];
        };
        if sector.key == self.key || !self.destroyed.contains(&sector.key) {
            return sector.bytes.clone();
        }
        let mut noise = Random::new(place ^ u64::from(self.key) << 48);
        let words = std::iter::repeat_with(|| noise.number().to_le_bytes());
        words.flatten().take(self.sector_bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, Placement};

    const SECRET: &[u8] = b"SECRET";

    fn sector(text: &[u8]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        bytes.resize(512, 0);
        bytes
    }

    #[test]
    fn flash_keeps_the_old_bytes_where_no_address_points() {
        let mut cells = Cells::new(512, 8, 4, Placement::Moving);
        cells.write(3, &sector(SECRET));
        cells.write(3, &sector(b"new"));
        assert_eq!(cells.read(3), Some(sector(b"new")));
        let places = cells.find(SECRET);
        assert_eq!(places.len(), 1);
        assert!(!cells.is_addressed(places[0]));
    }

    #[test]
    fn flash_uses_old_places_again_when_no_other_is_left() {
        let mut cells = Cells::new(512, 8, 4, Placement::Moving);
        cells.write(3, &sector(SECRET));
        for _ in 0..6 {
            cells.write(3, &sector(b"new"));
        }
        assert!(cells.find(SECRET).is_empty());
    }

    #[test]
    fn disk_overwrites_in_place_but_not_a_sector_that_it_replaced() {
        let mut cells = Cells::new(512, 8, 4, Placement::InPlace);
        cells.write(2, &sector(SECRET));
        cells.write(3, &sector(SECRET));
        cells.reallocate(3);
        assert_eq!(cells.read(3), Some(sector(SECRET)), "moved with its bytes");
        cells.write(2, &sector(b"new"));
        cells.write(3, &sector(b"new"));
        assert_eq!(cells.find(SECRET), [3], "the place that was replaced");
        assert!(!cells.is_addressed(3));
    }

    #[test]
    fn fill_reaches_every_place_and_a_partial_one_does_not() {
        let mut cells = Cells::new(512, 8, 4, Placement::Moving);
        cells.write(3, &sector(SECRET));
        cells.write(3, &sector(b"new"));
        let mut partial = cells.clone();
        partial.fill(&[0], |place| place != 8);
        assert_eq!(partial.find(SECRET), [8]);
        cells.fill(&[0xA5, 0x5A], |_| true);
        assert!(cells.find(SECRET).is_empty());
        assert_eq!(cells.read(3).unwrap()[..4], [0xA5, 0x5A, 0xA5, 0x5A]);
    }

    #[test]
    fn bytes_under_a_destroyed_key_are_noise_and_found_by_nobody() {
        let mut cells = Cells::new(512, 8, 0, Placement::InPlace);
        cells.write(1, &sector(SECRET));
        let mut kept = cells.clone();
        kept.change_key(false);
        assert_eq!(kept.find(SECRET), [1], "the key was kept");
        cells.change_key(true);
        assert!(cells.find(SECRET).is_empty());
        let noise = cells.read(1).unwrap();
        assert_ne!(noise, sector(SECRET));
        assert!(noise.iter().filter(|byte| **byte == 0).count() < 20);
    }

    #[test]
    fn deallocated_address_reads_as_nothing_and_its_bytes_stay() {
        let mut cells = Cells::new(512, 8, 4, Placement::Moving);
        cells.write(1, &sector(SECRET));
        cells.deallocate_all();
        assert_eq!(cells.read(1), None);
        assert_eq!(cells.find(SECRET).len(), 1);
    }
}
