//! `raz unlock`: a drive that lost its power in an enhanced erase gets its password taken away.

use super::Status;
use crate::cli;
use crate::output::{self, printable, say, tell};
use crate::survey::Survey;
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::linux::LinuxPort;
use drive::port::Port;
use std::sync::Arc;
use wipe::native::security::{self, Unlocked};

/// Runs `raz unlock`.
///
/// # Errors
/// None of its own: what a drive says against it is told, and ends in a status.
pub fn unlock(arguments: &cli::Unlock) -> anyhow::Result<Status> {
    output::tell_if_not_root();
    let machine = Machine::this();
    let survey = Survey::take(&machine, &arguments.drives);
    let named = match survey.named(&machine, &arguments.drives) {
        Ok(named) => named,
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    let mut status = Status::Proven;
    for facts in named {
        let path = facts.path.display();
        match opened(facts) {
            Ok(Unlocked::Opened) => say!("{path}: unlocked: its password was raz's and is gone"),
            Ok(Unlocked::HadNone) => say!("{path}: it has no password"),
            Err(why) => {
                status = Status::NotProven;
                tell!("{path}: not unlocked: {}", printable(&why));
            }
        }
    }
    Ok(status)
}

fn opened(facts: &DriveFacts) -> Result<Unlocked, String> {
    if !facts.takes_ata_commands() {
        return Err("raz sets passwords on ATA drives only, and on none behind USB".into());
    }
    let port = LinuxPort::open(&facts.path).map_err(|error| error.to_string())?;
    let port: Arc<dyn Port> = Arc::new(port);
    security::unlock(&port)
}
