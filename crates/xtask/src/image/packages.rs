//! Debian packages on this machine: locked, downloaded once, unpacked once.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use super::apt::{Apt, KERNEL};
use super::lock::{Lock, Package};
use crate::run;

/// Packages of one lock, unpacked.
pub struct Packages {
    folder: PathBuf,
    /// What was really taken, which is not always what the lock asks for; in the order asked for.
    pub used: Vec<Package>,
}

impl Packages {
    /// Brings the locked packages of these names, or the mirror's current ones where it has the locked
    /// no longer, and unpacks them.
    ///
    /// # Errors
    /// What the mirror, the unpacking or the lock has against it; also a lock without one of the names.
    pub fn obtain(
        root: &Path,
        lock_path: &Path,
        names: &[&str],
        update_lock: bool,
    ) -> anyhow::Result<Self> {
        let folder = root.join("target/apt");
        let locked = match update_lock {
            true => None,
            false => Lock::read(lock_path)?,
        };
        let used = match locked {
            Some(locked) => {
                let mut apt = None;
                let used = names.iter().map(|name| {
                    let package = locked
                        .named(name)
                        .with_context(|| format!("{}: no package {name}", lock_path.display()))?;
                    one(&folder, &mut apt, package.clone(), name)
                });
                used.collect::<anyhow::Result<Vec<_>>>()?
            }
            None => {
                let apt = Apt::updated(&folder)?;
                let current = names.iter().map(|name| apt.current(name));
                let packages = current.collect::<anyhow::Result<Vec<_>>>()?;
                for package in &packages {
                    fetch(&apt, &folder, package)?;
                }
                Lock::write(packages.clone(), lock_path)?;
                println!("image: {} written", lock_path.display());
                packages
            }
        };
        for package in &used {
            unpack(&folder, package)?;
        }
        Ok(Self { folder, used })
    }

    /// The packages' own names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.used.iter().map(|package| package.name.as_str())
    }

    /// Where the files of a package are.
    ///
    /// # Errors
    /// When no such package was asked for.
    pub fn files(&self, name: &str) -> anyhow::Result<PathBuf> {
        let mut used = self.used.iter();
        let package = used.find(|package| package.answers_to(name));
        let package = package.with_context(|| format!("{name} was not brought"))?;
        Ok(unpacked(&self.folder, package))
    }
}

/// One package of the lock; `apt` is updated only when something has to be downloaded.
fn one(
    folder: &Path,
    apt: &mut Option<Apt>,
    locked: Package,
    name: &str,
) -> anyhow::Result<Package> {
    if is_cached(folder, &locked)? {
        return Ok(locked);
    }
    // What stood in for it last time still does: the mirror is not asked at every build.
    let note = folder.join(format!("instead-of-{}.toml", locked.sha256));
    if let Ok(text) = fs::read_to_string(&note) {
        let substitute: Package = toml::from_str(&text)?;
        if is_cached(folder, &substitute)? {
            announce(&locked, &substitute);
            return Ok(substitute);
        }
    }
    let apt = match apt {
        Some(apt) => apt,
        None => apt.insert(Apt::updated(folder)?),
    };
    if apt.has(&locked) {
        fetch(apt, folder, &locked)?;
        return Ok(locked);
    }
    let substitute = apt.current(name)?;
    announce(&locked, &substitute);
    fetch(apt, folder, &substitute)?;
    fs::write(note, toml::to_string(&substitute)?)?;
    Ok(substitute)
}

fn announce(locked: &Package, substitute: &Package) {
    println!(
        "image: the mirror no longer has {} {}; taking the current {} {} instead \
         (--update-lock records it)",
        locked.name, locked.version, substitute.name, substitute.version
    );
}

fn deb(folder: &Path, package: &Package) -> PathBuf {
    folder.join(format!("debs/{}.deb", package.sha256))
}

fn is_cached(folder: &Path, package: &Package) -> anyhow::Result<bool> {
    let path = deb(folder, package);
    Ok(path.exists() && sha256_of_file(&path)? == package.sha256)
}

fn fetch(apt: &Apt, folder: &Path, package: &Package) -> anyhow::Result<()> {
    if is_cached(folder, package)? {
        return Ok(());
    }
    println!("image: downloading {} {}", package.name, package.version);
    let downloaded = apt.download(package, &folder.join("download"))?;
    let digest = sha256_of_file(&downloaded)?;
    if digest != package.sha256 {
        bail!(
            "{} {}: digest {digest} instead of {}",
            package.name,
            package.version,
            package.sha256
        );
    }
    let target = deb(folder, package);
    fs::create_dir_all(folder.join("debs"))?;
    fs::rename(&downloaded, &target).with_context(|| format!("keeping {}", target.display()))
}

fn unpacked(folder: &Path, package: &Package) -> PathBuf {
    folder.join("unpacked").join(&package.sha256)
}

/// Unpacks into a folder of the package's digest, which appears only when complete.
fn unpack(folder: &Path, package: &Package) -> anyhow::Result<()> {
    let target = unpacked(folder, package);
    if target.exists() {
        return Ok(());
    }
    println!("image: unpacking {} {}", package.name, package.version);
    let partial = target.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    run::run(
        run::program("dpkg-deb")
            .arg("--extract")
            .arg(deb(folder, package))
            .arg(&partial),
    )?;
    if package.answers_to(KERNEL) {
        depmod(&partial)?;
    }
    fs::rename(&partial, &target)?;
    Ok(())
}

/// Debian makes modules.dep at installation; the package has none. kmod wants the folder at
/// /lib, the package has it at /usr/lib.
fn depmod(unpacked: &Path) -> anyhow::Result<()> {
    let usr = unpacked.join("usr");
    for entry in fs::read_dir(usr.join("lib/modules"))? {
        let release = entry?.file_name();
        if !unpacked.join("lib").exists() {
            std::os::unix::fs::symlink("usr/lib", unpacked.join("lib"))?;
        }
        run::run(
            run::program("depmod")
                .arg("--basedir")
                .arg(unpacked)
                .arg(release),
        )?;
    }
    Ok(())
}

/// Hex SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn sha256_of_file(path: &Path) -> anyhow::Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}
