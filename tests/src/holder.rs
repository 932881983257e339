//! Drives that something holds: md arrays that stand on them before the image's init runs.
//!
//! No argument of Debian's kernel makes one, because md is a module there. So the lab puts an archive of
//! its own before the image's (the kernel unpacks both) with the kernel's own md modules and
//! a first init. Nothing of the image is replaced: its init follows, its raz is the one that ships.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::image::Image;

/// The first init, and where it expects its files.
const INIT: &str = include_str!("holder/init");
const MODULES: [&str; 2] = ["md-mod", "raid0"];

/// One array on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Serial number of the drive.
    pub(crate) serial: String,
    /// Number of the partition that is held; `None` for the whole drive.
    pub(crate) partition: Option<u32>,
    /// Kernel name of the array.
    pub(crate) array: String,
}

/// The image with what puts these arrays together before it; its files lie in `folder`.
pub(crate) fn image(image: &Image, folder: &Path, holders: &[Holder]) -> anyhow::Result<Image> {
    let scratch = tempfile::Builder::new()
        .prefix("holder-")
        .tempdir_in(folder)?;
    let lab = scratch.path().join("lab");
    fs::create_dir(&lab)?;
    let script = lab.join("init");
    fs::write(&script, INIT)?;
    executable(&script)?;
    let lines: String = holders
        .iter()
        .map(|holder| {
            let partition = holder.partition.unwrap_or(0);
            format!("{} {partition} {}\n", holder.serial, holder.array)
        })
        .collect();
    fs::write(lab.join("held"), lines)?;
    for module in MODULES {
        let name = format!("{module}.ko.xz");
        let source = image.modules.join("kernel/drivers/md").join(&name);
        fs::copy(&source, lab.join(name))
            .with_context(|| format!("copying {}", source.display()))?;
    }

    let initrd = folder.join("held.initrd");
    let mut both = File::create_new(&initrd)?;
    both.write_all(&archive(scratch.path())?)?;
    io::copy(&mut File::open(&image.initrd)?, &mut both)?;
    let mut held = image.clone();
    held.initrd = initrd;
    held.arguments.push("rdinit=/lab/init".into());
    Ok(held)
}

fn executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// The folder as cpio "newc". The kernel wants the next archive at a multiple of 4 bytes; cpio ends
/// on one of 512.
fn archive(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut names = String::from("lab\n");
    for entry in fs::read_dir(folder.join("lab"))? {
        let name: PathBuf = entry?.path();
        let name = name.strip_prefix(folder)?;
        names += &format!("{}\n", name.display());
    }
    let mut child = Command::new("cpio")
        .args(["--create", "--format=newc", "--owner=+0:+0", "--quiet"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cpio (`cargo xtask setup` installs it)")?;
    let mut input = child.stdin.take().context("cpio's input")?;
    // A few names: they fit the pipe before anything is read.
    input.write_all(names.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "cpio ended with {}", output.status);
    ensure!(
        output.stdout.len().is_multiple_of(4),
        "cpio gave {} bytes",
        output.stdout.len()
    );
    Ok(output.stdout)
}
