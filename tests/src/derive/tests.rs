//! The judge judged: known answers, and no difference that it overlooks.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// 2100 sectors: two whole comparisons and a rest.
const CAPACITY_BYTES: u64 = 2100 * 512;
const CIPHERS: [&str; 2] = ["aes-128-ctr", "chacha8"];

/// A report's entry; tests change single fields of it.
fn entry(cipher: &str, kind: &str, pass: u32) -> Value {
    let content = match kind {
        "zero" => "zeros",
        other => other,
    };
    json!({
        "id": "disk-1", "path": "/dev/none", "capacity_bytes": CAPACITY_BYTES, "refusals": [],
        "identity": "serial=Nº 7;world_wide=;area=", "transport": "loop", "bus_path": "",
        "logical_sector_bytes": 512, "physical_sector_bytes": 512,
        "media_type": "unknown", "zoned": "no", "removable": false, "read_only": false,
        "security": {},
        "hidden_capacity": {
            "state": "not_applicable", "evidence": "", "restored_for_good": false,
        },
        "oddities": [],
        "erasure": {
            "requested_level": "clear", "achieved_level": "clear", "technique": "overwrite",
            "reasons": [], "outcome": "verified", "outcome_text": "", "shortfalls": [],
            "consent": {"by": "command_line", "drive_id": "disk-1"},
            "pattern": {
                "derivation": "raz 2026-11 position-keyed pattern v1",
                "seed": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "cipher": cipher,
            },
            "passes": [{
                "kind": kind, "pass": pass, "written_bytes": CAPACITY_BYTES,
                "write_errors": {"count": 0, "bytes": 0, "listed": []},
                "flushed": true, "write_seconds": 1.0,
            }],
            "final_content": content, "commands": [], "identity_checks": [],
            "started": "", "ended": "", "not_reached": [],
        },
    })
}

fn drive(entry: &Value) -> Drive {
    serde_json::from_value(entry.clone()).unwrap()
}

fn changed(entry: &Value, pointer: &str, value: Value) -> Drive {
    let mut entry = entry.clone();
    *entry.pointer_mut(pointer).unwrap() = value;
    drive(&entry)
}

fn expected(drive: &Drive, offset_bytes: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    expected_reader(drive, offset_bytes)
        .unwrap()
        .read_exact(&mut bytes)
        .unwrap();
    bytes
}

/// A backing file.
struct Medium {
    _folder: TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Medium {
    /// As the report says.
    fn of(drive: &Drive) -> Self {
        Self::holding(expected(drive, 0, drive.capacity_bytes as usize))
    }

    fn holding(bytes: Vec<u8>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("medium.img");
        fs::write(&path, &bytes).unwrap();
        Self {
            _folder: folder,
            path,
            bytes,
        }
    }

    fn check(&self, drive: &Drive) -> MediumCheck {
        check_medium(&self.path, drive).unwrap()
    }

    fn refusal(&self, drive: &Drive) -> String {
        format!("{:#}", check_medium(&self.path, drive).unwrap_err())
    }

    /// The check after the bytes at `offsets` have changed by one bit each.
    fn check_flipped(&self, drive: &Drive, offsets: &[usize]) -> MediumCheck {
        let mut bytes = self.bytes.clone();
        for offset in offsets {
            bytes[*offset] ^= 0x10;
        }
        Self::holding(bytes).check(drive)
    }
}

/// Expected: computed with two other libraries (BLAKE3 and AES) and a third ChaCha. The second
/// offset is inside a block, the third 5 bytes before 256 GiB (where ChaCha's counter passes 32
/// bits), the last beyond 16 TiB.
#[test]
fn known_answers_from_the_report_s_fields_to_the_bytes() {
    const OFFSETS: [u64; 4] = [0, 61, (1 << 38) - 5, (1 << 44) + 1_000_003];
    const ANSWERS: [(&str, u32, [&str; 4]); 4] = [
        (
            "aes-128-ctr",
            0,
            [
                "c27b996af28bf6cfffdaf63a82489ced",
                "1c54016f5e93abdb7da51bb0296ceb1f",
                "b8bc9a44876a1ef0e9048dc1cbef22e7",
                "ed6ff14d4df6825351c5190e696c1cc0",
            ],
        ),
        (
            "aes-128-ctr",
            1,
            [
                "34309ad94a29f6ee453c7df05c56af2b",
                "0f372b153b0580eb4c417af96173193a",
                "ea510300f303821616a3f4b7690d029f",
                "b2b1a922ce1026c3401b95cc6218798b",
            ],
        ),
        (
            "chacha8",
            0,
            [
                "3f4290d0849ac206e61f3d0082f4846f",
                "d9591f89ff7916c1c42dbb74fdd3fe60",
                "54f26203f491d87eb47ec91e7ca318d0",
                "48ecf46839ec05e54569a878abf23089",
            ],
        ),
        (
            "chacha8",
            1,
            [
                "1622ab04fb8a3a926664f7603c5bd381",
                "1a74f3bc7468ddbb81b799e10f1fc98f",
                "c8d133edf286c2e54ee1c12e7e0e69ff",
                "f4e9817400dfafeeb5b6f83cd4665828",
            ],
        ),
    ];
    for (cipher, pass, answers) in ANSWERS {
        let drive = drive(&entry(cipher, "pattern", pass));
        for (offset, answer) in OFFSETS.into_iter().zip(answers) {
            assert_eq!(
                hex::encode(expected(&drive, offset, 16)),
                answer,
                "{cipher}, pass {pass}, byte {offset}"
            );
        }
    }
}

#[test]
fn an_identity_longer_than_a_chunk_of_blake3_is_hashed_whole() {
    let entry = entry("chacha8", "pattern", 2);
    let drive = changed(&entry, "/identity", "x".repeat(3000).into());
    assert_eq!(
        hex::encode(expected(&drive, 0, 16)),
        "ad1161e2544bc5c7bec4992ffcf7e2cb"
    );
}

#[test]
fn what_the_report_says_passes() {
    for cipher in CIPHERS {
        for (name, kind) in [
            ("pattern", PassKind::Pattern),
            ("complement", PassKind::Complement),
            ("zero", PassKind::Zero),
        ] {
            let drive = drive(&entry(cipher, name, 1));
            let check = Medium::of(&drive).check(&drive);
            assert_eq!(check.kind, kind);
            assert_eq!(check.bytes, CAPACITY_BYTES);
            assert!(check.is_as_reported(), "{cipher} {name}: {check:?}");
            assert_eq!(check.differing, Ranges::default());
        }
    }
}

#[test]
fn the_complement_is_every_bit_turned_and_neither_passes_as_the_other_nor_as_zeros() {
    for cipher in CIPHERS {
        let entries = ["pattern", "complement", "zero"].map(|kind| drive(&entry(cipher, kind, 3)));
        let [pattern, complement, zero] = entries.each_ref().map(Medium::of);
        assert!(zero.bytes.iter().all(|byte| *byte == 0));
        let mut pairs = pattern.bytes.iter().zip(&complement.bytes);
        assert!(pairs.all(|(one, other)| one ^ other == 0xff));
        for (is, medium) in [&pattern, &complement, &zero].into_iter().enumerate() {
            for (said, drive) in entries.iter().enumerate() {
                let check = medium.check(drive);
                assert_eq!(check.is_as_reported(), is == said, "{check:?}");
            }
        }
    }
}

#[test]
fn one_flipped_bit_is_found_at_its_offset() {
    let last = CAPACITY_BYTES as usize - 1;
    for (cipher, kind) in [
        ("aes-128-ctr", "pattern"),
        ("chacha8", "complement"),
        ("chacha8", "zero"),
    ] {
        let drive = drive(&entry(cipher, kind, 0));
        let medium = Medium::of(&drive);
        // Also on both sides of the border between two comparisons.
        for offset in [0, 511, 512, 524_287, 524_288, 600_001, last] {
            let check = medium.check_flipped(&drive, &[offset]);
            assert!(!check.is_as_reported());
            assert_eq!(check.first_difference, Some(offset as u64));
            let sector = offset as u64 / 512 * 512;
            assert_eq!(
                check.differing,
                Ranges {
                    count: 1,
                    bytes: 512,
                    listed: vec![[sector, sector + 512]],
                }
            );
        }
    }
}

#[test]
fn neighbouring_sectors_that_differ_are_one_range_also_across_two_comparisons() {
    let drive = drive(&entry("aes-128-ctr", "pattern", 0));
    let border = 512 * SECTORS_AT_ONCE;
    let flipped = [7000, 7001, 7200, border - 1, border, border + 2048];
    let check = Medium::of(&drive).check_flipped(&drive, &flipped);
    let border = border as u64;
    assert_eq!(check.first_difference, Some(7000));
    assert_eq!(
        check.differing,
        Ranges {
            count: 3,
            bytes: 5 * 512,
            listed: vec![
                [6656, 7680],
                [border - 512, border + 512],
                [border + 2048, border + 2560],
            ],
        }
    );
}

#[test]
fn more_ranges_than_a_report_lists_are_counted_all_the_same() {
    let drive = drive(&entry("chacha8", "zero", 0));
    let every_second: Vec<usize> = (0..CAPACITY_BYTES as usize).step_by(1024).collect();
    let check = Medium::of(&drive).check_flipped(&drive, &every_second);
    assert_eq!(check.differing.count, 1050);
    assert_eq!(check.differing.bytes, 1050 * 512);
    assert_eq!(check.differing.listed.len(), RANGES_LISTED_MAX);
}

#[test]
fn sectors_are_the_drive_s_own() {
    let mut entry = entry("aes-128-ctr", "pattern", 0);
    entry["logical_sector_bytes"] = 4096.into();
    entry["capacity_bytes"] = (40 * 4096).into();
    let drive = drive(&entry);
    let check = Medium::of(&drive).check_flipped(&drive, &[5000]);
    assert_eq!(check.differing.listed, [[4096, 8192]]);
}

#[test]
fn another_seed_identity_cipher_or_pass_differs_from_the_first_sector_to_the_last() {
    let entry = entry("chacha8", "pattern", 1);
    let medium = Medium::of(&drive(&entry));
    let seed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1e";
    for (pointer, value) in [
        ("/erasure/pattern/seed", json!(seed)),
        ("/erasure/pattern/cipher", json!("aes-128-ctr")),
        ("/erasure/passes/0/pass", json!(0)),
        ("/identity", json!("serial=Nº 7;world_wide=;area=1")),
    ] {
        let check = medium.check(&changed(&entry, pointer, value));
        assert_eq!(
            check.differing.listed,
            [[0, CAPACITY_BYTES]],
            "{pointer} is not part of the key"
        );
    }
}

#[test]
fn a_medium_one_sector_shorter_or_longer_is_not_the_report_s() {
    let entry = entry("aes-128-ctr", "zero", 0);
    let medium = Medium::of(&drive(&entry));
    for capacity_bytes in [CAPACITY_BYTES - 512, CAPACITY_BYTES + 512] {
        let drive = changed(&entry, "/capacity_bytes", capacity_bytes.into());
        let refusal = medium.refusal(&drive);
        assert!(refusal.contains("has 1075200 bytes"), "{refusal}");
    }
}

#[test]
fn a_report_that_does_not_say_what_the_drive_holds_is_an_error() {
    let entry = entry("chacha8", "pattern", 0);
    let medium = Medium::of(&drive(&entry));
    for (pointer, value, words) in [
        ("/erasure", Value::Null, "no erasure"),
        ("/erasure/passes", json!([]), "no pass"),
        (
            "/erasure/final_content",
            json!("zeros"),
            "the last pass is Pattern, the final content Zeros",
        ),
        (
            "/erasure/pattern/cipher",
            json!("rot13"),
            "unknown cipher \"rot13\"",
        ),
        (
            "/erasure/pattern/derivation",
            json!("raz v0"),
            "unknown derivation \"raz v0\"",
        ),
        ("/erasure/pattern/seed", json!("00"), "the seed has 1 bytes"),
        ("/erasure/pattern/seed", json!("0g"), "not hexadecimal"),
        ("/logical_sector_bytes", json!(0), "sectors of 0 bytes"),
    ] {
        let refusal = medium.refusal(&changed(&entry, pointer, value));
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn a_run_that_was_not_proven_is_compared_with_its_last_pass() {
    let entry = entry("chacha8", "pattern", 0);
    let medium = Medium::of(&drive(&entry));
    let unproven = changed(&entry, "/erasure/final_content", json!("unknown"));
    assert!(medium.check(&unproven).is_as_reported());
    let check = medium.check_flipped(&unproven, &[99]);
    assert_eq!(check.first_difference, Some(99));
}

#[test]
fn canaries_are_found_by_number_and_offset_also_across_blocks() {
    let mut bytes = vec![b'.'; 3 << 20];
    let border = 1 << 20;
    for (offset, text) in [
        (0, "carte vitale"),
        (border - 3, "RAZ-CANARY"),
        (2 * border, "carte vitale"),
        ((3 << 20) - 10, "RAZ-CANARY"),
    ] {
        bytes[offset..offset + text.len()].copy_from_slice(text.as_bytes());
    }
    let medium = Medium::holding(bytes);
    let needles: [&[u8]; 3] = [b"RAZ-CANARY", b"mot de passe", b"carte vitale"];
    assert_eq!(
        find_canaries(&medium.path, &needles).unwrap(),
        [
            (2, 0),
            (0, border as u64 - 3),
            (2, 2 * border as u64),
            (0, (3 << 20) - 10)
        ]
    );
    assert!(find_canaries(&medium.path, &[b""]).is_err());
}
