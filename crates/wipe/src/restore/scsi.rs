//! The number of blocks in a SCSI drive's mode parameters.

use super::{GOOD, Look, Talk, said};
use drive::scsi::capacity::Capacity16;
use drive::scsi::change::{ModePages, mode_select_10};
use drive::scsi::command::{PageControl, mode_sense_10, read_capacity_16};
use drive::scsi::mode::{ModeHeader, list_of_full_capacity};

const PAGE_ERROR_RECOVERY: u8 = 0x01;
const MODE_BYTES: u16 = 252;
const CAPACITY_BYTES: u8 = 32;
const SELECT: &str = "MODE SELECT (10)";

/// What is addressed, against the default of the block descriptor.
pub(super) fn look(talk: &mut Talk<'_>) -> Result<Look, String> {
    let cdb = read_capacity_16(u32::from(CAPACITY_BYTES));
    let data = talk.ask("READ CAPACITY (16)", &cdb, usize::from(CAPACITY_BYTES))?;
    let capacity = Capacity16::parse(&data).ok_or("READ CAPACITY (16): the answer is too short")?;
    let sectors = capacity
        .blocks()
        .ok_or("READ CAPACITY (16): no such capacity")?;
    let default = mode(talk, PageControl::Default).and_then(|data| {
        let header = ModeHeader::parse(&data);
        let blocks = header.and_then(|header| header.blocks);
        blocks.ok_or_else(|| "MODE SENSE (10) names no number of blocks".into())
    });
    Ok(Look {
        sectors,
        sector_bytes: capacity.block_bytes,
        most: default.clone().unwrap_or(0).max(sectors),
        unknown: default.err().into_iter().collect(),
    })
}

fn mode(talk: &mut Talk<'_>, values: PageControl) -> Result<Vec<u8>, String> {
    let cdb = mode_sense_10(values, PAGE_ERROR_RECOVERY, 0, MODE_BYTES);
    talk.ask("MODE SENSE (10)", &cdb, usize::from(MODE_BYTES))
}

/// Asks for all blocks by a number of all ones, in the form of the drive's own answer. A capacity that
/// is set so is kept when the power goes (SBC-4 6.5.2).
pub(super) fn lift(talk: &mut Talk<'_>) {
    let hides = look(talk).is_ok_and(|look| look.most > look.sectors);
    if !hides {
        return;
    }
    let list = match mode(talk, PageControl::Current) {
        Ok(data) => list_of_full_capacity(&data),
        Err(why) => return talk.refused(SELECT, why),
    };
    let Some(list) = list else {
        return talk.refused(SELECT, "not sent: MODE SENSE has no block descriptor");
    };
    let length = u16::try_from(list.len()).unwrap_or(u16::MAX);
    let cdb = mode_select_10(ModePages::Current, length);
    match talk.send(SELECT, &cdb, Some(&list)) {
        Ok(reply) if reply.status == GOOD => talk.lasting = true,
        Ok(reply) => talk.refused(SELECT, said(&reply)),
        Err(why) => talk.refused(SELECT, why),
    }
}
