//! The static binary raz.
//!
//! So far only what the image's init needs at boot.

mod coldplug;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;

#[derive(Parser)]
#[command(name = "raz", version)]
enum Arguments {
    /// Load the kernel modules for the hardware that is there
    Coldplug {
        /// Folder with modules.dep; the running kernel's when absent
        #[arg(long)]
        modules: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    let Arguments::Coldplug { modules } = Arguments::parse();
    let modules = match modules {
        Some(folder) => folder,
        None => {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .context("reading the kernel's release")?;
            Path::new("/lib/modules").join(release.trim())
        }
    };
    let loaded = coldplug::run(&modules, Path::new("/sys"))?;
    for (module, reason) in &loaded.refused {
        println!("{module}: {reason}");
    }
    println!(
        "{} modules for {} devices, {} refused, {} rounds",
        loaded.modules.len(),
        loaded.devices,
        loaded.refused.len(),
        loaded.rounds
    );
    Ok(())
}
