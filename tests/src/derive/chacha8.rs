//! The ChaCha8 keystream: Bernstein's "ChaCha, a variant of Salsa20" with 4 double rounds, its
//! 64-bit block counter, and a nonce of zero.
//!
//! One block at a time and no vector code: slow next to raz's, and independent of it.

use std::io::{self, Read};

const BLOCK_BYTES: usize = 64;
/// ChaCha8.
const DOUBLE_ROUNDS: usize = 4;

/// The keystream from any offset on, without end.
#[derive(Debug)]
pub struct ChaCha8 {
    key: [u32; 8],
    counter: u64,
    block: [u8; BLOCK_BYTES],
    used: usize,
}

impl ChaCha8 {
    /// The keystream of `key` from byte `offset_bytes` on.
    #[must_use]
    pub fn new(key: &[u8; 32], offset_bytes: u64) -> Self {
        let key = words(key);
        let counter = offset_bytes / BLOCK_BYTES as u64;
        Self {
            key,
            counter: counter + 1,
            block: block(&key, counter, DOUBLE_ROUNDS),
            used: (offset_bytes % BLOCK_BYTES as u64) as usize,
        }
    }
}

impl Read for ChaCha8 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.used == BLOCK_BYTES {
                self.block = block(&self.key, self.counter, DOUBLE_ROUNDS);
                self.counter += 1;
                self.used = 0;
            }
            let count = (buffer.len() - filled).min(BLOCK_BYTES - self.used);
            buffer[filled..filled + count]
                .copy_from_slice(&self.block[self.used..self.used + count]);
            filled += count;
            self.used += count;
        }
        Ok(filled)
    }
}

fn words(key: &[u8; 32]) -> [u32; 8] {
    std::array::from_fn(|at| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|byte| key[4 * at + byte]);
        u32::from_le_bytes([a, b, c, d])
    })
}

/// One block. The number of rounds is an argument only so that OpenSSL, which has ChaCha20 alone,
/// can judge everything else.
fn block(key: &[u32; 8], counter: u64, double_rounds: usize) -> [u8; BLOCK_BYTES] {
    let mut start = [0; 16];
    // "expand 32-byte k"
    start[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    start[4..12].copy_from_slice(key);
    start[12] = counter as u32;
    start[13] = (counter >> 32) as u32;
    let mut state = start;
    for _ in 0..double_rounds {
        quarter::<0, 4, 8, 12>(&mut state);
        quarter::<1, 5, 9, 13>(&mut state);
        quarter::<2, 6, 10, 14>(&mut state);
        quarter::<3, 7, 11, 15>(&mut state);
        quarter::<0, 5, 10, 15>(&mut state);
        quarter::<1, 6, 11, 12>(&mut state);
        quarter::<2, 7, 8, 13>(&mut state);
        quarter::<3, 4, 9, 14>(&mut state);
    }
    let mut bytes = [0; BLOCK_BYTES];
    for (target, (mixed, first)) in bytes.chunks_exact_mut(4).zip(state.iter().zip(start)) {
        target.copy_from_slice(&mixed.wrapping_add(first).to_le_bytes());
    }
    bytes
}

fn quarter<const A: usize, const B: usize, const C: usize, const D: usize>(state: &mut [u32; 16]) {
    for (turn_d, turn_b) in [(16, 12), (8, 7)] {
        state[A] = state[A].wrapping_add(state[B]);
        state[D] = (state[D] ^ state[A]).rotate_left(turn_d);
        state[C] = state[C].wrapping_add(state[D]);
        state[B] = (state[B] ^ state[C]).rotate_left(turn_b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::openssl;

    fn keystream(key: &[u8; 32], offset_bytes: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        ChaCha8::new(key, offset_bytes)
            .read_exact(&mut bytes)
            .unwrap();
        bytes
    }

    /// draft-strombergson-chacha-test-vectors-01, TC1 and TC2: 256-bit key, 8 rounds.
    #[test]
    fn published_vectors_are_reproduced() {
        let mut key = [0; 32];
        assert_eq!(
            hex::encode(keystream(&key, 0, 128)),
            "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e\
             984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42\
             d2aefa0deaa5c151bf0adb6c01f2a5adc0fd581259f9a2aadcf20f8fd566a26b\
             5032ec38bbc5da98ee0c6f568b872a65a08abf251deb21bb4b56e5d8821e68aa"
        );
        key[0] = 1;
        assert_eq!(
            hex::encode(keystream(&key, 0, 128)),
            "cf5ee9a0494aa9613e05d5ed725b804b12f4a465ee635acc3a311de8740489ea\
             289d04f43c7518db56eb4433e498a1238cd8464d3763ddbb9222ee3bd8fae3c8\
             b4355a7d93dd8867089ee643558b95754efa2bd1a8a1e2d75bcdb32015542638\
             291941feb49965587c4fdfe219cf0ec132a6cd4dc067392e67982fe53278c0b4"
        );
    }

    #[test]
    fn the_counter_has_64_bits_where_openssl_has_them() {
        let key: [u8; 32] = std::array::from_fn(|at| at as u8 * 7);
        for counter in [0, 1, u64::from(u32::MAX), 1 << 32, 0x0123_4567_89ab_cdef] {
            let mut iv = [0; 16];
            iv[..8].copy_from_slice(&counter.to_le_bytes());
            let theirs = openssl::first_bytes("-chacha20", &key, &iv, BLOCK_BYTES);
            assert_eq!(
                block(&words(&key), counter, 10).as_slice(),
                theirs,
                "block {counter}"
            );
        }
    }

    #[test]
    fn any_offset_gives_the_middle_of_the_same_stream() {
        let key = [9; 32];
        let border = (1 << 32) * BLOCK_BYTES as u64;
        let whole = keystream(&key, border - 256, 512);
        for skipped in [0, 1, 63, 64, 65, 255, 256, 257] {
            assert_eq!(
                keystream(&key, border - 256 + skipped as u64, 512 - skipped),
                whole[skipped..],
                "{skipped} bytes in"
            );
        }
    }
}
