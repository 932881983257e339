//! Main memory that the kernel gives, for a test of it: taken in chunks, filled and read word by word past
//! the compiler, and, where the processor can, past its caches.
//!
//! What is written and what counts as an error is for the caller. A chunk is memory of this process: nothing
//! else can be reached from here. Where a page of it lies physically is read from `/proc/self/pagemap`
//! (Documentation/admin-guide/mm/pagemap.rst), which tells it to a process with `CAP_SYS_ADMIN` only.

mod lines;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

pub use lines::Instructions;

/// Bytes of a page, and of a frame.
pub const PAGE_BYTES: usize = 4096;
/// Words of a page.
pub const PAGE_WORDS: usize = PAGE_BYTES / 8;
/// Words that are read, compared and written together: a line of the cache.
pub const LINE_WORDS: usize = 8;
/// Lines of a page.
const PAGE_LINES: usize = PAGE_WORDS / LINE_WORDS;
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// A page's words before its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Row(pub [u64; PAGE_WORDS]);

/// What a page is to hold: each word of the row, by exclusive or with the page's key.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The same for many pages.
    pub row: &'a Row,
    /// The page's own.
    pub key: u64,
}

impl Content<'_> {
    /// The word at this place of the page.
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        self.row.0[index] ^ self.key
    }
}

/// Which end of a page, and of the memory, is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The lowest address first.
    Up,
    /// The highest address first.
    Down,
}

/// Which pages the kernel is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Those of 2 MiB, as far as there are any.
    Huge,
    /// Those of 4 KiB only, which the kernel takes from its smallest remains first.
    Small,
}

/// Memory that is there: populated, and locked where the kernel allows it. Goes back when dropped.
#[derive(Debug)]
pub struct Chunk {
    start: NonNull<u8>,
    pages: usize,
    /// The whole mapping, of which the chunk is the aligned part.
    mapped: (NonNull<u8>, usize),
    is_locked: bool,
    instructions: Instructions,
}

// SAFETY: memory of the process, not of a thread; nothing in it depends on where it is used or unmapped.
unsafe impl Send for Chunk {}

impl Chunk {
    /// So many pages, each of them there. A refusal to lock them is no error: see [`Chunk::is_locked`].
    ///
    /// # Errors
    /// `InvalidInput` when there are none or too many, else what `mmap` says (`ENOMEM`).
    pub fn new(pages: usize, grain: Grain, instructions: Instructions) -> io::Result<Self> {
        let len_bytes = pages
            .checked_mul(PAGE_BYTES)
            .filter(|len| *len > 0)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let wide = len_bytes
            .checked_add(HUGE_PAGE_BYTES)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let (access, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
        );
        // SAFETY: without MAP_FIXED the kernel chooses a free range, so no existing memory is touched.
        let mapped = unsafe { libc::mmap(std::ptr::null_mut(), wide, access, flags, -1, 0) };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mapped = NonNull::new(mapped.cast::<u8>()).expect("mmap chooses no null address");
        let head = mapped.as_ptr().align_offset(HUGE_PAGE_BYTES);
        assert!(
            head <= HUGE_PAGE_BYTES,
            "the mapping is one huge page wider than asked"
        );
        // SAFETY: `head + len_bytes` is at most `wide`, as just asserted.
        let start = unsafe { mapped.add(head) };
        let mut chunk = Self {
            start,
            pages,
            mapped: (mapped, wide),
            is_locked: false,
            instructions,
        };
        chunk.populate(grain);
        Ok(chunk)
    }

    /// The advice comes before the pages, since `MAP_POPULATE` would bring small ones.
    fn populate(&mut self, grain: Grain) {
        let (start, len) = (self.start.as_ptr().cast(), self.pages * PAGE_BYTES);
        let advice = match grain {
            Grain::Huge => libc::MADV_HUGEPAGE,
            Grain::Small => libc::MADV_NOHUGEPAGE,
        };
        // SAFETY: the range is ours, and neither advice nor lock changes what it holds. A kernel without
        // transparent huge pages refuses the advice, which costs speed only.
        unsafe { libc::madvise(start, len, advice) };
        // SAFETY: as above. The lock brings every page, also where it then fails half-way.
        self.is_locked = unsafe { libc::mlock(start, len) } == 0;
        if self.is_locked {
            return;
        }
        // The page of zeros, which all untouched memory shares, must not pass for memory.
        for page in 0..self.pages {
            // SAFETY: within the chunk, aligned, mapped writable, and nobody else has a reference to it.
            unsafe { self.page(page).write_volatile(1) };
        }
    }

    /// Pages.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// The kernel promised not to write it out.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Where each page lies physically now; `None` for a page of which it is not told.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn frames(&self) -> io::Result<Vec<Option<u64>>> {
        let mut entries = vec![0; self.pages * 8];
        let first = self.start.as_ptr().addr() / PAGE_BYTES;
        File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, first as u64 * 8)?;
        let (entries, _) = entries.as_chunks::<8>();
        Ok(entries
            .iter()
            .map(|entry| frame(u64::from_ne_bytes(*entry)))
            .collect())
    }

    /// Writes a whole page.
    ///
    /// # Panics
    /// When there is no such page; so do the others.
    pub fn fill(&mut self, page: usize, content: Content<'_>) {
        let page = self.page(page);
        // SAFETY: a whole page of ours, aligned to it, and `&mut self` is the only way to it; `instructions`
        // are detected, see `Instructions`.
        unsafe { lines::fill(self.instructions, page, content) };
    }

    /// Writes these words of a page and leaves the others as they are, in the order given. Words that a page
    /// does not have are left out.
    pub fn fill_some(&mut self, page: usize, content: Content<'_>, words: &[u16]) {
        let page = self.page(page);
        for index in words.iter().map(|word| usize::from(*word)) {
            if index < PAGE_WORDS {
                // SAFETY: a word of a page of ours, aligned; `&mut self` is the only way to it.
                unsafe { page.add(index).write_volatile(content.word(index)) };
            }
        }
    }

    /// Reads a whole page and names each word that is another: its place and what was read.
    pub fn check(
        &mut self,
        page: usize,
        content: Content<'_>,
        differs: &mut dyn FnMut(usize, u64),
    ) {
        let page = self.page(page);
        // SAFETY: as in `fill`.
        unsafe { lines::check(self.instructions, page, content, differs) };
    }

    /// Reads a whole page line by line, names what differs, and writes each line anew before the next one is
    /// read.
    pub fn replace(
        &mut self,
        page: usize,
        (old, new): (Content<'_>, Content<'_>),
        direction: Direction,
        differs: &mut dyn FnMut(usize, u64),
    ) {
        let page = self.page(page);
        // SAFETY: as in `fill`.
        unsafe { lines::replace(self.instructions, page, (old, new), direction, differs) };
    }

    /// All of it, as ordinary memory.
    pub fn words_mut(&mut self) -> &mut [u64] {
        // SAFETY: the chunk is mapped readable and writable while it lives, every pattern of bits is a word,
        // and `&mut self` is the only way to it.
        unsafe { std::slice::from_raw_parts_mut(self.page(0), self.pages * PAGE_WORDS) }
    }

    /// Reads one word.
    #[must_use]
    pub fn read(&self, page: usize, word: usize) -> u64 {
        assert!(word < PAGE_WORDS, "word {word}");
        // SAFETY: a word of a page of ours, aligned and mapped readable.
        unsafe { self.page(page).add(word).read_volatile() }
    }

    fn page(&self, page: usize) -> *mut u64 {
        assert!(page < self.pages, "page {page} of {}", self.pages);
        // SAFETY: within the chunk, as just asserted.
        unsafe { self.start.as_ptr().add(page * PAGE_BYTES).cast() }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let (start, len) = self.mapped;
        // SAFETY: the range was mapped by us and no reference into it is ever handed out.
        unsafe { libc::munmap(start.as_ptr().cast(), len) };
    }
}

/// Of an entry of the page map: bit 63 says that the page is in memory, bits 0 to 54 are its frame, and 0 to a
/// process that may not know.
fn frame(entry: u64) -> Option<u64> {
    let number = entry & ((1 << 55) - 1);
    (entry >> 63 == 1 && number != 0).then_some(number)
}

#[cfg(test)]
mod tests;
