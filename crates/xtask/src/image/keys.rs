//! Tables of keys for the console's keyboard: Debian's, in the form in which `loadkeys -b` writes them.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};

use super::packages::Packages;
use super::tools::Tools;

/// Where the tables are.
pub const PACKAGE: &str = "console-data";
/// raz's name of a layout (`raz.keyboard=`), and Debian's.
const LAYOUTS: &[(&str, &str)] = &[
    ("be", "azerty/be-latin1"),
    ("ch", "qwertz/fr_CH-latin1"),
    ("de", "qwertz/de-latin1"),
    ("es", "qwerty/es"),
    ("fr", "azerty/fr-latin9"),
    ("gb", "qwerty/uk"),
    ("it", "qwerty/it"),
    ("us", "qwerty/us"),
];

/// The tables by their file's name.
pub fn tables(packages: &Packages, tools: &Tools) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let folder = packages.files(PACKAGE)?.join("usr/share/keymaps/i386");
    let mut tables = BTreeMap::new();
    for (name, debians) in LAYOUTS {
        let output = tools
            .command("loadkeys")
            .args(["--quiet", "--unicode", "--bkeymap"])
            .arg(folder.join(format!("{debians}.kmap.gz")))
            .env("LOADKEYS_KEYMAP_PATH", &folder)
            .output()
            .context("starting loadkeys")?;
        ensure!(
            output.status.success() && output.stdout.starts_with(b"bkeymap"),
            "loadkeys {debians}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        tables.insert(format!("{name}.bkeymap"), output.stdout);
    }
    Ok(tables)
}
