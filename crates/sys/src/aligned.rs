//! Memory for direct I/O: page-aligned, in huge pages where the kernel grants them.
//!
//! A request built from 4 KiB pages has one segment per page and hits the device's segment limit; a huge page
//! is one segment. Huge pages are asked for, never required: without them everything works, slower.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

const PAGE_BYTES: usize = 4096;
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// A buffer of its own, for direct I/O: zeroed at the start, page-aligned, or 2 MiB-aligned and in huge pages
/// when it is 2 MiB or longer.
#[derive(Debug)]
pub struct AlignedBuffer {
    /// Shared by the buffers that were cut from one mapping; unmapped with the last of them.
    mapping: Arc<Mapping>,
    offset_bytes: usize,
    len_bytes: usize,
}

impl AlignedBuffer {
    /// One buffer of `len_bytes`, which must not be 0.
    ///
    /// # Errors
    /// `InvalidInput` for a length of 0, else what `mmap` says (`ENOMEM`).
    pub fn new(len_bytes: usize) -> io::Result<AlignedBuffer> {
        Ok(AlignedBuffer {
            mapping: Arc::new(Mapping::new(len_bytes)?),
            offset_bytes: 0,
            len_bytes,
        })
    }

    /// `count` buffers of `len_bytes` each, side by side in one mapping, each page-aligned, so that buffers
    /// shorter than a huge page share one. The memory goes back when the last of them is dropped.
    ///
    /// # Errors
    /// `InvalidInput` when the length or the count is 0 or their product overflows, else what `mmap` says.
    pub fn many(len_bytes: usize, count: usize) -> io::Result<Vec<AlignedBuffer>> {
        let total = len_bytes
            .checked_next_multiple_of(PAGE_BYTES)
            .and_then(|stride| stride.checked_mul(count));
        let total = total.ok_or(io::ErrorKind::InvalidInput)?;
        let mapping = Arc::new(Mapping::new(total)?);
        let stride = total / count;
        let buffer = |i| AlignedBuffer {
            mapping: Arc::clone(&mapping),
            offset_bytes: i * stride,
            len_bytes,
        };
        Ok((0..count).map(buffer).collect())
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: `offset_bytes + len_bytes` lies within the mapping, see `new` and `many`.
        unsafe { self.mapping.start.as_ptr().add(self.offset_bytes) }
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the range is mapped readable while `mapping` lives, was zeroed by the kernel, and belongs to
        // this buffer alone: `many` cuts disjoint ranges and the type cannot be cloned.
        unsafe { std::slice::from_raw_parts(self.start(), self.len_bytes) }
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, mapped writable; `&mut self` is the only way to this range.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len_bytes) }
    }
}

/// Anonymous private memory, unmapped on drop.
#[derive(Debug)]
struct Mapping {
    start: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: memory of the process, not of a thread; nothing in it depends on where it is used or unmapped.
unsafe impl Send for Mapping {}
// SAFETY: `Mapping` itself gives no access; the buffers cut from it are disjoint and follow Rust's borrow rules.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(len_bytes: usize) -> io::Result<Mapping> {
        if len_bytes == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let len_bytes = len_bytes
            .checked_next_multiple_of(PAGE_BYTES)
            .ok_or(io::ErrorKind::InvalidInput)?;
        if len_bytes < HUGE_PAGE_BYTES {
            return Mapping::anonymous(len_bytes);
        }
        // The kernel aligns to pages only: take one huge page more and give back what sticks out on both sides.
        let wide = len_bytes
            .checked_add(HUGE_PAGE_BYTES)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let mapping = Mapping::anonymous(wide)?.trimmed(len_bytes);
        // SAFETY: the range is ours; the advice changes no content. A refusal (a kernel without transparent
        // huge pages) costs speed only, so the result is not looked at.
        unsafe {
            libc::madvise(
                mapping.start.as_ptr().cast(),
                len_bytes,
                libc::MADV_HUGEPAGE,
            )
        };
        Ok(mapping)
    }

    fn anonymous(len_bytes: usize) -> io::Result<Mapping> {
        let (access, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        );
        // SAFETY: without MAP_FIXED the kernel chooses a free range, so no existing memory is touched.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len_bytes, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).expect("mmap chooses no null address");
        Ok(Mapping { start, len_bytes })
    }

    /// Keeps `len_bytes` from the first 2 MiB boundary on; there must be 2 MiB more than that.
    fn trimmed(self, len_bytes: usize) -> Mapping {
        let head = self.start.as_ptr().align_offset(HUGE_PAGE_BYTES);
        assert!(
            head + len_bytes <= self.len_bytes,
            "the mapping is one huge page wider than asked"
        );
        let (whole, tail) = (self.len_bytes, self.len_bytes - head - len_bytes);
        // SAFETY: `head` is within the mapping, as just asserted.
        let start = unsafe { self.start.add(head) };
        let _ = std::mem::ManuallyDrop::new(self);
        // SAFETY: both ranges are page-aligned parts of our own fresh mapping that no buffer covers, and
        // disjoint from the kept one. A failed munmap would only waste address space.
        unsafe {
            if head > 0 {
                libc::munmap(start.as_ptr().sub(head).cast(), head);
            }
            if tail > 0 {
                libc::munmap(start.as_ptr().add(whole - head - tail).cast(), tail);
            }
        }
        Mapping { start, len_bytes }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by us, and no buffer refers to it any more: each holds the `Arc`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len_bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zeroed_aligned_and_of_the_length_asked() {
        for (len, alignment) in [
            (1, PAGE_BYTES),
            (4096, PAGE_BYTES),
            ((2 << 20) - 1, PAGE_BYTES),
        ]
        .into_iter()
        .chain([2 << 20, (2 << 20) + 512, 5 << 20].map(|len| (len, HUGE_PAGE_BYTES)))
        {
            let mut buffer = AlignedBuffer::new(len).unwrap();
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.as_ptr().addr() % alignment, 0, "{len} bytes");
            assert!(buffer.iter().all(|byte| *byte == 0));
            buffer.fill(0xA5);
            assert!(buffer.iter().all(|byte| *byte == 0xA5));
        }
    }

    #[test]
    fn buffers_cut_from_one_mapping_do_not_overlap_and_outlive_each_other() {
        let mut buffers = AlignedBuffer::many(1000, 2100).unwrap();
        assert_eq!(buffers[0].as_ptr().addr() % HUGE_PAGE_BYTES, 0);
        for (i, buffer) in buffers.iter_mut().enumerate() {
            assert_eq!(
                (buffer.len(), buffer.as_ptr().addr() % PAGE_BYTES),
                (1000, 0)
            );
            buffer.fill(i as u8);
        }
        let last = buffers.pop().unwrap();
        for (i, buffer) in buffers.iter().enumerate() {
            assert!(buffer.iter().all(|byte| *byte == i as u8));
        }
        drop(buffers);
        assert!(last.iter().all(|byte| *byte == 2099_u32 as u8));
    }

    #[test]
    fn impossible_lengths_are_errors() {
        for bad in [
            AlignedBuffer::new(0),
            AlignedBuffer::new(usize::MAX),
            AlignedBuffer::new(usize::MAX - 8191),
        ] {
            assert_eq!(bad.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        for (len, count) in [(0, 4), (4096, 0), (usize::MAX / 2, 3), (usize::MAX, 1)] {
            assert_eq!(
                AlignedBuffer::many(len, count).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
        }
    }

    #[test]
    fn dropped_buffers_give_back_their_address_space() {
        // 200 TiB in turn, more than the 128 TiB that a process can map at once; no page is touched.
        for _ in 0..200_000 {
            AlignedBuffer::new(1 << 30).unwrap();
        }
    }
}
