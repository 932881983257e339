//! Which kernel modules go into the image: the list's globs and all that they depend on.
//!
//! The files stay as Debian compressed and signed them. The index files (modules.dep, .alias,
//! .softdep, .builtin) are cut down to what is in, in kmod's own format.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::glob;
use crate::run;

/// What stands behind every module file of trixie's kernel.
const SUFFIX: &str = ".ko.xz";

/// image/modules.list: groups of globs.
#[derive(Debug, Default)]
pub struct List {
    /// (glob, where it stands) of what goes in.
    wanted: Vec<(String, String)>,
    /// What stays out although a glob takes it in; a dependency brings it back.
    refused: Vec<(String, String)>,
    /// Globs of the group `always`: loaded at boot whether a device asks for them or not.
    always: Vec<String>,
}

impl List {
    /// One glob a line, relative to the kernel's module folder and without the suffix; `!` keeps
    /// out; `[group]` names what follows, `#` is a comment.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text)
    }

    fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let mut list = Self::default();
        let mut group = "";
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let place = format!("image/{name}:{}", index + 1);
            if line.is_empty() {
                continue;
            }
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                group = name;
            } else if line.starts_with('[') || line.contains(char::is_whitespace) {
                bail!("{place}: neither a [group] nor one glob: {line}");
            } else if let Some(glob) = line.strip_prefix('!') {
                list.refused.push((glob.to_owned(), place));
            } else {
                if group == "always" {
                    list.always.push(line.to_owned());
                }
                list.wanted.push((line.to_owned(), place));
            }
        }
        Ok(list)
    }

    /// This list, and that one besides.
    pub fn and(mut self, other: Self) -> Self {
        self.wanted.extend(other.wanted);
        self.refused.extend(other.refused);
        self.always.extend(other.always);
        self
    }
}

/// An unpacked kernel package.
pub struct Kernel {
    /// What `uname -r` says.
    pub release: String,
    unpacked: PathBuf,
    /// Paths below [`Kernel::folder`] of the modules, with their dependencies, by module name.
    modules: BTreeMap<String, Module>,
    /// Names of what is compiled in.
    builtin: BTreeSet<String>,
    /// `softdep NAME pre: …`: names to be loaded first although no symbol asks for them.
    before: BTreeMap<String, Vec<String>>,
}

struct Module {
    path: String,
    dependencies: Vec<String>,
}

/// What goes in.
pub struct Selection {
    /// Paths below the kernel's module folder, sorted.
    pub files: BTreeSet<String>,
    /// Index files by name.
    pub indexes: BTreeMap<&'static str, String>,
}

impl Kernel {
    /// Reads the indexes of an unpacked kernel package.
    pub fn open(unpacked: &Path) -> anyhow::Result<Self> {
        let parent = unpacked.join("usr/lib/modules");
        let release = fs::read_dir(&parent)
            .with_context(|| format!("reading {}", parent.display()))?
            .next()
            .context("the kernel package has no modules")??
            .file_name()
            .to_string_lossy()
            .into_owned();
        let read = |name: &str| {
            let path = parent.join(&release).join(name);
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
        };
        let modules = parse_dependencies(&read("modules.dep")?);
        let builtin = read("modules.builtin")?.lines().map(name_of).collect();
        let before = parse_before(&read("modules.softdep")?);
        Ok(Self {
            release,
            unpacked: unpacked.to_path_buf(),
            modules,
            builtin,
            before,
        })
    }

    /// Debian's signed kernel file.
    pub fn vmlinuz(&self) -> PathBuf {
        self.unpacked.join(format!("boot/vmlinuz-{}", self.release))
    }

    /// The folder that modules.dep's paths start from.
    pub fn folder(&self) -> PathBuf {
        self.unpacked.join("usr/lib/modules").join(&self.release)
    }

    /// The list's modules and all that they need.
    pub fn select(&self, list: &List) -> anyhow::Result<Selection> {
        let mut names = BTreeSet::new();
        for (glob, place) in &list.wanted {
            let found = self.matching(glob);
            if found.is_empty() && !self.builtin.contains(&name_of(glob)) {
                bail!("{place}: {} has no module like {glob}", self.release);
            }
            names.extend(found);
        }
        for (glob, place) in &list.refused {
            let found = self.matching(glob);
            if found.is_empty() {
                bail!("{place}: {} has no module like {glob}", self.release);
            }
            names.retain(|name| !found.contains(name));
        }
        let names = self.closure(names);
        let always: Vec<_> = list
            .always
            .iter()
            .flat_map(|glob| self.matching(glob))
            .collect();
        self.cut(&names, &always)
    }

    /// What these modules ask the kernel for while they run: names below its firmware folder.
    pub fn firmware(&self, files: &BTreeSet<String>) -> anyhow::Result<BTreeSet<String>> {
        let folder = self.folder();
        let names = run::output(
            run::program("modinfo")
                .args(["-F", "firmware"])
                .args(files.iter().map(|path| folder.join(path))),
        )?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// Names of the modules whose path fits.
    fn matching(&self, glob: &str) -> Vec<String> {
        let pattern = format!("kernel/{glob}{SUFFIX}");
        self.modules
            .iter()
            .filter(|(_, module)| glob::matches(&pattern, &module.path))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn closure(&self, names: BTreeSet<String>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut open: Vec<String> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            // A soft dependency may be compiled in, or be an alias that nothing here provides.
            let Some(module) = self.modules.get(&name) else {
                continue;
            };
            if all.insert(name.clone()) {
                open.extend(module.dependencies.iter().map(|path| name_of(path)));
                open.extend(self.before.get(&name).into_iter().flatten().cloned());
            }
        }
        all
    }

    fn cut(&self, names: &BTreeSet<String>, always: &[String]) -> anyhow::Result<Selection> {
        let chosen: Vec<_> = names
            .iter()
            .filter_map(|name| self.modules.get(name))
            .collect();
        let files = chosen.iter().map(|module| module.path.clone()).collect();
        let dependencies = chosen
            .iter()
            .map(|module| {
                let mut line = format!("{}:", module.path);
                for dependency in &module.dependencies {
                    line.push(' ');
                    line.push_str(dependency);
                }
                line + "\n"
            })
            .collect();
        let kept = |index: &str, name_at: usize| -> anyhow::Result<String> {
            let path = self.folder().join(index);
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            Ok(text
                .lines()
                .filter(|line| {
                    line.split_whitespace()
                        .nth(name_at)
                        .is_some_and(|name| names.contains(&name_of(name)))
                })
                .flat_map(|line| [line, "\n"])
                .collect())
        };
        let builtin = fs::read_to_string(self.folder().join("modules.builtin"))?;
        Ok(Selection {
            files,
            indexes: BTreeMap::from([
                ("modules.dep", dependencies),
                ("modules.alias", kept("modules.alias", 2)?),
                ("modules.softdep", kept("modules.softdep", 1)?),
                ("modules.builtin", builtin),
                (
                    "modules.load",
                    always
                        .iter()
                        .flat_map(|name| [name.as_str(), "\n"])
                        .collect(),
                ),
            ]),
        })
    }
}

/// A module's name from its path or alias target: no folder, no suffix, `_` for `-`.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = file.split(".ko").next().unwrap_or(file);
    name.replace('-', "_")
}

fn parse_dependencies(text: &str) -> BTreeMap<String, Module> {
    text.lines()
        .filter_map(|line| {
            let (path, rest) = line.split_once(':')?;
            let dependencies = rest.split_whitespace().map(str::to_owned).collect();
            Some((
                name_of(path),
                Module {
                    path: path.to_owned(),
                    dependencies,
                },
            ))
        })
        .collect()
}

/// The `pre:` part of `softdep NAME [pre: A B] [post: C]`.
fn parse_before(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut before = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("softdep") {
            continue;
        }
        let Some(name) = words.next() else { continue };
        let names: Vec<String> = words
            .skip_while(|word| *word != "pre:")
            .skip(1)
            .take_while(|word| *word != "post:")
            .map(name_of)
            .collect();
        before.insert(name_of(name), names);
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel() -> Kernel {
        let dependencies = "kernel/drivers/ata/ahci.ko.xz: kernel/drivers/ata/libahci.ko.xz kernel/drivers/ata/libata.ko.xz\n\
             kernel/drivers/ata/libahci.ko.xz: kernel/drivers/ata/libata.ko.xz\n\
             kernel/drivers/ata/libata.ko.xz:\n\
             kernel/drivers/net/r8169.ko.xz:\n\
             kernel/drivers/net/phy/realtek.ko.xz:\n";
        Kernel {
            release: "test".into(),
            unpacked: "/nonexistent".into(),
            modules: parse_dependencies(dependencies),
            builtin: BTreeSet::from(["virtio_pci".into()]),
            before: parse_before("softdep r8169 pre: realtek post: other\nsoftdep bad\n"),
        }
    }

    fn closure(kernel: &Kernel, glob: &str) -> Vec<String> {
        kernel
            .closure(kernel.matching(glob).into_iter().collect())
            .into_iter()
            .collect()
    }

    #[test]
    fn hard_and_soft_dependencies_come_along() {
        let kernel = kernel();
        assert_eq!(
            closure(&kernel, "drivers/ata/ahci"),
            ["ahci", "libahci", "libata"]
        );
        assert_eq!(closure(&kernel, "drivers/net/r8*"), ["r8169", "realtek"]);
    }

    #[test]
    fn a_glob_that_fits_nothing_is_an_error_unless_it_is_built_in() {
        let kernel = kernel();
        let unknown =
            List::parse("modules.list", "[storage]\ndrivers/ata/gone # comment\n").unwrap();
        let error = kernel.select(&unknown).err().unwrap().to_string();
        assert!(
            error.contains("modules.list:2") && error.contains("drivers/ata/gone"),
            "{error}"
        );
        assert!(kernel.matching("drivers/virtio/virtio_pci").is_empty());
        assert!(
            kernel
                .builtin
                .contains(&name_of("drivers/virtio/virtio-pci"))
        );
    }

    #[test]
    fn a_line_with_two_words_is_refused() {
        assert!(List::parse("modules.list", "drivers/a drivers/b\n").is_err());
        assert!(List::parse("modules.list", "[storage\n").is_err());
    }
}
