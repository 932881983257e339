//! Files in the volume: FAT by the `fatfs` library, which needs no mount and so no kernel that believes a
//! stranger's stick.
//!
//! FAT has no journal, and a renamed file is in neither place for a moment. So what belongs together is a
//! folder whose last file makes it whole.

use crate::layout::Layout;
use crate::part::Part;
use crate::{Error, REPORTS, Storage};
use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::rc::Rc;

/// Left free by folders for receipts, and for a person who edits the configuration.
const RESERVE_BYTES: u64 = 256 << 10;

/// An open volume. Paths are relative to its root, with `/`.
pub struct Volume<S: Storage> {
    files: FileSystem<Part<S>>,
    storage: Rc<RefCell<S>>,
}

impl<S: Storage> Volume<S> {
    /// Finds the volume of raz's own medium and opens it. Writes nothing.
    ///
    /// # Errors
    /// [`Error::NotRaz`]; [`Error::Io`] for a file system that is damaged.
    pub fn open(mut storage: S) -> Result<Self, Error> {
        let range = Layout::read(&mut storage)?.volume;
        Self::of(Rc::new(RefCell::new(storage)), range)
    }

    fn of(storage: Rc<RefCell<S>>, range: Range<u64>) -> Result<Self, Error> {
        let length = range.end - range.start;
        let part = Part::new(Rc::clone(&storage), range);
        let files = FileSystem::new(part, FsOptions::new())?;
        let stats = files.stats()?;
        let bytes = u64::from(stats.total_clusters()) * u64::from(stats.cluster_size());
        if bytes > length {
            return Err(Error::NotRaz("a file system larger than its volume"));
        }
        Ok(Self { files, storage })
    }

    /// Makes an empty file system in the volume; what was in it is lost.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn format(mut storage: S) -> Result<Self, Error> {
        let range = Layout::read(&mut storage)?.volume;
        let storage = Rc::new(RefCell::new(storage));
        let sectors = u32::try_from((range.end - range.start) / 512)
            .map_err(|_| Error::NotRaz("a volume too large for FAT"))?;
        let options = FormatVolumeOptions::new()
            .bytes_per_sector(512)
            .total_sectors(sectors)
            .volume_label(*b"RAZ        ");
        // Firmware expects what its size makes of a volume; Windows too.
        let options = match sectors >= (512 << 20) / 512 {
            true => options.fat_type(FatType::Fat32),
            false => options,
        };
        fatfs::format_volume(Part::new(Rc::clone(&storage), range.clone()), options)?;
        storage.borrow_mut().sync()?;
        Self::of(storage, range)
    }

    /// A whole file, `None` when there is none.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a file of more than `bytes_max`; [`Error::Io`].
    pub fn read(&self, path: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Error> {
        let file = match self.files.root_dir().open_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)?;
        match u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
            true => Ok(Some(bytes)),
            false => Err(Error::TooLarge { bytes_max }),
        }
    }

    /// Names of the files or folders in a folder; none when it is not there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        let root = self.files.root_dir();
        let folder = match folder {
            "" => root,
            folder => match root.open_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                folder => folder?,
            },
        };
        let mut names = Vec::new();
        for entry in folder.iter() {
            let name = entry?.file_name();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Bytes that are free.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn free_bytes(&self) -> Result<u64, Error> {
        let stats = self.files.stats()?;
        Ok(u64::from(stats.free_clusters()) * u64::from(stats.cluster_size()))
    }

    /// Puts a new folder with these files into `parent`, in place of one that is there. The last file is
    /// begun when the others are on the medium: a folder that has it has them all. When this returns, all
    /// is on the medium.
    ///
    /// # Errors
    /// [`Error::Full`], and then nothing was changed; [`Error::Io`].
    pub fn put_folder(
        &self,
        parent: &str,
        name: &str,
        files: &[(&str, &[u8])],
    ) -> Result<(), Error> {
        // A cluster each for the folders and the end of a file.
        let cluster = u64::from(self.files.cluster_size());
        let needed: u64 = files.iter().map(|(_, bytes)| size(bytes) + cluster).sum();
        self.has_room(needed + 2 * cluster + RESERVE_BYTES)?;
        let parent = self.files.root_dir().create_dir(parent)?;
        remove_folder(&parent, name)?;
        let folder = parent.create_dir(name)?;
        let Some((last, others)) = files.split_last() else {
            return self.sync();
        };
        for (name, bytes) in others {
            write(&folder, name, bytes)?;
        }
        self.sync()?;
        write(&folder, last.0, last.1)?;
        self.sync()
    }

    /// Writes a file into a folder that is there, in place of one that is there. When this returns, it is
    /// on the medium.
    ///
    /// # Errors
    /// [`Error::Full`], and then nothing was changed; [`Error::Io`].
    pub fn put_file(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.has_room(size(bytes))?;
        let root = self.files.root_dir();
        let folder = match folder {
            "" => root,
            folder => root.open_dir(folder)?,
        };
        write(&folder, name, bytes)?;
        self.sync()
    }

    /// Removes a folder with the files in it; one that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove_folder(&self, parent: &str, name: &str) -> Result<(), Error> {
        let parent = match self.files.root_dir().open_dir(parent) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            parent => parent?,
        };
        remove_folder(&parent, name)?;
        self.sync()
    }

    /// Writes a file that may lie in folders, which are made. It is on the medium after [`Self::close`].
    ///
    /// # Errors
    /// [`Error::Io`], also for a full volume.
    pub fn put_path(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut folder = self.files.root_dir();
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            match names.peek() {
                Some(_) => folder = folder.create_dir(name)?,
                None => write(&folder, name, bytes)?,
            }
        }
        Ok(())
    }

    /// Paths and bytes of all files but reports.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a file of more than `bytes_max`; [`Error::Io`].
    pub fn files(&self, bytes_max: u64) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), self.files.root_dir())];
        while let Some((path, folder)) = folders.pop() {
            for entry in folder.iter() {
                let entry = entry?;
                let name = entry.file_name();
                let path = format!("{path}{name}");
                if name == "." || name == ".." || path == REPORTS {
                    continue;
                }
                if entry.is_dir() {
                    folders.push((format!("{path}/"), entry.to_dir()));
                } else if let Some(bytes) = self.read(&path, bytes_max)? {
                    files.push((path, bytes));
                }
            }
        }
        Ok(files)
    }

    /// Ends the use of the volume and marks it clean; gives the storage back.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn close(self) -> Result<S, Error> {
        let Self { files, storage } = self;
        files.unmount()?;
        storage.borrow_mut().sync()?;
        let alone = Rc::into_inner(storage).map(RefCell::into_inner);
        Ok(alone.ok_or_else(|| io::Error::other("the volume is in use"))?)
    }

    fn has_room(&self, needed_bytes: u64) -> Result<(), Error> {
        let free_bytes = self.free_bytes()?;
        match needed_bytes <= free_bytes {
            true => Ok(()),
            false => Err(Error::Full { free_bytes }),
        }
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(self.storage.borrow_mut().sync()?)
    }
}

type Folder<'a, S> = fatfs::Dir<'a, Part<S>>;

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn write<S: Storage>(folder: &Folder<'_, S>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = folder.create_file(name)?;
    file.truncate()?;
    file.write_all(bytes)?;
    // The size stands in the folder, and dropping would not say that it failed.
    file.flush()
}

fn remove_folder<S: Storage>(parent: &Folder<'_, S>, name: &str) -> io::Result<()> {
    let folder = match parent.open_dir(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        folder => folder?,
    };
    let names: Result<Vec<_>, _> = folder
        .iter()
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect();
    for name in names?.iter().filter(|name| *name != "." && *name != "..") {
        folder.remove(name)?;
    }
    drop(folder);
    parent.remove(name)
}
