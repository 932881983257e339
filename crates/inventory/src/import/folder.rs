//! A report in a folder that somebody else wrote: a stick's, a mail's. Nothing but regular files of a
//! bounded size is read, and no link is followed, so that a folder can name no other file of this
//! machine and hold nothing up.

use anyhow::{Context, Result, bail, ensure};
use report::api::BODY_BYTES_MAX;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Largest report: what an upload can carry in base64.
const REPORT_BYTES_MAX: usize = BODY_BYTES_MAX / 4 * 3;
/// Largest signature; an ed25519 one has about 320 bytes.
const SIGNATURE_BYTES_MAX: usize = 4096;
/// Most reports of one folder.
const REPORTS_MAX: usize = 1000;

const REPORT: &str = "report.json";
const SIGNATURE: &str = "report.json.sig";

/// A report and its signature as they are in the folder, neither checked.
pub struct Files {
    /// The exact bytes.
    pub report: Vec<u8>,
    /// The signature's text.
    pub signature: String,
}

/// The folders with a report: this one, and those directly in it, as a stick's folder `reports` has
/// them. What is in their way is an entry, too.
pub fn reports_in(folder: &Path) -> Result<Vec<Result<PathBuf>>> {
    let listing = fs::read_dir(folder).with_context(|| format!("{folder:?}: listing"))?;
    let (mut folders, mut links) = (Vec::new(), Vec::new());
    for entry in listing {
        let entry = entry.with_context(|| format!("{folder:?}: listing"))?;
        let kind = entry.file_type();
        let kind = kind.with_context(|| format!("{:?}: looking at it", entry.path()))?;
        if entry.file_name() == REPORT {
            folders.push(folder.to_owned());
        } else if kind.is_dir() {
            folders.push(entry.path());
        } else if kind.is_symlink() {
            links.push(entry.path());
        }
        ensure!(
            folders.len() + links.len() <= REPORTS_MAX,
            "{folder:?}: more than {REPORTS_MAX} reports: import them in parts"
        );
    }
    ensure!(
        !folders.is_empty() || !links.is_empty(),
        "{folder:?}: neither {REPORT} nor folders with one: name the folder that raz wrote"
    );
    folders.sort();
    links.sort();
    let followed_by_nobody =
        |path| anyhow::anyhow!("{path:?}: a link, which is not followed: name its folder itself");
    let links = links.into_iter().map(followed_by_nobody).map(Err);
    Ok(folders.into_iter().map(Ok).chain(links).collect())
}

/// The report in this folder.
pub fn read(folder: &Path) -> Result<Files> {
    let report = read_file(&folder.join(REPORT), REPORT_BYTES_MAX)?;
    let path = folder.join(SIGNATURE);
    let signature = String::from_utf8(read_file(&path, SIGNATURE_BYTES_MAX)?);
    let signature = signature.with_context(|| format!("{path:?}: not an SSH signature"))?;
    Ok(Files { report, signature })
}

fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    let missing = || format!("{path:?}: reading; a report has {REPORT} and {SIGNATURE}");
    let found = path.symlink_metadata().with_context(missing)?;
    if found.is_symlink() {
        bail!("{path:?}: a link, which is not followed: put the file itself here");
    }
    // Opening a device may do something by itself.
    ensure!(found.is_file(), "{path:?}: not a regular file");
    // It may be another one by now: a link is refused, a FIFO does not hold the open up.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .with_context(|| format!("{path:?}: opening"))?;
    let is_file = file.metadata().is_ok_and(|found| found.is_file());
    ensure!(is_file, "{path:?}: not a regular file");
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{path:?}: reading"))?;
    ensure!(
        bytes.len() <= bytes_max,
        "{path:?}: more than {bytes_max} bytes: not what raz wrote"
    );
    Ok(bytes)
}
