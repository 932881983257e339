//! Whether this machine computes the pattern as every other machine does.
//!
//! Processors exist that have an instruction and compute it wrongly. QEMU 7.2 is one, in software emulation:
//! its VAESENC on 256-bit registers takes the low half's state for both halves, so that every second block is
//! wrong. The portable code is held against published answers and against itself, one block at a time; what
//! is faster is held against the portable code.

use super::backend::Generator;
use super::{Cipher, PassKey, Seed, derive, halves};
use std::array::from_fn;

/// More than one batch of the widest backend (512 bytes), then whole blocks, then a part of one.
const LENGTH: usize = 2 * 512 + 13 * 16 + 5;

/// `portable` against published answers; and the derivation's BLAKE3, which chooses among instructions too.
pub(super) fn gives_published_answers(cipher: Cipher, portable: Generator) -> bool {
    let right = match cipher {
        Cipher::Aes128Ctr => aes_is_right(portable),
        Cipher::ChaCha8 => chacha_is_right(portable),
    };
    right
        && derivation_is_right()
        && outputs().is_some_and(|outputs| {
            let key = PassKey::from_output(cipher, &outputs[0], portable);
            finds_every_wrong_byte(&key, &key)
                && outputs
                    .iter()
                    .all(|output| together_as_alone(cipher, output, portable))
        })
}

/// Fill and compare of `candidate` against `portable`.
pub(super) fn agree(cipher: Cipher, candidate: Generator, portable: Generator) -> bool {
    let Some(outputs) = outputs() else {
        return false;
    };
    outputs.iter().enumerate().all(|(index, output)| {
        let right = PassKey::from_output(cipher, output, portable);
        let tried = PassKey::from_output(cipher, output, candidate);
        // Parts of blocks at the end alone, at both ends, and far out.
        [0, 5, 16 * 9, (1 << 40) + 16 * 7 + 11]
            .into_iter()
            .all(|offset| fills_alike(&right, &tried, offset))
            // Of the fixed and the fresh key: it takes longest, and counters have no part in it.
            && (index > 1 || finds_every_wrong_byte(&right, &tried))
    })
}

fn fills_alike(right: &PassKey, tried: &PassKey, offset: u64) -> bool {
    let mut expected = [0; LENGTH];
    right.fill(offset, &mut expected);
    // Not where a vector would like to begin.
    let mut found = [0; LENGTH + 1];
    tried.fill(offset, &mut found[1..]);
    found[1..] == expected && tried.compare(offset, &expected).is_none()
}

fn finds_every_wrong_byte(right: &PassKey, tried: &PassKey) -> bool {
    let offset = 3;
    let mut data = [0; LENGTH];
    right.fill(offset, &mut data);
    (0..LENGTH).all(|index| {
        data[index] ^= 1 << (index % 8);
        let found = tried.compare(offset, &data);
        data[index] ^= 1 << (index % 8);
        found == Some(index)
    })
}

/// What a key derivation may give: a fixed key and a fresh one, with counters before each place where a carry
/// must pass from one part of the counter to the next. For ChaCha the same bytes are just keys.
///
/// `None` without random bytes; then no seed is to be had either.
fn outputs() -> Option<Vec<[u8; 32]>> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).ok()?;
    let fixed = from_fn(|index| index as u8);
    let carries = [8, 16, 32, 64, 128].map(|bits| match 1_u128.checked_shl(bits) {
        Some(border) => border - 21,
        None => u128::MAX - 20,
    });
    let mut outputs = vec![fixed, fresh];
    for key in [fixed, fresh].map(|output| halves(&output).0) {
        for counter in [0].into_iter().chain(carries) {
            outputs.push(joined(&key, counter));
        }
    }
    Some(outputs)
}

/// Many blocks at once are the same as each alone; for AES each is block 0 of its own counter, so that no
/// counter arithmetic but the addition of whole numbers is believed.
fn together_as_alone(cipher: Cipher, output: &[u8; 32], portable: Generator) -> bool {
    let key = PassKey::from_output(cipher, output, portable);
    let alone = |offset: u64, block: &mut [u8; 16]| match cipher {
        Cipher::Aes128Ctr => {
            let (of_key, counter) = halves(output);
            let number = u128::from_be_bytes(counter).wrapping_add(u128::from(offset / 16));
            let moved = joined(&of_key, number);
            PassKey::from_output(cipher, &moved, portable).fill(0, block);
        }
        Cipher::ChaCha8 => key.fill(offset, block),
    };
    // 256 GiB, where ChaCha's counter carries, lies in the middle of the second.
    [0, (1 << 38) - 640].into_iter().all(|start: u64| {
        let (mut together, mut each) = ([[0; 16]; 96], [[0; 16]; 96]);
        key.fill(start, together.as_flattened_mut());
        for (index, block) in each.iter_mut().enumerate() {
            alone(start + 16 * index as u64, block);
        }
        together == each && key.compare(start, together.as_flattened()).is_none()
    })
}

fn joined(key: &[u8; 16], counter: u128) -> [u8; 32] {
    let mut output = [0; 32];
    output[..16].copy_from_slice(key);
    output[16..].copy_from_slice(&counter.to_be_bytes());
    output
}

/// NIST FIPS 197 appendix C.1, its plaintext as the counter, and NIST SP 800-38A appendix F.5.1, the output
/// blocks of CTR-AES128.Encrypt.
fn aes_is_right(portable: Generator) -> bool {
    let stream = |key: u128, counter: u128| {
        let output = joined(&key.to_be_bytes(), counter);
        let mut blocks = [[0; 16]; 4];
        let key = PassKey::from_output(Cipher::Aes128Ctr, &output, portable);
        key.fill(0, blocks.as_flattened_mut());
        blocks.map(u128::from_be_bytes)
    };
    let fips_197 = stream(
        0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f,
        0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
    );
    let sp_800_38a = stream(
        0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c,
        0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff,
    );
    fips_197[0] == 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a
        && sp_800_38a
            == [
                0xec8c_df73_9860_7cb0_f2d2_1675_ea9e_a1e4,
                0x362b_7c3c_6773_5163_18a0_77d7_fc50_73ae,
                0x6a2c_c378_7889_374f_beb4_c81b_17ba_6c44,
                0xe89c_399f_f0f1_98c6_d40a_31db_156c_abfe,
            ]
}

/// draft-strombergson-chacha-test-vectors-01, TC1 (a key of zeros, IV 0), 256-bit key, 8 rounds, block 0; and
/// the first half of block 2^32 of a key of the pattern, by a separate implementation.
fn chacha_is_right(portable: Generator) -> bool {
    let halves_of = |output: &[u8; 32], offset| {
        let mut halves = [[0; 32]; 2];
        let key = PassKey::from_output(Cipher::ChaCha8, output, portable);
        key.fill(offset, halves.as_flattened_mut());
        halves.map(|half| hex(&half))
    };
    let published = halves_of(&[0; 32], 0);
    let behind_the_carry = halves_of(&example(1), 64 << 32);
    published
        == [
            "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e",
            "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42",
        ]
        && behind_the_carry[0] == "38ec16f83629da715e6ac5b29f9fdfbd7ae5e3983195cbc5c77ceb1ad3496dfe"
}

/// `derive_key` of empty input, from BLAKE3's own vectors, and a key of the pattern that a separate BLAKE3
/// computed from the text of the derivation.
fn derivation_is_right() -> bool {
    let published = "BLAKE3 2019-12-27 16:29:52 test vectors context";
    hex(&blake3::derive_key(published, b""))
        == "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d"
        && hex(&example(0)) == "17ab3f397c5a48242890bc0f00dc4ef1cb9cddd9317e136252d5f4b4c02e7256"
}

fn example(pass: u32) -> [u8; 32] {
    let seed = Seed(from_fn(|index| index as u8));
    derive(
        &seed,
        "serial=ÉTAGÈRE-7;world_wide=;area=",
        Cipher::ChaCha8,
        pass,
    )
}

fn hex(bytes: &[u8; 32]) -> String {
    format!("{:?}", Seed(*bytes))
}
