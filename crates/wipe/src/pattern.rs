//! The position-keyed pattern: any byte of a pass can be computed from its offset alone.
//!
//! It does not say *how often* or *where* to write (that is the plan and the engine), and it keeps
//! nothing secret: seed, identity, cipher and pass are in the report, so that an auditor can
//! compute the pattern with tools of his own. It is incompressible and differs at every offset,
//! which is what catches a drive that drops, repeats, misdirects or wraps its writes
//! (a constant fill can catch none of them).
//!
//! # Derivation, byte by byte
//!
//! ```text
//! input  = field(seed) ‖ field(identity) ‖ field(cipher) ‖ field(pass)
//! field(x) = length of x in bytes as unsigned 64-bit little-endian ‖ x
//!   seed      32 bytes, as in the report (there in hexadecimal)
//!   identity  the identity exactly as recorded in the report, UTF-8, no terminator
//!   cipher    ASCII "aes-128-ctr" or "chacha8", no terminator
//!   pass      unsigned 32-bit little-endian: 4 bytes
//! output = BLAKE3 in derive_key mode, 32 bytes,
//!          context string "raz 2026-11 position-keyed pattern v1"
//! ```
//!
//! The keystream is the pattern: byte `i` of the drive is byte `i` of the keystream.
//!
//! * `aes-128-ctr`: key = `output[0..16]`. Block `n` (bytes `16n` to `16n + 15` of the drive) is
//!   AES-128 of the 128-bit big-endian number `output[16..32] + n`, modulo 2^128. The same as
//!   `openssl enc -aes-128-ctr -K KEY -iv output[16..32]` over zeros.
//! * `chacha8`: key = `output[0..32]`. Block `n` (bytes `64n` to `64n + 63`) is the ChaCha block
//!   function with 8 rounds (4 double rounds) in Bernstein's original layout: words 12 and 13 are
//!   the 64-bit block counter `n`, low word first, words 14 and 15 (the nonce) are zero.
//!
//! Which code computes a keystream is chosen on each machine among those that passed a self-test there
//! ([`Backend`]); the bytes do not depend on it.
//!
//! The **complement** of a pass is every byte of it XOR `0xff`, with the same pass number.

use aes::Aes128;
use aes::cipher::{Array, InnerIvInit, KeyInit, KeyIvInit, StreamCipherCore};
use chacha20::variants::Ietf;
use chacha20::{ChaChaCore, R8};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use std::fmt;
use sys::keystream::Aes128Ctr;

mod backend;
#[cfg(test)]
mod faulty;
mod self_test;

pub use backend::{Backend, WrongProcessor};

use backend::Generator;

/// BLAKE3 `derive_key` context of the derivation above.
pub const CONTEXT: &str = "raz 2026-11 position-keyed pattern v1";

/// Small enough that a tile and the bytes compared with it stay in the first-level cache.
const TILE_BYTES: usize = 8192;

/// ChaCha blocks that share a high counter word: 2^32 blocks are 256 GiB.
const CHACHA_SEGMENT_BLOCKS: u64 = 1 << 32;

/// The random start of a run's patterns. Recorded in the report: not a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// A fresh seed from the kernel's random source.
    ///
    /// # Errors
    /// The kernel gave no random bytes.
    pub fn random() -> Result<Self, SeedError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(SeedError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// No random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the kernel gave no random bytes for the pattern's seed")]
pub struct SeedError(#[source] getrandom::Error);

/// The keystream generator of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// AES-128 in counter mode, where the CPU has AES instructions.
    Aes128Ctr,
    /// ChaCha with 8 rounds: in software about ten times as fast as AES is there.
    ChaCha8,
}

impl Cipher {
    /// The cipher for this CPU: AES only with AES instructions.
    #[must_use]
    pub fn for_this_cpu() -> Self {
        if sys::cpu::has_aes() {
            Self::Aes128Ctr
        } else {
            Self::ChaCha8
        }
    }

    /// Name in the derivation and in the report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Ctr => "aes-128-ctr",
            Self::ChaCha8 => "chacha8",
        }
    }

    /// The cipher of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Aes128Ctr, Self::ChaCha8]
            .into_iter()
            .find(|cipher| cipher.name() == name)
    }
}

/// The key of one pass of one drive.
#[derive(Clone)]
pub struct PassKey {
    cipher: Cipher,
    state: State,
}

#[derive(Clone)]
enum State {
    Aes {
        cipher: Box<Aes128>,
        counter: u128,
    },
    AesInstructions(Box<Aes128Ctr>),
    ChaCha {
        key: [u8; 32],
    },
    #[cfg(test)]
    Faulty(faulty::Faulty),
}

impl fmt::Debug for PassKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PassKey({})", self.cipher.name())
    }
}

impl PassKey {
    /// The key of pass number `pass` on the drive whose identity the report records as
    /// `identity_recorded`.
    ///
    /// # Errors
    /// This machine's processor computes the cipher wrongly.
    pub fn derive(
        seed: &Seed,
        identity_recorded: &str,
        cipher: Cipher,
        pass: u32,
    ) -> Result<Self, WrongProcessor> {
        let backend = Backend::fastest(cipher)?;
        Ok(Self::derive_with(seed, identity_recorded, pass, backend))
    }

    /// The same key, whose pattern is computed by `backend`: for tests and measurements.
    #[must_use]
    pub fn derive_with(seed: &Seed, identity_recorded: &str, pass: u32, backend: Backend) -> Self {
        let output = derive(seed, identity_recorded, backend.cipher(), pass);
        Self::from_output(backend.cipher(), &output, backend.generator())
    }

    /// The key of the derivation's output.
    fn from_output(cipher: Cipher, output: &[u8; 32], generator: Generator) -> Self {
        let (key, counter) = halves(output);
        let counter = u128::from_be_bytes(counter);
        let state = match (generator, cipher) {
            (Generator::Portable, Cipher::Aes128Ctr) => State::Aes {
                cipher: Box::new(Aes128::new(&Array::from(key))),
                counter,
            },
            (Generator::Portable, Cipher::ChaCha8) => State::ChaCha { key: *output },
            (Generator::Instructions(instructions), Cipher::Aes128Ctr) => {
                let stream = Aes128Ctr::new(instructions, &key, counter);
                State::AesInstructions(Box::new(stream.expect("the instructions were detected")))
            }
            (Generator::Instructions(_), Cipher::ChaCha8) => {
                unreachable!("there are instructions for AES only")
            }
            #[cfg(test)]
            (Generator::Faulty(fault), _) => {
                State::Faulty(faulty::Faulty::new(cipher, output, fault))
            }
        };
        Self { cipher, state }
    }

    /// The cipher of this key.
    #[must_use]
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Writes the pattern of the bytes from `offset_bytes` on into `buffer`. Any offset, any length.
    pub fn fill(&self, offset_bytes: u64, buffer: &mut [u8]) {
        match &self.state {
            State::Aes { cipher, counter } => fill_blocks(offset_bytes, buffer, |block, blocks| {
                let start = counter.wrapping_add(u128::from(block));
                let mut core: CtrCore<&Aes128, Ctr128BE> =
                    CtrCore::inner_iv_init(&**cipher, &Array::from(start.to_be_bytes()));
                core.write_keystream_blocks(Array::cast_slice_from_core_mut(blocks));
            }),
            State::AesInstructions(stream) => fill_blocks(offset_bytes, buffer, |block, blocks| {
                stream.fill(block, blocks);
            }),
            State::ChaCha { key } => fill_blocks(offset_bytes, buffer, |block, blocks| {
                chacha8(key, block, blocks);
            }),
            #[cfg(test)]
            State::Faulty(faulty) => faulty.fill(offset_bytes, buffer),
        }
    }

    /// Writes the complement of the pattern.
    pub fn fill_complement(&self, offset_bytes: u64, buffer: &mut [u8]) {
        let mut offset_bytes = offset_bytes;
        for tile in buffer.chunks_mut(TILE_BYTES) {
            self.fill(offset_bytes, tile);
            invert(tile);
            offset_bytes += tile.len() as u64;
        }
    }

    /// Index of the first byte of `data` that is not the pattern from `offset_bytes` on.
    #[must_use]
    pub fn compare(&self, offset_bytes: u64, data: &[u8]) -> Option<usize> {
        let parts = |offset: u64, data: &[u8]| {
            compare_tiles(data, offset, |offset, tile| self.fill(offset, tile))
        };
        match &self.state {
            State::AesInstructions(stream) => {
                compare_blocks(offset_bytes, data, parts, |block, blocks| {
                    stream.compare(block, blocks)
                })
            }
            State::Aes { .. } | State::ChaCha { .. } => parts(offset_bytes, data),
            #[cfg(test)]
            State::Faulty(faulty) => faulty.compare(offset_bytes, data),
        }
    }

    /// Index of the first byte of `data` that is not the pattern's complement.
    #[must_use]
    pub fn compare_complement(&self, offset_bytes: u64, data: &[u8]) -> Option<usize> {
        compare_tiles(data, offset_bytes, |offset, tile| {
            self.fill(offset, tile);
            invert(tile);
        })
    }
}

/// Index of the first byte that is not zero.
#[must_use]
pub fn first_nonzero(data: &[u8]) -> Option<usize> {
    // An OR over 128 bytes compiles to a handful of vector instructions; byte-wise search is
    // left for the one block that holds something.
    let (blocks, tail) = data.as_chunks::<128>();
    let dirty = |block: &[u8; 128]| block.iter().fold(0, |or, byte| or | byte) != 0;
    let start = blocks
        .iter()
        .position(dirty)
        .map_or(data.len() - tail.len(), |index| index * 128);
    data[start..]
        .iter()
        .position(|byte| *byte != 0)
        .map(|index| start + index)
}

fn derive(seed: &Seed, identity_recorded: &str, cipher: Cipher, pass: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    let pass = pass.to_le_bytes();
    let fields: [&[u8]; 4] = [
        &seed.0,
        identity_recorded.as_bytes(),
        cipher.name().as_bytes(),
        &pass,
    ];
    for field in fields {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    *hasher.finalize().as_bytes()
}

fn halves(output: &[u8; 32]) -> ([u8; 16], [u8; 16]) {
    let mut pair = ([0; 16], [0; 16]);
    pair.0.copy_from_slice(&output[..16]);
    pair.1.copy_from_slice(&output[16..]);
    pair
}

/// Splits `buffer` at block borders: `blocks(n, …)` gets whole blocks from number `n` on, and a
/// block of its own where the buffer begins or ends inside one.
fn fill_blocks<const N: usize>(
    offset_bytes: u64,
    buffer: &mut [u8],
    blocks: impl Fn(u64, &mut [[u8; N]]),
) {
    let size = N as u64;
    let mut block = offset_bytes / size;
    let skip = (offset_bytes % size) as usize;
    let mut rest = buffer;
    if skip > 0 {
        let mut first = [[0; N]];
        blocks(block, &mut first);
        let (head, after) = rest.split_at_mut(rest.len().min(N - skip));
        head.copy_from_slice(&first[0][skip..skip + head.len()]);
        rest = after;
        block = block.wrapping_add(1);
    }
    let (whole, tail) = rest.as_chunks_mut::<N>();
    if !whole.is_empty() {
        blocks(block, whole);
    }
    if !tail.is_empty() {
        let mut last = [[0; N]];
        blocks(block.wrapping_add(whole.len() as u64), &mut last);
        tail.copy_from_slice(&last[0][..tail.len()]);
    }
}

/// The original layout's words 12 to 15 are counter low, counter high, zero, zero. RFC 8439 calls
/// them counter, nonce, nonce, nonce: so the crate's RFC 8439 form with the counter's high word as
/// the nonce's first word is the original layout, until the low word would carry.
fn chacha8(key: &[u8; 32], block: u64, blocks: &mut [[u8; 64]]) {
    let mut block = block;
    let mut rest = blocks;
    while !rest.is_empty() {
        let segment = block / CHACHA_SEGMENT_BLOCKS;
        let within = block % CHACHA_SEGMENT_BLOCKS;
        let room = usize::try_from(CHACHA_SEGMENT_BLOCKS - within).unwrap_or(usize::MAX);
        let (now, later) = rest.split_at_mut(rest.len().min(room));
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&(segment as u32).to_le_bytes());
        let mut core = ChaChaCore::<R8, Ietf>::new(&Array::from(*key), &Array::from(nonce));
        core.set_block_pos(within as u32);
        core.write_keystream_blocks(Array::cast_slice_from_core_mut(now));
        block = block.wrapping_add(now.len() as u64);
        rest = later;
    }
}

fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

/// Splits `data` at block borders: `blocks` compares the whole ones, `parts` what is before and after them.
/// Each gives the index of the first byte that differs.
fn compare_blocks<const N: usize>(
    offset_bytes: u64,
    data: &[u8],
    parts: impl Fn(u64, &[u8]) -> Option<usize>,
    blocks: impl Fn(u64, &[[u8; N]]) -> Option<usize>,
) -> Option<usize> {
    let into = (offset_bytes % N as u64) as usize;
    let before = if into == 0 {
        0
    } else {
        data.len().min(N - into)
    };
    let (head, rest) = data.split_at(before);
    let (whole, tail) = rest.as_chunks::<N>();
    let tail_start = data.len() - tail.len();
    parts(offset_bytes, head)
        .or_else(|| {
            let first = (offset_bytes + before as u64) / N as u64;
            blocks(first, whole).map(|index| before + index)
        })
        .or_else(|| parts(offset_bytes + tail_start as u64, tail).map(|index| tail_start + index))
}

fn compare_tiles(data: &[u8], offset_bytes: u64, fill: impl Fn(u64, &mut [u8])) -> Option<usize> {
    if data.is_empty() {
        return None;
    }
    let mut space = Tile([0; TILE_BYTES]);
    let mut done = 0;
    for found in data.chunks(TILE_BYTES) {
        let tile = &mut space.0[..found.len()];
        fill(offset_bytes + done as u64, tile);
        if found != tile {
            let index = found
                .iter()
                .zip(tile)
                .position(|(found, expected)| *found != *expected);
            return index.map(|index| done + index);
        }
        done += found.len();
    }
    None
}

/// Aligned, so that no vector store of the generator crosses a cache line.
#[repr(align(64))]
struct Tile([u8; TILE_BYTES]);

#[cfg(test)]
mod tests;
