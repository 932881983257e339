//! The same three loops for three widths of vector. Eight vectors are in flight at once, because one AES round
//! takes several cycles and does not wait for another block's (Intel's AES-NI white paper, "Parallelizing").

use std::arch::is_x86_feature_detected;

use super::Block;

/// Sets of instructions that compute AES-CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instructions {
    /// Four blocks a vector: VAES with AVX-512.
    Vaes512,
    /// Two blocks a vector: VAES with AVX2.
    Vaes256,
    /// One block a vector: AES-NI.
    AesNi,
}

impl Instructions {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::Vaes512, Self::Vaes256, Self::AesNi];

    /// Name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vaes512 => "vaes-512",
            Self::Vaes256 => "vaes-256",
            Self::AesNi => "aes-ni",
        }
    }

    /// Whether the processor says that it has them and the kernel keeps their registers.
    #[must_use]
    pub fn are_detected(self) -> bool {
        // The round keys are expanded by AES-NI for all of them.
        let aes_ni = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1");
        // The bench measures by `--cfg keystream_without_vaes` what a processor without VAES does.
        let vaes = aes_ni && !cfg!(keystream_without_vaes) && is_x86_feature_detected!("vaes");
        match self {
            Self::AesNi => aes_ni,
            Self::Vaes256 => vaes && is_x86_feature_detected!("avx2"),
            Self::Vaes512 => {
                vaes && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
            }
        }
    }
}

/// The keystream of one key.
#[derive(Clone)]
pub struct Aes128Ctr {
    /// Detected on this processor: the unsafe calls below rest on it.
    instructions: Instructions,
    round_keys: RoundKeys,
    counter: u128,
}

impl Aes128Ctr {
    /// The keystream whose block 0 is the AES of `counter`. `None` when the processor has not got the
    /// instructions.
    #[must_use]
    pub fn new(instructions: Instructions, key: &Block, counter: u128) -> Option<Self> {
        if !instructions.are_detected() {
            return None;
        }
        // SAFETY: every one of `Instructions` is detected only together with AES-NI.
        let round_keys = unsafe { expand(key) };
        Some(Self {
            instructions,
            round_keys,
            counter,
        })
    }

    /// Fills `blocks` with the keystream from block number `first` on.
    pub fn fill(&self, first: u64, blocks: &mut [Block]) {
        let counter = self.counter.wrapping_add(first.into());
        match self.instructions {
            // SAFETY: `new` has detected the instructions.
            Instructions::Vaes512 => unsafe { vaes_512::fill(&self.round_keys, counter, blocks) },
            // SAFETY: as above.
            Instructions::Vaes256 => unsafe { vaes_256::fill(&self.round_keys, counter, blocks) },
            // SAFETY: as above.
            Instructions::AesNi => unsafe { aes_ni::fill(&self.round_keys, counter, blocks) },
        }
    }

    /// Index of the first byte of `blocks` that is not the keystream from block number `first` on.
    #[must_use]
    pub fn compare(&self, first: u64, blocks: &[Block]) -> Option<usize> {
        let counter = self.counter.wrapping_add(first.into());
        match self.instructions {
            // SAFETY: `new` has detected the instructions.
            Instructions::Vaes512 => unsafe {
                vaes_512::compare(&self.round_keys, counter, blocks)
            },
            // SAFETY: as above.
            Instructions::Vaes256 => unsafe {
                vaes_256::compare(&self.round_keys, counter, blocks)
            },
            // SAFETY: as above.
            Instructions::AesNi => unsafe { aes_ni::compare(&self.round_keys, counter, blocks) },
        }
    }
}

/// AES-128 has ten rounds, and a key before the first (FIPS 197 section 5).
type RoundKeys = [Block; 11];

/// FIPS 197 section 5.2.
#[target_feature(enable = "aes")]
fn expand(key: &Block) -> RoundKeys {
    use std::arch::x86_64::{
        __m128i, _mm_aeskeygenassist_si128, _mm_shuffle_epi32, _mm_slli_si128, _mm_xor_si128,
    };
    /// One more round key from the one before it. The word that `RCON` belongs to is the assist's highest.
    #[target_feature(enable = "aes")]
    fn next<const RCON: i32>(key: __m128i) -> __m128i {
        let word = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<RCON>(key));
        // Each word becomes the XOR of itself and all words before it.
        let key = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
        let key = _mm_xor_si128(key, _mm_slli_si128::<8>(key));
        _mm_xor_si128(key, word)
    }
    let of_bytes = |bytes: &Block| -> __m128i {
        // SAFETY: both are 16 bytes, any of which are a valid value.
        unsafe { std::mem::transmute(*bytes) }
    };
    let mut keys = [of_bytes(key); 11];
    keys[1] = next::<0x01>(keys[0]);
    keys[2] = next::<0x02>(keys[1]);
    keys[3] = next::<0x04>(keys[2]);
    keys[4] = next::<0x08>(keys[3]);
    keys[5] = next::<0x10>(keys[4]);
    keys[6] = next::<0x20>(keys[5]);
    keys[7] = next::<0x40>(keys[6]);
    keys[8] = next::<0x80>(keys[7]);
    keys[9] = next::<0x1b>(keys[8]);
    keys[10] = next::<0x36>(keys[9]);
    // SAFETY: both are 11 times 16 bytes, any of which are a valid value.
    unsafe { std::mem::transmute(keys) }
}

/// Index of the first byte in which the two differ. A batch that the vectors found to differ and that reads
/// equal byte by byte is a fault of the processor: it counts as different, from its first byte on.
fn first_difference(found: &[Block], expected: &[Block]) -> usize {
    let pairs = found.as_flattened().iter().zip(expected.as_flattened());
    pairs
        .into_iter()
        .position(|(found, expected)| found != expected)
        .unwrap_or(0)
}

/// Fetches the cache lines a kibibyte ahead of a batch, to be written. Without it a buffer whose lines are in another
/// core's cache, as those are that the kernel has just copied from, makes each store wait.
/// `PREFETCHW` touches nothing and faults nowhere; a processor without it does nothing (AMD64 manual volume 3; Intel
/// 64 manual volume 2B). It is not `_mm_prefetch`, which gives the same line to be read.
#[inline(always)]
fn fetch_for_writing<const BLOCKS: usize>(batch: &[Block; BLOCKS]) {
    const AHEAD_BYTES: usize = 1024;
    const LINE_BYTES: usize = 64;
    for line in (0..size_of_val(batch)).step_by(LINE_BYTES) {
        let ahead = batch.as_ptr().wrapping_byte_add(AHEAD_BYTES + line);
        // SAFETY: a hint: no memory is read or written, whatever the address.
        unsafe {
            std::arch::asm!(
                "prefetchw [{}]",
                in(reg) ahead,
                options(nostack, preserves_flags, readonly)
            );
        }
    }
}

/// The ten rounds over all vectors of a batch. Not a function: the compiler does not put one of this size into
/// its caller, and then the keystream takes a way through memory.
macro_rules! encrypt {
    ($width:ident, $keys:ident, $state:expr) => {{
        let mut state = $state;
        for vector in &mut state {
            *vector = $width::xor(*vector, $keys[0]);
        }
        for key in &$keys[1..10] {
            for vector in &mut state {
                *vector = $width::round(*vector, *key);
            }
        }
        for vector in &mut state {
            *vector = $width::last_round(*vector, $keys[10]);
        }
        state
    }};
}

/// `fill` and `compare` over vectors of `$lanes` blocks; `$width` is the module that has the operations on one
/// of them.
macro_rules! counter_mode {
    ($name:ident, $width:ident, $features:literal, $lanes:literal) => {
        mod $name {
            use super::{Block, RoundKeys, fetch_for_writing, first_difference, $width as width};
            use width::Vector;

            const VECTORS: usize = 8;
            const BATCH_BLOCKS: usize = VECTORS * $lanes;
            type Batch = [Block; BATCH_BLOCKS];

            #[target_feature(enable = $features)]
            pub(super) fn fill(round_keys: &RoundKeys, counter: u128, blocks: &mut [Block]) {
                let keys = keys(round_keys);
                let mut counter = counter;
                let (batches, rest) = blocks.as_chunks_mut::<BATCH_BLOCKS>();
                for batch in batches {
                    fetch_for_writing(batch);
                    *batch = bytes(encrypt!(width, keys, counters(counter)));
                    counter = counter.wrapping_add(BATCH_BLOCKS as u128);
                }
                if !rest.is_empty() {
                    let last = last(&keys, counter);
                    rest.copy_from_slice(&last[..rest.len()]);
                }
            }

            #[target_feature(enable = $features)]
            pub(super) fn compare(
                round_keys: &RoundKeys,
                counter: u128,
                blocks: &[Block],
            ) -> Option<usize> {
                let keys = keys(round_keys);
                let mut counter = counter;
                let (batches, rest) = blocks.as_chunks::<BATCH_BLOCKS>();
                for (index, batch) in batches.iter().enumerate() {
                    let stream = encrypt!(width, keys, counters(counter));
                    let found = vectors(batch);
                    let mut different = width::xor(stream[0], found[0]);
                    for (stream, found) in stream[1..].iter().zip(&found[1..]) {
                        different = width::or(different, width::xor(*stream, *found));
                    }
                    if !width::is_zero(different) {
                        let within = first_difference(batch, &bytes(stream));
                        return Some(index * size_of::<Batch>() + within);
                    }
                    counter = counter.wrapping_add(BATCH_BLOCKS as u128);
                }
                if rest.is_empty() {
                    return None;
                }
                let last = last(&keys, counter);
                let expected = &last[..rest.len()];
                (rest != expected).then(|| size_of_val(batches) + first_difference(rest, expected))
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn keys(round_keys: &RoundKeys) -> [Vector; 11] {
                let mut keys = [width::repeated(&round_keys[0]); 11];
                for (key, block) in keys[1..].iter_mut().zip(&round_keys[1..]) {
                    *key = width::repeated(block);
                }
                keys
            }

            /// The keystream where less than a batch of it is wanted.
            #[target_feature(enable = $features)]
            fn last(keys: &[Vector; 11], counter: u128) -> Batch {
                bytes(encrypt!(width, keys, counters(counter)))
            }

            /// The batch's counters, big-endian.
            #[target_feature(enable = $features)]
            #[inline]
            fn counters(counter: u128) -> [Vector; VECTORS] {
                let (high, low) = ((counter >> 64) as u64, counter as u64);
                if low.checked_add(BATCH_BLOCKS as u64).is_none() {
                    return counters_with_carry(counter);
                }
                let first = width::consecutive(high, low);
                let mut counters = [first; VECTORS];
                for (index, vector) in counters.iter_mut().enumerate() {
                    let ahead = (index * $lanes) as u64;
                    *vector = width::big_endian(width::plus_low(first, ahead));
                }
                counters
            }

            /// Vectors have no 128-bit addition: once in 2^64 blocks the numbers are made without them.
            #[cold]
            #[inline(never)]
            #[target_feature(enable = $features)]
            fn counters_with_carry(counter: u128) -> [Vector; VECTORS] {
                let mut batch = [[0; 16]; BATCH_BLOCKS];
                for (ahead, block) in batch.iter_mut().enumerate() {
                    *block = counter.wrapping_add(ahead as u128).to_be_bytes();
                }
                vectors(&batch)
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn bytes(vectors: [Vector; VECTORS]) -> Batch {
                // SAFETY: the compiler refuses types of unequal size; both are plain bytes, each of any value.
                unsafe { std::mem::transmute(vectors) }
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn vectors(batch: &Batch) -> [Vector; VECTORS] {
                // SAFETY: as above.
                unsafe { std::mem::transmute(*batch) }
            }
        }
    };
}

counter_mode!(aes_ni, one, "aes,ssse3,sse4.1", 1);
counter_mode!(vaes_256, two, "vaes,avx2", 2);
counter_mode!(vaes_512, four, "vaes,avx512f,avx512bw", 4);

/// Operations on a vector of one block.
mod one {
    use super::Block;
    pub(super) use std::arch::x86_64::{
        __m128i as Vector, _mm_aesenc_si128 as round, _mm_aesenclast_si128 as last_round,
        _mm_or_si128 as or, _mm_xor_si128 as xor,
    };
    use std::arch::x86_64::{
        _mm_add_epi64, _mm_set_epi8, _mm_set_epi64x, _mm_shuffle_epi8, _mm_testz_si128,
    };

    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn repeated(block: &Block) -> Vector {
        let number = u128::from_le_bytes(*block);
        _mm_set_epi64x((number >> 64) as i64, number as i64)
    }

    /// The 128-bit number, little-endian.
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn consecutive(high: u64, low: u64) -> Vector {
        _mm_set_epi64x(high as i64, low as i64)
    }

    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn plus_low(numbers: Vector, ahead: u64) -> Vector {
        _mm_add_epi64(numbers, _mm_set_epi64x(0, ahead as i64))
    }

    #[target_feature(enable = "ssse3")]
    #[inline]
    pub(super) fn big_endian(numbers: Vector) -> Vector {
        let reversed = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        _mm_shuffle_epi8(numbers, reversed)
    }

    #[target_feature(enable = "sse4.1")]
    #[inline]
    pub(super) fn is_zero(vector: Vector) -> bool {
        _mm_testz_si128(vector, vector) == 1
    }
}

/// Operations on a vector of two blocks.
mod two {
    use super::{Block, one};
    pub(super) use std::arch::x86_64::{
        __m256i as Vector, _mm256_aesenc_epi128 as round, _mm256_aesenclast_epi128 as last_round,
        _mm256_or_si256 as or, _mm256_xor_si256 as xor,
    };
    use std::arch::x86_64::{
        _mm_set_epi8, _mm256_add_epi64, _mm256_broadcastsi128_si256, _mm256_set_epi64x,
        _mm256_shuffle_epi8, _mm256_testz_si256,
    };

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn repeated(block: &Block) -> Vector {
        _mm256_broadcastsi128_si256(one::repeated(block))
    }

    /// Two consecutive 128-bit numbers, little-endian, whose low halves must not carry.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn consecutive(high: u64, low: u64) -> Vector {
        let first = _mm256_broadcastsi128_si256(one::consecutive(high, low));
        _mm256_add_epi64(first, _mm256_set_epi64x(0, 1, 0, 0))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn plus_low(numbers: Vector, ahead: u64) -> Vector {
        let ahead = ahead as i64;
        _mm256_add_epi64(numbers, _mm256_set_epi64x(0, ahead, 0, ahead))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn big_endian(numbers: Vector) -> Vector {
        let reversed = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        _mm256_shuffle_epi8(numbers, _mm256_broadcastsi128_si256(reversed))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn is_zero(vector: Vector) -> bool {
        _mm256_testz_si256(vector, vector) == 1
    }
}

/// Operations on a vector of four blocks.
mod four {
    use super::{Block, one};
    pub(super) use std::arch::x86_64::{
        __m512i as Vector, _mm512_aesenc_epi128 as round, _mm512_aesenclast_epi128 as last_round,
        _mm512_or_si512 as or, _mm512_xor_si512 as xor,
    };
    use std::arch::x86_64::{
        _mm_set_epi8, _mm512_add_epi64, _mm512_broadcast_i32x4, _mm512_set_epi64,
        _mm512_shuffle_epi8, _mm512_test_epi64_mask,
    };

    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) fn repeated(block: &Block) -> Vector {
        _mm512_broadcast_i32x4(one::repeated(block))
    }

    /// Four consecutive 128-bit numbers, little-endian, whose low halves must not carry.
    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) fn consecutive(high: u64, low: u64) -> Vector {
        let first = _mm512_broadcast_i32x4(one::consecutive(high, low));
        _mm512_add_epi64(first, _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0))
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) fn plus_low(numbers: Vector, ahead: u64) -> Vector {
        let ahead = ahead as i64;
        _mm512_add_epi64(
            numbers,
            _mm512_set_epi64(0, ahead, 0, ahead, 0, ahead, 0, ahead),
        )
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    pub(super) fn big_endian(numbers: Vector) -> Vector {
        let reversed = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        _mm512_shuffle_epi8(numbers, _mm512_broadcast_i32x4(reversed))
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) fn is_zero(vector: Vector) -> bool {
        _mm512_test_epi64_mask(vector, vector) == 0
    }
}
