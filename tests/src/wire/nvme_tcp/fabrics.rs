//! Commands of fabrics: Connect, and the properties that stand for a controller's registers (NVMe
//! base specification 2.1, sections 6 and 3.1.4).

use std::sync::{Mutex, PoisonError};

use sim::device::{Event, NvmeAnswer, NvmeDevice};

pub(super) const OPCODE: u8 = 0x7F;
const PROPERTY_SET: u8 = 0x00;
const CONNECT: u8 = 0x01;
const PROPERTY_GET: u8 = 0x04;
const DISCONNECT: u8 = 0x08;

const INVALID_OPCODE: u16 = 0x001;
const INVALID_FIELD: u16 = 0x002;
const CONNECT_INVALID_PARAMETERS: u16 = 0x182;

const CONNECT_BYTES: usize = 1024;
const CONTROLLER_ID: u32 = 1;
/// 128 entries, contiguous queues, ready within ten seconds, the NVM command set.
const CAPABILITIES: u64 = 127 | 1 << 16 | 20 << 24 | 1 << 37;
const VERSION: u64 = 0x0002_0100;

/// One controller behind fabrics.
pub(super) struct Fabrics {
    nqn: String,
    registers: Mutex<Registers>,
}

#[derive(Default)]
struct Registers {
    /// Controller configuration.
    configuration: u64,
    /// Controller status.
    status: u64,
}

/// A queue, as it was connected.
pub(super) struct Connection {
    /// 0 is the admin queue.
    pub queue: u16,
    pub entries_less_one: u16,
}

impl Fabrics {
    pub(super) fn new(nqn: &str) -> Self {
        Self {
            nqn: nqn.to_owned(),
            registers: Mutex::default(),
        }
    }

    pub(super) fn command(
        &self,
        entry: &[u8; 64],
        out: &[u8],
        connection: &mut Option<Connection>,
        device: &mut dyn NvmeDevice,
    ) -> NvmeAnswer {
        let value = match (entry[4], connection.is_some()) {
            (CONNECT, false) if out.len() == CONNECT_BYTES => self.connect(entry, out, connection),
            (CONNECT, _) => Err(INVALID_FIELD),
            (PROPERTY_GET, true) => self.get(entry),
            (PROPERTY_SET, true) => self.set(entry, device),
            (DISCONNECT, true) => Ok(0),
            _ => Err(INVALID_OPCODE),
        };
        match value {
            Ok(value) => NvmeAnswer {
                result: value,
                ..NvmeAnswer::default()
            },
            Err(status) => super::refusal(status),
        }
    }

    fn connect(
        &self,
        entry: &[u8; 64],
        out: &[u8],
        connection: &mut Option<Connection>,
    ) -> Result<u32, u16> {
        let name = out[256..512].split(|byte| *byte == 0).next();
        if name != Some(self.nqn.as_bytes()) {
            return Err(CONNECT_INVALID_PARAMETERS);
        }
        *connection = Some(Connection {
            queue: u16::from_le_bytes([entry[42], entry[43]]),
            entries_less_one: u16::from_le_bytes([entry[44], entry[45]]),
        });
        Ok(CONTROLLER_ID)
    }

    /// The low half; the high half of CAP goes by [`high_half`].
    fn get(&self, entry: &[u8; 64]) -> Result<u32, u16> {
        let registers = self.registers();
        let value = match offset(entry) {
            0x00 => CAPABILITIES,
            0x08 => VERSION,
            0x14 => registers.configuration,
            0x1C => registers.status,
            _ => return Err(INVALID_FIELD),
        };
        Ok(low(value))
    }

    fn set(&self, entry: &[u8; 64], device: &mut dyn NvmeDevice) -> Result<u32, u16> {
        if offset(entry) != 0x14 {
            return Err(INVALID_FIELD);
        }
        let value = u32::from_le_bytes([entry[48], entry[49], entry[50], entry[51]]);
        let mut registers = self.registers();
        let was_enabled = registers.configuration & 1 == 1;
        registers.configuration = u64::from(value);
        let is_enabled = value & 1 == 1;
        registers.status = u64::from(is_enabled);
        if was_enabled && !is_enabled {
            device.event(Event::Reset);
        }
        if value >> 14 & 3 != 0 {
            // Shut down, with nothing to wait for.
            registers.status |= 2 << 2;
        }
        Ok(0)
    }

    fn registers(&self) -> std::sync::MutexGuard<'_, Registers> {
        self.registers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a property of eight bytes has beyond the result's dword 0: dword 1 of the completion.
pub(super) fn high_half(entry: &[u8; 64]) -> u32 {
    let is_capabilities = entry[0] == OPCODE && entry[4] == PROPERTY_GET && offset(entry) == 0;
    if is_capabilities {
        low(CAPABILITIES >> 32)
    } else {
        0
    }
}

fn offset(entry: &[u8; 64]) -> u32 {
    u32::from_le_bytes([entry[44], entry[45], entry[46], entry[47]])
}

fn low(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
