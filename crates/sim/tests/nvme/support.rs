//! Entries from their dwords, and a drive with a secret on it.

use sim::clock::Clock;
use sim::device::{NvmeAnswer, NvmeDevice};
use sim::nvme::NvmeDrive;
use sim::nvme::options::{NamespaceOptions, Options};
use std::time::Duration;

pub const SECRET: &[u8] = b"the donor's secret";
pub const ALL: u32 = 0xFFFF_FFFF;

/// Opcode, NSID, and dwords 10 to 15.
pub fn entry(opcode: u8, nsid: u32, dwords: [u32; 6]) -> [u8; 64] {
    let mut entry = [0; 64];
    entry[0] = opcode;
    entry[4..8].copy_from_slice(&nsid.to_le_bytes());
    for (index, dword) in dwords.iter().enumerate() {
        entry[40 + 4 * index..][..4].copy_from_slice(&dword.to_le_bytes());
    }
    entry
}

pub fn word(data: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([data[offset], data[offset + 1]])
}

pub fn dword(data: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(data[offset..offset + 4].try_into().unwrap())
}

pub fn qword(data: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(data[offset..offset + 8].try_into().unwrap())
}

/// A sector that begins with `text`.
pub fn sector(text: &[u8], bytes: usize) -> Vec<u8> {
    let mut sector = text.to_vec();
    sector.resize(bytes, 0x5A);
    sector
}

pub struct Bench {
    pub drive: NvmeDrive,
    pub clock: Clock,
}

/// A drive of a few sectors.
pub fn small() -> Options {
    Options {
        namespaces: vec![namespace(64, true)],
        spares: 8,
        ..Options::default()
    }
}

pub fn namespace(sectors: u64, attached: bool) -> NamespaceOptions {
    NamespaceOptions {
        sectors,
        lba_format: 0,
        attached,
        write_protected: false,
    }
}

impl Bench {
    pub fn new(options: Options) -> Self {
        let clock = Clock::by_hand();
        Self {
            drive: NvmeDrive::new(options, clock.clone()),
            clock,
        }
    }

    /// With the secret in an address and in a spare place of each attached namespace, flushed.
    pub fn with_secret(options: Options) -> Self {
        let nsids = (1..).zip(&options.namespaces);
        let nsids: Vec<u32> = nsids
            .filter(|(_, namespace)| namespace.attached)
            .map(|(nsid, _)| nsid)
            .collect();
        let lies = options.lies.clone();
        let mut bench = Self::new(options);
        bench.drive.options_mut().lies = Default::default();
        for nsid in nsids {
            for text in [SECRET, b"overwritten", SECRET] {
                assert_eq!(bench.write(nsid, 3, &sector(text, 512)), 0);
                assert_eq!(bench.flush(nsid), 0);
            }
        }
        bench.drive.options_mut().lies = lies;
        bench
    }

    pub fn admin(&mut self, opcode: u8, nsid: u32, dwords: [u32; 6]) -> NvmeAnswer {
        self.drive.admin(&entry(opcode, nsid, dwords), &[]).unwrap()
    }

    pub fn status(&mut self, opcode: u8, nsid: u32, dword_10: u32) -> u16 {
        self.admin(opcode, nsid, [dword_10, 0, 0, 0, 0, 0]).status
    }

    pub fn identify(&mut self, cns: u32, nsid: u32) -> NvmeAnswer {
        self.admin(0x06, nsid, [cns, 0, 0, 0, 0, 0])
    }

    /// A log of `bytes`, which must be told.
    pub fn log(&mut self, log: u32, bytes: u32) -> Vec<u8> {
        let answer = self.admin(0x02, ALL, [(bytes / 4 - 1) << 16 | log, 0, 0, 0, 0, 0]);
        assert_eq!(answer.status, 0);
        assert_eq!(answer.data.len(), bytes as usize);
        answer.data
    }

    /// Progress, status and state of the sanitize log.
    pub fn sanitize_log(&mut self) -> (u16, u16, u8) {
        let log = self.log(0x81, 512);
        (word(&log, 0), word(&log, 2), log[36])
    }

    pub fn sanitize(&mut self, dword_10: u32) -> u16 {
        self.status(0x84, 0, dword_10)
    }

    pub fn io(&mut self, opcode: u8, nsid: u32, first: u64, count: u16, out: &[u8]) -> NvmeAnswer {
        let dwords = [
            first as u32,
            (first >> 32) as u32,
            u32::from(count - 1),
            0,
            0,
            0,
        ];
        self.drive.io(&entry(opcode, nsid, dwords), out).unwrap()
    }

    pub fn write(&mut self, nsid: u32, address: u64, data: &[u8]) -> u16 {
        self.io(0x01, nsid, address, 1, data).status
    }

    pub fn read(&mut self, nsid: u32, address: u64) -> NvmeAnswer {
        self.io(0x02, nsid, address, 1, &[])
    }

    pub fn flush(&mut self, nsid: u32) -> u16 {
        self.io(0x00, nsid, 0, 1, &[]).status
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}
