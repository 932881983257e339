//! What raz is wanted to reach, and how near the measured figures are.
//!
//! Nothing fails here: figures depend on the machine, and a person reads them with the conditions
//! beside them.

use super::conditions::Conditions;
use super::figures::{Finding, Run, Subject, Wanted};
use super::peers::{NWIPE_FASTEST, NWIPE_ISAAC64};
use super::raz::{Content, Engine, Variant};

/// What is wanted of one way of running raz in one setting.
#[derive(Default)]
struct Targets {
    write_speed: Option<Wanted>,
    phases_speed: Option<Wanted>,
    cpu_seconds_per_gib: Option<Wanted>,
}

/// Against fio's best with huge pages. With VAES the keystream costs half of what it does with
/// plain AES instructions, so more is wanted.
fn targets(variant: Variant, drives: usize, vaes: bool) -> Targets {
    let one = |speed| Wanted::AtLeast(if drives == 1 { speed } else { 0.8 });
    match (variant.engine, variant.content) {
        (Engine::Shipped | Engine::AesNi, Content::Aes) => {
            let vaes = vaes && variant.engine == Engine::Shipped;
            Targets {
                write_speed: None,
                phases_speed: Some(one(if vaes { 0.85 } else { 0.75 })),
                cpu_seconds_per_gib: Some(Wanted::AtMost(if vaes { 0.22 } else { 0.35 })),
            }
        }
        (Engine::Shipped, Content::ChaCha8) => Targets {
            write_speed: None,
            phases_speed: Some(one(0.7)),
            cpu_seconds_per_gib: Some(Wanted::AtMost(0.5)),
        },
        (Engine::Shipped, Content::Zero) => Targets {
            write_speed: Some(Wanted::AtLeast(0.92)),
            phases_speed: None,
            cpu_seconds_per_gib: None,
        },
        (Engine::Sse2, _) => Targets {
            cpu_seconds_per_gib: Some(Wanted::AtMost(0.9)),
            ..Targets::default()
        },
        // Its speed is not attempted: a figure to know. And what is not measured.
        (Engine::Threads | Engine::AesNi, _) => Targets::default(),
    }
}

/// User and system time per GiB that was written and verified.
pub fn cpu_seconds_per_gib(run: &Run, bytes: u64) -> f64 {
    (run.user_seconds + run.system_seconds) / gib(bytes)
}

/// For reading.
pub fn gib(bytes: u64) -> f64 {
    bytes as f64 / (1u64 << 30) as f64
}

/// Everything that is said of one way of running raz: against fio, and against io_uring and nwipe
/// where that was measured.
pub fn findings(
    variant: Variant,
    subjects: &[Subject],
    drives: usize,
    conditions: &Conditions,
) -> Vec<Finding> {
    let named = |name: &str| subjects.iter().find(|subject| subject.name == name);
    let name = &variant.name();
    let (Some(own), Some(fio)) = (named(name), subjects.first()) else {
        return Vec::new();
    };
    let wanted = targets(variant, drives, conditions.has("vaes"));
    let mut findings = vec![
        Finding::new(
            name,
            "write speed, of fio's",
            own.speed(fio, |run| run.write_seconds),
            wanted.write_speed,
        ),
        Finding::new(
            name,
            "verify speed, of fio's read",
            own.speed(fio, |run| run.verify_seconds),
            None,
        ),
        Finding::new(
            name,
            "write + verify speed, of fio's",
            own.speed(fio, Run::phases_seconds),
            wanted.phases_speed,
        ),
        Finding::new(
            name,
            "CPU s/GiB, user + system",
            own.spread(|run| Some(cpu_seconds_per_gib(run, own.bytes))),
            wanted.cpu_seconds_per_gib,
        ),
    ];
    if variant.engine == Engine::Threads
        && let Some(shipped) = named(&Variant::shipped(variant.content).name())
    {
        findings.push(Finding::new(
            name,
            "write + verify speed, of io_uring's",
            own.speed(shipped, Run::phases_seconds),
            None,
        ));
    }
    if variant == Variant::shipped(Content::Aes) {
        // The speed of the other against ours is our time as a part of theirs.
        if let Some(nwipe) = named(NWIPE_FASTEST) {
            findings.push(Finding::new(
                name,
                "phases' time, of nwipe's fastest",
                nwipe.speed(own, Run::phases_seconds),
                Some(Wanted::AtMost(0.4)),
            ));
            findings.push(Finding::new(
                name,
                "whole process, of nwipe's fastest",
                nwipe.speed(own, |run| Some(run.wall_seconds)),
                Some(Wanted::AtMost(0.2)),
            ));
        }
        if let Some(nwipe) = named(NWIPE_ISAAC64) {
            findings.push(Finding::new(
                name,
                "phases' time, of nwipe's ISAAC-64",
                nwipe.speed(own, Run::phases_seconds),
                Some(Wanted::AtMost(0.15)),
            ));
        }
    }
    findings.into_iter().flatten().collect()
}

/// A limited drive: every pause between two requests is time lost.
pub fn limited(variant: Variant, subjects: &[Subject], bytes_per_second: u64) -> Vec<Finding> {
    let name = &variant.name();
    let own = subjects.iter().find(|subject| subject.name == *name);
    let (Some(own), Some(fio)) = (own, subjects.first()) else {
        return Vec::new();
    };
    let of_limit = |subject: &Subject, seconds: fn(&Run) -> Option<f64>| {
        let least = subject.bytes as f64 / bytes_per_second as f64;
        subject.spread(|run| Some(least / seconds(run)?))
    };
    let as_fio = Some(Wanted::AtLeast(0.98));
    let (write, verify) = (
        |run: &Run| run.write_seconds,
        |run: &Run| run.verify_seconds,
    );
    [
        (name, "write speed, of fio's", own.speed(fio, write), as_fio),
        (
            name,
            "verify speed, of fio's read",
            own.speed(fio, verify),
            as_fio,
        ),
        (
            &fio.name,
            "write speed, of the limit",
            of_limit(fio, write),
            None,
        ),
        (
            &fio.name,
            "read speed, of the limit",
            of_limit(fio, verify),
            None,
        ),
        (
            name,
            "write speed, of the limit",
            of_limit(own, write),
            None,
        ),
        (
            name,
            "verify speed, of the limit",
            of_limit(own, verify),
            None,
        ),
    ]
    .into_iter()
    .filter_map(|(name, figure, measured, wanted)| Finding::new(name, figure, measured, wanted))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(flags: &[&str]) -> Conditions {
        Conditions {
            date: String::new(),
            cpu: String::new(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            cores: 2,
            kernel: String::new(),
            memory_bytes: 0,
            load_average: String::new(),
            transparent_huge_pages: String::new(),
            commit: String::new(),
            tools: Vec::new(),
        }
    }

    fn subject(name: &str, write: f64, verify: f64, wall_seconds: f64) -> Subject {
        Subject {
            name: name.to_owned(),
            command: String::new(),
            bytes: 2 << 30,
            runs: vec![Run {
                write_seconds: Some(write),
                verify_seconds: Some(verify),
                wall_seconds,
                user_seconds: 0.3,
                system_seconds: 0.1,
                ..Run::default()
            }],
        }
    }

    fn shipped(content: Content) -> Variant {
        Variant::shipped(content)
    }

    fn figure<'a>(findings: &'a [Finding], figure: &str) -> &'a Finding {
        findings
            .iter()
            .find(|finding| finding.figure == figure)
            .expect(figure)
    }

    #[test]
    fn raz_is_held_against_fio_and_nwipe() {
        let subjects = [
            subject("fio", 0.36, 0.27, 0.0),
            subject("raz aes-128-ctr", 0.4, 0.3, 0.8),
            subject(NWIPE_FASTEST, 0.8, 0.9, 5.0),
        ];
        let found = findings(shipped(Content::Aes), &subjects, 1, &conditions(&["vaes"]));
        let phases = figure(&found, "write + verify speed, of fio's");
        assert!((phases.measured.median - 0.9).abs() < 1e-9);
        assert_eq!(phases.met, Some(true));
        let cpu = figure(&found, "CPU s/GiB, user + system");
        assert!((cpu.measured.median - 0.2).abs() < 1e-9);
        let nwipe = figure(&found, "phases' time, of nwipe's fastest");
        assert!((nwipe.measured.median - 0.7 / 1.7).abs() < 1e-9);
        assert_eq!(nwipe.met, Some(false));
        let whole = figure(&found, "whole process, of nwipe's fastest");
        assert_eq!(whole.met, Some(true));
    }

    #[test]
    fn less_is_wanted_without_vaes_and_of_several_drives() {
        let subjects = [
            subject("fio", 0.36, 0.36, 0.0),
            subject("raz aes-128-ctr", 0.44, 0.44, 0.8),
        ];
        let met = |drives, flags: &[&str]| {
            let found = findings(shipped(Content::Aes), &subjects, drives, &conditions(flags));
            figure(&found, "write + verify speed, of fio's").met
        };
        assert_eq!(met(1, &["vaes"]), Some(false));
        assert_eq!(met(1, &[]), Some(true));
        assert_eq!(met(4, &["vaes"]), Some(true));
    }

    #[test]
    fn zeros_are_held_against_the_write_only() {
        let subjects = [
            subject("fio", 0.36, 0.36, 0.0),
            subject("raz zero", 0.36, 1.0, 1.4),
        ];
        let found = findings(shipped(Content::Zero), &subjects, 1, &conditions(&[]));
        assert_eq!(figure(&found, "write speed, of fio's").met, Some(true));
        assert_eq!(figure(&found, "write + verify speed, of fio's").met, None);
    }

    #[test]
    fn a_build_without_vaes_is_held_to_less_on_a_cpu_that_has_it() {
        let masked = Variant {
            content: Content::Aes,
            engine: Engine::AesNi,
        };
        let subjects = [
            subject("fio", 0.36, 0.36, 0.0),
            subject(&masked.name(), 0.45, 0.45, 0.5),
        ];
        let found = findings(masked, &subjects, 1, &conditions(&["vaes"]));
        let speed = figure(&found, "write + verify speed, of fio's");
        assert_eq!(speed.met, Some(true), "0.80 of 0.75");
        assert_eq!(figure(&found, "CPU s/GiB, user + system").met, Some(true));
    }

    #[test]
    fn software_ciphers_are_held_against_their_cpu_time_only() {
        let sse2 = Variant {
            content: Content::ChaCha8,
            engine: Engine::Sse2,
        };
        let subjects = [
            subject("fio", 0.36, 0.36, 0.0),
            subject(&sse2.name(), 3.6, 3.6, 8.0),
        ];
        let found = findings(sse2, &subjects, 1, &conditions(&[]));
        assert_eq!(figure(&found, "CPU s/GiB, user + system").met, Some(true));
        assert_eq!(figure(&found, "write + verify speed, of fio's").met, None);
    }

    #[test]
    fn threads_are_held_against_io_uring_where_it_was_measured() {
        let threads = Variant {
            content: Content::Aes,
            engine: Engine::Threads,
        };
        let subjects = [
            subject("fio", 0.36, 0.36, 0.0),
            subject("raz aes-128-ctr", 0.4, 0.4, 0.8),
            subject(&threads.name(), 0.8, 0.8, 1.6),
        ];
        let found = findings(threads, &subjects, 1, &conditions(&[]));
        let speed = figure(&found, "write + verify speed, of io_uring's");
        assert_eq!((speed.measured.median, speed.met), (0.5, None));
        let alone = [subjects[0].clone(), subjects[2].clone()];
        assert_eq!(findings(threads, &alone, 1, &conditions(&[])).len(), 4);
    }

    #[test]
    fn a_limited_drive_is_held_against_fio_and_shown_against_its_limit() {
        let subjects = [
            subject("fio", 2.0, 2.0, 0.0),
            subject("raz aes-128-ctr", 2.5, 2.0, 4.6),
        ];
        let found = limited(shipped(Content::Aes), &subjects, 1 << 30);
        assert_eq!(figure(&found, "write speed, of fio's").met, Some(false));
        assert_eq!(
            figure(&found, "verify speed, of fio's read").met,
            Some(true)
        );
        let limits = found
            .iter()
            .filter(|it| it.figure == "write speed, of the limit");
        let limits: Vec<f64> = limits.map(|it| it.measured.median).collect();
        assert_eq!(limits, [1.0, 0.8]);
    }

    #[test]
    fn what_was_not_measured_is_not_spoken_of() {
        let subjects = [subject("fio", 0.36, 0.36, 0.0)];
        assert!(findings(shipped(Content::Zero), &subjects, 1, &conditions(&[])).is_empty());
    }
}
