//! raz's side: the `throughput` example of `wipe`, built for release and run as a child, since
//! xtask depends on none of raz's crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::child;
use super::devices::Drive;
use super::figures::Run;
use crate::run;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Aes,
    ChaCha8,
    Zero,
}

impl Content {
    /// The pattern that this CPU would get: raz does not use AES in software.
    pub fn of_this_cpu(has_aes: bool) -> Self {
        if has_aes { Self::Aes } else { Self::ChaCha8 }
    }

    /// Cipher and pass as the example takes them.
    fn arguments(self) -> [&'static str; 2] {
        match self {
            Self::Aes => ["aes", "pattern"],
            Self::ChaCha8 => ["chacha", "pattern"],
            Self::Zero => ["aes", "zero"],
        }
    }
}

/// Which engine writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// As it ships.
    Shipped,
    /// Over the queue of kernels without io_uring.
    Threads,
    /// Built without VAES: AES CPUs of 2010 to 2019.
    AesNi,
    /// Built without AES and AVX2, so that no instruction is beyond a CPU of 2006.
    Sse2,
}

impl Engine {
    /// Every engine that needs a build of its own.
    pub const MASKED: [Self; 2] = [Self::AesNi, Self::Sse2];

    /// Folder of its build below the target folder, and the compiler's flags for it; other flags in
    /// the same folder would build the checkout anew at each turn. None for what ships.
    fn build(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Shipped | Self::Threads => None,
            Self::AesNi => Some(["bench-aes-ni", RUSTFLAGS_AES_NI]),
            Self::Sse2 => Some(["bench-sse2", RUSTFLAGS_SSE2]),
        }
    }
}

/// One way in which raz is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    pub content: Content,
    pub engine: Engine,
}

impl Variant {
    /// The engine as it ships.
    pub fn shipped(content: Content) -> Self {
        Self {
            content,
            engine: Engine::Shipped,
        }
    }

    pub fn name(self) -> String {
        let content = match self.content {
            Content::Aes => "raz aes-128-ctr",
            Content::ChaCha8 => "raz chacha8",
            Content::Zero => "raz zero",
        };
        let engine = match self.engine {
            Engine::Shipped => "",
            Engine::Threads => ", threads",
            Engine::AesNi => ", no VAES",
            Engine::Sse2 => ", SSE2 only",
        };
        format!("{content}{engine}")
    }
}

/// The engine's own switch.
const RUSTFLAGS_AES_NI: &str = "--cfg keystream_without_vaes";
/// RustCrypto's own switches: AES bit-sliced, ChaCha on SSE2, whatever the CPU has. The engine's
/// AES by instructions is only asked for AES.
const RUSTFLAGS_SSE2: &str = r#"--cfg aes_backend="soft" --cfg chacha20_backend="sse2""#;
/// The C library compares and copies memory for us, by the best instructions too.
const GLIBC_TUNABLES_SSE2: &str = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,\
    -SSSE3,-SSE4_1,-SSE4_2,-MOVBE,-ERMS,-FSRM";

/// The builds of the example.
pub struct Programs {
    shipped: PathBuf,
    masked: Vec<(Engine, PathBuf)>,
}

impl Programs {
    /// Builds the example as it ships, and once more for each engine that masks instructions.
    pub fn build(root: &Path, engines: &[Engine]) -> anyhow::Result<Self> {
        let mut masked = Vec::new();
        for engine in engines {
            let Some([folder, flags]) = engine.build() else {
                continue;
            };
            let mut cargo = run::cargo(root);
            cargo
                .env_remove("CARGO_ENCODED_RUSTFLAGS")
                .env("RUSTFLAGS", flags)
                .env("CARGO_TARGET_DIR", root.join("target").join(folder));
            masked.push((*engine, build(&mut cargo, "wipe", "throughput")?));
        }
        Ok(Self {
            shipped: build(&mut run::cargo(root), "wipe", "throughput")?,
            masked,
        })
    }

    /// The command over drives that are ours, `passes` times; `folder` is where their files lie.
    pub fn command(
        &self,
        variant: Variant,
        passes: usize,
        folder: &Path,
        rest_seconds: u64,
        drives: &[Drive],
    ) -> anyhow::Result<Command> {
        ensure!(!drives.is_empty(), "raz without a drive");
        let (example, queue) = match variant.engine {
            Engine::Shipped => (&self.shipped, "default"),
            Engine::Threads => (&self.shipped, "threads"),
            Engine::AesNi | Engine::Sse2 => {
                let built = self.masked.iter().find(|(each, _)| *each == variant.engine);
                (&built.context("not built")?.1, "default")
            }
        };
        let [cipher, pass] = variant.content.arguments();
        let mut command = child::command(&example.display().to_string(), []);
        if variant.engine == Engine::Sse2 {
            command.env(child::GLIBC_TUNABLES, GLIBC_TUNABLES_SSE2);
        }
        command
            .arg(folder)
            .args([queue, cipher])
            .arg(vec![pass; passes].join(","))
            .arg(rest_seconds.to_string());
        for drive in drives {
            command.arg(drive.check()?);
        }
        Ok(command)
    }
}

/// Builds an example for release; gives its path.
pub fn build(cargo: &mut Command, package: &str, example: &str) -> anyhow::Result<PathBuf> {
    cargo
        .args(["build", "--release", "--locked"])
        .args(["--package", package, "--example", example])
        .arg("--message-format=json-render-diagnostics");
    let messages = run::output(cargo)?;
    executable(&messages).context("cargo did not say where it put what it built")
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter_map(|message| message.executable)
        .next_back()
}

#[derive(Deserialize)]
struct Output {
    bytes: u64,
    first_write_seconds: f64,
    write_seconds: f64,
    verify_seconds: f64,
    rest_seconds: f64,
    user_seconds: f64,
    system_seconds: f64,
    rss_peak_bytes: u64,
    huge_pages_bytes: u64,
}

/// The run in raz's own words over drives of so many `bytes`; the whole process is what was seen
/// from outside.
pub fn run(json: &str, seen: &Run, bytes: u64) -> anyhow::Result<Run> {
    let output: Output = serde_json::from_str(json).context("parsing raz's JSON")?;
    ensure!(
        output.bytes == bytes,
        "raz wrote {} bytes of {bytes}",
        output.bytes
    );
    ensure!(
        output.rss_peak_bytes >= output.huge_pages_bytes,
        "the kernel's peak of memory has no huge pages in it: it says nothing of raz's buffers"
    );
    Ok(Run {
        first_write_seconds: Some(output.first_write_seconds),
        write_seconds: Some(output.write_seconds),
        verify_seconds: Some(output.verify_seconds),
        wall_seconds: seen.wall_seconds - output.rest_seconds,
        user_seconds: output.user_seconds,
        system_seconds: output.system_seconds,
        rss_peak_bytes: output.rss_peak_bytes,
        huge_pages_bytes: Some(output.huge_pages_bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_are_not_part_of_the_whole() {
        let seen = Run {
            wall_seconds: 4.0,
            ..Run::default()
        };
        let json = r#"{"bytes":10,"first_write_seconds":0.1,"write_seconds":0.4,
            "verify_seconds":0.5,"wall_seconds":3.9,"rest_seconds":3,"user_seconds":0.1,
            "system_seconds":0.2,"rss_peak_bytes":7,"huge_pages_bytes":6}"#;
        let measured = run(json, &seen, 10).expect("a good run");
        assert_eq!(measured.wall_seconds, 1.0);
        assert_eq!(measured.verify_seconds, Some(0.5));
        assert!(run(json, &seen, 11).is_err(), "not all was written");
        assert!(run("", &seen, 10).is_err());
        let uncounted = json.replace(r#""huge_pages_bytes":6"#, r#""huge_pages_bytes":8"#);
        assert!(
            run(&uncounted, &seen, 10).is_err(),
            "RSS without the buffers"
        );
    }

    #[test]
    fn the_last_executable_that_cargo_names_is_the_example() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"executable\":\"/t/throughput\"}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/throughput")));
        assert_eq!(executable("nothing"), None);
    }
}
