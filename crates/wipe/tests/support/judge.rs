//! What a drive must hold, by the derivation's text in `wipe::pattern` and nothing of its code:
//! BLAKE3 and AES from their crates, ChaCha from Bernstein's paper.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use wipe::outcome::PassKind;
use wipe::pattern::{CONTEXT, Cipher, Seed};

/// The bytes of one pass.
pub struct Judge {
    output: [u8; 32],
    cipher: Cipher,
    kind: PassKind,
}

impl Judge {
    pub fn new(seed: &Seed, identity: &str, cipher: Cipher, kind: PassKind, pass: u32) -> Self {
        let name: &[u8] = match cipher {
            Cipher::Aes128Ctr => b"aes-128-ctr",
            Cipher::ChaCha8 => b"chacha8",
        };
        let mut input = Vec::new();
        for field in [&seed.0[..], identity.as_bytes(), name, &pass.to_le_bytes()] {
            input.extend((field.len() as u64).to_le_bytes());
            input.extend(field);
        }
        let output = blake3::derive_key(CONTEXT, &input);
        Self {
            output,
            cipher,
            kind,
        }
    }

    /// The bytes from `offset_bytes` on, which is a multiple of 64, as the length is.
    pub fn fill(&self, offset_bytes: u64, buffer: &mut [u8]) {
        if self.kind == PassKind::Zero {
            buffer.fill(0);
            return;
        }
        match self.cipher {
            Cipher::Aes128Ctr => {
                let aes = Aes128::new_from_slice(&self.output[..16]).unwrap();
                let start = u128::from_be_bytes(self.output[16..].try_into().unwrap());
                for (n, block) in (offset_bytes / 16..).zip(buffer.chunks_mut(16)) {
                    let mut number = Array::from(start.wrapping_add(n.into()).to_be_bytes());
                    aes.encrypt_block(&mut number);
                    block.copy_from_slice(&number);
                }
            }
            Cipher::ChaCha8 => {
                for (n, block) in (offset_bytes / 64..).zip(buffer.chunks_mut(64)) {
                    block.copy_from_slice(&chacha8(&self.output, n));
                }
            }
        }
        if self.kind == PassKind::Complement {
            buffer.iter_mut().for_each(|byte| *byte ^= 0xff);
        }
    }
}

fn chacha8(key: &[u8; 32], counter: u64) -> [u8; 64] {
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let mut start = [0; 16];
    let constant = b"expand 32-byte k";
    for n in 0..4 {
        start[n] = word(&constant[4 * n..4 * n + 4]);
    }
    for n in 0..8 {
        start[4 + n] = word(&key[4 * n..4 * n + 4]);
    }
    start[12] = counter as u32;
    start[13] = (counter >> 32) as u32;
    let mut state: [u32; 16] = start;
    for _ in 0..4 {
        for (a, b, c, d) in [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)] {
            quarter(&mut state, a, b, c, d);
        }
        for (a, b, c, d) in [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)] {
            quarter(&mut state, a, b, c, d);
        }
    }
    let mut bytes = [0; 64];
    for n in 0..16 {
        bytes[4 * n..4 * n + 4].copy_from_slice(&state[n].wrapping_add(start[n]).to_le_bytes());
    }
    bytes
}

fn quarter(state: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    for (turn_d, turn_b) in [(16, 12), (8, 7)] {
        state[a] = state[a].wrapping_add(state[b]);
        state[d] = (state[d] ^ state[a]).rotate_left(turn_d);
        state[c] = state[c].wrapping_add(state[d]);
        state[b] = (state[b] ^ state[c]).rotate_left(turn_b);
    }
}
