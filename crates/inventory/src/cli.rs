//! The command line. Commands other than `serve` open the same folder while the service runs.

use crate::data::Data;
use crate::netboot::Netboot;
use crate::store::Store;
use crate::store::reports::Source;
use crate::store::stations::Decision;
use crate::{app, image, import, log, netboot, serve, signers};
use anyhow::{Context, Result, bail, ensure};
use axum::Extension;
use clap::{Args, Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};
use report::api::StationState;
use report::receipt::{Chain, sha256_hex};
use report::sign;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use stick::Configuration;

/// Longest time that a token or an arming lasts.
const HOURS_MAX: i64 = 24;

/// The workshop's inventory: enrols stations, arms unattended erasing, keeps signed reports.
#[derive(Parser)]
#[command(name = "raz-inventory", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Folder {
    /// The service's folder: certificate, receipt key and database.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Serve stations and pages over TLS; the first start makes the folder.
    ///
    /// Prints the address, the certificate's pin (`raz.pin=`) and the service key's fingerprint.
    /// The pages show machine serials to whoever reaches the address; they change nothing.
    Serve {
        #[command(flatten)]
        folder: Folder,
        /// Address and port; port 0 takes a free one.
        #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8443")]
        listen: SocketAddr,
        /// Serve these files, too, to PCs that start over the network: target/image/netboot of the
        /// checkout. Over plain HTTP, and read once, at the start.
        #[arg(long, value_name = "DIR")]
        netboot: Option<PathBuf>,
        /// Address and port for them; a PC that starts by PXE asks at port 8480.
        #[arg(long, value_name = "ADDR:PORT", requires = "netboot",
              default_value_t = SocketAddr::from(([0, 0, 0, 0], netboot::PORT)))]
        netboot_listen: SocketAddr,
    },
    /// Print a configuration of dnsmasq with which PCs find what `serve --netboot` serves.
    Dnsmasq(netboot::dnsmasq::Options),
    /// Print the SHA-256 of the TLS certificate, for `raz.pin=`.
    Pin {
        #[command(flatten)]
        folder: Folder,
    },
    /// Tokens with which stations enrol.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Stations: list them, accept one after comparing its fingerprint, revoke one.
    #[command(subcommand)]
    Station(StationCommand),
    /// Allow unattended erasing, until a time and for a number of machines.
    ///
    /// Replaces an arming that holds. Only accepted stations are armed.
    Arm {
        #[command(flatten)]
        folder: Folder,
        /// End: RFC 3339, or from now as +30m or +2h; at most 24 hours away.
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Most machines; the same machine counts once.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        max_machines: u32,
    },
    /// End the arming now.
    Disarm {
        #[command(flatten)]
        folder: Folder,
    },
    /// The ISO for sticks and discs.
    #[command(subcommand)]
    Image(ImageCommand),
    /// Take reports that were made without the service, by a person who confirms their keys.
    ///
    /// Receipts and pages say of such a report who brought it, and that the station was not known. No
    /// key becomes a station by it.
    Import(import::Options),
    /// Receipts.
    #[command(subcommand)]
    Receipts(ReceiptsCommand),
    /// Print the lines with which `ssh-keygen -Y verify` knows the stations.
    AllowedSigners {
        #[command(flatten)]
        folder: Folder,
        /// Write FILE and, signed by the service key, FILE.sig instead.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Print a new token: it enrols one station, once, and never erases.
    New {
        #[command(flatten)]
        folder: Folder,
        /// Hours that it lasts.
        #[arg(long, value_name = "N", default_value_t = 24,
              value_parser = clap::value_parser!(i64).range(1..=HOURS_MAX))]
        hours: i64,
    },
    /// End every token that no station has used: after a stick was lost.
    ///
    /// Stations that have enrolled stay: see `station list` and `station revoke`.
    Revoke {
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Subcommand)]
enum ImageCommand {
    /// Copy an ISO of raz with this service's address, pin and a new token in its `raz.toml`.
    ///
    /// The copy has mode 0600: who has it can enrol one station, which a person must then accept.
    Configure(Configure),
}

#[derive(Args)]
struct Configure {
    /// The ISO; it stays as it is.
    iso: PathBuf,
    /// The copy, a new file.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    folder: Folder,
    /// Address of the service as the stations reach it, such as `https://192.168.1.10:8443`.
    #[arg(long, value_name = "URL")]
    server: String,
    /// Hours that the token lasts.
    #[arg(long, value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(i64).range(1..=HOURS_MAX))]
    hours: i64,
    /// Language of the screens, `fr` or `en`.
    #[arg(long, value_name = "LANG")]
    lang: Option<String>,
    /// Layout of the keyboards: `be`, `ch`, `de`, `es`, `fr`, `gb`, `it`, `us`; by the language when absent.
    #[arg(long, value_name = "LAYOUT")]
    keyboard: Option<String>,
    /// `clear`, `purge` or `auto`.
    #[arg(long)]
    level: Option<String>,
    /// Lot, for the reports.
    #[arg(long)]
    lot: Option<String>,
    /// Operator, for the reports.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Serial or id of a drive that is never erased; may be repeated.
    #[arg(long, value_name = "SERIAL")]
    keep: Vec<String>,
    /// Plan every drive unattended; erased only when armed.
    #[arg(long)]
    auto: bool,
    /// Power off when everything is proven and the service has the report.
    #[arg(long)]
    poweroff: bool,
}

#[derive(Subcommand)]
enum StationCommand {
    /// List the stations, those that wait first.
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Accept a station whose fingerprint is the same on both screens.
    Accept {
        #[command(flatten)]
        folder: Folder,
        /// `SHA256:…`, in full.
        fingerprint: String,
    },
    /// Revoke a station for good: it enrols again with a new key only.
    Revoke {
        #[command(flatten)]
        folder: Folder,
        /// `SHA256:…`, in full.
        fingerprint: String,
    },
}

#[derive(Subcommand)]
enum ReceiptsCommand {
    /// Check the whole chain, and each report's bytes and signature under it.
    Verify {
        #[command(flatten)]
        folder: Folder,
    },
}

/// Parses the arguments and runs. Exit status: 0 done, 1 not done, 2 usage.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("raz-inventory: starting: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("raz-inventory: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<()> {
    let now = Timestamp::now();
    match command {
        Command::Serve {
            folder,
            listen,
            netboot,
            netboot_listen,
        } => {
            let netboot = netboot.map(|files| (files, netboot_listen));
            start(&folder.data, listen, netboot).await
        }
        Command::Dnsmasq(options) => say(netboot::dnsmasq::configuration(&options)?.trim_end()),
        Command::Pin { folder } => say(&Data::open(&folder.data)?.identity()?.pin()),
        Command::Token(TokenCommand::New { folder, hours }) => {
            let store = Data::open(&folder.data)?.store().await?;
            say(&issued(&store, hours, now).await?)
        }
        Command::Token(TokenCommand::Revoke { folder }) => {
            let store = Data::open(&folder.data)?.store().await?;
            let ended = store.end_tokens(now.as_second()).await?;
            say(&format!("{ended} tokens ended"))
        }
        Command::Image(ImageCommand::Configure(options)) => configure(options, now).await,
        Command::Station(StationCommand::List { folder }) => list(&folder.data).await,
        Command::Station(StationCommand::Accept {
            folder,
            fingerprint,
        }) => {
            let store = Data::open(&folder.data)?.store().await?;
            decided(
                store.accept(&whole(&fingerprint), now.as_second()).await?,
                "accepted",
            )
        }
        Command::Station(StationCommand::Revoke {
            folder,
            fingerprint,
        }) => {
            let store = Data::open(&folder.data)?.store().await?;
            decided(
                store.revoke(&whole(&fingerprint), now.as_second()).await?,
                "revoked",
            )
        }
        Command::Arm {
            folder,
            until,
            max_machines,
        } => {
            let until = end_of_arming(&until, now)?;
            let store = Data::open(&folder.data)?.store().await?;
            store
                .arm(until.as_second(), max_machines, now.as_second())
                .await?;
            say(&format!("armed until {until} for {max_machines} machines"))
        }
        Command::Disarm { folder } => {
            let store = Data::open(&folder.data)?.store().await?;
            match store.disarm(now.as_second()).await? {
                true => say("disarmed"),
                false => say("nothing was armed"),
            }
        }
        Command::Import(options) => import::run(options).await,
        Command::Receipts(ReceiptsCommand::Verify { folder }) => verify(&folder.data).await,
        Command::AllowedSigners { folder, out } => allowed_signers(&folder.data, out).await,
    }
}

async fn start(
    folder: &Path,
    listen: SocketAddr,
    netboot: Option<(PathBuf, SocketAddr)>,
) -> Result<()> {
    let data = Data::open_or_create(folder)?;
    let identity = data.identity()?;
    let service_key = data.service_key()?;
    let fingerprint = service_key.fingerprint();
    let store = data.store().await?;
    let bind = async |address: SocketAddr| {
        let listener = tokio::net::TcpListener::bind(address).await;
        listener.with_context(|| format!("listening on {address}"))
    };
    let listener = bind(listen).await?;
    let address = listener.local_addr()?;
    say(&format!("listening https://{address}/"))?;
    say(&format!("pin {}", identity.pin()))?;
    let netboot = match netboot {
        None => None,
        Some((files, listen)) => {
            let files = Netboot::read(&files, store.clone(), address, identity.pin())?;
            let listener = bind(listen).await?;
            say(&format!("netboot http://{}/", listener.local_addr()?))?;
            Some((listener, netboot::router(files)))
        }
    };
    say(&format!("service-key {fingerprint}"))?;
    if !address.ip().is_loopback() {
        log::line("the pages show machine serials to whoever reaches this address");
    }
    let router = app::router(store, service_key);
    let tls = Some(identity.server_config()?);
    let service = serve::serve(listener, tls, |_| router.clone());
    match netboot {
        None => service.await,
        Some((listener, router)) => {
            let files = |ends| router.clone().layer(Extension(ends));
            tokio::try_join!(service, serve::serve(listener, None, files)).map(drop)
        }
    }
}

async fn list(folder: &Path) -> Result<()> {
    let store = Data::open(folder)?.store().await?;
    for station in store.stations().await? {
        let state = match station.state {
            StationState::Pending => "pending ",
            StationState::Accepted => "accepted",
            StationState::Revoked => "revoked ",
        };
        let enrolled = Timestamp::from_second(station.enrolled_s)?;
        say(&format!(
            "{state} {} {enrolled} {}",
            station.fingerprint, station.name
        ))?;
    }
    Ok(())
}

async fn verify(folder: &Path) -> Result<()> {
    let data = Data::open(folder)?;
    let store = data.store().await?;
    let key = data.service_key()?;
    let mut chain = Chain::new(key.public().clone());
    let last = store.last_number().await?;
    let mut imported = 0_u64;
    for number in 1..=last {
        let stored = store
            .report_number(number)
            .await
            .with_context(|| format!("receipt {number}"))?
            .with_context(|| format!("receipt {number}: it is missing"))?;
        let receipt = chain.push(&stored.receipt)?;
        let same = receipt.report_id == stored.entry.report_id
            && receipt.report_sha256 == sha256_hex(&stored.bytes)
            && receipt.station_fingerprint == stored.entry.fingerprint;
        ensure!(
            same,
            "receipt {number}: it is for other bytes than those stored"
        );
        let (signer, by_receipt) = match stored.entry.source {
            Source::Station(_) => {
                let station = store.station(&stored.entry.fingerprint).await?;
                let missing = || format!("receipt {number}: its station is missing");
                (station.with_context(missing)?.public_key, None)
            }
            Source::Imported(by) => {
                imported += 1;
                let signer = sign::signer(&stored.signature)
                    .with_context(|| format!("receipt {number}: its report's signature"))?;
                ensure!(
                    signer.fingerprint() == stored.entry.fingerprint,
                    "receipt {number}: its report is signed by another key"
                );
                (signer, Some(by))
            }
        };
        ensure!(
            receipt.imported.as_deref() == by_receipt.as_ref(),
            "receipt {number}: who brought its report is not what the receipt says"
        );
        let namespace = report::api::NAMESPACE_REPORT;
        sign::verify(&signer, namespace, &stored.bytes, &stored.signature)
            .with_context(|| format!("receipt {number}: its report's signature"))?;
    }
    let by_person = match imported {
        0 => String::new(),
        imported => format!(
            " {imported} of them of reports that a person imported, whose stations were not known;"
        ),
    };
    say(&format!(
        "receipts verified: {last},{by_person} the last is {}",
        chain.last().sha256
    ))
}

async fn allowed_signers(folder: &Path, out: Option<PathBuf>) -> Result<()> {
    let data = Data::open(folder)?;
    let key = data.service_key()?;
    let stations = data.store().await?.stations().await?;
    let text = signers::text(&key, &stations)?;
    let Some(path) = out else {
        print!("{text}");
        return Ok(());
    };
    let signature = key.sign(signers::NAMESPACE, text.as_bytes())?;
    let mut signature_path = path.clone().into_os_string();
    signature_path.push(".sig");
    for (path, text) in [(path, text), (PathBuf::from(signature_path), signature)] {
        let write = || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
        };
        write()
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn decided(decision: Decision, word: &str) -> Result<()> {
    match decision {
        Decision::Done(station) => say(&format!("{word} {} {}", station.fingerprint, station.name)),
        Decision::Unknown => bail!("no station has this fingerprint: see `station list`"),
        Decision::NotFrom(state) => {
            bail!("the station is {state:?}, for good: it enrols again with a new key")
        }
    }
}

/// A new token, which the store knows.
async fn issued(store: &Store, hours: i64, now: Timestamp) -> Result<String> {
    let token = new_token()?;
    let expires = now + SignedDuration::from_hours(hours);
    store.add_token(&token, expires.as_second()).await?;
    Ok(token)
}

async fn configure(options: Configure, now: Timestamp) -> Result<()> {
    let data = Data::open(&options.folder.data)?;
    let mut configuration = Configuration {
        server: Some(options.server),
        pin: Some(data.identity()?.pin()),
        lang: options.lang,
        keyboard: options.keyboard,
        level: options.level,
        lot: options.lot,
        operator: options.operator,
        keep: options.keep,
        auto_erase: options.auto,
        poweroff: options.poweroff,
        token: None,
    };
    // What is wrong costs no token.
    configuration.text()?;
    image::check(&options.iso, &options.output)?;
    configuration.token = Some(issued(&data.store().await?, options.hours, now).await?);
    image::configure(&options.iso, &options.output, &configuration.text()?)?;
    say(&format!(
        "{}: its token enrols one station within {} hours; if a stick of it is lost: `raz-inventory token revoke`",
        options.output.display(),
        options.hours
    ))
}

/// 160 random bits in hexadecimal: short enough to type, nothing to guess.
pub fn new_token() -> Result<String> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(hex::encode(bytes))
}

fn whole(fingerprint: &str) -> String {
    match fingerprint.starts_with("SHA256:") {
        true => fingerprint.to_owned(),
        false => format!("SHA256:{fingerprint}"),
    }
}

fn end_of_arming(text: &str, now: Timestamp) -> Result<Timestamp> {
    let wrong = || format!("--until {text}: an RFC 3339 time, or +30m, or +2h");
    let until = match text.strip_prefix('+') {
        None => text.parse::<Timestamp>().with_context(wrong)?,
        Some(rest) => {
            let unit = rest.chars().last().with_context(wrong)?;
            let number: i64 = rest
                .trim_end_matches(unit)
                .parse()
                .ok()
                .with_context(wrong)?;
            let minutes = match unit {
                'm' => number,
                'h' => number.saturating_mul(60),
                _ => bail!(wrong()),
            };
            ensure!(
                (0..=HOURS_MAX * 60).contains(&minutes),
                "--until {text}: at most +24h"
            );
            now + SignedDuration::from_mins(minutes)
        }
    };
    ensure!(until > now, "--until {text}: this time is over");
    let longest = now + SignedDuration::from_hours(HOURS_MAX);
    ensure!(
        until <= longest,
        "--until {text}: at most {HOURS_MAX} hours away"
    );
    Ok(until)
}

/// A line on standard output, which others read while the service runs.
pub fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("writing to standard output")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn end_of_arming_is_ahead_and_within_a_day() {
        let now: Timestamp = "2026-03-14T10:00:00Z".parse().unwrap();
        let end = |text| end_of_arming(text, now).ok().map(|until| until.to_string());
        assert_eq!(end("+30m").as_deref(), Some("2026-03-14T10:30:00Z"));
        assert_eq!(end("+24h").as_deref(), Some("2026-03-15T10:00:00Z"));
        assert_eq!(
            end("2026-03-14T12:00:00+01:00").as_deref(),
            Some("2026-03-14T11:00:00Z")
        );
        for wrong in [
            "",
            "+",
            "+0m",
            "+25h",
            "-1h",
            "+1d",
            "+h",
            "+1",
            "+é",
            "+9223372036854775807h",
            "2026-03-14T10:00:00Z",
            "2026-03-16T10:00:00Z",
            "tomorrow",
        ] {
            assert_eq!(end(wrong), None, "{wrong:?}");
        }
    }
}
