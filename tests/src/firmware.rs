//! Starting a machine as a PC is started: its firmware finds the ISO on a disc or a stick, or the files of
//! netboot on a network.
//!
//! They are the built ones; what a workshop writes into them by any PC (`raz.toml`, `kernel.cfg`) is
//! written into a copy here.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::image::Image;
use crate::lan::TAP;
use crate::machine::Running;
use crate::other_stick;

/// What starts the boot program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// A BIOS.
    Bios,
    /// 64-bit UEFI without Secure Boot.
    Uefi,
    /// 64-bit UEFI that enforces Secure Boot with Microsoft's keys.
    SecureBoot,
    /// The 32-bit UEFI of netbooks whose processor has 64 bits.
    Uefi32,
}

/// What it is started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A disc in a SATA drive; read-only.
    Disc,
    /// A USB stick with the ISO's bytes; QEMU's id for it is [`STICK`].
    Stick,
    /// The network by PXE: TFTP first.
    Pxe,
    /// The network by UEFI HTTP boot.
    Http,
    /// The same, write-protected.
    ProtectedStick,
    /// A USB stick with the ISO as a file in a volume that is not raz's, read by a GRUB that is not raz's. It is
    /// `NAME.stick` in the bench's folder. No UEFI of 32 bits.
    ///
    /// A likeness of Ventoy's GRUB2 mode, which does these steps with the modules of this GRUB. Ventoy itself has a
    /// GRUB with changes of its own and a volume of exFAT; in its usual mode it shows the firmware a disc that is
    /// not there, and puts files of its own into the initramfs, which run before raz's init.
    IsoFile,
    /// A USB stick with the ISO's files, copied one by one into a volume of FAT32. Only UEFI starts it.
    Files,
}

/// QEMU's id and serial number of the stick, to pull it.
pub const STICK: &str = "RAZ-STICK";

/// How a machine is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// By what.
    pub firmware: Firmware,
    /// From what.
    pub medium: Medium,
    /// Lines that GRUB carries out when it reads the volume.
    pub grub: String,
}

/// The disc or stick where it starts from one, and the firmware's store of variables, of one machine.
#[derive(Debug)]
pub(crate) struct Prepared {
    medium: Option<PathBuf>,
    variables: Option<PathBuf>,
}

const FOLDER: &str = "/usr/share/OVMF";

impl Firmware {
    /// Code and template of the variables.
    const fn files(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Bios => None,
            Self::Uefi => Some(("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd")),
            Self::SecureBoot => Some(("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd")),
            Self::Uefi32 => Some(("OVMF32_CODE_4M.secboot.fd", "OVMF32_VARS_4M.fd")),
        }
    }
}

impl Start {
    /// The kernel's arguments as the two files say them: those of raz that a file can hold as `raz.toml`,
    /// the others for GRUB.
    pub(crate) fn configuration(&self, arguments: &[String]) -> [(&'static str, String); 2] {
        let (ours, others): (Vec<&str>, Vec<&str>) = arguments
            .iter()
            .map(String::as_str)
            .partition(|argument| argument.starts_with("raz.") && *argument != "raz.shell");
        let kernel = format!("{}\nset kernel=\"{}\"\n", self.grub, others.join(" "));
        [("raz.toml", toml(&ours)), ("kernel.cfg", kernel)]
    }

    /// Copies the ISO into `folder` and writes the kernel's arguments into its volume. What starts over a
    /// network has them in the files that are served ([`crate::machine::Machine::netboot`]).
    pub(crate) fn prepare(
        &self,
        folder: &Path,
        name: &str,
        image: &Image,
        arguments: &[String],
    ) -> anyhow::Result<Prepared> {
        let iso = || -> anyhow::Result<PathBuf> {
            let iso = folder.join(format!("{name}.iso"));
            fs::copy(&image.iso, &iso)
                .with_context(|| format!("copying {}", image.iso.display()))?;
            for (name, text) in self.configuration(arguments) {
                write(&iso, name, &text)?;
            }
            Ok(iso)
        };
        let stick = folder.join(format!("{name}.stick"));
        let medium = match self.medium {
            Medium::Pxe | Medium::Http => None,
            Medium::Disc | Medium::Stick | Medium::ProtectedStick => Some(iso()?),
            Medium::IsoFile => {
                other_stick::with_iso(&stick, image, &iso()?)?;
                Some(stick)
            }
            Medium::Files => {
                other_stick::of_files(&stick, &iso()?)?;
                Some(stick)
            }
        };
        let variables = match self.firmware.files() {
            None => None,
            Some((_, template)) => {
                let own = folder.join(format!("{name}.variables"));
                fs::copy(Path::new(FOLDER).join(template), &own)
                    .with_context(|| format!("copying {template}"))?;
                Some(own)
            }
        };
        Ok(Prepared { medium, variables })
    }

    /// QEMU's arguments for it.
    pub(crate) fn qemu_arguments(&self, prepared: &Prepared) -> Vec<String> {
        let mut arguments: Vec<String> = Vec::new();
        let mut add =
            |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        if let (Some((code, _)), Some(variables)) = (self.firmware.files(), &prepared.variables) {
            add(&["-global", "driver=cfi.pflash01,property=secure,value=on"]);
            let code = format!("if=pflash,unit=0,format=raw,readonly=on,file={FOLDER}/{code}");
            let variables = format!("if=pflash,unit=1,format=raw,file={}", variables.display());
            add(&["-drive", &code, "-drive", &variables]);
        }
        let medium = prepared.medium.as_deref();
        let medium = medium.unwrap_or(Path::new("")).display();
        match self.medium {
            Medium::Disc => {
                let drive = format!("if=none,id=medium,format=raw,readonly=on,file={medium}");
                // The last port: the machine's own drives have the first ones.
                let device = "ide-cd,drive=medium,bus=ide.5,bootindex=0";
                add(&["-drive", &drive, "-device", device]);
            }
            Medium::Stick | Medium::ProtectedStick | Medium::IsoFile | Medium::Files => {
                let readonly = match self.medium {
                    Medium::ProtectedStick => "on",
                    Medium::Stick
                    | Medium::IsoFile
                    | Medium::Files
                    | Medium::Disc
                    | Medium::Pxe
                    | Medium::Http => "off",
                };
                // A node of its own: it stays when the stick is pulled, and can be plugged in again.
                let node = format!(
                    "driver=raw,node-name=medium,read-only={readonly},\
                     file.driver=file,file.filename={medium},file.read-only={readonly}"
                );
                add(&["-blockdev", &node, "-device", "qemu-xhci,id=medium-usb"]);
                let device = format!("{},bootindex=0", stick_device());
                add(&["-device", &device]);
            }
            Medium::Pxe | Medium::Http => {
                let tap = format!("tap,id=lan,ifname={TAP},script=no,downscript=no");
                // QEMU's boot ROM of the card is a BIOS's; its program for UEFI has no signature, and the
                // firmware has a driver of its own.
                let rom = match self.firmware {
                    Firmware::Bios => "",
                    Firmware::Uefi | Firmware::SecureBoot | Firmware::Uefi32 => ",romfile=",
                };
                let card = format!("virtio-net-pci,netdev=lan,bootindex=0{rom}");
                add(&["-netdev", &tap, "-device", &card]);
                // Newer firmware has no network without a source of random numbers.
                add(&["-device", "virtio-rng-pci"]);
                if self.medium == Medium::Http {
                    for way in ["IPv4PXESupport", "IPv6PXESupport"] {
                        let off = format!("name=opt/org.tianocore/{way},string=no");
                        add(&["-fw_cfg", &off]);
                    }
                }
            }
        }
        arguments
    }
}

/// The stick as QEMU's device.
fn stick_device() -> String {
    format!("usb-storage,id={STICK},bus=medium-usb.0,drive=medium,serial={STICK}")
}

/// Plugs a stick in again that was pulled.
///
/// # Errors
/// QEMU's refusal.
pub fn plug_again(running: &mut Running) -> anyhow::Result<()> {
    let properties = json!({
        "id": STICK, "bus": "medium-usb.0", "drive": "medium", "serial": STICK,
    });
    running.qmp.device_add("usb-storage", &properties)
}

/// The same as a file: `raz.keep=A raz.poweroff` is `keep = ["A"]` and `poweroff = true`.
fn toml(arguments: &[&str]) -> String {
    let mut lines = Vec::new();
    let mut keep = Vec::new();
    for argument in arguments {
        let argument = argument.trim_start_matches("raz.");
        match argument.split_once('=') {
            None => lines.push(format!("{argument} = true")),
            Some(("keep", serials)) => keep.extend(serials.split(',')),
            Some((name, value)) => lines.push(format!("{name} = {value:?}")),
        }
    }
    if !keep.is_empty() {
        lines.push(format!("keep = {keep:?}"));
    }
    lines.join("\n") + "\n"
}

/// Writes a file into the volume of an ISO, as a PC does that the stick is plugged into.
///
/// # Errors
/// mtools' refusal, or an ISO without a volume.
pub fn write(iso: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let scratch = tempfile::NamedTempFile::new()?;
    fs::write(scratch.path(), text)?;
    mcopy(iso, &["-o"], scratch.path(), name, true)
}

/// Copies a file or folder out of the volume, into a folder.
///
/// # Errors
/// As [`write`].
pub fn copy_out(iso: &Path, name: &str, folder: &Path) -> anyhow::Result<()> {
    mcopy(iso, &["-s", "-n"], folder, name, false)
}

/// `mcopy` between a path here and a name in the volume.
fn mcopy(
    iso: &Path,
    options: &[&str],
    here: &Path,
    name: &str,
    is_inwards: bool,
) -> anyhow::Result<()> {
    let there = format!("::{name}");
    let mut command = Command::new("mcopy");
    command
        .env("MTOOLS_SKIP_CHECK", "1")
        .args(options)
        .arg("-i")
        .arg(format!("{}@@{}", iso.display(), volume(iso)?.start));
    match is_inwards {
        true => command.arg(here).arg(there),
        false => command.arg(there).arg(here),
    };
    let status = command.status().context("starting mcopy")?;
    ensure!(status.success(), "mcopy of {name}: {status}");
    Ok(())
}

/// SHA-256 of all that is not in the volume.
///
/// # Errors
/// An ISO that cannot be read, or has no volume.
pub fn sha256_outside(iso: &Path) -> anyhow::Result<String> {
    let mut bytes = fs::read(iso)?;
    let volume = volume(iso)?;
    let (start, end) = (usize::try_from(volume.start)?, usize::try_from(volume.end)?);
    bytes.drain(start..end);
    Ok(hex::encode(Sha256::digest(bytes)))
}

/// Where the volume stands: the second partition of the GPT (UEFI 2.10, 5.3), in bytes.
///
/// # Errors
/// An ISO that cannot be read, or has no such partition.
pub fn volume(iso: &Path) -> anyhow::Result<Range<u64>> {
    const ENTRY_BYTES: usize = 128;
    let mut file = File::open(iso)?;
    file.seek(SeekFrom::Start(2 * 512))?;
    let mut entries = [0; 2 * ENTRY_BYTES];
    file.read_exact(&mut entries)?;
    let sector = |at: usize| -> anyhow::Result<u64> {
        let bytes = entries[ENTRY_BYTES + at..].first_chunk();
        Ok(u64::from_le_bytes(*bytes.context("an entry")?))
    };
    let (first, last) = (sector(32)?, sector(40)?);
    ensure!(first > 0, "{} has no second partition", iso.display());
    Ok(512 * first..512 * (last + 1))
}
