//! ATA PASS-THROUGH (12) and (16), and how the registers come back.

use super::sense::{INVALID_COMMAND, INVALID_FIELD, REGISTERS, Sense};
use super::{Outcome, Refusal, Registers, good};
use crate::ata::disk::AtaDisk;
use crate::ata::{Answer, Phase, Task};
use crate::device::ScsiAnswer;

const CHECK_CONDITION: u8 = 0x02;
/// Return response information: the registers of the last command.
const RETURN_RESPONSE: u8 = 15;

/// What the command block asks of the translation, beside the task.
struct Request {
    task: Task,
    protocol: u8,
    /// CK_COND.
    wants_registers: bool,
    /// Bytes of the data phase.
    length: usize,
    /// T_DIR: from the drive.
    is_in: bool,
}

impl Request {
    fn of(cdb: &[u8], sector_bytes: usize) -> Option<Self> {
        let task = match cdb {
            [0x85, rest @ ..] if rest.len() == 15 => long_task(cdb),
            [0xA1, rest @ ..] if rest.len() == 11 => short_task(cdb),
            _ => return None,
        };
        let flags = cdb[2];
        let field = match flags & 0x03 {
            0 => 0,
            1 => usize::from(task.feature),
            2 => usize::from(task.count),
            // The transfer length of the transport: not for this one.
            _ => return None,
        };
        let block = match (flags & 0x04 != 0, flags & 0x10 != 0) {
            (false, _) => 1,
            (true, false) => 512,
            (true, true) => sector_bytes,
        };
        Some(Self {
            task,
            protocol: cdb[1] >> 1 & 0x0F,
            wants_registers: flags & 0x20 != 0,
            length: field * block,
            is_in: flags & 0x08 != 0,
        })
    }

    /// Protocol, direction, length and command agree.
    fn is_consistent(&self, out: &[u8]) -> bool {
        match (self.task.phase(), self.protocol) {
            (Phase::None, 3) => true,
            (Phase::In, 4 | 6 | 10) => self.is_in && self.length > 0,
            (Phase::Out, 5 | 6 | 11) => !self.is_in && self.length > 0 && out.len() == self.length,
            _ => false,
        }
    }
}

/// 85h: FEATURE, COUNT and LBA have 16 and 48 bits where EXTEND is set.
fn long_task(cdb: &[u8]) -> Task {
    let is_48_bit = cdb[1] & 1 != 0;
    let high = |index: usize| if is_48_bit { cdb[index] } else { 0 };
    let lba = [0, 0, high(11), high(9), high(7), cdb[12], cdb[10], cdb[8]];
    Task {
        command: cdb[14],
        feature: u16::from_be_bytes([high(3), cdb[4]]),
        count: u16::from_be_bytes([high(5), cdb[6]]),
        lba: u64::from_be_bytes(lba) | high_nibble(is_48_bit, cdb[13]),
        device: cdb[13],
        is_48_bit,
    }
}

/// A1h: 28 bits only.
fn short_task(cdb: &[u8]) -> Task {
    let lba = [0, 0, 0, 0, 0, cdb[7], cdb[6], cdb[5]];
    Task {
        command: cdb[9],
        feature: u16::from(cdb[3]),
        count: u16::from(cdb[4]),
        lba: u64::from_be_bytes(lba) | high_nibble(false, cdb[8]),
        device: cdb[8],
        is_48_bit: false,
    }
}

/// LBA 27:24 of a command with 28 bits is in the device register.
fn high_nibble(is_48_bit: bool, device: u8) -> u64 {
    match is_48_bit {
        true => 0,
        false => u64::from(device & 0x0F) << 24,
    }
}

impl AtaDisk {
    pub(super) fn pass_through(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let request = Request::of(cdb, self.cells.sector_bytes());
        let mut request = request.ok_or(INVALID_FIELD)?;
        if self.options.lies.pass_through_refused {
            return Err(INVALID_COMMAND.into());
        }
        if self.options.lies.pass_through_28_bit && request.task.is_48_bit {
            return Err(INVALID_FIELD.into());
        }
        if self.options.lies.pass_through_swallowed {
            let length = if request.is_in { request.length } else { 0 };
            return Ok(good(vec![0; length]));
        }
        if request.protocol == RETURN_RESPONSE {
            let last = self.translation.last.clone().ok_or(INVALID_FIELD)?;
            return Ok(self.registers(&last, REGISTERS));
        }
        if !request.is_consistent(out) {
            return Err(INVALID_FIELD.into());
        }
        if self.options.lies.count_zeroed && request.protocol == 3 {
            request.task.count = 0;
        }
        let answer = self.carry_out(&request.task, out);
        let mut answer = answer.ok_or(Refusal::Silence)?;
        answer.data.truncate(request.length);
        let data = std::mem::take(&mut answer.data);
        Ok(self.conclude(&request, answer, data))
    }

    fn conclude(&mut self, request: &Request, mut answer: Answer, data: Vec<u8>) -> ScsiAnswer {
        let is_good = answer.is_good();
        let sense = match is_good {
            true => REGISTERS,
            false => self.sense_of(&request.task, &answer),
        };
        let is_48_bit = request.task.is_48_bit;
        if !is_48_bit {
            // LBA 27:24 is in the device register.
            let nibble = answer.lba.to_le_bytes()[3] & 0x0F;
            answer.device = answer.device & 0xF0 | nibble;
        }
        let registers = Registers { answer, is_48_bit };
        let before = self.translation.last.replace(registers.clone());
        let lies = &self.options.lies;
        let is_silent = lies.sense_empty && request.wants_registers;
        if is_silent || (is_good && !request.wants_registers) {
            return good(data);
        }
        let shown = match before {
            Some(before) if lies.registers_of_previous => before,
            _ => registers,
        };
        let answer = self.registers(&shown, sense);
        ScsiAnswer { data, ..answer }
    }

    /// Registers in sense data. Those of a success come in descriptor format always, as with
    /// libata; those of an error as the control page says.
    fn registers(&self, registers: &Registers, sense: Sense) -> ScsiAnswer {
        let lies = &self.options.lies;
        let is_success = sense == REGISTERS;
        let is_descriptor = (is_success || self.translation.d_sense) && !lies.fixed_sense_only;
        let mut registers = registers.clone();
        if lies.registers_28_bit {
            registers.is_48_bit = false;
            registers.answer.count &= 0xFF;
            registers.answer.lba &= 0xFF_FFFF;
        }
        let sense = match is_descriptor {
            true => sense.descriptor(&descriptor(&registers)),
            false if lies.fixed_sense_misplaced => misplaced(&registers, sense),
            false => fixed(&registers, sense),
        };
        ScsiAnswer {
            status: CHECK_CONDITION,
            sense,
            data: Vec::new(),
        }
    }
}

/// The ATA status return descriptor.
fn descriptor(registers: &Registers) -> [u8; 14] {
    let answer = &registers.answer;
    let [count_low, count_high] = answer.count.to_le_bytes();
    let [a, b, c, d, e, f, ..] = answer.lba.to_le_bytes();
    let mut bytes = [
        0x09,
        0x0C,
        u8::from(registers.is_48_bit),
        answer.error,
        count_high,
        count_low,
        d,
        a,
        e,
        b,
        f,
        c,
        answer.device,
        answer.status,
    ];
    if !registers.is_48_bit {
        for high in [4, 6, 8, 10] {
            bytes[high] = 0;
        }
    }
    bytes
}

/// SAT-2 and later: COUNT 15:8 and LBA 47:24 are only told to be zero or not.
fn fixed(registers: &Registers, sense: Sense) -> Vec<u8> {
    let answer = &registers.answer;
    let [count_low, count_high] = answer.count.to_le_bytes();
    let [a, b, c, d, e, f, ..] = answer.lba.to_le_bytes();
    let mut bytes = Sense {
        information: None,
        ..sense
    }
    .fixed();
    bytes[3] = answer.error;
    bytes[4] = answer.status;
    bytes[5] = answer.device;
    bytes[6] = count_low;
    bytes[8] = u8::from(registers.is_48_bit) << 7
        | u8::from(count_high != 0) << 6
        | u8::from(d | e | f != 0) << 5;
    bytes[9] = a;
    bytes[10] = b;
    bytes[11] = c;
    bytes
}

/// As the kernel had it before 2024: from byte 8 on, without regard to the sense data's own fields.
fn misplaced(registers: &Registers, sense: Sense) -> Vec<u8> {
    let answer = &registers.answer;
    let [count_low, _] = answer.count.to_le_bytes();
    let [a, b, c, ..] = answer.lba.to_le_bytes();
    let mut bytes = sense.fixed();
    bytes.resize(20, 0);
    bytes[7] = 12;
    bytes[8..12].copy_from_slice(&[answer.error, answer.status, answer.device, count_low]);
    bytes[16] = u8::from(registers.is_48_bit) << 7;
    bytes[17..20].copy_from_slice(&[a, b, c]);
    bytes
}
