//! Sticks with raz that raz did not make: the ISO as a file in a larger volume, or the files of the ISO copied
//! into a volume.
//!
//! Built of Debian's own GRUB, shim and tools, as `cargo xtask image` brought them.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::bench;
use crate::disk::{self, FileSystem};
use crate::firmware;
use crate::image::Image;

const STICK_BYTES: u64 = 192 << 20;
/// Modules of Ventoy's GRUB for a BIOS (GRUB2/MOD_SRC/grub-2.04/install.sh there), less those that are
/// Ventoy's own or matter to no boot of Linux: it has neither `probe`, `regexp` nor `cpuid`.
const MODULES: &[&str] = &[
    "all_video",
    "biosdisk",
    "boot",
    "configfile",
    "echo",
    "exfat",
    "extcmd",
    "fat",
    "halt",
    "help",
    "iso9660",
    "linux",
    "loopback",
    "ls",
    "minicmd",
    "normal",
    "part_gpt",
    "part_msdos",
    "reboot",
    "search",
    "sleep",
    "terminal",
    "test",
    "true",
    "udf",
    "vbe",
    "video",
    "video_fb",
];
/// What its GRUB2 mode does with an ISO (INSTALL/grub/grub.cfg there, `uefi_linux_menu_func`).
const LOOPBACK: &str = "loopback loop /raz.iso\nset root=(loop)\nconfigfile /boot/grub/grub.cfg\n";

/// A stick with the ISO as a file, for BIOS and for UEFI with Secure Boot. `stick` is made.
pub(crate) fn with_iso(stick: &Path, image: &Image, iso: &Path) -> anyhow::Result<()> {
    let files = tempfile::tempdir_in(parent(stick)?)?;
    fs::copy(iso, files.path().join("raz.iso"))?;
    put(files.path(), "boot/grub/grub.cfg", LOOPBACK)?;
    firmware::copy_out(iso, "EFI", files.path())?;
    let pc = image.package("grub-pc-bin")?.join("usr/lib/grub/i386-pc");
    let core = files.path().with_extension("core");
    let status = tool("grub-mkimage")
        .args(["-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-d"])
        .arg(&pc)
        .arg("-o")
        .arg(&core)
        .args(MODULES)
        .status()?;
    ensure!(status.success(), "grub-mkimage: {status}");
    make(stick, files.path())?;
    // The boot record's code, which reads the next sector, where the rest is: before the first partition.
    let mut file = File::options().write(true).open(stick)?;
    file.write_all(&fs::read(pc.join("boot.img"))?[..440])?;
    file.seek(SeekFrom::Start(512))?;
    let rest = fs::read(&core)?;
    fs::remove_file(&core)?;
    ensure!(rest.len() < (1 << 20) - 512, "{} bytes", rest.len());
    Ok(file.write_all(&rest)?)
}

/// A stick with the files of the ISO and, over them, those of its volume. `stick` is made.
pub(crate) fn of_files(stick: &Path, iso: &Path) -> anyhow::Result<()> {
    let files = tempfile::tempdir_in(parent(stick)?)?;
    let status = tool("xorriso")
        .args(["-osirrox", "on", "-report_about", "WARNING", "-indev"])
        .arg(iso)
        .args(["-extract", "/"])
        .arg(files.path())
        .args(["-rollback_end"])
        .status()?;
    ensure!(status.success(), "xorriso: {status}");
    // A disc's folders are read-only, and stay so when they are taken from it.
    disk::run(disk::program("chmod").args(["-R", "u+w"]).arg(files.path()))?;
    for name in ["EFI", "raz.toml", "kernel.cfg"] {
        firmware::copy_out(iso, name, files.path())?;
    }
    // The one file that both have: the volume's goes over the ISO's.
    firmware::copy_out(iso, "boot/grub/grub.cfg", &files.path().join("boot/grub"))?;
    make(stick, files.path())
}

/// Paths of the ISO's files, without those in its volume.
///
/// # Errors
/// When it cannot be read.
pub fn names(iso: &Path) -> anyhow::Result<Vec<String>> {
    let output = tool("xorriso")
        .args(["-report_about", "WARNING", "-indev"])
        .arg(iso)
        .args(["-find", "/", "-type", "f"])
        .output()?;
    ensure!(output.status.success(), "xorriso: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .lines()
        .map(|line| line.trim_matches('\'').to_owned())
        .collect())
}

/// One partition of FAT32 with these files.
fn make(stick: &Path, files: &Path) -> anyhow::Result<()> {
    const PARTITION_BYTES: u64 = 1 << 20;
    let partition = stick.with_extension("partition");
    File::create_new(&partition)?.set_len(STICK_BYTES - PARTITION_BYTES)?;
    let mut mkfs = disk::program("mkfs.fat");
    mkfs.args(["-F", "32", "-n", "RAZ"]).arg(&partition);
    disk::run(&mut mkfs)?;
    let mut mcopy = disk::program("mcopy");
    mcopy.args(["-s", "-o", "-i"]).arg(&partition);
    for entry in fs::read_dir(files)? {
        mcopy.arg(entry?.path());
    }
    disk::run(mcopy.arg("::/"))?;
    let mut file = File::create_new(stick)?;
    file.write_all(&disk::partition_table(FileSystem::Fat32, STICK_BYTES))?;
    file.seek(SeekFrom::Start(PARTITION_BYTES))?;
    std::io::copy(&mut File::open(&partition)?, &mut file)?;
    Ok(fs::remove_file(&partition)?)
}

fn put(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    fs::create_dir_all(parent(&path)?)?;
    Ok(fs::write(path, text)?)
}

fn parent(path: &Path) -> anyhow::Result<PathBuf> {
    Ok(path.parent().context("a path in a folder")?.to_owned())
}

/// A program of the image's tools, as `cargo xtask image` starts it.
fn tool(name: &str) -> Command {
    let folder = bench::root().join("target/tools");
    let mut command = Command::new(folder.join("ld-linux-x86-64.so.2"));
    command
        .arg("--library-path")
        .arg(&folder)
        .arg(folder.join(name));
    command
}
