//! Witnesses on a medium in memory.

use super::{Kinds, Medium, OVERWRITE_BYTE, Witnesses, looks_random};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard};

pub const SECTOR: usize = 512;

/// Sectors; those that cannot be read; whether writes are taken and dropped.
pub struct Memory {
    bytes: Mutex<Vec<u8>>,
    unreadable: Mutex<BTreeSet<u64>>,
    drops_writes: bool,
}

impl Memory {
    pub fn of(sectors: Vec<[u8; SECTOR]>) -> Self {
        Self {
            bytes: Mutex::new(sectors.concat()),
            unreadable: Mutex::default(),
            drops_writes: false,
        }
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().expect("no panic")
    }

    fn set(&self, sector: u64, bytes: [u8; SECTOR]) {
        let start = usize::try_from(sector).expect("small") * SECTOR;
        self.bytes()[start..start + SECTOR].copy_from_slice(&bytes);
    }
}

impl Medium for Memory {
    fn sector_bytes(&self) -> usize {
        SECTOR
    }

    fn sectors(&self) -> u64 {
        (self.bytes().len() / SECTOR) as u64
    }

    fn read(&self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.unreadable.lock().expect("no panic").contains(&sector) {
            return Err(io::Error::other("unreadable"));
        }
        let start = usize::try_from(sector).expect("small") * SECTOR;
        buffer.copy_from_slice(&self.bytes()[start..start + SECTOR]);
        Ok(())
    }

    fn write(&self, sector: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.drops_writes {
            self.set(sector, bytes.try_into().expect("a sector"));
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

pub fn random_sector(number: u64) -> [u8; SECTOR] {
    let mut bytes = [0; SECTOR];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn content_is_told_apart() {
    let mut kinds = Kinds::default();
    kinds.count(&[0; SECTOR]);
    kinds.count(&[0xFF; SECTOR]);
    kinds.count(&[0xA5; SECTOR]);
    kinds.count(&[1, 2, 3, 4].repeat(128));
    kinds.count(&random_sector(0));
    kinds.count(&b"Dear Sir or Madam, ".repeat(27)[..SECTOR]);
    let each = Kinds {
        zeros: 1,
        ones: 1,
        constant: 1,
        periodic: 1,
        random: 1,
        mixed: 1,
    };
    assert_eq!(kinds, each);
}

/// A sector that begins like an erased one and is none.
#[test]
fn sector_that_is_blank_but_for_its_last_byte_is_not_called_blank() {
    for filling in [0x00, 0xFF, 0xA5] {
        let mut kinds = Kinds::default();
        let mut bytes = [filling; SECTOR];
        bytes[SECTOR - 1] = 1;
        kinds.count(&bytes);
        let mixed = Kinds {
            mixed: 1,
            ..Kinds::default()
        };
        assert_eq!(kinds, mixed, "{filling:02X}");
    }
}

#[test]
fn keystream_is_called_random_in_sectors_of_either_size() {
    for length in [512, 4096] {
        for seed in 0..500_u64 {
            let mut bytes = vec![0; length];
            let mut hasher = blake3::Hasher::new();
            hasher.update(&seed.to_le_bytes());
            hasher.finalize_xof().fill(&mut bytes);
            assert!(looks_random(&bytes), "{seed} of {length} bytes");
        }
    }
}

/// 2048 of the 4096 bits of a sector, give or take six times 32.
#[test]
fn random_has_half_of_its_bits_set_within_six_standard_deviations() {
    // Every value twice: all bits balanced.
    let mut balanced = Vec::new();
    (0..=255).for_each(|value: u8| balanced.extend([value, value]));
    assert!(looks_random(&balanced));
    let with_bits = |mut more: u32, set: bool| {
        let mut bytes = balanced.clone();
        for bit in 0..8 {
            // One bit of every byte after the other, so that no value becomes frequent.
            for byte in &mut bytes {
                if more > 0 && (*byte >> bit & 1 == 1) != set {
                    *byte ^= 1 << bit;
                    more -= 1;
                }
            }
        }
        bytes
    };
    for set in [true, false] {
        assert!(looks_random(&with_bits(192, set)), "six, {set}");
        assert!(!looks_random(&with_bits(193, set)), "more than six, {set}");
    }
}

/// Half of the bits are set in text of a few letters too.
#[test]
fn random_has_no_byte_much_more_often_than_the_others() {
    let with_repeats = |length: usize, times: usize| {
        let mut bytes: Vec<u8> = (0..=255).cycle().take(length).collect();
        let already = length / 256;
        let others = bytes
            .iter_mut()
            .filter(|byte| byte.count_ones() == 4 && **byte != 0x0F);
        others.take(times - already).for_each(|byte| *byte = 0x0F);
        bytes
    };
    for (length, most) in [(512, 21), (4096, 56)] {
        assert!(looks_random(&with_repeats(length, most)), "{length}");
        assert!(!looks_random(&with_repeats(length, most + 1)), "{length}");
    }
}

#[test]
fn each_witness_is_counted_once_by_what_became_of_it() {
    let medium = Memory::of((0..4000).map(random_sector).collect());
    let mut witnesses = Witnesses::plant(&medium).expect("planted");
    let places: Vec<u64> = witnesses.digests.keys().copied().collect();
    let all = u32::try_from(places.len()).expect("few");
    assert_eq!(witnesses.planted + witnesses.found, all);
    assert!(witnesses.planted > 50 && witnesses.found > 200, "{all}");
    assert!(places.first() == Some(&0) && places.last() == Some(&3999));

    let (unreadable, rest) = places.split_at(3);
    let (overwritten, rest) = rest.split_at(5);
    let (zeros, kept) = rest.split_at(7);
    medium
        .unreadable
        .lock()
        .expect("no panic")
        .extend(unreadable);
    overwritten
        .iter()
        .for_each(|sector| medium.set(*sector, [OVERWRITE_BYTE; SECTOR]));
    zeros
        .iter()
        .for_each(|sector| medium.set(*sector, [0; SECTOR]));
    witnesses.look(&medium);
    let kept = u32::try_from(kept.len()).expect("few");
    assert_eq!(
        (witnesses.unreadable, witnesses.gone, witnesses.kept),
        (3, 12, kept)
    );
    assert_eq!(witnesses.not_overwritten, 7);
    assert_eq!(witnesses.looked_at(), 12 + kept);
    let kinds = Kinds {
        zeros: 7,
        constant: 5,
        random: kept,
        ..Kinds::default()
    };
    assert_eq!(witnesses.kinds, kinds);
}

/// What is blank before bears no witness of an erase, and what cannot be read none at all.
#[test]
fn only_data_that_was_read_is_remembered_of_the_owners_sectors() {
    let blank = Memory::of(vec![[0xFF; SECTOR]; 4000]);
    let witnesses = Witnesses::plant(&blank).expect("planted");
    assert_eq!(witnesses.found, 0);

    // One odd byte, wherever it stands, makes it data.
    let mut written = [0xFF; SECTOR];
    written[SECTOR - 1] = 0;
    let data = Memory::of(vec![written; 4000]);
    let witnesses = Witnesses::plant(&data).expect("planted");
    assert!(witnesses.found > 200);
}

#[test]
fn drive_that_drops_writes_gets_no_witness_and_so_no_claim() {
    let mut medium = Memory::of(vec![[0; SECTOR]; 100]);
    medium.drops_writes = true;
    let error = Witnesses::plant(&medium).expect_err("nothing was written");
    assert!(error.to_string().contains("does not hold what was written"));
}
