//! `raz capture`: a drive's answers in a file.

use super::Status;
use crate::capture::record;
use crate::cli;
use crate::compose;
use crate::output::{self, printable, say, tell};
use crate::survey::Survey;
use anyhow::{Context, bail};
use drive::discover::Machine;
use drive::facts::Silence;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Runs `raz capture`.
///
/// # Errors
/// A drive that may not be asked, or a file that cannot be written.
pub fn capture(arguments: &cli::Capture) -> anyhow::Result<Status> {
    output::tell_if_not_root();
    let machine = Machine::this();
    let file = &arguments.output;
    let name = match name(&machine, &arguments.drive).and_then(|name| free(file).map(|()| name)) {
        Ok(name) => name,
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    let drive = &arguments.drive;
    let what = format!("recorded by raz {}", env!("CARGO_PKG_VERSION"));
    let Some((mut capture, facts)) = record(&machine, &name, &what) else {
        bail!("{drive}: {name} has left the machine, or is not a drive that raz erases");
    };
    if let Some(Silence::Denied(reason)) = &facts.silent {
        bail!("{drive}: nothing to record: access denied: {reason}");
    }
    if let Some(model) = &facts.model {
        let kind = compose::transport(facts.transport);
        capture.what = printable(&format!("{what}: {kind}, {model}"));
    }
    write_new(file, &capture.to_json()?)?;
    match &facts.silent {
        None => {}
        Some(Silence::NoAnswer(why) | Silence::NotOpened(why) | Silence::Denied(why)) => {
            tell!(
                "{drive}: it does not say who it is ({}); recorded is what it did answer",
                printable(why)
            );
        }
    }
    tell!(
        "{}: holds the drive's serial number and names; none of its data",
        file.display()
    );
    say!("{}", file.display());
    Ok(Status::Proven)
}

/// Kernel name of the drive. By its path no other drive is asked, and this one not twice.
fn name(machine: &Machine, drive: &str) -> anyhow::Result<String> {
    if drive.contains('/') {
        return Ok(machine.resolve(Path::new(drive))?);
    }
    let names = [drive.to_owned()];
    let survey = Survey::take(machine, &names);
    let mut named = survey.named(machine, &names)?;
    named
        .pop()
        .map(|facts| facts.name.clone())
        .with_context(|| format!("{drive}: no drive"))
}

/// Nothing is there yet: told before the drive is asked.
fn free(file: &Path) -> anyhow::Result<()> {
    if file.symlink_metadata().is_ok() {
        bail!("{}: exists already and is not replaced", file.display());
    }
    Ok(())
}

/// Writes the whole document or leaves nothing.
fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let shown = file.display();
    let mut options = OpenOptions::new();
    let mut made = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("{shown}: making it"))?;
    let written = made
        .write_all(text.as_bytes())
        .and_then(|()| made.sync_all());
    written
        .inspect_err(|_| {
            // Half a document is worse than none; why it failed is told.
            let _ = fs::remove_file(file);
        })
        .with_context(|| format!("{shown}: writing it"))
}
