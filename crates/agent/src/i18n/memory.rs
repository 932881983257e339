//! What is said of a test of the memory.

use super::Words;
use machine::check::memory::findings::BadFrame;
use machine::check::memory::schedule::Test;
use machine::check::memory::{NotDone, Outcome};

/// What came of it, a sentence each: the verdict first.
#[must_use]
pub fn outcome(outcome: &Outcome) -> Vec<Words> {
    let mut said = vec![verdict(outcome), coverage(outcome)];
    said.extend(outcome.bad.iter().map(bad_frame));
    if outcome.errors_unlisted > 0 {
        let more = outcome.errors_unlisted;
        said.push(Words::new(
            format!("  et {more} erreurs ailleurs"),
            format!("  and {more} errors elsewhere"),
        ));
    }
    said.extend(counters(outcome));
    said
}

fn verdict(outcome: &Outcome) -> Words {
    let errors = outcome.errors;
    if errors > 0 {
        return Words::new(
            format!("MÉMOIRE DÉFECTUEUSE : {errors} erreurs. Changer ou retirer la barrette."),
            format!("MEMORY IS BAD: {errors} errors. Replace or remove the module."),
        );
    }
    if outcome.is_faulty() {
        return Words::new(
            "MÉMOIRE DÉFECTUEUSE : la machine a compté des erreurs de mémoire pendant le test.",
            "MEMORY IS BAD: the machine counted memory errors during the test.",
        );
    }
    if outcome.stopped {
        return Words::new(
            "Test interrompu : aucune erreur jusque-là, ce qui ne suffit pas.",
            "Test stopped: no error until then, which is not enough.",
        );
    }
    if !outcome.is_complete() {
        return Words::new(
            "Mémoire non testée : aucun test n'est allé à son terme.",
            "Memory not tested: no test came to its end.",
        );
    }
    Words::new(
        "Aucune erreur dans la mémoire atteinte.",
        "No error in the memory that was reached.",
    )
}

fn coverage(outcome: &Outcome) -> Words {
    let (swept, seconds) = (size(outcome.swept_bytes), outcome.elapsed.as_secs());
    let sweeps = outcome.sweeps;
    match outcome.coverage {
        Some(coverage) => {
            let (reached, all) = (
                size(coverage.reached_bytes),
                size(coverage.system_ram_bytes),
            );
            let percent = format!("{:.1} %", coverage.percent());
            Words::new(
                format!(
                    "Atteint : {} ({} sur {}), {sweeps} passages, {} en {seconds} s.",
                    percent.replace('.', ","),
                    reached.french,
                    all.french,
                    swept.french
                ),
                format!(
                    "Reached: {percent} ({} of {}), {sweeps} sweeps, {} in {seconds} s.",
                    reached.english, all.english, swept.english
                ),
            )
        }
        None => {
            let held = size(outcome.held_bytes_max);
            Words::new(
                format!(
                    "Part atteinte inconnue : {} à la fois, {sweeps} passages, {} en {seconds} s.",
                    held.french, swept.french
                ),
                format!(
                    "Part reached unknown: {} at a time, {sweeps} sweeps, {} in {seconds} s.",
                    held.english, swept.english
                ),
            )
        }
    }
}

/// A line for a bad frame.
#[must_use]
pub fn bad_frame(bad: &BadFrame) -> Words {
    let first = &bad.first;
    let address = first.address.map(|address| format!("{address:#x}"));
    let words = format!("{:016x} / {:016x}", first.expected, first.read);
    let slot = bad.slot.as_deref();
    let test = name(first.test);
    Words::new(
        format!(
            "  adresse {}, emplacement {} : écrit / lu {words} ({}), {} erreurs",
            address.as_deref().unwrap_or("inconnue"),
            slot.unwrap_or("inconnu"),
            test.french,
            bad.errors,
        ),
        format!(
            "  address {}, slot {}: written / read {words} ({}), {} errors",
            address.as_deref().unwrap_or("unknown"),
            slot.unwrap_or("unknown"),
            test.english,
            bad.errors,
        ),
    )
}

fn counters(outcome: &Outcome) -> Option<Words> {
    let (before, after) = outcome.counters;
    if !after.rose_since(&before) {
        return None;
    }
    let risen = |before: Option<u64>, after: Option<u64>| {
        before.zip(after).map_or(0, |(b, a)| a.saturating_sub(b))
    };
    let corrected = risen(before.corrected, after.corrected);
    let uncorrected = risen(before.uncorrected, after.uncorrected);
    let checks = risen(before.machine_checks, after.machine_checks);
    let lost = size(risen(before.corrupted_bytes, after.corrupted_bytes));
    Some(Words::new(
        format!(
            "La machine a compté : {corrected} erreurs corrigées, {uncorrected} non corrigées, {checks} alertes, {} retirés.",
            lost.french
        ),
        format!(
            "The machine counted: {corrected} errors corrected, {uncorrected} not corrected, {checks} alerts, {} taken away.",
            lost.english
        ),
    ))
}

/// The name of a test.
#[must_use]
pub fn name(test: Test) -> Words {
    match test {
        Test::OwnAddress => Words::new("adresse propre", "own address"),
        Test::MovingInversions => Words::new("inversions", "moving inversions"),
        Test::Checkerboard => Words::new("damier", "checkerboard"),
        Test::Walking => Words::new("bit mobile", "walking bit"),
        Test::Random => Words::new("aléatoire", "random"),
        Test::Modulo20 => Words::new("modulo 20", "modulo 20"),
        Test::BitFade => Words::new("rétention", "bit fade"),
    }
}

/// What was not done, or is not known.
#[must_use]
pub fn not_done(what: &NotDone) -> Words {
    match what {
        NotDone::NothingTaken => Words::new(
            "le noyau n'a pas donné de mémoire au-delà de la réserve",
            "the kernel gave no memory beyond the reserve",
        ),
        NotDone::FramesUnknown => Words::new(
            "adresses physiques et part atteinte inconnues (il faut être root)",
            "physical addresses and the part reached are unknown (it takes root)",
        ),
        NotDone::MemoryMapUnknown => Words::new(
            "la carte de la mémoire (/proc/iomem) n'est pas lisible (il faut être root)",
            "the map of the memory (/proc/iomem) cannot be read (it takes root)",
        ),
        NotDone::Reserve(bytes) => {
            let bytes = size(*bytes);
            Words::new(
                format!(
                    "{} laissés en réserve au système, et ce qu'il occupe",
                    bytes.french
                ),
                format!(
                    "{} left to the system as a reserve, and what it occupies",
                    bytes.english
                ),
            )
        }
        NotDone::GivenBack(bytes) => {
            let bytes = size(*bytes);
            Words::new(
                format!(
                    "{} rendus en cours de test : le système en avait besoin",
                    bytes.french
                ),
                format!(
                    "{} given back during the test: the system needed them",
                    bytes.english
                ),
            )
        }
        NotDone::NotLocked => Words::new(
            "la mémoire n'a pas pu être verrouillée : une partie a pu être lue ailleurs",
            "memory could not be locked: some of it may have been read from elsewhere",
        ),
        NotDone::Caches => Words::new(
            "sur ce processeur, une partie a pu être lue dans ses caches",
            "on this processor, some may have been read from its caches",
        ),
        NotDone::Test(test) => {
            let name = name(*test);
            Words::new(
                format!("test non fait : {}", name.french),
                format!("test not done: {}", name.english),
            )
        }
        NotDone::FadeOfLaterRounds => Words::new(
            "rétention non testée là où les derniers tours sont arrivés",
            "bit fade not tested where only the later rounds came",
        ),
        NotDone::CorrectedErrors => Words::new(
            "erreurs corrigées par la machine : aucun compteur (EDAC)",
            "errors corrected by the machine: no counter (EDAC)",
        ),
    }
}

/// Bytes in the largest binary unit of which there is one, as memory is sold.
fn size(bytes: u64) -> Words {
    let (number, prefix) = match bytes >> 20 {
        0 => (format!("{}", bytes >> 10), "K"),
        mib @ 1..1024 => (format!("{mib}"), "M"),
        _ => (format!("{:.1}", bytes as f64 / f64::from(1 << 30)), "G"),
    };
    Words::new(
        format!("{number} {prefix}io").replace('.', ","),
        format!("{number} {prefix}iB"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use machine::check::memory::counters::Counters;
    use machine::check::memory::coverage::Coverage;
    use machine::check::memory::findings::BadWord;
    use std::time::Duration;

    fn clean() -> Outcome {
        Outcome {
            coverage: Some(Coverage {
                system_ram_bytes: 8 << 30,
                reached_bytes: 7 << 30,
            }),
            held_bytes_max: 7 << 30,
            swept_bytes: 400 << 30,
            sweeps: 57,
            rounds: 2,
            tests: vec![(Test::OwnAddress, 1, 7 << 30)],
            errors: 0,
            bad: Vec::new(),
            errors_unlisted: 0,
            counters: (Counters::default(), Counters::default()),
            stopped: false,
            elapsed: Duration::from_secs(100),
            not_done: Vec::new(),
        }
    }

    fn said(outcome: &Outcome, language: Language) -> String {
        let said = super::outcome(outcome);
        let lines: Vec<&str> = said.iter().map(|words| words.says(language)).collect();
        lines.join("\n")
    }

    #[test]
    fn memory_without_errors_is_told_with_the_part_that_was_reached() {
        let english = "No error in the memory that was reached.\n\
            Reached: 87.5 % (7.0 GiB of 8.0 GiB), 57 sweeps, 400.0 GiB in 100 s.";
        assert_eq!(said(&clean(), Language::English), english);
        let french = said(&clean(), Language::French);
        assert!(
            french.contains("Atteint : 87,5 % (7,0 Gio sur 8,0 Gio)"),
            "{french}"
        );
    }

    #[test]
    fn stopped_empty_and_failed_tests_never_pass_for_good() {
        let stopped = Outcome {
            stopped: true,
            ..clean()
        };
        let empty = Outcome {
            tests: Vec::new(),
            coverage: None,
            ..clean()
        };
        let risen = Outcome {
            counters: (
                Counters {
                    corrected: Some(1),
                    ..Counters::default()
                },
                Counters {
                    corrected: Some(4),
                    ..Counters::default()
                },
            ),
            ..clean()
        };
        let bad = Outcome {
            stopped: true,
            errors: 3,
            bad: vec![BadFrame {
                frame: Some(0x12345),
                errors: 3,
                first: BadWord {
                    address: Some(0x1234_5678),
                    expected: 0xFF,
                    read: 0xFE,
                    test: Test::Walking,
                },
                bits: 1,
                tests: vec![Test::Walking],
                cores: vec![0],
                slot: Some("DIMM 2".to_owned()),
            }],
            ..clean()
        };
        for (outcome, english, french) in [
            (&stopped, "Test stopped", "Test interrompu"),
            (&empty, "Memory not tested", "Mémoire non testée"),
            (&risen, "MEMORY IS BAD", "MÉMOIRE DÉFECTUEUSE"),
            (
                &bad,
                "MEMORY IS BAD: 3 errors",
                "MÉMOIRE DÉFECTUEUSE : 3 erreurs",
            ),
        ] {
            assert!(said(outcome, Language::English).starts_with(english));
            assert!(said(outcome, Language::French).starts_with(french));
        }
        let english = said(&bad, Language::English);
        assert!(
            english.contains("address 0x12345678, slot DIMM 2: written / read 00000000000000ff / 00000000000000fe (walking bit), 3 errors"),
            "{english}"
        );
        assert!(said(&risen, Language::English).contains("3 errors corrected"));
    }
}
