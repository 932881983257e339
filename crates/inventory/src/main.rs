//! `raz-inventory`: the workshop's inventory service and its commands.

mod api;
mod app;
mod cli;
mod data;
mod image;
mod import;
mod ingest;
mod judge;
mod log;
mod netboot;
mod pages;
mod problem;
mod serve;
mod signers;
mod store;
mod tls;

fn main() -> std::process::ExitCode {
    cli::run()
}
