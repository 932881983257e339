//! The initramfs: image/rootfs, busybox and its links, the agent, the modules; as a whole gzipped, which
//! takes a third of it away (most modules are compressed already).

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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

/// Builds the archive in memory, compressed.
pub fn write(
    inputs: &Path,
    busybox: &Path,
    kernel: &Kernel,
    selection: &Selection,
    agent: &[u8],
    epoch_seconds: u32,
) -> anyhow::Result<Vec<u8>> {
    let mut tree = Tree::default();
    for folder in ["dev", "proc", "run", "sys", "tmp"] {
        tree.add(folder, Entry::Folder)?;
    }
    // The kernel opens it for init before init can mount anything.
    tree.add("dev/console", Entry::CharacterDevice { major: 5, minor: 1 })?;
    overlay(&mut tree, &inputs.join("rootfs"), "")?;

    tree.file("bin/busybox", true, read(&busybox.join("usr/bin/busybox"))?)?;
    let applets = read(&inputs.join("applets.list"))?;
    for applet in String::from_utf8(applets)?.split_whitespace() {
        tree.add(&format!("bin/{applet}"), Entry::Link("busybox".into()))?;
    }
    // Where the kernel looks for it when a driver asks for another module (a PHY's, a cipher's).
    tree.add("sbin/modprobe", Entry::Link("../bin/busybox".into()))?;
    tree.file("usr/bin/raz", true, agent.to_vec())?;

    let modules = format!("lib/modules/{}", kernel.release);
    for path in &selection.files {
        tree.file(
            &format!("{modules}/{path}"),
            false,
            read(&kernel.folder().join(path))?,
        )?;
    }
    for (name, text) in &selection.indexes {
        tree.file(
            &format!("{modules}/{name}"),
            false,
            text.clone().into_bytes(),
        )?;
    }

    let mut archive = Archive::new(epoch_seconds);
    for (path, entry) in &tree.0 {
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
