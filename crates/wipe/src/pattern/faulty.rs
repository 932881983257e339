//! Generators that are wrong on purpose: what the self-test must find. Compiled into tests only.

use super::backend::Generator;
use super::{Cipher, PassKey, compare_tiles, fill_blocks, halves};

/// The portable generator with a fault.
#[derive(Clone)]
pub(super) struct Faulty {
    right: Box<PassKey>,
    output: [u8; 32],
    fault: Fault,
}

/// What is wrong with AES-128-CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    /// Every second block repeats the one before it, as in QEMU 7.2, where at least so many whole blocks are
    /// filled at once: wide code is for many, few are computed by other code.
    SecondBlockRepeats { blocks_least: usize },
    /// The counter's lowest so many bits do not carry into the rest.
    NoCarryAfter(u32),
    /// Fill is right, and compare sees no difference anywhere.
    CompareIsBlind,
    /// Compare sees no difference in this byte of 512.
    CompareIsBlindAt(usize),
    /// Compare names the first byte of the block that differs.
    CompareNamesTheBlock,
}

impl Faulty {
    pub(super) fn new(cipher: Cipher, output: &[u8; 32], fault: Fault) -> Self {
        Self {
            right: Box::new(PassKey::from_output(cipher, output, Generator::Portable)),
            output: *output,
            fault,
        }
    }

    pub(super) fn fill(&self, offset_bytes: u64, buffer: &mut [u8]) {
        match self.fault {
            Fault::SecondBlockRepeats { blocks_least } => {
                fill_blocks(offset_bytes, buffer, |block, blocks: &mut [[u8; 16]]| {
                    self.right.fill(16 * block, blocks.as_flattened_mut());
                    if blocks.len() >= blocks_least {
                        blocks
                            .chunks_exact_mut(2)
                            .for_each(|pair| pair[1] = pair[0]);
                    }
                });
            }
            Fault::NoCarryAfter(bits) => {
                fill_blocks(offset_bytes, buffer, |block, blocks: &mut [[u8; 16]]| {
                    let counter = u128::from_be_bytes(halves(&self.output).1);
                    let mask = (1_u128 << bits) - 1;
                    for (block, bytes) in (block..).zip(blocks) {
                        let number = counter.wrapping_add(block.into());
                        let number = (counter & !mask) | (number & mask);
                        let mut output = self.output;
                        output[16..].copy_from_slice(&number.to_be_bytes());
                        let portable = Generator::Portable;
                        PassKey::from_output(Cipher::Aes128Ctr, &output, portable).fill(0, bytes);
                    }
                });
            }
            Fault::CompareIsBlind | Fault::CompareIsBlindAt(_) | Fault::CompareNamesTheBlock => {
                self.right.fill(offset_bytes, buffer)
            }
        }
    }

    pub(super) fn compare(&self, offset_bytes: u64, data: &[u8]) -> Option<usize> {
        let found = compare_tiles(data, offset_bytes, |offset, tile| self.fill(offset, tile));
        match self.fault {
            Fault::CompareIsBlind => None,
            Fault::CompareIsBlindAt(byte) => found.filter(|index| index % 512 != byte),
            Fault::CompareNamesTheBlock => found.map(|index| index / 16 * 16),
            Fault::SecondBlockRepeats { .. } | Fault::NoCarryAfter(_) => found,
        }
    }
}

const FAULTS: [Fault; 9] = [
    Fault::SecondBlockRepeats { blocks_least: 2 },
    Fault::SecondBlockRepeats { blocks_least: 64 },
    Fault::NoCarryAfter(8),
    Fault::NoCarryAfter(32),
    Fault::NoCarryAfter(64),
    Fault::CompareIsBlind,
    Fault::CompareIsBlindAt(0),
    Fault::CompareIsBlindAt(511),
    Fault::CompareNamesTheBlock,
];

mod tests {
    use super::super::Backend;
    use super::super::backend::Tried;
    use super::{Cipher, FAULTS, Fault, Generator, PassKey};

    /// Why there is a self-test: on the machine that wrote the pattern nothing is ever found.
    #[test]
    fn faulty_generator_agrees_with_itself_and_with_no_other_machine() {
        let output = [3; 32];
        let faulty = Generator::Faulty(Fault::SecondBlockRepeats { blocks_least: 2 });
        let here = PassKey::from_output(Cipher::Aes128Ctr, &output, faulty);
        let elsewhere = PassKey::from_output(Cipher::Aes128Ctr, &output, Generator::Portable);
        let mut medium = [0; 4096];
        here.fill(0, &mut medium);
        assert_eq!(here.compare(0, &medium), None);
        assert_eq!(elsewhere.compare(0, &medium), Some(16));
    }

    #[test]
    fn instructions_that_compute_wrongly_are_not_used_and_named() {
        for fault in FAULTS {
            let tried = Tried::new(
                Cipher::Aes128Ctr,
                Generator::Portable,
                &[Generator::Faulty(fault)],
            );
            assert_eq!(tried.failed, ["faulty"], "{fault:?}");
            let fastest = tried.fastest().unwrap();
            assert_eq!(fastest.name(), "portable", "{fault:?}");
            assert_eq!(tried.passed, [fastest], "{fault:?}");
        }
    }

    #[test]
    fn processor_that_fails_published_answers_gets_no_key() {
        for fault in [
            Fault::SecondBlockRepeats { blocks_least: 2 },
            // The `aes` crate has code of its own for 30 and 64 blocks; published vectors have four.
            Fault::SecondBlockRepeats { blocks_least: 64 },
            Fault::NoCarryAfter(32),
            Fault::CompareIsBlindAt(0),
        ] {
            let portable = Generator::Faulty(fault);
            let tried = Tried::new(Cipher::Aes128Ctr, portable, &[Generator::Portable]);
            assert_eq!(tried.passed, [], "{fault:?}");
            let error = tried.fastest().unwrap_err().to_string();
            assert!(error.contains("aes-128-ctr wrongly"), "{error}");
        }
    }

    #[test]
    fn portable_code_of_each_cipher_passes_here_and_comes_last() {
        for cipher in [Cipher::Aes128Ctr, Cipher::ChaCha8] {
            let available = Backend::available(cipher);
            let names: Vec<&str> = available.iter().map(|backend| backend.name()).collect();
            println!(
                "{}: {names:?}, rejected {:?}",
                cipher.name(),
                Backend::rejected(cipher)
            );
            assert_eq!(names.last(), Some(&"portable"));
            assert_eq!(Backend::fastest(cipher).unwrap(), available[0]);
        }
    }
}
