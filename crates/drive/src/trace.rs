//! Every command that goes through a port, with the answer it brought: evidence for the report.
//!
//! Command bytes and status bytes are kept, data is not: an identify page holds nothing that the
//! facts do not say, and a report must not grow with the drive's chatter. Equal lines are counted,
//! not repeated.

use crate::port::{AdminCommand, AdminReply, Data, MmcCommand, Port, ScsiReply};
use crate::scsi::sense::Sense;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most lines that a trace keeps; a drive that answers differently each time fills no memory.
const LINES_MAX: usize = 200;

/// One command and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Name of the door and the command's bytes in hexadecimal.
    pub command: String,
    /// Status, sense or the kernel's error.
    pub status: String,
    /// How often it was sent with this answer.
    pub count: u32,
}

/// Answers in the order in which each was first seen. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    answers: Vec<Answer>,
    /// Answers that found no room.
    left_out: u64,
}

impl Trace {
    /// Notes a command that ended.
    pub fn note(&self, command: String, status: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { answers, left_out } = &mut *lines;
        let same = |answer: &&mut Answer| answer.command == command && answer.status == status;
        if let Some(answer) = answers.iter_mut().find(same) {
            answer.count = answer.count.saturating_add(1);
        } else if answers.len() < LINES_MAX {
            answers.push(Answer {
                command,
                status,
                count: 1,
            });
        } else {
            *left_out += 1;
        }
    }

    /// All answers so far. Where there was no room for all, a last line says how many are missing.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = (lines.left_out > 0).then(|| Answer {
            command: "further commands".into(),
            status: format!("{} more answers were left out", lines.left_out),
            count: 1,
        });
        lines.answers.iter().cloned().chain(missing).collect()
    }
}

/// A port whose commands are noted.
#[derive(Debug)]
pub struct Traced<P> {
    port: P,
    trace: Trace,
}

impl<P: Port> Traced<P> {
    /// Notes every command through `port` in `trace`.
    #[must_use]
    pub fn new(port: P, trace: Trace) -> Self {
        Self { port, trace }
    }
}

impl<P: Port> Port for Traced<P> {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        let reply = self.port.scsi(cdb, data, timeout);
        self.trace
            .note(format!("SCSI {}", bytes(cdb)), scsi_status(&reply));
        reply
    }

    fn nvme_admin(
        &self,
        command: &AdminCommand,
        data: Data<'_>,
        timeout: Duration,
    ) -> io::Result<AdminReply> {
        let reply = self.port.nvme_admin(command, data, timeout);
        let words = format!(
            "NVMe admin {:02x} nsid {:x} cdw10 {:08x} cdw11 {:08x}",
            command.opcode, command.nsid, command.cdw10, command.cdw11
        );
        self.trace.note(words, nvme_status(&reply));
        reply
    }

    /// Which block it was is left out, so that a thousand of them are a line.
    fn nvme_read(
        &self,
        block: u64,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> io::Result<AdminReply> {
        let reply = self.port.nvme_read(block, buffer, timeout);
        self.trace
            .note("NVMe read 02 of one block".into(), nvme_status(&reply));
        reply
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        let reply = self.port.mmc_ext_csd();
        let status = match &reply {
            Ok(_) => "read".to_owned(),
            Err(error) => error.to_string(),
        };
        self.trace.note("MMC CMD8 SEND_EXT_CSD".into(), status);
        reply
    }

    fn mmc(&self, commands: &[MmcCommand], timeout: Duration) -> io::Result<Vec<u32>> {
        let reply = self.port.mmc(commands, timeout);
        let sent = commands
            .iter()
            .map(|command| format!("CMD{} {:08x}", command.index, command.argument));
        let status = match &reply {
            Ok(responses) => {
                let words = responses.iter().map(|word| format!("{word:08x}"));
                format!("R1 {}", words.collect::<Vec<_>>().join(" "))
            }
            Err(error) => error.to_string(),
        };
        let sent = sent.collect::<Vec<_>>().join(", ");
        self.trace.note(format!("MMC {sent}"), status);
        reply
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.port.read_at(buffer, offset_bytes)
    }
}

fn nvme_status(reply: &io::Result<AdminReply>) -> String {
    match reply {
        Ok(reply) => format!(
            "status {:x}/{:02x}",
            reply.status >> 8 & 7,
            reply.status & 0xff
        ),
        Err(error) => error.to_string(),
    }
}

fn bytes(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(" ")
}

fn scsi_status(reply: &io::Result<ScsiReply>) -> String {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return error.to_string(),
    };
    let mut status = format!("status {:02x}", reply.status);
    if reply.host_status != 0 {
        status += &format!(", host {:x}", reply.host_status);
    }
    if !reply.sense.is_empty() {
        match Sense::parse(&reply.sense) {
            Some(sense) => status += &format!(", {sense}"),
            None => status += &format!(", sense {}", bytes(&reply.sense)),
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::{Answer, LINES_MAX, Port, Trace, Traced};
    use crate::mmc::change;
    use crate::port::{AdminCommand, AdminReply, Data, MmcCommand, ScsiReply};
    use std::io;
    use std::time::Duration;

    /// Refuses SCSI with fixed sense 5/20/00 and cannot do the rest.
    struct Refusing;

    impl Port for Refusing {
        fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
            let mut sense = vec![0x70, 0, 0x05, 0, 0, 0, 0, 10];
            sense.extend([0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0]);
            Ok(ScsiReply {
                status: 2,
                host_status: 0,
                driver_status: 8,
                sense,
                residual_bytes: 0,
                duration_ms: 1,
            })
        }
        fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
            Err(io::Error::other("no such door"))
        }
        fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
            Err(io::Error::other("no such door"))
        }
        fn mmc(&self, commands: &[MmcCommand], _: Duration) -> io::Result<Vec<u32>> {
            Ok(vec![0x900; commands.len()])
        }
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
            Err(io::Error::other("no such door"))
        }
    }

    #[test]
    fn commands_are_kept_with_their_answers_and_repeats_are_counted() {
        let trace = Trace::default();
        let port = Traced::new(Refusing, trace.clone());
        for _ in 0..3 {
            let _ = port.scsi(&[0x35, 0, 0], Data::None, Duration::ZERO);
        }
        let command = AdminCommand {
            opcode: 6,
            cdw10: 1,
            ..AdminCommand::default()
        };
        let _ = port.nvme_admin(&command, Data::None, Duration::ZERO);
        let answers = trace.answers();
        assert_eq!(answers.len(), 2, "{answers:?}");
        assert_eq!(answers[0].command, "SCSI 35 00 00");
        assert_eq!(answers[0].count, 3);
        assert!(answers[0].status.contains("status 02"), "{answers:?}");
        assert!(
            answers[0].status.contains("5/20/00") || answers[0].status.contains("illegal"),
            "{answers:?}"
        );
        assert_eq!(
            answers[1],
            Answer {
                command: "NVMe admin 06 nsid 0 cdw10 00000001 cdw11 00000000".into(),
                status: "no such door".into(),
                count: 1,
            }
        );
    }

    #[test]
    fn commands_of_an_emmc_are_kept_with_their_arguments_and_statuses() {
        let trace = Trace::default();
        let port = Traced::new(Refusing, trace.clone());
        let erase = change::erase(0, 0x3FF, change::Erase::Groups);
        let reply = port.mmc(&erase, Duration::from_secs(1));
        assert_eq!(reply.expect("carried"), [0x900; 3]);
        let answers = trace.answers();
        let said = (answers[0].command.as_str(), answers[0].status.as_str());
        let command = "MMC CMD35 00000000, CMD36 000003ff, CMD38 00000000";
        assert_eq!(said, (command, "R1 00000900 00000900 00000900"));
    }

    #[test]
    fn trace_is_bounded_and_says_what_it_left_out() {
        let trace = Trace::default();
        let note = |numbers: std::ops::Range<usize>| {
            numbers.for_each(|number| trace.note(number.to_string(), String::new()));
        };
        note(0..LINES_MAX);
        let whole = trace.answers();
        assert_eq!(whole.len(), LINES_MAX);
        note(LINES_MAX..LINES_MAX + 10);
        let cut = trace.answers();
        assert_eq!(cut[..LINES_MAX], whole[..]);
        let said = [("further commands", "10 more answers were left out")];
        let last = cut[LINES_MAX..].iter();
        let last: Vec<_> = last.map(|line| (&*line.command, &*line.status)).collect();
        assert_eq!(last, said);
    }
}
