//! A report folder: `report.json`, its signature, and the line that lets `ssh-keygen` check it.

use anyhow::{Context, bail};
use report::api::NAMESPACE_REPORT;
use report::schema::{Report, SCHEMA};
use report::sign::{self, PublicKey, StationKey};
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Principal in `allowed_signers` lines of reports made without an enrolment.
pub const PRINCIPAL: &str = "raz";

/// A report's bytes and their signature.
pub struct Signed {
    /// Exact bytes of `report.json`.
    pub bytes: Vec<u8>,
    /// Armored SSHSIG.
    pub signature: String,
    /// `allowed_signers` of the signing key.
    pub allowed_signers: String,
}

/// Serialises and signs.
///
/// # Errors
/// The report cannot be serialised or the key does not sign.
pub fn sign(report: &Report, key: &StationKey) -> anyhow::Result<Signed> {
    let mut bytes = serde_json::to_vec_pretty(report).context("serialising the report")?;
    bytes.push(b'\n');
    let signature = key
        .sign(NAMESPACE_REPORT, &bytes)
        .context("signing the report")?;
    let line = sign::allowed_signers_line(PRINCIPAL, key.public(), &[NAMESPACE_REPORT], None, None)
        .context("composing allowed_signers")?;
    Ok(Signed {
        bytes,
        signature,
        allowed_signers: format!("{line}\n"),
    })
}

const FILES: [&str; 3] = ["allowed_signers", "report.json.sig", "report.json"];

/// A folder that will take one report and no other.
pub struct Folder {
    path: PathBuf,
    /// Held so that two runs at once do not take the same folder: the later report would be lost.
    _lock: File,
}

impl Folder {
    /// Makes sure that `path` can take a report, before anything is erased for it.
    ///
    /// # Errors
    /// It cannot be made or written, holds a report or a part of one already, or is another run's.
    pub fn reserve(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("{shown}: making the folder"))?;
        let lock = File::open(path).with_context(|| format!("{shown}: opening the folder"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("{shown}: taken by another run of raz; name another folder")
            }
            // A file system without locks: `create_new` still keeps one report from replacing
            // another.
            Err(TryLockError::Error(_)) => {}
        }
        // A dangling link is a name that is taken, too.
        let taken = |name: &&str| path.join(name).symlink_metadata().is_ok();
        if let Some(name) = FILES.iter().find(|name| taken(name)) {
            bail!("{shown}: holds a report already ({name}); name another folder");
        }
        let probe = path.join(format!(".raz-probe-{}", std::process::id()));
        File::create_new(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .with_context(|| format!("{shown}: cannot be written"))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the three files, none over an existing one, all on disk when it returns.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, signed: &Signed) -> anyhow::Result<()> {
        let contents: [&[u8]; 3] = [
            signed.allowed_signers.as_bytes(),
            signed.signature.as_bytes(),
            &signed.bytes,
        ];
        for (name, bytes) in FILES.iter().zip(contents) {
            let path = self.path.join(name);
            let write = || -> std::io::Result<()> {
                let mut file = File::create_new(&path)?;
                file.write_all(bytes)?;
                file.sync_all()
            };
            write().with_context(|| format!("{}: writing", path.display()))?;
        }
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("{}: syncing", self.path.display()))
    }
}

/// A report whose signature holds, and whose key it is.
#[derive(Debug)]
pub struct Verified {
    /// The report.
    pub report: Report,
    /// The signer's key.
    pub fingerprint: String,
    /// The list that the key was found in.
    pub list: PathBuf,
}

/// Reads `report` (the file or its folder), checks the signature beside it against the keys in
/// `allowed_signers` (the list beside the report when `None`), and parses it.
///
/// # Errors
/// Anything that keeps the signature from being believed.
pub fn verify(report: &Path, allowed_signers: Option<&Path>) -> anyhow::Result<Verified> {
    let path = if report.is_dir() {
        report.join("report.json")
    } else {
        report.to_owned()
    };
    let read = |path: &Path| fs::read(path).with_context(|| format!("{}: reading", path.display()));
    let bytes = read(&path)?;
    let mut signature_path = path.clone().into_os_string();
    signature_path.push(".sig");
    let signature = String::from_utf8_lossy(&read(Path::new(&signature_path))?).into_owned();
    let list =
        allowed_signers.map_or_else(|| path.with_file_name("allowed_signers"), Path::to_owned);
    let list_text = String::from_utf8_lossy(&read(&list)?).into_owned();

    let signer = sign::signer(&signature)
        .with_context(|| format!("{}: the signature cannot be read", path.display()))?;
    if !listed(&list_text, &signer) {
        bail!(
            "{}: signed by {}, which {} does not allow for {NAMESPACE_REPORT}",
            path.display(),
            signer.fingerprint(),
            list.display()
        );
    }
    sign::verify(&signer, NAMESPACE_REPORT, &bytes, &signature)
        .with_context(|| format!("{}: the signature does not hold", path.display()))?;
    let report: Report = serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: not a report", path.display()))?;
    if report.schema != SCHEMA {
        bail!("{}: schema {}, not {SCHEMA}", path.display(), report.schema);
    }
    Ok(Verified {
        report,
        fingerprint: signer.fingerprint(),
        list,
    })
}

/// Whether a line of the list gives this key for report signatures. Validity dates are for
/// `ssh-keygen`, which has a clock to trust; a donated PC has not.
fn listed(list: &str, key: &PublicKey) -> bool {
    list.lines().any(|line| {
        let line = line.trim();
        if line.starts_with('#') {
            return false;
        }
        let Some(at) = line.find("ssh-ed25519 ") else {
            return false;
        };
        let (options, public) = line.split_at(at);
        let allowed = match options.split_once("namespaces=\"") {
            Some((_, rest)) => rest
                .split('"')
                .next()
                .is_some_and(|names| names.split(',').any(|name| name == NAMESPACE_REPORT)),
            None => true,
        };
        allowed
            && !options.contains("cert-authority")
            && PublicKey::parse_line(public).is_ok_and(|found| found == *key)
    })
}

#[cfg(test)]
mod tests {
    use super::{NAMESPACE_REPORT, StationKey, listed};
    use report::sign::allowed_signers_line;

    #[test]
    fn key_is_allowed_only_by_its_own_line_and_namespace() {
        let key = StationKey::generate().unwrap();
        let other = StationKey::generate().unwrap();
        let line = |key: &StationKey, namespace| {
            allowed_signers_line("raz", key.public(), &[namespace], None, None).unwrap()
        };
        assert!(listed(&line(&key, NAMESPACE_REPORT), key.public()));
        assert!(!listed(&line(&other, NAMESPACE_REPORT), key.public()));
        assert!(!listed(&line(&key, "raz-request@v1"), key.public()));
        assert!(!listed(
            &format!("# {}", line(&key, NAMESPACE_REPORT)),
            key.public()
        ));
        assert!(!listed("", key.public()));
    }
}
