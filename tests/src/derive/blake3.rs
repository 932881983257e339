//! BLAKE3 in `derive_key` mode, written from the BLAKE3 paper (sections 2.1 to 2.6) for clarity.
//!
//! The judge must not agree with raz merely because both call the same crate. It hashes a few
//! hundred bytes a drive, so nothing here is fast: one block after another, the tree by recursion.
//! No other mode, and 32 bytes of output only.

const BLOCK_BYTES: usize = 64;
const CHUNK_BYTES: usize = 1024;

/// Also the key of the plain hash mode: the first words of SHA-256's initial state.
const IV: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Table 2: which message word goes where in the next round.
const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/// Table 3.
const CHUNK_START: u32 = 1 << 0;
const CHUNK_END: u32 = 1 << 1;
const PARENT: u32 = 1 << 2;
const ROOT: u32 = 1 << 3;
const DERIVE_KEY_CONTEXT: u32 = 1 << 5;
const DERIVE_KEY_MATERIAL: u32 = 1 << 6;

/// The 32-byte key for `material` under `context`; both of any length.
#[must_use]
pub fn derive_key(context: &str, material: &[u8]) -> [u8; 32] {
    let context_key = Mode {
        key: IV,
        flags: DERIVE_KEY_CONTEXT,
    }
    .subtree(context.as_bytes(), 0, ROOT);
    let output = Mode {
        key: context_key,
        flags: DERIVE_KEY_MATERIAL,
    }
    .subtree(material, 0, ROOT);
    let mut bytes = [0; 32];
    for (target, word) in bytes.chunks_exact_mut(4).zip(output) {
        target.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// What every compression of one hash has in common.
struct Mode {
    key: [u32; 8],
    flags: u32,
}

impl Mode {
    /// Chaining value of the subtree over `input`, whose first chunk has number `chunk`. `root` is
    /// [`ROOT`] for the whole tree and 0 below it.
    fn subtree(&self, input: &[u8], chunk: u64, root: u32) -> [u32; 8] {
        if input.len() <= CHUNK_BYTES {
            return self.chunk(input, chunk, root);
        }
        // The left side is a complete tree, as large as leaves at least one byte to the right.
        let chunks_left = 1 << ((input.len() - 1) / CHUNK_BYTES).ilog2();
        let (left, right) = input.split_at(chunks_left * CHUNK_BYTES);
        let mut children = [0; 16];
        children[..8].copy_from_slice(&self.subtree(left, chunk, 0));
        children[8..].copy_from_slice(&self.subtree(right, chunk + chunks_left as u64, 0));
        compress(
            &self.key,
            children,
            0,
            BLOCK_BYTES,
            self.flags | PARENT | root,
        )
    }

    /// Chaining value of one chunk of 0 to 1024 bytes.
    fn chunk(&self, input: &[u8], chunk: u64, root: u32) -> [u32; 8] {
        let blocks_count = input.len().div_ceil(BLOCK_BYTES).max(1);
        let mut value = self.key;
        for index in 0..blocks_count {
            let start = index * BLOCK_BYTES;
            let block = &input[start..input.len().min(start + BLOCK_BYTES)];
            let mut flags = self.flags;
            if index == 0 {
                flags |= CHUNK_START;
            }
            if index == blocks_count - 1 {
                flags |= CHUNK_END | root;
            }
            value = compress(&value, words(block), chunk, block.len(), flags);
        }
        value
    }
}

/// Little-endian words of a block, zeros behind its end.
fn words(block: &[u8]) -> [u32; 16] {
    let mut padded = [0; BLOCK_BYTES];
    padded[..block.len()].copy_from_slice(block);
    std::array::from_fn(|at| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|byte| padded[4 * at + byte]);
        u32::from_le_bytes([a, b, c, d])
    })
}

/// The compression function, cut to the 8 words that chaining values and 32-byte outputs need.
fn compress(
    key: &[u32; 8],
    mut message: [u32; 16],
    counter: u64,
    length: usize,
    flags: u32,
) -> [u32; 8] {
    let mut state = [0; 16];
    state[..8].copy_from_slice(key);
    state[8..12].copy_from_slice(&IV[..4]);
    state[12] = counter as u32;
    state[13] = (counter >> 32) as u32;
    state[14] = length as u32;
    state[15] = flags;
    for round in 0..7 {
        if round > 0 {
            message = PERMUTATION.map(|from| message[from]);
        }
        let quarters = [
            [0, 4, 8, 12],
            [1, 5, 9, 13],
            [2, 6, 10, 14],
            [3, 7, 11, 15],
            [0, 5, 10, 15],
            [1, 6, 11, 12],
            [2, 7, 8, 13],
            [3, 4, 9, 14],
        ];
        for (at, quarter) in quarters.into_iter().enumerate() {
            mix(&mut state, quarter, message[2 * at], message[2 * at + 1]);
        }
    }
    std::array::from_fn(|at| state[at] ^ state[at + 8])
}

/// The quarter round G.
fn mix(state: &mut [u32; 16], [a, b, c, d]: [usize; 4], x: u32, y: u32) {
    for (word, turn_d, turn_b) in [(x, 16, 12), (y, 8, 7)] {
        state[a] = state[a].wrapping_add(state[b]).wrapping_add(word);
        state[d] = (state[d] ^ state[a]).rotate_right(turn_d);
        state[c] = state[c].wrapping_add(state[d]);
        state[b] = (state[b] ^ state[c]).rotate_right(turn_b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BLAKE3's published test vectors: input length, first 32 bytes in `derive_key` mode.
    const PUBLISHED: &[(usize, &str)] = &[
        (
            0,
            "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d",
        ),
        (
            1,
            "b3e2e340a117a499c6cf2398a19ee0d29cca2bb7404c73063382693bf66cb06c",
        ),
        (
            1023,
            "74a16c1c3d44368a86e1ca6df64be6a2f64cce8f09220787450722d85725dea5",
        ),
        (
            1024,
            "7356cd7720d5b66b6d0697eb3177d9f8d73a4a5c5e968896eb6a689684302706",
        ),
        (
            1025,
            "effaa245f065fbf82ac186839a249707c3bddf6d3fdda22d1b95a3c970379bcb",
        ),
        (
            2048,
            "7b2945cb4fef70885cc5d78a87bf6f6207dd901ff239201351ffac04e1088a23",
        ),
        (
            2049,
            "2ea477c5515cc3dd606512ee72bb3e0e758cfae7232826f35fb98ca1bcbdf273",
        ),
        (
            3073,
            "72613c9ec9ff7e40f8f5c173784c532ad852e827dba2bf85b2ab4b76f7079081",
        ),
        (
            5121,
            "b07f01e518e702f7ccb44a267e9e112d403a7b3f4883a47ffbed4b48339b3c34",
        ),
        (
            31744,
            "39772aef80e0ebe60596361e45b061e8f417429d529171b6764468c22928e28e",
        ),
    ];

    #[test]
    fn published_vectors_are_reproduced_below_at_and_above_every_border_of_the_tree() {
        for (length, expected) in PUBLISHED {
            let input: Vec<u8> = (0..*length).map(|at| (at % 251) as u8).collect();
            let output = derive_key("BLAKE3 2019-12-27 16:29:52 test vectors context", &input);
            assert_eq!(hex::encode(output), *expected, "{length} bytes");
        }
    }
}
