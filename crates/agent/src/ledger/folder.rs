//! Ledgers in a folder: two files per drive, written by turns.
//!
//! Each save goes over the file that does not hold the newest ledger, in place, and is on the
//! medium when it returns. A cut at any point leaves the other file as it was, and the newest that
//! is whole counts. That needs no atomic rename, which FAT does not have.
//!
//! A file of the ledger's name that is none of ours, or of another version of raz, is neither read
//! nor written nor removed: the drive then has no ledger in this folder.
//!
//! # The folder is on no drive that is erased
//!
//! That is not looked for, because it cannot happen: the file system that the folder is on stands
//! on a drive that is mounted or held, and such a drive is refused (`drive::refusal`), also by the
//! kernel at the claim (`O_EXCL`), whatever the path to it.

use super::{Heading, Start, may_be_kept};
use crate::compose;
use crate::output::printable;
use crate::work::Order;
use anyhow::{Context, bail};
use drive::facts::DriveFacts;
use report::ledger::{BYTES_MAX, Ledger, NoLedger, key};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use wipe::ledger::{Journal, Mark};
use wipe::pattern::SeedError;

/// A folder of ledgers.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// The two files of one drive.
#[derive(Debug)]
pub struct Pair {
    folder: PathBuf,
    files: [PathBuf; 2],
    newest: Option<Ledger>,
    next_sequence: u64,
    /// Index of the file that the next save goes over.
    next: usize,
}

impl Folder {
    /// Makes sure that `path` can take ledgers, before anything is erased on the strength of it.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("{shown}: making the folder"))?;
        let probe = path.join(format!(".raz-probe-{}", std::process::id()));
        File::create_new(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .with_context(|| format!("{shown}: cannot be written"))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// How the run of a claimed drive begins: from its ledger here, if one fits, and with a journal
    /// here. `say` gets the lines that a person should see before the first write.
    ///
    /// # Errors
    /// No random seed is to be had.
    pub fn start(&self, order: &Order, say: impl Fn(&str)) -> Result<Start, SeedError> {
        let facts = &order.facts;
        let say = |text: &str| say(&printable(&format!("{}: {text}", facts.path.display())));
        let pair = match self.pair(facts) {
            Ok(pair) => pair,
            Err(error) => {
                say(&format!("no ledger is kept: {error:#}"));
                return Start::fresh();
            }
        };
        let resumed = pair.newest().map(|ledger| Start::resumed(ledger, facts));
        let mut start = match resumed {
            Some(Ok(start)) => start,
            Some(Err(why)) => {
                say(&format!("begins anew, not from its ledger: {why}"));
                Start::fresh()?
            }
            None => Start::fresh()?,
        };
        if let Some(resumes) = &start.resumes {
            say(&resumes.words(facts.capacity_bytes));
        }
        let heading = start.heading(facts, &order.plan.passes);
        start.journal = Some(Arc::new(pair.journal(heading)));
        Ok(start)
    }

    /// The files of a drive.
    ///
    /// # Errors
    /// Why no ledger is kept of this drive here, with the file and what to do about it.
    pub fn pair(&self, facts: &DriveFacts) -> anyhow::Result<Pair> {
        may_be_kept(facts).map_err(anyhow::Error::msg)?;
        let key = key(&facts.identity.recorded());
        let file = |letter: char| self.path.join(format!("{key}-{letter}.ledger"));
        let files = [file('a'), file('b')];
        let mut newest: Option<(usize, Ledger)> = None;
        let mut next_sequence = 1;
        for (index, path) in files.iter().enumerate() {
            let Some(ledger) = read(path)? else {
                continue;
            };
            next_sequence = next_sequence.max(ledger.sequence + 1);
            if newest
                .as_ref()
                .is_none_or(|(_, other)| other.sequence < ledger.sequence)
            {
                newest = Some((index, ledger));
            }
        }
        Ok(Pair {
            folder: self.path.clone(),
            files,
            next: newest.as_ref().map_or(0, |(index, _)| 1 - index),
            newest: newest.map(|(_, ledger)| ledger),
            next_sequence,
        })
    }
}

/// The ledger in a file; none where there is no file, or half of a save.
fn read(path: &Path) -> anyhow::Result<Option<Ledger>> {
    let shown = path.display();
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => {}
        Ok(_) => bail!("{shown}: not a file; move it away"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{shown}: looking at it")),
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("{shown}: reading"))?;
    match Ledger::parse(&bytes) {
        Ok(ledger) => Ok(Some(ledger)),
        Err(NoLedger::Torn) => Ok(None),
        Err(why @ (NoLedger::OtherSchema(_) | NoLedger::Malformed(_) | NoLedger::Foreign)) => {
            bail!("{shown}: left alone, {why}; move it away")
        }
    }
}

impl Pair {
    /// The newest ledger that is whole.
    #[must_use]
    pub fn newest(&self) -> Option<&Ledger> {
        self.newest.as_ref()
    }

    /// The journal of a run of this drive. What the files hold stays until its first mark.
    #[must_use]
    pub fn journal(self, heading: Heading) -> FolderJournal {
        FolderJournal {
            heading,
            state: Mutex::new(State {
                pair: self,
                is_closed: false,
            }),
        }
    }

    fn save(&mut self, heading: &Heading, mark: &Mark) -> io::Result<()> {
        let ledger = compose::ledger(heading, self.next_sequence, mark);
        let bytes = ledger.to_bytes().map_err(io::Error::other)?;
        let path = &self.files[self.next];
        // A save that fails may leave half a ledger: the next one goes over the same file.
        match OpenOptions::new().write(true).open(path) {
            Ok(file) => write(file, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)?;
                write(file, &bytes)?;
                sync(&self.folder)?;
            }
            Err(error) => return Err(error),
        }
        self.newest = Some(ledger);
        self.next_sequence += 1;
        self.next = 1 - self.next;
        Ok(())
    }

    /// Removes both files, the newest one last: at no moment is an older one what counts.
    fn remove(&self) -> io::Result<()> {
        for index in [self.next, 1 - self.next] {
            match fs::remove_file(&self.files[index]) {
                Ok(()) => sync(&self.folder)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn write(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    // The one that was there may have been longer.
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Marks of one run, on their way into a folder.
#[derive(Debug)]
pub struct FolderJournal {
    heading: Heading,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pair: Pair,
    is_closed: bool,
}

impl Journal for FolderJournal {
    /// A mark of 0 bytes is saved as any other: as the newest, it leaves nothing to resume.
    fn record(&self, mark: &Mark) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return Err(io::Error::other("the ledger is closed"));
        }
        state.pair.save(&self.heading, mark)
    }

    /// A mark of 0 bytes first, so that a cut between the two removals leaves nothing to resume.
    fn close(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let taken_back = match state.is_closed || state.pair.newest.is_none() {
            true => Ok(()),
            false => state.pair.save(&self.heading, &Mark::default()),
        };
        state.is_closed = true;
        // A folder that is full may still let go of its files.
        state.pair.remove()?;
        taken_back
    }
}
