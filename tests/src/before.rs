//! An archive of the lab's own before the image's: the kernel unpacks both. Nothing of the image is
//! replaced; its kernel and its raz are the ones that ship. In it are a first init
//! (`rdinit=/lab/init`), modules of that very kernel, which the image does not have, and programs of
//! other people.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::image::Image;

/// What the archive holds below `/lab`.
pub(crate) struct Before<'a> {
    /// What it is for; the initrd's file has the name.
    pub(crate) name: &'a str,
    /// The first init, a script.
    pub(crate) init: &'a str,
    /// Name and text of further files.
    pub(crate) files: &'a [(&'a str, String)],
    /// Modules, below the kernel's `kernel/drivers` and without the suffix; they lie in `/lab` by the
    /// last part of their name.
    pub(crate) modules: &'a [&'a str],
    /// Programs, and the libraries that they need.
    pub(crate) programs: &'a [PathBuf],
}

impl Before<'_> {
    /// The image with this before it; all files lie in `folder`.
    pub(crate) fn image(&self, image: &Image, folder: &Path) -> anyhow::Result<Image> {
        let scratch = tempfile::Builder::new()
            .prefix("before-")
            .tempdir_in(folder)?;
        let lab = scratch.path().join("lab");
        fs::create_dir(&lab)?;
        let script = lab.join("init");
        fs::write(&script, self.init)?;
        executable(&script)?;
        for (name, text) in self.files {
            fs::write(lab.join(name), text)?;
        }
        for module in self.modules {
            let source = format!("kernel/drivers/{module}.ko.xz");
            copy(&image.modules.join(source), &lab)?;
        }
        for program in self.programs {
            copy(program, &lab)?;
        }

        let initrd = folder.join(format!("{}.initrd", self.name));
        let mut both = File::create_new(&initrd)?;
        both.write_all(&archive(scratch.path())?)?;
        io::copy(&mut File::open(&image.initrd)?, &mut both)?;
        let mut with = image.clone();
        with.initrd = initrd;
        with.arguments.push("rdinit=/lab/init".into());
        Ok(with)
    }
}

fn copy(source: &Path, folder: &Path) -> anyhow::Result<()> {
    let name = source.file_name().context("a file's name")?;
    fs::copy(source, folder.join(name)).with_context(|| format!("copying {}", source.display()))?;
    Ok(())
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
