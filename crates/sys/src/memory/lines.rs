//! A page, line by line, by the widest vectors that the processor has.
//!
//! On x86-64 every whole page is written by non-temporal stores, which put a line out of every cache, so that
//! what reads it next reads memory whatever the caches' size (Intel SDM vol. 1, 10.4.6.2). Elsewhere a caller
//! must sweep more memory than the caches hold between a write and its check.
//!
//! An empty assembly block before and after each page keeps the compiler from knowing what memory holds: it
//! must take the block for something that reads and writes all of it.

use std::arch::asm;

#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Content, Direction, LINE_WORDS, PAGE_LINES};

/// What reads and writes the lines. Only what was detected can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Sse2,
    Words,
}

impl Instructions {
    /// The widest of this processor.
    #[must_use]
    pub fn widest() -> Self {
        Self::all()[0]
    }

    /// All that this processor has, the widest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                all.push(Self(Kind::Avx2));
            }
            // Every x86-64 processor has it.
            all.push(Self(Kind::Sse2));
        }
        all.push(Self(Kind::Words));
        all
    }

    /// Name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Sse2 => "sse2",
            Kind::Words => "64-bit words",
        }
    }

    /// Whether a line that was written is in no cache afterwards.
    #[must_use]
    pub fn leave_caches(self) -> bool {
        self.0 != Kind::Words
    }
}

/// A line that is not what it should be: its number in the page and what was read.
type Differs<'a> = dyn FnMut(usize, &[u64; LINE_WORDS]) + 'a;

/// # Safety
/// `page` is a whole page, aligned to it, that the caller may write.
pub(super) unsafe fn fill(instructions: Instructions, page: *mut u64, content: Content<'_>) {
    barrier();
    match instructions.0 {
        // SAFETY: the caller's promise; the instructions were detected.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { x86::fill_avx2(page, content) },
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Kind::Sse2 => unsafe { x86::fill_sse2(page, content) },
        Kind::Words => {
            for line in 0..PAGE_LINES {
                // SAFETY: a line of the page.
                unsafe { write_words(page, line, content) };
            }
        }
    }
    barrier();
}

/// # Safety
/// As [`fill`].
pub(super) unsafe fn check(
    instructions: Instructions,
    page: *mut u64,
    content: Content<'_>,
    differs: &mut dyn FnMut(usize, u64),
) {
    let differs = &mut |line: usize, read: &[u64; LINE_WORDS]| told(line, read, content, differs);
    barrier();
    match instructions.0 {
        // SAFETY: the caller's promise; the instructions were detected.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { x86::check_avx2(page, content, differs) },
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Kind::Sse2 => unsafe { x86::check_sse2(page, content, differs) },
        Kind::Words => {
            for line in 0..PAGE_LINES {
                // SAFETY: a line of the page.
                unsafe { check_words(page, line, content, differs) };
            }
        }
    }
    barrier();
}

/// # Safety
/// As [`fill`].
pub(super) unsafe fn replace(
    instructions: Instructions,
    page: *mut u64,
    (old, new): (Content<'_>, Content<'_>),
    direction: Direction,
    differs: &mut dyn FnMut(usize, u64),
) {
    let differs = &mut |line: usize, read: &[u64; LINE_WORDS]| told(line, read, old, differs);
    barrier();
    match instructions.0 {
        // SAFETY: the caller's promise; the instructions were detected.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { x86::replace_avx2(page, (old, new), direction, differs) },
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Kind::Sse2 => unsafe { x86::replace_sse2(page, (old, new), direction, differs) },
        Kind::Words => {
            for step in 0..PAGE_LINES {
                let line = line_of(step, direction);
                // SAFETY: a line of the page.
                unsafe {
                    check_words(page, line, old, differs);
                    write_words(page, line, new);
                }
            }
        }
    }
    barrier();
}

/// The line that comes at this step.
fn line_of(step: usize, direction: Direction) -> usize {
    match direction {
        Direction::Up => step,
        Direction::Down => PAGE_LINES - 1 - step,
    }
}

/// The words of a line that are others.
#[cold]
fn told(
    line: usize,
    read: &[u64; LINE_WORDS],
    content: Content<'_>,
    differs: &mut dyn FnMut(usize, u64),
) {
    for (offset, word) in read.iter().enumerate() {
        let index = line * LINE_WORDS + offset;
        if *word != content.word(index) {
            differs(index, *word);
        }
    }
}

/// # Safety
/// A line of a page as in [`fill`].
unsafe fn write_words(page: *mut u64, line: usize, content: Content<'_>) {
    for index in line * LINE_WORDS..(line + 1) * LINE_WORDS {
        // SAFETY: the caller's promise.
        unsafe { page.add(index).write_volatile(content.word(index)) };
    }
}

/// # Safety
/// A line of a page as in [`fill`].
unsafe fn check_words(
    page: *mut u64,
    line: usize,
    content: Content<'_>,
    differs: &mut Differs<'_>,
) {
    let first = line * LINE_WORDS;
    // SAFETY: the caller's promise.
    let read = std::array::from_fn(|offset| unsafe { page.add(first + offset).read_volatile() });
    let all = read.iter().enumerate();
    let wrong = all.fold(0, |wrong, (offset, word)| {
        wrong | (word ^ content.word(first + offset))
    });
    if wrong != 0 {
        differs(line, &read);
    }
}

fn barrier() {
    // SAFETY: no instruction at all; without `nomem` the compiler must take it for one that may read and
    // write memory.
    unsafe { asm!("", options(nostack, preserves_flags)) };
}
