//! Reports on the stick that raz runs from: what the spool in memory holds is brought there, so that a power
//! cut or a missing service loses none; and what an earlier session left there comes back to be sent.
//!
//! Which drive is the stick is known by `drive::own_stick`, which bytes of it are the volume by `stick`. Here
//! is what goes in and out, and that the volume's configuration is byte for byte the one that this boot was
//! handed: another one is another stick. One call, for a thread that nobody waits for: a stick that does not
//! answer can hold it as long as the kernel tries.
//!
//! The station's private key is never written there.

use crate::i18n::Words;
use crate::upload::spool::{Entry, EntryState, Spool, SpoolError};
use drive::discover::Roots;
use drive::own_stick::{OwnStick, Unfit};
use std::collections::BTreeSet;
use std::path::Path;
use stick::{CONFIGURATION, REPORTS, Storage, Volume};
use uuid::Uuid;

mod seen;

pub use seen::Seen;

/// Most of one file that is read from a stick.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Most reports that are taken from a stick at once.
const FOUND_MAX: usize = 500;
/// And most bytes: they share the memory with this boot's own reports.
const FOUND_BYTES_MAX: u64 = 32 << 20;
/// Most of a signature, and of the signers beside it: some hundred bytes each.
const SIGNATURE_BYTES_MAX: u64 = 16 << 10;

/// What is brought to the stick, and where what was found on it goes.
#[derive(Clone, Debug)]
pub struct Spools {
    /// Reports of this boot.
    pub own: Spool,
    /// Reports of other boots that were found on the stick.
    pub found: Spool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Reports of this boot that are on the stick.
    pub kept: BTreeSet<Uuid>,
    /// Reports of other boots on the stick that no service has confirmed.
    pub unsent: usize,
}

/// Why a report is not on the stick.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// There is no stick that may be written.
    #[error(transparent)]
    Stick(#[from] Unfit),
    /// The boot menu handed over no configuration, or the stick has another one.
    #[error("its raz.toml is not the one that this boot began with")]
    OtherConfiguration,
    /// The volume does not take it.
    #[error(transparent)]
    Volume(#[from] stick::Error),
    /// The spool in memory fails.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The stick has not answered for a long time.
    #[error("the stick does not answer")]
    Silent,
}

/// Brings the reports of `spools` to the stick. Blocks as long as the stick does.
///
/// # Errors
/// Why not, or not all, are there.
pub fn bring(
    stick: &OwnStick,
    roots: &Roots,
    configuration: Option<&[u8]>,
    spools: &Spools,
) -> Result<Brought, NotKept> {
    let volume = Volume::open(stick.open(roots)?)?;
    let brought = bring_into(&volume, configuration, spools)?;
    volume.close()?;
    Ok(brought)
}

/// [`bring`], into a volume that is open.
fn bring_into<S: Storage>(
    volume: &Volume<S>,
    configuration: Option<&[u8]>,
    spools: &Spools,
) -> Result<Brought, NotKept> {
    let own = volume.read(CONFIGURATION, FILE_BYTES_MAX)?;
    if own.is_none() || own.as_deref() != configuration {
        return Err(NotKept::OtherConfiguration);
    }
    let mut brought = Brought::default();
    let mut trouble = None;
    for entry in spools.own.entries()?.iter().chain(&spools.found.entries()?) {
        match keep(volume, entry) {
            Ok(true) => drop(brought.kept.insert(entry.report_id)),
            Ok(false) => {}
            Err(error) => trouble = Some(error),
        }
    }
    brought.unsent = find(volume, spools)?;
    match trouble {
        Some(error) => Err(error),
        None => Ok(brought),
    }
}

/// Sees to it that a report is on the stick; a receipt follows its report. Says whether it is there.
fn keep<S: Storage>(volume: &Volume<S>, entry: &Entry) -> Result<bool, NotKept> {
    let files = Spool::files(entry)?;
    let name = entry.report_id.to_string();
    let folder = format!("{REPORTS}/{name}");
    let mut missing = Vec::new();
    for (file, bytes) in &files {
        let there = volume.read(&format!("{folder}/{file}"), FILE_BYTES_MAX)?;
        if there.as_ref() != Some(bytes) {
            missing.push((*file, bytes.as_slice()));
        }
    }
    let is_receipt = |file: &str| file.starts_with("receipt.");
    if missing.is_empty() {
        return Ok(true);
    }
    if missing.iter().all(|(file, _)| is_receipt(file)) {
        for (file, bytes) in missing {
            volume.put_file(&folder, file, bytes)?;
        }
        return Ok(true);
    }
    match &entry.state {
        // The service has it, and what it has needs no room here.
        EntryState::Sent | EntryState::Damaged(_) => Ok(false),
        EntryState::Unsent => {
            let report: Vec<(&str, &[u8])> = files
                .iter()
                .filter(|(file, _)| !is_receipt(file))
                .map(|(file, bytes)| (*file, bytes.as_slice()))
                .collect();
            loop {
                match volume.put_folder(REPORTS, &name, &report) {
                    Err(stick::Error::Full { .. }) if make_room(volume)? => {}
                    put => break put?,
                }
            }
            Ok(true)
        }
    }
}

/// Removes a report that the service has, to make room for one that it has not; says whether there was one.
fn make_room<S: Storage>(volume: &Volume<S>) -> Result<bool, NotKept> {
    for name in reports(volume)? {
        let folder = format!("{REPORTS}/{name}");
        if volume
            .names(&folder)?
            .iter()
            .any(|file| file == "receipt.json")
        {
            volume.remove_folder(REPORTS, &name.to_string())?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes reports without a receipt that are on the stick and in no spool here; says how many such there are.
/// Whatever else has the place of a report is left where it is: anybody's PC can write to a stick.
fn find<S: Storage>(volume: &Volume<S>, spools: &Spools) -> Result<usize, NotKept> {
    let own: BTreeSet<Uuid> = ids(&spools.own)?;
    let found: BTreeSet<Uuid> = ids(&spools.found)?;
    let mut found_bytes = 0;
    for entry in spools.found.entries()? {
        let files = Spool::files(&entry)?;
        found_bytes += files.iter().map(|(_, bytes)| size(bytes)).sum::<u64>();
    }
    let mut unsent = 0;
    for name in reports(volume)?.into_iter().filter(|id| !own.contains(id)) {
        let folder = format!("{REPORTS}/{name}");
        let files = volume.names(&folder)?;
        let has = |file: &str| files.iter().any(|name| name == file);
        if !has("report.json") || !has("report.json.sig") || has("receipt.json") {
            continue;
        }
        unsent += 1;
        if found.contains(&name) || unsent > FOUND_MAX {
            continue;
        }
        let read = |file: &str, bytes_max: u64| match volume
            .read(&format!("{folder}/{file}"), bytes_max)
        {
            Err(stick::Error::TooLarge { .. }) => Ok(None),
            read => read,
        };
        let left = FOUND_BYTES_MAX.saturating_sub(found_bytes);
        let (Some(report), Some(signature)) = (
            read("report.json", FILE_BYTES_MAX.min(left))?,
            read("report.json.sig", SIGNATURE_BYTES_MAX)?,
        ) else {
            continue;
        };
        let signers = read("allowed_signers", SIGNATURE_BYTES_MAX)?.unwrap_or_default();
        found_bytes += [&report, &signature, &signers]
            .map(|file| size(file))
            .iter()
            .sum::<u64>();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        spools
            .found
            .store(name, &report, &text(signature), &text(signers))?;
    }
    Ok(unsent)
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn ids(spool: &Spool) -> Result<BTreeSet<Uuid>, SpoolError> {
    Ok(spool
        .entries()?
        .into_iter()
        .map(|entry| entry.report_id)
        .collect())
}

fn reports<S: Storage>(volume: &Volume<S>) -> Result<Vec<Uuid>, stick::Error> {
    let names = volume.names(REPORTS)?;
    Ok(names
        .iter()
        .filter_map(|name| Uuid::parse_str(name).ok())
        .collect())
}

/// The folder for what is found on the stick, beside the spool.
///
/// # Errors
/// As the kernel says.
pub fn found_beside(spool: &Path) -> Result<Spool, SpoolError> {
    Spool::open(&spool.with_file_name("found"))
}

/// That a report is on the stick. Where the service has not accepted the station, a person may import it
/// later, and needs what the screen shows of the key.
#[must_use]
pub fn kept_words(accepted: bool) -> Words {
    match accepted {
        true => Words::new(
            "Le rapport est aussi sur la clé de raz (dossier reports)",
            "The report is on raz's stick, too (folder reports)",
        ),
        false => Words::new(
            "Le rapport est aussi sur la clé de raz (dossier reports). Avant d'éteindre, photographier \
             cet écran : pour importer le rapport, il faut l'empreinte ci-dessus",
            "The report is on raz's stick, too (folder reports). Photograph this screen before switching \
             off: importing the report takes the fingerprint above",
        ),
    }
}

impl NotKept {
    /// Why the report is in memory only, and what to do.
    #[must_use]
    pub fn words(&self) -> Words {
        let (french, english) = match self {
            Self::Stick(Unfit::NotNamed) => ("démarré sans clé", "not started from a stick"),
            Self::Stick(Unfit::Absent) => (
                "la clé est débranchée : la rebrancher",
                "the stick was pulled: plug it in again",
            ),
            Self::Stick(Unfit::Image) => (
                "démarré d'un fichier ISO (Ventoy) ou d'un disque optique",
                "started from an ISO file (Ventoy) or a disc",
            ),
            Self::Stick(Unfit::Several) => (
                "plusieurs disques ressemblent à la clé de raz : débrancher les autres",
                "several drives look like raz's stick: unplug the others",
            ),
            Self::Stick(Unfit::NotUsb) => (
                "ce qui ressemble à la clé de raz n'est pas en USB",
                "what looks like raz's stick is not on USB",
            ),
            Self::Stick(Unfit::Another) | Self::OtherConfiguration => (
                "ce n'est pas la clé de ce démarrage : brancher celle-là",
                "not the stick of this start: plug that one in",
            ),
            Self::Stick(Unfit::ReadOnly) => (
                "la clé est protégée en écriture",
                "the stick is write-protected",
            ),
            Self::Stick(Unfit::Busy) => (
                "la clé est utilisée : la démonter",
                "the stick is in use: unmount it",
            ),
            Self::Volume(stick::Error::Full { .. }) => (
                "la clé est pleine : copier puis vider son dossier reports",
                "the stick is full: copy its folder reports away and empty it",
            ),
            Self::Volume(stick::Error::NotRaz(_)) => (
                "la clé n'a pas la forme d'une clé de raz : la refaire",
                "the stick is not laid out as raz's: write it anew",
            ),
            Self::Volume(stick::Error::Io(_) | stick::Error::TooLarge { .. }) => (
                "le volume RAZ de la clé est abîmé : la refaire",
                "the stick's volume RAZ is damaged: write it anew",
            ),
            Self::Stick(Unfit::Kernel(_)) => ("la clé ne s'ouvre pas", "the stick does not open"),
            Self::Silent => ("la clé ne répond pas", "the stick does not answer"),
            Self::Spool(_) => ("la mémoire ne suffit pas", "the memory fails"),
        };
        Words::new(
            format!("Rapport en mémoire seulement, laisser le PC allumé : {french}"),
            format!("Report in memory only, leave the PC on: {english}"),
        )
    }
}

#[cfg(test)]
mod tests;
