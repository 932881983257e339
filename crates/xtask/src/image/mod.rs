//! `cargo xtask image`: Debian's signed kernel, an initramfs with our agent, and the ISO of both.
//!
//! Nothing is compiled but the agent, nothing is signed by us, no module is unpacked: Debian's
//! signatures stay what they were. Same inputs, same bytes.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};

pub mod agent;
mod apt;
mod cpio;
mod firmware;
mod glob;
mod initrd;
pub mod iso;
mod licences;
mod lock;
mod modules;
mod netboot;
pub mod packages;
pub mod peers;
mod programs;
mod release;
mod sbom;
pub mod source;
mod tools;

/// What `cargo xtask image` takes.
#[derive(clap::Args, Default)]
pub struct Options {
    /// Put this static binary in as raz instead of building the agent
    #[arg(long, value_name = "PATH")]
    pub agent: Option<PathBuf>,
    /// Take the mirror's current packages and record them in image/packages.lock and image/tools.lock
    #[arg(long)]
    pub update_lock: bool,
    /// Sign target/image/manifest.json with this OpenSSH key
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Fail unless the image is to the last byte the one that this manifest.json is of
    #[arg(long, value_name = "MANIFEST")]
    pub same_as: Option<PathBuf>,
}

/// What lies in the image, beside it as manifest.json.
#[derive(Serialize, Deserialize)]
pub struct Manifest {
    schema: u32,
    kernel_release: String,
    /// Kernel arguments that every way of booting the image must give.
    arguments: Vec<String>,
    packages: Vec<lock::Package>,
    iso: Part,
    sbom: Part,
    vmlinuz: Part,
    initrd: Part,
    graphics: Part,
    agent: Part,
    modules: usize,
    /// The files of netboot, by name.
    netboot: BTreeMap<String, Part>,
}

impl Manifest {
    /// The files, by their names in the document.
    fn parts(&self) -> impl Iterator<Item = (&str, &Part)> {
        let netboot = self.netboot.iter();
        [
            ("iso", &self.iso),
            ("sbom", &self.sbom),
            ("vmlinuz", &self.vmlinuz),
            ("initrd", &self.initrd),
            ("graphics", &self.graphics),
            ("agent", &self.agent),
        ]
        .into_iter()
        .chain(netboot.map(|(name, part)| (name.as_str(), part)))
    }
}

/// Size and digest of one file.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    size_bytes: usize,
    sha256: String,
}

impl Part {
    fn of(bytes: &[u8]) -> Self {
        Self {
            size_bytes: bytes.len(),
            sha256: packages::sha256(bytes),
        }
    }
}

/// The ISO's name in target/image.
const ISO: &str = concat!("raz-", env!("CARGO_PKG_VERSION"), ".iso");
/// The bill of materials' name there.
const SBOM: &str = concat!("raz-", env!("CARGO_PKG_VERSION"), ".cdx.json");
const BUSYBOX: &str = "busybox-static";
/// Every package of which something is in the image.
const PACKAGES: &[&str] = &[
    apt::KERNEL,
    BUSYBOX,
    iso::SHIM,
    iso::MOK_MANAGER,
    iso::GRUB_SIGNED,
    iso::GRUB_IA32,
    iso::GRUB_PC,
    iso::GRUB_COMMON,
    iso::MEMTEST,
    netboot::IPXE,
];
/// 2026-01-01T00:00:00Z: the date of every file where SOURCE_DATE_EPOCH gives none.
const DATE_SECONDS: u32 = 1_767_225_600;

/// Builds target/image and says what went in.
pub fn build(root: &Path, options: &Options) -> anyhow::Result<Manifest> {
    let _alone = alone(&root.join("target"))?;
    let started = Instant::now();
    let inputs = root.join("image");
    let epoch_seconds = epoch_seconds()?;
    let lock = inputs.join("packages.lock");
    let wanted = [PACKAGES, firmware::PACKAGES].concat();
    let packages = packages::Packages::obtain(root, &lock, &wanted, options.update_lock)?;
    let tools = tools::Tools::lay(root, options.update_lock, epoch_seconds)?;
    let agent = match &options.agent {
        Some(path) => path.clone(),
        None => agent::build(root)?,
    };
    let agent = fs::read(&agent).with_context(|| format!("reading {}", agent.display()))?;
    agent::assert_static(&agent)?;

    let kernel = modules::Kernel::open(&packages.files(apt::KERNEL)?)?;
    let list = modules::List::read(&inputs.join("modules.list"))?;
    let selection = kernel.select(&list)?;
    let list = list.and(modules::List::read(&inputs.join("graphics.list"))?);
    let with_graphics = kernel.select(&list)?;
    let refused = firmware::Refused::read(&inputs.join("firmware.list"))?;
    let wanted = kernel.firmware(&selection.files)?;
    let wanted_besides = &kernel.firmware(&with_graphics.files)? - &wanted;

    let content = initrd::Content {
        inputs: &inputs,
        busybox: &packages.files(BUSYBOX)?,
        agent: &agent,
        kernel: &kernel,
        selection: &selection,
        firmware: &firmware::find(&wanted, &packages, &refused)?,
    };
    let initrd = initrd::write(&content, epoch_seconds)?;
    let firmware = firmware::find(&wanted_besides, &packages, &refused)?;
    let graphics = initrd::over(
        &kernel,
        &with_graphics,
        &selection,
        &firmware,
        epoch_seconds,
    )?;
    let vmlinuz = fs::read(kernel.vmlinuz()).context("reading the kernel")?;
    let arguments =
        fs::read_to_string(inputs.join("arguments")).context("reading image/arguments")?;
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let licences = licences::of(&packages)?;
    let sbom = sbom::write(root, &packages.used, &licences)?;
    let content = iso::Content {
        licences: &licences::file(&licences),
        vmlinuz: &vmlinuz,
        initrd: &initrd,
        graphics: &graphics,
        arguments: &arguments,
        boot: &inputs.join("boot"),
    };
    let iso = iso::write(
        &root.join("target"),
        &content,
        &packages,
        &tools,
        epoch_seconds,
    )?;
    let folder = root.join("target/image");
    let netboot = netboot::lay(&folder.join("netboot"), &content, &packages, &tools)?;
    let manifest = Manifest {
        schema: 3,
        kernel_release: kernel.release.clone(),
        arguments,
        iso: Part::of(&fs::read(&iso).context("reading the ISO")?),
        packages: packages.used,
        sbom: Part::of(&sbom),
        vmlinuz: Part::of(&vmlinuz),
        initrd: Part::of(&initrd),
        graphics: Part::of(&graphics),
        agent: Part::of(&agent),
        modules: selection.files.len(),
        netboot,
    };
    replace(&folder.join("vmlinuz"), &vmlinuz)?;
    replace(&folder.join("initrd.img"), &initrd)?;
    replace(&folder.join("graphics.img"), &graphics)?;
    replace(&folder.join(SBOM), &sbom)?;
    fs::rename(&iso, folder.join(ISO)).context("replacing the ISO")?;
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    let path = folder.join("manifest.json");
    replace(&path, &text)?;
    if let Some(key) = &options.sign {
        release::sign(&path, key)?;
    }
    println!(
        "image: {} · Linux {} · {} modules · agent {} KiB · initrd {} KiB · graphics {} KiB · {ISO} {} KiB · {:.1} s",
        folder.display(),
        manifest.kernel_release,
        manifest.modules,
        manifest.agent.size_bytes / 1024,
        manifest.initrd.size_bytes / 1024,
        manifest.graphics.size_bytes / 1024,
        manifest.iso.size_bytes / 1024,
        started.elapsed().as_secs_f32()
    );
    if let Some(theirs) = &options.same_as {
        release::compare(&manifest, theirs)?;
    }
    Ok(manifest)
}

fn epoch_seconds() -> anyhow::Result<u32> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().context("reading SOURCE_DATE_EPOCH"),
        Err(_) => Ok(DATE_SECONDS),
    }
}

/// Waits until no other build of the same checkout goes on, and keeps the next ones out until the
/// file is dropped: they would unpack and write to the same places.
fn alone(target: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(target)?;
    let path = target.join("image.lock");
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    let locked = match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            println!("image: another build is under way, waiting for it");
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    locked.with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

/// Writes beside the file and renames: a machine that boots meanwhile reads the old one whole.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes).with_context(|| format!("writing {}", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("replacing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_second_build_waits_for_the_first() {
        let target = tempfile::tempdir().unwrap();
        let built = target.path().join("built");
        let first = alone(target.path()).unwrap();
        let other = File::open(target.path().join("image.lock")).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                let _second = alone(target.path()).unwrap();
                built.exists()
            });
            fs::write(&built, "").unwrap();
            drop(first);
            assert!(
                second.join().unwrap(),
                "it began before the first was through"
            );
        });
        assert!(
            other.try_lock().is_ok(),
            "dropping the file lets the next in"
        );
    }
}
