//! The static binary `raz`: a table of contents.

use agent::cli::{Cli, Command};
use agent::commands::{self, Status};
use agent::session;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(status) => ExitCode::from(status.code()),
        Err(error) => {
            eprintln!("raz: {error:#}");
            ExitCode::from(Status::NotProven.code())
        }
    }
}

fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::Drives(arguments) => commands::drives::list(arguments),
        Command::Plan(arguments) => commands::drives::plan(arguments),
        Command::Wipe(arguments) => commands::wipe::wipe(arguments),
        Command::Verify(arguments) => commands::verify::verify(arguments),
        Command::Machine(arguments) => commands::machine::machine(arguments),
        Command::Grade(arguments) => commands::machine::grade(arguments),
        Command::Key(command) => commands::report::key(command),
        Command::Report(command) => commands::report::report(command),
        Command::Upload(arguments) => commands::upload::upload(arguments),
        Command::Session(arguments) => session::run(arguments),
        Command::Coldplug { modules } => commands::coldplug::coldplug(modules.as_deref()),
    }
}
