//! The built image, as `cargo xtask image` left it.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::bench;

/// Kernel, initramfs and the arguments that every boot must give.
#[derive(Clone, Debug)]
pub struct Image {
    /// Debian's kernel.
    pub kernel: PathBuf,
    /// The initramfs.
    pub initrd: PathBuf,
    /// What is laid over the initramfs for graphics cards' own drivers.
    pub graphics: PathBuf,
    /// The ISO of all.
    pub iso: PathBuf,
    /// What PCs start from over a network.
    pub netboot: PathBuf,
    /// Kernel arguments of the product, from the manifest.
    pub arguments: Vec<String>,
    /// All modules of this kernel, of which the image has some.
    pub modules: PathBuf,
    /// Debian's packages of which something is in it.
    pub packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Manifest {
    kernel_release: String,
    arguments: Vec<String>,
    packages: Vec<Package>,
}

/// One of Debian's packages.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Digest of its file.
    pub sha256: String,
}

impl Image {
    /// The image in `target/image`.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn built() -> anyhow::Result<Self> {
        let folder = bench::root().join("target/image");
        let manifest = folder.join("manifest.json");
        if !manifest.exists() {
            bail!(
                "no image in {}: run `cargo xtask image` first",
                folder.display()
            );
        }
        let text =
            std::fs::read(&manifest).with_context(|| format!("reading {}", manifest.display()))?;
        let manifest: Manifest = serde_json::from_slice(&text).context("parsing manifest.json")?;
        let mut packages = manifest.packages.iter();
        let kernel = packages
            .find(|package| package.name.starts_with("linux-image-"))
            .context("no kernel in manifest.json")?;
        let version = env!("CARGO_PKG_VERSION");
        Ok(Self {
            iso: folder.join(format!("raz-{version}.iso")),
            netboot: folder.join("netboot"),
            kernel: folder.join("vmlinuz"),
            initrd: folder.join("initrd.img"),
            graphics: folder.join("graphics.img"),
            arguments: manifest.arguments,
            modules: unpacked(kernel)
                .join("usr/lib/modules")
                .join(manifest.kernel_release),
            packages: manifest.packages,
        })
    }

    /// Where the files of one of Debian's packages are of which something is in it.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn package(&self, name: &str) -> anyhow::Result<PathBuf> {
        let mut packages = self.packages.iter();
        let package = packages.find(|package| package.name == name);
        Ok(unpacked(package.with_context(|| format!("no {name}"))?))
    }
}

fn unpacked(package: &Package) -> PathBuf {
    bench::root()
        .join("target/apt/unpacked")
        .join(&package.sha256)
}
