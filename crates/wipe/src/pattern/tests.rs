//! Known answers of the pattern. The fixed vectors were computed from the module's text alone, by
//! a separate BLAKE3 and ChaCha written for that purpose and by OpenSSL; here OpenSSL runs again
//! and the ChaCha block function stands a second time, written from its specification.

use super::backend::Generator;
use super::{Backend, CONTEXT, Cipher, PassKey, Seed, derive, first_nonzero};
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use std::io::Write;
use std::process::{Command, Stdio};

const IDENTITY: &str = "serial=ÉTAGÈRE-7;world_wide=;area=";
const CIPHERS: [Cipher; 2] = [Cipher::Aes128Ctr, Cipher::ChaCha8];

fn seed() -> Seed {
    Seed(std::array::from_fn(|index| index as u8))
}

fn key(cipher: Cipher, pass: u32) -> PassKey {
    PassKey::derive(&seed(), IDENTITY, cipher, pass).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pattern(key: &PassKey, offset_bytes: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0xee; length];
    key.fill(offset_bytes, &mut bytes);
    bytes
}

/// The original ChaCha with 8 rounds, 64-bit counter, zero nonce.
fn chacha8_block(key: &[u8; 32], counter: u64) -> Vec<u8> {
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let mut start: Vec<u32> = b"expand 32-byte k".chunks(4).map(word).collect();
    start.extend(key.chunks(4).map(word));
    start.extend([counter as u32, (counter >> 32) as u32, 0, 0]);
    let mut s = start.clone();
    let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
        for (x, y, z, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
            s[x] = s[x].wrapping_add(s[y]);
            s[z] = (s[z] ^ s[x]).rotate_left(turn);
        }
    };
    for _ in 0..4 {
        (0..4).for_each(|i| quarter(i, 4 + i, 8 + i, 12 + i));
        (0..4).for_each(|i| quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4));
    }
    s.iter()
        .zip(&start)
        .flat_map(|(a, b)| a.wrapping_add(*b).to_le_bytes())
        .collect()
}

fn openssl_aes_ctr(key: &[u8], iv: u128, length: usize) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args([
            "enc",
            "-aes-128-ctr",
            "-K",
            &hex(key),
            "-iv",
            &format!("{iv:032x}"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the openssl command line tool is needed for this test");
    let mut stdin = child.stdin.take().unwrap();
    let zeros = vec![0; length];
    let writer = std::thread::spawn(move || stdin.write_all(&zeros).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn blake3_derives_the_published_test_vector() {
    let context = "BLAKE3 2019-12-27 16:29:52 test vectors context";
    let expected = "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d";
    assert_eq!(hex(&blake3::derive_key(context, b"")), expected);
}

#[test]
fn derivation_matches_vectors_computed_from_its_text_alone() {
    let expected = [
        (
            Cipher::Aes128Ctr,
            0,
            "12033e35b1eff1c68e1ae2c805553030731b4f25f131a2ce505a95dbd5f96bfe",
        ),
        (
            Cipher::Aes128Ctr,
            1,
            "95487f6b5d59dd66a4d20e0eaffde3b6e2023fc1adb45f82ee3cac78a45921b0",
        ),
        (
            Cipher::ChaCha8,
            0,
            "17ab3f397c5a48242890bc0f00dc4ef1cb9cddd9317e136252d5f4b4c02e7256",
        ),
        (
            Cipher::ChaCha8,
            1,
            "4bf6fda03c810896c34202322258fc88311fc5d5dd1b8680d1d0c1520b780a71",
        ),
    ];
    for (cipher, pass, output) in expected {
        assert_eq!(
            hex(&derive(&seed(), IDENTITY, cipher, pass)),
            output,
            "{cipher:?} pass {pass}"
        );
    }
}

#[test]
fn derivation_input_is_what_the_text_says() {
    let mut input = Vec::new();
    for field in [
        &seed().0[..],
        IDENTITY.as_bytes(),
        b"chacha8",
        &[3, 0, 0, 0],
    ] {
        input.extend((field.len() as u64).to_le_bytes());
        input.extend(field);
    }
    assert_eq!(
        derive(&seed(), IDENTITY, Cipher::ChaCha8, 3),
        blake3::derive_key(CONTEXT, &input)
    );
}

#[test]
fn aes_blocks_match_vectors() {
    let blocks = [
        (0, "748b0c24f247fbfb6c7a47bf1cce27ca"),
        (1, "70660b6f2e45f617b359688c0549886b"),
    ];
    for (pass, block) in blocks {
        assert_eq!(
            hex(&pattern(&key(Cipher::Aes128Ctr, pass), 12345 * 16, 16)),
            block
        );
    }
}

#[test]
fn aes_pattern_is_what_openssl_computes() {
    let output = derive(&seed(), IDENTITY, Cipher::Aes128Ctr, 0);
    let iv = u128::from_be_bytes(output[16..].try_into().unwrap());
    let key = key(Cipher::Aes128Ctr, 0);
    for offset in [0_u64, 512, 1 << 36, (1 << 63) + 4096] {
        let start = iv.wrapping_add(u128::from(offset / 16));
        let expected = openssl_aes_ctr(&output[..16], start, 100_000);
        assert!(
            pattern(&key, offset, 100_000) == expected,
            "offset {offset}"
        );
    }
}

#[test]
fn aes_counter_wraps_as_openssl_wraps_it() {
    let (key, counter) = ([7; 16], u128::MAX - 2);
    let state = super::State::Aes {
        cipher: Box::new(aes::cipher::KeyInit::new(&key.into())),
        counter,
    };
    let pass = PassKey {
        cipher: Cipher::Aes128Ctr,
        state,
    };
    assert_eq!(
        pattern(&pass, 0, 1000),
        openssl_aes_ctr(&key, counter, 1000)
    );
}

#[test]
fn chacha_blocks_match_the_published_zero_key_vector_and_the_fixed_ones() {
    let zero_key = "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e";
    assert_eq!(&hex(&chacha8_block(&[0; 32], 0))[..64], zero_key);
    let block = "1497d2369641dc59ca24109fdd57d52a1440ac6e8282b875474bdab1501d232c\
                 2769b9fbc359f1321c7cd7923b0471229cfd691c3a9d311a689b07668fc4f0cf";
    assert_eq!(hex(&pattern(&key(Cipher::ChaCha8, 0), 0, 64)), block);
    let block = "38ec16f83629da715e6ac5b29f9fdfbd7ae5e3983195cbc5c77ceb1ad3496dfe\
                 a8741685c289c30c0ef351701046c3da5b091b7d3ae8d036d76006854536d3d6";
    assert_eq!(hex(&pattern(&key(Cipher::ChaCha8, 1), 64 << 32, 64)), block);
}

#[test]
fn chacha_pattern_matches_the_block_function_across_the_256_gib_border() {
    let output = derive(&seed(), IDENTITY, Cipher::ChaCha8, 0);
    let key = key(Cipher::ChaCha8, 0);
    for first in [
        0_u64,
        9,
        (1 << 32) - 11,
        (3 << 32) - 37,
        u64::from(u32::MAX) << 26,
    ] {
        let expected: Vec<u8> = (first..first + 64)
            .flat_map(|n| chacha8_block(&output, n))
            .collect();
        assert!(
            pattern(&key, first * 64, 64 * 64) == expected,
            "block {first}"
        );
    }
}

#[test]
fn seed_identity_cipher_and_pass_each_change_the_pattern() {
    let base = pattern(&key(Cipher::ChaCha8, 0), 0, 64);
    let other_seed = PassKey::derive(&Seed([9; 32]), IDENTITY, Cipher::ChaCha8, 0).unwrap();
    let other_identity =
        PassKey::derive(&seed(), "serial=B;world_wide=;area=", Cipher::ChaCha8, 0).unwrap();
    for other in [
        other_seed,
        other_identity,
        key(Cipher::Aes128Ctr, 0),
        key(Cipher::ChaCha8, 1),
    ] {
        assert_ne!(pattern(&other, 0, 64), base);
    }
}

#[test]
fn two_seeds_differ() {
    assert_ne!(Seed::random().unwrap(), Seed::random().unwrap());
}

#[test]
fn names_round_trip() {
    for cipher in CIPHERS {
        assert_eq!(Cipher::from_name(cipher.name()), Some(cipher));
    }
    assert_eq!(Cipher::from_name("aes"), None);
}

fn ciphers() -> impl Strategy<Value = Cipher> {
    proptest::sample::select(&CIPHERS[..])
}

/// Offsets near nothing in particular, near block borders, and near ChaCha's 256 GiB border.
fn offsets() -> impl Strategy<Value = u64> {
    let far = (1_u64..64, 0_u64..400).prop_map(|(segment, back)| (segment << 38) - back);
    proptest::prop_oneof![
        0_u64..1000,
        any::<u64>().prop_map(|offset| offset >> 1),
        far
    ]
}

/// What a derivation may give, with AES's counter anywhere or near a place where a carry must pass.
fn outputs() -> impl Strategy<Value = [u8; 32]> {
    let near = (1_u32..=128, 0_u128..3000)
        .prop_map(|(bits, back)| 1_u128.checked_shl(bits).unwrap_or(0).wrapping_sub(back));
    let counter = proptest::prop_oneof![any::<u128>(), near];
    (any::<[u8; 16]>(), counter).prop_map(|(key, counter)| {
        let mut output = [0; 32];
        output[..16].copy_from_slice(&key);
        output[16..].copy_from_slice(&counter.to_be_bytes());
        output
    })
}

proptest! {
    #[test]
    fn every_backend_is_the_portable_one(
        cipher in ciphers(), output in outputs(), offset in offsets(), length in 1_usize..20_000,
        skew in 0_usize..64, spot: proptest::sample::Index, flip in 1_u8..,
    ) {
        let key = |generator| PassKey::from_output(cipher, &output, generator);
        let mut expected = vec![0; length];
        key(Generator::Portable).fill(offset, &mut expected);
        let spot = spot.index(length);
        for backend in Backend::available(cipher) {
            let key = key(backend.generator());
            // Any alignment, and not a byte beside the buffer.
            let mut space = vec![0xee; skew + length + 64];
            key.fill(offset, &mut space[skew..skew + length]);
            prop_assert_eq!(&space[skew..skew + length], &expected[..], "{}", backend.name());
            let around = space[..skew].iter().chain(&space[skew + length..]);
            prop_assert_eq!(around.filter(|byte| **byte != 0xee).count(), 0);
            let data = &mut space[skew..skew + length];
            prop_assert_eq!(key.compare(offset, data), None, "{}", backend.name());
            data[spot] ^= flip;
            prop_assert_eq!(key.compare(offset, data), Some(spot), "{}", backend.name());
        }
    }

    #[test]
    fn any_part_is_the_part_of_the_whole(
        cipher in ciphers(), offset in offsets(), cut in 0_usize..700, length in 0_usize..20_000,
    ) {
        let key = key(cipher, 0);
        let whole = pattern(&key, offset, cut + length);
        prop_assert_eq!(&pattern(&key, offset + cut as u64, length)[..], &whole[cut..]);
    }

    #[test]
    fn complement_is_every_bit_turned(cipher in ciphers(), offset in offsets(), length in 0_usize..20_000) {
        let key = key(cipher, 0);
        let mut complement = vec![0; length];
        key.fill_complement(offset, &mut complement);
        prop_assert_eq!(key.compare_complement(offset, &complement), None);
        complement.iter_mut().for_each(|byte| *byte ^= 0xff);
        prop_assert_eq!(complement, pattern(&key, offset, length));
    }

    #[test]
    fn compare_finds_the_first_of_two_changed_bytes(
        cipher in ciphers(), offset in offsets(), length in 1_usize..20_000,
        spots in any::<[proptest::sample::Index; 2]>(), flip in 1_u8..,
    ) {
        let key = key(cipher, 1);
        let mut data = pattern(&key, offset, length);
        prop_assert_eq!(key.compare(offset, &data), None);
        let spots = spots.map(|spot| spot.index(length));
        let whole = data.clone();
        spots.into_iter().for_each(|spot| data[spot] = whole[spot] ^ flip);
        prop_assert_eq!(key.compare(offset, &data), spots.into_iter().min());
    }

    #[test]
    fn first_nonzero_is_the_first(length in 1_usize..3000, spots in any::<[proptest::sample::Index; 2]>()) {
        let mut data = vec![0; length];
        prop_assert_eq!(first_nonzero(&data), None);
        let spots = spots.map(|spot| spot.index(length));
        spots.into_iter().for_each(|spot| data[spot] = 0x80);
        prop_assert_eq!(first_nonzero(&data), spots.into_iter().min());
    }
}
