//! NIST's vectors, and the `aes` crate as another implementation, for every set of instructions that this
//! processor has. Which those are is printed: a processor without VAES tests less.

use super::{Aes128Ctr, Block, Instructions};
use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

fn detected() -> Vec<Instructions> {
    Instructions::ALL
        .into_iter()
        .filter(|instructions| instructions.are_detected())
        .collect()
}

fn stream(instructions: Instructions, key: &Block, counter: u128) -> Aes128Ctr {
    Aes128Ctr::new(instructions, key, counter).expect("detected")
}

/// Block by block: no counter arithmetic but the wrapping addition of whole numbers.
fn expected(key: &Block, counter: u128, blocks: usize) -> Vec<Block> {
    let cipher = Aes128::new(&Array::from(*key));
    let numbers = (0..blocks).map(|ahead| counter.wrapping_add(ahead as u128));
    numbers
        .map(|number| {
            let mut block = Array::from(number.to_be_bytes());
            cipher.encrypt_block(&mut block);
            block.into()
        })
        .collect()
}

fn block(hex: &str) -> Block {
    u128::from_str_radix(hex, 16).unwrap().to_be_bytes()
}

#[test]
fn the_kernel_lists_what_is_detected() {
    let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let flags: Vec<&str> = listed
        .lines()
        .find_map(|line| line.strip_prefix("flags"))
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let has = |all: &[&str]| all.iter().all(|flag| flags.contains(flag));
    println!("detected: {:?}", detected());
    let aes_ni = ["aes", "ssse3", "sse4_1"];
    assert_eq!(Instructions::AesNi.are_detected(), has(&aes_ni));
    assert_eq!(
        Instructions::Vaes256.are_detected(),
        has(&["vaes", "avx2"]) && has(&aes_ni)
    );
    assert_eq!(
        Instructions::Vaes512.are_detected(),
        has(&["vaes", "avx512f", "avx512bw"]) && has(&aes_ni)
    );
}

/// FIPS 197 appendix C.1: the plaintext is taken as the counter.
#[test]
fn fips_197_block() {
    let key = block("000102030405060708090a0b0c0d0e0f");
    let counter = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
    for instructions in detected() {
        let mut blocks = [[0; 16]];
        stream(instructions, &key, counter).fill(0, &mut blocks);
        let expected = block("69c4e0d86a7b0430d8cdb78070b4c55a");
        assert_eq!(blocks, [expected], "{instructions:?}");
    }
}

/// SP 800-38A appendix F.5.1, CTR-AES128.Encrypt, "Output Block" 1 to 4.
#[test]
fn sp_800_38a_counter_mode_blocks() {
    let key = block("2b7e151628aed2a6abf7158809cf4f3c");
    let counter = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff;
    let expected = [
        "ec8cdf7398607cb0f2d21675ea9ea1e4",
        "362b7c3c6773516318a077d7fc5073ae",
        "6a2cc3787889374fbeb4c81b17ba6c44",
        "e89c399ff0f198c6d40a31db156cabfe",
    ]
    .map(block);
    for instructions in detected() {
        let stream = stream(instructions, &key, counter);
        let mut blocks = [[0; 16]; 4];
        stream.fill(0, &mut blocks);
        assert_eq!(blocks, expected, "{instructions:?}");
        assert_eq!(stream.compare(0, &blocks), None, "{instructions:?}");
    }
}

#[test]
fn every_changed_byte_is_found_where_it_is() {
    let key = block("2b7e151628aed2a6abf7158809cf4f3c");
    let right = expected(&key, 7, 77);
    for instructions in detected() {
        let stream = stream(instructions, &key, 7);
        for index in 0..right.len() * 16 {
            let mut wrong = right.clone();
            wrong[index / 16][index % 16] ^= 0x40;
            assert_eq!(stream.compare(0, &wrong), Some(index), "{instructions:?}");
        }
    }
}

/// Counters near nothing, and near each place where a carry must pass.
fn counters() -> impl Strategy<Value = u128> {
    let near = (1_u32..=128, 0_u128..80).prop_map(|(bits, back)| {
        let border = 1_u128.checked_shl(bits).unwrap_or(0);
        border.wrapping_sub(back)
    });
    proptest::prop_oneof![any::<u128>(), near]
}

proptest! {
    #[test]
    fn equals_the_aes_crate(
        key: Block, counter in counters(), first: u64, length in 0_usize..300, skew in 0_usize..64,
    ) {
        let expected = expected(&key, counter.wrapping_add(first.into()), length);
        for instructions in detected() {
            let stream = stream(instructions, &key, counter);
            // Any alignment: the blocks begin anywhere in memory.
            let mut space = vec![0xee_u8; skew + length * 16 + 16];
            let (blocks, _) = space[skew..skew + length * 16].as_chunks_mut::<16>();
            stream.fill(first, blocks);
            prop_assert_eq!(&*blocks, &expected[..], "{:?}", instructions);
            prop_assert_eq!(stream.compare(first, blocks), None, "{:?}", instructions);
            let around = space[..skew].iter().chain(&space[skew + length * 16..]);
            prop_assert_eq!(around.filter(|byte| **byte != 0xee).count(), 0);
        }
    }

    #[test]
    fn finds_the_first_of_two_changed_bytes(
        key: Block, counter in counters(), length in 1_usize..300,
        spots: [proptest::sample::Index; 2], flip in 1_u8..,
    ) {
        let right = expected(&key, counter, length);
        let mut wrong = right.clone();
        let spots = spots.map(|spot| spot.index(length * 16));
        for spot in spots {
            wrong[spot / 16][spot % 16] = right[spot / 16][spot % 16] ^ flip;
        }
        for instructions in detected() {
            let found = stream(instructions, &key, counter).compare(0, &wrong);
            prop_assert_eq!(found, spots.into_iter().min(), "{:?}", instructions);
        }
    }
}
