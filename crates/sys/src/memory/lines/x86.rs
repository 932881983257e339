//! The loops for x86-64: a line of 64 bytes is two vectors of AVX2 or four of SSE2.
//!
//! A fence ends each page: non-temporal stores are not ordered with what another core does next.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cmpeq_epi8, _mm_load_si128, _mm_movemask_epi8, _mm_or_si128,
    _mm_set1_epi64x, _mm_setzero_si128, _mm_sfence, _mm_storeu_si128, _mm_stream_si128,
    _mm_xor_si128, _mm256_load_si256, _mm256_or_si256, _mm256_set1_epi64x, _mm256_storeu_si256,
    _mm256_stream_si256, _mm256_testz_si256, _mm256_xor_si256,
};

use super::{Differs, line_of};
use crate::memory::{Content, Direction, LINE_WORDS, PAGE_LINES};

macro_rules! loops {
    ($feature:literal, $fill:ident, $check:ident, $replace:ident, $key:expr, $load:ident, $xor:ident,
     $stream:ident, $store:ident, $any:ident, $vector:ty) => {
        /// # Safety
        /// As `lines::fill`, and the processor has the instructions.
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(super) unsafe fn $fill(page: *mut u64, content: Content<'_>) {
            let key = $key(content.key.cast_signed());
            let (page, row) = (
                page.cast::<$vector>(),
                content.row.0.as_ptr().cast::<$vector>(),
            );
            const VECTORS: usize = PAGE_LINES * LINE_WORDS * 8 / size_of::<$vector>();
            for vector in 0..VECTORS {
                // SAFETY: a vector of the page and of the row, both aligned to a line.
                unsafe { $stream(page.add(vector), $xor($load(row.add(vector)), key)) };
            }
            _mm_sfence();
        }

        /// # Safety
        /// As `lines::fill`, and the processor has the instructions.
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(super) unsafe fn $check(
            page: *mut u64,
            content: Content<'_>,
            differs: &mut Differs<'_>,
        ) {
            const VECTORS: usize = LINE_WORDS * 8 / size_of::<$vector>();
            let key = $key(content.key.cast_signed());
            let (page, row) = (
                page.cast::<$vector>(),
                content.row.0.as_ptr().cast::<$vector>(),
            );
            for line in 0..PAGE_LINES {
                let first = line * VECTORS;
                // Loops and no closures: those would be called, and not be part of it.
                let (mut read, mut wanted) = ([$key(0); VECTORS], [$key(0); VECTORS]);
                for i in 0..VECTORS {
                    // SAFETY: vectors of one line of the page and of the row, both aligned to a line.
                    unsafe {
                        read[i] = $load(page.add(first + i));
                        wanted[i] = $xor($load(row.add(first + i)), key);
                    }
                }
                if $any(&read, &wanted) {
                    let mut words = [0; LINE_WORDS];
                    for (i, vector) in read.iter().enumerate() {
                        // SAFETY: the vectors of a line fill its words exactly.
                        unsafe { $store(words.as_mut_ptr().cast::<$vector>().add(i), *vector) };
                    }
                    differs(line, &words);
                }
            }
        }

        /// # Safety
        /// As `lines::fill`, and the processor has the instructions.
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(super) unsafe fn $replace(
            page: *mut u64,
            (old, new): (Content<'_>, Content<'_>),
            direction: Direction,
            differs: &mut Differs<'_>,
        ) {
            const VECTORS: usize = LINE_WORDS * 8 / size_of::<$vector>();
            let (old_key, new_key) = ($key(old.key.cast_signed()), $key(new.key.cast_signed()));
            let page = page.cast::<$vector>();
            let (old, new) = (
                old.row.0.as_ptr().cast::<$vector>(),
                new.row.0.as_ptr().cast::<$vector>(),
            );
            for step in 0..PAGE_LINES {
                let line = line_of(step, direction);
                let first = line * VECTORS;
                // Loops and no closures: those would be called, and not be part of it.
                let (mut read, mut wanted) = ([$key(0); VECTORS], [$key(0); VECTORS]);
                for i in 0..VECTORS {
                    // SAFETY: vectors of one line of the page and of the row, both aligned to a line.
                    unsafe {
                        read[i] = $load(page.add(first + i));
                        wanted[i] = $xor($load(old.add(first + i)), old_key);
                    }
                }
                if $any(&read, &wanted) {
                    let mut words = [0; LINE_WORDS];
                    for (i, vector) in read.iter().enumerate() {
                        // SAFETY: the vectors of a line fill its words exactly.
                        unsafe { $store(words.as_mut_ptr().cast::<$vector>().add(i), *vector) };
                    }
                    differs(line, &words);
                }
                for i in first..first + VECTORS {
                    // SAFETY: a vector of the page and of the row, both aligned to a line.
                    unsafe { $stream(page.add(i), $xor($load(new.add(i)), new_key)) };
                }
            }
            _mm_sfence();
        }
    };
}

/// Whether any bit differs.
#[target_feature(enable = "avx2")]
#[inline]
fn any_avx2(read: &[__m256i; 2], wanted: &[__m256i; 2]) -> bool {
    let wrong = _mm256_or_si256(
        _mm256_xor_si256(read[0], wanted[0]),
        _mm256_xor_si256(read[1], wanted[1]),
    );
    _mm256_testz_si256(wrong, wrong) == 0
}

/// Whether any bit differs.
#[target_feature(enable = "sse2")]
#[inline]
fn any_sse2(read: &[__m128i; 4], wanted: &[__m128i; 4]) -> bool {
    let wrong = |i: usize| _mm_xor_si128(read[i], wanted[i]);
    let wrong = _mm_or_si128(
        _mm_or_si128(wrong(0), wrong(1)),
        _mm_or_si128(wrong(2), wrong(3)),
    );
    _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) != 0xFFFF
}

loops!(
    "avx2",
    fill_avx2,
    check_avx2,
    replace_avx2,
    _mm256_set1_epi64x,
    _mm256_load_si256,
    _mm256_xor_si256,
    _mm256_stream_si256,
    _mm256_storeu_si256,
    any_avx2,
    __m256i
);
loops!(
    "sse2",
    fill_sse2,
    check_sse2,
    replace_sse2,
    _mm_set1_epi64x,
    _mm_load_si128,
    _mm_xor_si128,
    _mm_stream_si128,
    _mm_storeu_si128,
    any_sse2,
    __m128i
);
