//! Recorded drives: a drive's facts where the drive is not.
//!
//! [`record`] lets discovery ask a drive as ever and keeps each question with its answer;
//! [`Replayed`] lays sysfs out in a folder of its own and lets discovery ask what was kept. What a
//! capture does not answer stays without an answer. Reads of the medium are not kept, because they
//! are the donor's: on replay it reads as zeros. The document is `report::capture`.

mod recording;
mod replayed;

pub use recording::{Recording, record};
pub use replayed::{Replay, Replayed};

use drive::port::AdminCommand;
use report::capture::NvmeCommand;

/// A command as the document has it.
fn wire(command: &AdminCommand) -> NvmeCommand {
    let AdminCommand {
        opcode,
        nsid,
        cdw10,
        cdw11,
        cdw12,
        cdw13,
        cdw14,
        cdw15,
    } = *command;
    let mut dwords = vec![cdw10, cdw11, cdw12, cdw13, cdw14, cdw15];
    while dwords.last() == Some(&0) {
        dwords.pop();
    }
    NvmeCommand {
        opcode,
        nsid,
        dwords,
    }
}
