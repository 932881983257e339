//! What a drive itself answers, on top of what sysfs shows.
//!
//! Two stages: *who are you*, which a claim and each re-check repeat, and everything else. Only
//! questions are sent. To a removable USB device only INQUIRY is: stick controllers hang on
//! commands that their kernel driver would not send.

mod ata;
mod health;
mod mmc;
mod nvme;
mod own_erase;
mod scsi;
mod tcg;
mod volumes;

pub use scsi::world_wide;

use super::attachment::Attachment;
use super::line::Line;
use super::sysfs::Node;
use crate::ata::Identify;
use crate::facts::{
    DriveFacts, HiddenCapacity, OwnErase, Sanitize, SanitizeCommands, Silence, Transport,
};
use crate::health::Health;
use crate::mmc::ExtCsd;
use crate::nvme::identify::SanitizeCapabilities;
use crate::nvme::{Controller, Namespace};
use crate::port::Port;
use std::sync::Arc;

/// What the questions need beside the facts.
#[derive(Clone, Debug)]
pub struct Context {
    /// The drive's folder.
    pub node: Node,
    /// Its place.
    pub attachment: Attachment,
    /// The kernel log so far.
    pub log: Arc<str>,
}

/// Facts with what the drive said, and whether it could be identified.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The facts.
    pub facts: DriveFacts,
    /// The identity is fresh from the drive; else why not, in words.
    pub identified: Result<(), String>,
}

/// What a drive says of itself, in the form of its kind.
enum Said {
    Ata(Box<Identify>),
    Scsi,
    Nvme(Box<(Controller, Namespace)>),
    Mmc(Box<ExtCsd>),
    /// The kernel knows all that can be known.
    Nothing,
}

/// Asks everything.
pub fn complete(mut facts: DriveFacts, context: &Context, port: &dyn Port) -> Answered {
    let line = Line::new(port);
    let said = match identify_on(&line, &mut facts, context) {
        Ok(said) => said,
        Err(reason) => return unidentified(facts, &line, reason),
    };
    let careful = asks_inquiry_only(&facts);
    facts.own_erase = own_erase::asked(&line, &facts, &said);
    match &said {
        Said::Ata(identify) => {
            let _ = scsi::geometry(&line, &mut facts);
            ata::capacity(&line, &mut facts, context, identify);
        }
        Said::Scsi if careful => {
            facts.hidden = HiddenCapacity::Unknown {
                reason: "a USB stick's controller does not tell".into(),
            };
        }
        Said::Scsi => {
            let capacity = scsi::geometry(&line, &mut facts);
            facts.blocks = (facts.transport == Transport::Scsi)
                .then(|| scsi::blocks(&line, capacity.as_ref()));
            facts.hidden = match facts.transport {
                Transport::Scsi => scsi::hidden(&line, &facts, capacity),
                Transport::RaidVolume | Transport::Network => HiddenCapacity::Unknown {
                    reason: "only the volume is visible, not the drives behind it".into(),
                },
                Transport::Ata
                | Transport::Usb
                | Transport::Nvme
                | Transport::Mmc
                | Transport::Sd
                | Transport::Virtio
                | Transport::Loop
                | Transport::Other => ata::unidentified(facts.transport),
            };
        }
        Said::Nvme(said) => {
            let (controller, namespace) = &**said;
            let nsid = nsid(context);
            facts.alone = nvme::capacity(&line, &mut facts, nsid, controller, namespace);
            facts.format = nvme::format(controller, namespace, nsid, &facts.alone);
        }
        Said::Mmc(register) => mmc::capacity(&mut facts, register),
        Said::Nothing => {}
    }
    if matches!(said, Said::Scsi) && !careful && is_bridges_serial(&facts) {
        facts
            .oddities
            .push("the serial is the USB bridge's, which other drives may come to share".into());
    }
    facts.tcg = tcg::asked(&line, &mut facts, &said);
    facts.sanitize = sanitize(&line, &mut facts, &said);
    if let (Ok(_), Err(others)) = (&facts.sanitize, &facts.alone) {
        facts.sanitize = Err(format!(
            "{others}; a sanitize would erase them with it, and nobody confirmed that"
        ));
    }
    facts.health = health_on(&line, &facts, &said);
    health::replaced_sectors(&mut facts);
    if facts.own_erase.is_some_and(OwnErase::is_under_way) {
        // The kernel would hold each read for minutes. What is on the medium is not known.
        facts.volumes_unread = true;
    } else {
        volumes::read(&line, &mut facts, &context.node);
    }
    if let Some(reason) = line.silent() {
        facts.oddities.push(format!("stopped answering: {reason}"));
    }
    // The first open of a removable medium may count as its arrival.
    facts.disk_sequence = context.node.number("diskseq");
    Answered {
        facts,
        identified: Ok(()),
    }
}

/// Asks only who the drive is.
pub fn identify(mut facts: DriveFacts, context: &Context, port: &dyn Port) -> Answered {
    let line = Line::new(port);
    match identify_on(&line, &mut facts, context) {
        Ok(_) => Answered {
            facts,
            identified: Ok(()),
        },
        Err(reason) => unidentified(facts, &line, reason),
    }
}

/// Asks who the drive is and how it is.
pub fn health(mut facts: DriveFacts, context: &Context, port: &dyn Port) -> Result<Health, String> {
    let line = Line::new(port);
    let said = identify_on(&line, &mut facts, context)?;
    Ok(health_on(&line, &facts, &said))
}

fn unidentified(mut facts: DriveFacts, line: &Line<'_>, reason: String) -> Answered {
    facts
        .oddities
        .push(format!("cannot be identified: {reason}"));
    facts.health = Health::not_read(&reason);
    facts.silent = Some(if line.is_denied() {
        Silence::Denied(reason.clone())
    } else {
        Silence::NoAnswer(reason.clone())
    });
    Answered {
        facts,
        identified: Err(reason),
    }
}

fn identify_on(line: &Line<'_>, facts: &mut DriveFacts, context: &Context) -> Result<Said, String> {
    let is_nvme = !context.attachment.nvme_controllers.is_empty();
    match facts.transport {
        Transport::Ata | Transport::Scsi | Transport::Usb | Transport::RaidVolume => {
            scsi_family(line, facts)
        }
        Transport::Nvme | Transport::Network if is_nvme => {
            let said = nvme::identify(line, facts, nsid(context))?;
            Ok(Said::Nvme(Box::new(said)))
        }
        // A network block device without a SCSI device behind it has nobody to ask.
        Transport::Network if context.attachment.device.is_some() => scsi_family(line, facts),
        Transport::Mmc => Ok(Said::Mmc(Box::new(mmc::register(line)?))),
        Transport::Nvme
        | Transport::Network
        | Transport::Sd
        | Transport::Virtio
        | Transport::Loop
        | Transport::Other => Ok(Said::Nothing),
    }
}

fn scsi_family(line: &Line<'_>, facts: &mut DriveFacts) -> Result<Said, String> {
    let careful = asks_inquiry_only(facts);
    scsi::identify(line, facts, !careful)?;
    let through_sat = facts.takes_ata_commands() || (facts.transport == Transport::Usb && !careful);
    let said = through_sat.then(|| ata::identify(line, facts)).flatten();
    if let Some(reason) = line.silent() {
        return Err(reason);
    }
    Ok(said.map_or(Said::Scsi, |said| Said::Ata(Box::new(said))))
}

/// Commands that the path carries whole: no USB bridge is trusted with them.
fn sanitize(line: &Line<'_>, facts: &mut DriveFacts, said: &Said) -> Result<Sanitize, String> {
    let none = |reason: &str| Err(reason.to_owned());
    match said {
        _ if facts.transport == Transport::Usb => {
            none("a USB bridge is not trusted with sanitize commands: attach the drive directly")
        }
        Said::Ata(identify) => match identify.sanitize {
            Some(offered) => {
                let offered = Sanitize {
                    block_erase: offered.block_erase,
                    crypto_erase: offered.crypto_scramble,
                    overwrite: offered.overwrite,
                    commands: SanitizeCommands::Ata,
                };
                if !ata::is_sanitize_frozen(line) {
                    return Ok(offered);
                }
                facts.sanitize_frozen = Some(offered);
                none(
                    "its sanitize commands are frozen until its power goes: a person at the machine can have raz let it sleep and wake (`raz wipe --thaw`, or the question at the screen), or switch the drive off and on",
                )
            }
            None => none("IDENTIFY DEVICE names no sanitize feature set"),
        },
        Said::Nvme(said) => match said.0.sanitize {
            offered if offered.is_supported() => Ok(Sanitize {
                block_erase: offered.block_erase,
                crypto_erase: offered.crypto_erase,
                overwrite: offered.overwrite,
                commands: SanitizeCommands::Nvme(SanitizeCapabilities {
                    media_verification: offered.media_verification && nvme::is_plain(&said.1),
                    ..offered
                }),
            }),
            _ => none("Identify Controller names no sanitize command (SANICAP 0)"),
        },
        Said::Scsi
            if facts.transport == Transport::Scsi
                && facts.own_erase == Some(OwnErase::SanitizeFailed) =>
        {
            Ok(scsi::untold_sanitize(line))
        }
        Said::Scsi if facts.transport == Transport::Scsi => scsi::sanitize(line),
        Said::Scsi => none("only the volume is visible, not the drives behind it"),
        Said::Mmc(register) => mmc::sanitize(facts, register),
        Said::Nothing => none("this kind of drive has no sanitize commands"),
    }
}

fn is_bridges_serial(facts: &DriveFacts) -> bool {
    let bridge = facts
        .bridge
        .as_ref()
        .and_then(|bridge| bridge.serial.as_deref());
    bridge.is_some() && bridge == facts.identity.serial.as_deref()
}

fn asks_inquiry_only(facts: &DriveFacts) -> bool {
    facts.transport == Transport::Usb && facts.removable
}

fn health_on(line: &Line<'_>, facts: &DriveFacts, said: &Said) -> Health {
    match said {
        Said::Ata(identify) => health::ata(line, identify),
        Said::Scsi if asks_inquiry_only(facts) => {
            Health::not_read("a USB stick's controller does not tell")
        }
        Said::Scsi => health::scsi(line),
        Said::Nvme(_) => health::nvme(line),
        Said::Mmc(register) => Health::from_mmc(register),
        Said::Nothing => Health::not_read("this kind of drive has no health to ask for"),
    }
}

fn nsid(context: &Context) -> u32 {
    let nsid = context
        .node
        .number("nsid")
        .and_then(|nsid| u32::try_from(nsid).ok());
    nsid.unwrap_or(0)
}
