//! The volume as a device of its own: nothing outside its bytes can be read or written through it.

use crate::Storage;
use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::rc::Rc;

/// What is read at once: the file system asks for a few bytes at a time.
const BLOCK_BYTES: u64 = 4096;
/// Most reads and writes of one opening. A damaged file system can lead in a circle.
const OPERATIONS_MAX: u64 = 8_000_000;

/// A range of a storage. Reads through one remembered block, writes at once.
pub struct Part<S> {
    storage: Rc<RefCell<S>>,
    range: Range<u64>,
    position: u64,
    block: Option<(u64, Vec<u8>)>,
    operations: u64,
}

impl<S: Storage> Part<S> {
    pub fn new(storage: Rc<RefCell<S>>, range: Range<u64>) -> Self {
        Self {
            storage,
            range,
            position: 0,
            block: None,
            operations: 0,
        }
    }

    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn count(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.operations < OPERATIONS_MAX {
            true => Ok(()),
            false => Err(io::Error::other("the file system leads in a circle")),
        }
    }
}

impl<S: Storage> Read for Part<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.count()?;
        let start = self.position / BLOCK_BYTES * BLOCK_BYTES;
        if self.block.as_ref().is_none_or(|(at, _)| *at != start) {
            self.block = None;
            let length = self.length().saturating_sub(start).min(BLOCK_BYTES);
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
            let mut storage = self.storage.borrow_mut();
            storage.seek(SeekFrom::Start(self.range.start + start))?;
            storage.read_exact(&mut bytes)?;
            self.block = Some((start, bytes));
        }
        let within = usize::try_from(self.position - start).unwrap_or(usize::MAX);
        let block = self.block.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let rest = block.get(within..).unwrap_or(&[]);
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.position += u64::try_from(length).unwrap_or(0);
        Ok(length)
    }
}

impl<S: Storage> Write for Part<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.count()?;
        let rest = self.length().saturating_sub(self.position);
        let length = buffer
            .len()
            .min(usize::try_from(rest).unwrap_or(usize::MAX));
        self.block = None;
        let mut storage = self.storage.borrow_mut();
        storage.seek(SeekFrom::Start(self.range.start + self.position))?;
        storage.write_all(&buffer[..length])?;
        self.position += u64::try_from(length).unwrap_or(0);
        Ok(length)
    }

    /// Nothing is held back; [`Storage::sync`] is what reaches the medium.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Storage> Seek for Part<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
        };
        let within = position.filter(|at| *at <= self.length());
        self.position = within.ok_or_else(|| io::Error::other("outside of the volume"))?;
        Ok(self.position)
    }
}
