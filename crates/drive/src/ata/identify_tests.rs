//! IDENTIFY DEVICE words, set by number as ACS-4 lists them.

use super::*;

/// A page with these words, and the text of model, serial and firmware.
fn page(words: &[(usize, u16)]) -> Vec<u8> {
    let mut page = vec![0u8; 512];
    // "     WD-WCC4N1234567", "80.00A80", "WDC WD40EFRX-68WT0N0": first character in the high byte.
    page[20..40].copy_from_slice(b"    W -DCW4C1N325476");
    page[46..54].copy_from_slice(b"080.A008");
    page[54..94].copy_from_slice(b"DW CDW04FEXR6-W80T0N                    ");
    for (n, word) in words {
        page[n * 2..n * 2 + 2].copy_from_slice(&word.to_le_bytes());
    }
    page
}

fn identify(words: &[(usize, u16)]) -> Identify {
    Identify::parse(&page(words))
}

/// Words that validate 82 to 87, 119 and 120, with 48-bit addresses and 500 118 192 sectors.
const MODERN: [(usize, u16); 9] = [
    (53, 0x0006),
    (60, 0xFFFF),
    (61, 0x0FFF),
    (83, 0x4400),
    (84, 0x4000),
    (86, 0x8400),
    (87, 0x4000),
    (100, 0x32B0),
    (101, 0x1DCF),
];

fn modern(words: &[(usize, u16)]) -> Identify {
    let mut all = MODERN.to_vec();
    all.extend_from_slice(words);
    identify(&all)
}

#[test]
fn strings_are_swapped_and_trimmed() {
    let id = identify(&[]);
    assert_eq!(id.serial.as_deref(), Some("WD-WCC4N1234567"));
    assert_eq!(id.firmware.as_deref(), Some("80.00A80"));
    assert_eq!(id.model.as_deref(), Some("WDC WD40EFRX-68WT0N0"));
}

#[test]
fn sectors_are_a_count_from_words_100_to_103() {
    let id = modern(&[]);
    assert_eq!(id.sectors, 500_118_192);
    assert_eq!(id.sectors_48, Some(500_118_192));
    assert_eq!(id.sectors_28, 0x0FFF_FFFF);
    assert_eq!(id.capacity_bytes(), Some(256_060_514_304));
    assert_eq!(id.oddities, Vec::<String>::new());
    assert!(id.is_answer);
}

#[test]
fn words_100_to_103_are_ignored_without_the_48_bit_feature_set() {
    let id = identify(&[(60, 0x1000), (100, 0xFFFF)]);
    assert_eq!((id.sectors, id.sectors_48), (0x1000, None));
}

#[test]
fn words_230_to_233_count_with_word_69_b3_and_word_53_b1() {
    let id = modern(&[(69, 0x0008), (230, 0x0000), (231, 0x0000), (232, 0x0002)]);
    assert_eq!(id.sectors, 0x2_0000_0000);
    let id = modern(&[(53, 0), (69, 0x0008), (232, 0x0002)]);
    assert_eq!(id.sectors, 500_118_192);
}

#[test]
fn feature_words_count_only_when_validated() {
    let id = identify(&[
        (82, 0xFFFF),
        (83, 0x3FFF),
        (85, 0xFFFF),
        (86, 0xFFFF),
        (87, 0xFFFF),
    ]);
    assert_eq!(
        id.smart,
        Feature {
            supported: None,
            enabled: None
        }
    );
    assert_eq!(id.hpa.supported, None);
    assert_eq!(id.lba48.supported, None);
    assert_eq!(id.amac.supported, None);
}

#[test]
fn hpa_dco_amac_and_smart_bits() {
    let id = modern(&[
        (82, 0x0421),
        (83, 0x4C00),
        (85, 0x0400),
        (86, 0x8C00),
        (119, 0x4100),
        (120, 0x4000),
    ]);
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(
        id.smart,
        Feature {
            supported: yes,
            enabled: no
        }
    );
    assert_eq!(
        id.write_cache,
        Feature {
            supported: yes,
            enabled: no
        }
    );
    assert_eq!(
        id.hpa,
        Feature {
            supported: yes,
            enabled: yes
        }
    );
    assert_eq!(
        id.dco,
        Feature {
            supported: yes,
            enabled: yes
        }
    );
    assert_eq!(
        id.lba48,
        Feature {
            supported: yes,
            enabled: yes
        }
    );
    assert_eq!(
        id.amac,
        Feature {
            supported: yes,
            enabled: no
        }
    );
}

#[test]
fn words_119_and_120_need_word_86_b15() {
    let id = modern(&[(86, 0x0400), (119, 0x4100), (120, 0x4100)]);
    assert_eq!(
        id.amac,
        Feature {
            supported: None,
            enabled: None
        }
    );
}

#[test]
fn sanitize_bits_are_ignored_without_b12() {
    assert_eq!(modern(&[(59, 0xE400)]).sanitize, None);
    let s = modern(&[(59, 0x9400)]).sanitize.expect("sanitize");
    assert!(s.block_erase && !s.overwrite && !s.crypto_scramble && s.antifreeze_lock);
    let s = modern(&[(59, 0x7000)]).sanitize.expect("sanitize");
    assert!(!s.block_erase && s.overwrite && s.crypto_scramble && !s.antifreeze_lock);
}

#[test]
fn each_security_bit_is_its_own_field() {
    let s = |word| modern(&[(128, word)]).security;
    assert!(s(0x0001).supported && !s(0x0001).enabled);
    assert!(s(0x0003).enabled);
    assert!(s(0x0007).locked);
    assert!(s(0x0009).frozen);
    assert!(s(0x0011).attempts_expired);
    assert!(s(0x0021).enhanced_erase);
    assert!(s(0x0101).level_maximum);
    assert_eq!(s(0x0021).raw, 0x0021);
}

#[test]
fn locked_without_enabled_is_odd() {
    assert!(
        modern(&[(128, 0x0005)])
            .oddities
            .iter()
            .any(|o| o.contains("locked"))
    );
    assert!(
        modern(&[(128, 0x0008)])
            .oddities
            .iter()
            .any(|o| o.contains("without"))
    );
}

#[test]
fn erase_times_in_both_forms() {
    let t = |word| modern(&[(90, word)]).erase_time_enhanced;
    assert_eq!(t(0x0000), EraseTime::Unspecified);
    assert_eq!(t(0x0001), EraseTime::Minutes(2));
    assert_eq!(t(0x00FE), EraseTime::Minutes(508));
    assert_eq!(t(0x00FF), EraseTime::MoreThanMinutes(508));
    assert_eq!(t(0x8000 | 300), EraseTime::Minutes(600));
    assert_eq!(t(0xFFFF), EraseTime::MoreThanMinutes(65532));
    // b14:8 belong only to the extended form.
    assert_eq!(t(0x7F05), EraseTime::Minutes(10));
}

#[test]
fn sector_sizes_512e_4kn_and_nonsense() {
    let sizes = |words: &[(usize, u16)]| {
        let id = modern(words);
        (id.logical_sector_bytes, id.physical_sector_bytes)
    };
    assert_eq!(sizes(&[]), (512, 512));
    assert_eq!(sizes(&[(106, 0x6003)]), (512, 4096));
    assert_eq!(sizes(&[(106, 0x5000), (117, 2048)]), (4096, 4096));
    // Not validated: bits 15:14 are not 01.
    assert_eq!(sizes(&[(106, 0x2003)]), (512, 512));
    let id = modern(&[(106, 0x5000), (117, 1)]);
    assert_eq!(id.logical_sector_bytes, 512);
    assert!(id.oddities.iter().any(|o| o.contains("logical sector")));
    let id = modern(&[(106, 0x700F), (117, 0x8000)]);
    assert_eq!(id.physical_sector_bytes, 1 << 31);
}

#[test]
fn alignment_counts_only_when_validated() {
    assert_eq!(modern(&[(209, 0x4007)]).alignment_sectors, Some(7));
    assert_eq!(modern(&[(209, 0x0007)]).alignment_sectors, None);
}

#[test]
fn rotation_rates() {
    let r = |word| modern(&[(217, word)]);
    assert_eq!(r(0).rotation, Rotation::Unknown);
    assert_eq!(r(1).rotation, Rotation::SolidState);
    assert_eq!(r(7200).rotation, Rotation::Rpm(7200));
    assert_eq!(r(2).rotation, Rotation::Unknown);
    assert!(r(2).oddities.iter().any(|o| o.contains("rotation")));
}

#[test]
fn world_wide_name_is_high_word_first_and_needs_its_bit() {
    let words = [(108, 0x5000), (109, 0xC500), (110, 0xA1B2), (111, 0xC3D4)];
    let mut said = words.to_vec();
    said.push((87, 0x4100));
    assert_eq!(modern(&said).wwn, Some(0x5000_C500_A1B2_C3D4));
    assert_eq!(modern(&words).wwn, None);
    let empty = modern(&[(84, 0x4100)]);
    assert_eq!(empty.wwn, None);
    assert!(empty.oddities.iter().any(|o| o.contains("world wide name")));
}

#[test]
fn trim_and_word_69() {
    let id = modern(&[(169, 1), (69, 0x4031)]);
    assert!(id.trim && id.deterministic_after_trim && id.zeros_after_trim && id.encrypts_all);
    assert_eq!(id.zoned, ZonedWord::HostAware);
    // RZAT without DRAT promises nothing; word 69 without word 53 b1 neither.
    assert!(!modern(&[(69, 0x0020)]).zeros_after_trim);
    assert!(!modern(&[(53, 0), (69, 0x4030)]).encrypts_all);
    // b6 is not RZAT.
    assert!(!modern(&[(69, 0x4040)]).zeros_after_trim);
}

#[test]
fn checksum_valid_wrong_and_absent() {
    let mut p = page(&MODERN);
    assert_eq!(Identify::parse(&p).checksum, Checksum::Absent);
    p[510] = 0xA5;
    p[511] = p[..511].iter().fold(0u8, |sum, b| sum.wrapping_sub(*b));
    assert_eq!(Identify::parse(&p).checksum, Checksum::Valid);
    p[511] ^= 0x10;
    let wrong = Identify::parse(&p);
    assert_eq!(wrong.checksum, Checksum::Wrong);
    assert!(!wrong.is_answer);
}

#[test]
fn zeros_ones_and_short_answers_are_no_drive() {
    for answer in [
        vec![0u8; 512],
        vec![0xFF; 512],
        vec![],
        page(&MODERN)[..100].to_vec(),
    ] {
        let id = Identify::parse(&answer);
        assert!(!id.oddities.is_empty(), "{} bytes", answer.len());
    }
    assert!(!Identify::parse(&[0; 512]).is_answer);
    assert!(!Identify::parse(&[0xFF; 512]).is_answer);
    assert!(!Identify::parse(&[]).is_answer);
}

#[test]
fn unprintable_serial_is_odd_and_kept_distinct() {
    let mut p = page(&MODERN);
    p[20] = 0x01;
    let id = Identify::parse(&p);
    assert!(id.serial.as_deref().is_some_and(|s| s.contains("\\x01")));
    assert!(id.oddities.iter().any(|o| o.contains("serial")));
}

#[test]
fn hybrid_disks_are_known_by_their_words_or_by_their_model() {
    let with = |word: usize, value: u16| {
        let mut data = [0; 512];
        data[word * 2..word * 2 + 2].copy_from_slice(&value.to_le_bytes());
        Identify::parse(&data).flash_cache
    };
    assert!(with(78, 1 << 9) && with(214, 1 << 4) && with(215, 1));
    assert!(!with(78, 0xFFFF) && !with(78, 1 << 8) && !with(216, 0xFFFF));
    let model = |name: &str| {
        let mut data = [0; 512];
        for (index, byte) in format!("{name:<40}").bytes().enumerate() {
            data[54 + (index ^ 1)] = byte;
        }
        Identify::parse(&data).flash_cache
    };
    for name in [
        "ST1000LM014-1EJ164",
        "ST2000DX001-1CM164",
        "ST750LX003",
        "SSHD-1000",
    ] {
        assert!(model(name), "{name}");
    }
    for name in [
        "ST1000LM024 HN-M101MBB",
        "WDC WD10EZEX-08WN4A0",
        "ST3500418AS",
    ] {
        assert!(!model(name), "{name}");
    }
}
