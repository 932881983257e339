//! The agent as the image wants it: static, stripped, the same bytes from any folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::run;

pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the static agent in a target folder of its own (other flags would otherwise rebuild the
/// whole workspace each time) and gives back its path.
pub fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let target = root.join("target/static");
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .context("finding cargo's home folder")?;
    // Encoded, so that a folder name with a space in it is no second flag.
    let flags = [
        "-Ctarget-feature=+crt-static".to_owned(),
        format!("--remap-path-prefix={}=/raz", root.display()),
        format!("--remap-path-prefix={home}=/cargo"),
    ]
    .join("\u{1f}");
    let mut command = run::cargo(root);
    command
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", &target)
        // --target even for the host: without it the flag would reach build scripts and macros.
        .args([
            "build",
            "--locked",
            "--profile",
            "image",
            "--target",
            TARGET,
            "--package",
            "agent",
        ]);
    run::run(&mut command)?;
    Ok(target.join(TARGET).join("image/raz"))
}

/// Refuses a binary that asks for a program interpreter: the image has no dynamic loader.
pub fn assert_static(elf: &[u8]) -> anyhow::Result<()> {
    match has_interpreter(elf) {
        Some(false) => Ok(()),
        Some(true) => bail!("the agent is dynamically linked; the image has no dynamic loader"),
        None => bail!("the agent is not a 64-bit little-endian ELF file"),
    }
}

/// Whether an ELF64 file has a PT_INTERP program header (ELF-64 object file format 1.5, §5).
fn has_interpreter(elf: &[u8]) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let number = |offset: usize, size: usize| -> Option<usize> {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(elf.get(offset..offset.checked_add(size)?)?);
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    let (table, entry_size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let header = table.checked_add(index.checked_mul(entry_size)?)?;
        if number(header, 4)? == PT_INTERP as usize {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_dynamic_and_garbage_is_not_elf() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(has_interpreter(&own), Some(true));
        assert!(assert_static(&own).is_err());
        assert_eq!(has_interpreter(b"\x7fELF"), None);
        assert_eq!(has_interpreter(&own[..60]), None);
    }
}
