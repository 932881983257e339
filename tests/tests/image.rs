//! What lies in the built image: a static agent, how large everything is, and no driver for what is
//! others'.
//!
//! `cargo xtask image` refuses an agent with a program interpreter before it goes in; here the
//! binary is taken out of the initramfs again and the toolchain's own programs are asked.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use lab::bench::{self, scenario};
use lab::image::Image;
use lab::other_stick;

#[test]
fn the_agent_in_the_image_needs_no_loader_and_no_library() {
    scenario("static", |bench| {
        let image = Image::built()?;
        let initrd = unpacked(&image)?;
        let files = files_in(&initrd)?;
        let agent = files.iter().find(|(name, _)| *name == "usr/bin/raz");
        let (_, agent) = agent.context("no agent")?;
        let path = bench.path().join("raz");
        fs::write(&path, agent)?;

        let headers = said("readelf", &["--wide", "--program-headers"], &path)?;
        ensure!(headers.contains(" LOAD "), "no program: {headers}");
        ensure!(!headers.contains("INTERP"), "asks for a loader: {headers}");
        let dynamic = said("readelf", &["--wide", "--dynamic"], &path)?;
        ensure!(!dynamic.contains("NEEDED"), "asks for a library: {dynamic}");
        let words = said("ldd", &[], &path)?;
        ensure!(
            words.contains("statically linked") || words.contains("not a dynamic executable"),
            "{words}"
        );

        println!("ldd raz: {}", words.trim());
        Ok(())
    });
}

/// A workshop downloads it, and a machine of 512 MiB keeps kernel and initramfs in memory: below 64 MB with
/// all that is in it, below 50 MB without the graphics cards' drivers and without firmware, of which most is
/// for network cards.
#[test]
fn iso_is_below_sixty_four_megabytes_and_below_fifty_without_firmware_and_graphics() {
    scenario("size", |_| {
        let image = Image::built()?;
        // What a part costs: its bytes compressed by themselves, which is a little more than in the whole.
        let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
        let initrd = unpacked(&image)?;
        for (name, bytes) in files_in(&initrd)? {
            let part = match name.split_once("/kernel/") {
                Some((_, module)) => module.rsplit_once('/').map_or(module, |(folder, _)| folder),
                None => name,
            };
            // `drivers/net/ethernet/intel/e1000` counts as `drivers/net`.
            let end = part
                .match_indices('/')
                .nth(1)
                .map_or(part.len(), |(at, _)| at);
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes)?;
            *parts.entry(&part[..end]).or_default() += encoder.finish()?.len();
        }
        let firmware = parts.get("lib/firmware").copied().unwrap_or(0);
        let mut sorted: Vec<(&str, usize)> = parts.into_iter().collect();
        sorted.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        for (part, bytes) in sorted.iter().take(20) {
            println!("in the initramfs: {bytes:>9} bytes {part}");
        }
        let mut sizes = Vec::new();
        for file in [&image.kernel, &image.initrd, &image.graphics, &image.iso] {
            let bytes = fs::metadata(file)?.len();
            println!("{}: {bytes} bytes", file.display());
            sizes.push(bytes);
        }
        let (graphics, iso) = (sizes[2], sizes[3]);
        ensure!(firmware > 1_000_000, "firmware: {firmware} bytes");
        ensure!(iso < 64_000_000, "{iso} bytes");
        let without = iso - graphics - u64::try_from(firmware)?;
        ensure!(without < 50_000_000, "{without} bytes without");
        Ok(())
    });
}

/// Rufus offers to copy an ISO's files where it finds a boot program among them that it knows, and else writes the
/// ISO byte by byte (its src/iso.c and src/rufus.c of June 2026): a stick of copied files would keep no reports, and
/// no BIOS would start it. raz's boot programs are in the volume behind the files.
#[test]
fn iso_has_no_file_for_which_rufus_would_copy_its_files() {
    scenario("rufus", |_| {
        let names = other_stick::names(&Image::built()?.iso)?;
        ensure!(names.contains(&"/boot/raz/vmlinuz".to_owned()), "{names:?}");
        for name in &names {
            let path = name.to_lowercase();
            let (folder, file) = path.rsplit_once('/').context("a path")?;
            let is_image = file.starts_with("efi") && file.ends_with(".img");
            let known = [
                "isolinux.cfg",
                "syslinux.cfg",
                "extlinux.conf",
                "isolinux.bin",
                "ldlinux.sys",
                "bootmgr",
                "bootmgr.efi",
                "normal.mod",
                "grldr",
                "kolibri.img",
                "setupldr.sys",
            ];
            let is_known = known.contains(&file) || folder.starts_with("/efi");
            ensure!(!is_image && !is_known, "{name}");
        }
        Ok(())
    });
}

/// What hangs on a storage network is others': a kernel without the driver cannot be told to erase it.
#[test]
fn image_has_no_driver_for_drives_over_a_network() {
    scenario("drivers", |_| {
        let initrd = unpacked(&Image::built()?)?;
        let modules: Vec<&str> = files_in(&initrd)?
            .iter()
            .filter_map(|(name, _)| name.strip_suffix(".ko.xz")?.rsplit('/').next())
            .collect();
        ensure!(modules.contains(&"nvme"), "{modules:?}");
        for driver in [
            "nvme-fabrics",
            "nvme-tcp",
            "nvme-rdma",
            "nvme-fc",
            "nbd",
            "rbd",
            "iscsi_tcp",
            "libiscsi",
            "be2iscsi",
            "fcoe",
            "libfc",
            "lpfc",
            "qla2xxx",
            "mptfc",
            "ib_srp",
        ] {
            ensure!(!modules.contains(&driver), "{driver}");
        }
        Ok(())
    });
}

/// Other people's tools are the lab's: whoever boots the image finds one program that erases.
#[test]
fn image_has_no_program_of_the_peers() {
    scenario("programs", |_| {
        let peers = bench::root().join("target/peers");
        let initrd = unpacked(&Image::built()?)?;
        let files = files_in(&initrd)?;
        let names: Vec<&str> = files
            .iter()
            // The kernel's drivers for NVMe are in a folder of that name.
            .filter(|(_, bytes)| !bytes.is_empty())
            .filter_map(|(name, _)| name.rsplit('/').next())
            .collect();
        ensure!(names.contains(&"raz"), "{names:?}");
        let listed = fs::read_dir(&peers).context("run `cargo xtask peers` first")?;
        for entry in listed {
            let name = entry?.file_name();
            let name = name.to_str().context("a file's name")?;
            ensure!(!names.contains(&name), "{name} is in the image");
        }
        Ok(())
    });
}

/// What a program says of a file, on both its outputs; its exit status differs between versions.
fn said(program: &str, arguments: &[&str], file: &Path) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .arg(file)
        .env("LC_ALL", "C")
        .output()
        .with_context(|| format!("starting {program}"))?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The archive that is compressed in the image.
fn unpacked(image: &Image) -> anyhow::Result<Vec<u8>> {
    let mut archive = Vec::new();
    GzDecoder::new(fs::File::open(&image.initrd)?).read_to_end(&mut archive)?;
    Ok(archive)
}

/// Names and bytes of a cpio archive of form "newc" (the kernel's buffer-format.rst): each entry has a
/// header of 110 ASCII characters, a name and its bytes, both padded to 4.
fn files_in(archive: &[u8]) -> anyhow::Result<Vec<(&str, &[u8])>> {
    const HEADER_BYTES: usize = 110;
    let mut files = Vec::new();
    let mut at = 0;
    loop {
        let piece = |from: usize, bytes: usize| {
            let piece = archive.get(from..from + bytes);
            piece.with_context(|| format!("the archive ends at byte {from}"))
        };
        let header = piece(at, HEADER_BYTES)?;
        ensure!(header.starts_with(b"070701"), "no entry at byte {at}");
        let field = |index: usize| -> anyhow::Result<usize> {
            let digits = &header[6 + 8 * index..14 + 8 * index];
            Ok(usize::from_str_radix(str::from_utf8(digits)?, 16)?)
        };
        let (size_bytes, name_bytes) = (field(6)?, field(11)?);
        let name_at = at + HEADER_BYTES;
        let data_at = (name_at + name_bytes).next_multiple_of(4);
        let name = str::from_utf8(piece(name_at, name_bytes)?)?.trim_end_matches('\0');
        if name == "TRAILER!!!" {
            return Ok(files);
        }
        files.push((name, piece(data_at, size_bytes)?));
        at = (data_at + size_bytes).next_multiple_of(4);
    }
}
