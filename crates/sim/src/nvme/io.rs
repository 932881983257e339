//! Commands of an I/O queue (NVM command set 1.1, section 3.3).

use super::namespace::Namespace;
use super::status;
use super::{Entry, NvmeDrive, Reply};

const BROADCAST: u32 = 0xFFFF_FFFF;

impl NvmeDrive {
    pub(super) fn io_command(&mut self, entry: &Entry, out: &[u8]) -> Reply {
        let opcode = entry.byte(0);
        let is_raw = self.is_in_media_verification();
        // A flush is allowed and does nothing while media are erased.
        if let Some(refusal) = self.sanitize_refusal()
            && !(is_raw && opcode == 0x02)
        {
            return if opcode == 0x00 {
                Ok((0, Vec::new()))
            } else {
                Err(refusal)
            };
        }
        if opcode == 0x00 && entry.nsid() == BROADCAST {
            self.flush_all();
            return Ok((0, Vec::new()));
        }
        self.active(entry.nsid())?;
        if self.is_formatting(entry.nsid()) {
            return Err(status::FORMAT_IN_PROGRESS);
        }
        if let Some(reply) = self.locked_by_tcg(entry) {
            return reply;
        }
        match opcode {
            0x00 => self.flush(entry.nsid()),
            0x01 => self.write(entry, out),
            0x02 => self.read(entry, is_raw),
            0x08 => self.write_zeroes(entry),
            0x09 => self.deallocate(entry, out),
            _ => Err(status::INVALID_OPCODE),
        }
    }

    pub(super) fn flush_all(&mut self) {
        if self.options.lies.ignores_flush {
            return;
        }
        for namespace in &mut self.namespaces {
            namespace.flush();
        }
    }

    fn flush(&mut self, nsid: u32) -> Reply {
        let ignores_flush = self.options.lies.ignores_flush;
        let namespace = self.active(nsid)?;
        if !ignores_flush {
            namespace.flush();
        }
        Ok((0, Vec::new()))
    }

    fn read(&mut self, entry: &Entry, is_raw: bool) -> Reply {
        let switches = self.options.switches;
        let lies = &self.options.lies;
        let shows_zeros = lies.locked_reads_zeros || is_raw && lies.verification_shows_zeros;
        let namespace = self.active(entry.nsid())?;
        let (first, count) = range(entry, namespace)?;
        let bytes = transfer(namespace, count)?;
        let mut data = Vec::with_capacity(bytes);
        for address in first..first + count {
            let block = namespace.read(address, &switches, is_raw);
            data.extend(block.ok_or(status::UNRECOVERED_READ_ERROR)?);
        }
        if shows_zeros {
            data.fill(0);
        }
        self.sectors_read += count;
        if is_raw {
            self.status = status::MEDIA_VERIFICATION_READ;
        }
        Ok((0, data))
    }

    fn write(&mut self, entry: &Entry, out: &[u8]) -> Reply {
        let forced = entry.dword(48) & 1 << 30 != 0;
        let cache_sectors = if forced { 0 } else { self.cache_sectors() };
        let elides_zeros = self.options.lies.elides_zeros;
        let ignores_writes = self.options.lies.ignores_writes;
        self.refuse_write(entry)?;
        let namespace = self.active(entry.nsid())?;
        let (first, count) = range(entry, namespace)?;
        let bytes = transfer(namespace, count)?;
        if out.len() != bytes {
            return Err(status::DATA_TRANSFER_ERROR);
        }
        for (address, block) in (first..).zip(out.chunks(namespace.transfer_bytes())) {
            if ignores_writes {
                continue;
            }
            if elides_zeros && block.iter().all(|byte| *byte == 0) {
                namespace.deallocate(address);
            } else {
                namespace.write(address, block, cache_sectors);
            }
        }
        self.sectors_written += count;
        self.data_was_written();
        Ok((0, Vec::new()))
    }

    fn write_zeroes(&mut self, entry: &Entry) -> Reply {
        let deallocates = entry.dword(48) & 1 << 25 != 0;
        let deallocates = deallocates && self.options.switches.write_zeroes_deallocates
            || self.options.lies.elides_zeros;
        let ignores_writes = self.options.lies.ignores_writes;
        let cache_sectors = self.cache_sectors();
        self.refuse_write(entry)?;
        let namespace = self.active(entry.nsid())?;
        let (first, count) = range(entry, namespace)?;
        let zeros = vec![0; namespace.transfer_bytes()];
        for address in first..first + count {
            if ignores_writes {
                continue;
            }
            if deallocates {
                namespace.deallocate(address);
            } else {
                namespace.write(address, &zeros, cache_sectors);
            }
        }
        self.data_was_written();
        Ok((0, Vec::new()))
    }

    /// Dataset management: all attributes but "deallocate" are hints.
    fn deallocate(&mut self, entry: &Entry, out: &[u8]) -> Reply {
        let ranges = usize::from(entry.byte(40)) + 1;
        let deallocates = entry.dword(44) & 1 << 2 != 0;
        let ignores_writes = self.options.lies.ignores_writes;
        self.refuse_write(entry)?;
        let namespace = self.active(entry.nsid())?;
        if out.len() < 16 * ranges {
            return Err(status::DATA_TRANSFER_ERROR);
        }
        let mut spans = Vec::new();
        for range in out.chunks_exact(16).take(ranges) {
            let count = u64::from(super::dword(range, 4));
            let first = super::qword(range, 8);
            let end = first.checked_add(count).ok_or(status::LBA_OUT_OF_RANGE)?;
            if end > namespace.sectors() {
                return Err(status::LBA_OUT_OF_RANGE);
            }
            spans.push(first..end);
        }
        for address in spans.into_iter().flatten() {
            if deallocates && !ignores_writes {
                namespace.deallocate(address);
            }
        }
        Ok((0, Vec::new()))
    }

    fn refuse_write(&self, entry: &Entry) -> Result<(), u16> {
        if self.options.lies.locked_reads_zeros {
            return Err(status::ACCESS_DENIED);
        }
        if self.is_write_protected(entry.nsid()) {
            return Err(status::WRITE_PROTECTED);
        }
        Ok(())
    }
}

/// First block and number of blocks, all within the namespace.
pub(super) fn range(entry: &Entry, namespace: &Namespace) -> Result<(u64, u64), u16> {
    let first = u64::from(entry.dword(44)) << 32 | u64::from(entry.dword(40));
    let count = u64::from(entry.word(48)) + 1;
    match first.checked_add(count) {
        Some(end) if end <= namespace.sectors() => Ok((first, count)),
        _ => Err(status::LBA_OUT_OF_RANGE),
    }
}

/// Bytes that travel, at most what one command may move.
fn transfer(namespace: &Namespace, count: u64) -> Result<usize, u16> {
    let blocks = usize::try_from(count).map_err(|_| status::INVALID_FIELD)?;
    let bytes = blocks * namespace.transfer_bytes();
    // Metadata do not count towards the limit of a transfer.
    if blocks * usize::from(namespace.format.data_bytes) > super::TRANSFER_BYTES_MAX {
        return Err(status::INVALID_FIELD);
    }
    Ok(bytes)
}
