//! Identify (base specification 2.1, section 5.1.13).

use super::namespace::Namespace;
use super::options::DeallocatedReads;
use super::status;
use super::{CONTROLLER_ID, Entry, NvmeDrive, Reply, put};

const BYTES: usize = 4096;
const BROADCAST: u32 = 0xFFFF_FFFF;

impl NvmeDrive {
    pub(super) fn identify(&self, entry: &Entry) -> Reply {
        let nsid = entry.nsid();
        let data = match entry.byte(40) {
            0x00 => self.identify_namespace(nsid, false)?,
            0x01 => self.identify_controller(),
            0x02 => self.list_namespaces(nsid, |namespace| namespace.attached)?,
            0x03 => self.namespace_descriptors(nsid)?,
            // Command set specific structures: nothing beyond the defaults for the NVM command set.
            0x05 | 0x06 if entry.byte(47) == 0 => vec![0; BYTES],
            0x10 if self.options.switches.namespace_management => {
                self.list_namespaces(nsid, |_| true)?
            }
            0x11 if self.options.switches.namespace_management => {
                self.identify_namespace(nsid, true)?
            }
            0x12 if self.options.switches.namespace_management => {
                let attached = self
                    .visible(nsid)
                    .ok_or(status::INVALID_NAMESPACE)?
                    .attached;
                list_controllers(attached && entry.word(42) <= CONTROLLER_ID)
            }
            0x13 if self.options.switches.namespace_management => {
                list_controllers(entry.word(42) <= CONTROLLER_ID)
            }
            _ => return Err(status::INVALID_FIELD),
        };
        Ok((0, data))
    }

    fn identify_controller(&self) -> Vec<u8> {
        let switches = &self.options.switches;
        let mut data = vec![0; BYTES];
        put(&mut data, 0, &0x1B36_u16.to_le_bytes());
        put(&mut data, 2, &0x1AF4_u16.to_le_bytes());
        put(&mut data, 4, &text(&self.serial(), 20));
        put(&mut data, 24, &text(&self.options.model, 40));
        put(&mut data, 64, &text(&self.options.firmware, 8));
        put(&mut data, 73, &[0x38, 0x25, 0x00]);
        data[77] = super::MDTS;
        put(&mut data, 78, &CONTROLLER_ID.to_le_bytes());
        put(&mut data, 80, &0x0002_0100_u32.to_le_bytes());
        data[111] = 1;
        let oacs = bit(self.tper.is_some(), 0)
            | bit(switches.format, 1)
            | bit(switches.namespace_management, 3)
            | bit(switches.self_test, 4);
        put(&mut data, 256, &oacs.to_le_bytes()[..2]);
        data[258] = 3;
        data[259] = 3;
        // One firmware slot, read only.
        data[260] = 0b0000_0011;
        // Get Log Page with offset and 32 bit length; persistent event log.
        data[261] = 0b0001_0100;
        put(&mut data, 266, &343_u16.to_le_bytes());
        put(&mut data, 268, &353_u16.to_le_bytes());
        let allocated: u64 = self.namespaces.iter().map(Namespace::capacity_bytes).sum();
        let total = allocated + self.unallocated_bytes();
        put(&mut data, 280, &u128::from(total).to_le_bytes());
        put(
            &mut data,
            296,
            &u128::from(self.unallocated_bytes()).to_le_bytes(),
        );
        if switches.replay_protected_blocks {
            // One unit of 128 KiB.
            put(&mut data, 312, &1_u32.to_le_bytes());
        }
        let minutes = self.options.durations.extended_test.as_secs().div_ceil(60);
        put(&mut data, 316, &minutes.to_le_bytes()[..2]);
        put(&mut data, 328, &self.sanitize_capabilities().to_le_bytes());
        put(&mut data, 352, &1_u32.to_le_bytes());
        data[512] = 0x66;
        data[513] = 0x44;
        put(&mut data, 516, &self.namespace_count().to_le_bytes());
        // Dataset management, write zeroes, save and select of features.
        put(&mut data, 520, &0b0001_1100_u16.to_le_bytes());
        let fna = bit(switches.format_is_of_all, 0)
            | bit(switches.format_erase_is_of_all, 1)
            | bit(switches.format_crypto_erase, 2)
            | bit(!switches.format_broadcast, 3);
        data[524] = fna.to_le_bytes()[0];
        if switches.write_cache_sectors > 0 {
            data[525] = 0b111;
        }
        if switches.over_fabrics {
            put(&mut data, 320, &10_u16.to_le_bytes());
            put(&mut data, 514, &128_u16.to_le_bytes());
            put(&mut data, 536, &1_u32.to_le_bytes());
            // Capsules of 64 bytes and completions of 16: no data within a capsule.
            put(&mut data, 1792, &4_u32.to_le_bytes());
            put(&mut data, 1796, &1_u32.to_le_bytes());
            data[1803] = 1;
        }
        put(&mut data, 768, self.nqn().as_bytes());
        data
    }

    fn sanitize_capabilities(&self) -> u32 {
        let switches = &self.options.switches;
        let supported = bit(switches.sanitize_crypto_erase, 0)
            | bit(switches.sanitize_block_erase, 1)
            | bit(switches.sanitize_overwrite, 2);
        if supported == 0 {
            return 0;
        }
        supported
            | bit(switches.sanitize_verification, 3)
            | bit(switches.sanitize_purge, 5)
            | bit(switches.no_deallocate_inhibited, 29)
            | u32::from(switches.no_deallocate_modifies) << 30
    }

    /// An inactive namespace is all zeros; with `allocated`, an attached one need not be active.
    fn identify_namespace(&self, nsid: u32, allocated: bool) -> Result<Vec<u8>, u16> {
        if nsid == BROADCAST {
            if allocated || !self.options.switches.namespace_management {
                return Err(status::INVALID_NAMESPACE);
            }
            return Ok(self.common_namespace());
        }
        if nsid == 0 || nsid > self.namespace_count() {
            return Err(status::INVALID_NAMESPACE);
        }
        let namespace = self.visible(nsid);
        let Some(namespace) = namespace.filter(|namespace| allocated || namespace.attached) else {
            return Ok(vec![0; BYTES]);
        };
        let mut data = self.common_namespace();
        for offset in [0, 8, 16] {
            put(&mut data, offset, &namespace.sectors().to_le_bytes());
        }
        let index = u8::try_from(namespace.format_index).unwrap_or(0);
        if self.options.switches.format_tells_progress {
            data[32] = 0x80 | self.format_remaining(nsid);
        }
        data[26] = index & 0xF | if namespace.extended { 0x10 } else { 0 };
        put(
            &mut data,
            48,
            &u128::from(namespace.capacity_bytes()).to_le_bytes(),
        );
        data[99] = u8::from(self.is_write_protected(nsid));
        put(&mut data, 104, &self.nguid(nsid));
        put(&mut data, 120, &self.eui64(nsid));
        Ok(data)
    }

    fn common_namespace(&self) -> Vec<u8> {
        let switches = &self.options.switches;
        let mut data = vec![0; BYTES];
        let formats = &self.options.formats;
        data[25] = u8::try_from(formats.len().saturating_sub(1)).unwrap_or(0);
        // Metadata as part of an extended block, or in a buffer of their own.
        data[27] = 0b11;
        let reads = match switches.deallocated_reads {
            DeallocatedReads::Unreported => 0,
            DeallocatedReads::Zeros => 1,
            DeallocatedReads::Ones => 2,
        };
        data[33] = reads
            | if switches.write_zeroes_deallocates {
                8
            } else {
                0
            };
        for (index, format) in formats.iter().enumerate() {
            let offset = 128 + 4 * index;
            put(&mut data, offset, &format.metadata_bytes.to_le_bytes());
            data[offset + 2] = format.data_bytes.trailing_zeros().to_le_bytes()[0];
        }
        data
    }

    fn list_namespaces(
        &self,
        above: u32,
        wanted: impl Fn(&Namespace) -> bool,
    ) -> Result<Vec<u8>, u16> {
        if above >= 0xFFFF_FFFE {
            return Err(status::INVALID_NAMESPACE);
        }
        let mut data = vec![0; BYTES];
        let listed = self.namespaces.iter().filter(|namespace| {
            namespace.nsid > above && !self.is_hidden(namespace.nsid) && wanted(namespace)
        });
        for (index, namespace) in listed.take(1024).enumerate() {
            put(&mut data, 4 * index, &namespace.nsid.to_le_bytes());
        }
        Ok(data)
    }

    fn namespace_descriptors(&self, nsid: u32) -> Result<Vec<u8>, u16> {
        let namespace = self.visible(nsid);
        if !namespace.is_some_and(|namespace| namespace.attached) {
            return Err(status::INVALID_NAMESPACE);
        }
        let mut data = Vec::new();
        for (kind, name) in [(1, &self.eui64(nsid)[..]), (2, &self.nguid(nsid)[..])] {
            if name.iter().any(|byte| *byte != 0) {
                let bytes = u8::try_from(name.len()).unwrap_or(0);
                data.extend_from_slice(&[kind, bytes, 0, 0]);
                data.extend_from_slice(name);
            }
        }
        data.resize(BYTES, 0);
        Ok(data)
    }

    pub(super) fn serial(&self) -> String {
        match self.other_drive() {
            Some(other) => other.serial.clone(),
            None => self.options.serial.clone(),
        }
    }

    fn eui64(&self, nsid: u32) -> [u8; 8] {
        self.numbered(self.options.eui64, nsid)
    }

    fn nguid(&self, nsid: u32) -> [u8; 16] {
        self.numbered(self.options.nguid, nsid)
    }

    fn numbered<const N: usize>(&self, mut name: [u8; N], nsid: u32) -> [u8; N] {
        if name.iter().any(|byte| *byte != 0) {
            let last = &mut name[N - 1];
            *last = last.wrapping_add(nsid.wrapping_sub(1).to_le_bytes()[0]);
            if self.other_drive().is_some() {
                *last ^= 0x80;
            }
        }
        name
    }
}

fn list_controllers(is_listed: bool) -> Vec<u8> {
    let mut data = vec![0; BYTES];
    if is_listed {
        put(&mut data, 0, &1_u16.to_le_bytes());
        put(&mut data, 2, &CONTROLLER_ID.to_le_bytes());
    }
    data
}

/// ASCII, padded with blanks.
pub(super) fn text(text: &str, bytes: usize) -> Vec<u8> {
    let mut field: Vec<u8> = text.bytes().take(bytes).collect();
    field.resize(bytes, b' ');
    field
}

fn bit(is_set: bool, number: u32) -> u32 {
    u32::from(is_set) << number
}
