//! `--verify sampled`: a word, a status and figures of their own, and never "verified" or "erased".

use crate::support::{Folder, Loop, ODD_BYTES, raz, untouched, wipe};
use report::schema::{FinalContent, Level, OutcomeWord, Report};
use std::fs;

/// 40,960 sectors: sampled, 40 or 41 in a sub-section.
const SAMPLED_BYTES: u64 = 20 << 20;
const SECTORS: u64 = SAMPLED_BYTES / 512;

fn report(folder: &Folder) -> Report {
    serde_json::from_slice(&fs::read(folder.path("out/report.json")).unwrap()).unwrap()
}

fn claims_nothing(said: &str) {
    let said = said.to_lowercase();
    for claim in ["erased", "verified"] {
        assert!(!said.contains(claim), "{claim}: {said}");
    }
}

#[test]
fn sampled_drive_is_written_whole_and_never_called_verified() {
    let drive = Loop::new(SAMPLED_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let ran = wipe(&[&drive], &["--verify", "sampled", "--report", &out])
        .with_status(4)
        .telling(&[&drive.path, "written, checked by sample"]);
    let shown = raz(&["report", "show", &out]).with_status(0);
    assert!(shown.out.contains("NO LEVEL IS CLAIMED"), "{shown:#?}");
    assert!(shown.out.contains(" with probability 0.8"), "{shown:#?}");
    for said in [&ran.out, &ran.err, &shown.out] {
        claims_nothing(said);
    }

    let bytes = fs::read(drive.file()).unwrap();
    assert!(
        !bytes
            .windows(16)
            .any(|window| window == b"a letter that mu")
    );

    let report = report(&folder);
    let erasure = report.drives[0].erasure.as_ref().unwrap();
    claims_nothing(&erasure.outcome_text);
    assert_eq!(erasure.outcome, OutcomeWord::Sampled);
    assert_eq!(erasure.achieved_level, Level::None);
    assert_eq!(erasure.final_content, FinalContent::Unknown);
    assert!(erasure.shortfalls.is_empty());
    assert!(erasure.reasons.iter().any(|reason| reason.contains("10 %")));
    let pass = &erasure.passes[0];
    assert_eq!((pass.written_bytes, pass.flushed), (SAMPLED_BYTES, true));
    let read = pass.verification.as_ref().unwrap();
    let sample = read.sample.as_ref().unwrap();
    assert_eq!((read.r#type.as_str(), read.complete), ("sampled", true));
    assert_eq!((sample.share_percent, sample.subsections), (10, 1000));
    assert_eq!(sample.sectors_total, SECTORS);
    assert_eq!(read.read_bytes, sample.sectors * 512);
    assert!(sample.sectors * 10 >= SECTORS && sample.sectors < SECTORS / 5);
    assert!((10.0..20.0).contains(&read.coverage_percent));
    assert_ne!(sample.seed, erasure.pattern.seed);
    assert_eq!(sample.missed[0].sectors, 1);
    assert!((0.8..0.9).contains(&sample.missed[0].probability));
    assert_eq!(
        sample.missed[1].probability, 0.0,
        "1 MiB covers sub-sections of 20 KiB"
    );
    let grade = &report.verdict.as_ref().unwrap().grade;
    assert_eq!(grade, "parts", "a sample lets no machine go");
}

#[test]
fn full_read_of_a_sampled_drive_proves_every_byte_later() {
    let drive = Loop::new(SAMPLED_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    wipe(&[&drive], &["--verify", "sampled=25", "--report", &out]).with_status(4);
    let first = report(&folder);
    let read = first.drives[0].erasure.as_ref().unwrap().passes[0]
        .verification
        .clone();
    assert!((25.0..40.0).contains(&read.unwrap().coverage_percent));

    let file = folder.text("out/report.json");
    let again = || raz(&["verify", &drive.path, "--report", &file]);
    let ran = again().with_status(0);
    let every = format!("verified: every byte equals the report's pattern ({SAMPLED_BYTES} bytes");
    assert!(ran.out.contains(&every), "{ran:#?}");
    assert!(
        ran.out
            .contains("the report itself says: written, checked by sample"),
        "{ran:#?}"
    );
    drive.flip_byte(SAMPLED_BYTES / 2);
    let ran = again().with_status(1);
    assert!(ran.out.contains("differs from the report"), "{ran:#?}");
}

#[test]
fn zeros_of_a_sampled_drive_stay_a_sample() {
    let drive = Loop::new(SAMPLED_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let how = ["--verify", "sampled", "--then-zero", "--report", &out];
    wipe(&[&drive], &how).with_status(4);
    let seeds: Vec<String> = report(&folder).drives[0]
        .erasure
        .as_ref()
        .unwrap()
        .passes
        .iter()
        .map(|pass| {
            let read = pass.verification.clone().unwrap();
            read.sample.unwrap().seed
        })
        .collect();
    assert!(seeds.len() == 2 && seeds[0] != seeds[1]);
    let file = folder.text("out/report.json");
    let ran = raz(&["verify", &drive.path, "--report", &file]).with_status(4);
    assert!(ran.out.contains("zeros do not show"), "{ran:#?}");
}

#[test]
fn drive_of_few_sectors_is_read_in_full_and_one_status_speaks_for_all() {
    let (small, large) = (Loop::new(ODD_BYTES), Loop::new(SAMPLED_BYTES));
    let folder = Folder::new();
    let out = folder.text("out");
    wipe(
        &[&small, &large],
        &["--verify", "sampled", "--report", &out],
    )
    .with_status(4);
    let report = report(&folder);
    let words: Vec<_> = report
        .drives
        .iter()
        .map(|drive| {
            let erasure = drive.erasure.as_ref().unwrap();
            (
                drive.capacity_bytes,
                erasure.outcome,
                erasure.achieved_level,
            )
        })
        .collect();
    assert!(
        words.contains(&(ODD_BYTES, OutcomeWord::Verified, Level::Clear)),
        "{words:?}"
    );
    assert!(
        words.contains(&(SAMPLED_BYTES, OutcomeWord::Sampled, Level::None)),
        "{words:?}"
    );

    let alone = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let ran = wipe(&[&alone], &["--verify", "sampled", "--report", &out]).with_status(0);
    assert!(ran.out.contains("erased and verified: all"), "{ran:#?}");
}

#[test]
fn share_that_is_no_sample_is_a_bad_command_line() {
    let drive = Loop::new(ODD_BYTES);
    for how in [
        "sampled=9",
        "sampled=91",
        "sampled=100",
        "sampled=",
        "sampled=10.5",
        "sampled=-10",
        "full=10",
    ] {
        let ran = untouched(&[&drive], || wipe(&[&drive], &["--verify", how])).with_status(2);
        assert!(
            ran.err.contains(how) && ran.err.contains("--verify"),
            "{ran:#?}"
        );
    }
    untouched(&[&drive], || wipe(&[&drive], &["--verify", "sampled=9"]))
        .with_status(2)
        .telling(&["10 to 90 percent"]);
}
