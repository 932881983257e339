//! Get Log Page (base specification 2.1, section 5.1.12).

use super::identify::text;
use super::status;
use super::{Entry, NvmeDrive, Reply, put};

const ERRORS: u8 = 0x01;
const SMART: u8 = 0x02;
const FIRMWARE: u8 = 0x03;
const SELF_TEST: u8 = 0x06;
const PERSISTENT_EVENTS: u8 = 0x0D;
const SANITIZE: u8 = 0x81;

/// Logs that are told while media are erased.
const DURING_SANITIZE: &[u8] = &[ERRORS, SMART, SANITIZE];

impl NvmeDrive {
    pub(super) fn get_log(&mut self, entry: &Entry) -> Reply {
        let log = entry.byte(40);
        if let Some(refusal) = self.sanitize_refusal()
            && !DURING_SANITIZE.contains(&log)
        {
            return Err(refusal);
        }
        let data = match log {
            ERRORS => vec![0; 64],
            SMART => self.smart_log(),
            FIRMWARE => {
                let mut data = vec![0; 512];
                data[0] = 1;
                put(&mut data, 8, &text(&self.options.firmware, 8));
                data
            }
            SELF_TEST if self.options.switches.self_test => self.self_test_log(),
            PERSISTENT_EVENTS => match self.persistent_event_log(entry.byte(41) & 0xF)? {
                Some(data) => data,
                None => return Ok((0, Vec::new())),
            },
            SANITIZE if self.supports_sanitize() => self.sanitize_log(),
            _ => return Err(status::INVALID_LOG_PAGE),
        };
        let dwords = u64::from(entry.word(44)) << 16 | u64::from(entry.word(42));
        let wanted = (dwords + 1) * 4;
        let offset = u64::from(entry.dword(52)) << 32 | u64::from(entry.dword(48));
        let bytes = u64::try_from(data.len()).map_err(|_| status::INVALID_FIELD)?;
        if offset % 4 != 0 || offset > bytes || wanted > 1 << 24 {
            return Err(status::INVALID_FIELD);
        }
        let start = usize::try_from(offset).map_err(|_| status::INVALID_FIELD)?;
        let wanted = usize::try_from(wanted).map_err(|_| status::INVALID_FIELD)?;
        let mut part = data[start..].to_vec();
        part.resize(wanted, 0);
        Ok((0, part))
    }

    fn smart_log(&self) -> Vec<u8> {
        let health = &self.options.health;
        let mut data = vec![0; 512];
        data[0] = health.critical_warning | self.warning;
        put(&mut data, 1, &health.temperature.to_le_bytes());
        data[3] = health.spare_percent;
        data[4] = 10;
        data[5] = health.used_percent;
        let units = |sectors: u64| u128::from(sectors.div_ceil(1000)).to_le_bytes();
        put(&mut data, 32, &units(self.sectors_read));
        put(&mut data, 48, &units(self.sectors_written));
        put(&mut data, 112, &u128::from(self.power_cycles).to_le_bytes());
        put(
            &mut data,
            128,
            &u128::from(self.power_on_hours()).to_le_bytes(),
        );
        put(
            &mut data,
            144,
            &u128::from(self.unsafe_shutdowns).to_le_bytes(),
        );
        put(
            &mut data,
            160,
            &u128::from(health.media_errors).to_le_bytes(),
        );
        put(&mut data, 200, &health.temperature.to_le_bytes());
        data
    }
}
