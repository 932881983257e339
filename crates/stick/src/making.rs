//! Making a stick from raz's ISO: the same bytes, but for a volume that takes the rest of the stick.
//!
//! A stick that was made by copying has a volume of 12 MiB. Here the partition's entry is rewritten, and a new
//! file system made with the same files in it, before the stick is used for the first time; raz never does so
//! to the medium that it runs from.

use crate::layout::{self, Layout};
use crate::{CONFIGURATION, Error, Storage, Volume};
use std::io::{self, Read, Seek, SeekFrom};

/// Largest volume that is made: more than reports will ever need, and quick to format.
pub const VOLUME_BYTES_MAX: u64 = 4 << 30;
/// Most of one file in the image's volume.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// What is compared at once.
const CHUNK_BYTES: u64 = 1 << 20;
/// Of the first 64 sectors, the protective MBR's partitions and the GPT are the stick's own.
const TABLES: std::ops::Range<usize> = 446..64 * 512;

/// Bytes that a stick for this image must have: as large a volume as the image's, and the table's second copy.
///
/// # Errors
/// [`Error::NotRaz`] for another image.
pub fn needed_bytes(iso: &mut (impl Read + Seek)) -> Result<u64, Error> {
    Ok(Layout::read(iso)?.volume.end + (2 << 20))
}

/// Writes the image onto a stick of `stick_bytes`, and its files into the larger volume. `identity` goes into
/// the configuration as a comment, so that two sticks of one image are told apart. Gives both back.
///
/// # Errors
/// [`Error::NotRaz`] for another image or a stick that is too small, and then nothing was written;
/// [`Error::Io`].
pub fn make<I: Storage, S: Storage>(
    mut iso: I,
    mut stick: S,
    stick_bytes: u64,
    identity: &str,
) -> Result<(I, S), Error> {
    if needed_bytes(&mut iso)? > stick_bytes {
        return Err(Error::NotRaz("too small for its image"));
    }
    let from = Layout::read(&mut iso)?;
    let volume = Volume::open(iso)?;
    let files = files(&volume, identity)?;
    let mut iso = volume.close()?;
    iso.seek(SeekFrom::Start(0))?;
    stick.seek(SeekFrom::Start(0))?;
    io::copy(&mut (&mut iso).take(from.volume.start), &mut stick)?;
    layout::enlarge(&from, &mut stick, stick_bytes, VOLUME_BYTES_MAX)?;
    let volume = Volume::format(stick)?;
    for (path, bytes) in files {
        volume.put_path(&path, &bytes)?;
    }
    Ok((iso, volume.close()?))
}

/// Reads the stick and compares it with what [`make`] was to write.
///
/// # Errors
/// [`Error::NotRaz`] where something differs; [`Error::Io`].
pub fn check<I: Storage, S: Storage>(
    mut iso: I,
    mut stick: S,
    identity: &str,
) -> Result<(), Error> {
    let end = Layout::read(&mut iso)?.volume.start;
    let mut at = 0;
    while at < end {
        let mut wanted = chunk(&mut iso, at, end)?;
        let mut found = chunk(&mut stick, at, end)?;
        if at == 0 {
            for bytes in [&mut wanted, &mut found] {
                bytes.get_mut(TABLES).unwrap_or_default().fill(0);
            }
        }
        if wanted != found {
            return Err(Error::NotRaz("it reads back other bytes than were written"));
        }
        at += CHUNK_BYTES;
    }
    let wanted = files(&Volume::open(iso)?, identity)?;
    let volume = Volume::open(stick)?;
    for (path, bytes) in wanted {
        if volume.read(&path, FILE_BYTES_MAX)?.as_ref() != Some(&bytes) {
            return Err(Error::NotRaz("a file of its volume reads back changed"));
        }
    }
    Ok(())
}

/// The image's files as they are on the stick.
fn files<I: Storage>(volume: &Volume<I>, identity: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = volume.files(FILE_BYTES_MAX)?;
    for (path, bytes) in &mut files {
        if path == CONFIGURATION {
            bytes.extend_from_slice(format!("\n# stick {identity}\n").as_bytes());
        }
    }
    Ok(files)
}

fn chunk(storage: &mut impl Storage, at: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    storage.seek(SeekFrom::Start(at))?;
    storage
        .take(CHUNK_BYTES.min(end - at))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
