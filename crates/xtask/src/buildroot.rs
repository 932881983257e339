//! `cargo xtask buildroot`: what can be checked of buildroot-config/ without building for an hour.
//!
//! - Every line of the kernel's fragments survives `make olddefconfig` on the source of the image's own kernel:
//!   an option that was renamed, or lacks what it depends on, is dropped there without a word.
//! - Every applet of image/applets.list is in busybox's fragment, and what the files name is there.
//! - The scripts pass shellcheck, and `post-image.sh` makes the same ISO twice, here of the image's own kernel,
//!   initramfs and GRUB.
//! - Where BUILDROOT names a checkout of Buildroot, it takes the defconfig without losing a line of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::image::{self, packages::Packages};
use crate::run;

/// The folder in the checkout.
const FOLDER: &str = "buildroot-config";
/// The fragments, in the order in which Buildroot merges them.
const FRAGMENTS: &[&str] = &["base", "storage", "net", "input", "display", "security"];
/// What an applet is called in busybox's configuration, where it is not its name in capitals.
const APPLETS: &[(&str, &str)] = &[("sh", "SH_IS_ASH"), ("[", "TEST1")];

/// Runs all checks; the image must have been built.
pub fn check(root: &Path) -> anyhow::Result<()> {
    let tree = root.join(FOLDER);
    let mut findings = named_files(&tree)?;
    findings.extend(applets(root, &tree)?);
    findings.extend(lost_options(root, &tree)?);
    let script = tree.join("board/raz/post-image.sh");
    run::run(run::program("shellcheck").arg(&script))?;
    post_image(root, &script)?;
    match std::env::var_os("BUILDROOT") {
        Some(buildroot) => findings.extend(defconfig(root, &tree, Path::new(&buildroot))?),
        None => println!("buildroot: no BUILDROOT, so the defconfig was not loaded"),
    }
    for finding in &findings {
        println!("buildroot: {finding}");
    }
    println!("buildroot: {} findings", findings.len());
    ensure!(findings.is_empty(), "buildroot-config has findings");
    Ok(())
}

/// Paths below the tree that its own files name and that are not there.
fn named_files(tree: &Path) -> anyhow::Result<Vec<String>> {
    let mut missing = Vec::new();
    for file in ["configs/raz_x86_64_defconfig", "Config.in", "external.mk"] {
        let text =
            fs::read_to_string(tree.join(file)).with_context(|| format!("reading {file}"))?;
        for start in ["$(BR2_EXTERNAL_RAZ_PATH)/", "$BR2_EXTERNAL_RAZ_PATH/"] {
            for (at, _) in text.match_indices(start) {
                let path = &text[at + start.len()..];
                let end = path.find([' ', '"', ')', '\n']).unwrap_or(path.len());
                let path = &path[..end];
                if !path.contains('*') && !tree.join(path).exists() {
                    missing.push(format!("{file} names {path}, which is not there"));
                }
            }
        }
    }
    Ok(missing)
}

/// Applets that the image's scripts may call and that busybox would not have.
fn applets(root: &Path, tree: &Path) -> anyhow::Result<Vec<String>> {
    let wanted = fs::read_to_string(root.join("image/applets.list"))?;
    let fragment = fs::read_to_string(tree.join("board/raz/busybox.config"))?;
    let has: BTreeSet<&str> = fragment.lines().collect();
    let missing = wanted.split_whitespace().filter_map(|applet| {
        let special = APPLETS.iter().find(|(name, _)| *name == applet);
        let option = match special {
            Some((_, option)) => (*option).to_owned(),
            None => applet.to_uppercase(),
        };
        let line = format!("CONFIG_{option}=y");
        (!has.contains(line.as_str())).then(|| format!("busybox.config has no {line}"))
    });
    Ok(missing.collect())
}

/// Lines of the fragments that the kernel's configuration does not keep.
fn lost_options(root: &Path, tree: &Path) -> anyhow::Result<Vec<String>> {
    let source = image::source::kernel(root)?;
    let make = |target: &str| {
        let mut command = run::program("make");
        command
            .current_dir(&source)
            .args(["--silent", "ARCH=x86", target]);
        // It warns of each line that replaces one of the defconfig's.
        run::output(&mut command)
    };
    make("x86_64_defconfig")?;
    let path = source.join(".config");
    let mut text = fs::read_to_string(&path)?;
    let mut wanted = Vec::new();
    for name in FRAGMENTS {
        let fragment = tree.join(format!("board/raz/linux/{name}.config"));
        let fragment = fs::read_to_string(&fragment)
            .with_context(|| format!("reading {}", fragment.display()))?;
        text.push_str(&fragment);
        wanted.extend(
            fragment
                .lines()
                .filter(|line| option(line).is_some())
                .map(|line| (*name, line.to_owned())),
        );
    }
    fs::write(&path, text)?;
    make("olddefconfig")?;
    let kept = fs::read_to_string(&path)?;
    Ok(lost(&wanted, &kept))
}

/// The option that a line of a configuration sets or leaves out.
fn option(line: &str) -> Option<&str> {
    match line.strip_prefix("# ") {
        Some(rest) => rest.strip_suffix(" is not set"),
        None => line.split_once('=').map(|(name, _)| name),
    }
    .filter(|name| name.starts_with("CONFIG_"))
}

/// What is wanted and not kept; an option that cannot be set at all is left out as wanted.
fn lost(wanted: &[(&str, String)], kept: &str) -> Vec<String> {
    let lines: BTreeSet<&str> = kept.lines().collect();
    let set: BTreeSet<&str> = lines
        .iter()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| option(line))
        .collect();
    let mut seen = BTreeSet::new();
    let mut lost = Vec::new();
    for (fragment, line) in wanted {
        let Some(name) = option(line) else { continue };
        if !seen.insert(name) {
            lost.push(format!("{fragment}.config: {name} stands twice"));
        }
        let is_kept = match line.starts_with('#') {
            true => !set.contains(name),
            false => lines.contains(line.as_str()),
        };
        if !is_kept {
            lost.push(format!(
                "{fragment}.config: the kernel does not keep {line}"
            ));
        }
    }
    lost
}

/// Makes the ISO twice of what the image is made of.
fn post_image(root: &Path, script: &Path) -> anyhow::Result<()> {
    let lock = root.join("image/packages.lock");
    let names = [
        image::iso::GRUB_PC,
        image::iso::GRUB_SIGNED,
        image::iso::GRUB_IA32,
    ];
    let packages = Packages::obtain(root, &lock, &names, false)?;
    let grub = |name: &str| Ok::<_, anyhow::Error>(packages.files(name)?.join("usr/lib/grub"));
    let built = root.join("target/image");
    let sources: [(PathBuf, &str); 6] = [
        (built.join("vmlinuz"), "bzImage"),
        (built.join("initrd.img"), "rootfs.cpio.gz"),
        (
            root.join("target/iso/eltorito.img"),
            "raz-grub/eltorito.img",
        ),
        (
            grub(image::iso::GRUB_PC)?.join("i386-pc/boot_hybrid.img"),
            "raz-grub/boot_hybrid.img",
        ),
        (
            grub(image::iso::GRUB_SIGNED)?.join("x86_64-efi-signed/gcdx64.efi.signed"),
            "raz-grub/BOOTX64.EFI",
        ),
        (
            grub(image::iso::GRUB_IA32)?.join("i386-efi/monolithic/gcdia32.efi"),
            "raz-grub/BOOTIA32.EFI",
        ),
    ];
    let folder = root.join("target/buildroot/images");
    let mut digests = Vec::new();
    for _ in 0..2 {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("raz-grub"))?;
        for (source, name) in &sources {
            fs::copy(source, folder.join(name))
                .with_context(|| format!("copying {}", source.display()))?;
        }
        run::run(run::program(script).arg(&folder))?;
        let iso = fs::read(folder.join("raz.iso")).context("post-image.sh made no raz.iso")?;
        digests.push(image::packages::sha256(&iso));
    }
    ensure!(
        digests[0] == digests[1],
        "post-image.sh makes other bytes each time"
    );
    Ok(())
}

/// Lines of the defconfig that Buildroot does not give back.
fn defconfig(root: &Path, tree: &Path, buildroot: &Path) -> anyhow::Result<Vec<String>> {
    let output = root.join("target/buildroot/output");
    let saved = root.join("target/buildroot/saved_defconfig");
    let make = |arguments: &[String]| {
        run::output(
            run::program("make")
                .arg("--silent")
                .arg("-C")
                .arg(buildroot)
                .arg(format!("O={}", output.display()))
                .arg(format!("BR2_EXTERNAL={}", tree.display()))
                .args(arguments),
        )
    };
    make(&["raz_x86_64_defconfig".into()])?;
    make(&[
        "savedefconfig".into(),
        format!("BR2_DEFCONFIG={}", saved.display()),
    ])?;
    let ours = fs::read_to_string(tree.join("configs/raz_x86_64_defconfig"))?;
    let theirs = fs::read_to_string(&saved)?;
    let theirs: BTreeSet<&str> = theirs.lines().collect();
    Ok(ours
        .lines()
        .filter(|line| !theirs.contains(line))
        .map(|line| format!("Buildroot does not keep {line}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_that_is_dropped_or_comes_back_or_stands_twice_is_found() {
        let wanted = |lines: &[&str]| -> Vec<(&str, String)> {
            lines
                .iter()
                .map(|line| ("net", (*line).to_owned()))
                .collect()
        };
        let kept = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\nCONFIG_D=y\n";
        assert!(lost(&wanted(&["CONFIG_A=y", "# CONFIG_B is not set"]), kept).is_empty());
        // An option that the kernel does not know is out, too.
        assert!(lost(&wanted(&["# CONFIG_GONE is not set"]), kept).is_empty());
        for line in [
            "CONFIG_B=y",
            "CONFIG_C=y",
            "CONFIG_GONE=y",
            "# CONFIG_D is not set",
        ] {
            let found = lost(&wanted(&[line]), kept);
            assert_eq!(
                found,
                [format!("net.config: the kernel does not keep {line}")]
            );
        }
        let twice = lost(&wanted(&["CONFIG_A=y", "CONFIG_A=y"]), kept);
        assert_eq!(twice, ["net.config: CONFIG_A stands twice"]);
    }

    #[test]
    fn file_that_is_named_and_not_there_is_found() {
        let tree = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = tree.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "Config.in",
            "source \"$BR2_EXTERNAL_RAZ_PATH/package/x/Config.in\"\n",
        );
        write(
            "external.mk",
            "include $(wildcard $(BR2_EXTERNAL_RAZ_PATH)/package/*/*.mk)\n",
        );
        write(
            "configs/raz_x86_64_defconfig",
            "X=\"$(BR2_EXTERNAL_RAZ_PATH)/a $(BR2_EXTERNAL_RAZ_PATH)/b\"\n",
        );
        write("a", "");
        let found = named_files(tree.path()).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("names b,") && found[1].contains("package/x/Config.in"));
    }
}
