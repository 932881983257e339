//! The initramfs: image/rootfs, busybox and its links, the agent, modules and their firmware; as a whole
//! gzipped, which takes a third of it away (most modules are compressed already). And a second one, laid
//! over it on request: the graphics cards' own drivers.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::cpio::{Archive, Node};
use super::modules::{Kernel, Selection};

/// What an entry is, owning its bytes.
enum Entry {
    Folder,
    File { executable: bool, bytes: Vec<u8> },
    Link(String),
    CharacterDevice { major: u32, minor: u32 },
}

/// The archive's entries; a sorted map, so that a folder stands before what is in it.
#[derive(Default)]
struct Tree(BTreeMap<String, Entry>);

impl Tree {
    fn add(&mut self, path: &str, entry: Entry) -> anyhow::Result<()> {
        for (end, _) in path.match_indices('/') {
            self.0
                .entry(path[..end].to_owned())
                .or_insert(Entry::Folder);
        }
        if self.0.insert(path.to_owned(), entry).is_some() {
            bail!("two entries of the initramfs at /{path}");
        }
        Ok(())
    }

    fn file(&mut self, path: &str, executable: bool, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.add(path, Entry::File { executable, bytes })
    }
}

/// What goes into the initramfs.
pub struct Content<'a> {
    /// `image` of the checkout.
    pub inputs: &'a Path,
    /// The unpacked package.
    pub busybox: &'a Path,
    /// The program.
    pub agent: &'a [u8],
    /// Where the modules are.
    pub kernel: &'a Kernel,
    /// Which of them.
    pub selection: &'a Selection,
    /// What they ask the kernel for, by its name.
    pub firmware: &'a BTreeMap<String, PathBuf>,
}

/// Builds the archive in memory, compressed.
pub fn write(content: &Content<'_>, epoch_seconds: u32) -> anyhow::Result<Vec<u8>> {
    let mut tree = Tree::default();
    for folder in ["dev", "proc", "run", "sys", "tmp"] {
        tree.add(folder, Entry::Folder)?;
    }
    // The kernel opens it for init before init can mount anything.
    tree.add("dev/console", Entry::CharacterDevice { major: 5, minor: 1 })?;
    overlay(&mut tree, &content.inputs.join("rootfs"), "")?;

    let busybox = read(&content.busybox.join("usr/bin/busybox"))?;
    tree.file("bin/busybox", true, busybox)?;
    let applets = read(&content.inputs.join("applets.list"))?;
    for applet in String::from_utf8(applets)?.split_whitespace() {
        tree.add(&format!("bin/{applet}"), Entry::Link("busybox".into()))?;
    }
    // Where the kernel looks for it when a driver asks for another module (a PHY's, a cipher's).
    tree.add("sbin/modprobe", Entry::Link("../bin/busybox".into()))?;
    tree.file("usr/bin/raz", true, content.agent.to_vec())?;
    tree.drivers(content.kernel, content.selection, content.firmware)?;
    tree.packed(epoch_seconds)
}

/// Builds the archive that is laid over the other: these modules besides those that are there, with the
/// indexes of both.
pub fn over(
    kernel: &Kernel,
    both: &Selection,
    there: &Selection,
    firmware: &BTreeMap<String, PathBuf>,
    epoch_seconds: u32,
) -> anyhow::Result<Vec<u8>> {
    let besides = Selection {
        files: both.files.difference(&there.files).cloned().collect(),
        indexes: both.indexes.clone(),
    };
    let mut tree = Tree::default();
    tree.drivers(kernel, &besides, firmware)?;
    tree.packed(epoch_seconds)
}

impl Tree {
    fn drivers(
        &mut self,
        kernel: &Kernel,
        selection: &Selection,
        firmware: &BTreeMap<String, PathBuf>,
    ) -> anyhow::Result<()> {
        let modules = format!("lib/modules/{}", kernel.release);
        for path in &selection.files {
            let bytes = read(&kernel.folder().join(path))?;
            self.file(&format!("{modules}/{path}"), false, bytes)?;
        }
        for (name, text) in &selection.indexes {
            let bytes = text.clone().into_bytes();
            self.file(&format!("{modules}/{name}"), false, bytes)?;
        }
        for (name, path) in firmware {
            self.file(&format!("lib/firmware/{name}"), false, read(path)?)?;
        }
        Ok(())
    }

    fn packed(&self, epoch_seconds: u32) -> anyhow::Result<Vec<u8>> {
        let mut archive = Archive::new(epoch_seconds);
        for (path, entry) in &self.0 {
            archive.add(
                path,
                &match entry {
                    Entry::Folder => Node::Folder,
                    Entry::File { executable, bytes } => Node::File {
                        executable: *executable,
                        bytes,
                    },
                    Entry::Link(target) => Node::Link { target },
                    Entry::CharacterDevice { major, minor } => Node::CharacterDevice {
                        major: *major,
                        minor: *minor,
                    },
                },
            );
        }
        gzipped(&archive.finish())
    }
}

/// Without name and date in its header: equal input is equal output.
fn gzipped(archive: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(archive)?;
    Ok(encoder.finish()?)
}

/// Every file below `folder`, executable where git has it so.
fn overlay(tree: &mut Tree, folder: &Path, below: &str) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .context("a file name is not UTF-8")?;
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            overlay(tree, &entry.path(), &path)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            let target = target.to_str().context("a link's target is not UTF-8")?;
            tree.add(&path, Entry::Link(target.to_owned()))?;
        } else {
            let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            tree.file(&path, executable, read(&entry.path())?)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_before_their_files_and_doubles_are_refused() {
        let mut tree = Tree::default();
        tree.file("usr/lib/raz/b", true, Vec::new()).unwrap();
        tree.file("usr/a", false, Vec::new()).unwrap();
        let paths: Vec<_> = tree.0.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            ["usr", "usr/a", "usr/lib", "usr/lib/raz", "usr/lib/raz/b"]
        );
        assert!(tree.file("usr/a", false, Vec::new()).is_err());
    }
}
