//! Get and Set Features (base specification 2.1, sections 5.1.11 and 5.1.25).

use super::status;
use super::{Entry, NvmeDrive, Reply};

/// I/O queue pairs that are granted at most, 0's based.
const QUEUES_MAX: u32 = 7;
const NUMBER_OF_QUEUES: u8 = 0x07;
const VOLATILE_WRITE_CACHE: u8 = 0x06;
const SANITIZE_CONFIG: u8 = 0x17;

/// A feature's values.
pub struct Feature {
    id: u8,
    current: u32,
    saved: u32,
    default: u32,
    saveable: bool,
}

/// Power, temperature, recovery, cache, queues, events, keep alive, sanitize.
pub fn all() -> Vec<Feature> {
    let feature = |id, default, saveable| Feature {
        id,
        current: default,
        saved: default,
        default,
        saveable,
    };
    vec![
        feature(0x02, 0, false),
        feature(0x04, 343, false),
        feature(0x05, 0, false),
        feature(VOLATILE_WRITE_CACHE, 1, true),
        feature(NUMBER_OF_QUEUES, QUEUES_MAX << 16 | QUEUES_MAX, false),
        feature(0x0B, 0, false),
        feature(0x0F, 0, false),
        feature(SANITIZE_CONFIG, 0, true),
    ]
}

impl NvmeDrive {
    pub(super) fn get_feature(&self, entry: &Entry) -> Reply {
        let feature = self.feature(entry.byte(40)).ok_or(status::INVALID_FIELD)?;
        let value = match entry.byte(41) & 7 {
            0 => feature.current,
            1 => feature.default,
            2 => feature.saved,
            // Changeable, and saveable or not.
            3 => 4 | u32::from(feature.saveable),
            _ => return Err(status::INVALID_FIELD),
        };
        Ok((value, Vec::new()))
    }

    pub(super) fn set_feature(&mut self, entry: &Entry) -> Reply {
        let id = entry.byte(40);
        let saves = entry.byte(43) & 0x80 != 0;
        let mut value = entry.dword(44);
        let feature = self.feature(id).ok_or(status::INVALID_FIELD)?;
        if saves && !feature.saveable {
            return Err(status::FEATURE_NOT_SAVEABLE);
        }
        let mut result = 0;
        match id {
            NUMBER_OF_QUEUES => {
                let (submission, completion) = (value & 0xFFFF, value >> 16);
                if submission == 0xFFFF || completion == 0xFFFF {
                    return Err(status::INVALID_FIELD);
                }
                value = completion.min(QUEUES_MAX) << 16 | submission.min(QUEUES_MAX);
                result = value;
            }
            VOLATILE_WRITE_CACHE => {
                value &= 1;
                if value == 0 {
                    self.flush_all();
                }
            }
            SANITIZE_CONFIG => value &= 1,
            _ => {}
        }
        for feature in self.features.iter_mut().filter(|feature| feature.id == id) {
            feature.current = value;
            if saves {
                feature.saved = value;
            }
        }
        Ok((result, Vec::new()))
    }

    /// What is not saved is forgotten.
    pub(super) fn reset_features(&mut self) {
        for feature in &mut self.features {
            feature.current = feature.saved;
        }
    }

    /// Sectors that the volatile cache takes just now.
    pub(super) fn cache_sectors(&self) -> usize {
        match self.feature(VOLATILE_WRITE_CACHE) {
            Some(feature) if feature.current == 1 => self.options.switches.write_cache_sectors,
            _ => 0,
        }
    }

    /// No-Deallocate Response Mode: a warning instead of an error.
    pub(super) fn no_deallocate_only_warns(&self) -> bool {
        self.feature(SANITIZE_CONFIG)
            .is_some_and(|feature| feature.current == 1)
    }

    /// A feature that is there on this drive.
    fn feature(&self, id: u8) -> Option<&Feature> {
        let is_there = match id {
            VOLATILE_WRITE_CACHE => self.options.switches.write_cache_sectors > 0,
            SANITIZE_CONFIG => self.supports_sanitize(),
            _ => true,
        };
        let mut features = self.features.iter();
        features.find(|feature| is_there && feature.id == id)
    }
}
