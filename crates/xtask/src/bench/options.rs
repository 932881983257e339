//! What `cargo xtask bench` is asked for: which cases, how large, how often.

use std::path::PathBuf;

use super::peers::{self, Peer};
use super::raz::{Content, Engine, Variant};
use super::table::Form;
use super::versus::Entrant;

/// What `cargo xtask bench` takes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// GiB a drive
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub gib: u64,
    /// Drives of the case with several
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=64))]
    pub drives: u8,
    /// Rounds: runs of each program
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Seconds of the slowest drive in `scale`, and of a round at each rate in `limited`
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// Measure on file-backed devices too, under the checkout's target folder
    #[arg(long)]
    pub file_backed: bool,
    /// An nwipe of 0.42 or later to measure against
    #[arg(long, value_name = "PATH")]
    pub nwipe: Option<PathBuf>,
    /// Print one JSON document with every run
    #[arg(long)]
    pub json: bool,
    /// Print the tables in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Only this case (repeatable)
    #[arg(long, value_name = "CASE")]
    only: Vec<Case>,
    /// Every case; about twenty minutes
    #[arg(long, conflicts_with = "only")]
    all: bool,
}

/// What may be left out or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Case {
    /// One drive, AES-128-CTR
    Aes,
    /// One drive, ChaCha8
    Chacha8,
    /// One drive, zeros
    Zero,
    /// Several drives at once, the pattern that this CPU would get
    Drives,
    /// shred, scrub, badblocks and nwipe, beside what is measured of the cases above
    Peers,
    /// One drive, ChaCha8 by a build without AES and AVX2: only when named
    NoAes,
    /// One and several drives, AES-128-CTR by a build without VAES: only when named
    NoVaes,
    /// One and several drives without io_uring: only when named
    Fallback,
    /// One drive at 150, 500 and 1,500 MB/s: only when named
    Limited,
    /// 24 drives at 80 MB/s against the slowest alone: only when named
    Scale,
    /// 8 to 60 drives without limits: only when named
    Saturation,
    /// Memory for 1 to 60 drives: only when named
    Memory,
    /// From `raz wipe` to the first byte written, 1 and 24 drives: only when named
    Startup,
    /// The sweeps of the memory test against plain loops, and other memory testers: only when named
    Ram,
}

/// What is measured when nothing else is said: it takes minutes.
const BY_DEFAULT: &[Case] = &[
    Case::Aes,
    Case::Chacha8,
    Case::Zero,
    Case::Drives,
    Case::Peers,
];

impl Options {
    pub fn takes(&self, case: Case) -> bool {
        self.all
            || if self.only.is_empty() {
                BY_DEFAULT.contains(&case)
            } else {
                self.only.contains(&case)
            }
    }

    pub fn form(&self) -> Form {
        if self.markdown {
            Form::Markdown
        } else {
            Form::Terminal
        }
    }

    /// Engines to build beside the one that ships.
    pub fn masked(&self) -> Vec<Engine> {
        let asked = |engine: &Engine| match engine {
            Engine::Shipped | Engine::Threads => false,
            Engine::AesNi => self.takes(Case::NoVaes),
            Engine::Sse2 => self.takes(Case::NoAes),
        };
        Engine::MASKED.into_iter().filter(asked).collect()
    }

    /// How many drives, and what runs on them beside fio. AES only where the CPU has it: raz would
    /// not use it in software.
    pub fn settings(&self, cpu_has_aes: bool, nwipe: &[Peer]) -> Vec<(usize, Vec<Entrant>)> {
        let this_cpu = Content::of_this_cpu(cpu_has_aes);
        let variant = |content, engine| Variant { content, engine };
        let mut one: Vec<Variant> = [
            (Case::Aes, Content::Aes),
            (Case::Chacha8, Content::ChaCha8),
            (Case::Zero, Content::Zero),
        ]
        .into_iter()
        .filter(|(case, _)| self.takes(*case))
        .filter(|(_, content)| cpu_has_aes || *content != Content::Aes)
        .map(|(_, content)| Variant::shipped(content))
        .collect();
        let mut several = Vec::new();
        if self.takes(Case::NoAes) {
            one.push(variant(Content::ChaCha8, Engine::Sse2));
        }
        if cpu_has_aes && self.takes(Case::NoVaes) {
            one.push(variant(Content::Aes, Engine::AesNi));
            several.push(variant(Content::Aes, Engine::AesNi));
        }
        if self.takes(Case::Drives) || self.takes(Case::Fallback) {
            several.push(Variant::shipped(this_cpu));
        }
        if self.takes(Case::Fallback) {
            // Held against the queue that ships.
            if !one.contains(&Variant::shipped(this_cpu)) {
                one.push(Variant::shipped(this_cpu));
            }
            one.push(variant(this_cpu, Engine::Threads));
            several.push(variant(this_cpu, Engine::Threads));
        }
        let only_peers = self.takes(Case::Peers) && one.is_empty() && several.is_empty();
        let with_peers = |variants: Vec<Variant>| {
            let peers = peers::packaged().into_iter().chain(nwipe.iter().cloned());
            let peers = peers.filter(|_| self.takes(Case::Peers)).map(Entrant::Peer);
            variants
                .into_iter()
                .map(Entrant::Raz)
                .chain(peers)
                .collect()
        };
        let mut settings = Vec::new();
        if !one.is_empty() || only_peers {
            settings.push((1, with_peers(one)));
        }
        if !several.is_empty() {
            settings.push((usize::from(self.drives), with_peers(several)));
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(words: &[&str]) -> Result<Options, clap::Error> {
        Line::try_parse_from(std::iter::once("bench").chain(words.iter().copied()))
            .map(|line| line.options)
    }

    fn names(options: &Options, aes: bool) -> Vec<(usize, Vec<String>)> {
        options
            .settings(aes, &[])
            .iter()
            .map(|(drives, entrants)| (*drives, entrants.iter().map(Entrant::name).collect()))
            .collect()
    }

    #[test]
    fn senseless_arguments_are_refused() {
        for words in [
            &["--gib", "0"][..],
            &["--gib", "1.5"],
            &["--drives", "1"],
            &["--drives", "65"],
            &["--rounds", "0"],
            &["--only", "everything"],
            &["--json", "--markdown"],
            &["--nwipe"],
            &["--seconds", "0"],
            &["--all", "--only", "aes"],
            &["/dev/sda"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn by_default_what_takes_minutes_is_measured() {
        let options = parse(&[]).expect("defaults");
        assert_eq!((options.gib, options.drives, options.rounds), (2, 4, 3));
        let settings = names(&options, true);
        assert_eq!(settings.len(), 2);
        assert_eq!(
            settings[0].1[..3],
            ["raz aes-128-ctr", "raz chacha8", "raz zero"]
        );
        assert_eq!(settings[1].0, 4);
        assert_eq!(settings[1].1[0], "raz aes-128-ctr");
        assert_eq!(settings[0].1.len(), 3 + peers::packaged().len());
        for case in [Case::Limited, Case::Scale, Case::Startup, Case::NoAes] {
            assert!(!options.takes(case), "{case:?}");
        }
        assert!(options.masked().is_empty());
    }

    #[test]
    fn a_cpu_without_aes_gets_no_aes() {
        let options = parse(&[]).expect("defaults");
        let settings = names(&options, false);
        assert!(
            settings
                .iter()
                .all(|(_, names)| !names.contains(&"raz aes-128-ctr".to_owned()))
        );
        assert_eq!(settings[1].1[0], "raz chacha8");
    }

    #[test]
    fn only_leaves_the_rest_out() {
        let zero = parse(&["--only", "zero"]).expect("a case");
        assert_eq!(names(&zero, true), [(1, vec!["raz zero".to_owned()])]);
        let drives = parse(&["--only", "drives", "--drives", "8"]).expect("a case");
        assert_eq!(
            names(&drives, true),
            [(8, vec!["raz aes-128-ctr".to_owned()])]
        );
        let old = parse(&["--only", "no-vaes"]).expect("a case");
        let name = || vec!["raz aes-128-ctr, no VAES".to_owned()];
        assert_eq!(names(&old, true), [(1, name()), (4, name())]);
        assert_eq!(old.masked(), [Engine::AesNi]);
        let peers = parse(&["--only", "peers"]).expect("a case");
        assert_eq!(names(&peers, true)[0].1.len(), peers::packaged().len());
        let none = parse(&["--only", "aes"]).expect("a case");
        assert!(names(&none, false).is_empty());
        let other = parse(&["--only", "scale"]).expect("a case");
        assert!(names(&other, true).is_empty() && other.takes(Case::Scale));
    }

    #[test]
    fn the_fallback_is_held_against_the_queue_that_ships() {
        let fallback = parse(&["--only", "fallback"]).expect("a case");
        let both = ["raz aes-128-ctr", "raz aes-128-ctr, threads"].map(str::to_owned);
        assert_eq!(
            names(&fallback, true),
            [(1, both.to_vec()), (4, both.to_vec())]
        );
    }

    #[test]
    fn all_is_every_case_and_each_program_once() {
        let all = parse(&["--all"]).expect("every case");
        assert!(all.takes(Case::Aes) && all.takes(Case::Startup));
        let settings = names(&all, true);
        for (drives, names) in &settings {
            let mut once = names.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), names.len(), "{drives} drives");
        }
        assert!(settings[0].1.contains(&"raz chacha8, SSE2 only".to_owned()));
    }
}
