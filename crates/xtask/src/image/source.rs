//! The source of the image's kernel as Debian packs it, as far as its configuration needs it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::apt::{Apt, KERNEL};
use super::lock::Lock;
use crate::run;

/// What `make olddefconfig` reads of the archive: the rest is a gigabyte.
const PARTS: &[&str] = &[
    "*/Kconfig*",
    "*/Kbuild*",
    "*/Makefile*",
    "*/scripts/*",
    "*/arch/x86/configs/*",
    "*/arch/x86/include/asm/*",
];

/// Lays it into target/buildroot and gives back its folder. Of no fixed version: mirrors drop those of sources.
pub fn kernel(root: &Path) -> anyhow::Result<PathBuf> {
    let lock = Lock::read(&root.join("image/packages.lock"))?.context("no image/packages.lock")?;
    let kernel = &lock.named(KERNEL).context("no kernel in the lock")?.name;
    // linux-image-6.12.118+deb13-amd64: of the series 6.12.
    let version = kernel.trim_start_matches("linux-image-");
    let mut numbers = version.split('.');
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        anyhow::bail!("no version in {kernel}");
    };
    let name = format!("linux-source-{major}.{minor}");
    let here = root.join("target/buildroot");
    let folder = here.join(&name);
    if folder.exists() {
        return Ok(folder);
    }
    let apt = Apt::updated(&root.join("target/apt"))?;
    let package = apt.current(&name)?;
    println!("buildroot: downloading {name} {}", package.version);
    let deb = apt.download(&package, &here.join("download"))?;
    let partial = here.join("partial");
    for old in [partial.join("deb"), partial.join("source")] {
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        fs::create_dir_all(&old)?;
    }
    run::run(
        run::program("dpkg-deb")
            .arg("--extract")
            .arg(&deb)
            .arg(partial.join("deb")),
    )?;
    let archive = partial.join(format!("deb/usr/src/{name}.tar.xz"));
    run::run(
        run::program("tar")
            .arg("--extract")
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(partial.join("source"))
            .args(["--strip-components=1", "--wildcards"])
            .args(PARTS),
    )?;
    fs::remove_dir_all(partial.join("deb"))?;
    fs::remove_file(&deb)?;
    fs::rename(partial.join("source"), &folder)?;
    ensure!(folder.join("Kconfig").exists(), "{name} has no Kconfig");
    Ok(folder)
}
