//! The ISO: one file that boots from a disc and, copied byte for byte, from a stick, by BIOS and by
//! 32- and 64-bit UEFI, with Secure Boot on the latter.
//!
//! An ISO 9660 file system holds kernel, initramfs and menu. Behind it, as a partition of its own and as
//! the EFI boot image of a disc, stands a FAT volume: Debian's signed shim and GRUB, and the
//! configuration, which any PC can edit. BIOS starts GRUB's hybrid boot record. Same inputs, same bytes:
//! the identities that other tools make from the clock or by chance come from a digest of the inputs.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::packages::Packages;
use super::tools::Tools;
use crate::run;

/// The packages that are taken from, by name.
pub const SHIM: &str = "shim-signed";
/// shim's key manager, which shim starts where it finds a kernel that it does not trust.
pub const MOK_MANAGER: &str = "shim-helpers-amd64-signed";
/// GRUB, signed by Debian.
pub const GRUB_SIGNED: &str = "grub-efi-amd64-signed";
/// GRUB for the 32-bit UEFI of 64-bit netbooks, which has no Secure Boot that anything is signed for.
pub const GRUB_IA32: &str = "grub-efi-ia32-unsigned";
/// GRUB for BIOS: its modules.
pub const GRUB_PC: &str = "grub-pc-bin";
/// Where GRUB's packages have their licence.
pub const GRUB_COMMON: &str = "grub-common";
/// The memory test.
pub const MEMTEST: &str = "memtest86+";

/// Size of the FAT volume: 6 MiB of boot programs, the rest for configuration and reports.
const VOLUME_BYTES: u64 = 12 << 20;
/// "Basic data" of Windows, so that it shows the volume; firmware boots it from removable media.
const PARTITION_TYPE: &str = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
/// Besides `grub.modules` what GRUB needs when a BIOS starts it.
const BIOS_MODULES: &[&str] = &["biosdisk", "vbe"];

/// What goes in beside the packages' files.
pub struct Content<'a> {
    /// Debian's kernel.
    pub vmlinuz: &'a [u8],
    /// The initramfs.
    pub initrd: &'a [u8],
    /// What one entry of the menu lays over it.
    pub graphics: &'a [u8],
    /// The licences of all that is in it.
    pub licences: &'a [u8],
    /// Kernel arguments that every boot must give.
    pub arguments: &'a [String],
    /// `image/boot` of the checkout.
    pub boot: &'a Path,
}

/// Builds the ISO; gives back its bytes' file, which the caller moves to its place.
pub fn write(
    target: &Path,
    content: &Content<'_>,
    packages: &Packages,
    tools: &Tools,
    epoch_seconds: u32,
) -> anyhow::Result<PathBuf> {
    let scratch = target.join("iso");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let iso = Folder::new(scratch.join("iso"));
    let volume = Folder::new(scratch.join("volume"));

    let bios = packages.files(GRUB_PC)?.join("usr/lib/grub/i386-pc");
    let core = scratch.join("eltorito.img");
    let modules = fs::read_to_string(content.boot.join("grub.modules"))
        .context("reading image/boot/grub.modules")?;
    fs::create_dir_all(&scratch)?;
    run::run(
        tools
            .command("grub-mkimage")
            .args(["-O", "i386-pc-eltorito", "-p", "/boot/grub", "-d"])
            .arg(&bios)
            .arg("-o")
            .arg(&core)
            .args(modules.split_whitespace())
            .args(BIOS_MODULES),
    )?;
    let menu = menu(content, "menu.cfg")?;
    let start = content.boot.join("start.cfg");
    let memtest = packages.files(MEMTEST)?.join("boot");
    iso.put(".disk/info", b"raz\n")?;
    iso.copy("boot/grub/grub.cfg", &start)?;
    iso.put("boot/raz/menu.cfg", menu.as_bytes())?;
    iso.copy("boot/grub/i386-pc/eltorito.img", &core)?;
    iso.copy("boot/memtest/x64.bin", &memtest.join("memtest86+x64.bin"))?;
    iso.copy("boot/memtest/x64.efi", &memtest.join("memtest86+x64.efi"))?;
    iso.put("boot/raz/vmlinuz", content.vmlinuz)?;
    iso.put("boot/raz/initrd.img", content.initrd)?;
    iso.put("boot/raz/graphics.img", content.graphics)?;
    iso.put("licences.txt", content.licences)?;

    let shim = packages
        .files(SHIM)?
        .join("usr/lib/shim/shimx64.efi.signed");
    let mok = packages
        .files(MOK_MANAGER)?
        .join("usr/lib/shim/mmx64.efi.signed");
    let signed = packages.files(GRUB_SIGNED)?;
    let ia32 = packages.files(GRUB_IA32)?;
    volume.copy("EFI/BOOT/BOOTX64.EFI", &shim)?;
    volume.copy("EFI/BOOT/mmx64.efi", &mok)?;
    // The builds for discs: they read /boot/grub/grub.cfg of the volume that they were started from.
    volume.copy(
        "EFI/BOOT/grubx64.efi",
        &signed.join("usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"),
    )?;
    volume.copy(
        "EFI/BOOT/BOOTIA32.EFI",
        &ia32.join("usr/lib/grub/i386-efi/monolithic/gcdia32.efi"),
    )?;
    volume.copy("boot/grub/grub.cfg", &start)?;
    volume.copy("raz.toml", &content.boot.join("raz.toml"))?;
    volume.copy("kernel.cfg", &content.boot.join("kernel.cfg"))?;

    let mut digest = Sha256::new();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(epoch_seconds));
    for folder in [&iso, &volume] {
        seal(&folder.0, &mut digest, date)?;
    }
    let identity = Identity::of(digest);
    let fat = scratch.join("volume.img");
    File::create_new(&fat)?.set_len(VOLUME_BYTES)?;
    let mtools = |verb: &str| {
        let mut command = tools.command("mtools");
        command.args(["-c", verb, "-i"]).arg(&fat);
        command
    };
    run::run(mtools("mformat").args(["-N", &identity.fat_serial(), "-v", "RAZ", "::"]))?;
    let entries = sorted(&volume.0)?;
    run::run(mtools("mcopy").args(["-s", "-m"]).args(&entries).arg("::"))?;

    let image = scratch.join("raz.iso");
    run::run(
        tools
            .command("xorriso")
            .args(["-report_about", "WARNING", "-as", "mkisofs", "-quiet"])
            .args([
                "-iso-level",
                "3",
                "-full-iso9660-filenames",
                "-rock",
                "-volid",
                "RAZ",
            ])
            .arg(format!("--modification-date={}", identity.date()))
            .args(["--set_all_file_dates", "set_to_mtime"])
            // BIOS, from a disc and by the boot record of a stick.
            .args(["-b", "boot/grub/i386-pc/eltorito.img", "-no-emul-boot"])
            .args([
                "-boot-load-size",
                "4",
                "-boot-info-table",
                "--grub2-boot-info",
            ])
            .arg("--grub2-mbr")
            .arg(bios.join("boot_hybrid.img"))
            // UEFI: the volume, which is a disc's EFI boot image and a stick's second partition.
            .args([
                "-eltorito-alt-boot",
                "-e",
                "--interval:appended_partition_2:all::",
                "-no-emul-boot",
            ])
            .args(["-append_partition", "2", PARTITION_TYPE])
            .arg(&fat)
            .args([
                "-appended_part_as_gpt",
                "--mbr-force-bootable",
                "-partition_offset",
                "16",
            ])
            .arg("-o")
            .arg(&image)
            .arg(&iso.0),
    )?;
    Ok(image)
}

/// A menu of `image/boot`, below the arguments that every boot must give.
pub fn menu(content: &Content<'_>, name: &str) -> anyhow::Result<String> {
    let path = content.boot.join(name);
    let menu = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let arguments = content.arguments.join(" ");
    Ok(format!("set arguments=\"{arguments}\"\n\n{menu}"))
}

/// A folder that is filled from other places.
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at this path, which need not be there.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Writes a file.
    pub fn put(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
    }

    /// Copies a file.
    pub fn copy(&self, name: &str, source: &Path) -> anyhow::Result<()> {
        let bytes = fs::read(source).with_context(|| format!("reading {}", source.display()))?;
        self.put(name, &bytes)
    }
}

fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<anyhow::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// Takes names and bytes of all that is in a folder into the digest, and gives everything one date.
fn seal(folder: &Path, digest: &mut Sha256, date: SystemTime) -> anyhow::Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            seal(&path, digest, date)?;
        } else {
            let bytes = fs::read(&path)?;
            let name = path.file_name().unwrap_or_default();
            digest.update(name.as_encoded_bytes());
            digest.update([0]);
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        }
    }
    let times = FileTimes::new().set_accessed(date).set_modified(date);
    for path in sorted(folder)?.iter().map(PathBuf::as_path).chain([folder]) {
        File::open(path)?.set_times(times)?;
    }
    Ok(())
}

/// Identities of the file systems, by the content: sticks of one image have the same, and any other image
/// has others.
struct Identity([u8; 32]);

impl Identity {
    fn of(digest: Sha256) -> Self {
        Self(digest.finalize().into())
    }

    /// Sixteen digits in the form of a date (YYYYMMDDhhmmsscc), because ISO 9660 has no other identity
    /// than the date of its last change (ECMA-119, 8.4.27).
    fn date(&self) -> String {
        let within = |index: usize, first: u32, count: u32| {
            let bytes = [self.0[2 * index], self.0[2 * index + 1]];
            first + u32::from(u16::from_le_bytes(bytes)) % count
        };
        format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}{:02}",
            within(0, 2000, 100),
            within(1, 1, 12),
            within(2, 1, 28),
            within(3, 0, 24),
            within(4, 0, 60),
            within(5, 0, 60),
            within(6, 0, 100),
        )
    }

    /// The eight hexadecimal digits of a FAT volume's serial number.
    fn fat_serial(&self) -> String {
        hex::encode(&self.0[16..20])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_the_contents_and_has_the_form_of_a_date() {
        let identity = |bytes: &[u8]| Identity::of(Sha256::new_with_prefix(bytes));
        assert_eq!(identity(b"a").date(), identity(b"a").date());
        assert_ne!(identity(b"a").date(), identity(b"b").date());
        assert_ne!(identity(b"a").fat_serial(), identity(b"b").fat_serial());
        for byte in 0..=u8::MAX {
            let date = identity(&[byte]).date();
            assert_eq!(date.len(), 16);
            let part = |from: usize, to: usize| date[from..to].parse::<u32>().unwrap();
            assert!((2000..2100).contains(&part(0, 4)) && (1..=12).contains(&part(4, 6)));
            assert!((1..=28).contains(&part(6, 8)) && part(8, 10) < 24);
            assert!(part(10, 12) < 60 && part(12, 14) < 60);
        }
    }

    #[test]
    fn a_renamed_or_changed_file_is_another_identity_and_every_date_is_set() {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let sealed = |name: &str, bytes: &[u8]| {
            let folder = tempfile::tempdir().unwrap();
            Folder::new(folder.path().to_owned())
                .put(name, bytes)
                .unwrap();
            let mut digest = Sha256::new();
            seal(folder.path(), &mut digest, date).unwrap();
            for path in [folder.path().join(name), folder.path().to_owned()] {
                assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), date);
            }
            digest.finalize()
        };
        assert_eq!(sealed("a", b"1"), sealed("a", b"1"));
        assert_ne!(sealed("a", b"1"), sealed("b", b"1"));
        assert_ne!(sealed("a", b"1"), sealed("a", b"2"));
    }
}
