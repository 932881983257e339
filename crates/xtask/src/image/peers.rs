//! `cargo xtask peers`: other people's tools for the lab's guests, in target/peers.
//!
//! hdparm, sg3-utils, nvme-cli and smartmontools judge the simulated drives beside raz. They are
//! Debian's packages of the image's suite, by a lock of their own (tests/peers.lock). Nothing of
//! them is in the image: the lab lays the folder before its initramfs.

use std::path::Path;

use super::{alone, programs};

/// Each package, and the files of it that a guest gets.
const PACKAGES: &[programs::Files] = &[
    ("hdparm", &["usr/sbin/hdparm"]),
    (
        "sg3-utils",
        &[
            "usr/bin/sg_format",
            "usr/bin/sg_inq",
            "usr/bin/sg_readcap",
            "usr/bin/sg_requests",
            "usr/bin/sg_reset",
            "usr/bin/sg_sanitize",
        ],
    ),
    ("nvme-cli", &["usr/sbin/nvme"]),
    ("smartmontools", &["usr/sbin/smartctl"]),
    (
        "libc6",
        &[
            "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "usr/lib/x86_64-linux-gnu/libc.so.6",
            "usr/lib/x86_64-linux-gnu/libm.so.6",
        ],
    ),
    ("libgcc-s1", &["usr/lib/x86_64-linux-gnu/libgcc_s.so.1"]),
    ("libjson-c5", &["usr/lib/x86_64-linux-gnu/libjson-c.so.5"]),
    (
        "libkeyutils1",
        &["usr/lib/x86_64-linux-gnu/libkeyutils.so.1"],
    ),
    (
        "libnvme1t64",
        &[
            "usr/lib/x86_64-linux-gnu/libnvme.so.1",
            "usr/lib/x86_64-linux-gnu/libnvme-mi.so.1",
        ],
    ),
    (
        "libpcre2-8-0",
        &["usr/lib/x86_64-linux-gnu/libpcre2-8.so.0"],
    ),
    ("libselinux1", &["usr/lib/x86_64-linux-gnu/libselinux.so.1"]),
    (
        "libsgutils2-1.48",
        &["usr/lib/x86_64-linux-gnu/libsgutils2-1.48.so.2"],
    ),
    ("libssl3t64", &["usr/lib/x86_64-linux-gnu/libcrypto.so.3"]),
    ("libstdc++6", &["usr/lib/x86_64-linux-gnu/libstdc++.so.6"]),
    ("libzstd1", &["usr/lib/x86_64-linux-gnu/libzstd.so.1"]),
    ("zlib1g", &["usr/lib/x86_64-linux-gnu/libz.so.1"]),
];

/// What `cargo xtask peers` takes.
#[derive(clap::Args, Default)]
pub struct Options {
    /// Take the mirror's current packages and record them in tests/peers.lock
    #[arg(long)]
    pub update_lock: bool,
}

/// Lays programs and libraries into target/peers, all of them in one folder.
pub fn lay(root: &Path, options: &Options) -> anyhow::Result<()> {
    let _alone = alone(&root.join("target"))?;
    let folder = root.join("target/peers");
    let lock = root.join("tests/peers.lock");
    let count = programs::lay(root, &lock, PACKAGES, &folder, options.update_lock)?;
    println!("peers: {} · {count} files", folder.display());
    Ok(())
}
