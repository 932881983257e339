//! Hidden capacity is given back before a drive is erased.
//!
//! What a command answers decides nothing: HBAs swallow commands and zero their registers. What counts
//! is what the drive says of its capacity when it is asked again ([`judge`]), and even that is only
//! the drive's word until discovery, the kernel and the read-back of every byte have agreed to it.
//! Limits: HPA and AMAC (`ata`), a device configuration overlay (`ata`), mode parameters (`scsi`).
//! Order and traps: ACS-3 7.44 and 7.45, ACS-4 7.2.4, ATA/ATAPI-7 6.20, SBC-4 6.5.2.

mod ata;
mod scsi;

use drive::facts::{DriveFacts, HiddenCapacity, Transport};
use drive::port::{Data, Port, ScsiReply};
use drive::scsi::Sense;
use std::fmt;
use std::time::Duration;

/// Time for one command. A drive may write its limits to the medium before it answers.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A drive says UNIT ATTENTION once for each thing that happened to it; then it answers.
const TRIES: usize = 4;
const GOOD: u8 = 0x00;
const KEY_UNIT_ATTENTION: u8 = 6;

/// The world around a restoration.
pub trait Surroundings: Send + Sync {
    /// Reads the drive's identity anew and compares it with what was confirmed.
    ///
    /// # Errors
    /// It cannot be read or is another one, in words.
    fn recheck_identity(&self) -> Result<(), String>;
}

/// What limits a drive's capacity, and so how it is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// HPA, AMAC and device configuration.
    Ata {
        /// The kernel opened an HPA for this boot, so that the drive's answers agree: the limit is
        /// set for good all the same.
        opened: bool,
    },
    /// The number of blocks in the mode parameters.
    Scsi,
}

impl Limits {
    /// What is to be lifted; `None` where nothing is known to be hidden, and behind USB bridges, RAID
    /// controllers and networks, which may take such a command for another one.
    #[must_use]
    pub fn of(facts: &DriveFacts) -> Option<Self> {
        let opened = match facts.hidden {
            HiddenCapacity::Hidden { .. } => false,
            HiddenCapacity::OpenedForThisBoot { .. } => true,
            HiddenCapacity::NotApplicable
            | HiddenCapacity::None { .. }
            | HiddenCapacity::Unknown { .. } => return None,
        };
        match facts.transport {
            _ if facts.takes_ata_commands() => Some(Self::Ata { opened }),
            Transport::Scsi => Some(Self::Scsi),
            Transport::Ata
            | Transport::Nvme
            | Transport::Usb
            | Transport::Mmc
            | Transport::Sd
            | Transport::Virtio
            | Transport::Loop
            | Transport::RaidVolume
            | Transport::Network
            | Transport::Other => None,
        }
    }
}

/// One command that was sent to change or to ask, and what it brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub command: &'static str,
    /// The command block in hexadecimal.
    pub bytes: String,
    /// Registers, sense or the kernel's error.
    pub answer: String,
}

/// The drive's capacity at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Sectors that can be addressed.
    pub sectors: u64,
    /// Bytes of each.
    pub sector_bytes: u32,
    /// Sectors that it has by the largest of its answers.
    pub most: u64,
    /// Questions that it left open, in words.
    pub unknown: Vec<String>,
}

/// A change that the drive did not make, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the command.
    pub command: &'static str,
    /// What came back.
    pub answer: String,
}

/// Everything that was seen of one restoration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Before; an error in words when it could not be read, and nothing was sent then.
    pub before: Result<Look, String>,
    /// Every command, in order.
    pub steps: Vec<Step>,
    /// The last change that was refused.
    pub refused: Option<Refusal>,
    /// What was changed stays when the power goes, as far as the drive shows.
    pub lasting: bool,
    /// Afterwards.
    pub after: Result<Look, String>,
    /// Why the identity does not hold any more.
    pub identity_lost: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The drive answers all questions, and all of its sectors can be addressed.
    Restored {
        /// Sectors before.
        from: u64,
        /// Sectors now.
        to: u64,
        /// It stays so when the power goes. False: a second lasting change was taken, which a drive
        /// refuses until it was switched off, so that the first was none.
        for_good: bool,
    },
    /// Something stays hidden, or may.
    NotRestored {
        /// Why.
        reason: Reason,
        /// Sectors that can be addressed now; `None` when the drive does not say.
        left: Option<u64>,
    },
    /// It is not the drive that it was: smaller, or of another identity. It must not be written.
    Wrong(String),
}

/// Why something stays hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The drive refused the command.
    Refused(Refusal),
    /// Nothing was refused, and the capacity is still not all.
    NoEffect,
    /// An area that the kernel opened could not be shown to stay open.
    NotLasting,
    /// A question stays without an answer.
    Unanswered(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(
                f,
                "the drive refused {} ({})",
                refusal.command, refusal.answer
            ),
            Self::NoEffect => f.write_str("the drive took the commands and changed nothing"),
            Self::NotLasting => {
                f.write_str("the area is open until the power goes, and not longer")
            }
            Self::Unanswered(why) => write!(f, "the drive leaves it open: {why}"),
        }
    }
}

impl Reason {
    /// What the operator can do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Refused(_) => {
                "switch the machine off, not only restart it, and begin again: a drive takes one such change until its power goes, and firmware may have frozen it; if it refuses again, a SET MAX password may protect it: have the drive destroyed"
            }
            Self::NoEffect | Self::NotLasting => {
                "attach the drive to another controller: this one may not pass the command on as it is"
            }
            Self::Unanswered(_) => "attach the drive to another controller, or have it destroyed",
        }
    }
}

/// Gives hidden sectors back. Blocks for as long as the drive takes. Nothing is sent to a drive whose
/// capacity or identity cannot be read, and each limit is lifted only when the answers show it.
#[must_use]
pub fn run(limits: Limits, port: &dyn Port, surroundings: &dyn Surroundings) -> Evidence {
    let mut talk = Talk::over(port);
    let before = look(limits, &mut talk);
    let mut identity_lost = None;
    let after = match (&before, surroundings.recheck_identity()) {
        (Err(why), _) => Err(why.clone()),
        (Ok(look), Err(why)) => {
            identity_lost = Some(why);
            Ok(look.clone())
        }
        (Ok(_), Ok(())) => {
            match limits {
                Limits::Ata { opened } => ata::lift(&mut talk, opened),
                Limits::Scsi => scsi::lift(&mut talk),
            }
            identity_lost = surroundings.recheck_identity().err();
            look(limits, &mut talk)
        }
    };
    Evidence {
        before,
        steps: talk.steps,
        refused: talk.refused,
        lasting: talk.lasting,
        after,
        identity_lost,
    }
}

fn look(limits: Limits, talk: &mut Talk<'_>) -> Result<Look, String> {
    match limits {
        Limits::Ata { .. } => ata::look(talk).map(|seen| seen.look),
        Limits::Scsi => scsi::look(talk),
    }
}

/// What may be said of it.
#[must_use]
pub fn judge(evidence: &Evidence) -> Outcome {
    if let Some(why) = &evidence.identity_lost {
        return Outcome::Wrong(why.clone());
    }
    let unanswered = |why: &String| Outcome::NotRestored {
        reason: Reason::Unanswered(why.clone()),
        left: None,
    };
    let (before, after) = match (&evidence.before, &evidence.after) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(why), _) | (_, Err(why)) => return unanswered(why),
    };
    if after.sectors < before.sectors || after.sector_bytes != before.sector_bytes {
        return Outcome::Wrong(format!(
            "has {} sectors of {} bytes now, not {} of {}",
            after.sectors, after.sector_bytes, before.sectors, before.sector_bytes
        ));
    }
    let is_open = after.sectors >= after.most && after.unknown.is_empty();
    if is_open && (after.sectors > before.sectors || evidence.lasting) {
        return Outcome::Restored {
            from: before.sectors,
            to: after.sectors,
            for_good: evidence.lasting,
        };
    }
    let reason = match (&evidence.refused, after.unknown.first()) {
        (Some(refusal), _) => Reason::Refused(refusal.clone()),
        (None, Some(why)) => Reason::Unanswered(why.clone()),
        (None, None) if is_open => Reason::NotLasting,
        (None, None) => Reason::NoEffect,
    };
    Outcome::NotRestored {
        reason,
        left: Some(after.sectors),
    }
}

/// A port, and what was said on it.
pub(crate) struct Talk<'a> {
    port: &'a dyn Port,
    steps: Vec<Step>,
    refused: Option<Refusal>,
    lasting: bool,
}

impl<'a> Talk<'a> {
    pub(crate) fn over(port: &'a dyn Port) -> Self {
        Self {
            port,
            steps: Vec::new(),
            refused: None,
            lasting: false,
        }
    }

    /// Sends a command once. `Ok(None)`: told of a reset instead of carrying it out.
    pub(crate) fn once(
        &mut self,
        command: &'static str,
        cdb: &[u8],
        data: Data<'_>,
    ) -> Result<Option<ScsiReply>, String> {
        let reply = self.port.scsi(cdb, data, TIMEOUT);
        let bytes: Vec<String> = cdb.iter().map(|byte| format!("{byte:02X}")).collect();
        self.steps.push(Step {
            command,
            bytes: bytes.join(" "),
            answer: match &reply {
                Ok(reply) => said(reply),
                Err(error) => error.to_string(),
            },
        });
        let reply = reply.map_err(|error| format!("{command}: {error}"))?;
        if reply.host_status != 0 {
            return Err(format!("{command}: {}", said(&reply)));
        }
        let sense = Sense::parse(&reply.sense);
        let is_attention = sense.is_some_and(|sense| sense.key == KEY_UNIT_ATTENTION);
        Ok((!is_attention).then_some(reply))
    }

    /// Sends a command until it is carried out.
    pub(crate) fn send(
        &mut self,
        command: &'static str,
        cdb: &[u8],
        out: Option<&[u8]>,
    ) -> Result<ScsiReply, String> {
        for _ in 0..TRIES {
            if let Some(reply) = self.once(command, cdb, out.map_or(Data::None, Data::Out))? {
                return Ok(reply);
            }
        }
        Err(format!("{command}: one reset after another"))
    }

    /// Asks for up to `length` bytes.
    pub(crate) fn ask(
        &mut self,
        command: &'static str,
        cdb: &[u8],
        length: usize,
    ) -> Result<Vec<u8>, String> {
        for _ in 0..TRIES {
            let mut data = vec![0; length];
            match self.once(command, cdb, Data::In(&mut data))? {
                None => {}
                Some(reply) if reply.status == GOOD => {
                    let unused = usize::try_from(reply.residual_bytes).unwrap_or(0);
                    data.truncate(length.saturating_sub(unused));
                    return Ok(data);
                }
                Some(reply) => return Err(format!("{command}: {}", said(&reply))),
            }
        }
        Err(format!("{command}: one reset after another"))
    }

    fn refused(&mut self, command: &'static str, answer: impl Into<String>) {
        self.refused = Some(Refusal {
            command,
            answer: answer.into(),
        });
    }
}

pub(crate) fn said(reply: &ScsiReply) -> String {
    let host = match reply.host_status {
        0 => String::new(),
        host => format!(", host status {host:02X}h"),
    };
    let sense: Vec<String> = reply
        .sense
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let sense = match sense.is_empty() {
        true => String::new(),
        false => format!(", sense {}", sense.join(" ")),
    };
    format!("status {:02X}h{host}{sense}", reply.status)
}
