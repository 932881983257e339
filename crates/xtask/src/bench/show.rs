//! The document as a person reads it.

use super::figures::{Spread, Subject};
use super::table::{Form, Table, or_dash};
use super::targets::gib;
use super::{Document, Group};

/// Conditions, then two tables for each setting.
pub fn document(document: &Document, form: Form) -> String {
    let mut text = conditions(document, form);
    for group in &document.groups {
        let heading = match form {
            Form::Terminal => "",
            Form::Markdown => "### ",
        };
        text.push_str(&format!("\n{heading}{}\n\n", group.heading));
        for note in &group.notes {
            text.push_str(&format!("{note}\n\n"));
        }
        if !group.subjects.is_empty() {
            text.push_str(&programs(group).shown(form));
        }
        if !group.subjects.is_empty() && !group.findings.is_empty() {
            text.push('\n');
        }
        if !group.findings.is_empty() {
            text.push_str(&findings(group).shown(form));
        }
    }
    text
}

fn conditions(document: &Document, form: Form) -> String {
    let it = &document.conditions;
    let tools: Vec<&str> = it.tools.iter().map(|(_, said)| said.as_str()).collect();
    let facts = [
        ("command", document.command.clone()),
        ("date", format!("{} UTC, raz {}", it.date, it.commit)),
        (
            "CPU",
            format!("{}, {} cores, {}", it.cpu, it.cores, it.flags.join(" ")),
        ),
        (
            "memory",
            format!(
                "{:.1} GiB, transparent huge pages: {}",
                gib(it.memory_bytes),
                it.transparent_huge_pages
            ),
        ),
        ("kernel", it.kernel.clone()),
        ("load before", it.load_average.clone()),
        ("tools", tools.join(", ")),
        (
            "rounds",
            format!("{}, interleaved; median (least–greatest)", document.rounds),
        ),
        ("nwipe", document.nwipe.clone()),
    ];
    facts
        .iter()
        .map(|(name, fact)| match form {
            Form::Terminal => format!("{name:<12} {fact}\n"),
            Form::Markdown => format!("- {name}: {fact}\n"),
        })
        .collect()
}

fn programs(group: &Group) -> Table {
    let mut table = Table::new(&[
        "program",
        "write GiB/s",
        "verify GiB/s",
        "whole s",
        "CPU s/GiB u+s",
        "RSS MiB",
    ]);
    for subject in &group.subjects {
        let total = gib(subject.bytes);
        let median = |spread: Option<Spread>| spread.map(|spread| spread.median);
        let user = median(subject.spread(|run| Some(run.user_seconds / total)));
        let system = median(subject.spread(|run| Some(run.system_seconds / total)));
        let rate = |seconds: Option<f64>| seconds.map(|seconds| total / seconds);
        table.row(vec![
            subject.name.clone(),
            or_dash(
                subject
                    .spread(|run| rate(run.write_seconds))
                    .map(|spread| spread.shown()),
            ),
            or_dash(
                subject
                    .spread(|run| rate(run.verify_seconds))
                    .map(|spread| spread.shown()),
            ),
            whole(subject),
            or_dash(
                user.zip(system)
                    .map(|(user, system)| format!("{user:.2} + {system:.2}")),
            ),
            or_dash(
                median(subject.spread(|run| Some(run.rss_peak_bytes as f64)))
                    .map(|bytes| format!("{:.0}", bytes / f64::from(1 << 20))),
            ),
        ]);
    }
    table
}

fn whole(subject: &Subject) -> String {
    let spread = subject.spread(|run| Some(run.wall_seconds));
    or_dash(spread.map(|spread| format!("{:.2}", spread.median)))
}

fn findings(group: &Group) -> Table {
    let mut table = Table::new(&["raz", "figure", "measured", "target"]);
    for finding in &group.findings {
        table.row(vec![
            finding.subject.clone(),
            finding.figure.to_owned(),
            finding.measured.shown_finely(),
            or_dash(
                finding
                    .wanted
                    .map(|wanted| wanted.shown(finding.measured.median)),
            ),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::conditions::Conditions;
    use super::super::devices::Backing;
    use super::super::figures::{Finding, Run, Wanted};
    use super::super::table::WIDTH_MAX;
    use super::*;

    fn sample() -> Document {
        let run = |write| Run {
            write_seconds: Some(write),
            verify_seconds: Some(0.5),
            wall_seconds: 12.0,
            user_seconds: 1.0,
            system_seconds: 1.0,
            rss_peak_bytes: 732 << 20,
            ..Run::default()
        };
        let subject = |name: &str| Subject {
            name: name.to_owned(),
            command: String::new(),
            bytes: 8 << 30,
            runs: vec![run(0.6), run(0.7)],
        };
        let spread = Spread::of([0.9, 12.0]);
        let wanted = Some(Wanted::AtLeast(0.85));
        Document {
            command: "cargo xtask bench".to_owned(),
            conditions: Conditions {
                date: "2026-11-25 07:00".to_owned(),
                cpu: "AMD EPYC".to_owned(),
                flags: vec!["aes".to_owned()],
                cores: 2,
                kernel: "6.1.0".to_owned(),
                memory_bytes: 24 << 30,
                load_average: "0.10 0.20 0.30".to_owned(),
                transparent_huge_pages: "always [madvise] never".to_owned(),
                commit: "0123456-dirty".to_owned(),
                tools: vec![("fio".to_owned(), "fio-3.33".to_owned())],
            },
            rounds: 2,
            rest_seconds_file_backed: 3,
            nwipe: "no baseline: none given".to_owned(),
            groups: vec![Group {
                heading: "4 × 2 GiB, file-backed".to_owned(),
                notes: vec!["fio's best: write 1024k qd16, one thread".to_owned()],
                backing: Backing::File,
                drives_bytes: vec![2 << 30; 4],
                limit_bytes_per_second: None,
                subjects: vec![subject("fio's best"), subject("raz aes-128-ctr, threads")],
                findings: Finding::new(
                    "raz aes-128-ctr, threads",
                    "phases' time, of nwipe's ISAAC-64",
                    spread,
                    wanted,
                )
                .into_iter()
                .collect(),
            }],
        }
    }

    #[test]
    fn tables_fit_a_terminal() {
        let text = document(&sample(), Form::Terminal);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH_MAX, "{line}");
        }
        assert!(text.contains("4 × 2 GiB, file-backed"));
        assert!(text.contains("wanted ≥ 0.85: met"));
        assert!(text.contains("no baseline: none given"));
    }

    #[test]
    fn markdown_has_the_same_figures() {
        let text = document(&sample(), Form::Markdown);
        assert!(text.contains("### 4 × 2 GiB, file-backed"));
        assert!(
            text.contains("| fio's best | 12.38 (11.43–13.33) | 16.00 (16.00–16.00) | 12.00 |")
        );
    }
}
