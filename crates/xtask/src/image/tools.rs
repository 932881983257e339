//! The programs that put the ISO together, by a lock of their own (image/tools.lock): the same bytes come
//! out on any machine, and nothing has to be installed on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs;
use crate::run;

/// Where the loader of the tools looks for what it loads.
const LOADER: &str = "ld-linux-x86-64.so.2";

/// Each package, and the files of it that are needed.
const PACKAGES: &[programs::Files] = &[
    ("grub-common", &["usr/bin/grub-mkimage"]),
    ("kbd", &["usr/bin/loadkeys"]),
    ("mtools", &["usr/bin/mtools"]),
    ("xorriso", &["usr/bin/xorriso"]),
    (
        "libc6",
        &[
            "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "usr/lib/x86_64-linux-gnu/libc.so.6",
            "usr/lib/x86_64-linux-gnu/libm.so.6",
        ],
    ),
    ("libacl1", &["usr/lib/x86_64-linux-gnu/libacl.so.1"]),
    ("libburn4t64", &["usr/lib/x86_64-linux-gnu/libburn.so.4"]),
    ("libbz2-1.0", &["usr/lib/x86_64-linux-gnu/libbz2.so.1.0"]),
    ("libcap2", &["usr/lib/x86_64-linux-gnu/libcap.so.2"]),
    (
        "libdevmapper1.02.1",
        &["usr/lib/x86_64-linux-gnu/libdevmapper.so.1.02.1"],
    ),
    (
        "libisoburn1t64",
        &["usr/lib/x86_64-linux-gnu/libisoburn.so.1"],
    ),
    ("libisofs6t64", &["usr/lib/x86_64-linux-gnu/libisofs.so.6"]),
    ("libjte2", &["usr/lib/x86_64-linux-gnu/libjte.so.2"]),
    ("liblzma5", &["usr/lib/x86_64-linux-gnu/liblzma.so.5"]),
    (
        "libpcre2-8-0",
        &["usr/lib/x86_64-linux-gnu/libpcre2-8.so.0"],
    ),
    (
        "libreadline8t64",
        &["usr/lib/x86_64-linux-gnu/libreadline.so.8"],
    ),
    ("libselinux1", &["usr/lib/x86_64-linux-gnu/libselinux.so.1"]),
    ("libtinfo6", &["usr/lib/x86_64-linux-gnu/libtinfo.so.6"]),
    ("libudev1", &["usr/lib/x86_64-linux-gnu/libudev.so.1"]),
    ("zlib1g", &["usr/lib/x86_64-linux-gnu/libz.so.1"]),
];

/// GRUB's image maker, loadkeys, mtools and xorriso.
pub struct Tools {
    folder: PathBuf,
    epoch_seconds: u32,
}

impl Tools {
    /// Lays them into target/tools. Files that they make are of this date, in seconds since 1970.
    pub fn lay(root: &Path, update_lock: bool, epoch_seconds: u32) -> anyhow::Result<Self> {
        let folder = root.join("target/tools");
        let lock = root.join("image/tools.lock");
        programs::lay(root, &lock, PACKAGES, &folder, update_lock)?;
        Ok(Self {
            folder,
            epoch_seconds,
        })
    }

    /// One of them, as it is to be run.
    pub fn command(&self, name: &str) -> Command {
        let mut command = run::program(self.folder.join(LOADER));
        command
            .arg("--library-path")
            .arg(&self.folder)
            .arg(self.folder.join(name))
            .env("TZ", "UTC")
            .env("SOURCE_DATE_EPOCH", self.epoch_seconds.to_string());
        command
    }
}
