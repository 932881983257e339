//! What PCs start from over a network: a folder for a TFTP server and for `raz-inventory serve --netboot`.
//!
//! TFTP carries the first programs and the menu, HTTP the rest; UEFI HTTP boot takes all of it over HTTP.
//! Debian's signed shim and GRUB as in the ISO, in their builds for networks; a BIOS starts a GRUB that is
//! made here of Debian's modules, after an iPXE where its addresses come from somebody else's DHCP server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::iso::{Content, Folder, GRUB_IA32, GRUB_PC, GRUB_SIGNED, MOK_MANAGER, SHIM};
use super::packages::Packages;
use super::tools::Tools;
use super::{Part, iso};
use crate::run;

/// iPXE, for a BIOS beside another DHCP server (image/boot/grub.ipxe).
pub const IPXE: &str = "ipxe";

/// What GRUB can do when a BIOS starts it over a network: read files from there, and start Linux.
const BIOS_MODULES: &[&str] = &[
    "all_video",
    "configfile",
    "cpuid",
    "echo",
    "halt",
    "http",
    "linux",
    "minicmd",
    "normal",
    "pxe",
    "reboot",
    "regexp",
    "sleep",
    "test",
    "tftp",
    "vbe",
];

/// Lays the folder anew; gives back what lies in it, by name.
pub fn lay(
    folder: &Path,
    content: &Content<'_>,
    packages: &Packages,
    tools: &Tools,
) -> anyhow::Result<BTreeMap<String, Part>> {
    let partial = folder.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    let files = Folder::new(partial.clone());

    let shim = packages.files(SHIM)?.join("usr/lib/shim");
    let mok = packages.files(MOK_MANAGER)?.join("usr/lib/shim");
    let signed = packages.files(GRUB_SIGNED)?.join("usr/lib/grub");
    let ia32 = packages.files(GRUB_IA32)?.join("usr/lib/grub");
    files.copy("shimx64.efi", &shim.join("shimx64.efi.signed"))?;
    files.copy("mmx64.efi", &mok.join("mmx64.efi.signed"))?;
    // shim looks for this name beside itself.
    files.copy(
        "grubx64.efi",
        &signed.join("x86_64-efi-signed/grubnetx64.efi.signed"),
    )?;
    files.copy(
        "grubia32.efi",
        &ia32.join("i386-efi/monolithic/grubnetia32.efi"),
    )?;
    run::run(
        tools
            .command("grub-mkimage")
            .args(["-O", "i386-pc-pxe", "-p", "/grub", "-d"])
            .arg(packages.files(GRUB_PC)?.join("usr/lib/grub/i386-pc"))
            .arg("-o")
            .arg(partial.join("grub.pxe"))
            .args(BIOS_MODULES),
    )?;
    files.copy(
        "undionly.kpxe",
        &packages.files(IPXE)?.join("usr/lib/ipxe/undionly.kpxe"),
    )?;
    let menu = iso::menu(content, "netboot.cfg")?;
    files.put("grub/grub.cfg", menu.as_bytes())?;
    files.put("vmlinuz", content.vmlinuz)?;
    files.put("initrd.img", content.initrd)?;
    for name in ["grub.ipxe", "raz.toml", "kernel.cfg"] {
        files.copy(name, &content.boot.join(name))?;
    }

    let mut parts = BTreeMap::new();
    for name in [
        "grub.ipxe",
        "grub.pxe",
        "grub/grub.cfg",
        "grubia32.efi",
        "grubx64.efi",
        "initrd.img",
        "kernel.cfg",
        "mmx64.efi",
        "raz.toml",
        "shimx64.efi",
        "undionly.kpxe",
        "vmlinuz",
    ] {
        let path = partial.join(name);
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        parts.insert(name.to_owned(), Part::of(&bytes));
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(&partial, folder).with_context(|| format!("replacing {}", folder.display()))?;
    Ok(parts)
}
