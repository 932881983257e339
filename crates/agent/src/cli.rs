//! The command line: what can be asked of `raz`, in words good enough to learn from.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use wipe::job::VerifyMode;
use wipe::plan::Wanted;
use wipe::sample::Share;

/// Exit status of every command, repeated in `--help`.
const EXIT_STATUS: &str = "Exit status:
  0  all that was asked is proven
  1  something is not
  2  the command line is wrong
  3  refused for safety, nothing was written
  4  written in full and read back by sample, as was asked: not proven byte for byte";

/// raz erases drives, proves it by reading back, and signs what it proved.
#[derive(Debug, Parser)]
#[command(name = "raz", version, after_help = EXIT_STATUS, infer_subcommands = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List every drive, with the reasons against erasing it and what to do about them.
    ///
    /// Reads only. Loop devices are listed when they are named.
    Drives(Drives),
    /// Say how each drive would be erased and why so; nothing is written.
    ///
    /// With --capture, drives that were recorded elsewhere.
    Plan(Plan),
    /// Erase the named drives and prove it by reading everything back.
    ///
    /// Each drive is named by its path or id, and its id is given once more with --confirm
    /// (`raz drives` shows it). If one named drive is refused, nothing is written to any.
    ///
    /// Example: raz wipe /dev/sdb --confirm WDWCC4N1234567-3fa2c1 --report out
    #[command(after_help = EXIT_STATUS)]
    Wipe(Wipe),
    /// Take raz's temporary password away from a drive that lost its power in an erase.
    ///
    /// Its data is not touched. Another password is not tried.
    #[command(after_help = EXIT_STATUS)]
    Unlock(Unlock),
    /// Take the TCG lock (Opal) off a drive with the PSID printed on its label. ALL ITS DATA IS LOST.
    ///
    /// The PSID is 32 letters and digits; it is asked for, to be typed or scanned. The drive is then as
    /// it left the factory, by its own word, and no erasure is proven by that: `raz wipe` follows.
    ///
    /// Example: raz revert /dev/sdb --confirm S3YJNB0K123456-3fa2c1
    #[command(after_help = EXIT_STATUS)]
    Revert(Revert),
    /// Format a SAS disk anew that came from a storage array (blocks of 520, 528 or 4160 bytes), or whose
    /// format was cut off. ALL ITS DATA IS LOST.
    ///
    /// Linux drives blocks of 512 and 4096 bytes. It takes hours, and shows how far it is; a power cut
    /// leaves the disk unreadable until the command is given once more. No erasure is proven by it:
    /// `raz wipe` follows. Status 0: the disk says that it has such blocks, and Linux drives it.
    ///
    /// Example: raz reformat /dev/sdb --confirm 6SJ00001-3fa2c1
    #[command(after_help = EXIT_STATUS)]
    Reformat(Reformat),
    /// Make a stick of raz's ISO, with a volume for reports that takes the rest of it. ALL ITS DATA IS LOST.
    ///
    /// Only onto a drive on USB that nothing uses. Everything is read back and compared. Status 0: it is
    /// as it was to be.
    ///
    /// Example: raz stick raz-0.1.0.iso /dev/sdb --confirm 0123456789AB-3fa2c1
    #[command(after_help = EXIT_STATUS)]
    Stick(Stick),
    /// Try whether this machine can sleep (suspend to RAM) and wake by its clock's alarm.
    ///
    /// The alarm is proven first, while the machine is awake. Says which frozen drives have thawed.
    /// Changes no drive; refused while another program holds one. Status 0: it slept, woke, and every
    /// drive is back.
    #[command(after_help = EXIT_STATUS)]
    Sleep,
    /// Read a drive again and compare it with the pattern that a report names.
    ///
    /// Refused when the report's signature fails or the drive is another one. After a zero pass
    /// the drive can only be said to read as zeros: that proves nothing about the run.
    #[command(after_help = EXIT_STATUS)]
    Verify(Verify),
    /// Record one drive for those who work on raz: what the kernel shows of it and what it answers.
    ///
    /// Reads only, and works for refused drives too. The file holds the drive's serial number and
    /// names, none of its data, and not who uses it. See docs/capture.md.
    Capture(Capture),
    /// Show the computer around the drives.
    Machine(Json),
    /// Show the grade of this machine and the reasons, as far as it can be told without erasing; or
    /// grade again what reports hold, or what smartctl printed of a drive.
    ///
    /// Signatures are not checked here. Status 1: something named could not be graded.
    ///
    /// Example: raz grade --rules workshop.toml reports/*/report.json
    Grade(Grade),
    /// Test what only shows under test.
    #[command(subcommand)]
    Check(Check),
    /// Station keys.
    #[command(subcommand)]
    Key(Key),
    /// Look at a report.
    #[command(subcommand)]
    Report(ReportCommand),
    /// Send a report directory, or all unsent reports of a spool, to the inventory service.
    Upload(Upload),
    /// The console program of the live image: screens, consent, erase, report, upload.
    Session(Session),
    /// Load the kernel modules for the hardware that is there (the image's init calls it).
    #[command(hide = true)]
    Coldplug {
        /// Folder of the modules, with modules.alias and modules.dep.
        #[arg(long)]
        modules: Option<PathBuf>,
    },
}

/// Which drives, and in what form.
#[derive(Debug, Args)]
pub struct Drives {
    /// Drives by path or id; all of the machine when none is named.
    pub drives: Vec<String>,
    /// A JSON array for programs.
    #[arg(long)]
    pub json: bool,
}

/// `raz unlock`.
#[derive(Debug, Args)]
pub struct Unlock {
    /// Drives by path or id.
    #[arg(required = true)]
    pub drives: Vec<String>,
}

/// `raz revert`.
#[derive(Debug, Args)]
pub struct Revert {
    /// The drive by path or id.
    pub drive: String,
    /// Its id once more.
    #[arg(long, value_name = "ID")]
    pub confirm: String,
    /// Also where it is reached over a network, as for `raz wipe`: OTHERS MAY OWN IT.
    #[arg(long)]
    pub networked: bool,
}

/// `raz reformat`.
#[derive(Debug, Args)]
pub struct Reformat {
    /// The disk by path or id.
    pub drive: String,
    /// Its id once more.
    #[arg(long, value_name = "ID")]
    pub confirm: String,
}

/// `raz stick`.
#[derive(Debug, Args)]
pub struct Stick {
    /// The ISO, or a configured copy of it.
    pub iso: PathBuf,
    /// The stick by path or id.
    pub drive: String,
    /// Its id once more.
    #[arg(long, value_name = "ID")]
    pub confirm: String,
}

/// `raz plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// Drives by path or id; all of the machine when none is named.
    pub drives: Vec<String>,
    /// A recorded drive (`raz capture`) instead of one of this machine; repeatable.
    #[arg(long = "capture", value_name = "FILE", conflicts_with = "drives")]
    pub captures: Vec<PathBuf>,
    /// The level to reach, as for `raz wipe`: `clear`, `purge` or `auto`.
    #[arg(long, value_name = "LEVEL", value_parser = level, default_value = "clear")]
    pub level: Wanted,
    /// A JSON array for programs.
    #[arg(long)]
    pub json: bool,
}

/// `raz capture`.
#[derive(Debug, Args)]
pub struct Capture {
    /// The drive by path or id.
    pub drive: String,
    /// The file to make, readable by its owner only; an existing file is never replaced.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

/// What is graded, and by which rules.
#[derive(Debug, Args)]
pub struct Grade {
    /// Reports or their folders; this machine, when nothing is named.
    #[arg(value_name = "REPORT")]
    pub reports: Vec<PathBuf>,
    /// Outputs of `smartctl --json --all`, one drive each.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub smartctl: Vec<PathBuf>,
    /// A rule file in place of raz's own (crates/machine/rules/verdict.toml shows the form).
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// JSON for programs.
    #[arg(long)]
    pub json: bool,
}

/// Output form.
#[derive(Debug, Args)]
pub struct Json {
    /// JSON for programs.
    #[arg(long)]
    pub json: bool,
}

/// `raz check`.
#[derive(Debug, Subcommand)]
pub enum Check {
    /// Test the memory with all cores, and say how much of it was reached.
    ///
    /// Writes to memory that the kernel gives, never to a drive. 150 MiB or 5 percent stay free, and memory
    /// goes back when the machine needs it. As root, frames are counted and bad ones named; other users get
    /// no coverage. Status 0: no error in what was reached, which is never all (Memtest86+ reaches the
    /// rest). Status 1: an error, a memory error that the machine itself counted meanwhile, or no test came
    /// to its end.
    #[command(after_help = EXIT_STATUS)]
    Ram(Ram),
}

/// `raz check ram`.
#[derive(Debug, Args)]
pub struct Ram {
    /// `quick`: every pattern once, about fifty sweeps, no bit fade, 5 minutes at most. `deep`: about two
    /// hundred and bit fade, again and again for 30 minutes.
    #[arg(long, value_name = "HOW", value_parser = ["quick", "deep"], default_value = "quick")]
    pub budget: String,
    /// The tests of `deep`, again and again for so many minutes.
    #[arg(long, value_name = "N", conflicts_with = "budget",
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub minutes: Option<u64>,
    /// JSON for programs.
    #[arg(long)]
    pub json: bool,
}

/// `full`, `none`, `sampled` or `sampled=PERCENT`.
fn verify_mode(text: &str) -> Result<VerifyMode, String> {
    let (least, most) = (Share::MIN.percent(), Share::MAX.percent());
    match text.split_once('=') {
        None if text == "full" => Ok(VerifyMode::Full),
        None if text == "none" => Ok(VerifyMode::None),
        None if text == "sampled" => Ok(VerifyMode::Sampled(Share::MIN)),
        Some(("sampled", percent)) => percent
            .parse()
            .ok()
            .and_then(Share::new)
            .map(VerifyMode::Sampled)
            .ok_or_else(|| {
                format!("a sample is {least} to {most} percent of the drive, a whole number; for all of it: full")
            }),
        _ => Err("not one of full, sampled, sampled=PERCENT, none".into()),
    }
}

/// `clear`, `purge` or `auto`.
pub(crate) fn level(text: &str) -> Result<Wanted, String> {
    match text {
        "clear" => Ok(Wanted::Clear),
        "purge" => Ok(Wanted::Purge),
        "auto" => Ok(Wanted::Auto),
        _ => Err("not one of clear, purge, auto".into()),
    }
}

/// `raz wipe`.
#[derive(Debug, Args)]
pub struct Wipe {
    /// Drives by path or id.
    #[arg(required = true)]
    pub drives: Vec<String>,
    /// The id of each named drive once more.
    #[arg(long = "confirm", value_name = "ID", required = true)]
    pub confirm: Vec<String>,
    /// Erase the named drives also where they are reached over a network (NVMe over fabrics, iSCSI,
    /// network block devices).
    ///
    /// OTHERS MAY OWN SUCH STORAGE or use it at this moment, and neither the drive nor raz can tell.
    /// Every other reason against a drive still counts. A session never takes such a drive.
    #[arg(long)]
    pub networked: bool,
    /// The level to reach: `clear` (overwrite and read back), `purge` (the drive erases itself first;
    /// where a named drive cannot, nothing is written to any), or `auto` (purge where the drive can,
    /// clear where it cannot).
    #[arg(long, value_name = "LEVEL", value_parser = level, default_value = "clear")]
    pub level: Wanted,
    /// Where a named drive is frozen by the firmware and would erase itself if it were not: let the
    /// machine sleep (suspend to RAM) and wake by its clock before anything is written.
    ///
    /// The alarm is proven first. After it woke, a key must be pressed; without one, and where the
    /// firmware froze the drive again, it is overwritten as if it had no such command (with `purge`:
    /// refused). `raz sleep` tries it without erasing.
    #[arg(long)]
    pub thaw: bool,
    /// After the proven pattern, a pass of zeros that is read back too.
    #[arg(long)]
    pub then_zero: bool,
    /// One pass also where two are the rule (USB sticks, SD cards); reported as below that rule.
    #[arg(long)]
    pub single_pass: bool,
    /// Read-back: `full` (every byte), `sampled` or `sampled=PERCENT`, `none`.
    ///
    /// sampled: at random places, 10 percent of the drive or more; what was not read is not proven,
    /// the outcome is "written, checked by sample" and the exit status 4. Drives of fewer than
    /// 40,000 sectors are read in full. none: the outcome is "written, not checked" and the exit
    /// status 1.
    #[arg(long, value_name = "HOW", value_parser = verify_mode, default_value = "full")]
    pub verify: VerifyMode,
    /// End a read-back when so many sectors differ; all of them are found when this is absent.
    ///
    /// The drive is not erased, whatever the rest of it holds.
    #[arg(long, value_name = "SECTORS", value_parser = clap::value_parser!(u64).range(1..))]
    pub stop_after: Option<u64>,
    /// Station key to sign the report with (`raz key new`); a key of this run only when absent.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Folder for report.json, report.json.sig and allowed_signers; must not hold a report yet.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Folder that keeps how far each drive is, and from which a run that was cut off goes on.
    ///
    /// A drive whose ledger is there and fits goes on where the power failed, the run was stopped or
    /// the drive left; every byte is read back then, whatever --verify says. A ledger ends with the run
    /// that reaches its end. Never on a drive that is erased.
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// Seconds between two entries in the ledger: what was written since the last one is written
    /// again. Each one flushes the drive, so that a slow drive has fewer of them.
    #[arg(long, value_name = "SECONDS", requires = "ledger", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub checkpoint: u64,
    /// Who is responsible, for the report.
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Lot or property number, for the report.
    #[arg(long, value_name = "TEXT")]
    pub lot: Option<String>,
    /// Print the report's JSON.
    #[arg(long)]
    pub json: bool,
}

/// `raz verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The drive by path or id.
    pub drive: String,
    /// The report; its signature lies beside it as `.sig`.
    #[arg(long, value_name = "FILE")]
    pub report: PathBuf,
    /// Keys that you trust; the list beside the report when absent.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// End when so many sectors differ; all of them are found when this is absent.
    #[arg(long, value_name = "SECTORS", value_parser = clap::value_parser!(u64).range(1..))]
    pub stop_after: Option<u64>,
}

/// `raz key`.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a station key (ed25519, OpenSSH format); an existing file is never replaced.
    New {
        /// The private key's file; the public one is FILE.pub.
        file: PathBuf,
    },
}

/// `raz report`.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Check a report's signature.
    Verify {
        /// report.json or its folder.
        report: PathBuf,
        /// Keys that you trust; the list beside the report when absent.
        #[arg(long, value_name = "FILE")]
        allowed_signers: Option<PathBuf>,
    },
    /// Show a report in words.
    Show {
        /// report.json or its folder.
        report: PathBuf,
    },
    /// Print the JSON Schema of reports.
    Schema,
}

/// `raz upload`.
#[derive(Debug, Args)]
pub struct Upload {
    /// A report folder, or a spool of them.
    pub folder: PathBuf,
    /// The service, such as `https://inventory:8443`.
    #[arg(long, value_name = "URL")]
    pub server: String,
    /// SHA-256 of the service's certificate, in hexadecimal (`raz-inventory pin`).
    #[arg(long, value_name = "HEX")]
    pub pin: String,
    /// File with a single-use token, to enrol this station's key first.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The station's key.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Tries before giving up; the report stays where it is.
    #[arg(long, default_value_t = 5)]
    pub tries: u32,
}

/// `raz session`.
#[derive(Debug, Args)]
pub struct Session {
    /// Kernel command line to take the `raz.*` arguments from.
    #[arg(long, value_name = "FILE", default_value = "/proc/cmdline")]
    pub arguments: PathBuf,
    /// Configuration that says the same, `raz.toml`; none where there is no such file. What both say,
    /// the command line decides.
    #[arg(long, value_name = "FILE", default_value = "/raz.toml")]
    pub configuration: PathBuf,
    /// Tables of keys for the console's keyboard, one for each layout.
    #[arg(long, value_name = "DIR", default_value = "/usr/share/raz/keys")]
    pub keys: PathBuf,
    /// Folder that keeps reports until the service has them.
    #[arg(long, value_name = "DIR", default_value = "/run/raz/spool")]
    pub spool: PathBuf,
    /// Station key; when absent, `station.key` beside the spool, made when it is not there.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Terminal to use instead of standard input and output.
    #[arg(long, value_name = "TTY")]
    pub tty: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn command_line_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
