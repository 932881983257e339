//! The static binary `raz`: a table of contents.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use agent::cli::{Check, Cli, Command};
use agent::commands::{self, Status};
use agent::output;
use agent::session;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let status = run(&Cli::parse().command).unwrap_or_else(|error| {
        output::err(format_args!("raz: {error:#}\n"));
        Status::NotProven
    });
    let status = match output::take_failure() {
        Some(error) => {
            output::err(format_args!("raz: standard output: {error}\n"));
            status.max(Status::NotProven)
        }
        None => status,
    };
    ExitCode::from(status.code())
}

fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::Drives(arguments) => commands::drives::list(arguments),
        Command::Plan(arguments) => commands::plan::plan(arguments),
        Command::Wipe(arguments) => commands::wipe::wipe(arguments),
        Command::Unlock(arguments) => commands::unlock::unlock(arguments),
        Command::Revert(arguments) => commands::revert::revert(arguments),
        Command::Reformat(arguments) => commands::reformat::reformat(arguments),
        Command::Stick(arguments) => commands::stick::stick(arguments),
        Command::Sleep => commands::sleep::sleep(),
        Command::Verify(arguments) => commands::verify::verify(arguments),
        Command::Capture(arguments) => commands::capture::capture(arguments),
        Command::Machine(arguments) => commands::machine::machine(arguments),
        Command::Grade(arguments) => commands::grade::grade(arguments),
        Command::Check(Check::Ram(arguments)) => commands::check::ram(arguments),
        Command::Key(command) => commands::report::key(command),
        Command::Report(command) => commands::report::report(command),
        Command::Upload(arguments) => commands::upload::upload(arguments),
        Command::Session(arguments) => session::run(arguments),
        Command::Coldplug { modules } => commands::coldplug::coldplug(modules.as_deref()),
    }
}
