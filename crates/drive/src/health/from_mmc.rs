//! Health from an eMMC's EXT_CSD.

use super::{Health, HealthSource};
use crate::mmc::{ExtCsd, LifeTime, PreEndOfLife};

impl Health {
    /// Unifies the register. `failing` is pre-EOL "urgent"; endurance is the worse of the two
    /// memory types.
    #[must_use]
    pub fn from_mmc(csd: &ExtCsd) -> Self {
        let mut health = Self::empty(HealthSource::MmcExtCsd);
        health.failing = match csd.pre_end_of_life {
            PreEndOfLife::Normal => Some(false),
            PreEndOfLife::Warning => {
                health
                    .oddities
                    .push("80 % of the reserved blocks are used".into());
                Some(false)
            }
            PreEndOfLife::Urgent => Some(true),
            PreEndOfLife::NotReported => None,
            PreEndOfLife::Reserved(value) => {
                health
                    .oddities
                    .push(format!("EXT_CSD: reserved pre-EOL value {value}"));
                None
            }
        };
        for life_time in csd.life_time {
            if let LifeTime::Reserved(value) = life_time {
                health
                    .oddities
                    .push(format!("EXT_CSD: reserved life time value {value}"));
            }
        }
        health.percentage_used = csd
            .life_time
            .iter()
            .filter_map(|l| l.percent_at_least())
            .max();
        health
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(pre_eol: u8, life: [u8; 2]) -> Health {
        let mut d = vec![0u8; 512];
        d[192] = 8;
        d[267] = pre_eol;
        d[268..270].copy_from_slice(&life);
        Health::from_mmc(&ExtCsd::parse(&d).expect("register"))
    }

    #[test]
    fn worse_life_time_counts_and_urgent_fails() {
        let h = health(3, [2, 11]);
        assert_eq!((h.failing, h.percentage_used), (Some(true), Some(100)));
        let h = health(1, [1, 4]);
        assert_eq!((h.failing, h.percentage_used), (Some(false), Some(30)));
        assert!(h.oddities.is_empty());
    }

    #[test]
    fn what_is_not_reported_is_none() {
        let h = health(0, [0, 0]);
        assert_eq!((h.failing, h.percentage_used), (None, None));
        assert_eq!(health(9, [0, 12]).oddities.len(), 2);
    }
}
