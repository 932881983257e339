//! Debian packages on this machine, the image's and others: locked, downloaded once, unpacked once.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use super::apt::Apt;
use super::lock::{List, Lock, Package};
use crate::run;

/// Unpacked packages.
pub struct Packages {
    /// Root of the unpacked kernel package, with modules.dep made.
    pub kernel: PathBuf,
    /// Root of the unpacked busybox package.
    pub busybox: PathBuf,
    /// What was really taken, which is not always what the lock asks for.
    pub used: Lock,
}

/// Brings the locked packages, or the mirror's current ones where it has the locked no longer.
pub fn obtain(root: &Path, update_lock: bool) -> anyhow::Result<Packages> {
    let folder = root.join("target/apt");
    let lock_path = root.join("image/packages.lock");
    let locked = Lock::read(&lock_path)?.filter(|_| !update_lock);
    let used = match locked {
        Some(locked) => locked_or_current(&folder, locked)?,
        None => {
            let apt = Apt::updated(&folder)?;
            let current = Lock {
                kernel: apt.current_kernel()?,
                busybox: apt.current_busybox()?,
            };
            fetch(&apt, &folder, &current.kernel)?;
            fetch(&apt, &folder, &current.busybox)?;
            current.write(&lock_path)?;
            println!("image: {} written", lock_path.display());
            current
        }
    };
    let kernel = unpacked(&folder, &used.kernel, depmod)?;
    let busybox = unpacked(&folder, &used.busybox, |_| Ok(()))?;
    Ok(Packages {
        kernel,
        busybox,
        used,
    })
}

/// Brings packages that are not the image's, in the order of `names`, by a lock of their own; gives
/// back the root of each one unpacked.
///
/// # Errors
/// What the mirror, the unpacking or the lock has against it; also a lock without one of the names.
pub fn beside(
    root: &Path,
    lock_path: &Path,
    names: &[&str],
    update_lock: bool,
) -> anyhow::Result<Vec<PathBuf>> {
    let folder = root.join("target/apt");
    let locked = List::read(lock_path)?.filter(|_| !update_lock);
    let used = match locked {
        Some(locked) => {
            let mut apt = None;
            let named = names.iter().map(|name| {
                let package = locked
                    .named(name)
                    .with_context(|| format!("{}: no package {name}", lock_path.display()))?;
                one(&folder, &mut apt, package, |apt| apt.current(name))
            });
            named.collect::<anyhow::Result<Vec<_>>>()?
        }
        None => {
            let apt = Apt::updated(&folder)?;
            let current = names.iter().map(|name| apt.current(name));
            let packages = current.collect::<anyhow::Result<Vec<_>>>()?;
            for package in &packages {
                fetch(&apt, &folder, package)?;
            }
            List::write(&packages, lock_path)?;
            println!("image: {} written", lock_path.display());
            packages
        }
    };
    used.iter()
        .map(|package| unpacked(&folder, package, |_| Ok(())))
        .collect()
}

fn locked_or_current(folder: &Path, locked: Lock) -> anyhow::Result<Lock> {
    let mut apt = None;
    let kernel = one(folder, &mut apt, locked.kernel, Apt::current_kernel)?;
    let busybox = one(folder, &mut apt, locked.busybox, Apt::current_busybox)?;
    Ok(Lock { kernel, busybox })
}

/// One package of the lock; `apt` is updated only when something has to be downloaded.
fn one(
    folder: &Path,
    apt: &mut Option<Apt>,
    locked: Package,
    current: impl Fn(&Apt) -> anyhow::Result<Package>,
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
    let substitute = current(apt)?;
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

/// The package's files; unpacked into a folder of its digest, which appears only when complete.
fn unpacked(
    folder: &Path,
    package: &Package,
    finish: fn(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let target = folder.join("unpacked").join(&package.sha256);
    if target.exists() {
        return Ok(target);
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
    finish(&partial)?;
    fs::rename(&partial, &target)?;
    Ok(target)
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
