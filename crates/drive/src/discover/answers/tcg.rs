//! TCG Level 0 discovery, by the command of each transport. One question; nothing is unlocked and no
//! session is opened.

use super::Said;
use crate::ata::command::{PAGE_BYTES, trusted_receive_level_0};
use crate::discover::line::Line;
use crate::facts::{DriveFacts, Tcg, Transport};
use crate::nvme::command::security_receive;
use crate::scsi::command::security_protocol_in;
use crate::tcg::{Discovery, LEVEL_0_COM_ID, LEVEL_0_PROTOCOL};

/// Room for the answer: what the kernel's own discovery takes.
const ANSWER_BYTES: u32 = 2048;

/// Asks a drive that says it has trusted computing; a SAS disk has no word for it and is simply asked.
pub fn asked(line: &Line<'_>, facts: &mut DriveFacts, said: &Said) -> Tcg {
    let answer = match said {
        Said::Ata(identify) if identify.trusted_computing => ata(line, facts).map(Some),
        Said::Scsi if facts.transport == Transport::Scsi => {
            line.read_scsi_if_known(&protocol_in(), ANSWER_BYTES as usize)
        }
        Said::Nvme(said) if said.0.admin.security => {
            let command = security_receive(LEVEL_0_PROTOCOL, LEVEL_0_COM_ID, ANSWER_BYTES);
            line.read_nvme_if_known(&command, ANSWER_BYTES as usize)
        }
        Said::Ata(_) | Said::Scsi | Said::Nvme(_) | Said::Mmc(_) | Said::Nothing => {
            return Tcg::Absent;
        }
    };
    let told = match answer {
        Ok(Some(data)) => Discovery::parse(&data).ok_or("the answer is no discovery".to_owned()),
        // Security protocols other than TCG's have the same command.
        Ok(None) => return Tcg::Absent,
        Err(reason) => Err(reason),
    };
    let unknown = match told {
        Ok(told) => {
            facts.oddities.extend(told.oddities.iter().cloned());
            if told.is_whole || told.locking.is_some() {
                return Tcg::Told(told);
            }
            "the answer is cut before it says how the drive is locked".into()
        }
        Err(reason) => reason,
    };
    facts
        .oddities
        .push(format!("TCG Level 0 discovery: {unknown}"));
    Tcg::Unknown { reason: unknown }
}

/// Linux carries TRUSTED RECEIVE only with `libata.allow_tpm=1`, which raz's image sets, and translates
/// the SCSI command for it all the same where the drive's security log has trusted computing. A USB
/// bridge is not tried twice.
fn ata(line: &Line<'_>, facts: &DriveFacts) -> Result<Vec<u8>, String> {
    let refused = match line.read_scsi(&trusted_receive_level_0(), PAGE_BYTES) {
        Ok(data) => return Ok(data),
        Err(reason) => format!("{reason}; Linux refuses it without libata.allow_tpm=1"),
    };
    if !facts.takes_ata_commands() {
        return Err(refused);
    }
    line.read_scsi(&protocol_in(), ANSWER_BYTES as usize)
        .map_err(|reason| format!("{refused}; SECURITY PROTOCOL IN: {reason}"))
}

fn protocol_in() -> [u8; 12] {
    security_protocol_in(LEVEL_0_PROTOCOL, LEVEL_0_COM_ID, ANSWER_BYTES)
}
